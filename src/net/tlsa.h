/*
 * DANE: TLSA records and the certificate that a server showed (RFC 6698,
 * RFC 7671, RFC 7673). OpenSSL does the matching.
 *
 * Where validated records are usable, they alone decide, also against a chain
 * that leads to a trusted authority.
 *
 *	switch (tlsa_check(ssl, result->tlsa, names, &reason)) ...
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_NET_TLSA_H
#define LN_NET_TLSA_H

#include "net/certname.h"
#include "net/dns.h"

struct ssl_st;

enum tlsa_result {
	TLSA_NONE,    /* no records, not secure, or none that can be used: as if without DANE */
	TLSA_MATCH,   /* the peer is who it should be */
	TLSA_MISMATCH /* it is not */
};

/*
 * Judges the chain that the peer of `ssl` showed, the handshake being done.
 * `names`: any of them will do where a record's usage wants a name (0, 1, 2;
 * RFC 7673 §4: the domain, and the target's host). `answer` may be NULL.
 * *reason_r, a static text, says what came of it.
 */
enum tlsa_result tlsa_check(struct ssl_st *ssl, const struct dns_answer *answer,
    const struct certname *names, size_t n_names, const char **reason_r);

/* The same for a chain alone, leaf first (STACK_OF(X509)); `ssl`: whose authorities count for 0 and 1. */
struct x509_st;
struct stack_st_X509;
enum tlsa_result tlsa_check_chain(struct ssl_st *ssl, struct x509_st *leaf,
    struct stack_st_X509 *chain, const struct dns_answer *answer, const struct certname *names,
    size_t n_names, const char **reason_r);

/* "3 1 1 ab12cd34...": for people; returns `out`. */
#define TLSA_TEXT_MAX 64
char *tlsa_text(const struct dns_tlsa *tlsa, char out[TLSA_TEXT_MAX]);

#endif
