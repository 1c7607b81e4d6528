/*
 * Delivery after RFC 6121 section 8. See deliver.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "im/deliver.h"

#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "core/iq.h"
#include "core/module.h"
#include "core/router.h"
#include "core/stanza_names.h"
#include "core/work.h"
#include "im/drain.h"
#include "im/pending.h"
#include "im/presence.h"
#include "im/roster.h"
#include "im/session.h"

#define TARGETS_MAX 128 /* sessions a message is given to; limits.sessions is never above it */

enum { DELIVERED, IGNORED };
static const struct metric_row rows[] = {
	[DELIVERED] = { "delivered_total", METRIC_COUNTER, "Messages given to sessions." },
	[IGNORED] = { "ignored_total", METRIC_COUNTER,
	    "Stanzas dropped in silence by RFC 6121 §8." },
};
METRICS(metrics, "deliver", rows);

struct targets {
	struct ln_session *session[TARGETS_MAX];
	size_t count;
	bool live; /* one of them can acknowledge it */
};

static void
add_target(struct targets *targets, struct ln_session *session)
{
	if (targets->count == TARGETS_MAX)
		return;
	targets->session[targets->count++] = session;
	targets->live |= session->port.id != 0 && !drain_is_for(session);
}

static void
ignore(struct ln_stanza *st)
{
	metric_inc(metrics, IGNORED);
	ln_stanza_free(&st);
}

/* --- messages ------------------------------------------------------------------------------- */

/* RFC 6121 §8.5.2.1.1: all available resources that did not say they want no messages. */
static void
available_targets(struct ln_account *account, struct targets *targets)
{
	struct ln_session *session;

	TAILQ_FOREACH(session, &account->sessions, link)
		if (session->presence != NULL && session->priority >= 0)
			add_target(targets, session);
}

static void
hand(struct ln_session *session, struct ln_stanza *st, struct waiting *waiting)
{
	if (waiting != NULL)
		pending_held(waiting, st);
	if (waiting != NULL && drain_is_for(session))
		drain_behind(session, st);
	else
		session_send(session, st);
}

/* A copy for each but the last, who gets the message itself. */
static void
give(struct targets *targets, struct ln_stanza *st, struct waiting *waiting)
{
	for (size_t i = 0; i < targets->count; i++) {
		bool last = i + 1 == targets->count;

		hand(targets->session[i], last ? st : ln_stanza_copy(st), waiting);
	}
	metric_inc(metrics, DELIVERED);
}

/* With observers of message_delivered the message itself is kept for them. */
static void
give_and_tell(struct ln_account *account, struct targets *targets, struct ln_stanza *st,
    struct waiting *waiting)
{
	const struct ln_host *host = account->entity.host;
	struct ln_ev_message_delivered ev = { .stanza = st,
		.account = account,
		.sessions = targets->session,
		.count = targets->count };

	if (host->chains[LN_EV_message_delivered].count == 0) {
		give(targets, st, waiting);
		return;
	}
	give(targets, ln_stanza_copy(st), waiting);
	fire_message_delivered(host, &ev);
	ln_stanza_free(&st);
}

/* Nobody takes it now: hooks decide whether it is kept; else its sender is told. At the end of the
 * server it is kept in any case. */
static void
keep_or_return(struct waiting *waiting)
{
	struct ln_account *account = waiting->account;
	struct ln_ev_message_undeliverable ev = { .stanza = waiting->st,
		.account = account,
		.waiting = waiting,
		.stored = waiting->state != WAITING_MEMORY || im_stopping() };

	fire_message_undeliverable(account->entity.host, &ev);
	if (ev.waiting == NULL)
		return; /* ln_keep() */
	if (im_stopping())
		pending_keep(waiting, 0);
	else
		pending_return(waiting); /* if it was refused, the sender was told */
}

enum ln_verdict
ln_keep(struct ln_ev_message_undeliverable *ev, int64_t expires)
{
	struct waiting *waiting = ev->waiting;

	ev->waiting = NULL;
	pending_keep(waiting, expires);
	return LN_DONE;
}

/* For nobody but who is being given stored messages: then a row is all that it needs. */
static bool
row_will_do(const struct targets *targets)
{
	return targets->count == 1 && drain_is_for(targets->session[0]);
}

static void
give_lasting(struct ln_account *account, struct targets *targets, struct ln_stanza *st)
{
	struct waiting *waiting = pending_new(account, st);
	/* Others may be there to have a copy, or may be waited for in memory already. */
	bool queue =
	    row_will_do(targets) && account->session_count == 1 && STAILQ_EMPTY(&account->behind);

	if (targets->count == 0 || queue) {
		waiting->st = st;
		waiting->owned = true;
		/* Who does not acknowledge what it is given gets no more than who is away. */
		if (queue && !account->drain_paused)
			pending_keep(waiting, 0);
		else
			keep_or_return(waiting);
		return;
	}
	pending_guard(waiting);
	give_and_tell(account, targets, st, waiting);
	pending_given(waiting, targets->live);
	pending_unguard(waiting);
}

/* Without anybody to take it. A typing notice is of the moment; text is not lost in silence. */
static void
nobody_takes(struct ln_stanza *st)
{
	if (st->type == LN_HEADLINE || st->type == LN_TYPE_ERROR || !ln_has_content(st))
		ignore(st);
	else
		router_bounce(st, LN_ERR_SERVICE_UNAVAILABLE, NULL);
}

static void
give_message(struct ln_account *account, struct targets *targets, struct ln_stanza *st)
{
	if (stanza_lasts(st))
		give_lasting(account, targets, st);
	else if (targets->count == 0)
		nobody_takes(st);
	else
		give_and_tell(account, targets, st, NULL);
}

/* RFC 6121 §8.5.2 (bare JID, or a chat message to a resource that is gone). */
static void
message_to_bare(struct ln_account *account, struct ln_stanza *st)
{
	struct targets targets = { .count = 0 };

	if (st->type == LN_GROUPCHAT) {
		router_bounce(st, LN_ERR_SERVICE_UNAVAILABLE, NULL);
		return;
	}
	if (st->type != LN_TYPE_ERROR)
		available_targets(account, &targets);
	give_message(account, &targets, st);
}

/* RFC 6121 §8.5.3.2.1 */
static void
message_to_missing(struct ln_account *account, struct ln_stanza *st)
{
	if (st->type == LN_CHAT)
		message_to_bare(account, st);
	else if (st->type == LN_TYPE_ERROR)
		ignore(st);
	else
		router_bounce(st, LN_ERR_SERVICE_UNAVAILABLE, NULL);
}

static struct ln_session *
addressed(struct ln_account *account, const struct ln_stanza *st)
{
	if (ln_jid_is_bare(&st->to))
		return NULL;
	return account_session_by_resource(account, ln_jid_resource(&st->to));
}

/* Does it claim to be by this account or its host (arg: the account's bare JID)? */
static bool
claims_to_be_ours(const struct ln_elem *elem, void *arg)
{
	const struct ln_jid *own = arg;
	const char *by = ln_elem_attr(elem, "by");
	struct ln_jid jid;

	if (by == NULL || ln_jid_parse(work_arena(), by, strlen(by), &jid) != LN_JID_OK)
		return true; /* nobody's */
	return ln_jid_same_bare(&jid, own) ||
	    (!ln_jid_has_local(&jid) && ln_jid_same_domain(&jid, own));
}

void
deliver_strip_ids(const struct ln_account *account, struct ln_stanza *st)
{
	ln_strip(st, "stanza-id", NS_SID, claims_to_be_ours, (void *)&account->entity.jid);
}

/* What lasts has one id in all its copies, now and when it comes out of `pending`. */
static void
stamp(const struct ln_account *account, struct ln_stanza *st)
{
	char id[STANZA_ID_LEN + 1];

	if (stanza_lasts(st) && ln_stamped(st, &account->entity.jid) == NULL)
		ln_stamp(st, &account->entity.jid, stanza_random_id(id));
}

static void
deliver_message(struct ln_account *account, struct ln_stanza *st)
{
	struct ln_session *session = addressed(account, st);
	struct ln_ev_message_received ev = { .stanza = st, .account = account, .session = session };
	struct targets targets = { .count = 0 };

	deliver_strip_ids(account, st);
	if (fire_message_received(account->entity.host, &ev) == LN_DONE) {
		ln_stanza_free(&ev.stanza);
		return;
	}
	stamp(account, ev.stanza);
	if (session != NULL) {
		add_target(&targets, session);
		give_message(account, &targets, ev.stanza);
	} else if (ln_jid_is_bare(&st->to)) {
		message_to_bare(account, ev.stanza);
	} else {
		message_to_missing(account, ev.stanza);
	}
}

void
deliver_again(struct waiting *waiting)
{
	struct ln_account *account = waiting->account;
	struct targets targets = { .count = 0 };

	available_targets(account, &targets);
	if (targets.count == 0) {
		keep_or_return(waiting);
		return;
	}
	if (row_will_do(&targets)) {
		pending_keep(waiting, 0);
		return;
	}
	pending_guard(waiting);
	for (size_t i = 0; i < targets.count; i++) {
		struct ln_stanza *mine = ln_stanza_copy(waiting->st);

		if (ln_child(mine, "delay", NS_DELAY) == NULL)
			ln_add_delay(mine, ln_host_jid(account->entity.host), waiting->stamp, NULL);
		hand(targets.session[i], mine, waiting);
	}
	pending_given(waiting, targets.live);
	pending_unguard(waiting);
}

/* --- iq (RFC 6121 §8.5.1, §8.5.2.1.3, §8.5.3) --------------------------------------------------- */

static bool
is_request(const struct ln_stanza *st)
{
	return st->type == LN_GET || st->type == LN_SET;
}

void
deliver_iq_to_account(struct ln_account *account, struct ln_stanza *st)
{
	const struct ln_elem *query = ln_first(st);

	if (!is_request(st))
		ignore(st);
	else if (ln_elem_is(query, "query", NS_ROSTER))
		roster_iq(account, st);
	else
		iq_dispatch(account->entity.host, account, st, false);
}

static void
deliver_iq(struct ln_account *account, struct ln_stanza *st)
{
	struct ln_session *session = addressed(account, st);
	struct ln_ev_iq_received ev = { .stanza = st, .account = account, .session = session };

	if (fire_iq_received(account->entity.host, &ev) == LN_DONE) {
		ln_stanza_free(&ev.stanza);
		return;
	}
	if (session != NULL)
		session_send(session, ev.stanza);
	else if (ln_jid_is_bare(&ev.stanza->to))
		deliver_iq_to_account(account, ev.stanza);
	else if (is_request(ev.stanza))
		router_bounce(ev.stanza, LN_ERR_SERVICE_UNAVAILABLE, NULL);
	else
		ignore(ev.stanza);
}

void
deliver(struct ln_account *account, struct ln_stanza *st)
{
	switch (st->kind) {
	case LN_MESSAGE:
		deliver_message(account, st);
		break;
	case LN_PRESENCE:
		presence_to_account(account, st);
		break;
	default:
		deliver_iq(account, st);
		break;
	}
}
