/*
 * Client streams: from an accepted socket to a session, and on from there.
 *
 * src/server calls this page and nothing else of the folder:
 *
 *	xmpp_init(&needs);				before the workers start
 *	listener_open("*:5222", &options, c2s_accept, NULL, error);
 *	listener_open("*:5223", &options, c2s_accept_tls, NULL, error);
 *	...
 *	listener_close(&l);
 *	streams_shutdown(2000, stop, NULL);		-> stop(), on the main thread
 *
 * What a stream may do is read from the worker's snapshot (core/host.h: struct
 * core_conf, the hosts and their modules), so a reload needs no call. Streams
 * of a host that is gone after a reload end with <host-gone/>.
 *
 * A stream begins where its socket was handed, negotiates there, and moves to
 * the home of its account when SASL has succeeded (DESIGN section 5). There it
 * speaks to its session through core/port.h alone.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_XMPP_C2S_H
#define LN_XMPP_C2S_H

#include <stdbool.h>
#include <stdint.h>

#include "net/netaddr.h"

struct ln_jid;
struct pool;
struct store;

struct xmpp_needs {
	struct store *store; /* credentials; and the secret behind made-up ones */
	struct pool *crypto; /* PBKDF2 */
};

/* Main thread, before the workers start. The needs outlive the workers. */
void xmpp_init(const struct xmpp_needs *needs);

/* A new connection (listener_started_fn) that begins in the clear, or with a TLS handshake
 * (XEP-0368). Owns `fd`; gives the listener's quota back at login or at the end. */
void c2s_accept(int fd, const struct netaddr *peer, void *arg);
void c2s_accept_tls(int fd, const struct netaddr *peer, void *arg);

/* Streams that are open, before login or after, on all workers. Any thread. */
unsigned streams_count(void);

/*
 * Main thread: asks every peer with XEP-0198 to acknowledge, and when all have
 * answered, at the latest in `grace_ms`, ends every stream with
 * <system-shutdown/> and calls `done` on the main thread when the last one is
 * gone. New connections are refused the same way from now on.
 */
void streams_shutdown(int64_t grace_ms, void (*done)(void *arg), void *arg);

/* What `session list` shows of the transport. Texts live during the call. */
struct stream_info {
	uint64_t conn;
	const struct ln_jid *account; /* bare; NULL before login */
	const char *resource;         /* NULL before binding */
	const char *address;
	bool secure, acks; /* TLS; XEP-0198 */
	uint64_t received, written;
};

/* Walks the streams of the current worker. */
void streams_each(void (*each)(const struct stream_info *info, void *arg), void *arg);

#endif
