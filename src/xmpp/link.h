/*
 * Links: the way from one of our domains to another server's (DESIGN section
 * 12). A link is {local domain, remote domain}; it lives at the home of the
 * remote domain and keeps, in order, what waits for a stream that may carry it.
 *
 *	link_route(st)			any worker: the router's way out
 *	  -> out_dial() ... link_up()	stanzas leave
 *	  -> ... link_failed()		or go back with an error
 *
 * A link uses one route until it is gone: a stream of its own, or with XEP-0288
 * one that the other server opened. When a route ends, what was not acknowledged
 * comes back to the front of the queue, and the link dials once more. A dial
 * that fails returns all that waits; for a while, that grows with each failure,
 * what comes is returned at once.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_XMPP_LINK_H
#define LN_XMPP_LINK_H

#include "base/hash.h"
#include "net/dial.h"
#include "net/timer.h"
#include "xmpp/peer.h"
#include "xmpp/sending.h"

#define LINK_QUEUE_MAX ((size_t)40 << 20) /* bytes that wait (DESIGN section 4) */

enum link_state {
	LINK_IDLE, /* no route, nothing waits */
	LINK_DIALS,
	LINK_UP,
	LINK_RESTS /* failed: what comes is returned until the time is over */
};

/* A key that a stream wants verified by the remote domain (XEP-0220 §2.1.2). */
struct verify {
	TAILQ_ENTRY(verify) link;
	struct port_ref asker;
	bool sent;
	const char *id, *key;
	char texts[];
};

struct link {
	UT_hash_handle hh;
	const char *local, *remote;
	size_t key_len;
	enum link_state state;
	struct dial *dial;     /* under way, or NULL */
	struct peer *peer;     /* our own stream, or NULL */
	bool tls_off;          /* its route says so */
	bool tried;            /* a stream failed, with `error` */
	struct port_ref route; /* id 0: none */
	bool own_route;
	unsigned fences;         /* routes that are gone and may still give something back */
	struct port_ref offered; /* while there are: what it will use; id 0: none */
	struct sending_list queue;
	size_t bytes;
	unsigned count;
	uint64_t taken; /* stanzas so far: their order */
	unsigned failures;
	int64_t rests_until; /* ms */
	int64_t dials_at;    /* ms: not before */
	int64_t up_at;       /* ms */
	enum ln_error error; /* of the last failure */
	TAILQ_HEAD(, verify) verifies;
	unsigned verify_count;
	bool carried; /* the last route carried something */
	bool broken;  /* and broke: is the other server still there? */
	bool full;    /* the log says that too much waits */
	struct timer timer;
	char key[]; /* local NUL remote NUL */
};

void link_init(void);

/* Takes a stanza for another server; ownership passes if true. Any worker. */
bool link_route(struct ln_stanza *st);

/* Has the key verified; in_verified() is told. Any worker. */
void link_verify(const char *local, const char *remote, const char *id, const char *key,
    struct port_ref asker);

/* --- what becomes of its stream: at home ------------------------------------------ */

/* Does it need to be allowed to send? */
static inline bool
link_waits(const struct link *link)
{
	return link->count > 0;
}

/* Stanzas may leave by this route, if there is no other; `own`: its own stream. Not before what an
 * earlier route of another worker gives back has come: so order holds. */
void link_up(struct link *link, struct port_ref route, bool own);

/* The answer to a key. */
void link_verified(struct link *link, const char *id, bool valid, enum ln_error error);

/* Its own stream has ended: before it could carry anything with an error and a sentence, or after. */
void link_failed(struct link *link, enum ln_error error, const char *text);
void link_lost(struct link *link, const char *reason, bool broken);

/* --- routes of others (XEP-0288): any worker ------------------------------------------ */

/* The peer has proven the pair on its own stream, which takes stanzas from us. */
void link_offer(const char *local, const char *remote, struct port_ref route);

/* A sending that a stream gives back, or that was read from `pending`: waits before those that came
 * later. */
void link_return(struct sending *sending);

/* That route is gone. */
void link_withdraw(const char *local, const char *remote, struct port_ref route);

/* The other server has answered a ping of ours with this stanza. Any worker. */
void link_alive(const struct ln_stanza *st);

/* --- between link.c and link_ask.c: at home ----------------------------------------------- */

/* NULL: none; or, of link_named(), which makes one: there are too many. */
struct link *link_find(const char *local, size_t local_len, const char *remote, size_t remote_len);
struct link *link_named(const char *local, const char *remote);

/* Gets a stream, or has the one there is ask for what is needed now. */
void link_dial(struct link *link);

/* To be looked at in a later turn. */
void link_look_soon(struct link *link);

/* All keys that wait are answered with this error. */
void link_end_verifies(struct link *link, enum ln_error error);

/* --- all of them ------------------------------------------------------------------------ */

/* The links of this worker. */
struct link *links_first(void);

static inline struct link *
links_next(const struct link *link)
{
	return link->hh.next;
}

/* Reads `pending` and takes up what an earlier run left; once, after the start. Main thread. */
void links_restore(void);

/* The end of the server: keeps what lasts. */
void links_shelve(void);

#endif
