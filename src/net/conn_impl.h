/*
 * What a connection is made of: for conn.c (life), conn_io.c (bytes),
 * conn_unsent.c (limits of what waits) and conn_tls.c alone.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_NET_CONN_IMPL_H
#define LN_NET_CONN_IMPL_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <openssl/types.h>

#include "net/conn.h"
#include "net/worker_impl.h"

enum conn_state {
	CONN_CONNECTING,
	CONN_HANDSHAKE, /* what is queued before it goes out in the clear first */
	CONN_OPEN,
	CONN_CLOSING,  /* flushes its last output; no more input */
	CONN_DEAD,     /* to be told and freed at the end of the turn */
	CONN_LINGERING /* told; eats what still comes, so that no RST destroys our last bytes */
};

struct conn_tls {
	SSL *ssl;
	struct tls *set;
	size_t clear; /* bytes still to be written in the clear */
	bool client;
	bool started; /* handshake under way: `clear` is 0 */
	bool done;
	bool broken; /* OpenSSL reported an error: not even SSL_shutdown() any more */
};

struct conn {
	/* the one event is changed when a write blocks: rare, and 128 bytes less */
	struct event event;
	LIST_ENTRY(conn) place; /* in the worker's idle or blocked */
	TAILQ_ENTRY(conn) ready_place;
	TAILQ_ENTRY(conn) dirty_place; /* or of lazy: a connection is in one of them */
	struct worker *worker;         /* NULL while detached */
	const struct conn_ops *ops;
	void *owner;
	struct evbuffer *out; /* NULL while empty */
	struct conn_tls *tls;
	uint64_t id, queued, written, received;
	uint64_t told;      /* `written` when ops.sent() was last called */
	size_t counted;     /* its share of the total of unsent bytes */
	int64_t over_since; /* since when unsent output is above unsent_long; 0: it is not */
	int64_t deadline;   /* of closing and lingering */
	int64_t lazy_until; /* its output may wait till then; in worker->conns.lazy; 0: it is not */
	int fd;
	int error;
	struct netaddr peer;
	unsigned state : 4;
	unsigned reason : 6;
	unsigned watching : 8; /* EV_READ, EV_WRITE */
	unsigned ready : 1;    /* is in worker->conns.ready */
	unsigned dirty : 1;    /* is in worker->conns.dirty */
	unsigned readable : 1;
	unsigned writable : 1;
	unsigned paused : 1;
	unsigned blocked : 1;     /* the kernel takes no more; waits for EV_WRITE */
	unsigned wants_write : 1; /* OpenSSL must write before it can go on reading */
	unsigned ended : 1;       /* the peer sends nothing more */
	unsigned orderly : 1;     /* closed by us, and everything was flushed */
	unsigned in_blocked : 1;  /* place is in worker->conns.blocked */
};

/* conn.c */
void conn_mark_ready(struct conn *conn);
void conn_mark_dirty(struct conn *conn);
void conn_watch(struct conn *conn); /* (dis)arms the event as the state wants it */
void conn_fail(struct conn *conn, enum conn_reason reason, int error);
void conn_lose_output(struct conn *conn);
void conn_end(struct conn *conn); /* of state DEAD: tells the owner and frees */
void conn_destroy(struct conn *conn);

/* conn_lazy.c */
void conn_mark_lazy(struct conn *conn, unsigned ms);
void conn_leave_lazy(struct conn *conn);

/* conn_unsent.c */
int64_t conn_flush_ms(void);
void conn_account(struct conn *conn); /* unsent output: totals, limits, list */

/* conn_io.c */
void conn_serve(struct conn *conn);
void conn_flush(struct conn *conn);
void conn_peer_ended(struct conn *conn, enum conn_reason reason);
bool conn_deliver(struct conn *conn, size_t len); /* from scratch; true: go on reading */

/* conn_tls.c */
void conn_tls_free(struct conn *conn);
void conn_tls_shutdown(struct conn *conn);
void conn_tls_handshake(struct conn *conn);
void conn_tls_read(struct conn *conn);
bool conn_tls_pending(const struct conn *conn);
/* Writes some of the output; false if it blocked or failed. */
bool conn_tls_write(struct conn *conn);

#ifdef LN_DEBUG
#include <assert.h>
#define conn_check_home(conn) assert((conn)->worker == worker_current())
#else
#define conn_check_home(conn) ((void)0)
#endif

#endif
