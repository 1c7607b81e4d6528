/*
 * TLS contexts: which certificate answers for which name.
 *
 * A `struct tls` is an immutable, counted set: all certificates of the server,
 * the suites, the trusted authorities. A reload loads a new set; connections
 * that began with the old one keep it. Session ticket keys are shared by all
 * sets and rotate by themselves, so resumption survives a reload.
 *
 *	tls = tls_load(&config, report, arg);
 *	conn_start_tls(conn, tls, &params);
 *	tls_unref(&tls);
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_NET_TLS_H
#define LN_NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls;
struct ssl_st;

/* A certificate named in the configuration; beats what is found in the directory. */
struct tls_pair {
	const char *host;
	const char *certificate; /* PEM, the chain behind it */
	const char *key;         /* PEM; NULL: in the same file */
};

struct tls_config {
	const char *directory; /* NAME.crt + NAME.key, NAME/fullchain.pem + privkey.pem; or NULL */
	const struct tls_pair *pairs;
	size_t n_pairs;
	const char *authorities; /* "system" (or NULL) or a PEM file */
	const char *minimum;     /* "1.2" (or NULL) or "1.3" */
};

/* One call for each mistake; `file` may be NULL, `reason` is a sentence for the operator. */
typedef void (*tls_report_fn)(const char *file, const char *reason, void *arg);

/*
 * Loads a set. What is wrong is reported; NULL if anything was. An empty
 * directory is no mistake here: ask tls_has_name(). Files are read on the
 * calling thread.
 */
struct tls *tls_load(const struct tls_config *config, tls_report_fn report, void *arg);

struct tls *tls_ref(struct tls *tls); /* any thread */
void tls_unref(struct tls **tls);     /* any thread; nulls the pointer */

/* Whether a certificate's names cover `host` (A-labels, any case), wildcards included. */
bool tls_has_name(const struct tls *tls, const char *host);

/*
 * A new SSL for one connection, for conn_tls.c; NULL if OpenSSL fails. It
 * shows the certificate of `host` (if it is a server: unless SNI asks for
 * another one). The caller keeps `tls` as long as the SSL, and sets the SSL's
 * application data to the ALPN list (see conn.h) or NULL.
 */
struct ssl_st *tls_new_ssl(struct tls *tls, bool client, const char *host);

/* A client's offer of protocols (NULL at the end, or NULL: no offer); false if it is none. */
bool tls_offer_alpn(struct ssl_st *ssl, const char *const *protocols);

/* --- what `linnetctl check` says ---------------------------------------------------- */

struct tls_certificate {
	const char *file;
	const char *key_file;
	const char *const *names; /* domains, lower case; NULL at the end */
	const char *subject;
	const char *issuer;
	int64_t not_before; /* seconds since 1970 */
	int64_t not_after;
	const char *chain_error; /* NULL: leads to a trusted authority; else why not */
	const char *host;        /* of the pair, or NULL */
};

/* Calls `each` for every certificate of the set; what is passed lives during the call. */
void tls_each(const struct tls *tls, void (*each)(const struct tls_certificate *, void *arg),
    void *arg);

#endif
