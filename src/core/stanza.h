/*
 * Envelope and payload, from the inside. See linnet/stanza.h for the idea.
 *
 * An envelope is also an item of an inbox: it is posted between workers and
 * queued at entities without another allocation. The first envelope lives in
 * the arena of its payload (one allocation for a stanza from the wire), copies
 * have an arena of their own.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_CORE_STANZA_H
#define LN_CORE_STANZA_H

#include <stdatomic.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "core/entity.h"
#include "core/hold.h"
#include "linnet/stanza.h"

/*
 * The children of a stanza. Counted, immutable; the arena holds the tree and
 * this struct. The bytes are made once, before a second reference is given
 * out, so that a payload which two workers see is never written.
 */
struct payload {
	_Atomic unsigned refs;
	struct arena *arena;
	struct ln_elem *root; /* the element whose children they are; NULL: none */
	char *bytes;          /* serialised children, NULL until payload_bytes() */
	size_t len;
	bool bytes_made;
	bool bound;            /* the bytes fit streams of jabber:client alone */
	struct payload *below; /* whose arena holds the envelope of this one; or NULL */
};

struct ln_stanza {
	struct item item;        /* in inboxes and mailboxes */
	struct payload *payload; /* NULL: no children */
	struct arena *arena;     /* payload->arena, or the envelope's own */
	bool own_arena;
	bool borrows; /* texts of its head live with the payload */
	uint8_t kind; /* enum ln_kind */
	uint8_t type; /* enum ln_type */
	uint8_t flags;
	struct ln_jid from, to; /* full NULL: absent */
	const char *id;
	const char *lang;
	struct ln_elem *added; /* root of the children that the server added, or NULL */
	struct hold hold;
	struct waiting *waiting; /* in a session's queue: what `pending` knows of it (src/im) */
	uint32_t queued_weight;  /* in a session's queue */
	uint64_t session;        /* submitted by the session with this id; 0: not from one */
	uint64_t from_port;      /* the stream that submitted it, while it waits for its account */
	uint64_t port;           /* a request before login, or its answer: its stream's; else 0 */
};

enum {
	STANZA_REFUSED = 1,   /* answered with an error already */
	STANZA_NO_STORE = 2,  /* a copy: never waits in `pending` */
	STANZA_NO_BOUNCE = 4, /* no error is ever sent for it */
	STANZA_ANSWERED = 8,  /* an iq whose result was given */
	STANZA_PROBES = 16,   /* initial presence: the contact's home answers with his own */
	STANZA_LOADS = 32,    /* another server's probe: the account is loaded for it */
	STANZA_SHARES = 64,   /* one of many: its payload is not its own to be weighed */
	STANZA_LAZY = 128     /* more of the kind follows: its write may wait for that */
};

enum stanza_bad {
	STANZA_OK,
	STANZA_BAD_TYPE, /* iq without or with an unknown type; others fall back (RFC 6121 §5.2.2) */
	STANZA_BAD_ID,   /* iq without id */
	STANZA_BAD_FROM, /* jid-malformed */
	STANZA_BAD_TO,
	STANZA_BAD_CHILDREN, /* iq get or set without exactly one child, result with several */
	STANZA_UNKNOWN       /* no message, presence or iq */
};

/*
 * Makes an envelope of an element that the parser finished; the arena (which
 * holds the element) passes to it, also on failure. On failure an envelope
 * good enough for ln_error_reply() is still returned, NULL only for
 * STANZA_UNKNOWN (the arena is freed).
 */
struct ln_stanza *stanza_from_wire(struct arena **arena, struct ln_elem *elem,
    enum stanza_bad *bad_r);

/* From stored bytes: one serialised stanza in jabber:client. NULL if it does not parse. */
struct ln_stanza *stanza_from_bytes(const char *bytes, size_t len);

/* Appends the whole stanza as written in jabber:client: for storing. */
void stanza_write(struct ln_stanza *st, struct buf *out);

/*
 * Appends the stanza as it goes into a stream of the content namespace
 * `stream_ns` (NS_CLIENT, NS_SERVER ...). `lang` is the stream's, not repeated.
 */
void stanza_write_stream(struct ln_stanza *st, struct buf *out, const char *stream_ns,
    const char *lang);

/* Does it wait for whoever is away? Types, content, hints (XEP-0160 §3, XEP-0334); on the way to
 * another server what a room says waits too (DESIGN section 8). */
bool stanza_lasts(const struct ln_stanza *st);
bool stanza_lasts_abroad(const struct ln_stanza *st);

/*
 * A stanza that goes to somebody with others like it: a reference to one that
 * is frozen, else a frozen copy. It is freed with stanza_unshare(), on any
 * worker, or becomes a copy of its own.
 */
const struct ln_stanza *stanza_share(const struct ln_stanza *st);
void stanza_unshare(const struct ln_stanza *st);
struct ln_stanza *stanza_copy_shared(const struct ln_stanza *st); /* the reference passes */

/* A copy to be kept for long: it shares nothing, and takes no more memory than it must. */
struct ln_stanza *stanza_keep(const struct ln_stanza *st);

/* Bytes it weighs in queues. */
size_t stanza_weight(const struct ln_stanza *st);

/* The serialised children; makes them if there are none yet. */
void payload_bytes(struct payload *payload);
struct payload *payload_ref(struct payload *payload);
void payload_unref(struct payload **payload);

/* "chat" -> LN_CHAT in the kind's own list; -1: unknown. NULL name: the kind's default or -1. */
int stanza_type_of(enum ln_kind kind, const char *name);

#endif
