/*
 * What a set of TLS contexts is made of: for tls.c, tls_load.c, tls_names.c and
 * tls_ticket.c alone.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_NET_TLS_IMPL_H
#define LN_NET_TLS_IMPL_H

#include <openssl/ssl.h>
#include <stdatomic.h>

#include "base/hash.h"
#include "net/tls.h"

struct certificate {
	struct certificate *next;
	char *file;
	char *key_file;
	char *host;   /* of the pair; NULL if it was found in the directory */
	char **names; /* NULL at the end */
	SSL_CTX *ctx;
};

/* "example.org" or "*.example.org" */
struct tls_name {
	UT_hash_handle hh;
	struct certificate *certificate;
	char text[];
};

struct tls {
	atomic_uint refs;
	int minimum;
	SSL_CTX *base; /* without certificate; its store is everybody's */
	struct certificate *certificates;
	struct tls_name *names;
};

/* tls.c */
struct tls *tls_new(int minimum);
SSL_CTX *tls_new_ctx(struct tls *tls);
struct certificate *tls_find(const struct tls *tls, const char *host);
void tls_add_name(struct tls *tls, const char *name, struct certificate *certificate);

/* tls_load.c: the system's authorities, read into the store once. */
void tls_load_system(SSL_CTX *base);

/* tls_names.c: the domains a certificate speaks for, malloc()ed, NULL at the end. */
char **tls_names_of(X509 *x509);
void tls_names_free(char **names);

/* tls_ticket.c: makes `ctx` issue and accept session tickets under our keys. */
void tls_use_tickets(SSL_CTX *ctx);

#endif
