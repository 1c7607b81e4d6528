/*
 * Registering with a room (XEP-0045 §7.10, §9.10): a nick is reserved, and who
 * registers is a member. In a room for members only the admins are asked.
 *
 * SPDX-License-Identifier: MIT
 */
#include "muc/muc.h"
#include "muc/people.h"
#include "muc/talk.h"

#define ROOMNICK "muc#register_roomnick"
#define ALLOW "muc#register_allow"
#define PENDING_MAX 100 /* requests of a room that wait for an admin */

/* What an admin may want to know, where one reads it; none of it is kept. */
static const struct detail {
	const char *var, *label;
} details[] = {
	{ "muc#register_first", "Given name" },
	{ "muc#register_last", "Family name" },
	{ "muc#register_email", "E-mail address" },
	{ "muc#register_url", "Web page" },
	{ "muc#register_faqentry", "What else is to be said" },
};
#define DETAILS (sizeof details / sizeof *details)

struct pending_registration {
	struct pending_registration *next;
	struct ln_jid jid;
	char *nick;
};

static bool
is_asked(const struct here *here, enum affiliation affiliation)
{
	return affiliation == AFF_NONE && here->room->config.members_only;
}

static const char *
type_of(const struct detail *detail)
{
	return detail == &details[DETAILS - 1] ? "text-multi" : "text-single";
}

static void
add_form(struct ln_elem *query, bool asked)
{
	struct ln_elem *form = ln_form_add(query, "form", NS_MUC_REGISTER);

	ln_form_title(form, "Registration");
	ln_form_instructions(form, "Please say how you want to be called in this room.");
	ln_form_require(ln_form_field(form, ROOMNICK, "text-single", "Nickname"));
	for (size_t i = 0; asked && i < DETAILS; i++)
		ln_form_field(form, details[i].var, type_of(&details[i]), details[i].label);
}

enum ln_verdict
register_get(struct here *here, struct ln_ev_iq *ev)
{
	const struct affiliated *affiliated = affiliation_find(here->room, ln_from(ev->stanza));
	struct ln_stanza *result;
	struct ln_elem *query;

	if (affiliation_of(here, ln_from(ev->stanza)) == AFF_OUTCAST)
		return ln_refuse(ev->stanza, LN_ERR_NOT_ALLOWED, "%s", "");
	result = ln_iq_result(ev->stanza);
	query = ln_add(result, "query", NS_REGISTER);
	if (affiliated != NULL && affiliated->nick != NULL) {
		ln_elem_add(query, "registered", NS_REGISTER);
		ln_add_text(query, "username", affiliated->nick);
	} else {
		add_form(query, is_asked(here, affiliation_of(here, ln_from(ev->stanza))));
	}
	return ln_answer(ev, result);
}

/* --- asking admins --------------------------------------------------------------------------------- */

static struct pending_registration **
find(struct room *room, const struct ln_jid *jid)
{
	struct pending_registration **at = &room->registrations;

	while (*at != NULL && !ln_jid_same_bare(&(*at)->jid, jid))
		at = &(*at)->next;
	return at;
}

static void
drop(struct pending_registration **at)
{
	struct pending_registration *pending = *at;

	*at = pending->next;
	ln_jid_free(&pending->jid);
	free(pending->nick);
	free(pending);
}

void
register_free(struct room *room)
{
	while (room->registrations != NULL)
		drop(&room->registrations);
}

static void
add_details(struct ln_elem *to, const struct ln_elem *from)
{
	for (size_t i = 0; i < DETAILS; i++) {
		const struct ln_elem *given = ln_form_get(from, details[i].var), *value;
		struct ln_elem *field;

		value = given != NULL ? ln_form_first_value(given) : NULL;
		if (value == NULL)
			continue;
		field = ln_form_field(to, details[i].var, type_of(&details[i]), details[i].label);
		for (; value != NULL; value = ln_form_next_value(value))
			ln_form_value(field, ln_elem_text(value));
	}
}

static void
send_request(struct here *here, const struct ln_jid *to, const struct pending_registration *pending,
    const struct ln_elem *given)
{
	struct ln_stanza *st = ln_stanza_new(LN_MESSAGE, LN_NORMAL, ln_node_jid(here->node), to);
	struct ln_elem *scratch = ln_add(st, "scratch", NS_ROOM);
	struct ln_elem *form = ln_form_add(scratch, "form", NS_MUC_REGISTER);

	ln_form_title(form, "Somebody asks to be a member");
	ln_form_value(ln_form_field(form, "muc#register_jid", "jid-single", "Address"),
	    pending->jid.full);
	ln_form_value(ln_form_field(form, ROOMNICK, "text-single", "Nickname"), pending->nick);
	add_details(form, given);
	ln_form_bool(ln_form_field(form, ALLOW, "boolean", "Allow it?"), false);
	ln_add_copy(st, form);
	ln_strip(st, "scratch", NS_ROOM, NULL, NULL);
	ln_node_send(here->node, st);
}

static void
ask_admins(struct here *here, const struct pending_registration *pending,
    const struct ln_elem *given)
{
	const struct affiliated *each;

	TAILQ_FOREACH(each, &here->room->affiliated, link)
		if (each->affiliation >= AFF_ADMIN)
			send_request(here, &each->jid, pending, given);
}

static enum ln_verdict
wait_for_admin(struct here *here, struct ln_ev_iq *ev, const char *nick)
{
	struct pending_registration **at = find(here->room, ln_from(ev->stanza)), *each;
	unsigned count = 0;

	for (each = here->room->registrations; each != NULL; each = each->next)
		count++;
	if (*at == NULL && count >= PENDING_MAX)
		return ln_refuse(ev->stanza, LN_ERR_RESOURCE_CONSTRAINT, "Too many have asked.");
	if (*at == NULL) {
		struct ln_jid bare = ln_jid_bare(ln_stanza_arena(ev->stanza), ln_from(ev->stanza));

		*at = muc_alloc(sizeof **at);
		ln_jid_copy(&(*at)->jid, &bare);
	}
	free((*at)->nick);
	(*at)->nick = muc_copy(nick);
	ask_admins(here, *at, ln_form_find(ev->query, "submit"));
	return ln_answer(ev, ln_iq_result(ev->stanza));
}

/* §9.10 */
void
register_approval(struct here *here, struct ln_stanza *st, const struct ln_elem *form)
{
	const char *text = ln_form_text(form, "muc#register_jid");
	struct pending_registration **at;
	static const struct notice nothing;
	struct ln_jid jid;
	bool allow = false;

	if (affiliation_of(here, ln_from(st)) < AFF_ADMIN) {
		ln_refuse(st, LN_ERR_FORBIDDEN, "Admins alone make members.");
		return;
	}
	if (text == NULL ||
	    ln_jid_parse(ln_stanza_arena(st), text, strlen(text), &jid) != LN_JID_OK ||
	    *(at = find(here->room, &jid)) == NULL) {
		ln_refuse(st, LN_ERR_ITEM_NOT_FOUND, "This one has not asked.");
		return;
	}
	if (ln_form_flag(form, ALLOW, &allow) && allow &&
	    nick_owner(here->room, (*at)->nick) == NULL)
		change_affiliation(here, &(*at)->jid, AFF_MEMBER, (*at)->nick, &nothing);
	drop(at);
}

/* --- registering ------------------------------------------------------------------------------------ */

static enum ln_verdict
unregister(struct here *here, struct ln_ev_iq *ev)
{
	const struct affiliated *affiliated = affiliation_find(here->room, ln_from(ev->stanza));
	struct ln_jid bare = ln_jid_bare(ln_stanza_arena(ev->stanza), ln_from(ev->stanza));
	static const struct notice nothing;

	if (affiliated == NULL || affiliated->affiliation == AFF_OUTCAST)
		return ln_refuse(ev->stanza, LN_ERR_REGISTRATION_REQUIRED, "%s", "");
	ln_answer(ev, ln_iq_result(ev->stanza));
	if (affiliated->affiliation == AFF_MEMBER)
		change_affiliation(here, &bare, AFF_NONE, NULL, &nothing);
	else
		affiliation_set(here, &bare, affiliated->affiliation, "", NULL);
	return LN_DONE;
}

static enum ln_verdict
take(struct here *here, struct ln_ev_iq *ev, const char *nick)
{
	enum affiliation affiliation = affiliation_of(here, ln_from(ev->stanza));
	struct ln_jid bare = ln_jid_bare(ln_stanza_arena(ev->stanza), ln_from(ev->stanza));
	static const struct notice nothing;

	if (is_asked(here, affiliation))
		return wait_for_admin(here, ev, nick);
	if (affiliation_find(here->room, &bare) == NULL &&
	    (int64_t)ln_dict_count(here->room->affiliations) >= here->conf->max_affiliations)
		return ln_refuse(ev->stanza, LN_ERR_RESOURCE_CONSTRAINT, "%s", "");
	ln_answer(ev, ln_iq_result(ev->stanza));
	if (affiliation_find(here->room, &bare) == NULL)
		change_affiliation(here, &bare, AFF_MEMBER, nick, &nothing);
	else
		affiliation_set(here, &bare, affiliation, nick, NULL);
	nick_lock(here, &bare);
	return LN_DONE;
}

enum ln_verdict
register_set(struct here *here, struct ln_ev_iq *ev)
{
	const struct ln_jid *from = ln_from(ev->stanza);
	const struct ln_elem *form = ln_form_find(ev->query, "submit");
	const char *nick = form != NULL ? ln_form_text(form, ROOMNICK) : NULL;
	const struct affiliated *owner;
	const struct occupant *present;
	struct ln_jid jid;

	if (affiliation_of(here, from) == AFF_OUTCAST)
		return ln_refuse(ev->stanza, LN_ERR_NOT_ALLOWED, "%s", "");
	if (ln_elem_child(ev->query, "remove", NS_REGISTER) != NULL)
		return unregister(here, ev);
	if (nick == NULL || !ln_form_is(form, NS_MUC_REGISTER))
		return ln_refuse(ev->stanza, LN_ERR_BAD_REQUEST,
		    "The form with a nickname is missing.");
	if (*nick == '\0' || nick_check(here, nick) != NULL ||
	    ln_jid_with_resource(ln_stanza_arena(ev->stanza), ln_node_jid(here->node), nick,
		strlen(nick), &jid) != LN_JID_OK)
		return ln_refuse(ev->stanza, LN_ERR_NOT_ACCEPTABLE, "This is no nickname.");
	nick = ln_jid_resource(&jid);
	owner = nick_owner(here->room, nick);
	present = occupant_like(here->room, nick);
	if ((owner != NULL && !ln_jid_same_bare(&owner->jid, from)) ||
	    (present != NULL && !ln_jid_same_bare(&present->bare, from)))
		return ln_refuse(ev->stanza, LN_ERR_CONFLICT, "That nickname is taken.");
	return take(here, ev, nick);
}
