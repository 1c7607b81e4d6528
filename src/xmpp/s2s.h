/*
 * Streams with other servers (RFC 6120, XEP-0220, XEP-0178, XEP-0288).
 *
 * src/server calls this page and nothing else of s2s:
 *
 *	s2s_init(store);				before the workers start
 *	listener_open("*:5269", &options, s2s_accept, NULL, error);
 *	listener_open("*:5270", &options, s2s_accept_tls, NULL, error);
 *	s2s_start();					when the first snapshot is out
 *	...
 *	s2s_shutdown(2000, stop, NULL);			-> stop(), on the main thread
 *
 * A stream that another server opened stays on the worker it was handed to:
 * what it brings goes to the homes of its recipients, and what a link sends on
 * it (XEP-0288) is posted there. A stream of ours lives with its link, at the
 * home of the remote domain. Peer.h and link.h have the rest.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_XMPP_S2S_H
#define LN_XMPP_S2S_H

#include <stdbool.h>
#include <stdint.h>

#include "net/netaddr.h"

struct store;

/* Main thread, before the workers start. */
void s2s_init(struct store *store);

/* Main thread, once the workers have their configuration: takes up what an earlier run left in
 * `pending`. */
void s2s_start(void);

/* A new connection (listener_started_fn), in the clear or with a TLS handshake (XEP-0368). */
void s2s_accept(int fd, const struct netaddr *peer, void *arg);
void s2s_accept_tls(int fd, const struct netaddr *peer, void *arg);

/*
 * Main thread: asks those with XEP-0198 to acknowledge, ends every stream after at most `grace_ms`,
 * stores what lasts and nobody has acknowledged, then calls `done` on the main thread.
 */
void s2s_shutdown(int64_t grace_ms, void (*done)(void *arg), void *arg);

/* What `s2s list` shows. Texts live during the call. */
struct s2s_info {
	uint64_t conn;              /* 0: a link without connection */
	const char *direction;      /* "in", "out", "component" */
	const char *local, *remote; /* NULL: not said yet */
	const char *state;
	const char *auth;         /* "certificate", "dialback", ""; of the first pair */
	const char *dane;         /* what became of DANE; "" where it was not looked for */
	unsigned pairs;           /* that are proven */
	const char *tls, *cipher; /* "" without TLS */
	const char *address;
	bool bidi, acks;
	unsigned waiting; /* stanzas that were not sent */
	unsigned unacked; /* that were */
	int64_t age_ms;
};

/* Walks streams and links of the current worker. */
void s2s_each(void (*each)(const struct s2s_info *info, void *arg), void *arg);

/* Ends the streams of the current worker that have to do with this domain of another server, or
 * component; how many. */
unsigned s2s_close(const char *remote);

#endif
