/*
 * The writer: one thread, one transaction for all the jobs that came while the
 * last one was being committed.
 *
 * A job that fails for a reason of its own is undone alone, by its savepoint
 * or, if it is one statement, by SQLite itself. An error of the disk undoes
 * the transaction and the batch is replayed from its first job, after a pause,
 * until it is committed: nobody was told anything in between, so nothing is
 * lost and nothing is done twice.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/engine.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"

static const struct store_sql sql_savepoint = { "SAVEPOINT job" };
static const struct store_sql sql_release = { "RELEASE job" };
static const struct store_sql sql_undo = { "ROLLBACK TO job" };

#define WAL_RESTART_AGAIN ((uint64_t)4 * 1024 * 1024)

/* What the writer takes from its list for one transaction. */
struct batch {
	struct job_list writes;
	struct job_list reads;  /* that wait for this batch */
	struct store_job *call; /* what comes after it */
	uint64_t seq;
	size_t bytes;
	unsigned count;
};

/* --- one job ------------------------------------------------------------------------ */

int
store_job_run(struct sqlite *conn, struct store_job *job)
{
	for (struct store_step *step = job->first; step != NULL; step = step->next) {
		int rc = sqlite_step_run(conn, job, step);

		if (rc != SQLITE_OK) {
			store_job_fail(job, sqlite_outcome(rc), sqlite_reason(conn, rc));
			return rc;
		}
		if (step->must && step->changes == 0) {
			store_job_fail(job, STORE_UNMET, "a step changed no row");
			return SQLITE_OK;
		}
	}
	return SQLITE_OK;
}

/* SQLITE_OK also for a job that was undone; else the disk's error: then the batch is over. */
static int
write_job(struct sqlite *conn, struct store_job *job)
{
	bool several = job->steps > 1;
	int rc = several ? sqlite_do(conn, &sql_savepoint) : SQLITE_OK;

	store_job_reset(job);
	if (rc != SQLITE_OK)
		return rc;
	rc = store_job_run(conn, job);
	if (rc != SQLITE_OK && (sqlite_is_disk(rc) || !sqlite_in_transaction(conn)))
		return rc;
	if (!several)
		return SQLITE_OK;
	rc = job->outcome != STORE_OK ? sqlite_do(conn, &sql_undo) : SQLITE_OK;
	return rc != SQLITE_OK ? rc : sqlite_do(conn, &sql_release);
}

/* --- one batch ----------------------------------------------------------------------- */

static int
commit(struct store *store, struct sqlite *conn)
{
	int64_t began = clock_us();
	int rc = sqlite_do(conn, &sqlite_commit);

	store_observe(STORE_COMMIT_TIME, clock_us() - began);
	return rc;
}

/* Once through; in the end everything is committed or nothing is. */
static int
try_batch(struct store *store, struct store_job *first, const struct store_job *end)
{
	struct sqlite *conn = &store->writer.conn;
	int rc = sqlite_do(conn, &sqlite_begin);

	for (struct store_job *job = first; rc == SQLITE_OK && job != end; job = job->next)
		rc = write_job(conn, job);
	if (rc == SQLITE_OK)
		rc = commit(store, conn);
	if (rc != SQLITE_OK) {
		snprintf(store->writer.error, sizeof store->writer.error, "%s", sqlite_error(conn));
		if (sqlite_in_transaction(conn))
			sqlite_do(conn, &sqlite_rollback);
	}
	return rc;
}

static void
disk_failed(struct store *store)
{
	store_count(STORE_DISK_ERRORS, 1);
	if (!atomic_exchange(&store->health.failing, true))
		log_error("store", "disk error, trying again file=%s reason=%s", store->path,
		    store->writer.error);
	store_health_check(store);
}

/* False when the store is being closed and the time for that is over. */
static bool
back_off(struct store *store, int64_t *pause_ms)
{
	struct store_writer *writer = &store->writer;
	int64_t until = store_real_ms() + *pause_ms, now;
	bool go_on;

	*pause_ms = *pause_ms * 2 < STORE_RETRY_MAX_MS ? *pause_ms * 2 : STORE_RETRY_MAX_MS;
	pthread_mutex_lock(&writer->lock);
	while ((now = store_real_ms()) < until && !(writer->closing && now >= writer->close_by))
		store_cond_wait(&writer->pause, &writer->lock, until - now);
	go_on = !writer->closing || now < writer->close_by;
	pthread_mutex_unlock(&writer->lock);
	store_count(STORE_RETRIES, go_on);
	return go_on;
}

static void
give_up(struct store *store, struct store_job *first, const struct store_job *end)
{
	store->writer.gave_up = true;
	for (struct store_job *job = first; job != end; job = job->next) {
		store_job_reset(job);
		store_job_fail(job, STORE_DISK, store->writer.error);
	}
}

static void
write_range(struct store *store, struct store_job *first, const struct store_job *end)
{
	int64_t pause_ms = STORE_RETRY_MS;
	int rc;

	while (sqlite_is_disk(rc = try_batch(store, first, end))) {
		disk_failed(store);
		if (!back_off(store, &pause_ms)) {
			give_up(store, first, end);
			return;
		}
	}
	if (rc == SQLITE_OK)
		return;
	/* COMMIT itself was refused (a deferred constraint): each job for itself. */
	if (first->next == end) {
		store_job_fail(first, sqlite_outcome(rc), store->writer.error);
		return;
	}
	for (struct store_job *job = first; job != end; job = job->next)
		write_range(store, job, job->next);
}

static void
report(const struct store_job *job)
{
	switch (job->outcome) {
	case STORE_OK:
		store_count(STORE_JOBS, 1);
		break;
	case STORE_LATE:
		store_count(STORE_JOBS_LATE, 1);
		break;
	case STORE_CONSTRAINT:
	case STORE_UNMET:
		store_count(STORE_JOBS_CONSTRAINT, 1);
		log_debug("store", "job undone for=%s outcome=%s reason=%s", job->what,
		    store_outcome_name(job->outcome), store_job_error(job));
		break;
	case STORE_INTERNAL:
	case STORE_DISK:
		store_count(STORE_JOBS_INTERNAL, 1);
		log_error("store", "job undone for=%s outcome=%s reason=%s", job->what,
		    store_outcome_name(job->outcome), store_job_error(job));
		break;
	}
}

static void
finish_writes(struct store *store, struct batch *batch)
{
	for (const struct store_job *job = batch->writes.first; job != NULL; job = job->next)
		report(job);
	store_count(STORE_BATCHES, 1);
	store_count(STORE_QUEUED_JOBS, -(int64_t)batch->count);
	store_count(STORE_QUEUED_BYTES, -(int64_t)batch->bytes);
	atomic_fetch_sub(&store->queued_bytes, batch->bytes);
	if (!store->writer.gave_up)
		atomic_store(&store->committed, batch->seq);
	atomic_store(&store->health.batch_since, 0);
	if (atomic_exchange(&store->health.failing, false) && !store->writer.gave_up)
		log_info("store", "disk works again file=%s", store->path);
	store_health_check(store);
}

static void
run_batch(struct store *store, struct batch *batch)
{
	if (batch->writes.first != NULL) {
		atomic_store(&store->health.batch_since, clock_ms());
		write_range(store, batch->writes.first, NULL);
		finish_writes(store, batch);
		store_complete(&batch->writes);
	}
	if (batch->reads.first != NULL)
		store_readers_push(store, &batch->reads);
}

/* --- the write-ahead log -------------------------------------------------------------- */

/* Called by SQLite after each commit with the pages that the WAL holds. */
static int
wal_grew(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct store *store = arg;
	struct store_writer *writer = &store->writer;

	(void)db;
	(void)name;
	atomic_store(&store->wal_bytes, (uint64_t)pages * writer->page_size);
	if (pages < writer->pages_woken)
		writer->pages_woken = 0;
	if (pages - writer->pages_woken >= STORE_WAL_PAGES) {
		writer->pages_woken = pages;
		store_keeper_wake(store);
	}
	return SQLITE_OK;
}

/* Readers that end, at the latest after a second, let the next commit begin the WAL anew. */
static void
restart_wal(struct store *store)
{
	struct store_writer *writer = &store->writer;
	uint64_t bytes = atomic_load(&store->wal_bytes);

	if (bytes < writer->restart_at)
		return;
	if (sqlite3_wal_checkpoint_v2(writer->conn.db, NULL, SQLITE_CHECKPOINT_RESTART, NULL,
		NULL) == SQLITE_OK) {
		store_count(STORE_CHECKPOINTS, 1);
		writer->restart_at = STORE_WAL_RESTART;
		atomic_store(&store->wal_bytes, 0);
	} else {
		writer->restart_at = bytes + WAL_RESTART_AGAIN;
	}
}

/* --- the thread ------------------------------------------------------------------------- */

/* Moves jobs from the list into a batch, up to its bounds or a call. */
static void
cut_batch(struct job_list *todo, struct batch *batch)
{
	while (todo->first != NULL && batch->count < STORE_BATCH_JOBS &&
	    batch->bytes < STORE_BATCH_BYTES) {
		struct store_job *job = job_list_take(todo);

		switch (job->kind) {
		case JOB_WRITE:
			batch->seq = job->seq;
			batch->bytes += job->bytes;
			batch->count++;
			job_list_add(&batch->writes, job);
			break;
		case JOB_READ:
			job_list_add(&batch->reads, job);
			break;
		case JOB_CALL:
			job->next = NULL;
			batch->call = job;
			return;
		}
	}
}

/* Waits for something to do; false when there will be nothing any more. */
static bool
take(struct store_writer *writer)
{
	bool closing;

	pthread_mutex_lock(&writer->lock);
	while (writer->queue.first == NULL && writer->todo.first == NULL &&
	    writer->backup == NULL && !writer->closing) {
		writer->idle = true;
		pthread_cond_wait(&writer->wake, &writer->lock);
	}
	writer->idle = false;
	if (writer->queue.first != NULL)
		job_list_join(&writer->todo, &writer->queue);
	closing = writer->closing;
	pthread_mutex_unlock(&writer->lock);
	return writer->todo.first != NULL || !closing;
}

static void *
writer_main(void *arg)
{
	struct store *store = arg;
	struct store_writer *writer = &store->writer;

	while (take(writer)) {
		struct batch batch = { .count = 0 };

		cut_batch(&writer->todo, &batch);
		run_batch(store, &batch);
		if (batch.call != NULL) {
			struct job_list list = { batch.call, batch.call };

			batch.call->call(store, batch.call->call_arg);
			store_complete(&list);
		}
		if (writer->backup != NULL)
			store_backup_step(store);
		restart_wal(store);
	}
	store_backup_abort(store);
	return NULL;
}

void
store_writer_start(struct store *store)
{
	struct store_writer *writer = &store->writer;

	pthread_mutex_init(&writer->lock, NULL);
	pthread_cond_init(&writer->wake, NULL);
	store_cond_init(&writer->pause);
	writer->page_size = (uint64_t)sqlite_int(&writer->conn, "PRAGMA page_size");
	writer->restart_at = STORE_WAL_RESTART;
	sqlite3_wal_hook(writer->conn.db, wal_grew, store);
	pthread_create(&writer->thread, NULL, writer_main, store);
}

bool
store_writer_stop(struct store *store)
{
	struct store_writer *writer = &store->writer;

	pthread_mutex_lock(&writer->lock);
	writer->closing = true;
	writer->close_by = store_real_ms() + store->close_ms;
	pthread_cond_signal(&writer->wake);
	pthread_cond_signal(&writer->pause);
	pthread_mutex_unlock(&writer->lock);
	pthread_join(writer->thread, NULL);
	return !writer->gave_up;
}

void
store_writer_free(struct store *store)
{
	struct store_writer *writer = &store->writer;

	pthread_cond_destroy(&writer->pause);
	pthread_cond_destroy(&writer->wake);
	pthread_mutex_destroy(&writer->lock);
}

uint64_t
store_writer_push(struct store *store, struct store_job *job)
{
	struct store_writer *writer = &store->writer;
	uint64_t queued = 0, seq;
	bool wake, closing;

	if (job->kind == JOB_WRITE) {
		queued = atomic_fetch_add(&store->queued_bytes, job->bytes) + job->bytes;
		store_count(STORE_QUEUED_JOBS, 1);
		store_count(STORE_QUEUED_BYTES, (int64_t)job->bytes);
	}
	pthread_mutex_lock(&writer->lock);
	closing = writer->closing;
	if (job->kind == JOB_WRITE && !closing)
		job->seq = ++writer->seq;
	seq = writer->seq;
	if (!closing)
		job_list_add(&writer->queue, job);
	wake = writer->idle && !closing;
	if (wake)
		writer->idle = false;
	pthread_mutex_unlock(&writer->lock);
	if (closing)
		store_refuse(job);
	if (wake)
		pthread_cond_signal(&writer->wake);
	if (queued >= STORE_STALL_BYTES && !store_stalled(store))
		store_health_check(store);
	return seq;
}
