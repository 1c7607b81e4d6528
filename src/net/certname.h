/*
 * Names in certificates, and whether one of them is a domain's (RFC 6120
 * §13.7.1, RFC 6125, RFC 9525): dNSName, SRVName and id-on-xmppAddr. The
 * common name counts for nothing.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_NET_CERTNAME_H
#define LN_NET_CERTNAME_H

#include <stdbool.h>
#include <stddef.h>

struct x509_st;

/* How a domain may be spelled. */
struct certname {
	const char *ascii;   /* A-labels: dNSName, SRVName */
	const char *unicode; /* canonical U-labels, for id-on-xmppAddr; NULL: as `ascii` */
};

enum certname_kind { CERTNAME_NONE, CERTNAME_DNS, CERTNAME_SRV, CERTNAME_XMPP };

/*
 * Does the certificate speak for the domain's XMPP server, and by which kind
 * of name? A wildcard stands for the whole leftmost label, of a dNSName alone;
 * where it stands below a public suffix is the authority's business.
 */
enum certname_kind certname_match(struct x509_st *x509, const struct certname *domain);

const char *certname_kind_text(enum certname_kind kind); /* "DNS-ID" */

/* One name as the certificate has it. SRVName: "_xmpp-server.example.org". */
typedef void (*certname_fn)(void *arg, enum certname_kind kind, const char *name);

/* Calls `each` for at most 64 names of every kind; those with a NUL inside are passed over. */
void certname_each(struct x509_st *x509, certname_fn each, void *arg);

/* For people: "example.org, *.example.org, xmpp:example.org"; malloc()ed, cut at 500 bytes. */
char *certname_list(struct x509_st *x509);

#endif
