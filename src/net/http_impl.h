/*
 * What http.c, http_request.c, http_answer.c, http_save.c and http_send.c share.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_NET_HTTP_IMPL_H
#define LN_NET_HTTP_IMPL_H

#include "base/arena.h"
#include "base/buf.h"
#include "net/conn.h"
#include "net/http.h"
#include "net/http_body.h"
#include "net/http_head.h"
#include "net/timer.h"

/* Unsent bytes above which an answer waits for its client. */
#define HTTP_UNSENT_HIGH ((size_t)512 * 1024)

enum http_state {
	HTTP_HEAD,    /* the next request's head is awaited */
	HTTP_BODY,    /* its body, if its handler reads it */
	HTTP_ANSWER,  /* all was read; the answer is under way */
	HTTP_DISCARD, /* the last answer was given; what still comes is thrown away */
	HTTP_CLOSED
};

struct http {
	struct conn *conn;
	const struct http_service *service;
	struct netaddr peer;
	struct ln_http *request; /* from its head to the end of its answer; else NULL */
	struct buf rest;         /* read, and not looked at */
	struct timer timer;
	struct http_body body;
	size_t discarded;
	uint64_t moved;       /* bytes of the body, or sent of the answer, since the clock began */
	uint64_t sent_before; /* conn: what had been sent when it was looked at last */
	enum http_state state;
	bool secure;
	bool ended;     /* the peer sends no more */
	bool advancing; /* http_advance() is at work: what it calls need not call it */
};

/* Where the pieces of a body go; one of the kinds in linnet/http.h. */
struct http_reader {
	void (*piece)(struct ln_http *request, const char *bytes, size_t len);
	void (*end)(struct ln_http *request);
	/* The connection is gone before the end. */
	void (*gone)(struct ln_http *request);
};

struct http_saving;
struct http_sending;

struct ln_http {
	struct http *http;
	struct arena *arena;
	struct http_head head;
	const char *client;
	bool secure;

	const struct http_reader *reader;
	bool read_paused;     /* by the reader */
	struct buf collected; /* ln_http_read_body() */
	size_t collect_max;
	void (*collected_fn)(struct ln_http *, enum ln_http_body, const char *, size_t, void *);
	void *collected_arg;
	struct http_saving *saving;

	struct buf fields; /* of the answer, as text */
	struct http_sending *sending;
	uint64_t queued_before; /* conn_queued() when the answer began */
	int64_t started;        /* ms */
	unsigned status;
	bool begun, complete;
	bool close;  /* the connection ends behind this answer */
	bool unread; /* the answer came before all of the request was read */

	void (*gone)(void *arg);
	void *gone_arg;
	void (*release)(void *arg);
	void *release_arg;
};

/* Of http_request.c: a request begins; it ends; the addresses that its answer is logged with. */
struct ln_http *http_request_new(struct http *http);
void http_request_free(struct http *http);
void http_request_client(struct ln_http *request);

/* Nobody reads it or answers it any more; whoever is at it is told. */
void http_request_abandon(struct ln_http *request);

/* Its connection is no more. Harmless without a request. */
void http_request_gone(struct http *http);

/* Goes on as far as it can: after input, and after an answer or a reader moved. */
void http_advance(struct http *http);

/* The stall clock begins anew. */
void http_touch(struct http *http);

/* The reader has had enough for now (a file's queue is full), or wants more. */
void http_read_pause(struct ln_http *request);
void http_read_resume(struct ln_http *request);

/* Takes the body: says 100 Continue if that is waited for. False: it was taken before. */
bool http_read(struct ln_http *request, const struct http_reader *reader);

/* Status line and fields; `length` of what follows by conn_write(). */
void http_begin(struct ln_http *request, unsigned status, const char *type, int64_t length);

/* All of the answer is queued. */
void http_complete(struct ln_http *request);

/* Of http_send.c: the connection has room; the request is gone. */
void http_sending_go_on(struct http_sending *sending);
void http_sending_gone(struct http_sending **sending);

#endif
