/*
 * What a session gives its client: the queue of what is not acknowledged, and
 * how much of it the stream has at a time. See session.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/metrics.h"
#include "core/module.h"
#include "core/router.h"
#include "im/drain.h"
#include "im/manage.h"
#include "im/pending.h"
#include "im/session.h"

/* What a client leaves unacknowledged (DESIGN section 5). */
#define UNACKED_BYTES_MAX ((size_t)16 << 20)

/* What a paced stream has of it at a time: less than what it may leave unread for long (net/conn.h),
 * as far as weights tell. */
#define PORTION_BYTES ((size_t)512 * 1024)

enum { OVERFULL };
static const struct metric_row rows[] = {
	[OVERFULL] = { "overfull_total", METRIC_COUNTER,
	    "Sessions whose client acknowledged too little." },
};
METRICS(metrics, "session", rows);

/* --- the queue ---------------------------------------------------------------------- */

static void
queue(struct ln_session *session, struct ln_stanza *st)
{
	st->queued_weight = (uint32_t)stanza_weight(st);
	STAILQ_INSERT_TAIL(&session->unacked, &st->item, link);
	session->unacked_count++;
	session->unacked_bytes += st->queued_weight;
	session->sent++;
	if (st->waiting == NULL)
		hold_release(&st->hold);
}

/* A client that acknowledges too little loses its connection; a hibernating one its session. */
void
session_check_queue(struct ln_session *session)
{
	const struct ln_account *account = session->account;
	bool attached = session->port.id != 0, drains = drain_is_for(session);
	size_t bytes = session->unacked_bytes + (drains ? account->behind_bytes : 0);
	uint32_t count = session->unacked_count + (drains ? account->behind_count : 0);

	if (bytes <= UNACKED_BYTES_MAX && (attached || count <= account_rules(account)->sm_queue))
		return;
	metric_inc(metrics, OVERFULL);
	if (attached)
		session_drop_stream(session, "resource-constraint", "too much is not acknowledged");
	else
		session->overfull = true;
	timer_set(&session->timer, 0);
}

/* --- portions ------------------------------------------------------------------------ */

static void
send_queued(struct ln_session *session, struct port *port, struct ln_stanza *st)
{
	port->ops->send(port, st);
	if (session->sm != NULL)
		manage_sent(session);
}

void
session_send_held(struct ln_session *session)
{
	struct port *port = session_port(session);

	while (port != NULL && session->held != NULL &&
	    session->unacked_bytes - session->held_bytes < PORTION_BYTES) {
		struct ln_stanza *st = (struct ln_stanza *)session->held;

		session->held = STAILQ_NEXT(session->held, link);
		session->held_count--;
		session->held_bytes -= st->queued_weight;
		send_queued(session, port, st);
	}
	if (session->held == NULL)
		session->paced = false;
}

static void
hold_back(struct ln_session *session, struct ln_stanza *st)
{
	if (session->held == NULL)
		session->held = &st->item;
	session->held_count++;
	session->held_bytes += st->queued_weight;
}

/* Without a stream there is nothing to pace. */
void
session_pace_no_more(struct ln_session *session)
{
	session->paced = false;
	session->held = NULL;
	session->held_count = 0;
	session->held_bytes = 0;
}

void
session_pace(struct ln_session *session, bool again)
{
	if (session->port.id == 0)
		return;
	session->paced = true;
	if (!again)
		return;
	session->held = STAILQ_FIRST(&session->unacked);
	session->held_count = session->unacked_count;
	session->held_bytes = session->unacked_bytes;
	session_send_held(session);
}

/* --- sending -------------------------------------------------------------------------- */

void
session_send_now(struct ln_session *session, struct ln_stanza *st)
{
	struct port *port = session_port(session);

	if (ln_to(st) == NULL)
		ln_set_to(st, &session->jid);
	queue(session, st);
	if (session->paced)
		hold_back(session, st);
	else if (port != NULL)
		send_queued(session, port, st);
	session_check_queue(session);
}

void
session_send(struct ln_session *session, struct ln_stanza *st)
{
	const struct ln_host *host = session->account->entity.host;
	struct ln_ev_stanza_out ev = { .stanza = st,
		.account = session->account,
		.session = session };

	if (host->chains[LN_EV_stanza_out].count == 0) {
		session_send_now(session, st);
		return;
	}
	if (fire_stanza_out(host, &ev) == LN_PASS)
		session_send_now(session, st);
	else if (ev.stanza != NULL) {
		session_forget(ev.stanza);
		pending_flush(session->account);
	}
}

/* --- what becomes of it ---------------------------------------------------------------- */

/* A queued or held stanza that will never be acknowledged. */
void
session_forget(struct ln_stanza *st)
{
	struct waiting *waiting = st->waiting;

	st->waiting = NULL;
	if (waiting != NULL)
		pending_acked(waiting);
	ln_stanza_free(&st);
}

void
session_acked(struct ln_session *session, uint32_t h, bool by_kernel)
{
	uint32_t base = by_kernel || session->sm == NULL ? 0 : session->sm->out_base;
	uint32_t count = base + h - session->acked;

	if (count > session->sent - session->acked - session->held_count) {
		manage_acked_too_much(session, h);
		return;
	}
	while (count-- > 0) {
		struct item *item = STAILQ_FIRST(&session->unacked);
		struct ln_stanza *st = (struct ln_stanza *)item;

		STAILQ_REMOVE_HEAD(&session->unacked, link);
		session->unacked_count--;
		session->unacked_bytes -= st->queued_weight;
		session->acked++;
		session_forget(st);
	}
	pending_flush(session->account);
	session_send_held(session);
	drain_more(session);
	if (session->sm != NULL)
		manage_acked(session);
}

/* Nothing live can acknowledge what it holds: written at once (DESIGN section 8). */
void
session_write_waiting(struct ln_session *session)
{
	struct item *item;

	STAILQ_FOREACH(item, &session->unacked, link)
		if (((struct ln_stanza *)item)->waiting != NULL)
			pending_given(((struct ln_stanza *)item)->waiting, false);
}

/* What the client did not acknowledge (XEP-0198 §5 "Resumption", last rules; RFC 6121 §8.5.3.2). */
void
session_give_back(struct ln_stanza *st)
{
	struct waiting *waiting = st->waiting;

	st->waiting = NULL;
	if (waiting != NULL)
		pending_dropped(waiting, st);
	else if (st->kind == LN_IQ && (st->type == LN_GET || st->type == LN_SET))
		router_bounce(st, LN_ERR_SERVICE_UNAVAILABLE, NULL);
	else
		ln_stanza_free(&st);
}
