/*
 * What the tests of the store share. See store_kit.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store_kit.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "store/examine.h"
#include "base/xalloc.h"
#include "folder.h"

static char dir[FOLDER_MAX];

static const char *const kit_steps[] = {
	"CREATE TABLE kit_row ("
	" id INTEGER PRIMARY KEY,"
	" text TEXT NOT NULL,"
	" owner INTEGER REFERENCES entity (number) ON DELETE CASCADE);"
	"CREATE INDEX kit_row_by_owner ON kit_row (owner);",
	NULL,
};
const struct store_schema kit_schema = { "kit", "row", kit_steps };

const struct store_sql kit_insert = { "INSERT INTO kit_row (id, text) VALUES (?, ?)" };
const struct store_sql kit_count = { "SELECT COUNT(*) FROM kit_row" };
const struct store_sql kit_text = { "SELECT text FROM kit_row WHERE id = ?" };

void
kit_setup(void)
{
	folder_make(dir, "store");
	testvfs_register();
	testvfs_heal();
}

void
kit_teardown(void)
{
	testvfs_heal();
	folder_remove(dir);
}

const char *
kit_dir(void)
{
	return dir;
}

char *
kit_path(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

struct store *
kit_try_open(const struct store_schema *schema, char **error_r)
{
	struct store_conf conf = { .dir = dir,
		.vfs = TESTVFS_NAME,
		.stall_ms = 200,
		.close_ms = 50 };

	return store_open(&conf, &schema, 1, error_r);
}

struct store *
kit_open(void)
{
	char *error = NULL;
	struct store *store = kit_try_open(&kit_schema, &error);

	ck_assert_msg(store != NULL, "%s", error);
	return store;
}

void
kit_check(void)
{
	const struct store_schema *schemas[] = { &kit_schema };
	struct store_examined found;
	char *wrong = store_examine(dir, schemas, 1, &found);

	ck_assert_msg(wrong == NULL, "%s", wrong);
	free(found.path);
}

struct store_job *
kit_row(struct store *store, int64_t id, const char *text)
{
	struct store_job *job = store_job_new(store, "kit");

	store_add(job, &kit_insert, store_int(id), store_text(text));
	return job;
}

int64_t
kit_int(struct store *store, const struct store_sql *sql)
{
	struct store_job *job = store_job_new(store, "kit");
	int64_t value = -1;

	store_add(job, sql);
	if (store_run_read(job, 0) == STORE_OK && store_rows(job, 0) != NULL)
		value = store_rows(job, 0)->cell[0].integer;
	store_job_free(&job);
	return value;
}

int64_t
kit_rows(struct store *store)
{
	return kit_int(store, &kit_count);
}

void
kit_pause(int ms)
{
	struct timespec span = { ms / 1000, (ms % 1000) * 1000000L };

	nanosleep(&span, NULL);
}
