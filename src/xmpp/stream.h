/*
 * Streams: an XML stream over a connection, whoever is at the other end.
 *
 * A stream ties a connection to a parser and knows what all streams have in
 * common: headers, stream errors, the closing handshake, being paused, being
 * taken to another worker, deadlines, parking. What the elements mean is for
 * the owner, who embeds it and is called back:
 *
 *	stream_open(&client->stream, conn, &ops);
 *	  -> ops.header(stream, header)		check it, then stream_header()
 *	  -> ops.element(stream, arena, elem) ...
 *	stream_send(stream, bytes, len);
 *	stream_fail(stream, STREAM_NOT_AUTHORIZED, NULL);
 *	  -> ops.ended(stream, ...)		once: by us, by the peer or by the network
 *	  -> ops.gone(stream)			the last call: free what it is embedded in
 *
 * After ops.ended() nothing is called any more but ops.gone(), at the end of a
 * later turn. All of it runs on the stream's worker; there it is in the list
 * that streams_first() begins.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_XMPP_STREAM_H
#define LN_XMPP_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/arena.h"
#include "base/buf.h"
#include "net/conn.h"
#include "net/timer.h"
#include "net/worker.h"
#include "xml/parser.h"
#include "xmpp/errors.h"

struct stream;

enum stream_end {
	STREAM_CLOSED,   /* the peer closed its stream in due form */
	STREAM_DROPPED,  /* we ended it: an error of the peer's, a limit, the shutdown */
	STREAM_RELEASED, /* stream_close(): its owner is done with it */
	STREAM_LOST      /* the connection broke */
};

struct stream_ops {
	/* The peer's header: its form is right, its contents are for the owner to check. */
	void (*header)(struct stream *stream, const struct parser_header *header);
	/* The arena, which holds the element, is the callee's. */
	void (*element)(struct stream *stream, struct arena *arena, struct ln_elem *elem);
	/* The TLS handshake is done; a new header is expected. */
	void (*secured)(struct stream *stream);
	/* The kernel took bytes: once a turn. May be NULL. */
	void (*sent)(struct stream *stream);
	/* stream_deadline() has come. */
	void (*deadline)(struct stream *stream);
	/* Writes our header, if a stream error needs one before the peer's was answered. */
	void (*answer)(struct stream *stream);
	/* Before and after stream_move(): on the old and the new worker. */
	void (*leaving)(struct stream *stream);
	void (*arrived)(struct stream *stream);
	void (*ended)(struct stream *stream, enum stream_end end, const char *reason);
	/* The peer closed its stream. True: answers are still due, and the owner calls
	 * stream_close() behind them. May be NULL. */
	bool (*closing)(struct stream *stream);
	void (*gone)(struct stream *stream);
};

/* Why nothing is read; combined. */
enum {
	STREAM_PAUSE_CREDIT = 1, /* its session says so */
	STREAM_PAUSE_RATE = 2,   /* it sends too fast */
	STREAM_PAUSE_WAIT = 4,   /* the negotiation waits for an answer from within */
	STREAM_PAUSE_CROWDED = 8 /* its account has not taken yet what it sent */
};

struct stream {
	struct conn *conn;
	struct parser *parser;
	const struct stream_ops *ops;
	LIST_ENTRY(stream) link; /* in its worker's list */
	struct timer timer;
	int64_t due;         /* the owner's deadline, ms; 0: none */
	int64_t last_input;  /* ms */
	int64_t rate;        /* bytes a second; 0: any */
	int64_t spent_until; /* of the rate's bucket, us */
	char *rest;          /* bytes read and not parsed, while paused */
	struct worker *move_to;
	uint32_t rest_len;
	uint8_t pause;
	bool feeding, discard, answered, ending, parked;
	bool peer_closed; /* its stream; ours is open until the owner says so */
	bool lean;        /* set by the owner: the parser goes back after each element */
};

LIST_HEAD(stream_list, stream);

/* At start, before the workers. */
void stream_init(void);

/* Begins, at the current worker. The connection's owner is the stream from now on. */
void stream_open(struct stream *stream, struct conn *conn, const struct stream_ops *ops);

/* --- speaking -------------------------------------------------------------------- */

/* What our header says. NULL values are left out. */
struct stream_header {
	const char *content_ns;
	const char *from, *to;
	const char *extra; /* attributes as text, e.g. a further namespace */
	bool before_1_0;   /* no version: no features follow */
	bool initiates;    /* we opened the connection: the id is the peer's to give */
};

/* Bytes of a language of a stream, which its stanzas are given: a longer one is none (RFC 5646 §4.4.1
 * has 35). */
#define STREAM_LANG_MAX 64

/* A made-up stream id: 16 characters and a NUL. */
#define STREAM_ID_MAX 17
void stream_make_id(char id[STREAM_ID_MAX]);

/* Writes <?xml?> and <stream:stream>; id NULL: one is made. */
void stream_header(struct stream *stream, const struct stream_header *header, const char *id);

/*
 * For peers that acknowledge nothing themselves, the kernel stands. When everything was written, all
 * stanzas are acknowledged; while a slow reader keeps some back, those up to a mark are, set at the
 * end of what was queued the last time. stream_taken(), in ops.sent, gives how many of `sent` were
 * taken.
 */
struct stream_count {
	uint64_t marked_at; /* conn_queued() when `marked` was set */
	uint32_t sent;      /* stanzas given to the connection: the owner counts */
	uint32_t marked;    /* of these, how many lie before marked_at */
	uint32_t taken;
};
uint32_t stream_taken(const struct stream *stream, struct stream_count *count);

/* This worker's buffer, empty, for what goes to stream_flush() next. Never kept. */
struct buf *stream_out(void);
void stream_flush(struct stream *stream, struct buf *out);
void stream_flush_within(struct stream *stream, struct buf *out, unsigned ms);

void stream_send(struct stream *stream, const char *bytes, size_t len);
void stream_send_text(struct stream *stream, const char *text);

/* --- listening -------------------------------------------------------------------- */

void stream_pause(struct stream *stream, unsigned why);
void stream_go_on(struct stream *stream, unsigned why);

/* The next thing the peer sends is a new header (after SASL). */
void stream_restart(struct stream *stream);

/*
 * From now on in TLS, as the server of the handshake; what the peer had sent
 * behind its last element is thrown away (RFC 6120 §5.4.3.3), a new header is
 * expected. False: TLS could not begin, and the connection is closing.
 */
bool stream_start_tls(struct stream *stream, struct tls *tls, const struct conn_tls_params *params);

/* Calls ops.deadline in `ms`; 0: no more. */
void stream_deadline(struct stream *stream, int64_t ms);

/* --- moving and ending --------------------------------------------------------------- */

/* Goes to another worker once it is not being read from, with what was not parsed and what was not
 * sent; paused with STREAM_PAUSE_WAIT by the caller. */
void stream_move(struct stream *stream, struct worker *to);

/* Ends it with a stream error; text NULL: the usual sentence. Nothing happens if it is ending. */
void stream_fail(struct stream *stream, enum stream_error error, const char *text);
void stream_fail_with(struct stream *stream, enum stream_error error, const char *text,
    const char *extra);

/* The peer has ended it: by </stream:stream>, or (the owner saw it) by a stream error. */
void stream_peer_closed(struct stream *stream);

/* Ends it in due form; the peer has 5 s to close its own. */
void stream_close(struct stream *stream);

/* The streams of this worker. */
struct stream *streams_first(void);

static inline struct stream *
streams_next(const struct stream *stream)
{
	return LIST_NEXT(stream, link);
}

static inline bool
stream_secure(const struct stream *stream)
{
	return conn_has_tls(stream->conn);
}

#endif
