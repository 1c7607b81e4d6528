/*
 * The PROXY protocol's header, versions 1 and 2 (haproxy's proxy-protocol.txt).
 * A pure function: no socket, no state.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_NET_PROXY_H
#define LN_NET_PROXY_H

#include <stdbool.h>
#include <stddef.h>

#include "net/netaddr.h"

/* A longer header is refused. */
#define PROXY_MAX 4096

enum proxy_result {
	PROXY_MORE, /* all bytes so far belong to the header, and more must come */
	PROXY_DONE,
	PROXY_BAD
};

struct proxy_header {
	bool known; /* false: LOCAL, UNKNOWN: keep the socket's own addresses */
	struct netaddr peer;
	struct netaddr local;
};

/* PROXY_DONE: fills `header` and says how many bytes the header took. */
enum proxy_result proxy_parse(const char *bytes, size_t len, struct proxy_header *header,
    size_t *used_r);

#endif
