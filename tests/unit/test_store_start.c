/*
 * The store's start: terms and keys, steps of the schema, and what is refused.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store_kit.h"

Suite *suite(void);

START_TEST(terms_rise_and_keys_stay)
{
	struct store *store = kit_open();
	uint8_t key[STORE_HASH_KEY_LEN], secret[16], again[16];

	ck_assert_int_eq(store_term(store), 1);
	memcpy(key, store_hash_key(store), sizeof key);
	ck_assert(store_secret(store, "archive-id", secret, sizeof secret));
	ck_assert(store_close(&store));
	store = kit_open();
	ck_assert_int_eq(store_term(store), 2);
	ck_assert_mem_eq(store_hash_key(store), key, sizeof key);
	ck_assert(store_secret(store, "archive-id", again, sizeof again));
	ck_assert_mem_eq(secret, again, sizeof secret);
	ck_assert_mem_ne(secret, key, sizeof secret);
	ck_assert(store_position(2, 1) > store_position(1, ((int64_t)1 << STORE_COUNT_BITS) - 1));
	ck_assert(store_position(((int64_t)1 << STORE_TERM_BITS) - 1, 1) > 0);
	ck_assert(store_close(&store));
}
END_TEST

static void
expect_refusal(const struct store_schema *schema, const char *what)
{
	char *error = NULL;
	struct store *store = kit_try_open(schema, &error);

	ck_assert_ptr_null(store);
	ck_assert_ptr_nonnull(error);
	ck_assert_msg(strstr(error, what) != NULL, "\"%s\" lacks \"%s\"", error, what);
	free(error);
}

START_TEST(a_second_daemon_is_refused)
{
	struct store *store = kit_open();

	expect_refusal(&kit_schema, "in use by another linnetd");
	ck_assert(store_close(&store));
	store = kit_open();
	ck_assert(store_close(&store));
}
END_TEST

#define STEP_1 "CREATE TABLE kit_row (id INTEGER PRIMARY KEY)"
#define STEP_2 "ALTER TABLE kit_row ADD COLUMN text TEXT; INSERT INTO kit_row VALUES (1, 'new')"

START_TEST(steps_are_applied_once_and_in_order)
{
	static const char *const one[] = { STEP_1, NULL };
	static const char *const two[] = { STEP_1, STEP_2, NULL };
	static const char *const changed[] = { "CREATE TABLE kit_row (id INTEGER)", STEP_2, NULL };
	static const char *const broken[] = { STEP_1, STEP_2, "CREATE TABEL x", NULL };
	static const struct store_schema with_one = { "kit", "row", one };
	static const struct store_schema with_two = { "kit", "row", two };
	static const struct store_schema with_changed = { "kit", "row", changed };
	static const struct store_schema with_broken = { "kit", "row", broken };
	char *error;
	struct store *store = kit_try_open(&with_one, &error);

	ck_assert(store_close(&store));
	for (int i = 0; i < 2; i++) {
		store = kit_try_open(&with_two, &error);
		ck_assert_ptr_nonnull(store);
		ck_assert_int_eq(kit_rows(store), 1);
		ck_assert(store_close(&store));
	}
	expect_refusal(&with_one, "newer than this program");
	expect_refusal(&with_changed, "was changed");
	expect_refusal(&with_broken, "syntax error");
	store = kit_try_open(&with_two, &error);
	ck_assert_int_eq(kit_rows(store), 1);
	ck_assert_int_eq(store_term(store), 4); /* refused starts take none */
	ck_assert(store_close(&store));
}
END_TEST

START_TEST(a_module_can_bring_its_tables_later)
{
	static const char *const steps[] = { "CREATE TABLE late_row (id INTEGER PRIMARY KEY)",
		NULL };
	static const char *const wrong[] = { "CREATE TABLE late_row (id INTEGER)", NULL };
	static const struct store_schema late = { "late", "row", steps }, *late_p = &late;
	static const struct store_schema bad_late = { "bad", "row", wrong }, *bad_p = &bad_late;
	static const struct store_sql count = { "SELECT COUNT(*) FROM late_row" };
	struct store *store = kit_open();
	char *error;

	ck_assert_int_eq(kit_int(store, &count), -1);
	ck_assert(store_migrate(store, &late_p, 1, &error));
	ck_assert_int_eq(kit_int(store, &count), 0);
	ck_assert(!store_migrate(store, &bad_p, 1, &error));
	ck_assert_ptr_nonnull(strstr(error, "already exists"));
	free(error);
	ck_assert_int_eq(kit_rows(store), 0);
	ck_assert(store_close(&store));
}
END_TEST

static void
write_file(const char *name, const char *text, size_t len)
{
	char *path = kit_path(name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
	close(fd);
	free(path);
}

START_TEST(what_is_no_database_is_refused)
{
	char junk[8192];

	memset(junk, 'j', sizeof junk);
	write_file("linnet.db", junk, sizeof junk);
	expect_refusal(&kit_schema, "no database");
}
END_TEST

START_TEST(a_database_of_another_program_is_refused)
{
	char *path = kit_path("linnet.db");
	sqlite3 *db;

	sqlite3_open(path, &db);
	sqlite3_exec(db, "CREATE TABLE entity (x)", NULL, NULL, NULL);
	sqlite3_close(db);
	expect_refusal(&kit_schema, "another program");
	free(path);
}
END_TEST

START_TEST(a_damaged_database_is_refused)
{
	struct store *store = kit_open();
	char *path, junk[4096];
	int fd;

	ck_assert(store_close(&store));
	path = kit_path("linnet.db");
	fd = open(path, O_WRONLY);
	memset(junk, 0x55, sizeof junk);
	ck_assert_int_eq(pwrite(fd, junk, sizeof junk - 100, 100), (ssize_t)sizeof junk - 100);
	close(fd);
	free(path);
	expect_refusal(&kit_schema, "damaged");
}
END_TEST

START_TEST(a_missing_directory_is_refused)
{
	struct store_conf conf = { .dir = "/nonexistent/linnet" };
	char *error = NULL;

	ck_assert_ptr_null(store_open(&conf, NULL, 0, &error));
	ck_assert_ptr_nonnull(strstr(error, "/nonexistent/linnet"));
	ck_assert_ptr_nonnull(strstr(error, "No such file"));
	free(error);
}
END_TEST

START_TEST(a_disk_that_cannot_be_written_is_refused)
{
	testvfs_full_after(0);
	expect_refusal(&kit_schema, "full");
	testvfs_heal();
	testvfs_fail_at(1, SQLITE_READONLY, true);
	expect_refusal(&kit_schema, "");
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("store start");
	TCase *tc = tcase_create("store start");

	tcase_add_checked_fixture(tc, kit_setup, kit_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, terms_rise_and_keys_stay);
	tcase_add_test(tc, a_second_daemon_is_refused);
	tcase_add_test(tc, steps_are_applied_once_and_in_order);
	tcase_add_test(tc, a_module_can_bring_its_tables_later);
	tcase_add_test(tc, what_is_no_database_is_refused);
	tcase_add_test(tc, a_database_of_another_program_is_refused);
	tcase_add_test(tc, a_damaged_database_is_refused);
	tcase_add_test(tc, a_missing_directory_is_refused);
	tcase_add_test(tc, a_disk_that_cannot_be_written_is_refused);
	suite_add_tcase(s, tc);
	return s;
}
