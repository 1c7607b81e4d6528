/*
 * The store's jobs: batches, isolation, order, reads after writes, completions.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "net/worker.h"
#include "store_kit.h"

Suite *suite(void);

/* --- jobs -------------------------------------------------------------------------------- */

START_TEST(a_job_is_stored_and_read_back)
{
	struct store *store = kit_open();
	struct store_job *job = kit_row(store, 1, "one");
	const struct store_row *row;

	ck_assert_int_eq(store_run_write(job), STORE_OK);
	ck_assert_int_eq(store_changes(job, 0), 1);
	store_job_free(&job);

	job = store_job_new(store, "test");
	store_add(job, &kit_text, store_int(1));
	store_add(job, &kit_text, store_int(2));
	ck_assert_int_eq(store_run_read(job, 0), STORE_OK);
	row = store_rows(job, 0);
	ck_assert_str_eq(row->cell[0].bytes, "one");
	ck_assert_uint_eq(row->cell[0].len, 3);
	ck_assert_ptr_null(row->next);
	ck_assert_ptr_null(store_rows(job, 1));
	store_job_free(&job);
	ck_assert(store_close(&store));
}
END_TEST

static void
comes_back(struct store_job *job, void *arg)
{
	*(enum store_outcome *)arg = store_job_outcome(job);
}

static void
not_backed_up(void *arg, bool ok, const char *error)
{
	ck_assert(!ok);
	ck_assert_str_eq(error, "the store is closed");
	*(bool *)arg = true;
}

/* A post or a timer may come late: it needs no guard. */
START_TEST(closed_store_gives_jobs_back)
{
	struct store *store = kit_open();
	enum store_outcome written = STORE_OK, read = STORE_OK;
	bool told = false;
	char *error;
	struct store_job *job;

	ck_assert(store_stop(store));
	ck_assert(store_stop(store));
	store_write(kit_row(store, 1, "late"), comes_back, &written);
	ck_assert_int_eq(written, STORE_DISK);
	job = store_job_new(store, "test");
	store_add(job, &kit_text, store_int(1));
	store_read(job, 0, comes_back, &read);
	ck_assert_int_eq(read, STORE_DISK);
	job = kit_row(store, 2, "late");
	ck_assert_int_eq(store_run_write(job), STORE_DISK);
	ck_assert_int_eq(store_run_read(job, 99), STORE_DISK);
	store_job_free(&job);
	store_backup(store, "/nowhere", not_backed_up, &told);
	ck_assert(told);
	ck_assert(!store_migrate(store, NULL, 0, &error));
	free(error);
	ck_assert(store_close(&store));
	store = kit_open();
	ck_assert_int_eq(kit_rows(store), 0);
	ck_assert(store_close(&store));
}
END_TEST

START_TEST(all_types_come_back_as_they_went)
{
	static const struct store_sql sql = { "SELECT ?, ?, ?, ?, ?" };
	static const char blob[] = { 0, 1, 0, (char)255 };
	struct store *store = kit_open();
	struct store_job *job = store_job_new(store, "test");
	const struct store_cell *cell;

	store_add(job, &sql, store_int(INT64_MIN), store_text("t\xc3\xa4xt"),
	    store_blob(blob, sizeof blob), store_text(NULL), store_blob("", 0));
	ck_assert_int_eq(store_run_read(job, 0), STORE_OK);
	cell = store_rows(job, 0)->cell;
	ck_assert_int_eq(cell[0].type, STORE_ARG_INT);
	ck_assert(cell[0].integer == INT64_MIN);
	ck_assert_str_eq(cell[1].bytes, "t\xc3\xa4xt");
	ck_assert_uint_eq(cell[2].len, sizeof blob);
	ck_assert_mem_eq(cell[2].bytes, blob, sizeof blob);
	ck_assert_int_eq(cell[3].type, STORE_ARG_NULL);
	ck_assert_int_eq(cell[4].type, STORE_ARG_BLOB);
	ck_assert_uint_eq(cell[4].len, 0);
	store_job_free(&job);
	ck_assert(store_close(&store));
}
END_TEST

START_TEST(a_failed_job_is_undone_whole_and_alone)
{
	struct store *store = kit_open();
	struct store_job *good = kit_row(store, 1, "one");
	struct store_job *bad = kit_row(store, 2, "two");

	store_add(bad, &kit_insert, store_int(1), store_text("again"));
	ck_assert_int_eq(store_run_write(good), STORE_OK);
	ck_assert_int_eq(store_run_write(bad), STORE_CONSTRAINT);
	ck_assert_str_ne(store_job_error(bad), "");
	store_job_free(&good);
	store_job_free(&bad);
	ck_assert_int_eq(kit_rows(store), 1);
	ck_assert(store_close(&store));
}
END_TEST

START_TEST(outcomes_name_the_kind_of_failure)
{
	static const struct store_sql late = {
		"INSERT INTO kit_row (id, text, owner) VALUES (1, 'x', 4711)"
	};
	static const struct store_sql wrong = { "INSERT INTO nowhere VALUES (1)" };
	static const struct store_sql none = { "DELETE FROM kit_row WHERE id = 99" };
	static const struct store_sql null = { "INSERT INTO kit_row (id) VALUES (1)" };
	static const struct {
		const struct store_sql *sql;
		bool must;
		enum store_outcome outcome;
	} cases[] = {
		{ &late, false, STORE_LATE }, { &wrong, false, STORE_INTERNAL },
		{ &null, false, STORE_CONSTRAINT }, { &none, false, STORE_OK },
		{ &none, true, STORE_UNMET },
		{ &kit_insert, false, STORE_INTERNAL }, /* too few arguments */
	};
	struct store *store = kit_open();

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct store_job *job = kit_row(store, 7, "undone");

		store_add(job, cases[i].sql);
		if (cases[i].must)
			store_must(job);
		ck_assert_int_eq(store_run_write(job), cases[i].outcome);
		store_job_free(&job);
		ck_assert_int_eq(kit_rows(store), cases[i].outcome == STORE_OK ? 1 : 0);
		if (cases[i].outcome == STORE_OK) {
			static const struct store_sql all = { "DELETE FROM kit_row" };

			job = store_job_new(store, "test");
			store_add(job, &all);
			ck_assert_int_eq(store_run_write(job), STORE_OK);
			store_job_free(&job);
		}
	}
	ck_assert(store_close(&store));
}
END_TEST

START_TEST(a_step_takes_what_an_earlier_one_gave)
{
	static const struct store_sql returning = {
		"INSERT INTO kit_row (text) VALUES (?) RETURNING id, text"
	};
	static const struct store_sql copy = { "INSERT INTO kit_row (id, text) VALUES (? + 1, ?)" };
	struct store *store = kit_open();
	struct store_job *job = store_job_new(store, "test");
	unsigned step = store_add(job, &returning, store_text("first"));

	store_add(job, &copy, store_from(step, 0), store_from(step, 1));
	ck_assert_int_eq(store_run_write(job), STORE_OK);
	ck_assert_int_eq(store_rows(job, step)->cell[0].integer, 1);
	store_job_free(&job);

	job = store_job_new(store, "test");
	store_add(job, &kit_text, store_int(2));
	ck_assert_int_eq(store_run_read(job, 0), STORE_OK);
	ck_assert_str_eq(store_rows(job, 0)->cell[0].bytes, "first");
	store_job_free(&job);
	ck_assert(store_close(&store));
}
END_TEST

/* --- batches -------------------------------------------------------------------------------- */

static _Atomic int64_t completions;
static int64_t last_seen;

static void
in_order(struct store_job *job, void *arg)
{
	ck_assert_int_eq(store_job_outcome(job), STORE_OK);
	ck_assert_int_eq((intptr_t)arg, last_seen + 1);
	last_seen++;
	atomic_fetch_add(&completions, 1);
}

START_TEST(jobs_that_wait_share_a_transaction_and_keep_their_order)
{
	struct store *store = kit_open();
	struct store_stats before, after;

	store_stats(store, &before);
	testvfs_slow(100);
	for (intptr_t i = 1; i <= 1000; i++)
		store_write(kit_row(store, i, "row"), in_order, (void *)i);
	kit_wait(&completions, 1000);
	testvfs_slow(0);
	store_stats(store, &after);
	ck_assert_uint_eq(after.jobs - before.jobs, 1000);
	ck_assert_uint_le(after.batches - before.batches, 4);
	ck_assert_int_eq(kit_rows(store), 1000);
	ck_assert(store_close(&store));
}
END_TEST

static _Atomic int64_t good, bad;

static void
count_outcome(struct store_job *job, void *arg)
{
	(void)arg;
	atomic_fetch_add(store_job_outcome(job) == STORE_OK ? &good : &bad, 1);
}

START_TEST(a_bad_job_in_a_batch_harms_nobody)
{
	struct store *store = kit_open();

	testvfs_slow(50);
	for (int i = 0; i < 300; i++) {
		struct store_job *job = kit_row(store, i, "row");

		if (i % 3 == 2) /* two steps, of which the second fails */
			store_add(job, &kit_insert, store_int(0), store_text("double"));
		store_write(job, count_outcome, NULL);
		store_write(kit_row(store, 0, "double"), count_outcome, NULL);
	}
	testvfs_slow(0);
	kit_wait(&bad, 400);
	kit_wait(&good, 200);
	ck_assert_int_eq(kit_rows(store), 200);
	ck_assert(store_close(&store));
	ck_assert_int_eq(bad, 400);
}
END_TEST

START_TEST(a_refused_commit_fails_the_guilty_job_alone)
{
	static const char *const steps[] = {
		"CREATE TABLE kit_row (id INTEGER PRIMARY KEY, text TEXT,"
		" owner INTEGER REFERENCES entity (number) DEFERRABLE INITIALLY DEFERRED)",
		NULL,
	};
	static const struct store_schema schema = { "kit", "row", steps };
	static const struct store_sql deferred = {
		"INSERT INTO kit_row (id, text, owner) VALUES (?, 'x', 4711)"
	};
	char *error;
	struct store *store = kit_try_open(&schema, &error);

	ck_assert_ptr_nonnull(store);
	testvfs_slow(50);
	for (int i = 0; i < 30; i++) {
		struct store_job *job = store_job_new(store, "test");

		store_add(job, i == 17 ? &deferred : &kit_insert, store_int(i), store_text("row"));
		if (i == 17) {
			store_job_free(&job);
			job = store_job_new(store, "test");
			store_add(job, &deferred, store_int(i));
		}
		store_write(job, count_outcome, NULL);
	}
	testvfs_slow(0);
	kit_wait(&bad, 1);
	kit_wait(&good, 29);
	ck_assert_int_eq(kit_rows(store), 29);
	ck_assert(store_close(&store));
}
END_TEST

/* --- reads ------------------------------------------------------------------------------------ */

static void
expect_row(struct store_job *job, void *arg)
{
	(void)arg;
	ck_assert_int_eq(store_job_outcome(job), STORE_OK);
	ck_assert_ptr_nonnull(store_rows(job, 0));
	atomic_fetch_add(&completions, 1);
}

START_TEST(a_read_sees_the_write_that_it_names)
{
	struct store *store = kit_open();

	for (int i = 1; i <= 500; i++) {
		uint64_t seq = store_write(kit_row(store, i, "row"), NULL, NULL);
		struct store_job *job = store_job_new(store, "test");

		store_add(job, &kit_text, store_int(i));
		store_read(job, seq, expect_row, NULL);
	}
	kit_wait(&completions, 500);
	ck_assert(store_close(&store));
}
END_TEST

START_TEST(a_read_that_lasts_too_long_is_ended)
{
	static const struct store_sql endless = {
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
		" SELECT SUM(i) FROM n"
	};
	struct store *store = kit_open();
	struct store_job *job = store_job_new(store, "test");

	store_add(job, &endless);
	ck_assert_int_eq(store_run_read(job, 0), STORE_INTERNAL);
	store_job_free(&job);
	ck_assert_int_eq(kit_rows(store), 0);
	ck_assert(store_close(&store));
}
END_TEST

START_TEST(a_read_cannot_write)
{
	struct store *store = kit_open();
	struct store_job *job = kit_row(store, 1, "no");

	ck_assert_int_ne(store_run_read(job, 0), STORE_OK);
	store_job_free(&job);
	ck_assert_int_eq(kit_rows(store), 0);
	ck_assert(store_close(&store));
}
END_TEST

/* --- workers --------------------------------------------------------------------------------- */

static struct worker *asked;
static unsigned turns, here;

static void
at_home(struct store_job *job, void *arg)
{
	(void)job;
	(void)arg;
	ck_assert_ptr_eq(worker_current(), asked);
	here++;
}

START_TEST(completions_come_home_in_one_post)
{
	struct store *store = kit_open();
	struct store_stats stats;
	struct worker *outer;
	uint64_t jobs;

	workers_start_unthreaded(2);
	asked = worker_get(1);
	store_stats(store, &stats);
	jobs = stats.jobs;
	outer = worker_enter(asked);
	testvfs_slow(50);
	for (int i = 0; i < 100; i++)
		store_write(kit_row(store, i, "row"), at_home, NULL);
	testvfs_slow(0);
	do {
		kit_pause(1);
		store_stats(store, &stats);
	} while (stats.jobs - jobs < 100);
	while (here < 100 && turns++ < 1000)
		worker_turn(asked, true);
	ck_assert_uint_eq(here, 100);
	ck_assert_uint_lt(turns, 10);
	worker_enter(outer);
	ck_assert(store_close(&store));
	workers_stop();
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("store");
	TCase *tc = tcase_create("store");

	tcase_add_checked_fixture(tc, kit_setup, kit_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_job_is_stored_and_read_back);
	tcase_add_test(tc, closed_store_gives_jobs_back);
	tcase_add_test(tc, all_types_come_back_as_they_went);
	tcase_add_test(tc, a_failed_job_is_undone_whole_and_alone);
	tcase_add_test(tc, outcomes_name_the_kind_of_failure);
	tcase_add_test(tc, a_step_takes_what_an_earlier_one_gave);
	tcase_add_test(tc, jobs_that_wait_share_a_transaction_and_keep_their_order);
	tcase_add_test(tc, a_bad_job_in_a_batch_harms_nobody);
	tcase_add_test(tc, a_refused_commit_fails_the_guilty_job_alone);
	tcase_add_test(tc, a_read_sees_the_write_that_it_names);
	tcase_add_test(tc, a_read_that_lasts_too_long_is_ended);
	tcase_add_test(tc, a_read_cannot_write);
	tcase_add_test(tc, completions_come_home_in_one_post);
	suite_add_tcase(s, tc);
	return s;
}
