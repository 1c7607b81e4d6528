/*
 * Mediated bytestreams, as the daemon sets them up; modules use
 * linnet/bytestream.h.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_NET_BYTESTREAM_H
#define LN_NET_BYTESTREAM_H

#include "linnet/bytestream.h"
#include "net/netaddr.h"

/* Before the workers start. */
void bytestream_init(void);

/* A connection of a side (listener_started_fn). */
void bytestream_accept(int fd, const struct netaddr *peer, void *arg);

#endif
