/*
 * Stream management, the session's side of XEP-0198: both counters, when to
 * answer and when to ask, resumption.
 *
 * `h` is the unbroken run of the client's stanzas whose holds are released
 * (core/hold.h), so nothing is acknowledged before it is on disk. An <r/> is
 * answered as soon as `h` covers what came before it, after 1 s in any case,
 * and then once more when it has caught up.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_IM_MANAGE_H
#define LN_IM_MANAGE_H

#include "im/session.h"

struct manage {
	char *id; /* of resumption; NULL: not resumable */
	int64_t max_ms;
	uint32_t in_base;      /* holds.opened when it was enabled */
	uint32_t out_base;     /* sent when it was enabled */
	bool asked;            /* an <r/> of the client is not answered in full */
	uint32_t asked_target; /* holds.opened when it came */
	int64_t answer_by;     /* monotonic ms; 0: it was answered with what there was */
	bool asking;           /* our <r/> is out */
	unsigned since_ask;    /* stanzas sent since the last one */
	int64_t ask_at;        /* monotonic ms: when to ask; 0: no need */
	int64_t asked_at;
	/* a client that waits for <resumed/> */
	struct port_ref resume_port;
	uint32_t resume_h;
	int64_t resume_by; /* monotonic ms; 0: none */
};

/* From the stream. */
void manage_enable(struct ln_session *session, const struct up *up);
void manage_resume(struct ln_account *account, struct up *up);
void manage_asked(struct ln_session *session);

/* From the session: holds came back; a stanza was sent; acknowledgements came; more were than
 * were sent (XEP-0198 §4, handled-count-too-high). */
void manage_holds_advanced(struct ln_session *session);
void manage_sent(struct ln_session *session);
void manage_acked(struct ln_session *session);
void manage_acked_too_much(struct ln_session *session, uint32_t h);

/* It has lost its connection and can be resumed. */
void manage_hibernate(struct ln_session *session);

/* A client waits for <resumed/>: its time to be resumed does not run out meanwhile. */
static inline bool
manage_is_awaited(const struct ln_session *session)
{
	return session->sm != NULL && session->sm->resume_by != 0;
}

/* When its next deadline is, monotonic ms, 0: none; and what to do when it came. */
int64_t manage_next(const struct ln_session *session);
void manage_deadline(struct ln_session *session, int64_t now);

/* Frees its part; the account remembers `h` for a while. */
void manage_free(struct ln_session *session);

#endif
