/*
 * Deleting much in slices: by a statement of the caller's, or all that hangs
 * on an entity.
 *
 * Which tables those are is asked of the database itself: every table with a
 * foreign key on entity (number). A table that is forgotten is emptied by the
 * cascade when the number goes, only not in slices.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/entity.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "store/engine.h"

#define SLICE_ROWS 500

/* The tables of one moment; never changed, kept until the store closes. */
struct store_owners {
	struct store_owners *older;
	size_t count;
	struct store_sql sql[]; /* owner, rows */
};

static const struct store_sql sql_release_name = {
	"INSERT INTO released (jid, until) SELECT jid, ? FROM entity WHERE number = ?"
	" ON CONFLICT (jid) DO UPDATE SET until = excluded.until"
};
static const struct store_sql sql_delete_entity = { "DELETE FROM entity WHERE number = ?" };

/* --- slices ---------------------------------------------------------------------------- */

struct slices {
	struct store *store;
	const char *what;
	const struct store_sql *sql;
	struct arena *arena;
	struct store_arg *args;
	size_t count;
	int64_t total;
	store_sliced *done;
	void *arg;
};

static void next_slice(struct slices *slices);

static void
sliced(struct store_job *job, void *arg)
{
	struct slices *slices = arg;
	enum store_outcome outcome = store_job_outcome(job);
	int64_t changes = store_changes(job, 0);
	struct arena *arena = slices->arena;

	slices->total += changes;
	if (outcome == STORE_OK && changes == SLICE_ROWS) {
		next_slice(slices);
		return;
	}
	if (slices->done != NULL)
		slices->done(slices->arg, outcome, slices->total);
	arena_free(&arena);
}

static void
next_slice(struct slices *slices)
{
	struct store_job *job = store_job_new(slices->store, slices->what);

	store_add_args(job, slices->sql, slices->args, slices->count);
	store_write(job, sliced, slices);
}

void
store_delete_slices(struct store *store, const char *what, const struct store_sql *sql,
    const struct store_arg *args, size_t count, store_sliced *done, void *arg)
{
	struct arena *arena = arena_new(512);
	struct slices *slices = arena_zalloc(arena, sizeof *slices);

	*slices = (struct slices){ store, what, sql, arena, NULL, count + 1, 0, done, arg };
	slices->args = arena_alloc(arena, (count + 1) * sizeof *args);
	for (size_t i = 0; i < count; i++) {
		slices->args[i] = args[i];
		if (args[i].bytes != NULL)
			slices->args[i].bytes = arena_strndup(arena, args[i].bytes, args[i].len);
	}
	slices->args[count] = store_int(SLICE_ROWS);
	next_slice(slices);
}

/* --- the tables of owners ----------------------------------------------------------------- */

#define OWNERS                                                              \
	"SELECT t.name, t.wr, f.\"from\" FROM pragma_table_list t"          \
	" JOIN pragma_foreign_key_list(t.name) f ON f.\"table\" = 'entity'" \
	" WHERE t.schema = 'main' AND t.type = 'table' ORDER BY t.name"

/* "rowid", or the columns of the primary key of a table that has none. */
static char *
key_columns(struct sqlite *conn, const char *table, bool without_rowid)
{
	struct buf columns = BUF_INIT;
	sqlite3_stmt *stmt = NULL;

	if (!without_rowid)
		return xstrdup("rowid");
	sqlite3_prepare_v2(conn->db,
	    "SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", -1, &stmt, NULL);
	sqlite3_bind_text(stmt, 1, table, -1, SQLITE_STATIC);
	while (sqlite3_step(stmt) == SQLITE_ROW)
		buf_printf(&columns, "%s%s", columns.len > 0 ? ", " : "",
		    (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	return buf_take(&columns);
}

static char *
slice_text(struct sqlite *conn, const char *table, bool without_rowid, const char *owner)
{
	char *key = key_columns(conn, table, without_rowid);
	char *text = xasprintf("DELETE FROM %s WHERE (%s) IN (SELECT %s FROM %s WHERE %s = ?"
			       " LIMIT ?)",
	    table, key, key, table, owner);

	free(key);
	return text;
}

void
store_owners_find(struct store *store, struct sqlite *conn)
{
	int64_t room = sqlite_int(conn, "SELECT COUNT(*) FROM (" OWNERS ")");
	struct store_owners *owners =
	    xcalloc(1, sizeof *owners + (room > 0 ? (size_t)room : 0) * sizeof owners->sql[0]);
	sqlite3_stmt *stmt = NULL;

	sqlite3_prepare_v2(conn->db, OWNERS, -1, &stmt, NULL);
	while ((int64_t)owners->count < room && sqlite3_step(stmt) == SQLITE_ROW) {
		char *table = xstrdup((const char *)sqlite3_column_text(stmt, 0));
		bool without_rowid = sqlite3_column_int(stmt, 1) != 0;

		owners->sql[owners->count++].text = slice_text(conn, table, without_rowid,
		    (const char *)sqlite3_column_text(stmt, 2));
		free(table);
	}
	sqlite3_finalize(stmt);
	owners->older = atomic_load(&store->owners);
	atomic_store(&store->owners, owners);
}

void
store_owners_free(struct store *store)
{
	struct store_owners *owners = atomic_load(&store->owners), *older;

	for (; owners != NULL; owners = older) {
		older = owners->older;
		for (size_t i = 0; i < owners->count; i++)
			free((char *)owners->sql[i].text);
		free(owners);
	}
}

/* --- erasing an entity ------------------------------------------------------------------------ */

struct erasure {
	struct store *store;
	const struct store_owners *owners;
	size_t next;
	int64_t number, until, total;
	store_sliced *done;
	void *arg;
};

static void erase_next(struct erasure *erasure);

static void
finish(struct erasure *erasure, enum store_outcome outcome)
{
	if (erasure->done != NULL)
		erasure->done(erasure->arg, outcome, erasure->total);
	free(erasure);
}

static void
table_erased(void *arg, enum store_outcome outcome, int64_t total)
{
	struct erasure *erasure = arg;

	erasure->total += total;
	if (outcome == STORE_OK)
		erase_next(erasure);
	else
		finish(erasure, outcome);
}

static void
number_erased(struct store_job *job, void *arg)
{
	finish(arg, store_job_outcome(job));
}

static void
erase_number(struct erasure *erasure)
{
	struct store_job *job = store_job_new(erasure->store, "erase");

	if (erasure->until != 0)
		store_add(job, &sql_release_name, store_int(erasure->until),
		    store_int(erasure->number));
	store_add(job, &sql_delete_entity, store_int(erasure->number));
	store_write(job, number_erased, erasure);
}

static void
erase_next(struct erasure *erasure)
{
	struct store_arg number = store_int(erasure->number);

	if (erasure->next == erasure->owners->count)
		erase_number(erasure);
	else
		store_delete_slices(erasure->store, "erase", &erasure->owners->sql[erasure->next++],
		    &number, 1, table_erased, erasure);
}

void
store_erase(struct store *store, int64_t number, int64_t until, store_sliced *done, void *arg)
{
	struct erasure *erasure = xcalloc(1, sizeof *erasure);

	*erasure =
	    (struct erasure){ store, atomic_load(&store->owners), 0, number, until, 0, done, arg };
	erase_next(erasure);
}
