/*
 * A stanza on its way to another server: from the router to the
 * acknowledgement (DESIGN section 8).
 *
 * A lasting message (core/stanza.h) that nobody live can acknowledge is written
 * to `pending` at once, else after 250 ms; its hold goes with the row. An
 * acknowledgement takes the row away or makes it needless. All else lets go of
 * its hold when it is sent. A sending belongs to one worker at a time: its
 * link's, or that of the stream which sends it.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_XMPP_SENDING_H
#define LN_XMPP_SENDING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "core/stanza.h"
#include "net/worker.h"

struct sending {
	struct post post;
	TAILQ_ENTRY(sending) link;     /* in a link's queue, in a stream's list */
	TAILQ_ENTRY(sending) due_link; /* in its worker's list of those to be written */
	struct ln_stanza *st;
	uint64_t seq;     /* order within its link */
	int64_t position; /* of its row; 0: none */
	int64_t stamp;    /* when it came, wall-clock ms */
	int64_t due;      /* monotonic ms; 0: not in the list */
	uint32_t weight;
	uint32_t to_worker; /* where a posted one is to go */
	uint64_t to_port;
	bool lasts;
	bool late;       /* it was sent before, or an earlier run left it */
	uint8_t returns; /* from streams that ended */
};
TAILQ_HEAD(sending_list, sending);

void sending_init(void);

/* How many there are. Any thread. */
unsigned sending_count(void);

struct sending *sending_new(struct ln_stanza *st);

/* One that was read from `pending`; NULL: the bytes are no stanza. */
struct sending *sending_of_row(const char *bytes, size_t len, int64_t position, int64_t stamp);

/* Nobody can acknowledge it for now: writes its row, if it lasts and has none. */
void sending_keep(struct sending *sending);

/*
 * It is about to be written. What goes later than it came says when that was, in the name of its
 * sender's domain (XEP-0198 §5, XEP-0203); but not an iq, whose content is the request alone.
 */
void sending_stamp(struct sending *sending);

/* An iq that asks, and did so too long ago for its answer to be waited for. */
bool sending_is_stale(const struct sending *sending);

/* It was given to a stream; on its worker. */
void sending_sent(struct sending *sending);

/* It leaves this worker's lists, to be posted. */
void sending_leave(struct sending *sending);

/* The peer has it. */
void sending_done(struct sending **sending);

/* It cannot be delivered: its sender is told, as far as that is called for. */
void sending_bounce(struct sending **sending, enum ln_error error, const char *text);

/* The end of the server: rows stay, or are written; memory is freed. */
void sending_shelve(struct sending **sending);

/* Frees it alone. */
void sending_free(struct sending **sending);

#endif
