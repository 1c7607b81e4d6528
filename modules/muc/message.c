/*
 * What is said: to all, to one, and the subject (XEP-0045 §7.4, §7.5, §8.1).
 *
 * SPDX-License-Identifier: MIT
 */
#include "muc/muc.h"
#include "muc/people.h"
#include "muc/talk.h"

#define NS_FASTEN "urn:xmpp:fasten:0"

static struct visit *
sender_of(struct here *here, const struct ln_stanza *st)
{
	return visit_by_jid(here->room, ln_from(st));
}

/* --- to all --------------------------------------------------------------------------------- */

static bool
is_from_room(const struct ln_elem *elem, void *arg)
{
	const struct here *here = arg;
	const char *by = ln_elem_attr(elem, ln_elem_is(elem, "delay", NULL) ? "from" : "by");

	return by != NULL && strcmp(by, ln_node_jid(here->node)->full) == 0;
}

/* Takes out what only a room says. */
static void
strip_forged(struct here *here, struct ln_stanza *st)
{
	ln_strip(st, "x", NS_MUC_USER, NULL, NULL);
	ln_strip(st, "occupant-id", NS_OCCUPANT_ID, NULL, NULL);
	ln_strip(st, "stanza-id", NS_SID, is_from_room, here);
	ln_strip(st, "delay", NS_DELAY, is_from_room, here);
}

/* Is it worth keeping (XEP-0313 §5, XEP-0334)? */
static bool
is_kept(const struct ln_stanza *st)
{
	if (ln_has_hint(st, "no-store") || ln_has_hint(st, "no-permanent-store"))
		return false;
	return ln_has_content(st) || ln_has_hint(st, "store") ||
	    ln_child(st, "retract", NS_RETRACT) != NULL ||
	    ln_child(st, "apply-to", NS_FASTEN) != NULL ||
	    ln_child(st, "reactions", NS_REACTIONS) != NULL ||
	    ln_child(st, "displayed", NS_MARKERS) != NULL ||
	    ln_child(st, "subject", NS_CLIENT) != NULL;
}

/* In the archive stands too whose it was; archive.c shows that to those alone who may know. */
static void
archive(struct here *here, const struct occupant *sender, struct ln_stanza *message, const char *id,
    int64_t wall_ms)
{
	struct ln_elem *elem = ln_stanza_elem(message, ln_stanza_arena(message));
	struct ln_elem *item;

	if (sender != NULL) {
		item = ln_elem_add(ln_elem_add(elem, "x", NS_MUC_USER), "item", NS_MUC_USER);
		ln_set_attr(item, "jid", TAILQ_FIRST(&sender->visits)->jid.full);
		ln_set_attr(item, "affiliation",
		    affiliation_name(affiliation_of(here, &sender->bare)));
		ln_set_attr(item, "role", role_name(sender->role));
	}
	ln_archive_add(here->node, id, ln_from(message)->full, wall_ms, elem);
}

/* §8.1: a subject alone changes the subject. */
bool
changes_subject(const struct ln_stanza *st)
{
	return ln_child(st, "subject", NS_CLIENT) != NULL &&
	    ln_child(st, "body", NS_CLIENT) == NULL && ln_child(st, "thread", NS_CLIENT) == NULL;
}

void
message_to_all(struct here *here, const struct occupant *sender, struct ln_stanza *st, bool kept,
    char id_r[LN_ARCHIVE_ID_LEN + 1])
{
	const struct occupant *occupant;
	const struct visit *visit;
	int64_t now = ln_wall();
	struct ln_stanza *whole;
	struct fanout *out;

	ln_archive_id(here->node, id_r);
	ln_stamp(st, ln_node_jid(here->node), id_r);
	if (sender != NULL)
		ln_set_attr(ln_add(st, "occupant-id", NS_OCCUPANT_ID), "id", sender->id);
	whole = ln_stanza_frozen(st);
	ln_stanza_free(&st);
	if (kept)
		archive(here, sender, whole, id_r, now);
	if (changes_subject(whole))
		room_set_subject(here, whole, now);
	else if (kept)
		history_add(here, whole, id_r, now);
	out = ln_fan_out_new(whole);
	TAILQ_FOREACH(occupant, &here->room->occupants, link)
		TAILQ_FOREACH(visit, &occupant->visits, link)
			ln_fan_out_add(out, &visit->jid);
	ln_fan_out_send(here->node, out);
}

static bool
may_change_subject(const struct room *room, const struct occupant *occupant)
{
	return occupant->role == ROLE_MODERATOR ||
	    (occupant->role == ROLE_PARTICIPANT && room->config.change_subject);
}

static size_t
size_of(struct ln_stanza *st)
{
	struct arena *arena = ln_stanza_arena(st);

	return strlen(ln_elem_print(arena, ln_stanza_elem(st, arena)));
}

static bool
is_too_large(const struct here *here, struct ln_stanza *st)
{
	if ((int64_t)size_of(st) <= here->conf->max_message)
		return false;
	ln_refuse(st, LN_ERR_NOT_ACCEPTABLE, "A message in a room has at most %lld bytes.",
	    (long long)here->conf->max_message);
	return true;
}

/* True: refused. */
static bool
refuse(struct here *here, const struct visit *visit, struct ln_stanza *st)
{
	const struct occupant *occupant = visit->occupant;

	if (occupant->role < ROLE_PARTICIPANT) {
		ln_refuse(st, LN_ERR_FORBIDDEN, "You have no voice in this room.");
		return true;
	}
	if (changes_subject(st) && !may_change_subject(here->room, occupant)) {
		ln_refuse(st, LN_ERR_FORBIDDEN, "You may not change the subject.");
		return true;
	}
	if (!within_rate(here, "message", &occupant->bare, here->conf->messages)) {
		ln_refuse(st, LN_ERR_RESOURCE_CONSTRAINT, "Too fast.");
		return true;
	}
	return is_too_large(here, st);
}

static void
say(struct here *here, struct ln_ev_node *ev)
{
	struct visit *visit = sender_of(here, ev->stanza);
	struct ln_stanza *said;
	const struct ln_elem *retract;
	char id[LN_ARCHIVE_ID_LEN + 1];

	if (visit == NULL) {
		ln_refuse(ev->stanza, LN_ERR_NOT_ACCEPTABLE, "You are not in this room.");
		return;
	}
	if (refuse(here, visit, ev->stanza) ||
	    room_event(here, LN_EV_room_message, &ev->stanza, &visit->occupant->jid, &visit->jid) ==
		LN_DONE)
		return;
	strip_forged(here, ev->stanza);
	said = ln_stanza_copy(ev->stanza);
	ln_set_from(said, &visit->occupant->jid);
	ln_set_to(said, NULL);
	if (ln_id(said) == NULL)
		ln_make_id(said);
	message_to_all(here, visit->occupant, said, is_kept(ev->stanza), id);
	retract = ln_child(ev->stanza, "retract", NS_RETRACT);
	if (retract != NULL && ln_elem_attr(retract, "id") != NULL)
		moderate_retracted(here, visit->occupant, ln_elem_attr(retract, "id"));
}

/* --- to one ------------------------------------------------------------------------------------ */

static bool
may_send_private(const struct room *room, const struct occupant *from, const struct occupant *to)
{
	switch (room->config.allow_pm) {
	case PM_ANYONE:
		return true;
	case PM_PARTICIPANTS:
		return from->role >= ROLE_PARTICIPANT;
	case PM_MODERATORS:
		return from->role == ROLE_MODERATOR || to->role == ROLE_MODERATOR;
	default:
		return false;
	}
}

static void
pass_on(struct here *here, const struct occupant *from, const struct occupant *to,
    struct ln_stanza *st)
{
	const struct visit *visit;

	strip_forged(here, st);
	TAILQ_FOREACH(visit, &to->visits, link) {
		struct ln_stanza *copy = ln_stanza_copy(st);

		ln_set_from(copy, &from->jid);
		ln_set_to(copy, &visit->jid);
		ln_add(copy, "x", NS_MUC_USER);
		ln_set_attr(ln_add(copy, "occupant-id", NS_OCCUPANT_ID), "id", from->id);
		ln_node_send(here->node, copy);
	}
}

static void
say_privately(struct here *here, struct ln_stanza *st)
{
	const struct visit *visit = sender_of(here, st);
	const struct occupant *to = occupant_by_nick(here->room, ln_jid_resource(ln_to(st)));

	if (ln_type(st) == LN_GROUPCHAT)
		ln_refuse(st, LN_ERR_BAD_REQUEST, "A private message is of type chat.");
	else if (visit == NULL)
		ln_refuse(st, LN_ERR_NOT_ACCEPTABLE, "You are not in this room.");
	else if (to == NULL)
		ln_refuse(st, LN_ERR_ITEM_NOT_FOUND, "Nobody has that nickname.");
	else if (!may_send_private(here->room, visit->occupant, to))
		ln_refuse(st, LN_ERR_FORBIDDEN, "You may not send private messages here.");
	else if (!within_rate(here, "message", &visit->occupant->bare, here->conf->messages))
		ln_refuse(st, LN_ERR_RESOURCE_CONSTRAINT, "Too fast.");
	else if (!is_too_large(here, st))
		pass_on(here, visit->occupant, to, st);
}

/* --- what comes ----------------------------------------------------------------------------------- */

void
message_received(struct here *here, struct ln_ev_node *ev)
{
	struct ln_stanza *st = ev->stanza;

	if (ln_type(st) == LN_TYPE_ERROR)
		ghost_error(here, st);
	else if (!here->room->exists || (here->room->locked && sender_of(here, st) == NULL))
		ln_refuse(st, LN_ERR_ITEM_NOT_FOUND, "There is no such room.");
	else if (!ln_jid_is_bare(ln_to(st)))
		say_privately(here, st);
	else if (ln_type(st) == LN_GROUPCHAT)
		say(here, ev);
	else if (!invite_received(here, ev))
		ln_refuse(st, LN_ERR_BAD_REQUEST, "A message to a room is of type groupchat.");
}
