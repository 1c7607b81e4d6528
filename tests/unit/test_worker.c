/*
 * Workers: posts, turns, timers, start and stop.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "net/timer.h"
#include "net/worker.h"

Suite *suite(void);

/* --- without threads --------------------------------------------------------- */

struct note {
	struct post post;
	int value;
};

static int seen[64];
static unsigned n_seen;

static void
take_note(struct worker *worker, struct post *post)
{
	struct note *note = (struct note *)post;

	ck_assert_ptr_eq(worker, worker_current());
	seen[n_seen++] = note->value;
	free(note);
}

static struct note *
new_note(int value)
{
	struct note *note = xcalloc(1, sizeof *note);

	note->post.run = take_note;
	note->value = value;
	return note;
}

static void
relay(struct worker *worker, struct post *post)
{
	for (int i = 0; i < 3; i++)
		worker_post(worker_get(1), &new_note(i)->post);
	free(post);
}

START_TEST(posts_leave_at_the_end_of_the_turn_in_order)
{
	struct post *post = xcalloc(1, sizeof *post);

	n_seen = 0;
	workers_start_unthreaded(2);
	post->run = relay;
	worker_post(worker_get(0), post);
	ck_assert(!worker_turn(worker_get(1), false));
	worker_turn(worker_get(0), false);
	ck_assert_uint_eq(n_seen, 0);
	worker_turn(worker_get(1), false);
	ck_assert_uint_eq(n_seen, 3);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(seen[i], i);
	workers_stop();
}
END_TEST

static void
post_again(struct worker *worker, struct post *post)
{
	free(post);
	worker_post(worker, &new_note(7)->post);
}

static unsigned late_flushes;

/* The first time something comes up for a stage that is over. */
static bool
flush_late(struct worker *worker)
{
	(void)worker;
	if (late_flushes++ == 0)
		worker_again();
	return false;
}

START_TEST(work_for_a_stage_that_is_over_does_not_wait)
{
	late_flushes = 0;
	worker_on_turn(WORKER_FLUSH, flush_late);
	workers_start_unthreaded(1);
	ck_assert(worker_turn(worker_get(0), false));
	ck_assert(!worker_turn(worker_get(0), false));
	ck_assert_uint_eq(late_flushes, 2);
	workers_stop();
}
END_TEST

START_TEST(a_post_to_oneself_waits_for_the_next_turn)
{
	struct post *post = xcalloc(1, sizeof *post);

	n_seen = 0;
	workers_start_unthreaded(1);
	post->run = post_again;
	worker_post(worker_get(0), post);
	ck_assert(worker_turn(worker_get(0), true));
	ck_assert_uint_eq(n_seen, 0);
	ck_assert(!worker_turn(worker_get(0), true));
	ck_assert_uint_eq(n_seen, 1);
	workers_stop();
}
END_TEST

static unsigned serve_slot, flushes;

static bool
serve(struct worker *worker)
{
	intptr_t left = (intptr_t)worker_slot(worker, serve_slot);

	if (left > 0)
		worker_slot_set(worker, serve_slot, (void *)(left - 1));
	return left > 1;
}

static bool
flush(struct worker *worker)
{
	flushes++;
	return false;
}

static void
open_slot(struct worker *worker)
{
	worker_slot_set(worker, serve_slot, (void *)3);
}

static void
close_slot(struct worker *worker)
{
	ck_assert_ptr_eq(worker, worker_current());
	worker_slot_set(worker, serve_slot, NULL);
	flushes = 1000;
}

START_TEST(turns_do_not_wait_while_work_is_left)
{
	serve_slot = worker_slot_new();
	worker_on_open(open_slot);
	worker_on_close(close_slot);
	worker_on_turn(WORKER_SERVE, serve);
	worker_on_turn(WORKER_FLUSH, flush);
	workers_start_unthreaded(1);
	ck_assert(worker_turn(worker_get(0), false));
	ck_assert(worker_turn(worker_get(0), true));
	ck_assert(!worker_turn(worker_get(0), true));
	ck_assert_uint_eq(flushes, 3);
	workers_stop();
	ck_assert_uint_eq(flushes, 1000);
}
END_TEST

/* --- timers ------------------------------------------------------------------ */

static void
note_timer(void *arg)
{
	seen[n_seen++] = (int)(intptr_t)arg;
}

START_TEST(timers_fire_in_order_of_their_time)
{
	struct timer timers[40];
	struct worker *worker;

	n_seen = 0;
	workers_start_unthreaded(1);
	worker = worker_get(0);
	worker_turn(worker, false);
	worker_enter(worker);
	for (int i = 0; i < 40; i++) {
		timer_init(&timers[i], note_timer, (void *)(intptr_t)i);
		timer_set(&timers[i], 1000 + (i * 17) % 40 * 100);
	}
	for (int i = 0; i < 40; i += 2)
		timer_cancel(&timers[i]);
	timer_set(&timers[1], 100000);
	timer_set(&timers[3], 500);
	timer_set_sooner(&timers[5], 90000);
	worker_turn(worker, false);
	ck_assert_uint_eq(n_seen, 0);
	clock_advance(10000);
	worker_turn(worker, false);
	ck_assert_uint_eq(n_seen, 19);
	ck_assert_int_eq(seen[0], 3);
	for (unsigned i = 2; i < n_seen; i++)
		ck_assert_int_lt((seen[i - 1] * 17) % 40, (seen[i] * 17) % 40);
	ck_assert(timer_is_set(&timers[1]));
	ck_assert(!timer_is_set(&timers[5]));
	timer_cancel(&timers[1]);
	worker_enter(worker_main());
	workers_stop();
}
END_TEST

static unsigned again_count;

static void
set_again(void *arg)
{
	again_count++;
	timer_set(arg, 0);
}

START_TEST(a_timer_that_sets_itself_does_not_hold_up_the_turn)
{
	struct timer timer;

	again_count = 0;
	workers_start_unthreaded(1);
	worker_enter(worker_get(0));
	timer_init(&timer, set_again, &timer);
	timer_set(&timer, 0);
	worker_turn(worker_get(0), false);
	ck_assert_uint_eq(again_count, 1);
	worker_turn(worker_get(0), true);
	worker_turn(worker_get(0), true);
	ck_assert_uint_ge(again_count, 2);
	timer_cancel(&timer);
	worker_enter(worker_main());
	workers_stop();
}
END_TEST

/* --- with threads ------------------------------------------------------------ */

#define WORKERS 4
#define POSTS_EACH 250000 /* from one worker, to all others in turn */
#define BATCH 500

struct numbered {
	struct post post;
	unsigned from;
	unsigned number;
};

static unsigned counts_slot;
static atomic_uint received;

struct counts {
	unsigned next[WORKERS]; /* the number to come from each */
	unsigned sent[WORKERS];
	unsigned total_sent;
};

static void
count_numbered(struct worker *worker, struct post *post)
{
	struct numbered *numbered = (struct numbered *)post;
	struct counts *counts = worker_slot(worker, counts_slot);

	if (counts->next[numbered->from]++ != numbered->number)
		abort();
	free(numbered);
	if (atomic_fetch_add(&received, 1) + 1 == WORKERS * POSTS_EACH)
		worker_main_stop();
}

static void
send_numbered(struct worker *worker, struct counts *counts)
{
	unsigned me = worker_index(worker), to = counts->total_sent % WORKERS;
	struct numbered *numbered = xcalloc(1, sizeof *numbered);

	numbered->post.run = count_numbered;
	numbered->from = me;
	numbered->number = counts->sent[to]++;
	counts->total_sent++;
	worker_post(worker_get(to), &numbered->post);
}

static bool
send_batch(struct worker *worker)
{
	struct counts *counts = worker_slot(worker, counts_slot);

	for (unsigned i = 0; i < BATCH && counts->total_sent < POSTS_EACH; i++)
		send_numbered(worker, counts);
	return counts->total_sent < POSTS_EACH;
}

static void
new_counts(struct worker *worker)
{
	worker_slot_set(worker, counts_slot, xcalloc(1, sizeof(struct counts)));
}

static void
free_counts(struct worker *worker)
{
	free(worker_slot(worker, counts_slot));
}

START_TEST(a_million_posts_among_four_workers_keep_their_order)
{
	counts_slot = worker_slot_new();
	worker_on_open(new_counts);
	worker_on_close(free_counts);
	worker_on_turn(WORKER_SERVE, send_batch);
	worker_main();
	workers_start(WORKERS);
	worker_main_run();
	workers_stop();
	ck_assert_uint_eq(received, WORKERS * POSTS_EACH);
}
END_TEST

#define BOUNCES 20000

struct ball {
	struct post post;
	unsigned left;
};

static void
bounce(struct worker *worker, struct post *post)
{
	struct ball *ball = (struct ball *)post;

	if (ball->left-- == 0) {
		free(ball);
		worker_main_stop();
		return;
	}
	worker_post(worker_get(!worker_index(worker)), post);
}

/* Each bounce finds the other worker asleep, or about to be: a lost wake-up would hang. */
START_TEST(no_wake_up_is_lost)
{
	struct ball *ball = xcalloc(1, sizeof *ball);

	ball->post.run = bounce;
	ball->left = BOUNCES;
	workers_start(2);
	worker_post(worker_get(0), &ball->post);
	worker_main_run();
	workers_stop();
}
END_TEST

START_TEST(workers_start_and_stop_at_once)
{
	for (int i = 0; i < 50; i++) {
		n_seen = 0;
		workers_start(2);
		worker_post(worker_main(), &new_note(1)->post);
		workers_stop();
		ck_assert_uint_eq(n_seen, 1);
	}
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("worker");
	TCase *tc = tcase_create("worker");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, posts_leave_at_the_end_of_the_turn_in_order);
	tcase_add_test(tc, a_post_to_oneself_waits_for_the_next_turn);
	tcase_add_test(tc, turns_do_not_wait_while_work_is_left);
	tcase_add_test(tc, work_for_a_stage_that_is_over_does_not_wait);
	tcase_add_test(tc, timers_fire_in_order_of_their_time);
	tcase_add_test(tc, a_timer_that_sets_itself_does_not_hold_up_the_turn);
	tcase_add_test(tc, a_million_posts_among_four_workers_keep_their_order);
	tcase_add_test(tc, no_wake_up_is_lost);
	tcase_add_test(tc, workers_start_and_stop_at_once);
	suite_add_tcase(s, tc);
	return s;
}
