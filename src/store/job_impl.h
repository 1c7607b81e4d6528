/*
 * A job from inside: what passes between the threads of the store.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_STORE_JOB_IMPL_H
#define LN_STORE_JOB_IMPL_H

#include "base/arena.h"
#include "net/worker.h"
#include "store/job.h"

struct sqlite;

struct store_step {
	struct store_step *next;
	const struct store_sql *sql;
	struct store_arg *args;
	unsigned count;
	bool must;
	int64_t changes;
	struct store_row *rows;
	struct store_row **tail;
};

enum job_kind {
	JOB_WRITE,
	JOB_READ,
	JOB_CALL, /* a function on the writer thread, between batches */
};

struct store_job {
	struct post post; /* used by the first of a run of completions */
	struct store_job *next;
	struct store *store;
	struct arena *arena; /* holds this struct too */
	struct arena *rows;  /* made anew for each try */
	const char *what;
	struct worker *worker; /* where `done` runs; NULL: on the storage thread */
	store_done *done;
	void *arg;
	void (*call)(struct store *store, void *arg);
	void *call_arg;
	uint64_t seq;
	size_t bytes; /* counted in the queue */
	struct store_step *first, *last;
	unsigned steps;
	enum job_kind kind;
	enum store_outcome outcome;
	const char *error; /* NULL or in `rows` */
};

struct job_list {
	struct store_job *first, *last;
};

static inline void
job_list_add(struct job_list *list, struct store_job *job)
{
	job->next = NULL;
	if (list->last != NULL)
		list->last->next = job;
	else
		list->first = job;
	list->last = job;
}

static inline struct store_job *
job_list_take(struct job_list *list)
{
	struct store_job *job = list->first;

	if (job != NULL && (list->first = job->next) == NULL)
		list->last = NULL;
	return job;
}

/* Appends all of `more` and empties it. */
static inline void
job_list_join(struct job_list *list, struct job_list *more)
{
	if (more->first == NULL)
		return;
	if (list->last != NULL)
		list->last->next = more->first;
	else
		list->first = more->first;
	list->last = more->last;
	*more = (struct job_list){ NULL, NULL };
}

struct store_step *store_job_step(const struct store_job *job, unsigned step);

/* Forgets what an earlier try gave. */
void store_job_reset(struct store_job *job);

/* Where rows and error texts go. */
struct arena *store_job_rows(struct store_job *job);

void store_job_fail(struct store_job *job, enum store_outcome outcome, const char *error);

/*
 * Runs the steps in the transaction that is open. Not SQLITE_OK: a step failed,
 * and the job says how; but a job that is STORE_UNMET returns SQLITE_OK.
 */
int store_job_run(struct sqlite *conn, struct store_job *job);

/* The store is closed: gives one back that was not tried. */
void store_refuse(struct store_job *job);

/* Gives each job back to its worker: one post for each worker in the list. */
void store_complete(struct job_list *list);

#endif
