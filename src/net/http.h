/*
 * HTTP/1.1 connections (RFC 9112): requests one after another, each handed to
 * the service, answered, and followed by the next on the same connection.
 *
 *	http_init(files);				before the workers start
 *	http_accept(fd, &peer, tls, &service);		on a worker
 *	  -> service.request(http)			which answers by linnet/http.h
 *	  -> service.closed(&peer)
 *
 * A connection is read no further than the request that is being answered; what
 * was pipelined behind it waits in the socket, or in at most one read's bytes.
 * Heads, bodies and answers that do not move are timed out.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_NET_HTTP_H
#define LN_NET_HTTP_H

#include "linnet/http.h"
#include "net/netaddr.h"

struct pool;
struct tls;

/* How long a client may take; ms. */
struct http_times {
	int64_t head;  /* for a head, from its first byte */
	int64_t idle;  /* between two requests */
	int64_t stall; /* for HTTP_STALL_BYTES of a body or an answer, or what is left of it */
};
#define HTTP_STALL_BYTES 4096

/* Who is behind the requests of a listener. Const, as long as the process lives. */
struct http_service {
	/* Answers the request, now or later. */
	void (*request)(struct ln_http *http);
	/* May this peer's X-Forwarded-For and -Proto be believed? NULL: nobody's. */
	bool (*trusts)(const struct netaddr *peer);
	/* The connection is over. NULL: nothing to do. */
	void (*closed)(const struct netaddr *peer);
	/* On a worker: what applies now. */
	struct http_times (*times)(void);
};

/* Main thread, before the workers start: whose threads read and write files; when they have ended,
 * NULL. */
void http_init(struct pool *files);

/* Owns `fd`. `tls`: begins with a handshake (borrowed during the call); NULL: in the clear. */
void http_accept(int fd, const struct netaddr *peer, struct tls *tls,
    const struct http_service *service);

/* Calls release(arg) when the request is over, however it ends. Once a request. */
void http_keep(struct ln_http *http, void (*release)(void *arg), void *arg);

/* "OK", "Not Found"; for numbers without a name, one by their class. */
const char *http_status_text(unsigned status);

#endif
