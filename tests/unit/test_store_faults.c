/*
 * The store on a disk that fails: at every access in turn, for good, for a
 * while, when it is full, when it hangs. Whatever happens, what was
 * acknowledged is there, and nothing is there twice.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "net/worker.h"
#include "store_kit.h"

Suite *suite(void);

static const struct store_sql insert = { "INSERT INTO kit_row (text) VALUES (?)" };
static const struct store_sql count_text = { "SELECT COUNT(*) FROM kit_row WHERE text = ?" };

/* What is told of one job. */
struct told {
	_Atomic int done;
	enum store_outcome outcome;
};

static _Atomic int64_t told_count;

static void
tell(struct store_job *job, void *arg)
{
	struct told *told = arg;

	told->outcome = store_job_outcome(job);
	atomic_fetch_add(&told->done, 1);
	atomic_fetch_add(&told_count, 1);
}

/* A job of `steps` rows of the same text; one row more is refused if `bad`. */
static void
submit(struct store *store, const char *text, unsigned steps, bool bad, struct told *told)
{
	struct store_job *job = store_job_new(store, "test");

	for (unsigned i = 0; i < steps; i++)
		store_add(job, &insert, store_text(text));
	if (bad)
		store_add(job, &insert, store_text(NULL));
	store_write(job, tell, told);
}

static int64_t
rows_of(struct store *store, const char *text)
{
	struct store_job *job = store_job_new(store, "test");
	int64_t rows;

	store_add(job, &count_text, store_text(text));
	ck_assert_int_eq(store_run_read(job, 0), STORE_OK);
	rows = store_rows(job, 0)->cell[0].integer;
	store_job_free(&job);
	return rows;
}

/* --- one failure, at each access in turn ------------------------------------------------- */

static const int codes[] = { SQLITE_IOERR, SQLITE_IOERR_FSYNC, SQLITE_FULL, SQLITE_READONLY,
	SQLITE_BUSY, SQLITE_CORRUPT };

/* One round; false if it needed fewer accesses than the one that was to fail. */
static bool
round_with_failure(struct store *store, int64_t at, int code)
{
	static const unsigned steps[] = { 1, 3, 1, 2, 1 };
	struct told told[5] = { { 0 } };
	char text[5][32];
	int64_t told_before = atomic_load(&told_count);
	bool failed;

	testvfs_heal();
	testvfs_fail_at(at, code, false);
	for (size_t i = 0; i < 5; i++) {
		snprintf(text[i], sizeof text[i], "%d-%lld-%zu", code, (long long)at, i);
		submit(store, text[i], steps[i], i == 3, &told[i]);
	}
	kit_wait(&told_count, told_before + 5);
	failed = testvfs_accesses() >= at;
	testvfs_heal();
	for (size_t i = 0; i < 5; i++) {
		ck_assert_int_eq(told[i].done, 1);
		ck_assert_int_eq(told[i].outcome, i == 3 ? STORE_CONSTRAINT : STORE_OK);
		ck_assert_int_eq(rows_of(store, text[i]), i == 3 ? 0 : steps[i]);
	}
	return failed;
}

START_TEST(a_failure_at_any_access_is_healed_by_trying_again)
{
	struct store *store = kit_open();
	int64_t at = 1;

	while (round_with_failure(store, at, codes[_i]))
		at++;
	ck_assert_int_gt(at, 5);
	ck_assert(!store_failing(store));
	ck_assert(store_close(&store));
}
END_TEST

/* --- a disk that dies for good --------------------------------------------------------------- */

#define DYING_JOBS 6

static void
check_survivors(const struct told *told, const unsigned *steps)
{
	struct store *store = kit_open();

	for (size_t i = 0; i < DYING_JOBS; i++) {
		char text[16];
		int64_t rows;

		snprintf(text, sizeof text, "job-%zu", i);
		rows = rows_of(store, text);
		if (told[i].done == 1 && told[i].outcome == STORE_OK)
			ck_assert_int_eq(rows, steps[i]);
		else
			ck_assert(rows == 0 || rows == steps[i]);
	}
	ck_assert(store_close(&store));
}

START_TEST(a_disk_that_dies_keeps_what_was_acknowledged)
{
	static const unsigned steps[DYING_JOBS] = { 1, 2, 1, 3, 1, 1 };
	bool lost = true;

	for (int64_t at = 1; lost; at++) {
		struct told told[DYING_JOBS] = { { 0 } };
		struct store *store;

		kit_teardown();
		kit_setup();
		store = kit_open();
		testvfs_fail_at(at, SQLITE_IOERR, true);
		for (size_t i = 0; i < DYING_JOBS; i++) {
			char text[16];

			snprintf(text, sizeof text, "job-%zu", i);
			submit(store, text, steps[i], false, &told[i]);
			if (i % 2 == 1)
				kit_pause(2);
		}
		lost = !store_close(&store);
		testvfs_heal();
		for (size_t i = 0; i < DYING_JOBS; i++)
			ck_assert_int_eq(told[i].done, 1);
		check_survivors(told, steps);
	}
}
END_TEST

/* --- a process that is killed ------------------------------------------------------------------ */

static int acknowledged; /* pipe */

static void
acknowledge(struct store_job *job, void *arg)
{
	int64_t id = (intptr_t)arg;

	ck_assert_int_eq(store_job_outcome(job), STORE_OK);
	ck_assert_int_eq(write(acknowledged, &id, sizeof id), sizeof id);
}

/* Two rows a job, so that half a job would be seen. */
static void
write_for_ever(int64_t id)
{
	struct store *store = kit_open();

	for (;; id++) {
		struct store_job *job = kit_row(store, 2 * id, "row");

		store_add(job, &kit_insert, store_int(2 * id + 1), store_text("row"));
		store_write(job, acknowledge, (void *)(intptr_t)id);
		if (id % 64 == 0)
			kit_pause(1);
	}
}

/* Returns the id after the last one that was acknowledged. */
static int64_t
killed_after(int ms, int64_t id)
{
	int ends[2];
	int64_t seen;
	pid_t child;

	ck_assert_int_eq(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		acknowledged = ends[1];
		close(ends[0]);
		write_for_ever(id);
	}
	close(ends[1]);
	kit_pause(ms);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	while (read(ends[0], &seen, sizeof seen) == sizeof seen) {
		ck_assert_int_eq(seen, id);
		id++;
	}
	close(ends[0]);
	return id;
}

static int64_t
rows_below(struct store *store, int64_t id)
{
	static const struct store_sql sql = { "SELECT COUNT(*) FROM kit_row WHERE id < ?" };
	struct store_job *job = store_job_new(store, "test");
	int64_t rows;

	store_add(job, &sql, store_int(id));
	ck_assert_int_eq(store_run_read(job, 0), STORE_OK);
	rows = store_rows(job, 0)->cell[0].integer;
	store_job_free(&job);
	return rows;
}

START_TEST(a_killed_process_keeps_what_was_acknowledged)
{
	int64_t next = 0;

	for (int i = 0; i < 15; i++) {
		int64_t last = killed_after(20 + 7 * i, next), rows;
		struct store *store = kit_open();

		ck_assert_int_eq(rows_below(store, 2 * last), 2 * last);
		rows = kit_rows(store);
		ck_assert_int_eq(rows % 2, 0);
		next = rows / 2;
		kit_check();
		ck_assert(store_close(&store));
	}
	ck_assert_int_gt(next, 0);
}
END_TEST

/* --- opening ------------------------------------------------------------------------------------ */

START_TEST(a_failure_while_opening_is_refused_and_harmless)
{
	struct store *store = kit_open();
	struct store_job *job;
	int64_t at = 1, term = 0;
	char *error;

	job = kit_row(store, 1, "kept");
	ck_assert_int_eq(store_run_write(job), STORE_OK);
	store_job_free(&job);
	ck_assert(store_close(&store));
	for (;; at++) {
		testvfs_fail_at(at, SQLITE_IOERR, true);
		store = kit_try_open(&kit_schema, &error);
		testvfs_heal();
		if (store != NULL)
			break;
		ck_assert_ptr_nonnull(error);
		free(error);
		/* Whatever state that left, a working disk opens it. */
		store = kit_open();
		ck_assert_int_gt(store_term(store), term);
		term = store_term(store);
		ck_assert(store_close(&store));
	}
	ck_assert_int_gt(at, 3);
	ck_assert_int_gt(store_term(store), term);
	ck_assert_int_eq(kit_rows(store), 1);
	ck_assert(store_close(&store));
}
END_TEST

/* --- stalls ------------------------------------------------------------------------------------ */

static unsigned lines_begun, lines_over;

static void
see_line(void *arg, const char *line)
{
	(void)arg;
	if (strstr(line, "stalled,") != NULL)
		lines_begun++;
	if (strstr(line, "stall is over") != NULL)
		lines_over++;
}

static _Atomic int64_t begun, over;

static void
stall_changed(void *arg, bool stalled)
{
	(void)arg;
	atomic_fetch_add(stalled ? &begun : &over, 1);
}

static bool
wait_stalled(struct store *store, bool wanted)
{
	for (int i = 0; i < 5000 && store_stalled(store) != wanted; i++)
		kit_pause(1);
	return store_stalled(store) == wanted;
}

START_TEST(a_full_disk_stalls_the_store_until_there_is_room)
{
	struct told told[10] = { { 0 } };
	struct store *store;
	struct worker *outer;

	log_capture(see_line, NULL);
	workers_start_unthreaded(1);
	outer = worker_enter(NULL);
	store = kit_open();
	store_on_stall(store, worker_get(0), stall_changed, NULL);
	testvfs_full_after(0);
	/* What the WAL has room for already may still be written. */
	for (size_t i = 0; i < 10; i++)
		submit(store, "waits", 1, false, &told[i]);
	ck_assert(wait_stalled(store, true));
	ck_assert(store_failing(store));
	ck_assert_int_eq(told[9].done, 0);
	kit_pause(300);
	ck_assert_int_eq(told[9].done, 0);
	testvfs_heal();
	kit_wait(&told_count, 10);
	ck_assert(wait_stalled(store, false));
	ck_assert(!store_failing(store));
	ck_assert_int_eq(rows_of(store, "waits"), 10);
	for (int i = 0; i < 10 && over == 0; i++)
		worker_turn(worker_get(0), false);
	ck_assert_int_eq(begun, 1);
	ck_assert_int_eq(over, 1);
	ck_assert(store_close(&store));
	worker_enter(outer);
	workers_stop();
	log_capture(NULL, NULL);
	ck_assert_uint_eq(lines_begun, 1);
	ck_assert_uint_eq(lines_over, 1);
}
END_TEST

START_TEST(a_disk_that_hangs_stalls_the_store_without_an_error)
{
	struct told told = { 0 };
	struct store *store = kit_open();

	testvfs_slow(2500);
	submit(store, "late", 1, false, &told);
	ck_assert(wait_stalled(store, true));
	ck_assert(!store_failing(store));
	testvfs_heal();
	kit_wait(&told_count, 1);
	ck_assert(wait_stalled(store, false));
	ck_assert(store_close(&store));
}
END_TEST

START_TEST(too_much_in_the_queue_stalls_the_store_at_once)
{
	struct store *store = kit_open();
	struct told told[70] = { { 0 } };
	char *text = malloc(1 << 20);

	memset(text, 'x', (1 << 20) - 1);
	text[(1 << 20) - 1] = '\0';
	testvfs_slow(400);
	for (size_t i = 0; i < 70; i++)
		submit(store, text, 1, false, &told[i]);
	ck_assert(store_stalled(store));
	testvfs_heal();
	kit_wait(&told_count, 70);
	ck_assert(wait_stalled(store, false));
	ck_assert(store_close(&store));
	free(text);
}
END_TEST

/* --- reads -------------------------------------------------------------------------------------- */

static enum store_outcome
read_all(struct store *store)
{
	static const struct store_sql sql = { "SELECT SUM(LENGTH(text)) FROM kit_row" };
	struct store_job *job = store_job_new(store, "test");
	enum store_outcome outcome;

	store_add(job, &sql);
	outcome = store_run_read(job, 0);
	store_job_free(&job);
	return outcome;
}

START_TEST(a_read_is_tried_again_and_then_given_back)
{
	struct store *store = kit_open();
	struct told told[12] = { { 0 } };
	char *text = malloc(1 << 20);

	memset(text, 'x', (1 << 20) - 1);
	text[(1 << 20) - 1] = '\0';
	for (size_t i = 0; i < 12; i++)
		submit(store, text, 1, false, &told[i]);
	kit_wait(&told_count, 12);
	testvfs_fail_at(1, SQLITE_IOERR, false);
	ck_assert_int_eq(read_all(store), STORE_OK);
	testvfs_fail_at(1, SQLITE_IOERR, true);
	ck_assert_int_eq(read_all(store), STORE_DISK);
	testvfs_heal();
	ck_assert_int_eq(read_all(store), STORE_OK);
	ck_assert(store_close(&store));
	free(text);
}
END_TEST

/* --- the control file ------------------------------------------------------------------------------ */

static void
control(const char *path, const char *line)
{
	FILE *file = fopen(path, "w");

	fputs(line, file);
	fclose(file);
}

START_TEST(a_file_tells_the_disk_what_to_do)
{
	char *path = kit_path("control");
	struct told told[2] = { { 0 } };
	struct store *store;

	control(path, "ok\n");
	testvfs_control(path);
	store = kit_open();
	submit(store, "before", 1, false, &told[0]);
	kit_wait(&told_count, 1);
	control(path, "fail\n");
	submit(store, "during", 1, false, &told[1]);
	ck_assert(wait_stalled(store, true));
	ck_assert_int_eq(rows_of(store, "before"), 1);
	ck_assert_int_eq(told[1].done, 0);
	control(path, "ok\n");
	kit_wait(&told_count, 2);
	ck_assert(wait_stalled(store, false));
	ck_assert(store_close(&store));
	free(path);
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("store_faults");
	TCase *tc = tcase_create("faults");

	tcase_add_checked_fixture(tc, kit_setup, kit_teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, a_failure_at_any_access_is_healed_by_trying_again, 0,
	    sizeof codes / sizeof codes[0]);
	tcase_add_test(tc, a_disk_that_dies_keeps_what_was_acknowledged);
	tcase_add_test(tc, a_killed_process_keeps_what_was_acknowledged);
	tcase_add_test(tc, a_failure_while_opening_is_refused_and_harmless);
	tcase_add_test(tc, a_full_disk_stalls_the_store_until_there_is_room);
	tcase_add_test(tc, a_disk_that_hangs_stalls_the_store_without_an_error);
	tcase_add_test(tc, too_much_in_the_queue_stalls_the_store_at_once);
	tcase_add_test(tc, a_read_is_tried_again_and_then_given_back);
	tcase_add_test(tc, a_file_tells_the_disk_what_to_do);
	suite_add_tcase(s, tc);
	return s;
}
