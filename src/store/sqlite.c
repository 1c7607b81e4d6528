/*
 * One connection to SQLite. See sqlite.h.
 *
 * Statements are kept by the address of their descriptor; as a module's
 * descriptors may come again at an old address with another text, the text is
 * compared too. Arguments are bound without a copy: the job outlives the step.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/sqlite.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "store/engine.h"

#define PROGRESS_OPCODES 4000
#define BUSY_MS 1000

struct sqlite_stmt {
	const struct store_sql *sql;
	sqlite3_stmt *stmt;
	int args;
	bool reads;
	UT_hash_handle hh;
};

const struct store_sql sqlite_begin = { "BEGIN IMMEDIATE" };
const struct store_sql sqlite_begin_read = { "BEGIN" };
const struct store_sql sqlite_commit = { "COMMIT" };
const struct store_sql sqlite_rollback = { "ROLLBACK" };

/* --- opening ---------------------------------------------------------------------- */

static int
past_deadline(void *arg)
{
	const struct sqlite *conn = arg;

	return conn->deadline_ms != 0 && clock_ms() >= conn->deadline_ms;
}

static int
open_flags(enum sqlite_mode mode)
{
	switch (mode) {
	case SQLITE_MODE_CREATE:
		return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
	case SQLITE_MODE_WRITE:
		return SQLITE_OPEN_READWRITE;
	case SQLITE_MODE_READ:
		break;
	}
	/* A reader too may have to write the WAL's index. */
	return SQLITE_OPEN_READWRITE;
}

int
sqlite_open(struct sqlite *conn, const char *path, const char *vfs, enum sqlite_mode mode)
{
	int rc;

	*conn = (struct sqlite){ .reads_only = mode == SQLITE_MODE_READ };
	rc = sqlite3_open_v2(path, &conn->db, open_flags(mode) | SQLITE_OPEN_NOMUTEX, vfs);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_extended_result_codes(conn->db, 1);
	sqlite3_busy_timeout(conn->db, BUSY_MS);
	sqlite3_wal_autocheckpoint(conn->db, 0);
	sqlite3_db_config(conn->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(conn->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	rc = sqlite_exec(conn, "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL");
	if (rc == SQLITE_OK && mode == SQLITE_MODE_READ) {
		sqlite3_progress_handler(conn->db, PROGRESS_OPCODES, past_deadline, conn);
		rc = sqlite_exec(conn, "PRAGMA query_only = ON; PRAGMA cache_size = -1000");
	} else if (rc == SQLITE_OK) {
		rc = sqlite_exec(conn, "PRAGMA cache_size = -16000");
	}
	return rc;
}

void
sqlite_close(struct sqlite *conn)
{
	struct sqlite_stmt *stmt = conn->statements, *next;

	HASH_CLEAR(hh, conn->statements);
	for (; stmt != NULL; stmt = next) {
		next = stmt->hh.next;
		sqlite3_finalize(stmt->stmt);
		free(stmt);
	}
	sqlite3_close(conn->db);
	*conn = (struct sqlite){ 0 };
}

int
sqlite_exec(struct sqlite *conn, const char *text)
{
	return sqlite3_exec(conn->db, text, NULL, NULL, NULL);
}

int64_t
sqlite_int(struct sqlite *conn, const char *text)
{
	sqlite3_stmt *stmt = NULL;
	int64_t value = -1;

	if (sqlite3_prepare_v2(conn->db, text, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return value;
}

const char *
sqlite_error(const struct sqlite *conn)
{
	return conn->db != NULL ? sqlite3_errmsg(conn->db) : "out of memory";
}

const char *
sqlite_reason(const struct sqlite *conn, int code)
{
	if (sqlite3_errcode(conn->db) == code)
		return sqlite3_errmsg(conn->db);
	return code == SQLITE_MISUSE ? "a read that writes" : sqlite3_errstr(code);
}

bool
sqlite_in_transaction(const struct sqlite *conn)
{
	return sqlite3_get_autocommit(conn->db) == 0;
}

/* --- errors --------------------------------------------------------------------------- */

bool
sqlite_is_disk(int code)
{
	switch (code & 0xff) {
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_READONLY:
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_CANTOPEN:
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_PERM:
	case SQLITE_PROTOCOL:
	case SQLITE_NOLFS:
	case SQLITE_NOMEM:
		return true;
	default:
		return false;
	}
}

enum store_outcome
sqlite_outcome(int code)
{
	if (code == SQLITE_OK)
		return STORE_OK;
	if (sqlite_is_disk(code))
		return STORE_DISK;
	if (code == SQLITE_CONSTRAINT_FOREIGNKEY)
		return STORE_LATE;
	if ((code & 0xff) == SQLITE_CONSTRAINT)
		return STORE_CONSTRAINT;
	return STORE_INTERNAL;
}

/* --- statements -------------------------------------------------------------------------- */

static void
forget(struct sqlite *conn, struct sqlite_stmt *stmt)
{
	HASH_DEL(conn->statements, stmt);
	conn->last = NULL;
	sqlite3_finalize(stmt->stmt);
	free(stmt);
}

static bool
is_of(const struct sqlite_stmt *stmt, const struct store_sql *sql)
{
	return stmt != NULL && stmt->sql == sql && strcmp(sqlite3_sql(stmt->stmt), sql->text) == 0;
}

static int
prepare(struct sqlite *conn, const struct store_sql *sql, struct sqlite_stmt **stmt_r)
{
	struct sqlite_stmt *stmt;
	sqlite3_stmt *made = NULL;
	int rc =
	    sqlite3_prepare_v3(conn->db, sql->text, -1, SQLITE_PREPARE_PERSISTENT, &made, NULL);

	if (rc != SQLITE_OK)
		return rc;
	if (made == NULL)
		return SQLITE_MISUSE;
	stmt = xcalloc(1, sizeof *stmt);
	stmt->sql = sql;
	stmt->stmt = made;
	stmt->args = sqlite3_bind_parameter_count(made);
	stmt->reads = sqlite3_stmt_readonly(made) != 0;
	HASH_ADD_PTR(conn->statements, sql, stmt);
	*stmt_r = stmt;
	return SQLITE_OK;
}

static int
statement(struct sqlite *conn, const struct store_sql *sql, struct sqlite_stmt **stmt_r)
{
	struct sqlite_stmt *stmt = conn->last;
	int rc = SQLITE_OK;

	if (!is_of(stmt, sql)) {
		HASH_FIND_PTR(conn->statements, &sql, stmt);
		if (stmt != NULL && !is_of(stmt, sql)) {
			forget(conn, stmt);
			stmt = NULL;
		}
		if (stmt == NULL)
			rc = prepare(conn, sql, &stmt);
	}
	if (rc == SQLITE_OK)
		conn->last = *stmt_r = stmt;
	return rc;
}

int
sqlite_do(struct sqlite *conn, const struct store_sql *sql)
{
	struct sqlite_stmt *stmt;
	int rc = statement(conn, sql, &stmt);

	if (rc != SQLITE_OK)
		return rc;
	sqlite3_step(stmt->stmt);
	return sqlite3_reset(stmt->stmt);
}

/* --- steps ----------------------------------------------------------------------------------- */

/* The value that an earlier step gave: text and integers alike. */
static struct store_arg
resolve(const struct store_job *job, const struct store_arg *arg)
{
	const struct store_step *step = store_job_step(job, (unsigned)(arg->integer >> 8));
	unsigned column = (unsigned)(arg->integer & 0xff);
	const struct store_cell *cell;

	if (step == NULL || step->rows == NULL || column >= step->rows->columns)
		return store_null();
	cell = &step->rows->cell[column];
	return (struct store_arg){ cell->type, cell->integer, cell->bytes, cell->len };
}

static int
bind(sqlite3_stmt *stmt, int at, const struct store_arg *arg)
{
	switch (arg->type) {
	case STORE_ARG_INT:
		return sqlite3_bind_int64(stmt, at, arg->integer);
	case STORE_ARG_TEXT:
		return sqlite3_bind_text64(stmt, at, arg->bytes, arg->len, SQLITE_STATIC,
		    SQLITE_UTF8);
	case STORE_ARG_BLOB:
		return sqlite3_bind_blob64(stmt, at, arg->bytes, arg->len, SQLITE_STATIC);
	case STORE_ARG_NULL:
	case STORE_ARG_FROM:
		break;
	}
	return sqlite3_bind_null(stmt, at);
}

static int
bind_all(sqlite3_stmt *stmt, const struct store_job *job, const struct store_step *step)
{
	for (unsigned i = 0; i < step->count; i++) {
		struct store_arg arg = step->args[i];
		int rc;

		if (arg.type == STORE_ARG_FROM)
			arg = resolve(job, &step->args[i]);
		rc = bind(stmt, (int)i + 1, &arg);
		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

static void
read_cell(sqlite3_stmt *stmt, int column, struct arena *arena, struct store_cell *cell)
{
	const void *bytes;
	int type = sqlite3_column_type(stmt, column);

	*cell = (struct store_cell){ .type = STORE_ARG_NULL };
	if (type == SQLITE_NULL)
		return;
	if (type == SQLITE_INTEGER) {
		cell->type = STORE_ARG_INT;
		cell->integer = sqlite3_column_int64(stmt, column);
		return;
	}
	cell->type = type == SQLITE_BLOB ? STORE_ARG_BLOB : STORE_ARG_TEXT;
	bytes = type == SQLITE_BLOB ? sqlite3_column_blob(stmt, column)
				    : (const void *)sqlite3_column_text(stmt, column);
	cell->len = (size_t)sqlite3_column_bytes(stmt, column);
	cell->bytes = arena_strndup(arena, bytes != NULL ? bytes : "", cell->len);
}

static int
read_row(sqlite3_stmt *stmt, struct store_job *job, struct store_step *step)
{
	struct arena *arena = store_job_rows(job);
	unsigned columns = (unsigned)sqlite3_column_count(stmt);
	struct store_row *row;

	if (arena_size(arena) > STORE_READ_BYTES)
		return SQLITE_TOOBIG;
	row = arena_alloc(arena, sizeof *row + columns * sizeof row->cell[0]);
	row->next = NULL;
	row->columns = columns;
	for (unsigned i = 0; i < columns; i++)
		read_cell(stmt, (int)i, arena, &row->cell[i]);
	*step->tail = row;
	step->tail = (struct store_row **)&row->next;
	return SQLITE_OK;
}

int
sqlite_step_run(struct sqlite *conn, struct store_job *job, struct store_step *step)
{
	struct sqlite_stmt *stmt;
	int rc = statement(conn, step->sql, &stmt), end;

	if (rc != SQLITE_OK)
		return rc;
	if ((unsigned)stmt->args != step->count)
		return SQLITE_RANGE;
	if (conn->reads_only && !stmt->reads)
		return SQLITE_MISUSE;
	rc = bind_all(stmt->stmt, job, step);
	while (rc == SQLITE_OK && (rc = sqlite3_step(stmt->stmt)) == SQLITE_ROW) {
		step->changes++;
		rc = read_row(stmt->stmt, job, step);
	}
	end = sqlite3_reset(stmt->stmt);
	if (rc != SQLITE_DONE)
		return rc;
	if (!stmt->reads)
		step->changes = sqlite3_changes64(conn->db);
	return end;
}
