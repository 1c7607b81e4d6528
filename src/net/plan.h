/*
 * Plans: which machines, in which order, answer for a domain (RFC 6120 §3.2,
 * XEP-0368).
 *
 * _xmpps-server and _xmpp-server are asked for together and their targets
 * ordered as one set, by priority and by chance after their weights (RFC 2782).
 * Without any SRV record the domain itself is the target, at port 5269. A
 * failed look-up is never taken for "no record": what was found by the other
 * one is used; with nothing found there is no plan. Addresses and TLSA are
 * looked up when a target's turn has come (dial.h).
 *
 *	plan_ask("example.org", on_plan, arg)
 *	  -> on_plan(arg, plan)
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_NET_PLAN_H
#define LN_NET_PLAN_H

#include "net/dns.h"

#define PLAN_TARGETS_MAX 16
#define PLAN_PORT 5269

enum plan_status {
	PLAN_TARGETS,
	PLAN_NO_SERVICE, /* SRV says ".": no server for this domain */
	PLAN_FAILED      /* it could not be looked up */
};

struct plan_target {
	char host[DNS_NAME_MAX + 1]; /* A-labels, or an address (static routes) */
	uint16_t port;
	bool direct_tls; /* else STARTTLS */
	bool srv;        /* of an SRV record; else the domain itself */
	bool secure;     /* DNSSEC proves that this is a target of the domain */
	uint16_t priority, weight;
};

struct plan {
	enum plan_status status;
	char domain[DNS_NAME_MAX + 1];
	bool no_domain; /* PLAN_FAILED: cannot be; else: DNS knows no such name */
	unsigned count;
	struct plan_target targets[PLAN_TARGETS_MAX]; /* in the order to be tried */
	char reason[512]; /* what was found and what went wrong, a sentence for people */
};

/* Pure: merges what the two look-ups brought. `draw` gives a number below n; NULL: by chance. */
void plan_make(struct plan *plan, const char *domain, const struct dns_answer *xmpps,
    const struct dns_answer *xmpp, uint32_t (*draw)(uint32_t n));

/* A plan of one target, without DNS: a static route. */
void plan_static(struct plan *plan, const char *domain, const char *host, uint16_t port,
    bool direct_tls);

struct plan_question;

/* Valid during the call. */
typedef void (*plan_fn)(void *arg, const struct plan *plan);

/* Any worker; `domain` in A-labels. Answers once, on this worker, in a later turn. */
struct plan_question *plan_ask(const char *domain, plan_fn fn, void *arg);

/* Before the answer: it will not come. Nulls the pointer; after the answer it is already gone. */
void plan_cancel(struct plan_question **question);

#endif
