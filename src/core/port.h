/*
 * Ports: how a session speaks to the stream that carries it, and a stream to
 * its session, without knowing each other (DESIGN section 5).
 *
 * Down, session to stream: the functions port_*(). A port is found by
 * reference (worker, id); a stream that is gone is a normal answer. Up, stream
 * to session: items in the account's inbox, `struct up` below; the account's
 * entity hands them to up_handler (src/im sets it).
 *
 * The usual sequence: the stream authenticates, moves home, posts UP_BIND or
 * UP_RESUME; the session answers port_bound() or port_resumed() and from then
 * on the stream submits stanzas with up_stanza() and reports what the peer
 * acknowledged with UP_ACKED. For a peer without XEP-0198 the stream says
 * UP_ACKED when the kernel has taken the bytes.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_CORE_PORT_H
#define LN_CORE_PORT_H

#include <stdint.h>

#include "core/entity.h"
#include "core/stanza.h"

struct port;

struct port_ref {
	uint64_t id; /* 0: none; never reused */
	uint32_t worker;
};

/* The answer to UP_BIND. */
struct port_bound {
	uint64_t session;         /* id for up_stanza() and struct up */
	const struct ln_jid *jid; /* full; NULL: refused */
	enum ln_error error;
	const char *text;
};

/* The answers to UP_ENABLE and UP_RESUME. */
struct port_enabled {
	const char *id; /* resumption id; NULL: no resumption */
	unsigned max_s; /* seconds */
};
struct port_resumed {
	uint64_t session;
	const struct ln_jid *jid;
	const char *previd;
	uint32_t h;
};

/* What a stream does for its session. Called at the stream's worker, by the session's handlers;
 * nothing here calls back. Arguments are borrowed. */
struct port_ops {
	void (*bound)(struct port *port, const struct port_bound *bound);
	void (*enabled)(struct port *port, const struct port_enabled *enabled);
	void (*resumed)(struct port *port, const struct port_resumed *resumed);
	/* <failed/> to enable or resume; h_valid: `h` is said (XEP-0198 §5). */
	void (*failed)(struct port *port, enum ln_error condition, bool h_valid, uint32_t h);
	void (*send)(struct port *port, struct ln_stanza *st);
	/* The answer to a request before login; see port_answer(). NULL: there are none. */
	void (*answer)(struct port *port, struct ln_stanza *st);
	void (*nonza)(struct port *port, const struct ln_elem *elem);
	void (*ack)(struct port *port, uint32_t h); /* <a h=/> */
	void (*ask)(struct port *port);             /* <r/> */
	/* The peer acknowledged more than it was sent: ends the stream as XEP-0198 §6 says. */
	void (*overacked)(struct port *port, uint32_t h, uint32_t sent);
	void (*pause)(struct port *port); /* credit is used up: read no more stanzas */
	void (*go_on)(struct port *port);
	/* The account has not taken yet what was sent up: read nothing more, or go on. May be NULL. */
	void (*crowded)(struct port *port, bool crowded);
	/* Ends the stream; condition NULL: just </stream:stream>. The session is detached already. */
	void (*close)(struct port *port, const char *condition, const char *text);
};

/* What may wait in an account's inbox of one stream's; a reader that is faster than its account is
 * stopped, so that it does not fill the inbox for everybody else. */
#define PORT_WAITING_MAX 64
#define PORT_WAITING_BYTES ((size_t)256 * 1024)

/* Embedded in a stream. */
struct port {
	uint64_t id; /* a handle of this worker's table */
	const struct port_ops *ops;
	unsigned waiting; /* items and stanzas in the account's inbox */
	size_t waiting_bytes;
	bool crowded;
};

/* Registers at the current worker and takes it off again (before a move, and at the end). */
void port_open(struct port *port, const struct port_ops *ops);
void port_close(struct port *port);
struct port_ref port_ref(const struct port *port);

/* The port behind a reference; NULL: gone. Current worker only. */
struct port *port_find(struct port_ref ref);

/*
 * Requests before login: the stream puts its id into the request's `port`,
 * from where it comes into every answer that is made of the request, and the
 * router hands the answer back here. Frees it. A stream that is gone is fine.
 */
void port_answer(struct ln_stanza *st);

/* --- up ----------------------------------------------------------------------- */

enum up_kind {
	UP_BIND,
	UP_ENABLE, /* XEP-0198 enable */
	UP_RESUME,
	UP_ACKED, /* the peer has (or, without XEP-0198, the kernel took) all up to h */
	UP_ASKED, /* <r/> came */
	/* An element the stream does not know, e.g. XEP-0352; if nobody takes it, close the port
	 * with unsupported-stanza-type. */
	UP_NONZA,
	UP_ANSWERED, /* a stanza that the stream has dealt with: it counts, and so does the answer */
	UP_DETACH    /* the connection is gone, or the peer closed its stream */
};

struct up {
	struct item item;
	struct ln_jid account; /* bare, behind this struct */
	struct arena *arena;   /* of the texts here, made by up_arena(); freed with the item */
	enum up_kind kind;
	uint64_t session;
	struct port_ref port;
	union {
		struct {
			const char *resource; /* NULL: ours to make */
			const char *address;
			const char *lang; /* of the stream */
			bool secure;
			bool carbons_later; /* reserved for Bind 2 */
		} bind;
		struct {
			bool resume;
			unsigned max_s; /* 0: not said */
		} enable;
		struct {
			const char *previd;
			uint32_t h;
			const char *address;
			bool secure;
		} resume;
		struct {
			uint32_t h;
			bool by_kernel;
		} acked;
		struct {
			struct ln_elem *elem;
		} nonza;
		struct {
			struct ln_stanza *stanza; /* open a hold for it and release it */
			struct ln_stanza *reply;  /* to be sent to the session; NULL: none */
		} answered;                       /* both are the item's until taken out */
		struct {
			bool closed; /* orderly: the session ends, no hibernation */
			const char *reason;
		} detach;
	};
};

/* A new message for the account; fill it and post it. Any worker. */
struct up *up_new(enum up_kind kind, const struct ln_jid *account);
struct arena *up_arena(struct up *up);
void up_post(struct up **up);
void up_free(struct up **up);

/* Submits a stanza that the client of this port's session sent. Ownership passes. */
void up_stanza(struct port *port, const struct ln_jid *account, uint64_t session,
    struct ln_stanza *st);

/* Set once at start by src/im: what the account's entity does with them, in its turn. */
extern void (*up_handler)(struct entity *entity, struct up *up);
extern void (*up_stanza_handler)(struct entity *entity, struct ln_stanza *st, uint64_t port);

void port_init(void);

#endif
