/*
 * Vouching: what DNS says of the certificates of a domain's servers, whichever
 * of them it is that has connected to us. (Who connects to them has a dial,
 * which knows the one target's records.)
 *
 *	question = vouch_ask("example.org", on_vouched, peer);
 *	  -> on_vouched(peer, vouch)		result: vouch_check(ssl, vouch, domain, &reason)
 *	vouch_cancel(&question);		before `peer` goes
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_NET_VOUCH_H
#define LN_NET_VOUCH_H

#include "net/plan.h"
#include "net/tlsa.h"

struct vouch {
	/* FOUND: there are validated records. NONE: there are none, or nothing would prove them.
	 * Else it could not be found out. */
	enum dns_status status;
	const struct plan *plan;
	const struct dns_answer *tlsa; /* of all targets together; NULL unless FOUND */
	const char *reason;            /* a failure's */
	/* Of each target: where its proven aliases (CNAME) lead, if there are records; else NULL. */
	const char *ends[PLAN_TARGETS_MAX];
};

struct vouch_question;

/* Valid during the call. */
typedef void (*vouch_fn)(void *arg, const struct vouch *vouch);

/* `domain` in A-labels. Answers once, on this worker, in a later turn, within two deadlines. */
struct vouch_question *vouch_ask(const char *domain, vouch_fn fn, void *arg);

/* Before the answer: it will not come. Nulls the pointer; after the answer it is already gone. */
void vouch_cancel(struct vouch_question **question);

/* tlsa_check() with the names that RFC 7673 §4 allows: the domain, and its proven targets. */
enum tlsa_result vouch_check(struct ssl_st *ssl, const struct vouch *vouch,
    const struct certname *domain, const char **reason_r);

/* Does the certificate carry the name of a target that is proven to be the domain's? RFC 7673 §4.1
 * lets that stand for the domain's own name, where there are no records. */
bool vouch_names(struct x509_st *x509, const struct vouch *vouch);

#endif
