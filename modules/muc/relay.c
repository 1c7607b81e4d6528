/*
 * Requests between occupants (XEP-0045 §17.4) and the self-ping (XEP-0410).
 *
 * Neither side may learn the other's address. A request goes on with an id that
 * begins with a mark of the client that asked, so that the answer, which comes
 * for the asker's nickname, finds it without anything being kept meanwhile.
 *
 * SPDX-License-Identifier: MIT
 */
#include "muc/muc.h"
#include "muc/people.h"
#include "muc/talk.h"

#include <linnet/credentials.h>

#include <stdio.h>

#define MARK_LEN 16

static void
make_mark(const struct room *room, const struct ln_jid *full, char mark[MARK_LEN + 1])
{
	uint8_t mac[LN_SCRAM_KEY_MAX];

	ln_scram_hmac(LN_SCRAM_SHA_256, room->salt, strlen(room->salt), full->full,
	    ln_jid_len(full), mac);
	for (size_t i = 0; i < MARK_LEN / 2; i++)
		snprintf(mark + 2 * i, 3, "%02x", mac[i]);
}

/* --- requests ------------------------------------------------------------------------------ */

static bool
is_for_account(const struct ln_stanza *st)
{
	return ln_child(st, "vCard", NS_VCARD) != NULL || ln_child(st, "pubsub", NS_PUBSUB) != NULL;
}

static void
send_request(struct here *here, const struct visit *from, const struct occupant *to,
    struct ln_stanza *st)
{
	struct ln_stanza *copy = ln_stanza_copy(st);
	char mark[MARK_LEN + 1], id[1200];

	make_mark(here->room, &from->jid, mark);
	snprintf(id, sizeof id, "%s%s", mark, ln_id(st));
	ln_set_id(copy, id);
	ln_set_from(copy, &from->occupant->jid);
	ln_set_to(copy, is_for_account(st) ? &to->bare : &TAILQ_FIRST(&to->visits)->jid);
	ln_node_send(here->node, copy);
}

static void
pong(struct here *here, const struct ln_stanza *st)
{
	ln_node_send(here->node, ln_iq_result(st));
}

static void
request(struct here *here, struct ln_stanza *st)
{
	const struct visit *from = visit_by_jid(here->room, ln_from(st));
	const struct occupant *to = occupant_by_nick(here->room, ln_jid_resource(ln_to(st)));
	bool disco = ln_child(st, "query", NS_DISCO_INFO) != NULL ||
	    ln_child(st, "query", NS_DISCO_ITEMS) != NULL;

	if (from == NULL && disco)
		ln_refuse(st, LN_ERR_BAD_REQUEST, "You are not in this room.");
	else if (from == NULL)
		ln_refuse(st, LN_ERR_NOT_ACCEPTABLE, "You are not in this room.");
	else if (to == NULL)
		ln_refuse(st, LN_ERR_ITEM_NOT_FOUND, "Nobody has that nickname.");
	else if (to == from->occupant && ln_child(st, "ping", NS_PING) != NULL)
		pong(here, st);
	else if (strlen(ln_id(st)) > 1000)
		ln_refuse(st, LN_ERR_BAD_REQUEST, "The id is too long.");
	else
		send_request(here, from, to, st);
}

/* --- answers -------------------------------------------------------------------------------- */

static const struct visit *
visit_by_mark(const struct room *room, const struct occupant *occupant, const char *id)
{
	const struct visit *visit;
	char mark[MARK_LEN + 1];

	TAILQ_FOREACH(visit, &occupant->visits, link) {
		make_mark(room, &visit->jid, mark);
		if (strncmp(id, mark, MARK_LEN) == 0)
			return visit;
	}
	return NULL;
}

static const struct occupant *
who_answers(const struct room *room, const struct ln_jid *from)
{
	const struct visit *visit = visit_by_jid(room, from);

	return visit != NULL ? visit->occupant : occupant_next_of(room, NULL, from);
}

static void
answer(struct here *here, struct ln_stanza *st)
{
	const struct occupant *from = who_answers(here->room, ln_from(st));
	const struct occupant *to = occupant_by_nick(here->room, ln_jid_resource(ln_to(st)));
	const struct visit *visit =
	    to != NULL && ln_id(st) != NULL ? visit_by_mark(here->room, to, ln_id(st)) : NULL;
	struct ln_stanza *copy;

	if (from == NULL || visit == NULL)
		return;
	copy = ln_stanza_copy(st);
	ln_set_from(copy, &from->jid);
	ln_set_to(copy, &visit->jid);
	ln_set_id(copy, ln_id(st) + MARK_LEN);
	ln_node_send(here->node, copy);
}

void
relay_iq(struct here *here, struct ln_ev_node *ev)
{
	struct ln_stanza *st = ev->stanza;

	if (ln_type(st) != LN_GET && ln_type(st) != LN_SET && ln_jid_is_bare(ln_to(st)))
		ghost_answer(here, st);
	else if (ln_type(st) != LN_GET && ln_type(st) != LN_SET)
		answer(here, st);
	else if (!here->room->exists)
		ln_refuse(st, LN_ERR_ITEM_NOT_FOUND, "There is no such room.");
	else
		request(here, st);
}

/* To the room itself. */
enum ln_verdict
ping_get(struct here *here, struct ln_ev_iq *ev)
{
	(void)here;
	return ln_answer(ev, ln_iq_result(ev->stanza));
}
