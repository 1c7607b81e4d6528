/*
 * DNS messages for tests: made byte by byte, so that wrong ones can be made too.
 *
 *	struct dns_message m = dns_message("host.example", DNS_A, 0);
 *	dns_message_add(&m, "host.example", DNS_A, 300, "\300\0\2\1", 4);
 *	answer = dns_decode("host.example", DNS_A, m.bytes.data, m.bytes.len, true);
 *	buf_free(&m.bytes);
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_TESTS_DNS_KIT_H
#define LN_TESTS_DNS_KIT_H

#include "base/buf.h"
#include "net/dns.h"

enum { DNS_KIT_CNAME = 5 };

struct dns_message {
	struct buf bytes;
	unsigned answers;
};

/* A response without records yet. */
struct dns_message dns_message(const char *name, unsigned type, unsigned rcode);

void dns_message_add(struct dns_message *m, const char *owner, unsigned type, unsigned ttl,
    const void *data, size_t len);
void dns_message_cname(struct dns_message *m, const char *owner, const char *target);
void dns_message_srv(struct dns_message *m, const char *owner, unsigned priority, unsigned weight,
    unsigned port, const char *target);

#endif
