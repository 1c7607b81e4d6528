/*
 * Entities, the jobs that they have out, and what they send to many.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "client_kit.h"
#include "core/entity.h"
#include "core/fanout.h"
#include "core/router.h"
#include "core/work.h"
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
	suite_add_tcase(s, tc);
	return s;
}
