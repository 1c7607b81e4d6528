/*
 * Subscriptions: RFC 6121 §3 and the tables of its appendix A.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_IM_SUBSCRIPTION_H
#define LN_IM_SUBSCRIPTION_H

#include "im/roster.h"

/* The nine states of appendix A.1. */
enum subscription_state {
	SUB_NONE,
	SUB_NONE_OUT,
	SUB_NONE_IN,
	SUB_NONE_OUT_IN,
	SUB_TO,
	SUB_TO_IN,
	SUB_FROM,
	SUB_FROM_OUT,
	SUB_BOTH,
	SUB_STATES
};

struct subscription_rule {
	uint8_t next; /* enum subscription_state */
	bool passes;  /* outbound: is routed; inbound: is delivered */
};

/* What a subscription stanza does to a state; `type` is LN_SUBSCRIBE ... LN_UNSUBSCRIBED. */
const struct subscription_rule *subscription_rule(bool outbound, enum ln_type type,
    enum subscription_state state);

/* Between the state and the flags of an item. */
enum subscription_state subscription_state(uint8_t flags);
uint8_t subscription_flags(enum subscription_state state);

/* A subscription stanza that a session sent, and one that came for the account. Ownership passes. */
void subscription_out(struct ln_account *account, struct ln_stanza *st);
void subscription_in(struct ln_account *account, struct ln_stanza *st);

/* The item is about to be removed: both directions are cancelled (§2.5.2). */
void subscription_end(struct ln_roster_item *item);

/* Requests that were not answered yet, to a session that became available (§3.1.3). */
void subscription_remind(struct ln_account *account, struct ln_session *session);

#endif
