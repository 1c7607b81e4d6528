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

/* Counts that span workers: those of core/limit.h. NULL: nothing is counted. */
struct bytestream_counts {
	bool (*hold)(const void *key, size_t len, unsigned max);
	void (*give)(const void *key, size_t len);
};

/* Before the workers start. */
void bytestream_init(const struct bytestream_counts *counts);

/* A connection of a side (listener_started_fn); `arg`: an atomic_uint, how many of one address. */
void bytestream_accept(int fd, const struct netaddr *peer, void *arg);

#endif
