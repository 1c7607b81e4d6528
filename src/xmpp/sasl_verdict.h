/*
 * How a try to log in ends: what is said, when, and to whom it is told (the log,
 * counters, hooks, the limits of the address and of the account).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_XMPP_SASL_VERDICT_H
#define LN_XMPP_SASL_VERDICT_H

#include "linnet/sasl.h"
#include "xmpp/negotiate.h"

/* One try to log in: sasl.c begins it, sasl_end() ends it. */
struct exchange {
	struct arena *arena;
	struct ln_sasl sasl;
	struct ln_jid account; /* full NULL: not known yet */
	struct timer delay;
	struct client *client;
	void (*say)(struct client *client); /* what the delay holds back */
	const char *mechanism;
	enum ln_sasl_condition condition;
	bool looked_up; /* the store was asked for the account */
	bool disabled;  /* it takes no logins */
};

/* Have too few from the client's address failed for it to be refused? */
bool verdict_may_try(const struct client *client);

/* What hooks are told; `address` as text is the caller's. */
struct ln_ev_auth verdict_event(const struct client *client, const char *mechanism,
    const char *address);

/* Fails where there is no exchange yet. */
void verdict_refuse(struct client *client, const char *mechanism, enum ln_sasl_condition condition,
    const char *reason);

/* These end the exchange, at once or after a while: the last thing that a caller does. The account
 * of verdict_disabled() had the right password. */
void verdict_fail(struct client *client, enum ln_sasl_condition condition, const char *reason);
void verdict_disabled(struct client *client);
void verdict_success(struct client *client);

/* The exchange's timer, `delay`: says what was held back. */
void verdict_due(void *exchange);

#endif
