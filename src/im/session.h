/*
 * Sessions: the account's side of a client.
 *
 * A session outlives its connection: it owns both counters of XEP-0198, the
 * queue of what its client has not acknowledged, and the holds of what the
 * client sent. A stream carries it, known by a port reference alone; without
 * one it hibernates until it is resumed or its time is over.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_IM_SESSION_H
#define LN_IM_SESSION_H

#include <sys/queue.h>

#include "core/hold.h"
#include "core/port.h"
#include "im/account.h"
#include "net/timer.h"
#include "net/worker.h"

struct directed;

struct ln_session {
	TAILQ_ENTRY(ln_session) link;
	uint64_t id; /* handle, see session_find() */
	struct ln_account *account;
	struct ln_jid jid;    /* full; text owned */
	struct port_ref port; /* id 0: hibernating */
	struct slices slices;

	/* what the client sent */
	struct hold_owner holds;
	bool paused; /* credit is used up */
	bool paced;  /* its stream is given no more at a time than a portion: session_pace() */

	/* what it was sent and has not acknowledged: ln_stanza by item.link */
	struct item_queue unacked;
	uint32_t unacked_count;
	size_t unacked_bytes;
	uint32_t sent, acked; /* stanzas, modulo 2^32; acked <= sent */
	struct item *held;    /* the first in it that its stream was not given yet; NULL: none */
	uint32_t held_count;  /* from there to the end */
	size_t held_bytes;

	/* presence: src/im/presence.c */
	struct ln_stanza *presence; /* last available presence; NULL: unavailable */
	struct directed *directed;
	int8_t priority;
	bool interested; /* asked for the roster */
	bool drained;    /* was given the stored messages */

	struct manage *sm;  /* XEP-0198; NULL: not enabled; see manage.h */
	struct timer timer; /* its next deadline */
	int64_t hibernates_until;
	int64_t since;  /* wall-clock ms */
	int64_t active; /* monotonic ms: its client sent a message or presence, or bound */
	char *address;
	char *lang; /* of its first stream; NULL: none */
	bool secure;
	int64_t closing_until; /* its client closed the stream; 0: it did not */
	bool overfull;         /* hibernates with too much: ends in any case */
	bool ended;
};

/* By handle, on this worker; NULL: ended. */
struct ln_session *session_find(uint64_t id);

/* --- what the stream says (from account.c, in the account's turn) ------------------ */

void session_bind(struct ln_account *account, struct up *up);
void session_acked(struct ln_session *session, uint32_t h, bool by_kernel);
void session_detach(struct ln_session *session, bool closed, const char *reason);

/* A stanza of its client: stamps, opens the hold, runs the hooks, sends it on its way. */
void session_submit(struct ln_session *session, struct ln_stanza *st);

/* One that the stream dealt with: it counts, and `reply` (may be NULL) is the client's. Both pass. */
void session_answered(struct ln_session *session, struct ln_stanza *st, struct ln_stanza *reply);

/* --- giving it something (outgoing.c) -------------------------------------------------------------- */

/*
 * Queues a stanza and sends it if there is a connection. Ownership passes.
 * Its hold is released, unless `waiting` (lasting) has it.
 */
void session_send(struct ln_session *session, struct ln_stanza *st);

/* The same past the stanza_out hooks. */
void session_send_now(struct ln_session *session, struct ln_stanza *st);

/* A stanza that was for a session and that nobody will acknowledge: drops it. */
void session_forget(struct ln_stanza *st);

/*
 * Much is to be sent at once, for which its client is not to blame: its stream
 * is given it in portions, as they are acknowledged, until all has gone. With
 * `again`, that begins with everything that is not acknowledged; without, call
 * session_send_held() when it has been queued.
 */
void session_pace(struct ln_session *session, bool again);
void session_send_held(struct ln_session *session);

/* Its stream is gone: there is nothing to pace. */
void session_pace_no_more(struct ln_session *session);

/* One that its client did not acknowledge, or was not given: others have it, or its sender is told.
 * Ownership passes. */
void session_give_back(struct ln_stanza *st);

/* A client that acknowledges too little loses its connection; a hibernating one its session. */
void session_check_queue(struct ln_session *session);

/* The stream that carries it; NULL: it hibernates, or the stream is gone. */
struct port *session_port(const struct ln_session *session);

/* --- the end ---------------------------------------------------------------------------- */

/* Ends it: presence, unacknowledged stanzas, hooks. `condition` (may be NULL) is the stream
 * error for its connection, if there is one. The struct is gone after it. */
void session_end(struct ln_session *session, const char *condition, const char *reason);

/* Ends its stream with an error; it hibernates, or ends a moment later. */
void session_drop_stream(struct ln_session *session, const char *condition, const char *text);

/* Its connection is gone: it hibernates, or ends a moment later. */
void session_lost(struct ln_session *session, const char *reason);

/* Nothing live can acknowledge what it holds: writes it now. */
void session_write_waiting(struct ln_session *session);

/* The timer's, and the holds'. */
void session_deadline(void *arg);
void session_holds_advanced(struct hold_owner *owner);

void session_init(void);

#endif
