/*
 * Jobs: what the rest of the server asks of the store.
 *
 * A job is a list of steps, each one SQL statement with its arguments. A write
 * job is all that one handler stores: it is committed whole or not at all. The
 * writer runs many jobs in one transaction and tells each asking worker, in one
 * post a batch, when that transaction is on disk. A read job runs on a reader
 * thread against one snapshot and sees every write up to a sequence number
 * that the asker names.
 *
 *	static const struct store_sql sql_insert = {
 *		"INSERT INTO vcard (owner, doc) VALUES (?, ?)" };
 *
 *	struct store_job *job = store_job_new(store, "vcard");
 *	struct saved *saved = store_job_alloc(job, sizeof *saved);
 *	store_add(job, &sql_insert, store_int(number), store_blob(doc, len));
 *	last_write = store_write(job, vcard_saved, saved);
 *
 *	job = store_job_new(store, "vcard");
 *	store_add(job, &sql_select, store_int(number));
 *	store_read(job, last_write, vcard_read, NULL);
 *
 * Arguments are copied when they are added. `done` runs on the worker that
 * submitted the job (worker_current() at that time): for writes in the order of
 * that worker's submissions, for reads in no order. A thread that is no worker gets `done` on a storage thread; it rather uses store_run().
 * The job and all that its accessors return end when `done` returns, unless
 * store_job_keep() was called. Nobody may keep a pointer to a job that was
 * submitted: what `done` needs is in `arg`, as ids, not as pointers to entities.
 *
 * SQL stays in what SQLite and PostgreSQL share: `?` placeholders in order,
 * ON CONFLICT ... DO UPDATE, RETURNING, row values. A write job may hold
 * SELECTs and statements with RETURNING; their rows come with `done`. No
 * statement begins or ends a transaction, none uses ON CONFLICT ROLLBACK or
 * deferred constraints.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_STORE_JOB_H
#define LN_STORE_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;
struct store_job;

/* A statement: static const, prepared once on each connection that meets it. */
struct store_sql {
	const char *text;
};

/* One argument; made by the functions below. */
struct store_arg {
	enum store_arg_type {
		STORE_ARG_NULL,
		STORE_ARG_INT,
		STORE_ARG_TEXT,
		STORE_ARG_BLOB,
		STORE_ARG_FROM, /* the first row of an earlier step of this job */
	} type;
	int64_t integer; /* STORE_ARG_FROM: step << 8 | column */
	const void *bytes;
	size_t len;
};

enum store_outcome {
	STORE_OK,         /* writes: durable */
	STORE_CONSTRAINT, /* uniqueness, check, not null: the job was undone */
	STORE_LATE,       /* a foreign key that is gone: the job was undone */
	STORE_UNMET,      /* a step under store_must() changed no row: undone */
	STORE_INTERNAL,   /* wrong SQL or type, or a read too long or large: undone */
	STORE_DISK,       /* reads: the disk failed again and again; writes: while closing */
};

/* "ok", "constraint" ...: for logs. */
const char *store_outcome_name(enum store_outcome outcome);

typedef void store_done(struct store_job *job, void *arg);

/* --- making a job: any thread ---------------------------------------------- */

/* `what` is a static string that names the asker in logs: "offline", "roster". */
struct store_job *store_job_new(struct store *store, const char *what)
    __attribute__((returns_nonnull));

/* For jobs that were never submitted, kept, or came back from store_run(). NULL is fine. */
void store_job_free(struct store_job **job);

/* Zeroed memory that lives as long as the job: for what `done` needs. */
void *store_job_alloc(struct store_job *job, size_t size) __attribute__((returns_nonnull));

static inline struct store_arg
store_int(int64_t value)
{
	return (struct store_arg){ .type = STORE_ARG_INT, .integer = value };
}

static inline struct store_arg
store_null(void)
{
	return (struct store_arg){ .type = STORE_ARG_NULL };
}

/* `bytes` NULL is SQL's NULL. */
static inline struct store_arg
store_text_n(const char *text, size_t len)
{
	return (struct store_arg){ text != NULL ? STORE_ARG_TEXT : STORE_ARG_NULL, 0, text, len };
}

static inline struct store_arg
store_text(const char *text)
{
	return store_text_n(text, text != NULL ? __builtin_strlen(text) : 0);
}

static inline struct store_arg
store_blob(const void *bytes, size_t len)
{
	return (struct store_arg){ bytes != NULL ? STORE_ARG_BLOB : STORE_ARG_NULL, 0, bytes, len };
}

/* What step `step` of this job gives in `column` of its first row; NULL if it gives none. */
static inline struct store_arg
store_from(unsigned step, unsigned column)
{
	return (struct store_arg){ .type = STORE_ARG_FROM, .integer = (int64_t)step << 8 | column };
}

/* Adds a step and returns its index: store_add(job, &sql, store_int(1), store_text("x")). */
#define store_add(job, sql, ...)                                                             \
	store_add_args((job), (sql), (const struct store_arg[]){ { 0 }, ##__VA_ARGS__ } + 1, \
	    sizeof((const struct store_arg[]){ { 0 }, ##__VA_ARGS__ }) /                     \
		    sizeof(struct store_arg) -                                               \
		1)
unsigned store_add_args(struct store_job *job, const struct store_sql *sql,
    const struct store_arg *args, size_t count);

/* The step added last must change (or give) a row, else the job is undone as STORE_UNMET. */
void store_must(struct store_job *job);

/* --- submitting: the job is no longer the caller's ---------------------------- */

/* Returns the sequence number of this write, for reads that must see it. `done` may be NULL. */
uint64_t store_write(struct store_job *job, store_done *done, void *arg);

/* Runs once write `after` (0: none) is durable. One read takes at most 1 s and 32 MiB. */
void store_read(struct store_job *job, uint64_t after, store_done *done, void *arg);

/*
 * Start-up, tools and tests: submits, waits, and gives the job back to the
 * caller, who frees it. Never on a worker that serves clients.
 */
enum store_outcome store_run_write(struct store_job *job);
enum store_outcome store_run_read(struct store_job *job, uint64_t after);

/* --- in `done` ----------------------------------------------------------------- */

enum store_outcome store_job_outcome(const struct store_job *job);

/* The reason of the first failure, for logs; "" if none. */
const char *store_job_error(const struct store_job *job);

/* The job and its rows outlive `done`; the caller frees it. */
void store_job_keep(struct store_job *job);

/* Rows that a step inserted, changed or deleted (without those of cascades). */
int64_t store_changes(const struct store_job *job, unsigned step);

struct store_cell {
	enum store_arg_type type; /* null, int, text or blob */
	int64_t integer;          /* of an integer, else 0 */
	const char *bytes;        /* of text and blobs, with a NUL behind; else NULL */
	size_t len;               /* without that NUL */
};

struct store_row {
	const struct store_row *next;
	unsigned columns;
	struct store_cell cell[];
};

/* The first row of a step's result, or NULL. */
const struct store_row *store_rows(const struct store_job *job, unsigned step);

#endif
