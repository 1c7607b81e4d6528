/*
 * Requests of moderators and admins (XEP-0045 §8.2 to §9.9): lists, and changes
 * of roles by nick and of affiliations by JID. All items of a request are
 * checked before the first is carried out.
 *
 * SPDX-License-Identifier: MIT
 */
#include "muc/muc.h"
#include "muc/people.h"
#include "muc/talk.h"

struct change {
	struct occupant *occupant; /* a role's */
	struct ln_jid jid;         /* an affiliation's, bare */
	bool by_role;
	int value; /* enum role or enum affiliation */
	const char *nick, *reason;
};

static struct person
person_of(const struct here *here, const struct ln_jid *jid)
{
	const struct visit *visit = visit_by_jid(here->room, jid);

	return (struct person){ .role = visit != NULL ? visit->occupant->role : ROLE_NONE,
		.affiliation = affiliation_of(here, jid) };
}

/* --- lists ------------------------------------------------------------------------------------- */

static void
list_affiliated(struct here *here, struct ln_elem *query, enum affiliation affiliation)
{
	const struct affiliated *each;

	TAILQ_FOREACH(each, &here->room->affiliated, link) {
		struct ln_elem *item;

		if (each->affiliation != affiliation)
			continue;
		item = ln_elem_add(query, "item", NS_MUC_ADMIN);
		ln_set_attr(item, "affiliation", affiliation_name(affiliation));
		ln_set_attr(item, "jid", each->jid.full);
		ln_set_attr(item, "nick", each->nick);
		if (each->reason != NULL)
			ln_add_text(item, "reason", each->reason);
	}
}

static void
list_roles(struct here *here, struct ln_elem *query, enum role role)
{
	const struct occupant *each;

	TAILQ_FOREACH(each, &here->room->occupants, link) {
		struct ln_elem *item;

		if (each->role != role)
			continue;
		item = ln_elem_add(query, "item", NS_MUC_ADMIN);
		ln_set_attr(item, "affiliation",
		    affiliation_name(affiliation_of(here, &each->bare)));
		ln_set_attr(item, "role", role_name(role));
		ln_set_attr(item, "nick", ln_jid_resource(&each->jid));
		ln_set_attr(item, "jid", TAILQ_FIRST(&each->visits)->jid.full);
	}
}

/* §9.5: members see the list in non-anonymous rooms; `getmemberlist` says with what role. */
static bool
may_list(const struct here *here, const struct person *asker, enum affiliation affiliation)
{
	const struct room_config *config = &here->room->config;

	if (asker->affiliation >= AFF_ADMIN)
		return true;
	if (affiliation == AFF_OUTCAST || config->whois != WHOIS_ANYONE)
		return false;
	return asker->affiliation == AFF_MEMBER ||
	    (asker->role != ROLE_NONE && (config->member_list & ROLE_BIT(asker->role)) != 0);
}

static enum ln_verdict
answer_list(struct here *here, struct ln_ev_iq *ev, int affiliation, int role)
{
	struct ln_stanza *result = ln_iq_result(ev->stanza);
	struct ln_elem *query = ln_add(result, "query", NS_MUC_ADMIN);

	if (affiliation >= 0)
		list_affiliated(here, query, (enum affiliation)affiliation);
	else
		list_roles(here, query, (enum role)role);
	return ln_answer(ev, result);
}

enum ln_verdict
admin_get(struct here *here, struct ln_ev_iq *ev)
{
	const struct ln_elem *item = ln_elem_child(ev->query, "item", NS_MUC_ADMIN);
	struct person asker = person_of(here, ln_from(ev->stanza));
	int affiliation, role;

	if (item == NULL)
		return ln_refuse(ev->stanza, LN_ERR_BAD_REQUEST, "Which list?");
	affiliation = affiliation_of_name(ln_elem_attr(item, "affiliation"));
	role = role_of_name(ln_elem_attr(item, "role"));
	if ((affiliation < 0) == (role < 0) || affiliation == AFF_NONE || role == ROLE_NONE)
		return ln_refuse(ev->stanza, LN_ERR_BAD_REQUEST, "There is no such list.");
	if (affiliation >= 0 && !may_list(here, &asker, (enum affiliation)affiliation))
		return ln_refuse(ev->stanza, LN_ERR_FORBIDDEN, "%s", "");
	if (role >= 0 && asker.role != ROLE_MODERATOR && asker.affiliation < AFF_ADMIN)
		return ln_refuse(ev->stanza, LN_ERR_FORBIDDEN, "%s", "");
	return answer_list(here, ev, affiliation, role);
}

/* --- changes: reading -------------------------------------------------------------------------- */

/* LN_ERR_COUNT: well. */
static enum ln_error
read_role(struct here *here, const struct ln_elem *item, struct change *change)
{
	const char *nick = ln_elem_attr(item, "nick");
	int role = role_of_name(ln_elem_attr(item, "role"));

	if (nick == NULL || role < 0)
		return LN_ERR_BAD_REQUEST;
	change->by_role = true;
	change->value = role;
	change->occupant = occupant_by_nick(here->room, nick);
	return change->occupant != NULL ? LN_ERR_COUNT : LN_ERR_ITEM_NOT_FOUND;
}

/* §9: by JID; a nick alone names the one who has it. */
static enum ln_error
read_affiliation(struct here *here, const struct ln_elem *item, struct change *change)
{
	const char *text = ln_elem_attr(item, "jid"), *nick = ln_elem_attr(item, "nick");
	int affiliation = affiliation_of_name(ln_elem_attr(item, "affiliation"));
	const struct occupant *named;
	struct ln_jid jid;

	if (affiliation < 0)
		return LN_ERR_BAD_REQUEST;
	change->value = affiliation;
	if (text == NULL) {
		named = nick != NULL ? occupant_by_nick(here->room, nick) : NULL;
		if (named == NULL)
			return nick != NULL ? LN_ERR_ITEM_NOT_FOUND : LN_ERR_BAD_REQUEST;
		change->jid = ln_jid_clone(ln_elem_arena(item), &named->bare);
		return LN_ERR_COUNT;
	}
	if (ln_jid_parse(ln_elem_arena(item), text, strlen(text), &jid) != LN_JID_OK)
		return LN_ERR_JID_MALFORMED;
	change->jid = ln_jid_bare(ln_elem_arena(item), &jid);
	change->nick = nick;
	return LN_ERR_COUNT;
}

static enum ln_error
read_change(struct here *here, const struct ln_elem *item, struct change *change)
{
	bool role = ln_elem_attr(item, "role") != NULL;

	*change = (struct change){ .reason = ln_elem_child_text(item, "reason", NS_MUC_ADMIN) };
	if (role == (ln_elem_attr(item, "affiliation") != NULL))
		return LN_ERR_BAD_REQUEST; /* §17.4: one of them */
	return role ? read_role(here, item, change) : read_affiliation(here, item, change);
}

/* --- changes: checking and carrying out ---------------------------------------------------------- */

static enum ln_error
check_nick_change(const struct here *here, const struct change *change)
{
	const struct affiliated *owner =
	    change->nick != NULL ? nick_owner(here->room, change->nick) : NULL;

	if (owner != NULL && !ln_jid_same_bare(&owner->jid, &change->jid))
		return LN_ERR_CONFLICT;
	if (change->nick != NULL && *change->nick != '\0' && nick_check(here, change->nick) != NULL)
		return LN_ERR_NOT_ACCEPTABLE;
	return LN_ERR_COUNT;
}

static enum ln_error
check_change(struct here *here, const struct ln_jid *from, const struct change *change)
{
	struct person actor = person_of(here, from), target;

	if (change->by_role) {
		target = (struct person){ .role = change->occupant->role,
			.affiliation = affiliation_of(here, &change->occupant->bare) };
		actor.self = ln_jid_same_bare(&change->occupant->bare, from);
		return check_role_change(&actor, &target, (enum role)change->value);
	}
	if (!ln_jid_has_local(&change->jid) && change->value > AFF_NONE)
		return LN_ERR_NOT_ALLOWED; /* a domain may be banned, no more */
	target = person_of(here, &change->jid);
	actor.self = ln_jid_same_bare(&change->jid, from);
	if (check_nick_change(here, change) != LN_ERR_COUNT)
		return check_nick_change(here, change);
	return check_affiliation_change(&actor, &target, (enum affiliation)change->value,
	    affiliation_count(here->room, AFF_OWNER));
}

/* §10.5: together the changes leave an owner. Of one who is named twice the last word counts. */
static bool
leaves_an_owner(const struct here *here, struct change *changes, size_t count)
{
	const unsigned before = affiliation_count(here->room, AFF_OWNER);
	unsigned owners = before;
	struct ln_dict *settled = ln_dict_new();

	for (size_t i = count; i-- > 0;) {
		const struct affiliated *now;

		if (changes[i].by_role || ln_dict_get(settled, changes[i].jid.full) != NULL)
			continue;
		ln_dict_set(settled, changes[i].jid.full, &changes[i]);
		now = affiliation_find(here->room, &changes[i].jid);
		owners -= now != NULL && now->affiliation == AFF_OWNER;
		owners += changes[i].value == AFF_OWNER;
	}
	ln_dict_free(&settled);
	return owners > 0 || before == 0;
}

/* Together the changes make the room know more people than it may. */
static bool
makes_too_many(const struct here *here, const struct change *changes, size_t count)
{
	int64_t fresh = 0;

	for (size_t i = 0; i < count; i++)
		fresh += !changes[i].by_role && changes[i].value != AFF_NONE &&
		    affiliation_find(here->room, &changes[i].jid) == NULL;
	return fresh > 0 &&
	    (int64_t)ln_dict_count(here->room->affiliations) + fresh > here->conf->max_affiliations;
}

static void
carry_out(struct here *here, const struct change *change, const char *actor)
{
	struct notice notice = { .reason = change->reason, .actor_nick = actor };
	bool stranger;

	if (change->by_role) {
		change_role(here, change->occupant, (enum role)change->value, &notice);
		return;
	}
	stranger = affiliation_of(here, &change->jid) == AFF_NONE;
	change_affiliation(here, &change->jid, (enum affiliation)change->value, change->nick,
	    &notice);
	if (here->room->exists && here->room->config.members_only && stranger &&
	    change->value == AFF_MEMBER && occupant_next_of(here->room, NULL, &change->jid) == NULL)
		invite_new_member(here, &change->jid, change->reason);
}

/* An occupant may be gone by an earlier item: he is looked for again by his nick. */
static void
carry_all_out(struct here *here, const struct ln_elem *query, struct change *changes, size_t count,
    const char *actor)
{
	const struct ln_elem *item = ln_elem_child(query, "item", NS_MUC_ADMIN);

	for (size_t i = 0; i < count && here->room->exists;
	     i++, item = ln_elem_next_is(item, "item", NS_MUC_ADMIN)) {
		if (changes[i].by_role)
			changes[i].occupant =
			    occupant_by_nick(here->room, ln_elem_attr(item, "nick"));
		if (!changes[i].by_role || changes[i].occupant != NULL)
			carry_out(here, &changes[i], actor);
	}
}

static enum ln_verdict
refuse_change(struct ln_ev_iq *ev, enum ln_error error)
{
	return ln_refuse(ev->stanza, error, "%s",
	    error == LN_ERR_RESOURCE_CONSTRAINT ? "The room knows too many people." : "");
}

enum ln_verdict
admin_set(struct here *here, struct ln_ev_iq *ev)
{
	const struct ln_jid *from = ln_from(ev->stanza);
	const struct visit *visit = visit_by_jid(here->room, from);
	size_t count = 0, room = ln_elem_count(ev->query);
	struct change *changes = muc_alloc((room + 1) * sizeof *changes);
	const struct ln_elem *item = ln_elem_child(ev->query, "item", NS_MUC_ADMIN);
	enum ln_error error = item != NULL ? LN_ERR_COUNT : LN_ERR_BAD_REQUEST;
	const char *nick = visit != NULL ? ln_jid_resource(&visit->occupant->jid) : NULL;
	char *actor = nick != NULL ? muc_copy(nick) : NULL;

	for (; item != NULL && error == LN_ERR_COUNT;
	     item = ln_elem_next_is(item, "item", NS_MUC_ADMIN)) {
		error = read_change(here, item, &changes[count]);
		if (error == LN_ERR_COUNT)
			error = check_change(here, from, &changes[count++]);
	}
	if (error == LN_ERR_COUNT && makes_too_many(here, changes, count))
		error = LN_ERR_RESOURCE_CONSTRAINT;
	if (error == LN_ERR_COUNT && !leaves_an_owner(here, changes, count))
		error = LN_ERR_CONFLICT;
	if (error != LN_ERR_COUNT) {
		refuse_change(ev, error);
	} else {
		ln_answer(ev, ln_iq_result(ev->stanza));
		carry_all_out(here, ev->query, changes, count, actor);
	}
	free(actor);
	free(changes);
	return LN_DONE;
}
