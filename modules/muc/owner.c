/*
 * Requests of owners (XEP-0045 §10): configuration, its lists of owners and
 * admins, and the end of a room.
 *
 * SPDX-License-Identifier: MIT
 */
#include "muc/muc.h"
#include "muc/people.h"
#include "muc/talk.h"

#define OWNERS "muc#roomconfig_roomowners"
#define ADMINS "muc#roomconfig_roomadmins"

/* --- the form ------------------------------------------------------------------------------ */

static void
write_people(struct here *here, struct ln_elem *form, const char *var, const char *label,
    enum affiliation affiliation)
{
	struct ln_elem *field = ln_form_field(form, var, "jid-multi", label);
	const struct affiliated *each;

	TAILQ_FOREACH(each, &here->room->affiliated, link)
		if (each->affiliation == affiliation)
			ln_form_value(field, each->jid.full);
}

enum ln_verdict
owner_get(struct here *here, struct ln_ev_iq *ev)
{
	struct ln_stanza *result;
	struct ln_elem *form;

	if (affiliation_of(here, ln_from(ev->stanza)) != AFF_OWNER)
		return ln_refuse(ev->stanza, LN_ERR_FORBIDDEN, "Only owners configure a room.");
	result = ln_iq_result(ev->stanza);
	form = ln_form_add(ln_add(result, "query", NS_MUC_OWNER), "form", NS_MUC_ROOMCONFIG);
	ln_form_title(form, "Configuration of the room");
	config_write(form, &here->room->config, true, here->conf->max_occupants);
	write_people(here, form, ADMINS, "Admins", AFF_ADMIN);
	write_people(here, form, OWNERS, "Owners", AFF_OWNER);
	return ln_answer(ev, result);
}

/* --- what it says of people ------------------------------------------------------------------ */

/* The values of a field with addresses, each once; they live as long as the form. */
struct people {
	bool given;
	struct ln_jid *jids;
	size_t count;
	struct ln_dict *named; /* struct ln_jid by bare JID */
};

/* False: one is no address. people_free() in any case. */
static bool
people_read(const struct ln_elem *form, const char *var, struct people *people)
{
	const struct ln_elem *field = ln_form_get(form, var), *value;
	struct ln_jid jid;

	*people = (struct people){ .given = field != NULL, .named = ln_dict_new() };
	if (field == NULL)
		return true;
	people->jids = muc_alloc((ln_elem_count(field) + 1) * sizeof *people->jids);
	for (value = ln_form_first_value(field); value != NULL; value = ln_form_next_value(value)) {
		const char *text = ln_elem_text(value);

		if (ln_jid_parse(ln_elem_arena(form), text, strlen(text), &jid) != LN_JID_OK ||
		    !ln_jid_has_local(&jid))
			return false;
		jid = ln_jid_bare(ln_elem_arena(form), &jid);
		if (ln_dict_get(people->named, jid.full) != NULL)
			continue;
		people->jids[people->count] = jid;
		ln_dict_set(people->named, jid.full, &people->jids[people->count++]);
	}
	return true;
}

static void
people_free(struct people *people)
{
	ln_dict_free(&people->named);
	free(people->jids);
}

static size_t
people_unknown(const struct room *room, const struct people *people)
{
	size_t count = 0;

	for (size_t i = 0; i < people->count; i++)
		count += affiliation_find(room, &people->jids[i]) == NULL;
	return count;
}

/* The field names all of them: an owner who is not in it any more is an admin (§10.2), an admin a
 * member. */
static void
people_apply(struct here *here, const struct people *people, enum affiliation affiliation)
{
	enum affiliation below = affiliation == AFF_OWNER ? AFF_ADMIN : AFF_MEMBER;
	struct affiliated *each, *next;
	static const struct notice nothing;

	if (!people->given)
		return;
	for (size_t i = 0; i < people->count; i++) {
		each = affiliation_find(here->room, &people->jids[i]);
		if (each == NULL || each->affiliation != affiliation)
			change_affiliation(here, &people->jids[i], affiliation, NULL, &nothing);
	}
	for (each = TAILQ_FIRST(&here->room->affiliated); each != NULL; each = next) {
		next = TAILQ_NEXT(each, link);
		if (each->affiliation == affiliation &&
		    ln_dict_get(people->named, each->jid.full) == NULL)
			change_affiliation(here, &each->jid, below, NULL, &nothing);
	}
}

/* --- what it changes ----------------------------------------------------------------------------- */

/* §10.2.1: what occupants are told. */
static void
tell_change(struct here *here, const struct room_config *before)
{
	const struct room_config *now = &here->room->config;
	int codes[4] = { 0 }, count = 0;

	if (before->whois != now->whois)
		codes[count++] = now->whois == WHOIS_ANYONE ? 172 : 173;
	if ((before->archive && before->persistent) != room_archives(here->room))
		codes[count++] = room_archives(here->room) ? 170 : 171;
	if (count == 0)
		codes[count++] = 104;
	presence_tell_codes(here, codes);
}

/* §10.2: who is no member leaves a room that is for members only now. */
static void
put_strangers_out(struct here *here)
{
	struct occupant *occupant = TAILQ_FIRST(&here->room->occupants), *next;
	static const struct notice notice = { .codes = { 322 } };

	for (; occupant != NULL; occupant = next) {
		next = TAILQ_NEXT(occupant, link);
		if (affiliation_of(here, &occupant->bare) < AFF_MEMBER) {
			leave_occupant(here, occupant, &notice, NULL);
			if (!here->room->exists)
				return;
		}
	}
}

/* Visitors of a room that is not moderated any more have voice. */
static void
give_voice(struct here *here)
{
	struct occupant *occupant;
	static const struct notice nothing;

	TAILQ_FOREACH(occupant, &here->room->occupants, link)
		if (occupant->role == ROLE_VISITOR)
			change_role(here, occupant, ROLE_PARTICIPANT, &nothing);
}

/* All may see addresses now: they are shown. */
static void
show_addresses(struct here *here)
{
	struct occupant *occupant;

	TAILQ_FOREACH(occupant, &here->room->occupants, link)
		presence_show_others(here, occupant);
}

void
owner_apply(struct here *here, const struct room_config *config)
{
	struct room_config before = here->room->config;

	memset(&here->room->config, 0, sizeof here->room->config);
	config_copy(&here->room->config, config);
	if (here->room->locked) {
		room_unlock(here);
		config_free(&before);
		return;
	}
	room_save(here);
	tell_change(here, &before);
	if (before.whois != WHOIS_ANYONE && config->whois == WHOIS_ANYONE)
		show_addresses(here);
	if (before.moderated && !config->moderated)
		give_voice(here);
	if (!before.lock_nicks && config->lock_nicks)
		nick_lock_all(here);
	if (!before.members_only && config->members_only)
		put_strangers_out(here);
	if (here->room->exists)
		room_check_empty(here);
	config_free(&before);
}

/* --- a form that was submitted -------------------------------------------------------------------- */

struct submitted {
	struct room_config config;
	struct people owners, admins;
};

static void
submitted_free(struct submitted *submitted)
{
	config_free(&submitted->config);
	people_free(&submitted->owners);
	people_free(&submitted->admins);
}

/* LN_ERR_COUNT: all is well, else why not. submitted_free() in any case. */
static enum ln_error
submitted_read(const struct here *here, const struct ln_elem *form, struct submitted *submitted,
    const char **wrong_r)
{
	const struct room *room = here->room;
	bool named = people_read(form, OWNERS, &submitted->owners);

	named = people_read(form, ADMINS, &submitted->admins) && named;
	config_copy(&submitted->config, &room->config);
	*wrong_r =
	    config_read(form, &submitted->config, here->conf->max_occupants, here->conf->history);
	if (*wrong_r != NULL)
		return LN_ERR_NOT_ACCEPTABLE;
	*wrong_r = "An owner or admin has no address.";
	if (!named)
		return LN_ERR_NOT_ACCEPTABLE;
	*wrong_r = "A room has an owner.";
	if (submitted->owners.given && submitted->owners.count == 0)
		return LN_ERR_CONFLICT;
	*wrong_r = "The room knows too many people.";
	if ((int64_t)(ln_dict_count(room->affiliations) + people_unknown(room, &submitted->owners) +
		people_unknown(room, &submitted->admins)) > here->conf->max_affiliations)
		return LN_ERR_RESOURCE_CONSTRAINT;
	return LN_ERR_COUNT;
}

/* First the people: who is named here is not put out by what follows. */
static void
submitted_apply(struct here *here, const struct submitted *submitted)
{
	people_apply(here, &submitted->owners, AFF_OWNER);
	people_apply(here, &submitted->admins, AFF_ADMIN);
	owner_apply(here, &submitted->config);
}

/* --- how many rooms one may have -------------------------------------------------------------------- */

/* A room that shall be kept waits for the number of those that its owner has. */
struct counting {
	struct ln_token *token;
	int64_t made; /* -1: the disk failed */
};

/* The request ends with the answer, and what is read of a form refers to it: so to a copy. */
static void
apply_counted(struct here *here, struct ln_token *token)
{
	const struct ln_stanza *request = ln_token_request(token);
	struct ln_stanza *kept = ln_iq_result(request);
	struct ln_elem *query = ln_add(kept, "query", NS_MUC_OWNER);
	struct submitted submitted;
	const char *wrong;
	enum ln_error error;

	ln_elem_add_copy(query, ln_form_find(ln_first(request), "submit"));
	error = submitted_read(here, ln_form_find(query, "submit"), &submitted, &wrong);
	if (error != LN_ERR_COUNT) {
		ln_token_refuse(&token, error, wrong);
	} else {
		ln_token_answer(&token, ln_iq_result(request));
		submitted_apply(here, &submitted);
	}
	submitted_free(&submitted);
	ln_stanza_free(&kept);
}

static void
apply_or_refuse(const struct ln_mod *mod, struct ln_node *node, void *arg)
{
	struct counting *counting = arg;
	const struct ln_stanza *request;
	struct here here;

	if (node != NULL) {
		here = here_of(mod, node);
		request = ln_token_request(counting->token);
		if (counting->made < 0 || request == NULL)
			ln_token_refuse(&counting->token, LN_ERR_INTERNAL_SERVER_ERROR, NULL);
		else if (counting->made >= here.conf->max_rooms)
			ln_token_refuse(&counting->token, LN_ERR_RESOURCE_CONSTRAINT,
			    "You have too many rooms.");
		else if (!here.room->exists || affiliation_of(&here, ln_from(request)) != AFF_OWNER)
			ln_token_refuse(&counting->token, LN_ERR_FORBIDDEN, NULL);
		else
			apply_counted(&here, counting->token);
	}
	free(counting);
}

static void
counted(const struct ln_mod *mod, bool ok, const struct ln_row *row, void *arg)
{
	struct counting *counting = arg;
	const struct ln_stanza *request = mod != NULL ? ln_token_request(counting->token) : NULL;

	if (request == NULL) {
		free(counting);
		return;
	}
	counting->made = ok && row != NULL ? ln_row_int(row, 0) : -1;
	ln_node_call(ln_to(request), apply_or_refuse, counting);
}

static bool
is_counted(const struct here *here, const struct ln_jid *who, const struct submitted *submitted)
{
	return submitted->config.persistent && !ln_node_stored(here->node) &&
	    here->room->maker != NULL && !ln_is_admin(ln_mod_host(here->mod), who);
}

static enum ln_verdict
count_first(struct here *here, struct ln_ev_iq *ev)
{
	struct counting *counting = muc_alloc(sizeof *counting);

	ln_later(ev, here->mod, &counting->token);
	directory_count(here, here->room->maker, counted, counting);
	return LN_DONE;
}

static enum ln_verdict
submit(struct here *here, struct ln_ev_iq *ev, const struct ln_elem *form)
{
	struct submitted submitted;
	enum ln_error error;
	const char *wrong;

	if (!ln_form_is(form, NS_MUC_ROOMCONFIG))
		return ln_refuse(ev->stanza, LN_ERR_BAD_REQUEST, "This is another form.");
	error = submitted_read(here, form, &submitted, &wrong);
	if (error != LN_ERR_COUNT) {
		ln_refuse(ev->stanza, error, "%s", wrong);
	} else if (is_counted(here, ln_from(ev->stanza), &submitted)) {
		count_first(here, ev);
	} else {
		ln_answer(ev, ln_iq_result(ev->stanza));
		submitted_apply(here, &submitted);
	}
	submitted_free(&submitted);
	return LN_DONE;
}

/* --- the end of a room --------------------------------------------------------------------------- */

static enum ln_verdict
destroy(struct here *here, struct ln_ev_iq *ev, const struct ln_elem *destroy)
{
	const char *venue = ln_elem_attr(destroy, "jid");
	struct ln_jid jid;

	if (venue != NULL &&
	    ln_jid_parse(ln_stanza_arena(ev->stanza), venue, strlen(venue), &jid) != LN_JID_OK)
		return ln_refuse(ev->stanza, LN_ERR_JID_MALFORMED, "%s", "");
	ln_answer(ev, ln_iq_result(ev->stanza));
	room_destroy(here, venue, ln_elem_child_text(destroy, "password", NS_MUC_OWNER),
	    ln_elem_child_text(destroy, "reason", NS_MUC_OWNER));
	return LN_DONE;
}

/* A form that was cancelled: a room that waits for its first configuration is given up. */
static enum ln_verdict
cancel(struct here *here, struct ln_ev_iq *ev)
{
	ln_answer(ev, ln_iq_result(ev->stanza));
	if (here->room->locked)
		room_destroy(here, NULL, NULL, "The room was given up.");
	return LN_DONE;
}

enum ln_verdict
owner_set(struct here *here, struct ln_ev_iq *ev)
{
	const struct ln_elem *ending = ln_elem_child(ev->query, "destroy", NS_MUC_OWNER);
	const struct ln_elem *form = ln_form_find(ev->query, "submit");

	if (affiliation_of(here, ln_from(ev->stanza)) != AFF_OWNER)
		return ln_refuse(ev->stanza, LN_ERR_FORBIDDEN, "Only owners configure a room.");
	if (ending != NULL)
		return destroy(here, ev, ending);
	if (form != NULL)
		return submit(here, ev, form);
	if (ln_form_find(ev->query, "cancel") != NULL)
		return cancel(here, ev);
	return ln_refuse(ev->stanza, LN_ERR_BAD_REQUEST, "Neither a form nor the end of the room.");
}
