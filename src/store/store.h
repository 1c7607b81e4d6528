/*
 * The store: one database, one writer, some readers.
 *
 * The store belongs to the process (main thread: open, close); jobs (job.h)
 * come from any worker. What is stored where: schema.h (tables as numbered
 * steps), entity.h (accounts, rooms, hosts and their numbers; loading one),
 * value.h (documents by owner, module, name and key), pending.h (messages that
 * wait). The engine is SQLite in WAL mode with synchronous=FULL; nobody outside
 * this folder sees it.
 *
 *	struct store *store = store_open(&conf, schemas, count, &error);
 *	if (store == NULL)
 *		... `error` is a sentence for the operator; free() it
 *	hash_set_key(store_hash_key(store));
 *	... workers run, jobs come and go ...
 *	store_stop(store);
 *	... workers end ...
 *	store_close(&store);
 *
 * When the disk fails, no job fails: the writer keeps its batch and replays it
 * whole, with back-off, until it is committed. After 5 s, or with 64 MiB
 * queued, the store is stalled: stop accepting what must be stored, and stop
 * the clocks of what waits for it. Both end by themselves.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_STORE_STORE_H
#define LN_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/job.h"
#include "store/schema.h"

struct worker;

#define STORE_HASH_KEY_LEN 16
#define STORE_TERM_BITS 19
#define STORE_COUNT_BITS 44

struct store_conf {
	const char *dir;   /* `data`: holds linnet.db and linnet.lock; must exist */
	unsigned readers;  /* reader threads; 0: the default, 2 */
	const char *vfs;   /* tests: an SQLite VFS by name; NULL: the system's */
	unsigned stall_ms; /* tests: when to call a failing store stalled; 0: 5000 */
	unsigned close_ms; /* tests: what closing gives a failing disk; 0: 5000 */
};

/*
 * Main thread. Takes the lock file, opens or makes the database, applies the
 * schema steps of the base and of `schemas` in one transaction, raises the term
 * and commits it, starts the threads. NULL and a sentence in *error_r (to be
 * freed) when the directory is missing, another daemon has it, the file is no
 * database, is corrupt, read-only or newer than this program.
 */
struct store *store_open(const struct store_conf *conf, const struct store_schema *const *schemas,
    size_t count, char **error_r);

/*
 * Main thread. Commits all that is queued (while the disk fails: tries for 5 s
 * more), checkpoints, joins the threads. Completions are posted as ever, so a
 * mailbox that still turns gets them. What is submitted from then on comes back
 * undone, STORE_DISK, by the same way: so a late post or timer is no danger.
 * False if something could not be committed.
 */
bool store_stop(struct store *store);

/* Main thread, when the workers are gone: stops it, if it was not, gives the lock back, frees it. */
bool store_close(struct store **store);

/* Main thread: applies steps of modules that come with a reload; false and a sentence if not. */
bool store_migrate(struct store *store, const struct store_schema *const *schemas, size_t count,
    char **error_r);

/* --- constant while the store is open: any thread ------------------------------ */

/* This start's term: 1, 2, 3 ..., never given out twice, durable before store_open() returns. */
int64_t store_term(const struct store *store);

/* A number that leaves: term above count, ordered, positive. `count` is the home worker's own. */
static inline int64_t
store_position(int64_t term, int64_t count)
{
	return term << STORE_COUNT_BITS | count;
}

/* STORE_HASH_KEY_LEN random bytes, made with the database: slots, hash tables. */
const uint8_t *store_hash_key(const struct store *store);

/*
 * Main thread: `len` random bytes kept in the database under a name ("archive-id"),
 * made on first use and then always the same. False if the database refuses.
 */
bool store_secret(struct store *store, const char *name, uint8_t *out, size_t len);

/* --- health: any thread ----------------------------------------------------------- */

/* An error of the disk is being retried. */
bool store_failing(const struct store *store);

/* Failing or busy with one batch for 5 s, or 64 MiB queued: refuse what must be stored. */
bool store_stalled(const struct store *store);

typedef void store_stall(void *arg, bool stalled);

/* Main thread: `changed` runs on `worker` at each beginning and end of a stall. */
void store_on_stall(struct store *store, struct worker *worker, store_stall *changed, void *arg);

/* Counts are of the process since its start; they are metrics too (linnet_store_...). */
struct store_stats {
	uint64_t jobs, batches, reads;       /* committed, committed, answered */
	uint64_t constraint, late, internal; /* jobs undone, by outcome */
	uint64_t disk_errors, retries;       /* errors of the disk; batches replayed */
	uint64_t checkpoints;
	uint64_t queued_jobs, queued_bytes, waiting_reads;
	uint64_t wal_bytes;
	bool failing, stalled;
};

void store_stats(const struct store *store, struct store_stats *out);

/* --- looking after the data ------------------------------------------------------- */

typedef void store_finished(void *arg, bool ok, const char *error);

/*
 * Any thread: copies the database to `path` while the server runs, between
 * batches; the file appears under its name when it is complete and synced.
 * It may replace an older copy, and no other file.
 * `done` runs like a job's. A second backup while one runs is refused.
 */
void store_backup(struct store *store, const char *path, store_finished *done, void *arg);

typedef void store_sliced(void *arg, enum store_outcome outcome, int64_t total);

/*
 * Any thread: repeats a statement that deletes at most N rows, N being its last
 * `?`, as one job after another until a slice deletes fewer than N; so that
 * nobody waits behind a large deletion. `done` (may be NULL) gets the sum.
 */
void store_delete_slices(struct store *store, const char *what, const struct store_sql *sql,
    const struct store_arg *args, size_t count, store_sliced *done, void *arg);

#endif
