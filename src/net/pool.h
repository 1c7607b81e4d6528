/*
 * Pools: a few threads for work that would hold up a worker (password
 * hashing, file input and output).
 *
 *	job->work = hash_password;	on a pool thread; touches only the job
 *	job->done = hashed;		on the worker that asked
 *	if (!pool_submit(pool, job))	full: answer "later"
 *
 * A job names its asker by an id, not by a pointer (the asker may be gone when
 * the answer comes); done() looks it up and frees the job in any case.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_NET_POOL_H
#define LN_NET_POOL_H

#include <stdatomic.h>
#include <stdbool.h>

#include "net/worker.h"

struct pool;

/* Embed it; zero it first. */
struct pool_job {
	struct post post;
	struct worker *worker; /* filled in by pool_submit() */
	void (*work)(struct pool_job *);
	void (*done)(struct pool_job *); /* `worked` says whether work ran */
	atomic_bool cancelled;
	bool worked;
};

/* `queue` bounds the jobs that wait. `name` (static) shows in thread names and metrics. */
struct pool *pool_new(const char *name, unsigned threads, unsigned queue);

/* Stops when the queue is empty; the answers of the last jobs are posted. Nulls the pointer. */
void pool_free(struct pool **pool);

/* On a worker. Gives the job away until done(); false if the queue is full: it stays the caller's. */
bool pool_submit(struct pool *pool, struct pool_job *job);

/* The same, whatever is in the queue: for the next step of what was taken on. */
void pool_submit_always(struct pool *pool, struct pool_job *job);

/* On the worker that asked, before done(): spares the work if it has not begun. done() comes anyway. */
void pool_cancel(struct pool_job *job);

#endif
