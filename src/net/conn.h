/*
 * Connections: a socket, perhaps TLS on it, and its unsent output.
 *
 * A connection belongs to one worker and is used on that thread alone. It
 * keeps no input: bytes are handed to the owner straight from the worker's
 * scratch memory, and what the owner does not consume it must copy. Output is
 * collected and written once, at the end of the turn.
 *
 *	conn = conn_accept(fd, &peer, &ops, owner);	on the worker's thread
 *	  -> ops.input(conn, bytes, len) ...
 *	conn_write(conn, "<proceed .../>", len);
 *	conn_start_tls(conn, tls, &params);
 *	  -> ops.established(conn)
 *	conn_close(conn, CONN_FINISHED, true);
 *	  -> ops.closed(conn, reason)			the last call; conn is gone
 *
 * ops.closed() is called exactly once for each connection, at the end of a
 * turn, never from within a function of this header; so is ops.sent().
 * Between conn_close() and ops.closed() nothing else but ops.sent() is called.
 *
 * The move: conn_detach() takes it off its worker; then it travels in a post
 * together with the input that its owner has not parsed, and conn_attach()
 * on the other worker goes on where it was, unsent output included.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_NET_CONN_H
#define LN_NET_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/conn_reason.h"
#include "net/netaddr.h"

struct conn;
struct tls;
struct worker;
struct ssl_st;
struct x509_st;

struct conn_ops {
	/* Bytes came. Valid during the call. Not called while paused or closing. */
	void (*input)(struct conn *, const char *bytes, size_t len);
	/* The TLS handshake is done; or, if no TLS was asked for, conn_connect() succeeded. May be NULL. */
	void (*established)(struct conn *);
	/*
	 * The kernel has taken bytes (at most once a turn): conn_written() says
	 * how many so far, conn_unsent() is 0 when it was all. May be NULL.
	 */
	void (*sent)(struct conn *);
	/*
	 * The peer will send nothing more, but may still read. NULL: the
	 * connection flushes what is queued and closes (CONN_EOF, CONN_TRUNCATED).
	 */
	void (*ended)(struct conn *);
	/* It is over. The owner drops its pointer. */
	void (*closed)(struct conn *, enum conn_reason);
};

/* --- beginning and end ------------------------------------------------------------- */

/* Takes over a connected socket (made non-blocking) on the current worker. `peer` may be NULL. */
struct conn *conn_accept(int fd, const struct netaddr *peer, const struct conn_ops *ops,
    void *owner);

/*
 * Begins to connect, from `local` if not NULL. Failure is told by ops.closed
 * (CONN_CONNECT; conn_errno() says why) as well. Output may be queued and
 * conn_start_tls() called at once.
 */
struct conn *conn_connect(const struct netaddr *peer, const struct netaddr *local,
    const struct conn_ops *ops, void *owner);

/*
 * Ends it. With `flush` what is queued is still written, for at most
 * `flush_ms` of the limits; without, it is thrown away. Then TLS and TCP are
 * shut down in order. A second call changes nothing, except that one without
 * `flush` cuts short one with.
 */
void conn_close(struct conn *conn, enum conn_reason reason, bool flush);

/* Hands it to another protocol (HTTP upgrade, stream after PROXY). */
void conn_set_ops(struct conn *conn, const struct conn_ops *ops, void *owner);

void *conn_owner(const struct conn *conn);
struct worker *conn_worker(const struct conn *conn);

/* Unique in this process, never reused: for logs and for look-ups across a gap. */
uint64_t conn_id(const struct conn *conn);

const struct netaddr *conn_peer(const struct conn *conn);

/* The errno behind CONN_RESET, CONN_ERROR, CONN_CONNECT; else 0. */
int conn_errno(const struct conn *conn);

/* --- input ------------------------------------------------------------------------- */

/* No more input until conn_resume(); both count nothing, twice is once. */
void conn_pause(struct conn *conn);
void conn_resume(struct conn *conn);
bool conn_is_paused(const struct conn *conn);

/* --- output ------------------------------------------------------------------------ */

/* Queues a copy. Ignored once the connection is closing. Never writes at once. */
void conn_write(struct conn *conn, const void *bytes, size_t len);

/*
 * The same of what may wait for more of its kind, so that one write carries it
 * all: it leaves with the next that may not, as soon as it has become large, or
 * after `ms`.
 */
void conn_write_within(struct conn *conn, const void *bytes, size_t len, unsigned ms);

/*
 * Queues without copying; `release(arg)` is called when the bytes are no
 * longer needed (always, also if the connection is closing), on whatever
 * worker the connection is then.
 */
void conn_write_ref(struct conn *conn, const void *bytes, size_t len, void (*release)(void *arg),
    void *arg);

uint64_t conn_queued(const struct conn *conn);   /* bytes ever queued */
uint64_t conn_written(const struct conn *conn);  /* of these, taken by the kernel */
uint64_t conn_received(const struct conn *conn); /* bytes ever handed to input */

static inline size_t
conn_unsent(const struct conn *conn)
{
	return (size_t)(conn_queued(conn) - conn_written(conn));
}

/* Limits of unsent output (DESIGN section 5), for all connections. Any thread, any time. */
struct conn_limits {
	size_t unsent_high;     /* 8 MiB: above it a connection is closed (CONN_UNSENT_HIGH) */
	size_t unsent_long;     /* 1 MiB: above it for unsent_long_ms, closed (CONN_UNSENT_LONG) */
	int64_t unsent_long_ms; /* 30 s */
	size_t unsent_total;    /* 256 MiB: above it the largest are closed (CONN_UNSENT_TOTAL) */
	int64_t flush_ms;       /* 5 s: how long conn_close() tries to flush */
};

#define CONN_LIMITS_DEFAULT                              \
	{                                                \
		8 << 20, 1 << 20, 30000, 256 << 20, 5000 \
	}

void conn_set_limits(const struct conn_limits *limits);

/* True for the three reasons by which a peer that does not read is closed. */
bool conn_reason_is_overload(enum conn_reason reason);

/* Unsent output of all connections as of their last turns, in bytes. */
size_t conn_unsent_total(void);

/* Is that a quarter of what it may be? Who sends much is to send it more slowly. Any thread. */
bool conn_unsent_pressed(void);

/* --- TLS --------------------------------------------------------------------------- */

struct conn_tls_params {
	bool client; /* we are the client of the handshake */
	/* Server: ask for a certificate; the handshake goes on without or with a bad one. */
	bool ask_certificate;
	/* Server: no resumption. A resumed session has forgotten the peer's chain (tlsa.h). */
	bool full;
	const char *host; /* whose certificate we show; server: if SNI does not say; or NULL */
	const char *sni;  /* client: the name we ask for, or NULL */
	/* Protocols in order of preference, NULL at the end; static; or NULL. */
	const char *const *alpn;
};

/*
 * What is queued still goes out in the clear, then the handshake begins.
 * Nothing that came before is input any more: the caller drops what it has
 * not parsed (bytes pipelined behind <starttls/> must not be obeyed).
 * `params` is copied. False if OpenSSL refuses; the connection is then closing.
 */
bool conn_start_tls(struct conn *conn, struct tls *tls, const struct conn_tls_params *params);

bool conn_has_tls(const struct conn *conn);       /* handshake done */
struct ssl_st *conn_ssl(const struct conn *conn); /* NULL without TLS */

struct conn_tls_info {
	const char *version; /* "TLSv1.3" */
	const char *cipher;  /* "TLS_AES_256_GCM_SHA384" */
	bool resumed;
	const char *sni; /* the name asked for, or NULL */
	char alpn[32];   /* the protocol chosen, or "" */
};

/* False without TLS. The texts live as long as the connection. */
bool conn_tls_info(const struct conn *conn, struct conn_tls_info *info_r);

/*
 * The peer's certificate, borrowed, or NULL; and whether its chain stood the
 * test (X509_V_OK or why not). Names are the caller's to compare.
 */
struct x509_st *conn_peer_certificate(const struct conn *conn);
long conn_verify_result(const struct conn *conn);

/* RFC 9266: 32 bytes. False without TLS, and in TLS 1.2 without extended master secret. */
#define CONN_EXPORTER_LEN 32
bool conn_tls_exporter(const struct conn *conn, uint8_t out[CONN_EXPORTER_LEN]);

/* RFC 5929 §4: hash of the server's certificate; its length, 0 if undefined. */
#define CONN_END_POINT_MAX 64
size_t conn_tls_server_end_point(const struct conn *conn, uint8_t out[CONN_END_POINT_MAX]);

/* --- the move ---------------------------------------------------------------------- */

/*
 * Takes the connection off its worker, paused or not; allowed inside
 * ops.input. Not during a handshake and not when closing: then false, and
 * nothing has changed. Until it is attached, only conn_free_detached() and
 * functions that merely look may be called.
 */
bool conn_detach(struct conn *conn);

/* Continues on the current worker; what OpenSSL already holds is read in the next turn. */
void conn_attach(struct conn *conn);

/* Ends a detached connection that found no home; no call of ops. */
void conn_free_detached(struct conn *conn);

#endif
