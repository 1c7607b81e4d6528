/*
 * The readers: a few threads with a connection each.
 *
 * A reader takes several jobs and answers them from one snapshot, in a
 * transaction that is short enough not to hold up checkpoints. What fails
 * because of the disk is tried again for a while and then answered so.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/engine.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"

#define READ_AT_ONCE 32
#define READ_SLICE_MS 100 /* a transaction that has lasted so long takes no further job */
#define READ_TRIES 6
#define READ_PAUSE_MS 20

/* --- one transaction -------------------------------------------------------------------- */

static int
read_job(struct sqlite *conn, struct store_job *job)
{
	store_job_reset(job);
	return store_job_run(conn, job);
}

static int
begin(struct sqlite *conn, int64_t *began_r)
{
	*began_r = clock_ms();
	conn->deadline_ms = *began_r + STORE_READ_MS;
	return sqlite_do(conn, &sqlite_begin_read);
}

static void
end(struct sqlite *conn)
{
	conn->deadline_ms = 0;
	if (sqlite_in_transaction(conn))
		sqlite_do(conn, &sqlite_rollback);
}

/* Answers jobs from one snapshot; returns the first that is left, because of the time or *rc_r. */
static struct store_job *
read_some(struct sqlite *conn, struct store_job *job, int *rc_r)
{
	int64_t began;
	int rc = begin(conn, &began);

	while (rc == SQLITE_OK && job != NULL) {
		rc = read_job(conn, job);
		if (sqlite_is_disk(rc))
			break;
		rc = SQLITE_OK;
		job = job->next;
		if (clock_ms() - began >= READ_SLICE_MS)
			break;
	}
	end(conn);
	*rc_r = rc;
	return job;
}

static void
pause_ms(int64_t ms)
{
	struct timespec span = { ms / 1000, (ms % 1000) * 1000000 };

	nanosleep(&span, NULL);
}

static void
report_read(const struct store_job *job)
{
	store_count(STORE_READS, 1);
	store_count(STORE_WAITING_READS, -1);
	if (job->outcome == STORE_OK || job->outcome == STORE_UNMET)
		return;
	store_count(job->outcome == STORE_DISK ? STORE_READS_DISK : STORE_READS_INTERNAL, 1);
	log_limited(LOG_LEVEL_ERROR, "store", 10, 10000, "read failed for=%s outcome=%s reason=%s",
	    job->what, store_outcome_name(job->outcome), store_job_error(job));
}

static void
read_all(struct sqlite *conn, struct job_list *list)
{
	struct store_job *job = list->first;
	unsigned tries = 0;

	while (job != NULL) {
		struct store_job *left;
		int rc;

		left = read_some(conn, job, &rc);
		tries = left != job ? 0 : tries + 1;
		job = left;
		if (rc == SQLITE_OK || job == NULL)
			continue;
		if (tries < READ_TRIES) {
			pause_ms((int64_t)READ_PAUSE_MS << tries);
			continue;
		}
		store_job_reset(job);
		store_job_fail(job, STORE_DISK, sqlite_error(conn));
		job = job->next;
		tries = READ_TRIES - 1; /* the rest is tried once each */
	}
	for (job = list->first; job != NULL; job = job->next)
		report_read(job);
	store_complete(list);
}

/* --- the threads ---------------------------------------------------------------------------- */

static bool
take(struct store_reads *reads, struct job_list *list)
{
	pthread_mutex_lock(&reads->lock);
	while (reads->queue.first == NULL && !reads->closing) {
		reads->idle++;
		pthread_cond_wait(&reads->wake, &reads->lock);
		reads->idle--;
	}
	for (unsigned i = 0; i < READ_AT_ONCE && reads->queue.first != NULL; i++)
		job_list_add(list, job_list_take(&reads->queue));
	pthread_mutex_unlock(&reads->lock);
	return list->first != NULL;
}

static void *
reader_main(void *arg)
{
	struct store_reader *reader = arg;
	struct job_list list = { NULL, NULL };

	while (take(&reader->store->reads, &list)) {
		read_all(&reader->conn, &list);
		list = (struct job_list){ NULL, NULL };
	}
	return NULL;
}

void
store_readers_push(struct store *store, struct job_list *list)
{
	struct store_reads *reads = &store->reads;
	struct store_job *job;
	bool wake;

	pthread_mutex_lock(&reads->lock);
	if (!reads->closing)
		job_list_join(&reads->queue, list);
	wake = reads->idle > 0;
	pthread_mutex_unlock(&reads->lock);
	while ((job = job_list_take(list)) != NULL)
		store_refuse(job);
	if (wake)
		pthread_cond_signal(&reads->wake);
}

bool
store_readers_start(struct store *store, char **error_r)
{
	struct store_reads *reads = &store->reads;

	for (unsigned i = 0; i < store->reader_count; i++) {
		struct sqlite *conn = &store->readers[i].conn;

		store->readers[i].store = store;
		if (sqlite_open(conn, store->path, store->vfs, SQLITE_MODE_READ) != SQLITE_OK) {
			*error_r = xasprintf("%s: %s", store->path, sqlite_error(conn));
			while (i + 1 > 0)
				sqlite_close(&store->readers[i--].conn);
			return false;
		}
	}
	pthread_mutex_init(&reads->lock, NULL);
	pthread_cond_init(&reads->wake, NULL);
	for (unsigned i = 0; i < store->reader_count; i++)
		pthread_create(&store->readers[i].thread, NULL, reader_main, &store->readers[i]);
	return true;
}

void
store_readers_stop(struct store *store)
{
	struct store_reads *reads = &store->reads;

	pthread_mutex_lock(&reads->lock);
	reads->closing = true;
	pthread_cond_broadcast(&reads->wake);
	pthread_mutex_unlock(&reads->lock);
	for (unsigned i = 0; i < store->reader_count; i++) {
		pthread_join(store->readers[i].thread, NULL);
		sqlite_close(&store->readers[i].conn);
	}
}

void
store_readers_free(struct store *store)
{
	pthread_cond_destroy(&store->reads.wake);
	pthread_mutex_destroy(&store->reads.lock);
}
