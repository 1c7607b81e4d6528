/*
 * One worker that is turned by hand and a DNS that is faked, for tests of the way from
 * a domain to a connection.
 *
 *	zone_begin();
 *	zone_add("host.example", DNS_A, "192.0.2.1");
 *	resolver_ask("host.example", DNS_A, on_answer, &asked);
 *	zone_turn();
 *	zone_end();
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_TESTS_ZONE_KIT_H
#define LN_TESTS_ZONE_KIT_H

#include <stdbool.h>

#include "net/dns.h"

struct zone_row {
	const char *name;
	enum dns_type type;
	const char *text;
};

extern struct zone {
	struct zone_row rows[64];
	unsigned count, asked;
	bool secure;
} zone;

/* Begins with an empty zone that is signed; at the end the workers are gone. */
void zone_begin(void);
void zone_turn(void);
void zone_end(void);

/* Turns until `*count` is so large; where nothing is left to do it waits for what the network has
 * for the worker. */
void zone_until(const unsigned *count, unsigned least);

/* `text`: an address; "PRIORITY WEIGHT PORT TARGET"; "tlsa"; "!" and a status: "!failed", "!bogus",
 * "!silent" (never answered). */
void zone_add(const char *name, enum dns_type type, const char *text);

/* What the resolver is told; NULL: nothing. */
struct dns_answer *zone_answer(const char *name, enum dns_type type);

#endif
