/*
 * Subscriptions. See subscription.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "im/subscription.h"

#include <string.h>

#include "base/metrics.h"
#include "core/router.h"
#include "core/stanza.h"
#include "core/work.h"
#include "im/presence.h"
#include "im/session.h"

#define REQUEST_MAX 4096 /* bytes of a request kept with what it says; a larger one without */

enum { IGNORED };
static const struct metric_row rows[] = {
	[IGNORED] = { "ignored_total", METRIC_COUNTER,
	    "Subscription stanzas that changed nothing." },
};
METRICS(metrics, "subscription", rows);

/* --- appendix A ------------------------------------------------------------------------- */

#define YES(state)                \
	{                         \
		SUB_##state, true \
	}
#define NO(state)                  \
	{                          \
		SUB_##state, false \
	}

/* A.2: by type and state: what the stanza makes of it, and whether it is routed. */
static const struct subscription_rule outbound_rules[4][SUB_STATES] = {
	/* subscribe */
	{ YES(NONE_OUT), YES(NONE_OUT), YES(NONE_OUT_IN), YES(NONE_OUT_IN), YES(TO), YES(TO_IN),
	    YES(FROM_OUT), YES(FROM_OUT), YES(BOTH) },
	/* subscribed */
	{ NO(NONE), NO(NONE_OUT), YES(FROM), YES(FROM_OUT), NO(TO), YES(BOTH), NO(FROM),
	    NO(FROM_OUT), NO(BOTH) },
	/* unsubscribe */
	{ YES(NONE), YES(NONE), YES(NONE_IN), YES(NONE_IN), YES(NONE), YES(NONE_IN), YES(FROM),
	    YES(FROM), YES(FROM) },
	/* unsubscribed */
	{ NO(NONE), NO(NONE_OUT), YES(NONE), YES(NONE_OUT), NO(TO), YES(TO), YES(NONE),
	    YES(NONE_OUT), YES(TO) },
};

/* A.3: the same for what comes in, and whether it is delivered. */
static const struct subscription_rule inbound_rules[4][SUB_STATES] = {
	/* subscribe */
	{ YES(NONE_IN), YES(NONE_OUT_IN), NO(NONE_IN), NO(NONE_OUT_IN), YES(TO_IN), NO(TO_IN),
	    NO(FROM), NO(FROM_OUT), NO(BOTH) },
	/* subscribed */
	{ NO(NONE), YES(TO), NO(NONE_IN), YES(TO_IN), NO(TO), NO(TO_IN), NO(FROM), YES(BOTH),
	    NO(BOTH) },
	/* unsubscribe */
	{ NO(NONE), NO(NONE_OUT), YES(NONE), YES(NONE_OUT), NO(TO), YES(TO), YES(NONE),
	    YES(NONE_OUT), YES(TO) },
	/* unsubscribed */
	{ NO(NONE), YES(NONE), NO(NONE_IN), YES(NONE_IN), YES(NONE), YES(NONE_IN), NO(FROM),
	    YES(FROM), YES(FROM) },
};

static const uint8_t state_flags[SUB_STATES] = {
	[SUB_NONE] = 0,
	[SUB_NONE_OUT] = ROSTER_ASK,
	[SUB_NONE_IN] = ROSTER_IN,
	[SUB_NONE_OUT_IN] = ROSTER_ASK | ROSTER_IN,
	[SUB_TO] = ROSTER_TO,
	[SUB_TO_IN] = ROSTER_TO | ROSTER_IN,
	[SUB_FROM] = ROSTER_FROM,
	[SUB_FROM_OUT] = ROSTER_FROM | ROSTER_ASK,
	[SUB_BOTH] = ROSTER_TO | ROSTER_FROM,
};

#define STATE_FLAGS (ROSTER_TO | ROSTER_FROM | ROSTER_ASK | ROSTER_IN)

const struct subscription_rule *
subscription_rule(bool outbound, enum ln_type type, enum subscription_state state)
{
	return outbound ? &outbound_rules[type - LN_SUBSCRIBE][state]
			: &inbound_rules[type - LN_SUBSCRIBE][state];
}

enum subscription_state
subscription_state(uint8_t flags)
{
	for (int state = 0; state < SUB_STATES; state++)
		if (state_flags[state] == (flags & STATE_FLAGS))
			return (enum subscription_state)state;
	return SUB_NONE;
}

uint8_t
subscription_flags(enum subscription_state state)
{
	return state_flags[state];
}

/* --- acting ---------------------------------------------------------------------------------- */

/* Moves an item to a state; true if that changed something. */
static bool
move(struct ln_roster_item *item, enum subscription_state next)
{
	uint8_t before = item->state;
	struct ln_ev_subscription_changed ev = { .account = item->roster->account,
		.contact = &item->jid,
		.to_before = before & ROSTER_TO,
		.from_before = before & ROSTER_FROM };

	item->state = (uint8_t)((before & ~STATE_FLAGS) | state_flags[next]);
	if (item->state == before)
		return false;
	if (!(item->state & ROSTER_IN))
		roster_set_request(item, NULL);
	ev.to_now = item->state & ROSTER_TO;
	ev.from_now = item->state & ROSTER_FROM;
	fire_subscription_changed(ev.account->entity.host, &ev);
	return true;
}

static void
send(struct ln_account *account, enum ln_type type, const struct ln_jid *contact)
{
	ln_send(ln_stanza_new(LN_PRESENCE, type, &account->entity.jid, contact));
}

/* What clients see has changed if these have, or the item was just put there. */
static bool
visible_change(uint8_t before, uint8_t now)
{
	const uint8_t visible =
	    ROSTER_TO | ROSTER_FROM | ROSTER_ASK | ROSTER_APPROVED | ROSTER_SHOWN;

	return (before & visible) != (now & visible);
}

/* --- what the user says (§3.1.2, §3.1.5, §3.2.2, §3.3.2, §3.4) ------------------------------------- */

/* The user has heard of the contact now: the item is shown. */
static bool
shows_item(enum ln_type type)
{
	return type == LN_SUBSCRIBE || type == LN_SUBSCRIBED;
}

static void
approve_in_advance(struct ln_roster_item *item, enum ln_type type)
{
	if (type == LN_UNSUBSCRIBED)
		item->state &= (uint8_t)~ROSTER_APPROVED;
	else if (type == LN_SUBSCRIBED && !(item->state & (ROSTER_FROM | ROSTER_IN)))
		item->state |= ROSTER_APPROVED;
}

/* From whom presence is hidden already, he is not told again. */
static void
hide(struct ln_account *account, const struct ln_jid *contact)
{
	if (presence_is_shown(account, contact))
		ln_presence_hide(account, contact);
}

/* Contacts hear of each other's presence as the permission begins; and as it ends, then before they
 * are told so (§3.2.2): after it they need not believe it. */
static bool
gains_sight(uint8_t before, uint8_t now)
{
	return !(before & ROSTER_FROM) && (now & ROSTER_FROM);
}

static bool
loses_sight(uint8_t before, uint8_t now)
{
	return (before & ROSTER_FROM) && !(now & ROSTER_FROM);
}

void
subscription_out(struct ln_account *account, struct ln_stanza *st)
{
	enum ln_type type = ln_type(st);
	struct ln_jid contact = ln_jid_bare(st->arena, &st->to);
	struct ln_roster_item *item;
	const struct subscription_rule *rule;
	uint8_t before, now;

	if (ln_jid_same_bare(&contact, &account->entity.jid)) {
		ln_stanza_free(&st);
		return;
	}
	item = shows_item(type) ? roster_get(account, &contact) : roster_find(account, &contact);
	ln_set_to(st, &contact);
	if (item == NULL && shows_item(type)) {
		router_bounce(st, LN_ERR_NOT_ACCEPTABLE, "Your roster is full.");
		return;
	}
	ln_set_from(st, &account->entity.jid);
	before = item != NULL ? item->state : 0;
	rule = subscription_rule(true, type, subscription_state(before));
	if (item != NULL) {
		approve_in_advance(item, type);
		move(item, (enum subscription_state)rule->next);
		if (shows_item(type))
			item->state |= ROSTER_SHOWN;
		/* An item that was never shown and has nothing left to say is gone. */
	}
	now = item != NULL ? item->state : 0;
	if (loses_sight(before, now))
		hide(account, &contact);
	if (rule->passes)
		ln_send(st);
	else
		ln_stanza_free(&st);
	if (item != NULL && before != now)
		roster_changed(item, visible_change(before, now));
	if (gains_sight(before, now))
		ln_presence_show(account, &contact);
}

/* --- what a contact says (§3.1.3, §3.1.6, §3.2.3, §3.3.3) -------------------------------------------- */

static void
deliver_to_available(struct ln_account *account, struct ln_stanza *st)
{
	struct ln_session *session;

	TAILQ_FOREACH(session, &account->sessions, link)
		if (session->presence != NULL || session->interested)
			session_send(session, ln_stanza_copy(st));
	ln_stanza_free(&st);
}

/* §3.1.3: who is subscribed, or approved in advance, is told so at once. False: not the case. */
static bool
answer_at_once(struct ln_account *account, struct ln_roster_item *item)
{
	uint8_t before = item != NULL ? item->state : 0;

	if (!(before & (ROSTER_FROM | ROSTER_APPROVED)))
		return false;
	send(account, LN_SUBSCRIBED, &item->jid);
	if (before & ROSTER_FROM) {
		/* Who asks again has forgotten it, and does not see us. */
		ln_presence_show(account, &item->jid);
		return true;
	}
	move(item, before & ROSTER_TO ? SUB_BOTH : before & ROSTER_ASK ? SUB_FROM_OUT : SUB_FROM);
	item->state &= (uint8_t)~ROSTER_APPROVED;
	roster_changed(item, true);
	ln_presence_show(account, &item->jid);
	return true;
}

static void
keep_request(struct ln_roster_item *item, struct ln_stanza *st)
{
	struct ln_stanza *plain;

	if (stanza_weight(st) <= REQUEST_MAX) {
		roster_set_request(item, st);
		return;
	}
	plain = ln_stanza_new(LN_PRESENCE, LN_SUBSCRIBE, &st->from, &st->to);
	roster_set_request(item, plain);
	ln_stanza_free(&plain);
}

static void
asked(struct ln_account *account, struct ln_stanza *st)
{
	struct ln_roster_item *item = roster_find(account, &st->from);
	const struct subscription_rule *rule =
	    subscription_rule(false, LN_SUBSCRIBE, subscription_state(item ? item->state : 0));

	if (answer_at_once(account, item)) {
		ln_stanza_free(&st);
		return;
	}
	if (item == NULL)
		item = roster_get_asking(account, &st->from);
	if (item == NULL || !rule->passes) {
		metric_inc(metrics, IGNORED);
		ln_stanza_free(&st);
		return;
	}
	move(item, (enum subscription_state)rule->next);
	keep_request(item, st);
	roster_changed(item, false);
	deliver_to_available(account, st);
}

void
subscription_in(struct ln_account *account, struct ln_stanza *st)
{
	enum ln_type type = ln_type(st);
	struct ln_jid contact;
	struct ln_roster_item *item;
	const struct subscription_rule *rule;
	uint8_t before, now;

	contact = ln_jid_bare(st->arena, &st->from);
	ln_set_from(st, &contact);
	ln_set_to(st, &account->entity.jid);
	if (type == LN_SUBSCRIBE) {
		asked(account, st);
		return;
	}
	item = roster_find(account, &contact);
	before = item != NULL ? item->state : 0;
	rule = subscription_rule(false, type, subscription_state(before));
	if (item == NULL || !rule->passes) {
		metric_inc(metrics, IGNORED);
		ln_stanza_free(&st);
		return;
	}
	move(item, (enum subscription_state)rule->next);
	now = item->state;
	contact = ln_jid_clone(work_arena(), &contact);
	deliver_to_available(account, st);
	roster_changed(item, visible_change(before, now));
	if (loses_sight(before, now))
		hide(account, &contact);
}

/* --- the rest ---------------------------------------------------------------------------------------- */

void
subscription_end(struct ln_roster_item *item)
{
	struct ln_account *account = item->roster->account;
	uint8_t before = item->state;

	if (before & ROSTER_FROM)
		hide(account, &item->jid);
	if (before & (ROSTER_TO | ROSTER_ASK))
		send(account, LN_UNSUBSCRIBE, &item->jid);
	if (before & (ROSTER_FROM | ROSTER_IN))
		send(account, LN_UNSUBSCRIBED, &item->jid);
	move(item, SUB_NONE);
}

void
subscription_remind(struct ln_account *account, struct ln_session *session)
{
	const struct roster *roster = account->roster;

	for (uint32_t i = 0; roster != NULL && i < roster->count; i++) {
		const struct ln_roster_item *item = roster->items[i];
		struct ln_stanza *st;

		if (!(item->state & ROSTER_IN) || item->request == NULL)
			continue;
		st = stanza_from_bytes(item->request, strlen(item->request));
		if (st != NULL)
			session_send(session, st);
	}
}
