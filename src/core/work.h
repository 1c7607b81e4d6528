/*
 * The work in hand: what one handler call stores and answers.
 *
 * While an entity handles one item, everything it stores goes into one write
 * job, committed whole or not at all. The stanza in hand lends the job a part
 * of its hold, so its sender is not acknowledged before the commit; results
 * of iq sets wait for the commit too. A handler need not know of any of this:
 *
 *	store_add(work_job(), &sql, ...);
 *	work_result(result);
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_CORE_WORK_H
#define LN_CORE_WORK_H

#include "core/stanza.h"
#include "store/store.h"

/* At start: where jobs go. */
void work_init(struct store *store);
struct store *work_store(void);

/* Begins and ends the handling of one item; `st` may be NULL. work_end() submits. */
void work_begin(struct entity *entity, struct ln_stanza *st);
void work_end(void);

/* The entity in hand, NULL outside of a handler. */
struct entity *work_entity(void);

/* The write job of this handler call, made on first use. */
struct store_job *work_job(void);

/* Memory until the end of this handler call. */
struct arena *work_arena(void);

/* An extra hold that the commit releases; moved out of where it is. */
void work_hold(struct hold *hold);

/* Sends a result when the job is durable, or at the end of the handler if nothing was stored;
 * if the job fails, its asker gets internal-server-error. Ownership passes. */
void work_result(struct ln_stanza *result);

/* Calls `fn` at home after the commit; `ok` false: the job failed. The entity may be gone by
 * then, and another have its name: `fn` gets NULL. */
void work_when_durable(void (*fn)(struct entity *entity, void *arg, bool ok), void *arg);

/*
 * A read for an entity: it sees all that its handlers have stored before, what
 * the one in hand stores included. `done` as of store_read().
 */
void work_read(struct entity *entity, struct store_job *job, store_done *done, void *arg);

/* A stalled store: must this stanza be refused where it enters (DESIGN section 8)? */
bool work_refuses(const struct ln_stanza *st);

/* A position for `pending` and versions: ordered, never given out twice. Any worker. */
int64_t work_position(void);

#endif
