/*
 * The store's insides: what its threads share.
 *
 * Four kinds of threads meet here: those that submit, the writer, the readers,
 * the keeper (checkpoints, watching for a stall). The write queue, the read
 * queue and the health have a mutex each, held for a list operation or an
 * assignment; none is held while SQLite or a callback runs, and none is taken
 * inside another.
 *
 * A job's way: submitted -> write queue -> the writer's `todo` -> a batch ->
 * COMMIT -> completion. A read that must see a write not yet committed goes the
 * same way, behind that write, and from the batch to the read queue; any other
 * goes there at once.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_STORE_ENGINE_H
#define LN_STORE_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>

#include "store/job_impl.h"
#include "store/sqlite.h"
#include "store/store.h"

#define STORE_APPLICATION_ID 0x4c6e6e74 /* "Lnnt" */
#define STORE_READERS_MAX 16
#define STORE_STALL_MS 5000
#define STORE_STALL_BYTES ((uint64_t)64 * 1024 * 1024)
#define STORE_BATCH_JOBS 10000
#define STORE_BATCH_BYTES ((size_t)16 * 1024 * 1024)
#define STORE_READ_MS 1000
#define STORE_READ_BYTES ((size_t)32 * 1024 * 1024)
#define STORE_RETRY_MS 10 /* first back-off; doubled up to the next */
#define STORE_RETRY_MAX_MS 1000
#define STORE_CLOSE_MS 5000  /* what a failing disk is given at the end */
#define STORE_WAL_PAGES 1000 /* when to checkpoint passively */
#define STORE_WAL_RESTART ((uint64_t)64 * 1024 * 1024)

/* --- the store ----------------------------------------------------------------- */

struct store_backup_run;
struct store_owners;

struct store_writer {
	pthread_t thread;
	pthread_mutex_t lock; /* queue, seq, idle, closing */
	pthread_cond_t wake, pause;
	struct job_list queue;
	uint64_t seq;
	bool idle, closing;
	int64_t close_by; /* real monotonic ms */
	/* the writer thread's own */
	struct sqlite conn;
	struct job_list todo;
	struct store_backup_run *backup;
	bool gave_up;
	uint64_t page_size;
	uint64_t restart_at; /* bytes of WAL at which to begin it anew */
	int pages_woken;     /* pages of WAL when the keeper was last woken */
	char error[256];     /* the last one of the disk */
};

struct store_reader {
	pthread_t thread;
	struct store *store;
	struct sqlite conn;
};

struct store_reads {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct job_list queue;
	unsigned idle;
	bool closing;
};

struct store_keeper {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool wanted, closing;
	struct sqlite conn;
};

struct store_listener {
	struct store_listener *next;
	struct worker *worker;
	store_stall *changed;
	void *arg;
};

struct store_health {
	pthread_mutex_t lock;
	_Atomic bool failing, stalled;
	_Atomic int64_t batch_since; /* clock_ms() at which this batch began; 0: none */
	struct store_listener *listeners;
	int64_t stalled_since;
};

struct store {
	char *path, *vfs;
	int lock_fd;
	int64_t stall_ms, close_ms;
	int64_t term;
	uint8_t hash_key[STORE_HASH_KEY_LEN];
	_Atomic uint64_t committed; /* all writes up to this one are durable */
	struct store_writer writer;
	struct store_reads reads;
	struct store_reader readers[STORE_READERS_MAX];
	unsigned reader_count;
	struct store_keeper keeper;
	struct store_health health;
	_Atomic uint64_t queued_bytes, wal_bytes;
	_Atomic(struct store_owners *) owners;
	bool stopped, complete; /* store_stop(): main thread */
};

/* --- counting ---------------------------------------------------------------------- */

enum store_metric {
	STORE_JOBS,
	STORE_JOBS_CONSTRAINT,
	STORE_JOBS_LATE,
	STORE_JOBS_INTERNAL,
	STORE_BATCHES,
	STORE_COMMIT_TIME,
	STORE_READS,
	STORE_READS_DISK,
	STORE_READS_INTERNAL,
	STORE_DISK_ERRORS,
	STORE_RETRIES,
	STORE_CHECKPOINTS,
	STORE_QUEUED_JOBS,
	STORE_QUEUED_BYTES,
	STORE_WAITING_READS,
	STORE_STALLED,
};

void store_count(enum store_metric metric, int64_t amount);
void store_observe(enum store_metric metric, int64_t us);

/* --- the threads ----------------------------------------------------------------- */

void store_writer_start(struct store *store);

/* Commits what is queued; false if it gave up on something. */
bool store_writer_stop(struct store *store);
void store_writer_free(struct store *store);

/* Queues for the writer; returns the sequence number. */
uint64_t store_writer_push(struct store *store, struct store_job *job);

/* Runs `call` on the writer thread between batches, and waits. */
void store_writer_call(struct store *store, void (*call)(struct store *, void *), void *arg);

bool store_readers_start(struct store *store, char **error_r);
void store_readers_stop(struct store *store);
void store_readers_free(struct store *store);
void store_readers_push(struct store *store, struct job_list *list);

bool store_keeper_start(struct store *store, char **error_r);
void store_keeper_stop(struct store *store);
void store_keeper_free(struct store *store);
void store_keeper_wake(struct store *store);

/* Compares the clock and the queue with the limits; tells and logs what changed. Any thread. */
void store_health_check(struct store *store);

/* --- between batches, on the writer thread ------------------------------------------ */

/* Copies a few pages of the backup that runs. */
void store_backup_step(struct store *store);

/* The store closes. */
void store_backup_abort(struct store *store);

/* --- schema ------------------------------------------------------------------------- */

extern const struct store_schema store_base_schema;

/* In an open transaction; false and a sentence if a step is refused. */
bool store_schema_apply(struct sqlite *conn, const struct store_schema *const *schemas,
    size_t count, char **error_r);

/* Without applying any: adds up how many there are to apply. False: *error_r says why not. */
bool store_schema_compare(struct sqlite *conn, const struct store_schema *const *schemas,
    size_t count, unsigned *steps, char **error_r);

/* Finds the tables whose rows hang on entities; for store_erase(). */
void store_owners_find(struct store *store, struct sqlite *conn);
void store_owners_free(struct store *store);

/* CLOCK_MONOTONIC as it is, whatever clock_advance() did. */
int64_t store_real_ms(void);

/* Initialises a condition for store_cond_wait(). */
void store_cond_init(pthread_cond_t *cond);
void store_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t ms);

#endif
