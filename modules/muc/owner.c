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

/* Are all values of the field addresses? */
static bool
people_are_sane(const struct ln_elem *form, const char *var, unsigned *count_r)
{
	const struct ln_elem *field = ln_form_get(form, var), *value;
	struct ln_jid jid;

	*count_r = 0;
	for (value = field != NULL ? ln_form_first_value(field) : NULL; value != NULL;
	     value = ln_form_next_value(value), (*count_r)++) {
		const char *text = ln_elem_text(value);

		if (ln_jid_parse(ln_elem_arena(form), text, strlen(text), &jid) != LN_JID_OK ||
		    !ln_jid_has_local(&jid))
			return false;
	}
	return true;
}

static bool
is_named(const struct ln_elem *field, const struct ln_jid *who)
{
	const struct ln_elem *value;
	struct ln_jid jid;

	for (value = ln_form_first_value(field); value != NULL; value = ln_form_next_value(value)) {
		const char *text = ln_elem_text(value);

		if (ln_jid_parse(ln_elem_arena(field), text, strlen(text), &jid) == LN_JID_OK &&
		    ln_jid_same_bare(&jid, who))
			return true;
	}
	return false;
}

/* The field names all of them: who is not in it any more is a member. */
static void
apply_people(struct here *here, const struct ln_elem *form, const char *var,
    enum affiliation affiliation)
{
	const struct ln_elem *field = ln_form_get(form, var), *value;
	struct affiliated *each, *next;
	static const struct notice nothing;
	struct ln_jid jid;

	if (field == NULL)
		return;
	for (value = ln_form_first_value(field); value != NULL; value = ln_form_next_value(value)) {
		const char *text = ln_elem_text(value);

		if (ln_jid_parse(ln_elem_arena(form), text, strlen(text), &jid) != LN_JID_OK)
			continue;
		jid = ln_jid_bare(ln_elem_arena(form), &jid);
		each = affiliation_find(here->room, &jid);
		if (each == NULL || each->affiliation != affiliation)
			change_affiliation(here, &jid, affiliation, NULL, &nothing);
	}
	for (each = TAILQ_FIRST(&here->room->affiliated); each != NULL; each = next) {
		next = TAILQ_NEXT(each, link);
		if (each->affiliation == affiliation && !is_named(field, &each->jid))
			change_affiliation(here, &each->jid, AFF_MEMBER, NULL, &nothing);
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
	if (!before.members_only && config->members_only)
		put_strangers_out(here);
	if (here->room->exists)
		room_check_empty(here);
	config_free(&before);
}

static enum ln_verdict
submit(struct here *here, struct ln_ev_iq *ev, const struct ln_elem *form)
{
	struct room_config config;
	unsigned owners, admins;
	const char *wrong = NULL;

	if (!ln_form_is(form, NS_MUC_ROOMCONFIG))
		return ln_refuse(ev->stanza, LN_ERR_BAD_REQUEST, "This is another form.");
	config_copy(&config, &here->room->config);
	wrong = config_read(form, &config, here->conf->max_occupants, here->conf->history);
	if (wrong == NULL &&
	    (!people_are_sane(form, OWNERS, &owners) || !people_are_sane(form, ADMINS, &admins)))
		wrong = "An owner or admin has no address.";
	if (wrong == NULL && ln_form_get(form, OWNERS) != NULL && owners == 0)
		wrong = "A room has an owner.";
	if (wrong != NULL) {
		config_free(&config);
		return ln_refuse(ev->stanza, LN_ERR_NOT_ACCEPTABLE, "%s", wrong);
	}
	ln_answer(ev, ln_iq_result(ev->stanza));
	/* First the people: who is named here is not put out by what follows. */
	apply_people(here, form, OWNERS, AFF_OWNER);
	apply_people(here, form, ADMINS, AFF_ADMIN);
	owner_apply(here, &config);
	config_free(&config);
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
