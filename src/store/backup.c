/*
 * Online backup: SQLite's own, a few pages between two batches.
 *
 * It reads through the writer's connection, so that what is committed while it
 * runs reaches the copy too and nothing begins again. Trouble with the copy's
 * disk ends the backup and nothing else.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/engine.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xalloc.h"

#define BACKUP_PAGES 64
#define BACKUP_BUSY_PAUSE_MS 5

struct store_backup_run {
	struct store *store;
	char *path, *part;
	sqlite3 *copy;
	sqlite3_backup *backup;
	char *error;
	struct worker *worker;
	store_finished *done;
	void *arg;
	struct post post;
	bool made; /* the part */
};

/* --- the end ---------------------------------------------------------------------------- */

static void
finish(struct store_backup_run *run)
{
	if (run->done != NULL)
		run->done(run->arg, run->error == NULL, run->error);
	free(run->path);
	free(run->part);
	free(run->error);
	free(run);
}

static void
run_finish(struct worker *worker, struct post *post)
{
	(void)worker;
	finish((struct store_backup_run *)((char *)post - offsetof(struct store_backup_run, post)));
}

static void
report(struct store_backup_run *run)
{
	if (run->error != NULL) {
		log_error("store", "backup failed file=%s reason=%s", log_quote(run->path),
		    run->error);
	} else {
		log_info("store", "backup complete file=%s", log_quote(run->path));
	}
	run->post.run = run_finish;
	if (run->worker != NULL)
		worker_post(run->worker, &run->post);
	else
		finish(run);
}

/* The name is durable when the directory is. */
static bool
sync_name(const char *path)
{
	char *copy = xstrdup(path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	free(copy);
	return ok;
}

static void
fail(struct store_backup_run *run, const char *reason)
{
	if (run->error == NULL)
		run->error = xstrdup(reason);
}

static void
close_copy(struct store_backup_run *run)
{
	if (run->backup != NULL && sqlite3_backup_finish(run->backup) != SQLITE_OK)
		fail(run, sqlite3_errmsg(run->copy));
	if (sqlite3_close(run->copy) != SQLITE_OK)
		fail(run, "the copy could not be closed");
	if (run->error != NULL && run->made)
		unlink(run->part);
	if (run->error == NULL && (rename(run->part, run->path) != 0 || !sync_name(run->path)))
		fail(run, strerror(errno));
}

static void
end(struct store *store)
{
	struct store_backup_run *run = store->writer.backup;

	store->writer.backup = NULL;
	close_copy(run);
	report(run);
}

/* --- the writer's part -------------------------------------------------------------------- */

void
store_backup_step(struct store *store)
{
	struct store_backup_run *run = store->writer.backup;
	int rc = sqlite3_backup_step(run->backup, BACKUP_PAGES);

	switch (rc) {
	case SQLITE_OK:
		return;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		sqlite3_sleep(BACKUP_BUSY_PAUSE_MS);
		return;
	case SQLITE_DONE:
		break;
	default:
		fail(run, sqlite3_errstr(rc));
		break;
	}
	end(store);
}

void
store_backup_abort(struct store *store)
{
	if (store->writer.backup == NULL)
		return;
	fail(store->writer.backup, "the server stops");
	end(store);
}

/* One of ours: SQLite's magic, and at 68 the application's id (sqlite.org/fileformat2.html). */
static bool
is_database(const char *path)
{
	static const char magic[16] = "SQLite format 3";
	unsigned char head[72] = { 0 };
	uint32_t id;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is = fd >= 0 && read(fd, head, sizeof head) == (ssize_t)sizeof head &&
	    memcmp(head, magic, sizeof magic) == 0;

	if (fd >= 0)
		close(fd);
	memcpy(&id, head + 68, sizeof id);
	return is && be32toh(id) == STORE_APPLICATION_ID;
}

/* An older copy may be replaced; nothing else may, least of all what is being copied. */
static bool
check_target(const struct store *store, struct store_backup_run *run)
{
	struct stat target, source;

	if (stat(run->path, &target) != 0)
		return true;
	if (stat(store->path, &source) == 0 && source.st_dev == target.st_dev &&
	    source.st_ino == target.st_ino)
		fail(run, "that is the database itself");
	else if (S_ISDIR(target.st_mode))
		fail(run, strerror(EISDIR));
	else if (!S_ISREG(target.st_mode) || !is_database(run->path))
		fail(run, "it is there, and is no backup");
	return run->error == NULL;
}

/* An older copy of that name stays until the new one is complete. */
static bool
open_copy(struct store *store, struct store_backup_run *run)
{
	int fd;

	if (!check_target(store, run))
		return false;
	unlink(run->part);
	fd = open(run->part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		fail(run, strerror(errno));
		return false;
	}
	close(fd);
	run->made = true;
	if (sqlite3_open_v2(run->part, &run->copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
		NULL) == SQLITE_OK)
		run->backup = sqlite3_backup_init(run->copy, "main", store->writer.conn.db, "main");
	if (run->backup == NULL)
		fail(run, sqlite3_errmsg(run->copy));
	return run->backup != NULL;
}

static void
begin(struct store *store, void *arg)
{
	struct store_backup_run *run = arg;

	if (store->writer.backup != NULL)
		fail(run, "another backup is running");
	else if (open_copy(store, run))
		store->writer.backup = run;
	if (run->error == NULL)
		return;
	close_copy(run);
	report(run);
}

/* It has begun, or the store is closed. */
static void
begun(struct store_job *job, void *arg)
{
	struct store_backup_run *run = arg;

	if (store_job_outcome(job) == STORE_OK)
		return;
	fail(run, store_job_error(job));
	report(run);
}

void
store_backup(struct store *store, const char *path, store_finished *done, void *arg)
{
	struct store_backup_run *run = xcalloc(1, sizeof *run);
	struct store_job *job = store_job_new(store, "backup");

	run->store = store;
	run->path = xstrdup(path);
	run->part = xasprintf("%s.part", path);
	run->worker = worker_current();
	run->done = done;
	run->arg = arg;
	job->kind = JOB_CALL;
	job->call = begin;
	job->call_arg = run;
	job->done = begun;
	job->arg = run;
	store_writer_push(store, job);
}
