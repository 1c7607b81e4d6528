/*
 * Stream management. See manage.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "im/manage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/xalloc.h"
#include "core/module.h"
#include "core/stanza_names.h"
#include "core/work.h"

#define ANSWER_MS 1000 /* an <r/> is answered after this in any case (DESIGN section 8) */
#define ASK_MS 50      /* how long the first unacknowledged stanza waits for our <r/> */
#define ASK_COUNT 8    /* and how many may gather */
#define UNANSWERED_MS 60000
#define RESUME_WAIT_MS 30000
#define ENDED_MS (15 * 60 * 1000)

enum { ENABLED, RESUMED, RESUME_FAILED, HIBERNATING, UNANSWERED };
static const struct metric_row rows[] = {
	[ENABLED] = { "enabled_total", METRIC_COUNTER, "Sessions that enabled XEP-0198." },
	[RESUMED] = { "resumed_total", METRIC_COUNTER, "Sessions resumed." },
	[RESUME_FAILED] = { "resume_failed_total", METRIC_COUNTER, "Resumptions refused." },
	[HIBERNATING] = { "hibernated_total", METRIC_COUNTER,
	    "Sessions that lost their connection." },
	[UNANSWERED] = { "unanswered_total", METRIC_COUNTER, "Streams ended: an <r/> unanswered." },
};
METRICS(metrics, "sm", rows);

/* What may be acknowledged to the client now. */
static uint32_t
handled(const struct ln_session *session)
{
	uint32_t h = session->holds.released - session->sm->in_base;

	return (int32_t)h < 0 ? 0 : h;
}

static void
schedule(struct ln_session *session, int64_t at)
{
	int64_t now = worker_now_ms();

	timer_set_sooner(&session->timer, at > now ? at - now : 0);
}

/* --- enabling ---------------------------------------------------------------------------- */

void
manage_enable(struct ln_session *session, const struct up *up)
{
	struct port *port = session_port(session);
	struct port_enabled enabled = { 0 };
	char id[STANZA_ID_LEN + 1];
	int64_t max_ms = account_rules(session->account)->resume_ms;

	if (port == NULL)
		return;
	if (session->sm != NULL) {
		port->ops->failed(port, LN_ERR_UNEXPECTED_REQUEST, false, 0);
		return;
	}
	session->sm = xcalloc(1, sizeof *session->sm);
	session->sm->in_base = session->holds.opened;
	session->sm->out_base = session->sent;
	if (up->enable.max_s > 0 && up->enable.max_s * (int64_t)1000 < max_ms)
		max_ms = up->enable.max_s * (int64_t)1000;
	if (up->enable.resume && max_ms > 0) {
		session->sm->id = xstrdup(stanza_random_id(id));
		session->sm->max_ms = max_ms;
		enabled.id = session->sm->id;
		enabled.max_s = (unsigned)(max_ms / 1000);
	}
	metric_inc(metrics, ENABLED);
	port->ops->enabled(port, &enabled);
}

/* --- answering the client's <r/> ------------------------------------------------------------ */

static void
answer(struct ln_session *session)
{
	struct port *port = session_port(session);

	if (port != NULL)
		port->ops->ack(port, handled(session));
}

static bool
caught_up(const struct ln_session *session)
{
	return (int32_t)(session->holds.released - session->sm->asked_target) >= 0;
}

void
manage_asked(struct ln_session *session)
{
	struct manage *sm = session->sm;

	if (sm == NULL)
		return;
	if (session->holds.released == session->holds.opened) {
		sm->asked = false;
		answer(session);
		return;
	}
	/* Requests in between share one answer; the first decides when it is due. */
	if (!sm->asked || sm->answer_by == 0)
		sm->answer_by = worker_now_ms() + ANSWER_MS;
	sm->asked = true;
	sm->asked_target = session->holds.opened;
	schedule(session, sm->answer_by);
}

static void try_resume(struct ln_session *session);

void
manage_holds_advanced(struct ln_session *session)
{
	struct manage *sm = session->sm;

	if (sm->resume_by != 0) {
		/* Not in a handler: holds come back at the end of a turn. */
		work_begin(&session->account->entity, NULL);
		try_resume(session);
		work_end();
	}
	if (!sm->asked || !caught_up(session))
		return;
	sm->asked = false;
	sm->answer_by = 0;
	answer(session);
}

/* --- asking the client -------------------------------------------------------------------------- */

static void
ask(struct ln_session *session)
{
	struct manage *sm = session->sm;
	struct port *port = session_port(session);

	if (port == NULL || sm->asking)
		return;
	sm->asking = true;
	sm->ask_at = 0;
	sm->since_ask = 0;
	sm->asked_at = worker_now_ms();
	port->ops->ask(port);
	schedule(session, sm->asked_at + UNANSWERED_MS);
}

void
manage_sent(struct ln_session *session)
{
	struct manage *sm = session->sm;

	if (sm->asking) {
		sm->since_ask++;
		return;
	}
	if (++sm->since_ask >= ASK_COUNT) {
		ask(session);
		return;
	}
	if (sm->ask_at == 0) {
		sm->ask_at = worker_now_ms() + ASK_MS;
		schedule(session, sm->ask_at);
	}
}

void
manage_acked(struct ln_session *session)
{
	struct manage *sm = session->sm;

	sm->asking = false;
	if (session->unacked_count == 0) {
		sm->since_ask = 0;
		sm->ask_at = 0;
	} else if (sm->ask_at == 0) {
		sm->ask_at = worker_now_ms() + ASK_MS;
		schedule(session, sm->ask_at);
	}
}

void
manage_acked_too_much(struct ln_session *session, uint32_t h)
{
	struct port *port = session_port(session);

	if (port != NULL)
		port->ops->overacked(port, h,
		    session->sent - (session->sm != NULL ? session->sm->out_base : 0));
	session_lost(session, "acknowledged more than it was sent");
}

/* --- hibernation and resumption --------------------------------------------------------------------- */

/* From now on it has its time to be resumed. */
static void
sleep_on(struct ln_session *session)
{
	session->hibernates_until = worker_now_ms() + session->sm->max_ms;
	schedule(session, session->hibernates_until);
}

void
manage_hibernate(struct ln_session *session)
{
	struct manage *sm = session->sm;

	sm->asking = false;
	sm->asked = false;
	sm->ask_at = 0;
	sm->answer_by = 0;
	sleep_on(session);
	metric_inc(metrics, HIBERNATING);
	session_write_waiting(session);
}

static void
refuse_resume(struct ln_account *account, const struct up *up)
{
	struct port *port = port_find(up->port);
	int64_t now = worker_now_ms();

	metric_inc(metrics, RESUME_FAILED);
	if (port == NULL)
		return;
	for (int i = 0; account->ended != NULL && i < ENDED_MAX; i++) {
		const struct ended *ended = &account->ended[i];

		if (ended->sm_id != NULL && ended->until > now &&
		    strcmp(ended->sm_id, up->resume.previd) == 0) {
			port->ops->failed(port, LN_ERR_ITEM_NOT_FOUND, true, ended->h);
			return;
		}
	}
	port->ops->failed(port, LN_ERR_ITEM_NOT_FOUND, false, 0);
}

static struct ln_session *
find_resumable(struct ln_account *account, const char *id)
{
	struct ln_session *session;

	TAILQ_FOREACH(session, &account->sessions, link)
		if (session->sm != NULL && session->sm->id != NULL && session->closing_until == 0 &&
		    strcmp(session->sm->id, id) == 0)
			return session;
	return NULL;
}

/* Whoever waits for <resumed/> will not get it. */
static void
give_up_resuming(struct ln_session *session)
{
	struct manage *sm = session->sm;
	struct port *port = sm->resume_by != 0 ? port_find(sm->resume_port) : NULL;

	sm->resume_by = 0;
	if (port != NULL)
		port->ops->failed(port, LN_ERR_ITEM_NOT_FOUND, true, handled(session));
}

void
manage_resume(struct ln_account *account, struct up *up)
{
	struct ln_session *session = find_resumable(account, up->resume.previd);
	uint32_t count;

	if (session == NULL) {
		refuse_resume(account, up);
		return;
	}
	/* Its `h` must lie between what it acknowledged before and what it was sent. */
	count = session->sm->out_base + up->resume.h - session->acked;
	if (count > session->sent - session->acked) {
		struct port *port = port_find(up->port);

		if (port != NULL)
			port->ops->failed(port, LN_ERR_ITEM_NOT_FOUND, true, handled(session));
		return;
	}
	if (session->port.id != 0)
		session_drop_stream(session, "conflict", "resumed by another connection");
	give_up_resuming(session);
	session->sm->resume_port = up->port;
	session->sm->resume_h = up->resume.h;
	session->sm->resume_by = worker_now_ms() + RESUME_WAIT_MS;
	free(session->address);
	session->address = xstrdup(up->resume.address != NULL ? up->resume.address : "");
	session->secure = up->resume.secure;
	schedule(session, session->sm->resume_by);
	try_resume(session);
}

/* <resumed/> waits until all holds are back: else the client would send again what is on its way. */
static void
try_resume(struct ln_session *session)
{
	struct manage *sm = session->sm;
	struct port *port = port_find(sm->resume_port);
	struct ln_ev_session_resumed ev = { .account = session->account, .session = session };
	struct port_resumed resumed;

	if (port == NULL) { /* it gave up waiting: a connection was lost once more */
		sm->resume_by = 0;
		sleep_on(session);
		return;
	}
	if (hold_owner_out(&session->holds) > 0)
		return;
	sm->resume_by = 0;
	session->port = sm->resume_port;
	session->hibernates_until = 0;
	session->overfull = false;
	resumed = (struct port_resumed){ session->id, &session->jid, sm->id, handled(session) };
	port->ops->resumed(port, &resumed);
	session_acked(session, sm->resume_h, false);
	session_pace(session, true);
	if (session->unacked_count > 0)
		ask(session);
	ask_session_resumed(session);
	metric_inc(metrics, RESUMED);
	log_info("c2s", "session resumed session=%s address=%s", log_quote(session->jid.full),
	    session->address);
	fire_session_resumed(session->account->entity.host, &ev);
}

/* --- time ----------------------------------------------------------------------------------------------- */

static void
sooner(int64_t *at, int64_t candidate)
{
	if (candidate != 0 && (*at == 0 || candidate < *at))
		*at = candidate;
}

int64_t
manage_next(const struct ln_session *session)
{
	const struct manage *sm = session->sm;
	int64_t at = 0;

	if (sm->asked)
		sooner(&at, sm->answer_by);
	sooner(&at, sm->ask_at);
	sooner(&at, sm->resume_by);
	if (sm->asking)
		sooner(&at, sm->asked_at + UNANSWERED_MS);
	return at;
}

void
manage_deadline(struct ln_session *session, int64_t now)
{
	struct manage *sm = session->sm;
	struct port *port;

	if (sm->asked && sm->answer_by != 0 && sm->answer_by <= now) {
		sm->answer_by = 0; /* one more follows when `h` has caught up */
		answer(session);
	}
	if (sm->ask_at != 0 && sm->ask_at <= now)
		ask(session);
	if (sm->resume_by != 0 && sm->resume_by <= now) {
		port = port_find(sm->resume_port);
		sm->resume_by = 0;
		sleep_on(session);
		if (port != NULL)
			port->ops->close(port, "resource-constraint",
			    "the store is slow: try again");
	}
	if (sm->asking && sm->asked_at + UNANSWERED_MS <= now && session->port.id != 0) {
		metric_inc(metrics, UNANSWERED);
		session_drop_stream(session, "connection-timeout",
		    "a request for acknowledgement was not answered");
	}
}

static void
remember_ended(struct ln_account *account, struct manage *sm, uint32_t h)
{
	struct ended *oldest;

	if (account->ended == NULL)
		account->ended = xcalloc(ENDED_MAX, sizeof *account->ended);
	oldest = account->ended;
	for (int i = 1; i < ENDED_MAX; i++)
		if (account->ended[i].until < oldest->until)
			oldest = &account->ended[i];
	free(oldest->sm_id);
	*oldest = (struct ended){ sm->id, h, worker_now_ms() + ENDED_MS };
	sm->id = NULL;
}

void
manage_free(struct ln_session *session)
{
	struct manage *sm = session->sm;

	if (sm == NULL)
		return;
	give_up_resuming(session);
	if (sm->id != NULL)
		remember_ended(session->account, sm, handled(session));
	free(sm->id);
	free(sm);
	session->sm = NULL;
}
