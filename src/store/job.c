/*
 * Jobs: making them, reading their results, giving them back. See job.h.
 *
 * A job, its steps and its arguments lie in one arena, so that a typical one
 * is a single allocation; its rows have an arena of their own, because a batch
 * that is replayed gives them again.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/job.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "store/engine.h"

#define JOB_ROOM (sizeof(struct store_job) + 512)
#define ROWS_ROOM 1000
#define HOMES 65 /* more workers than this cost more posts, no more */

/* The job whose `done` runs on this thread; NULL when it is to be kept: it may be gone then. */
static _Thread_local struct store_job *in_done;

const char *
store_outcome_name(enum store_outcome outcome)
{
	static const char *const names[] = {
		[STORE_OK] = "ok",
		[STORE_CONSTRAINT] = "constraint",
		[STORE_LATE] = "late",
		[STORE_UNMET] = "unmet",
		[STORE_INTERNAL] = "internal",
		[STORE_DISK] = "disk",
	};

	return names[outcome];
}

/* --- making ----------------------------------------------------------------------- */

struct store_job *
store_job_new(struct store *store, const char *what)
{
	struct arena *arena = arena_new(JOB_ROOM);
	struct store_job *job = arena_zalloc(arena, sizeof *job);

	job->arena = arena;
	job->store = store;
	job->what = what;
	return job;
}

void
store_job_free(struct store_job **job_p)
{
	struct store_job *job = *job_p;
	struct arena *arena;

	if (job == NULL)
		return;
	*job_p = NULL;
	arena = job->arena;
	arena_free(&job->rows);
	arena_free(&arena);
}

void *
store_job_alloc(struct store_job *job, size_t size)
{
	return arena_zalloc(job->arena, size);
}

/* The step, its arguments and their bytes, in one piece. */
static struct store_step *
new_step(struct store_job *job, const struct store_arg *args, size_t count)
{
	size_t room = sizeof(struct store_step) + count * sizeof *args;
	struct store_step *step;
	char *bytes;

	for (size_t i = 0; i < count; i++)
		room += args[i].bytes != NULL ? args[i].len + 1 : 0;
	step = arena_alloc(job->arena, room);
	*step = (struct store_step){ .count = (unsigned)count };
	step->args = (struct store_arg *)(step + 1);
	bytes = (char *)(step->args + count);
	for (size_t i = 0; i < count; i++) {
		step->args[i] = args[i];
		if (args[i].bytes == NULL)
			continue;
		step->args[i].bytes = memcpy(bytes, args[i].bytes, args[i].len);
		bytes[args[i].len] = '\0';
		bytes += args[i].len + 1;
	}
	return step;
}

unsigned
store_add_args(struct store_job *job, const struct store_sql *sql, const struct store_arg *args,
    size_t count)
{
	struct store_step *step = new_step(job, args, count);

	step->sql = sql;
	step->tail = &step->rows;
	if (job->last != NULL)
		job->last->next = step;
	else
		job->first = step;
	job->last = step;
	return job->steps++;
}

void
store_must(struct store_job *job)
{
	job->last->must = true;
}

/* --- submitting ---------------------------------------------------------------------- */

static void
prepare(struct store_job *job, enum job_kind kind, store_done *done, void *arg)
{
	job->kind = kind;
	job->done = done;
	job->arg = arg;
	job->bytes = arena_size(job->arena);
}

uint64_t
store_write(struct store_job *job, store_done *done, void *arg)
{
	prepare(job, JOB_WRITE, done, arg);
	job->worker = worker_current();
	return store_writer_push(job->store, job);
}

static void
submit_read(struct store_job *job, uint64_t after)
{
	struct store *store = job->store;
	struct job_list list = { NULL, NULL };

	store_count(STORE_WAITING_READS, 1);
	if (after > atomic_load(&store->committed)) {
		store_writer_push(store, job);
		return;
	}
	job_list_add(&list, job);
	store_readers_push(store, &list);
}

void
store_read(struct store_job *job, uint64_t after, store_done *done, void *arg)
{
	prepare(job, JOB_READ, done, arg);
	job->worker = worker_current();
	submit_read(job, after);
}

struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool over;
};

static void
wake_waiter(struct store_job *job, void *arg)
{
	struct waiter *waiter = arg;

	store_job_keep(job);
	pthread_mutex_lock(&waiter->lock);
	waiter->over = true;
	pthread_cond_signal(&waiter->wake);
	pthread_mutex_unlock(&waiter->lock);
}

static enum store_outcome
run(struct store_job *job, enum job_kind kind, uint64_t after)
{
	struct waiter waiter = { .over = false };

	pthread_mutex_init(&waiter.lock, NULL);
	pthread_cond_init(&waiter.wake, NULL);
	prepare(job, kind, wake_waiter, &waiter);
	if (kind == JOB_READ)
		submit_read(job, after);
	else
		store_writer_push(job->store, job);
	pthread_mutex_lock(&waiter.lock);
	while (!waiter.over)
		pthread_cond_wait(&waiter.wake, &waiter.lock);
	pthread_mutex_unlock(&waiter.lock);
	pthread_cond_destroy(&waiter.wake);
	pthread_mutex_destroy(&waiter.lock);
	return job->outcome;
}

enum store_outcome
store_run_write(struct store_job *job)
{
	return run(job, JOB_WRITE, 0);
}

enum store_outcome
store_run_read(struct store_job *job, uint64_t after)
{
	return run(job, JOB_READ, after);
}

void
store_writer_call(struct store *store, void (*call)(struct store *, void *), void *arg)
{
	struct store_job *job = store_job_new(store, "call");

	job->call = call;
	job->call_arg = arg;
	run(job, JOB_CALL, 0);
	store_job_free(&job);
}

/* --- results --------------------------------------------------------------------------- */

enum store_outcome
store_job_outcome(const struct store_job *job)
{
	return job->outcome;
}

const char *
store_job_error(const struct store_job *job)
{
	return job->error != NULL ? job->error : "";
}

void
store_job_keep(struct store_job *job)
{
	assert(job == in_done);
	in_done = NULL;
}

struct store_step *
store_job_step(const struct store_job *job, unsigned step)
{
	struct store_step *at = job->first;

	while (at != NULL && step-- > 0)
		at = at->next;
	return at;
}

int64_t
store_changes(const struct store_job *job, unsigned step)
{
	const struct store_step *at = store_job_step(job, step);

	return at != NULL ? at->changes : 0;
}

const struct store_row *
store_rows(const struct store_job *job, unsigned step)
{
	const struct store_step *at = store_job_step(job, step);

	return at != NULL ? at->rows : NULL;
}

struct arena *
store_job_rows(struct store_job *job)
{
	if (job->rows == NULL)
		job->rows = arena_new(ROWS_ROOM);
	return job->rows;
}

void
store_job_reset(struct store_job *job)
{
	job->outcome = STORE_OK;
	job->error = NULL;
	arena_free(&job->rows);
	for (struct store_step *step = job->first; step != NULL; step = step->next) {
		step->changes = 0;
		step->rows = NULL;
		step->tail = &step->rows;
	}
}

void
store_job_fail(struct store_job *job, enum store_outcome outcome, const char *error)
{
	job->outcome = outcome;
	job->error = arena_strdup(store_job_rows(job), error);
}

/* --- giving back --------------------------------------------------------------------------- */

static void
run_done(struct store_job *job)
{
	job->next = NULL;
	in_done = job;
	if (job->done != NULL)
		job->done(job, job->arg);
	store_job_free(&in_done);
}

static void
run_all(struct store_job *job)
{
	struct store_job *next;

	for (; job != NULL; job = next) {
		next = job->next;
		run_done(job);
	}
}

static void
run_post(struct worker *worker, struct post *post)
{
	(void)worker;
	run_all((struct store_job *)((char *)post - offsetof(struct store_job, post)));
}

static void
send_home(struct job_list *list)
{
	struct store_job *first = list->first;

	*list = (struct job_list){ NULL, NULL };
	if (first == NULL)
		return;
	if (first->worker == NULL) {
		run_all(first);
		return;
	}
	first->post.run = run_post;
	worker_post(first->worker, &first->post);
}

void
store_refuse(struct store_job *job)
{
	struct job_list list = { NULL, NULL };

	if (job->kind == JOB_WRITE) {
		atomic_fetch_sub(&job->store->queued_bytes, job->bytes);
		store_count(STORE_QUEUED_JOBS, -1);
		store_count(STORE_QUEUED_BYTES, -(int64_t)job->bytes);
	} else if (job->kind == JOB_READ) {
		store_count(STORE_WAITING_READS, -1);
	}
	store_job_fail(job, STORE_DISK, "the store is closed");
	job_list_add(&list, job);
	store_complete(&list);
}

void
store_complete(struct job_list *list)
{
	struct job_list homes[HOMES] = { { NULL, NULL } };
	struct store_job *job;

	while ((job = job_list_take(list)) != NULL) {
		struct job_list *home = job->worker == NULL
		    ? &homes[0]
		    : &homes[1 + worker_index(job->worker) % (HOMES - 1)];

		if (home->first != NULL && home->first->worker != job->worker)
			send_home(home);
		job_list_add(home, job);
	}
	for (size_t i = HOMES; i-- > 0;)
		send_home(&homes[i]);
}
