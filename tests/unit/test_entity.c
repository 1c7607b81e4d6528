/*
 * Entities, the jobs that they have out, and what they send to many.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "client_kit.h"
#include "core/entity.h"
#include "core/fanout.h"
#include "core/router.h"
#include "core/work.h"
#include "linnet/node.h"
#include "net/worker.h"

Suite *suite(void);

static const char name[] = "box@example.org";
static struct ln_jid jid;
static struct arena *arena;

static bool
always(const struct entity *entity)
{
	(void)entity;
	return true;
}

static void
unload(struct entity *entity)
{
	free(entity);
}

static const struct entity_ops box_ops = { .kind = "box",
	.size = sizeof(struct entity),
	.inbox_max = 4096,
	.load = entity_loaded,
	.idle = always,
	.unload = unload };

static void
start(void)
{
	kit_start(1);
	worker_enter(worker_get(0));
	arena = arena_new(256);
	ck_assert_int_eq(ln_jid_parse(arena, name, strlen(name), &jid), LN_JID_OK);
}

static void
stop(void)
{
	arena_free(&arena);
	worker_enter(worker_main());
	kit_stop();
}

START_TEST(a_job_keeps_it_in_memory)
{
	struct entity *box = entity_get(&jid, &box_ops, NULL);
	uint64_t birth = entity_job_begin(box);

	ck_assert(!entity_evict(box));
	ck_assert_ptr_eq(entity_of_birth(&jid, birth), box);
	entity_job_end(&jid, birth);
	ck_assert(entity_evict(box));
	ck_assert_ptr_null(entity_of_birth(&jid, birth));
	entity_job_end(&jid, birth);
}
END_TEST

START_TEST(a_job_of_before_is_not_that_of_who_has_its_name_now)
{
	uint64_t before = entity_job_begin(entity_get(&jid, &box_ops, NULL)), birth;
	struct entity *box;

	entity_remove(entity_find(&jid));
	box = entity_get(&jid, &box_ops, NULL);
	birth = entity_job_begin(box);
	entity_job_end(&jid, before);
	ck_assert_ptr_null(entity_of_birth(&jid, before));
	ck_assert_uint_eq(box->jobs, 1);
	ck_assert(!entity_evict(box));
	entity_job_end(&jid, birth);
	ck_assert(entity_evict(box));
}
END_TEST

static void
stored(struct entity *entity, void *arg, bool ok)
{
	ck_assert(ok);
	ck_assert_ptr_null(entity);
	*(bool *)arg = true;
}

START_TEST(a_commit_of_before_finds_nobody)
{
	static const struct store_sql nothing = { "DELETE FROM entity WHERE number = -1" };
	bool done = false;
	struct entity *box = entity_get(&jid, &box_ops, NULL);

	work_begin(box, NULL);
	store_add(work_job(), &nothing);
	work_when_durable(stored, &done);
	work_end();
	entity_remove(box);
	box = entity_get(&jid, &box_ops, NULL);
	entity_job_begin(box);
	worker_enter(worker_main());
	while (!done)
		kit_turn();
	worker_enter(worker_get(0));
	ck_assert_uint_eq(box->jobs, 1);
	entity_job_end(&jid, box->birth);
}
END_TEST

static size_t sent;
static char order[16]; /* whose stanzas went, as they changed */

static bool
take(struct ln_stanza *st)
{
	size_t used = strlen(order);

	sent++;
	if (used == 0 || order[used - 1] != ln_to(st)->full[0])
		order[used] = ln_to(st)->full[0];
	ln_stanza_free(&st);
	return true;
}

static void
send_to_many(struct entity *from, const char *to, size_t count)
{
	struct fanout *fanout =
	    fanout_new(ln_stanza_new(LN_PRESENCE, LN_AVAILABLE, &from->jid, NULL));
	struct ln_jid recipient;

	ck_assert_int_eq(ln_jid_parse(arena, to, strlen(to), &recipient), LN_JID_OK);
	for (size_t i = 0; i < count; i++)
		fanout_add(fanout, &recipient);
	fanout_send(from, fanout);
}

static void
expect_sent(size_t now)
{
	ck_assert_uint_eq(sent, now);
	worker_enter(worker_main());
	kit_turn();
	worker_enter(worker_get(0));
}

START_TEST(a_turn_sends_no_more_than_it_has_room_for)
{
	struct entity *box = entity_get(&jid, &box_ops, NULL);

	router_set_remote(take, NULL);
	send_to_many(box, "a@far.example", FANOUT_TURN - 100);
	send_to_many(box, "b@far.example", 100);
	expect_sent(FANOUT_TURN);
	send_to_many(box, "c@far.example", 1 + 2 * FANOUT_TURN);
	send_to_many(box, "d@far.example", 1);
	expect_sent(FANOUT_TURN);
	expect_sent(2 * FANOUT_TURN);
	expect_sent(3 * FANOUT_TURN);
	ck_assert_uint_eq(sent, 3 * FANOUT_TURN + 2);
	ck_assert_str_eq(order, "abcd");
}
END_TEST

/* Presences for one go through his inbox in portions, in order; what is sent behind them stays so. */
static char got[256];
static size_t got_count;

static void
note(struct entity *entity, struct ln_stanza *st)
{
	size_t len = strlen(got);

	(void)entity;
	got_count++;
	if (ln_id(st) != NULL)
		snprintf(got + len, sizeof got - len, "%s", ln_id(st));
	ln_stanza_free(&st);
}

static bool
loads(const struct ln_stanza *st)
{
	(void)st;
	return true;
}

static const struct entity_ops noting_ops = { .kind = "noting",
	.size = sizeof(struct entity),
	.inbox_max = 4096,
	.wait_max = 30000,
	.loads = loads,
	.load = entity_loaded,
	.deliver = note,
	.idle = always,
	.unload = unload };

static struct ln_stanza *
presence(const char *id)
{
	struct ln_stanza *st = ln_stanza_new(LN_PRESENCE, LN_AVAILABLE, &jid, NULL), *frozen;

	ln_set_id(st, id);
	frozen = ln_stanza_frozen(st);
	ln_stanza_free(&st);
	return frozen;
}

static struct entity *
noting(const char *who, struct ln_jid *who_r)
{
	ck_assert_int_eq(ln_jid_parse(arena, who, strlen(who), who_r), LN_JID_OK);
	return entity_get(who_r, &noting_ops, NULL);
}

static void
turns(unsigned count)
{
	worker_enter(worker_main());
	while (count-- > 0)
		kit_turn();
	worker_enter(worker_get(0));
}

START_TEST(a_list_keeps_its_order_and_fits_an_inbox)
{
	struct entity *box = entity_get(&jid, &box_ops, NULL);
	struct ln_stanza *st = presence("a");
	struct fanout *list;
	struct ln_jid who;

	got[0] = '\0';
	got_count = 0;
	noting("noting@example.org", &who);
	list = fanout_new_list(&who);
	for (int i = 0; i < 20; i++)
		fanout_list(list, st);
	ln_stanza_free(&st); /* the list has references of its own */
	st = presence("b");
	fanout_list(list, st);
	fanout_send(box, list);
	ln_stanza_free(&st);
	turns(1);
	ck_assert_str_eq(got, "aaaaaaaaaaaaaaaaaaaab");
}
END_TEST

START_TEST(a_list_for_one_who_is_gone_is_dropped)
{
	struct entity *box = entity_get(&jid, &box_ops, NULL);
	struct ln_stanza *st = presence("a");
	struct fanout *list;
	struct entity *gone;
	struct ln_jid who;

	got_count = 0;
	gone = noting("noting@example.org", &who);
	list = fanout_new_list(&who);
	for (int i = 0; i < 100; i++)
		fanout_list(list, st);
	fanout_send(box, list);
	ln_stanza_free(&st);
	entity_remove(gone);
	turns(2);
	ck_assert_uint_eq(got_count, 0);
}
END_TEST

static enum item_drop dropped;
static unsigned drops, runs;

static void
item_run(struct entity *entity, struct item *item)
{
	(void)entity;
	(void)item;
	runs++;
}

static void
item_drop(struct item *item, enum item_drop why)
{
	(void)item;
	drops++;
	dropped = why;
}

START_TEST(what_waited_too_long_is_refused)
{
	struct item ask = { .run = item_run, .drop = item_drop, .class = ITEM_ASK };
	struct item control = { .run = item_run, .drop = item_drop, .class = ITEM_CONTROL };
	struct item later = ask;
	struct entity *busy;
	struct ln_jid who;

	runs = drops = 0;
	busy = noting("busy@example.org", &who);
	entity_put(busy, &ask);
	entity_put(busy, &control);
	clock_advance(31000);
	worker_turn(worker_get(0), false);
	ck_assert_uint_eq(runs + drops, 2);
	ck_assert_uint_eq(drops, 1);
	ck_assert_int_eq(dropped, DROP_LATE);
	entity_put(busy, &later);
	worker_turn(worker_get(0), false);
	ck_assert_uint_eq(runs, 2);
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("entity");
	TCase *tc = tcase_create("jobs");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, a_job_keeps_it_in_memory);
	tcase_add_test(tc, a_job_of_before_is_not_that_of_who_has_its_name_now);
	tcase_add_test(tc, a_commit_of_before_finds_nobody);
	tcase_add_test(tc, a_turn_sends_no_more_than_it_has_room_for);
	tcase_add_test(tc, a_list_keeps_its_order_and_fits_an_inbox);
	tcase_add_test(tc, a_list_for_one_who_is_gone_is_dropped);
	tcase_add_test(tc, what_waited_too_long_is_refused);
	suite_add_tcase(s, tc);
	return s;
}
