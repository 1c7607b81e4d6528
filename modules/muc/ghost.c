/*
 * Occupants who seem to be in and are not (XEP-0045 §15.6.2, "ghost users").
 *
 * An error that a delivery brings back shows them. Where nothing is said nothing
 * is delivered: clients of other servers that were silent for long are pinged
 * (XEP-0199) by the room, those of this server are known to be there. Nobody
 * answers: it is gone, as if it had left, with 333.
 *
 * That a client has no answer to a ping and that there is no such client any
 * more is the same error, service-unavailable; so it is asked for its features
 * too, which whoever enters rooms can say.
 *
 * SPDX-License-Identifier: MIT
 */
#include "muc/muc.h"
#include "muc/people.h"
#include "muc/talk.h"

#define WAIT_MS 120000 /* for an answer, at most; shorter where `ping` is */
#define TICK_MS 30000
#define PINGS 200 /* in one go */

#define ID_PING "room-ping"
#define ID_INFO "room-info"

static const struct notice lost = { .codes = { 333 } };

/* What a delivery that failed says of the client. */
static bool
is_gone(const struct ln_stanza *error)
{
	switch (ln_stanza_error(error)) {
	case LN_ERR_GONE:
	case LN_ERR_ITEM_NOT_FOUND:
	case LN_ERR_RECIPIENT_UNAVAILABLE:
	case LN_ERR_REDIRECT:
	case LN_ERR_REMOTE_SERVER_NOT_FOUND:
	case LN_ERR_REMOTE_SERVER_TIMEOUT:
	case LN_ERR_SERVICE_UNAVAILABLE:
	case LN_ERR_JID_MALFORMED:
	case LN_ERR_INTERNAL_SERVER_ERROR:
		return true;
	default:
		return false;
	}
}

void
ghost_error(struct here *here, const struct ln_stanza *error)
{
	struct visit *visit = visit_by_jid(here->room, ln_from(error));

	if (visit != NULL && is_gone(error))
		leave_visit(here, visit, &lost, NULL);
}

void
ghost_heard(struct here *here, const struct ln_stanza *st)
{
	struct visit *visit;

	if (!here->room->watched || ln_type(st) == LN_TYPE_ERROR)
		return;
	visit = visit_by_jid(here->room, ln_from(st));
	if (visit == NULL)
		return;
	visit->heard_ms = ln_now();
	visit->asked_ms = 0;
}

/* --- asking ------------------------------------------------------------------------------------ */

static void
ask(struct here *here, struct visit *visit, const char *id, const char *element, const char *ns)
{
	struct ln_stanza *st = ln_stanza_new(LN_IQ, LN_GET, ln_node_jid(here->node), &visit->jid);

	ln_set_id(st, id);
	ln_add(st, element, ns);
	visit->asked_ms = ln_now();
	ln_node_send(here->node, st);
}

void
ghost_answer(struct here *here, const struct ln_stanza *answer)
{
	struct visit *visit = visit_by_jid(here->room, ln_from(answer));
	const char *id = ln_id(answer);

	if (visit == NULL || ln_type(answer) != LN_TYPE_ERROR)
		return; /* a result was heard already */
	if (ln_stanza_error(answer) == LN_ERR_SERVICE_UNAVAILABLE && id != NULL &&
	    strcmp(id, ID_PING) == 0)
		ask(here, visit, ID_INFO, "query", NS_DISCO_INFO);
	else if (is_gone(answer))
		leave_visit(here, visit, &lost, NULL);
	else
		visit->asked_ms = 0;
}

/* --- from time to time ---------------------------------------------------------------------------- */

static int64_t
shorter(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* What became of a client that was silent; `left` counts the pings that may be sent. */
static void
look_at(struct here *here, struct visit *visit, unsigned *left)
{
	int64_t silence = ln_ms(here->conf->ping), now = ln_now();

	if (visit->asked_ms != 0) {
		if (now - visit->asked_ms >= shorter(silence, WAIT_MS))
			leave_visit(here, visit, &lost, NULL);
	} else if (*left > 0 && now - visit->heard_ms >= silence) {
		visit->heard_ms = now; /* the next time is so much later again */
		ask(here, visit, ID_PING, "ping", NS_PING);
		(*left)--;
	}
}

/* Looks at all who are from elsewhere; false: there is none. */
static bool
look_around(struct here *here, unsigned *left)
{
	struct occupant *occupant = TAILQ_FIRST(&here->room->occupants), *next;
	struct visit *visit, *other;
	bool any = false;

	for (; occupant != NULL; occupant = next) {
		next = TAILQ_NEXT(occupant, link);
		if (ln_is_local(&occupant->bare))
			continue;
		any = true;
		for (visit = TAILQ_FIRST(&occupant->visits); visit != NULL; visit = other) {
			other = TAILQ_NEXT(visit, link);
			look_at(here, visit, left);
			if (!here->room->exists)
				return false;
		}
	}
	return any;
}

static void
tick(const struct ln_mod *mod, struct ln_node *node)
{
	struct here here = here_of(mod, node);
	unsigned left = PINGS;

	here.room->watched = false;
	if (ln_ms(here.conf->ping) > 0 && look_around(&here, &left))
		ghost_watch(&here);
}

void
ghost_watch(struct here *here)
{
	int64_t silence = ln_ms(here->conf->ping);

	if (silence <= 0 || here->room->watched || here->room->locked)
		return;
	here->room->watched = true;
	ln_node_timer(here->node, shorter(silence / 4, TICK_MS), tick);
}
