/*
 * Presence. See presence.h.
 *
 * A user's initial presence to a local contact is also his probe (DESIGN
 * section 4): the stanza carries STANZA_PROBES, and the contact's home answers
 * from its own roster. An account that is not loaded has no session, so
 * nothing is lost when the router drops it there.
 *
 * SPDX-License-Identifier: MIT
 */
#include "im/presence.h"

#include <stdlib.h>
#include <string.h>

#include "base/metrics.h"
#include "core/fanout.h"
#include "core/router.h"
#include "core/stanza.h"
#include "core/work.h"
#include "im/drain.h"
#include "im/roster.h"
#include "im/session.h"
#include "im/subscription.h"

#define DIRECTED_MAX 1000 /* addresses a session may have sent directed presence to */

enum { BROADCASTS, SHOWN, PROBES, DROPPED };
static const struct metric_row rows[] = {
	[BROADCASTS] = { "broadcasts_total", METRIC_COUNTER, "Presence broadcast to contacts." },
	[SHOWN] = { "shown_total", METRIC_COUNTER, "Presence stanzas sent to contacts." },
	[PROBES] = { "probes_total", METRIC_COUNTER, "Probes answered." },
	[DROPPED] = { "dropped_total", METRIC_COUNTER, "Presence for nobody who is there." },
};
METRICS(metrics, "presence", rows);

/* Whom a session sent directed presence to (RFC 6121 §4.6). */
struct directed {
	struct ln_jid *jids; /* texts owned */
	size_t count, room;
};

bool
presence_loads(const struct ln_stanza *st)
{
	return st->kind != LN_PRESENCE || (st->flags & STANZA_LOADS) ||
	    (st->type >= LN_SUBSCRIBE && st->type <= LN_UNSUBSCRIBED);
}

static void
drop(struct ln_stanza *st)
{
	metric_inc(metrics, DROPPED);
	ln_stanza_free(&st);
}

bool
ln_may_see_presence(const struct ln_account *account, const struct ln_jid *asker)
{
	const struct ln_roster_item *item;

	if (ln_jid_same_bare(asker, &account->entity.jid))
		return true;
	item = roster_find(account, asker);
	return item != NULL && (item->state & ROSTER_FROM);
}

bool
presence_is_shown(struct ln_account *account, const struct ln_jid *contact)
{
	struct ln_ev_presence_shown ev = { .account = account, .contact = contact };

	return fire_presence_shown(account->entity.host, &ev) == LN_PASS;
}

/* --- directed presence (RFC 6121 §4.6) ---------------------------------------------------- */

static size_t
directed_at(const struct directed *directed, const struct ln_jid *to)
{
	size_t i = 0;

	while (i < directed->count && !ln_jid_same(&directed->jids[i], to))
		i++;
	return i;
}

/* False: too many. */
static bool
directed_add(struct ln_session *session, const struct ln_jid *to)
{
	struct directed *directed = session->directed;

	if (directed == NULL)
		directed = session->directed = xcalloc(1, sizeof *directed);
	if (directed_at(directed, to) < directed->count)
		return true;
	if (directed->count == DIRECTED_MAX)
		return false;
	if (directed->count == directed->room) {
		directed->room = directed->room ? directed->room * 2 : 4;
		directed->jids = xrealloc(directed->jids, directed->room * sizeof *directed->jids);
	}
	ln_jid_copy(&directed->jids[directed->count++], to);
	return true;
}

static void
directed_remove(struct ln_session *session, const struct ln_jid *to)
{
	struct directed *directed = session->directed;
	size_t at;

	if (directed == NULL || (at = directed_at(directed, to)) == directed->count)
		return;
	ln_jid_free(&directed->jids[at]);
	directed->jids[at] = directed->jids[--directed->count];
}

static void
directed_free(struct ln_session *session)
{
	struct directed *directed = session->directed;

	session->directed = NULL;
	if (directed == NULL)
		return;
	for (size_t i = 0; i < directed->count; i++)
		ln_jid_free(&directed->jids[i]);
	free(directed->jids);
	free(directed);
}

void
ln_presence_withdraw(struct ln_account *account,
    bool (*from)(const struct ln_account *account, const struct ln_jid *to, void *arg), void *arg)
{
	struct ln_session *session;

	TAILQ_FOREACH(session, &account->sessions, link) {
		struct directed *directed = session->directed;

		for (size_t i = 0; directed != NULL && i < directed->count;) {
			struct ln_jid *to = &directed->jids[i];

			if (!from(account, to, arg)) {
				i++;
				continue;
			}
			router_route(ln_stanza_new(LN_PRESENCE, LN_UNAVAILABLE, &session->jid, to));
			ln_jid_free(to);
			directed->jids[i] = directed->jids[--directed->count];
		}
	}
}

static void
send_directed(struct ln_account *account, struct ln_session *session, struct ln_stanza *st)
{
	struct ln_ev_presence_sent ev = { .stanza = st, .account = account, .session = session };
	const struct ln_roster_item *item = roster_find(account, &st->to);
	bool covered = ln_jid_is_bare(&st->to) && item != NULL && (item->state & ROSTER_FROM);

	if (st->type == LN_UNAVAILABLE)
		directed_remove(session, &st->to);
	if (fire_presence_sent(account->entity.host, &ev) == LN_DONE)
		ln_stanza_free(&ev.stanza);
	else if (st->type == LN_AVAILABLE && !covered && !directed_add(session, &st->to))
		router_bounce(st, LN_ERR_RESOURCE_CONSTRAINT, "Too many directed presences.");
	else
		router_route(st);
}

/* --- broadcast (§4.2, §4.4, §4.5) ------------------------------------------------------------ */

static void
to_contacts(struct ln_account *account, struct ln_stanza *st)
{
	const struct roster *roster = account->roster;
	struct fanout *fanout = fanout_new(ln_stanza_copy(st));

	metric_inc(metrics, BROADCASTS);
	for (uint32_t i = 0; roster != NULL && i < roster->count; i++) {
		const struct ln_roster_item *item = roster->items[i];

		if (!(item->state & ROSTER_FROM) || !presence_is_shown(account, &item->jid))
			continue;
		fanout_add(fanout, &item->jid);
		metric_inc(metrics, SHOWN);
	}
	fanout_send(&account->entity, fanout);
}

static void
to_directed(struct ln_account *account, struct ln_session *session, struct ln_stanza *st)
{
	struct fanout *fanout;

	if (session->directed == NULL)
		return;
	fanout = fanout_new(ln_stanza_copy(st));
	for (size_t i = 0; i < session->directed->count; i++)
		if (presence_is_shown(account, &session->directed->jids[i]))
			fanout_add(fanout, &session->directed->jids[i]);
	fanout_send(&account->entity, fanout);
	directed_free(session);
}

/* Every available resource of the account, the sender's included (§4.2.2). */
static void
to_own_resources(struct ln_account *account, struct ln_stanza *st)
{
	struct ln_session *session;

	TAILQ_FOREACH(session, &account->sessions, link) {
		struct ln_stanza *copy;

		if (session->presence == NULL)
			continue;
		copy = ln_stanza_copy(st);
		ln_set_to(copy, &session->jid);
		session_send(session, copy);
	}
}

static void
show_others(struct ln_account *account, struct ln_session *session)
{
	struct ln_session *other;

	TAILQ_FOREACH(other, &account->sessions, link) {
		struct ln_stanza *copy;

		if (other == session || other->presence == NULL)
			continue;
		copy = ln_stanza_copy(other->presence);
		ln_set_to(copy, &session->jid);
		session_send(session, copy);
	}
}

/* §4.3.1: whom the broadcast does not reach, or who is elsewhere, is asked by a probe, between bare
 * addresses as subscriptions are (§4.3). */
static void
probe_contacts(struct ln_account *account)
{
	const struct roster *roster = account->roster;

	for (uint32_t i = 0; roster != NULL && i < roster->count; i++) {
		const struct ln_roster_item *item = roster->items[i];
		bool local = host_of(&item->jid) != NULL;

		if (!(item->state & ROSTER_TO) || (local && (item->state & ROSTER_FROM)) ||
		    !presence_is_shown(account, &item->jid))
			continue;
		ln_send(ln_stanza_new(LN_PRESENCE, LN_PROBE, &account->entity.jid, &item->jid));
	}
}

static void
became_available(struct ln_account *account, struct ln_session *session)
{
	struct ln_ev_presence_available ev = { .account = account, .session = session };

	show_others(account, session);
	probe_contacts(account);
	subscription_remind(account, session);
	fire_presence_available(account->entity.host, &ev);
}

/* §4.7.2.3: -128 .. 127; false: it is none. */
static bool
read_priority(const struct ln_stanza *st, int8_t *priority_r)
{
	const struct ln_elem *elem = ln_child(st, "priority", NS_CLIENT);
	const char *text;
	char *end;
	long value;

	*priority_r = 0;
	if (elem == NULL)
		return true;
	text = ln_elem_text(elem);
	value = strtol(text, &end, 10);
	if (end == text || value < -128 || value > 127)
		return false;
	/* xs:byte: white space around it is nothing. */
	if (end[strspn(end, " \t\r\n")] != '\0')
		return false;
	*priority_r = (int8_t)value;
	return true;
}

static void
available(struct ln_account *account, struct ln_session *session, struct ln_stanza *st)
{
	bool initial = session->presence == NULL;
	int8_t priority;

	if (!read_priority(st, &priority)) {
		ln_set_to(st, &account->entity.jid); /* who answers */
		router_bounce(st, LN_ERR_BAD_REQUEST, "A priority is a number from -128 to 127.");
		return;
	}
	ln_stanza_free(&session->presence);
	session->presence = stanza_keep(st);
	session->priority = priority;
	if (initial)
		st->flags |= STANZA_PROBES;
	to_contacts(account, st);
	to_own_resources(account, st);
	ln_stanza_free(&st);
	if (initial)
		became_available(account, session);
}

static void
unavailable(struct ln_account *account, struct ln_session *session, struct ln_stanza *st)
{
	struct ln_ev_presence_unavailable ev = { .head.stanza = st,
		.account = account,
		.session = session };
	bool was_available = session->presence != NULL;

	if (was_available) {
		to_contacts(account, st);
		to_own_resources(account, st);
		ln_stanza_free(&session->presence);
		session->priority = 0;
		session->drained = false; /* who comes back is given what came meanwhile */
		drain_leave(session);
	}
	to_directed(account, session, st);
	if (was_available)
		fire_presence_unavailable(account->entity.host, &ev);
	ln_stanza_free(&st);
}

static void
broadcast(struct ln_account *account, struct ln_session *session, struct ln_stanza *st)
{
	struct ln_ev_presence_sent ev = { .stanza = st, .account = account, .session = session };

	if (fire_presence_sent(account->entity.host, &ev) == LN_DONE) {
		ln_stanza_free(&ev.stanza);
		return;
	}
	if (ev.stanza->type == LN_AVAILABLE)
		available(account, session, ev.stanza);
	else
		unavailable(account, session, ev.stanza);
}

/* Subscriptions and errors; what is for a blocked contact must not go (XEP-0191 §3.3). */
static void
send_other(struct ln_account *account, struct ln_session *session, struct ln_stanza *st)
{
	struct ln_ev_presence_sent ev = { .stanza = st, .account = account, .session = session };

	if (fire_presence_sent(account->entity.host, &ev) == LN_DONE)
		ln_stanza_free(&ev.stanza);
	else if (st->type == LN_TYPE_ERROR)
		router_route(st);
	else
		subscription_out(account, st);
}

void
presence_from_session(struct ln_account *account, struct ln_session *session, struct ln_stanza *st)
{
	bool to_all = ln_to(st) == NULL;

	if (st->type == LN_AVAILABLE || st->type == LN_UNAVAILABLE) {
		if (to_all)
			broadcast(account, session, st);
		else
			send_directed(account, session, st);
	} else if (to_all && st->type == LN_TYPE_ERROR) {
		drop(st);
	} else if (to_all) {
		/* Without an address it is for the account itself (RFC 6120 §8.1.1.1), which cannot
		 * subscribe to itself: the account says so. */
		ln_set_to(st, &account->entity.jid);
		router_bounce(st, LN_ERR_BAD_REQUEST, "To whom?");
	} else if (st->type == LN_PROBE) {
		drop(st); /* probing is the server's (§4.3.1) */
	} else {
		send_other(account, session, st);
	}
}

void
presence_session_closed(struct ln_account *account, struct ln_session *session)
{
	unavailable(account, session,
	    ln_stanza_new(LN_PRESENCE, LN_UNAVAILABLE, &session->jid, NULL));
	directed_free(session);
}

/* --- what comes for the account ------------------------------------------------------------------ */

/* Every available resource's presence, to whoever may see it; `to` bare or full. */
static void
show_all(struct ln_account *account, const struct ln_jid *to)
{
	struct ln_session *session;

	TAILQ_FOREACH(session, &account->sessions, link) {
		struct ln_stanza *copy;

		if (session->presence == NULL)
			continue;
		copy = ln_stanza_copy(session->presence);
		copy->flags &= (uint8_t)~STANZA_PROBES;
		ln_set_to(copy, to);
		metric_inc(metrics, SHOWN);
		router_route(copy);
	}
}

void
ln_presence_show(struct ln_account *account, const struct ln_jid *contact)
{
	if (presence_is_shown(account, contact))
		show_all(account, contact);
}

void
ln_presence_hide(struct ln_account *account, const struct ln_jid *contact)
{
	struct ln_session *session;

	TAILQ_FOREACH(session, &account->sessions, link)
		if (session->presence != NULL)
			router_route(
			    ln_stanza_new(LN_PRESENCE, LN_UNAVAILABLE, &session->jid, contact));
}

/* §4.3.2. A probe for nobody who is there is answered with silence, as the RFC allows. */
static void
answer_probe(struct ln_account *account, struct ln_stanza *st)
{
	metric_inc(metrics, PROBES);
	if (ln_may_see_presence(account, &st->from)) {
		if (presence_is_shown(account, &st->from))
			show_all(account, &st->from);
	} else {
		struct ln_jid asker = ln_jid_bare(work_arena(), &st->from);

		router_route(
		    ln_stanza_new(LN_PRESENCE, LN_UNSUBSCRIBED, &account->entity.jid, &asker));
	}
	ln_stanza_free(&st);
}

/* §8.5.2.1.2: every available resource. */
static void
to_bare(struct ln_account *account, struct ln_stanza *st)
{
	struct ln_session *session;

	TAILQ_FOREACH(session, &account->sessions, link)
		if (session->presence != NULL)
			session_send(session, ln_stanza_copy(st));
	ln_stanza_free(&st);
}

static void
to_full(struct ln_account *account, struct ln_stanza *st)
{
	struct ln_session *session = account_session_by_resource(account, ln_jid_resource(&st->to));

	if (session == NULL)
		drop(st);
	else
		session_send(session, st);
}

static bool
is_subscription(const struct ln_stanza *st)
{
	return st->type >= LN_SUBSCRIBE && st->type <= LN_UNSUBSCRIBED;
}

static void
received(struct ln_account *account, struct ln_stanza *st)
{
	bool probes = (st->flags & STANZA_PROBES) && st->type == LN_AVAILABLE;
	struct ln_jid from = st->from;

	if (probes)
		from = ln_jid_clone(work_arena(), &st->from);
	if (ln_jid_is_bare(&st->to))
		to_bare(account, st);
	else
		to_full(account, st);
	/* Only a subscriber gets an answer, and only from who is there. */
	if (probes && !ln_jid_same_bare(&from, &account->entity.jid) &&
	    ln_may_see_presence(account, &from) && presence_is_shown(account, &from))
		show_all(account, &from);
}

void
presence_to_account(struct ln_account *account, struct ln_stanza *st)
{
	struct ln_session *session = ln_jid_is_bare(&st->to)
	    ? NULL
	    : account_session_by_resource(account, ln_jid_resource(&st->to));
	struct ln_ev_presence_received ev = { .stanza = st,
		.account = account,
		.session = session };

	if (ln_from(st) == NULL) {
		drop(st);
		return;
	}
	if (fire_presence_received(account->entity.host, &ev) == LN_DONE) {
		ln_stanza_free(&ev.stanza);
		return;
	}
	st = ev.stanza;
	if (is_subscription(st))
		subscription_in(account, st);
	else if (st->type == LN_PROBE)
		answer_probe(account, st);
	else if (st->type == LN_TYPE_ERROR && ln_jid_is_bare(&st->to))
		drop(st);
	else
		received(account, st);
}

void
presence_account_gone(struct ln_account *account)
{
	const struct roster *roster = account->roster;

	for (uint32_t i = 0; roster != NULL && i < roster->count; i++)
		subscription_end(roster->items[i]);
}

/* To whoever shows them; which of their resources were there is not known here. */
void
presence_domain_gone(struct ln_account *account, const char *domain)
{
	const struct roster *roster = account->roster;

	for (uint32_t i = 0; roster != NULL && i < roster->count; i++) {
		const struct ln_roster_item *item = roster->items[i];

		if ((item->state & ROSTER_TO) && ln_jid_in_domain(&item->jid, domain))
			to_bare(account,
			    ln_stanza_new(LN_PRESENCE, LN_UNAVAILABLE, &item->jid,
				&account->entity.jid));
	}
}
