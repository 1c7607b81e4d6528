/*
 * Tables of a module's own, for what does not fit a value (linnet/module.h):
 * archives, rooms, uploads.
 *
 * A table is declared by the SQL that makes it and later by the SQL that changes
 * it, as steps, applied in order when the daemon starts. A released step is never
 * edited. Tables and indexes are named MODULE_NAME. What belongs to an account or a room hangs on
 * its number, with an index that begins with it, and goes with it:
 *
 *	static const char *const item_steps[] = {
 *		"CREATE TABLE notes_item ("
 *		" owner INTEGER NOT NULL REFERENCES entity (number) ON DELETE CASCADE,"
 *		" stamp INTEGER NOT NULL, text TEXT NOT NULL);"
 *		"CREATE INDEX notes_item_by_owner ON notes_item (owner, stamp);",
 *		NULL };
 *	static const struct ln_table tables[] = { LN_TABLE("item", item_steps), LN_TABLE_END };
 *
 *	static const struct ln_sql sql_add = {
 *		"INSERT INTO notes_item (owner, stamp, text) VALUES (?, ?, ?)" };
 *	ln_store(mod, &sql_add, ln_int(ln_account_number(account)), ln_int(ln_wall()),
 *	    ln_text(note));
 *
 *	static const struct ln_sql sql_find = {
 *		"SELECT stamp, text FROM notes_item WHERE owner = ? ORDER BY stamp LIMIT 50" };
 *	ln_query(mod, found, token, &sql_find, ln_int(number));
 *
 * SQL stays in what SQLite and PostgreSQL share: `?` in order, ON CONFLICT ...
 * DO UPDATE, RETURNING, row values. Statements are static const and prepared once.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LINNET_TABLE_H
#define LINNET_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ln_mod;
struct ln_row;

struct ln_table {
	const char *name;
	const char *const *steps; /* NULL at the end; each may hold several statements */
};

#define LN_TABLE(name, steps)   \
	{                       \
		(name), (steps) \
	}
#define LN_TABLE_END       \
	{                  \
		NULL, NULL \
	}

struct ln_sql {
	const char *text;
};

/* One argument; made by the functions below. */
struct ln_param {
	int type;
	int64_t integer;
	const void *bytes;
	size_t len;
};

enum { LN_PARAM_NULL, LN_PARAM_INT, LN_PARAM_TEXT, LN_PARAM_BLOB };

static inline struct ln_param
ln_int(int64_t value)
{
	return (struct ln_param){ .type = LN_PARAM_INT, .integer = value };
}

/* NULL is SQL's NULL. */
static inline struct ln_param
ln_text(const char *text)
{
	return (struct ln_param){ text != NULL ? LN_PARAM_TEXT : LN_PARAM_NULL, 0, text,
		text != NULL ? __builtin_strlen(text) : 0 };
}

static inline struct ln_param
ln_blob(const void *bytes, size_t len)
{
	return (struct ln_param){ bytes != NULL ? LN_PARAM_BLOB : LN_PARAM_NULL, 0, bytes, len };
}

#define LN_PARAMS(...)                                                                            \
	(const struct ln_param[]){ { 0 }, ##__VA_ARGS__ } + 1,                                    \
	    sizeof((const struct ln_param[]){ { 0 }, ##__VA_ARGS__ }) / sizeof(struct ln_param) - \
	    1

/*
 * Stores with the write job of the handler in hand, of which all is committed or nothing: the
 * acknowledgement of its stanza and the result of its iq wait for that. Outside of an entity's
 * handler (an HTTP request) it is a job of its own.
 */
#define ln_store(mod, sql, ...) ln_store_params((mod), (sql), LN_PARAMS(__VA_ARGS__))
void ln_store_params(const struct ln_mod *mod, const struct ln_sql *sql,
    const struct ln_param *params, size_t count);

/*
 * `mod` NULL: the module was switched off meanwhile; only free `arg`. `ok` false: the disk
 * failed. `row` is the first, or NULL for none, and lives during the call.
 */
typedef void ln_found_fn(const struct ln_mod *mod, bool ok, const struct ln_row *row, void *arg);

/*
 * Reads, behind all that the entity in hand has stored, and calls `found` on this worker, as a
 * handler of that entity. Outside of one: behind what is durable. At most 1 s and 32 MiB.
 */
#define ln_query(mod, found, arg, sql, ...) \
	ln_query_params((mod), (found), (arg), (sql), LN_PARAMS(__VA_ARGS__))
void ln_query_params(const struct ln_mod *mod, ln_found_fn *found, void *arg,
    const struct ln_sql *sql, const struct ln_param *params, size_t count);

/*
 * Stores in a job of its own and calls `stored` when it is durable, or has failed (`ok` false: a
 * constraint, most likely). Rows are those of RETURNING.
 */
#define ln_store_then(mod, stored, arg, sql, ...) \
	ln_store_then_params((mod), (stored), (arg), (sql), LN_PARAMS(__VA_ARGS__))
void ln_store_then_params(const struct ln_mod *mod, ln_found_fn *stored, void *arg,
    const struct ln_sql *sql, const struct ln_param *params, size_t count);

/* Rows: NULL at the end. Columns from 0; 0 and NULL for SQL's NULL. */
const struct ln_row *ln_row_next(const struct ln_row *row);
int64_t ln_row_int(const struct ln_row *row, unsigned column);
const char *ln_row_text(const struct ln_row *row, unsigned column);
const void *ln_row_blob(const struct ln_row *row, unsigned column, size_t *len_r);

#endif
