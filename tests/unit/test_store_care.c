/*
 * Looking after a store: backup, examination, slices, checkpoints, closing.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/examine.h"
#include "store_kit.h"

Suite *suite(void);

static _Atomic int64_t backed_up;
static char backup_error[128];

static void
backup_over(void *arg, bool ok, const char *error)
{
	(void)arg;
	snprintf(backup_error, sizeof backup_error, "%s", error != NULL ? error : "");
	ck_assert_int_eq(ok, error == NULL);
	atomic_fetch_add(&backed_up, 1);
}

static int64_t
rows_of_file(const char *path)
{
	sqlite3 *db;
	sqlite3_stmt *stmt;
	int64_t rows;

	ck_assert_int_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL);
	ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
	ck_assert_str_eq((const char *)sqlite3_column_text(stmt, 0), "ok");
	sqlite3_finalize(stmt);
	sqlite3_prepare_v2(db, "SELECT COUNT(*) FROM kit_row", -1, &stmt, NULL);
	ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
	rows = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return rows;
}

START_TEST(a_backup_is_whole_though_writes_go_on)
{
	struct store *store = kit_open();
	char *path = kit_path("copy.db"), text[1000];
	int64_t rows;

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	for (int i = 0; i < 3000; i++)
		store_write(kit_row(store, i, text), NULL, NULL);
	store_backup(store, path, backup_over, NULL);
	for (int i = 3000; i < 4000; i++)
		store_write(kit_row(store, i, text), NULL, NULL);
	kit_wait(&backed_up, 1);
	ck_assert_str_eq(backup_error, "");
	rows = rows_of_file(path);
	ck_assert_int_ge(rows, 3000);
	ck_assert_int_eq(kit_rows(store), 4000);
	kit_check();
	ck_assert(store_close(&store));
	free(path);
}
END_TEST

START_TEST(a_backup_that_fails_says_why)
{
	struct store *store = kit_open();

	store_backup(store, "/nonexistent/copy.db", backup_over, NULL);
	kit_wait(&backed_up, 1);
	ck_assert_ptr_nonnull(strstr(backup_error, "No such file"));
	ck_assert(store_close(&store));
}
END_TEST

/* What is wrong, or "". */
static const char *
examine(const struct store_schema *schema, unsigned *steps_r)
{
	static char said[500];
	struct store_examined found;
	char *error = store_examine(kit_dir(), &schema, 1, &found);

	snprintf(said, sizeof said, "%s", error != NULL ? error : "");
	ck_assert_int_gt(found.bytes, 0);
	*steps_r = found.steps;
	free(error);
	free(found.path);
	return said;
}

START_TEST(a_database_is_looked_at_and_left_alone)
{
	static const char *const more[] = { "CREATE TABLE more_a (a INTEGER);",
		"CREATE TABLE more_b (b INTEGER);", NULL };
	static const char *const fewer[] = { NULL };
	const struct store_schema unknown = { "more", "tables", more };
	const struct store_schema older = { kit_schema.module, kit_schema.store, fewer };
	struct store *store = kit_open();
	unsigned steps;

	ck_assert_str_eq(examine(&kit_schema, &steps), "");
	ck_assert_uint_eq(steps, 0);
	ck_assert(store_close(&store));
	ck_assert_str_eq(examine(&unknown, &steps), "");
	ck_assert_uint_eq(steps, 2);
	ck_assert_str_eq(examine(&unknown, &steps), "");
	ck_assert_uint_eq(steps, 2);
	ck_assert_ptr_nonnull(strstr(examine(&older, &steps), "newer than this program"));
}
END_TEST

static _Atomic int64_t deleted;

static void
sliced(void *arg, enum store_outcome outcome, int64_t total)
{
	(void)arg;
	ck_assert_int_eq(outcome, STORE_OK);
	atomic_store(&deleted, total);
}

START_TEST(slices_delete_all_that_they_name)
{
	static const struct store_sql sql = {
		"DELETE FROM kit_row WHERE id IN (SELECT id FROM kit_row WHERE id < ? LIMIT ?)"
	};
	struct store *store = kit_open();
	struct store_arg below = store_int(1700);

	for (int i = 0; i < 2000; i++)
		store_write(kit_row(store, i, "row"), NULL, NULL);
	store_delete_slices(store, "test", &sql, &below, 1, sliced, NULL);
	kit_wait(&deleted, 1700);
	ck_assert_int_eq(kit_rows(store), 300);
	ck_assert(store_close(&store));
}
END_TEST

START_TEST(closing_commits_what_is_queued)
{
	struct store *store = kit_open();

	testvfs_slow(20);
	for (int i = 0; i < 500; i++)
		store_write(kit_row(store, i, "row"), NULL, NULL);
	testvfs_slow(0);
	ck_assert(store_close(&store));
	store = kit_open();
	ck_assert_int_eq(kit_rows(store), 500);
	ck_assert(store_close(&store));
}
END_TEST

static _Atomic int64_t written;

static void
count_written(struct store_job *job, void *arg)
{
	(void)arg;
	atomic_fetch_add(&written, store_job_outcome(job) == STORE_OK);
}

START_TEST(the_wal_is_checkpointed_and_begun_anew)
{
	struct store *store = kit_open();
	struct store_stats stats;
	char *text = malloc(100001);

	memset(text, 'x', 100000);
	text[100000] = '\0';
	for (int i = 0; i < 1000; i++) {
		store_write(kit_row(store, i, text), count_written, NULL);
		if (i % 50 == 49)
			kit_wait(&written, i + 1);
	}
	free(text);
	store_stats(store, &stats);
	ck_assert_uint_gt(stats.checkpoints, 0);
	ck_assert_uint_lt(stats.wal_bytes, (uint64_t)128 * 1024 * 1024);
	ck_assert(store_close(&store));
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("store care");
	TCase *tc = tcase_create("store care");

	tcase_add_checked_fixture(tc, kit_setup, kit_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_backup_is_whole_though_writes_go_on);
	tcase_add_test(tc, a_backup_that_fails_says_why);
	tcase_add_test(tc, a_database_is_looked_at_and_left_alone);
	tcase_add_test(tc, slices_delete_all_that_they_name);
	tcase_add_test(tc, closing_commits_what_is_queued);
	tcase_add_test(tc, the_wal_is_checkpointed_and_begun_anew);
	suite_add_tcase(s, tc);
	return s;
}
