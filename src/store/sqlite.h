/*
 * One connection to SQLite. Used by one thread at a time.
 *
 * What the engine knows of SQLite is here: opening, prepared statements, the
 * reading of rows, and which of its errors are the disk's and which the job's.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_STORE_SQLITE_H
#define LN_STORE_SQLITE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/job.h"

struct sqlite_stmt;
struct store_step;

struct sqlite {
	sqlite3 *db;
	struct sqlite_stmt *statements; /* by the address of their descriptor */
	struct sqlite_stmt *last;       /* used last: most batches repeat one */
	bool reads_only;
	int64_t deadline_ms; /* statements are interrupted then; 0: never */
};

enum sqlite_mode { SQLITE_MODE_CREATE, SQLITE_MODE_WRITE, SQLITE_MODE_READ };

/* All functions that return int return one of SQLite's extended codes, SQLITE_OK if well. */

/* Opens and sets the pragmas of a connection; the reason of a failure is sqlite_error(). */
int sqlite_open(struct sqlite *conn, const char *path, const char *vfs, enum sqlite_mode mode);
void sqlite_close(struct sqlite *conn);

/* Text, without rows. */
int sqlite_exec(struct sqlite *conn, const char *text);

/* A row's first column, or -1 if there is none or it fails. */
int64_t sqlite_int(struct sqlite *conn, const char *text);

const char *sqlite_error(const struct sqlite *conn);

/* The same for a code that a function here returned. */
const char *sqlite_reason(const struct sqlite *conn, int code);

/* The transaction control that every batch needs, prepared like the rest. */
extern const struct store_sql sqlite_begin, sqlite_begin_read, sqlite_commit, sqlite_rollback;

/* Runs a descriptor without arguments and without rows. */
int sqlite_do(struct sqlite *conn, const struct store_sql *sql);

/* Binds, runs and resets a step of a job; its rows go into the job. */
int sqlite_step_run(struct sqlite *conn, struct store_job *job, struct store_step *step);

/* Is this the disk's fault (or a lock's, or memory's), so that trying again may help? */
bool sqlite_is_disk(int code);

/* What an error that is not the disk's means for a job. */
enum store_outcome sqlite_outcome(int code);

/* A transaction is open. */
bool sqlite_in_transaction(const struct sqlite *conn);

#endif
