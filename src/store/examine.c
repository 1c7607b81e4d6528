/*
 * Looking at a database. See examine.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/examine.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/xalloc.h"
#include "store/engine.h"

static int64_t
size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

/* SQLite's words in one line. */
static char *
damage(const char *words)
{
	char *found = xasprintf("damaged: %s; restore a backup", words);

	for (char *c = found; *c != '\0'; c++)
		if (*c == '\n')
			*c = ' ';
	return found;
}

/* What quick_check says first: "ok", or what is damaged. */
static char *
quick_check(struct sqlite *conn)
{
	sqlite3_stmt *stmt = NULL;
	char *found = NULL;

	if (sqlite3_prepare_v2(conn->db, "PRAGMA quick_check(1)", -1, &stmt, NULL) != SQLITE_OK ||
	    sqlite3_step(stmt) != SQLITE_ROW)
		found = xstrdup(sqlite_error(conn));
	else if (strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") != 0)
		found = damage((const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	return found;
}

static char *
look(struct sqlite *conn, const struct store_schema *const *schemas, size_t count,
    unsigned *steps_r)
{
	static const struct store_schema *const base = &store_base_schema;
	int64_t tables = sqlite_int(conn, "SELECT COUNT(*) FROM sqlite_master");
	char *found;

	if (tables < 0)
		return xasprintf("no database, or damaged: %s", sqlite_error(conn));
	if (tables > 0 && sqlite_int(conn, "PRAGMA application_id") != STORE_APPLICATION_ID)
		return xstrdup("a database of another program");
	found = quick_check(conn);
	if (found == NULL && tables > 0 && store_schema_compare(conn, &base, 1, steps_r, &found))
		store_schema_compare(conn, schemas, count, steps_r, &found);
	return found;
}

char *
store_examine(const char *dir, const struct store_schema *const *schemas, size_t count,
    struct store_examined *out)
{
	char *wal = xasprintf("%s/linnet.db-wal", dir), *found;
	struct sqlite conn;

	*out = (struct store_examined){ .path = xasprintf("%s/linnet.db", dir) };
	out->bytes = size_of(out->path) + size_of(wal);
	if (sqlite_open(&conn, out->path, NULL, SQLITE_MODE_READ) != SQLITE_OK)
		found = xstrdup(sqlite_error(&conn));
	else
		found = look(&conn, schemas, count, &out->steps);
	sqlite_close(&conn);
	free(wal);
	return found;
}
