/*
 * Schema steps: the base's tables, and how steps are applied and recorded.
 * See schema.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/schema.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "store/engine.h"

#define CHECKSUM_MAX 65

static const char *const base_steps[] = {
	"CREATE TABLE entity ("
	" number INTEGER PRIMARY KEY AUTOINCREMENT,"
	" kind INTEGER NOT NULL,"
	" jid TEXT NOT NULL UNIQUE,"
	" host TEXT NOT NULL,"
	" status INTEGER NOT NULL,"
	" created INTEGER NOT NULL);"
	"CREATE INDEX entity_by_host ON entity (kind, host, jid);"
	"CREATE INDEX entity_dying ON entity (number) WHERE status = 2;"

	"CREATE TABLE released ("
	" jid TEXT PRIMARY KEY,"
	" until INTEGER NOT NULL);"

	"CREATE TABLE credential ("
	" owner INTEGER NOT NULL REFERENCES entity (number) ON DELETE CASCADE,"
	" hash TEXT NOT NULL,"
	" iterations INTEGER NOT NULL,"
	" salt BLOB NOT NULL,"
	" stored_key BLOB NOT NULL,"
	" server_key BLOB NOT NULL,"
	" PRIMARY KEY (owner, hash)) WITHOUT ROWID;"

	"CREATE TABLE value ("
	" owner INTEGER NOT NULL REFERENCES entity (number) ON DELETE CASCADE,"
	" module TEXT NOT NULL,"
	" name TEXT NOT NULL,"
	" key TEXT NOT NULL,"
	" doc BLOB NOT NULL,"
	" PRIMARY KEY (owner, module, name, key)) WITHOUT ROWID;"

	"CREATE TABLE pending ("
	" position INTEGER PRIMARY KEY,"
	" owner INTEGER REFERENCES entity (number) ON DELETE CASCADE,"
	" domain TEXT,"
	" stanza BLOB NOT NULL,"
	" size INTEGER NOT NULL,"
	" stamp INTEGER NOT NULL,"
	" expires INTEGER,"
	" CHECK ((owner IS NULL) <> (domain IS NULL)));"
	"CREATE INDEX pending_by_owner ON pending (owner, position, size)"
	" WHERE owner IS NOT NULL;"
	"CREATE INDEX pending_by_domain ON pending (domain, position) WHERE domain IS NOT NULL;"
	"CREATE INDEX pending_by_expiry ON pending (expires) WHERE expires IS NOT NULL;"

	"CREATE TABLE sequence ("
	" name TEXT PRIMARY KEY,"
	" value INTEGER NOT NULL);"

	"CREATE TABLE secret ("
	" name TEXT PRIMARY KEY,"
	" bytes BLOB NOT NULL);",

	/* When an account was disabled (wall-clock ms); 0: it is not. */
	"ALTER TABLE entity ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX entity_disabled ON entity (jid) WHERE disabled <> 0;",
	NULL,
};

const struct store_schema store_base_schema = { "linnet", "base", base_steps };

static const struct store_sql sql_applied = {
	"SELECT step, checksum FROM schema WHERE module = ? AND store = ? ORDER BY step"
};
static const struct store_sql sql_record = {
	"INSERT INTO schema (module, store, step, checksum) VALUES (?, ?, ?, ?)"
};

/* The first half of SHA-256, in hexadecimal digits. */
static void
checksum(const char *text, char out[CHECKSUM_MAX])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	size_t len = 0;

	EVP_Q_digest(NULL, "SHA256", NULL, text, strlen(text), digest, &len);
	for (size_t i = 0; i < len / 2; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static char *
step_error(const struct store_schema *schema, int64_t step, const char *what)
{
	return xasprintf("step %lld of table group %s.%s %s", (long long)step, schema->module,
	    schema->store, what);
}

/* Compares what the database has with what we know; the number of steps it has, or -1. */
static int64_t
check_applied(struct sqlite *conn, const struct store_schema *schema, char **error_r)
{
	struct store_job *job = store_job_new(NULL, "schema");
	const struct store_row *row;
	int64_t step = 0;

	store_add(job, &sql_applied, store_text(schema->module), store_text(schema->store));
	store_job_reset(job);
	if (store_job_run(conn, job) != SQLITE_OK)
		*error_r = xstrdup(store_job_error(job));
	for (row = store_rows(job, 0); row != NULL && *error_r == NULL; row = row->next) {
		char sum[CHECKSUM_MAX] = "";

		if (schema->steps[step] == NULL) {
			*error_r = xasprintf(
			    "the database is newer than this program: it has step "
			    "%lld of table group %s.%s, known here are %lld; install the newer "
			    "version or restore a backup made before it",
			    (long long)row->cell[0].integer, schema->module, schema->store,
			    (long long)step);
			break;
		}
		checksum(schema->steps[step], sum);
		step++;
		if (row->cell[0].integer != step)
			*error_r = step_error(schema, step, "is missing in the database");
		else if (strcmp(row->cell[1].bytes, sum) != 0)
			*error_r = step_error(schema, step,
			    "was changed after it had been applied to this database");
	}
	store_job_free(&job);
	return *error_r == NULL ? step : -1;
}

bool
store_schema_compare(struct sqlite *conn, const struct store_schema *const *schemas, size_t count,
    unsigned *steps, char **error_r)
{
	*error_r = NULL;
	for (size_t i = 0; i < count; i++) {
		int64_t step = check_applied(conn, schemas[i], error_r);

		if (step < 0)
			return false;
		for (; schemas[i]->steps[step] != NULL; step++)
			(*steps)++;
	}
	return true;
}

static int
apply_step(struct sqlite *conn, const struct store_schema *schema, int64_t step)
{
	const char *text = schema->steps[step];
	struct store_job *job;
	char sum[CHECKSUM_MAX];
	int rc = sqlite_exec(conn, text);

	if (rc != SQLITE_OK)
		return rc;
	checksum(text, sum);
	job = store_job_new(NULL, "schema");
	store_add(job, &sql_record, store_text(schema->module), store_text(schema->store),
	    store_int(step + 1), store_text(sum));
	store_job_reset(job);
	rc = store_job_run(conn, job);
	store_job_free(&job);
	return rc;
}

bool
store_schema_apply(struct sqlite *conn, const struct store_schema *const *schemas, size_t count,
    char **error_r)
{
	*error_r = NULL;
	if (sqlite_exec(conn,
		"CREATE TABLE IF NOT EXISTS schema (module TEXT NOT NULL,"
		" store TEXT NOT NULL, step INTEGER NOT NULL, checksum TEXT NOT NULL,"
		" PRIMARY KEY (module, store, step))") != SQLITE_OK) {
		*error_r = xstrdup(sqlite_error(conn));
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		int64_t step = check_applied(conn, schemas[i], error_r);

		if (step < 0)
			return false;
		for (; schemas[i]->steps[step] != NULL; step++) {
			if (apply_step(conn, schemas[i], step) != SQLITE_OK) {
				*error_r = step_error(schemas[i], step + 1, sqlite_error(conn));
				return false;
			}
		}
	}
	return true;
}

/* --- at run time ------------------------------------------------------------------------ */

struct migration {
	const struct store_schema *const *schemas;
	size_t count;
	char *error;
	bool ok;
};

static void
migrate(struct store *store, void *arg)
{
	struct sqlite *conn = &store->writer.conn;
	struct migration *migration = arg;

	if (sqlite_do(conn, &sqlite_begin) != SQLITE_OK ||
	    (store_schema_apply(conn, migration->schemas, migration->count, &migration->error) &&
		sqlite_do(conn, &sqlite_commit) != SQLITE_OK))
		migration->error = xstrdup(sqlite_error(conn));
	if (sqlite_in_transaction(conn))
		sqlite_do(conn, &sqlite_rollback);
	migration->ok = migration->error == NULL;
	if (migration->ok)
		store_owners_find(store, conn);
}

bool
store_migrate(struct store *store, const struct store_schema *const *schemas, size_t count,
    char **error_r)
{
	struct migration migration = { schemas, count, NULL, false };

	store_writer_call(store, migrate, &migration);
	*error_r = migration.error;
	if (!migration.ok && *error_r == NULL)
		*error_r = xstrdup("the store is closed");
	return migration.ok;
}
