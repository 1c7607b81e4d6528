/*
 * Listeners: on the main thread, sockets that accept in batches and hand each
 * new descriptor to the workers in turn.
 *
 *	l = listener_open("*:5222", &options, started, arg, error);
 *	listener_start(l);		after privileges were dropped
 *	  -> started(...)		on a worker: conn_accept(fd, peer, ...)
 *	listener_close(&l);
 *
 * Accepting stops while descriptors or the quota of connections before login
 * are used up, and goes on by itself: the kernel's backlog waits.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_NET_LISTENER_H
#define LN_NET_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include "net/netaddr.h"

struct listener;
struct worker;

struct listener_options {
	/* A PROXY header (v1 or v2) comes first; without one the connection is closed. */
	bool proxy;
	bool no_quota; /* does not count before login (control socket, tests) */
	int backlog;   /* 0: 1024 */
};

/*
 * On the worker that got it. Owns `fd`. `peer` is who the PROXY header names.
 * Unless no_quota, somebody calls listener_quota_release() when it has logged
 * in or ended.
 */
typedef void (*listener_started_fn)(int fd, const struct netaddr *peer, void *arg);

#define LISTENER_ERROR_MAX 200

/*
 * Binds and listens. `address`: "*:5222" (IPv4 and IPv6), "192.0.2.1:5222",
 * "[::1]:5222"; port 0 chooses one. NULL with a sentence in `error` if it
 * cannot. `arg` outlives the listener and the posts it has under way.
 */
struct listener *listener_open(const char *address, const struct listener_options *options,
    listener_started_fn started, void *arg, char error[LISTENER_ERROR_MAX]);

/* The same for a socket that listens already (socket activation); owns `fd`. */
struct listener *listener_adopt(int fd, const struct listener_options *options,
    listener_started_fn started, void *arg);

/* Could one listen there just now? 0, or errno. Needs no worker. */
int listener_try(const char *address);

void listener_start(struct listener *listener);

/* From the next connection on, another owner and other options (but no other backlog). */
void listener_set(struct listener *listener, const struct listener_options *options,
    listener_started_fn started);

void listener_close(struct listener **listener);

uint16_t listener_port(const struct listener *listener);

/* Connections that may be there before login, all together; 0: no limit. Default 10,000. */
void listener_set_quota(unsigned max);
void listener_quota_release(void); /* any thread */
unsigned listener_quota_used(void);

#endif
