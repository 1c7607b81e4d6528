/*
 * The domainpart of an address (RFC 7622 §3.2): a domain name in its canonical
 * form, lower case and U-labels (IDNA2008 through UTS 46, non-transitional),
 * without a trailing dot; or an IPv4 address; or an IPv6 address in brackets.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_CORE_IDNA_H
#define LN_CORE_IDNA_H

#include <stddef.h>

#define IDNA_OUT_MAX 1023
#define IDNA_IN_MAX (3 * 1024)

enum idna_result { IDNA_OK, IDNA_EMPTY, IDNA_LONG, IDNA_INVALID };

/* Writes a NUL behind the name. Any thread. */
enum idna_result idna_domain(const char *text, size_t len, char out[IDNA_OUT_MAX + 1],
    size_t *len_r);

/* The same for names that may not be ASCII; the tests hold the one against the other. */
enum idna_result idna_domain_unicode(const char *text, size_t len, char out[IDNA_OUT_MAX + 1],
    size_t *len_r);

/* The A-label form of a canonical name, as DNS and certificates want it; same limits. */
enum idna_result idna_to_ascii(const char *domain, size_t len, char out[IDNA_OUT_MAX + 1],
    size_t *len_r);

#endif
