/*
 * Lasting messages: kept until somebody has acknowledged them (DESIGN section 8).
 *
 * A message that lasts (XEP-0160: chat and normal with content) becomes a
 * `struct waiting` at its recipient's home. Sessions that are given it point at
 * it from their queues. The first acknowledgement from any of them ends it.
 * Where nobody live can acknowledge it is written to `pending` at once, else
 * after 250 ms; its hold is released by whichever comes first,
 * acknowledgement or commit. A row that no session holds is an offline message.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_IM_PENDING_H
#define LN_IM_PENDING_H

#include "core/stanza.h"
#include "im/account.h"
#include "im/session.h"
#include "store/pending.h"

#define PENDING_DELAY_MS 250

enum waiting_state { WAITING_MEMORY, WAITING_WRITING, WAITING_STORED };

struct waiting {
	TAILQ_ENTRY(waiting) link;     /* in its account's list */
	TAILQ_ENTRY(waiting) due_link; /* in the worker's list of those to be written */
	struct ln_account *account;
	struct ln_stanza *st; /* one of the queues', or its own (`owned`) */
	struct hold hold;
	int64_t position; /* of its row, in the order of arrival */
	int64_t stamp;    /* when it came, wall-clock ms */
	int64_t expires;  /* wall-clock ms, 0: never */
	int64_t due;      /* monotonic ms; 0: not in the list */
	uint32_t size;    /* of its row */
	unsigned holders; /* sessions that have it in their queues */
	uint8_t state;    /* enum waiting_state */
	bool owned;
	bool acked;
};

/* Begins: takes the hold of the stanza. */
struct waiting *pending_new(struct ln_account *account, struct ln_stanza *st);

/* A session's queue has it, through `st`. */
void pending_held(struct waiting *waiting, struct ln_stanza *st);

/* Around giving it to several: one that forgets it at once does not end it for the others. */
void pending_guard(struct waiting *waiting);
void pending_unguard(struct waiting *waiting);

/* One session acknowledged it: that is enough. Its row is deleted by pending_flush(). */
void pending_acked(struct waiting *waiting);
void pending_flush(struct ln_account *account);

/* A session ended without having acknowledged it; `st` passes to it. The last one: it is given to
 * others, or kept. */
void pending_dropped(struct waiting *waiting, struct ln_stanza *st);

/*
 * After it was given to whom there was: decides when it is written. `live`: at
 * least one of them has a connection that can acknowledge.
 */
void pending_given(struct waiting *waiting, bool live);

/* Nobody holds it: its row alone stays, as an offline message. `expires`: wall-clock ms or 0. */
void pending_keep(struct waiting *waiting, int64_t expires);

/* Nobody will have it: the sender is told, a row is deleted. */
void pending_return(struct waiting *waiting);

/* The one with the row of that position; NULL: none in memory. */
struct waiting *pending_find(struct ln_account *account, int64_t position);

/* Of a row that was read, `st` being what it says; for a session, which is to hold it. */
struct waiting *pending_of_row(struct ln_account *account, const struct store_pending *row,
    struct ln_stanza *st);

/* A row that nobody needs; pending_flush() deletes it. */
void pending_drop_row(struct ln_account *account, const struct store_pending *row);

/* Frees what the account has in memory; rows stay. */
void pending_close(struct ln_account *account);

void pending_init(void);

#endif
