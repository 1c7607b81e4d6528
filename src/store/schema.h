/*
 * Tables as numbered steps.
 *
 * Who needs a table declares the SQL that makes it, and later the SQL that
 * changes it, as steps that are applied in order and recorded in the table
 * `schema` (module, store, step, checksum). A step that was released is never
 * edited: a changed checksum refuses the start, and so does a database with
 * more steps than this program knows.
 *
 *	static const char *const archive_steps[] = {
 *		"CREATE TABLE archive_message ("
 *		" position INTEGER PRIMARY KEY,"
 *		" owner INTEGER NOT NULL REFERENCES entity (number) ON DELETE CASCADE,"
 *		" ...);"
 *		"CREATE INDEX archive_by_owner ON archive_message (owner, position);",
 *		NULL
 *	};
 *	static const struct store_schema archive_schema = {
 *		"archive", "message", archive_steps };
 *
 * Tables are named module_store. What belongs to an account hangs on its number
 * with ON DELETE CASCADE, as `owner`, and has an index that begins with it: the
 * deletion of an account finds such tables by their foreign key and empties
 * them in slices. An owner comes in through store_open() or store_migrate().
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_STORE_SCHEMA_H
#define LN_STORE_SCHEMA_H

struct store_schema {
	const char *module;
	const char *store;
	const char *const *steps; /* NULL at the end; each may hold several statements */
};

#endif
