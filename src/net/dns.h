/*
 * Answers of DNS, decoded: what the resolver hands out.
 *
 * An answer is immutable and counted, so that all who asked the same share
 * one. "There is no such record" (DNS_NONE) is a statement of the zone; when
 * no such statement was to be had (time-out, SERVFAIL, a signature that does
 * not hold) it is a failure, and nothing may be concluded from it.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_NET_DNS_H
#define LN_NET_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/netaddr.h"

#define DNS_NAME_MAX 253   /* as text, without the dot at the end */
#define DNS_RECORDS_MAX 64 /* of an answer; what is beyond is left out */

enum dns_type { DNS_A = 1, DNS_AAAA = 28, DNS_SRV = 33, DNS_TLSA = 52 };

const char *dns_type_name(enum dns_type type); /* "SRV" */

/* DNS_STATUS(symbol, text): `reason` of an answer may say more */
#define DNS_STATUSES(DNS_STATUS)                                              \
	DNS_STATUS(FOUND, "found")                                            \
	DNS_STATUS(NONE, "no such record")                                    \
	DNS_STATUS(FAILED, "the name servers could not say")                  \
	DNS_STATUS(BOGUS, "DNSSEC: the answer is not signed as it should be") \
	DNS_STATUS(MALFORMED, "the answer makes no sense")                    \
	DNS_STATUS(TIMEOUT, "no answer in time")                              \
	DNS_STATUS(BUSY, "too many names are being looked up")

#define DNS_STATUS_ENUM(symbol, text) DNS_##symbol,
enum dns_status { DNS_STATUSES(DNS_STATUS_ENUM) DNS_STATUS_COUNT };
#undef DNS_STATUS_ENUM

const char *dns_status_text(enum dns_status status);

/* Neither found nor none. */
static inline bool
dns_failed(enum dns_status status)
{
	return status > DNS_NONE;
}

struct dns_srv {
	const char *target; /* lower case, without the last dot; "" is the root, "no service" */
	uint16_t priority, weight, port;
};

struct dns_tlsa {
	uint8_t usage, selector, matching;
	uint16_t len;
	const uint8_t *data;
};

struct dns_answer {
	enum dns_status status;
	enum dns_type type;
	bool secure;    /* DNSSEC proves it, also if it is DNS_NONE; the chain of CNAMEs included */
	bool no_domain; /* DNS_NONE: the name itself does not exist */
	uint32_t ttl;   /* seconds */
	const char *name;   /* that was asked for */
	const char *owner;  /* of the records: where CNAMEs led */
	const char *reason; /* a failure's, in words; else NULL */
	unsigned count;
	union {                                  /* by type */
		const struct netaddr *addresses; /* A, AAAA; port 0 */
		const struct dns_srv *srv;       /* in no order */
		const struct dns_tlsa *tlsa;
	};
};

/*
 * Decodes a message that answers {name, type}, follows its CNAMEs and keeps
 * the records of the last name; any thread. Bytes that are none, chains that
 * loop or are too long: DNS_MALFORMED. `secure` is what the validator says.
 */
struct dns_answer *dns_decode(const char *name, enum dns_type type, const void *bytes, size_t len,
    bool secure);

/* An answer without records. `reason` may be NULL: the status's text. */
struct dns_answer *dns_answer_new(const char *name, enum dns_type type, enum dns_status status,
    const char *reason);

/* The TLSA records of several answers (at least one) in one, secure only if all are. */
struct dns_answer *dns_join(const struct dns_answer *const *answers, size_t count);

/* Any thread. */
const struct dns_answer *dns_answer_ref(const struct dns_answer *answer);
void dns_answer_unref(const struct dns_answer **answer); /* nulls the pointer */

#endif
