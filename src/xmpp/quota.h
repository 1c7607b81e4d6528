/*
 * What a connection counts against before its peer has proven who it is: the
 * listener's quota and the limit of its address (DESIGN section 15).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_XMPP_QUOTA_H
#define LN_XMPP_QUOTA_H

#include <stdbool.h>

struct conn;

struct quota {
	const char *kind; /* static: "c2s", "s2s": each kind has its own limit */
	bool counted;     /* in the limit of its address */
	bool quoted;      /* in the listener's */
};

/* Any worker. False: the address has `max` (0: no limit) of that kind already. */
bool quota_take(struct quota *quota, const struct conn *conn, unsigned max);

/* Gives back what is held: when the peer has proven itself, or at the end. */
void quota_give(struct quota *quota, const struct conn *conn);

#endif
