/*
 * Sessions: binding, submitting, ending. What the client is given is in outgoing.c, XEP-0198 in
 * manage.c.
 *
 * SPDX-License-Identifier: MIT
 */
#include "im/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/handle.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/xalloc.h"
#include "core/module.h"
#include "core/stanza_names.h"
#include "core/work.h"
#include "im/drain.h"
#include "im/manage.h"
#include "im/presence.h"
#include "im/submit.h"
#include "net/worker.h"

/* Credit (DESIGN section 5): beyond either the stream reads no more stanzas. */
#define CREDIT_STANZAS 256
#define CREDIT_BYTES ((size_t)256 * 1024)

/* A hold out for so long is a bug or a lost worker; a failing store stops this clock (DESIGN section
 * 8), as it does that of hibernation. */
#define CLOSING_MS 2000 /* how long answers are waited for once the client has closed its stream */
#define HOLD_MAX_MS 60000
#define FAILING_MS 1000

/* A deadline of an account that is being loaded anew is put off by this. */
#define LOADING_MS 50

enum { SESSIONS, BOUND, CONFLICTS, REFUSED, PAUSED };
static const struct metric_row rows[] = {
	[SESSIONS] = { "sessions", METRIC_GAUGE, "Sessions, the hibernating ones included." },
	[BOUND] = { "bound_total", METRIC_COUNTER, "Resources bound." },
	[CONFLICTS] = { "conflicts_total", METRIC_COUNTER, "Resources bound twice." },
	[REFUSED] = { "bind_refused_total", METRIC_COUNTER,
	    "Bindings refused: too many sessions." },
	[PAUSED] = { "paused_total", METRIC_COUNTER, "Streams paused: credit used up." },
};
METRICS(metrics, "session", rows);

static unsigned slot;

static struct handles *
local(void)
{
	return worker_slot(worker_current(), slot);
}

struct ln_session *
session_find(uint64_t id)
{
	return handle_get(local(), id);
}

struct port *
session_port(const struct ln_session *session)
{
	return port_find(session->port);
}

/* --- binding (RFC 6120 §7) ------------------------------------------------------------- */

static struct ln_session *
session_new(struct ln_account *account, const struct ln_jid *jid, const struct up *up)
{
	struct ln_session *session = xcalloc(1, sizeof *session);

	session->id = handle_new(local(), session);
	session->account = account;
	ln_jid_copy(&session->jid, jid);
	session->port = up->port;
	session->since = clock_wall_ms();
	session->active = worker_now_ms();
	session->address = xstrdup(up->bind.address != NULL ? up->bind.address : "");
	session->lang = up->bind.lang != NULL ? xstrdup(up->bind.lang) : NULL;
	session->secure = up->bind.secure;
	STAILQ_INIT(&session->unacked);
	hold_owner_open(&session->holds, session_holds_advanced);
	timer_init(&session->timer, session_deadline, session);
	TAILQ_INSERT_TAIL(&account->sessions, session, link);
	account->session_count++;
	metric_add(metrics, SESSIONS, 1);
	metric_inc(metrics, BOUND);
	module_session_open(session);
	return session;
}

static void
refuse_bind(const struct up *up, enum ln_error error, const char *text)
{
	const struct port_bound refused = { .error = error, .text = text };
	struct port *port = port_find(up->port);

	if (port != NULL)
		port->ops->bound(port, &refused);
}

/* The full JID to bind; false: the resource is no resourcepart. */
static bool
choose_jid(struct ln_account *account, const struct up *up, struct arena *arena,
    struct ln_jid *jid_r)
{
	char random[STANZA_ID_LEN + 1];
	const char *resource = up->bind.resource;

	if (resource == NULL)
		resource = stanza_random_id(random);
	return ln_jid_with_resource(arena, &account->entity.jid, resource, strlen(resource),
		   jid_r) == LN_JID_OK;
}

/* One that hibernates, or whose client has said goodbye, is nobody's any more. */
static bool
is_connected(const struct ln_session *session)
{
	return session->port.id != 0 && session->closing_until == 0;
}

/* RFC 6120 §7.7.2.2: somebody has the resource. False: refused. */
static bool
settle_conflict(struct ln_account *account, const struct up *up, struct arena *arena,
    struct ln_jid *jid)
{
	struct ln_session *other = account_session_by_resource(account, ln_jid_resource(jid));
	char random[STANZA_ID_LEN + 1];

	if (other == NULL)
		return true;
	metric_inc(metrics, CONFLICTS);
	switch (account_rules(account)->resource_conflict) {
	case CONFLICT_REFUSE:
		if (is_connected(other)) {
			refuse_bind(up, LN_ERR_CONFLICT, "This resource is connected already.");
			return false;
		}
		break;
	case CONFLICT_RENAME:
		stanza_random_id(random);
		return ln_jid_with_resource(arena, jid, random, strlen(random), jid) == LN_JID_OK;
	default:
		break;
	}
	session_end(other, "conflict", "replaced by a new connection");
	return true;
}

/* Of those that hibernate the one whose time is over first; NULL: all are connected, or soon are. */
static struct ln_session *
nearest_to_its_end(const struct ln_account *account)
{
	struct ln_session *session, *nearest = NULL;

	TAILQ_FOREACH(session, &account->sessions, link)
		if (session->port.id == 0 && !manage_is_awaited(session) &&
		    (nearest == NULL || session->hibernates_until < nearest->hibernates_until))
			nearest = session;
	return nearest;
}

/* Who comes is not kept out by clients that have gone. False: all of them are here. */
static bool
make_room(struct ln_account *account)
{
	struct ln_session *sleeper;

	if (account->session_count < account_conf(account)->sessions_max)
		return true;
	sleeper = nearest_to_its_end(account);
	if (sleeper == NULL)
		return false;
	session_end(sleeper, NULL, "made room for another session");
	return true;
}

static void
announce_bound(struct ln_session *session, struct port *port)
{
	const struct port_bound bound = { .session = session->id, .jid = &session->jid };
	struct ln_ev_session_bound ev = { .account = session->account, .session = session };

	port->ops->bound(port, &bound);
	log_info("c2s", "session opened session=%s address=%s tls=%s", log_quote(session->jid.full),
	    session->address, session->secure ? "yes" : "no");
	fire_session_bound(session->account->entity.host, &ev);
}

void
session_bind(struct ln_account *account, struct up *up)
{
	struct arena *arena = up_arena(up);
	struct port *port = port_find(up->port);
	struct ln_jid jid;

	if (port == NULL)
		return; /* the stream is gone already */
	if (!choose_jid(account, up, arena, &jid)) {
		refuse_bind(up, LN_ERR_BAD_REQUEST, "This is no resourcepart.");
		return;
	}
	if (!settle_conflict(account, up, arena, &jid))
		return;
	if (!make_room(account)) {
		metric_inc(metrics, REFUSED);
		refuse_bind(up, LN_ERR_RESOURCE_CONSTRAINT, "Too many sessions of this account.");
		return;
	}
	announce_bound(session_new(account, &jid, up), port);
}

/* --- what the client sends ------------------------------------------------------------------ */

static bool
credit_used_up(const struct ln_session *session)
{
	return hold_owner_out(&session->holds) >= CREDIT_STANZAS ||
	    session->holds.bytes >= CREDIT_BYTES;
}

static void
give_credit(struct ln_session *session)
{
	struct port *port = session_port(session);

	if (!session->paused || hold_owner_out(&session->holds) > CREDIT_STANZAS / 2 ||
	    session->holds.bytes > CREDIT_BYTES / 2)
		return;
	session->paused = false;
	if (port != NULL)
		port->ops->go_on(port);
}

static void check_closing(struct ln_session *session);

void
session_holds_advanced(struct hold_owner *owner)
{
	struct ln_session *session =
	    (struct ln_session *)((char *)owner - offsetof(struct ln_session, holds));

	give_credit(session);
	if (session->sm != NULL)
		manage_holds_advanced(session);
	check_closing(session);
}

void
session_submit(struct ln_session *session, struct ln_stanza *st)
{
	struct port *port;

	st->hold = hold_open(&session->holds, (uint32_t)stanza_weight(st));
	if (!session->paused && credit_used_up(session)) {
		port = session_port(session);
		metric_inc(metrics, PAUSED);
		session->paused = true;
		if (port != NULL)
			port->ops->pause(port);
	}
	if (!timer_is_set(&session->timer))
		timer_set(&session->timer, HOLD_MAX_MS);
	if (st->kind != LN_IQ)
		session->active = worker_now_ms();
	ln_set_from(st, &session->jid);
	if (st->lang == NULL && session->lang != NULL)
		ln_set_lang(st, session->lang);
	work_begin(&session->account->entity, st);
	submit(session, st);
	work_end();
}

void
session_answered(struct ln_session *session, struct ln_stanza *st, struct ln_stanza *reply)
{
	st->hold = hold_open(&session->holds, (uint32_t)stanza_weight(st));
	ln_stanza_free(&st);
	if (reply == NULL)
		return;
	ln_set_to(reply, &session->jid);
	session_send(session, reply);
}

/* --- losing the connection, and the end ------------------------------------------------------------ */

void
session_drop_stream(struct ln_session *session, const char *condition, const char *text)
{
	struct port *port = session_port(session);

	session->port = (struct port_ref){ 0 };
	if (port != NULL)
		port->ops->close(port, condition, text);
	session_lost(session, text);
}

void
session_lost(struct ln_session *session, const char *reason)
{
	struct ln_ev_session_detached ev = { .account = session->account,
		.session = session,
		.reason = reason };

	session->port = (struct port_ref){ 0 };
	session->paused = false;
	session_pace_no_more(session);
	if (session->sm == NULL || session->sm->id == NULL) {
		session->hibernates_until = worker_now_ms();
		timer_set(&session->timer, 0);
		return;
	}
	manage_hibernate(session);
	drain_lost(session);
	log_info("c2s", "session hibernates session=%s reason=%s", log_quote(session->jid.full),
	    reason);
	fire_session_detached(session->account->entity.host, &ev);
}

void
session_detach(struct ln_session *session, bool closed, const char *reason)
{
	if (closed && session->closing_until == 0 && hold_owner_out(&session->holds) > 0) {
		session->closing_until = worker_now_ms() + CLOSING_MS;
		timer_set_sooner(&session->timer, CLOSING_MS);
		return;
	}
	if (!closed)
		session->port = (struct port_ref){ 0 };
	if (closed || session->closing_until != 0 || session->sm == NULL || session->sm->id == NULL)
		session_end(session, NULL, reason);
	else
		session_lost(session, reason);
}

static void
close_now(struct entity *entity, void *arg)
{
	struct ln_session *session = entity != NULL ? session_find((uint64_t)(uintptr_t)arg) : NULL;

	if (session != NULL)
		session_end(session, NULL, "closed by the peer");
}

/* Everything that its client sent has been dealt with; answers are in the inbox, before this. */
static void
check_closing(struct ln_session *session)
{
	if (session->closing_until != 0 && hold_owner_out(&session->holds) == 0)
		entity_call(&session->account->entity.jid, close_now,
		    (void *)(uintptr_t)session->id);
}

static void
session_free(struct ln_session *session)
{
	timer_cancel(&session->timer);
	hold_owner_close(&session->holds);
	manage_free(session);
	module_session_close(session);
	handle_end(local(), session->id);
	ln_jid_free(&session->jid);
	free(session->address);
	free(session->lang);
	free(session);
	metric_add(metrics, SESSIONS, -1);
}

void
session_end(struct ln_session *session, const char *condition, const char *reason)
{
	struct ln_account *account = session->account;
	struct port *port = session_port(session);
	struct ln_ev_session_closed ev = { .account = account,
		.session = session,
		.reason = reason };
	struct item *item;

	if (session->ended)
		return;
	session->ended = true;
	session->port = (struct port_ref){ 0 };
	if (port != NULL)
		port->ops->close(port, condition, condition != NULL ? reason : NULL);
	log_info("c2s", "session closed session=%s reason=%s", log_quote(session->jid.full),
	    reason);
	presence_session_closed(account, session);
	fire_session_closed(account->entity.host, &ev);
	TAILQ_REMOVE(&account->sessions, session, link);
	account->session_count--;
	while ((item = STAILQ_FIRST(&session->unacked)) != NULL) {
		STAILQ_REMOVE_HEAD(&session->unacked, link);
		session_give_back((struct ln_stanza *)item);
	}
	session_free(session);
}

/* --- time ---------------------------------------------------------------------------------------------- */

static bool
holds_lost(const struct ln_session *session, int64_t now)
{
	return hold_owner_out(&session->holds) > 0 &&
	    now - session->holds.stalled_since >= HOLD_MAX_MS;
}

/* Sets the timer for what comes next. Who hibernates, or has holds out, is looked at. */
static void
set_deadline(struct ln_session *session, int64_t now)
{
	int64_t at = session->sm != NULL ? manage_next(session) : 0;

	if (session->port.id == 0 && !manage_is_awaited(session) &&
	    (at == 0 || session->hibernates_until < at))
		at = session->hibernates_until;
	if (hold_owner_out(&session->holds) > 0 &&
	    (at == 0 || session->holds.stalled_since + HOLD_MAX_MS < at))
		at = session->holds.stalled_since + HOLD_MAX_MS;
	if (session->closing_until != 0 && (at == 0 || session->closing_until < at))
		at = session->closing_until;
	if (at != 0)
		timer_set(&session->timer, at > now ? at - now : 0);
}

static void
check_time(struct ln_session *session, int64_t now)
{
	/* A disk that hangs gives no error, and is stalled in the end. */
	bool failing = store_failing(work_store()) || store_stalled(work_store());

	if (session->sm != NULL)
		manage_deadline(session, now);
	drain_retry(session);
	if (failing) {
		session->holds.stalled_since = now;
		if (session->hibernates_until != 0 &&
		    session->hibernates_until < now + FAILING_MS && session->sm != NULL &&
		    session->sm->id != NULL)
			session->hibernates_until = now + FAILING_MS;
	}
	if (holds_lost(session, now)) {
		log_error("c2s", "hold not released session=%s number=%u",
		    log_quote(session->jid.full), session->holds.released);
		session_end(session, "internal-server-error", "an acknowledgement was lost");
		return;
	}
	if (session->closing_until != 0 && session->closing_until <= now) {
		session_end(session, NULL, "closed by the peer");
		return;
	}
	if (session->port.id == 0 && session->overfull) {
		session_end(session, NULL, "too much waited for it");
		return;
	}
	if (session->port.id == 0 && !manage_is_awaited(session) &&
	    session->hibernates_until <= now) {
		session_end(session, NULL, "not resumed in time");
		return;
	}
	set_deadline(session, now);
}

void
session_deadline(void *arg)
{
	struct ln_session *session = arg;

	/* After a reload the account may lack what its modules preload: their handlers wait. */
	if (session->account->entity.life == LIFE_LOADING) {
		timer_set(&session->timer, LOADING_MS);
		return;
	}
	work_begin(&session->account->entity, NULL);
	check_time(session, worker_now_ms());
	work_end();
}

/* --- the worker ------------------------------------------------------------------------------------- */

static void
open_worker(struct worker *worker)
{
	worker_slot_set(worker, slot, xcalloc(1, sizeof(struct handles)));
}

static void
close_worker(struct worker *worker)
{
	struct handles *handles = worker_slot(worker, slot);

	handles_free(handles);
	free(handles);
	worker_slot_set(worker, slot, NULL);
}

void
session_init(void)
{
	slot = worker_slot_new();
	worker_on_open(open_worker);
	worker_on_close(close_worker);
}
