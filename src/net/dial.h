/*
 * Dialling: from a domain to a connection.
 *
 * Goes through the plan's targets. For each: addresses of both families (and
 * TLSA, where DNSSEC proves the way there), then connections raced, 250 ms
 * apart, families in turn (RFC 8305). The first that stands is handed over. If
 * what follows on it fails (TLS, stream), the caller says so and the next
 * target is tried.
 *
 *	dial = dial_start(&params, on_dialled, peer);
 *	  -> on_dialled(peer, &result)	result.conn != NULL: yours; conn_set_ops() at once
 *	dial_next(dial, "handshake failed: ...");		go on behind this target
 *	  -> on_dialled(peer, &result)	result.conn == NULL: nothing is left, result.reason
 *	dial_free(&dial);		at any time, also inside the call
 *
 * All on one worker; the connection may move afterwards, the dial may not.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_NET_DIAL_H
#define LN_NET_DIAL_H

#include "net/plan.h"

struct conn;
struct dial;

struct dial_params {
	const char *domain; /* A-labels */
	bool dane;          /* look for TLSA; a failed look-up then fails the target */
	/* A static route instead of SRV; host NULL: none. A name is looked up. */
	const char *host;
	uint16_t port;
	bool direct_tls;
};

#define DIAL_CONNECT_MS 10000 /* how long a target's connections may take */
#define DIAL_STAGGER_MS 250
#define DIAL_ADDRESSES_MAX 8 /* of a target */

/* Why nothing is left: of what any target met, the last in this list. */
enum dial_failure {
	DIAL_OK,
	DIAL_NOT_FOUND,  /* there is no such domain, or no XMPP service, or no address */
	DIAL_DNS,        /* look-ups failed */
	DIAL_UNREACHABLE /* no connection could be made, or what followed on it failed */
};

struct dial_result {
	struct conn *conn; /* open, without TLS and without owner; NULL: failed */
	const struct plan_target *target;
	/* Validated records of the target, borrowed from the dial; NULL: none, or not wanted. See tlsa.h. */
	const struct dns_answer *tlsa;
	enum dial_failure failure;
	const char *reason; /* every try and how it ended, for log and operator */
};

typedef void (*dial_fn)(void *arg, const struct dial_result *result);

/* Never calls `fn` before it has returned. `params` is copied. */
struct dial *dial_start(const struct dial_params *params, dial_fn fn, void *arg);

/* Only after a call that brought a connection, which the caller closes. `why` goes into the reason. */
void dial_next(struct dial *dial, const char *why);

/* Stops what is under way; the caller's connection is not touched. Nulls the pointer. */
void dial_free(struct dial **dial);

/* The current target's TLSA, as in the result; valid until dial_next() or dial_free(). Where the
 * target is an alias (CNAME) and all of the chain is proven, the records at its end come first, then
 * the target's own (RFC 7671 §7). */
const struct dns_answer *dial_tlsa(const struct dial *dial);

/* The end of the alias, if that is where these records are: the certificate may be for it; else NULL. */
const char *dial_alias(const struct dial *dial);

#endif
