/*
 * Arrivals: accepted descriptors on their way to a worker, and there until
 * their PROXY header has come. For listener.c and worker.c.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_NET_ARRIVAL_H
#define LN_NET_ARRIVAL_H

#include <sys/queue.h>

#include "net/listener.h"
#include "net/timer.h"
#include "net/worker.h"

struct event;
struct proxy_wait;

struct arrival {
	struct post post;
	int fd;
	bool counted; /* in the quota */
	struct netaddr peer;
	listener_started_fn started;
	void *arg;
	struct proxy_wait *wait; /* while its PROXY header has not come */
	LIST_ENTRY(arrival) place;
};

/* Main thread: gives it away. On `worker`, arrival->started() is called, after the header if any. */
void arrival_post(struct arrival *arrival, struct worker *worker, bool proxy);

/* Closes those that wait on this worker. */
void arrivals_shut(struct worker *worker);

#endif
