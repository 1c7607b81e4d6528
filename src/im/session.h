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

	/* what it was sent and has not acknowledged: ln_stanza by item.link */
	struct item_queue unacked;
	uint32_t unacked_count;
	size_t unacked_bytes;
	uint32_t sent, acked; /* stanzas, modulo 2^32; acked <= sent */

	/* presence: src/im/presence.c */
	struct ln_stanza *presence; /* last available presence; NULL: unavailable */
	struct directed *directed;
	int8_t priority;
	bool interested; /* asked for the roster */
	bool drained;    /* was given the stored messages */

	struct manage *sm;  /* XEP-0198; NULL: not enabled */
	struct timer timer; /* its next deadline */
	int64_t hibernates_until;
	int64_t since; /* wall-clock ms */
	char *address;
	bool secure;
	bool ended;
};

/* XEP-0198: both counters, and what waits. Made when the client enables it. */
struct manage {
	char *id; /* of resumption; NULL: not resumable */
	unsigned max_s;
	uint32_t in_base;      /* holds.opened when it was enabled */
	uint32_t out_base;     /* sent when it was enabled */
	bool asked;            /* <r/> of the client is not answered in full */
	uint32_t asked_target; /* holds.opened then */
	int64_t answer_by;     /* monotonic ms; 0: answered once */
	bool asking;           /* our <r/> is out */
	int64_t ask_at;        /* monotonic ms: when to ask; 0: no need */
	int64_t asked_at;      /* when we did */
	struct resume *resume; /* a client waits for <resumed/>; NULL: none */
};

/* By handle, on this worker; NULL: ended. */
struct ln_session *session_find(uint64_t id);

/* --- what the stream says (from account.c, in the account's turn) ------------------ */

void session_bind(struct ln_account *account, struct up *up);
void session_enable(struct ln_session *session, struct up *up);
void session_resume(struct ln_account *account, struct up *up);
void session_acked(struct ln_session *session, uint32_t h, bool by_kernel);
void session_asked(struct ln_session *session);
void session_detach(struct ln_session *session, bool closed, const char *reason);

/* A stanza of its client: stamps, opens the hold, runs the hooks, sends it on its way. */
void session_submit(struct ln_session *session, struct ln_stanza *st);

/* --- giving it something -------------------------------------------------------------- */

/*
 * Queues a stanza and sends it if there is a connection. Ownership passes.
 * Its hold is released, unless `waiting` (lasting) has it.
 */
void session_send(struct ln_session *session, struct ln_stanza *st);

/* --- the end ---------------------------------------------------------------------------- */

/* Ends it: presence, unacknowledged stanzas, hooks. `condition` (may be NULL) is the stream
 * error for its connection, if there is one. The struct is gone after it. */
void session_end(struct ln_session *session, const char *condition, const char *reason);

/* The stalled store stops the clocks of holds and hibernation: called when that changes. */
void session_init(void);

#endif
