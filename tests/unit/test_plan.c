/*
 * From a domain to targets: plans (RFC 2782, XEP-0368) and the resolver's
 * bookkeeping. A fake answers for DNS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "net/plan.h"
#include "net/resolver.h"
#include "net/worker.h"
#include "zone_kit.h"

Suite *suite(void);

/* --- the resolver ------------------------------------------------------------------------------ */

struct asked {
	unsigned count;
	enum dns_status status;
	bool secure;
};

static void
on_answer(void *arg, const struct dns_answer *answer)
{
	struct asked *asked = arg;

	asked->count++;
	asked->status = answer->status;
	asked->secure = answer->secure;
}

START_TEST(equal_questions_are_one)
{
	struct asked a = { 0 }, b = { 0 }, c = { 0 };

	zone_begin();
	zone_add("host.example", DNS_A, "!silent");
	resolver_ask("host.example", DNS_A, on_answer, &a);
	resolver_ask("HOST.example.", DNS_A, on_answer, &b);
	resolver_ask("host.example", DNS_AAAA, on_answer, &c);
	ck_assert_uint_eq(a.count + b.count + c.count, 0);
	zone_turn();
	zone_turn();
	ck_assert_uint_eq(zone.asked, 2);
	ck_assert_uint_eq(c.count, 1);
	ck_assert_int_eq(c.status, DNS_NONE);
	ck_assert(c.secure);
	zone_end();
}
END_TEST

START_TEST(each_waits_five_seconds_at_most)
{
	struct asked first = { 0 }, second = { 0 };

	zone_begin();
	zone_add("host.example", DNS_A, "!silent");
	resolver_ask("host.example", DNS_A, on_answer, &first);
	zone_turn();
	clock_advance(3000);
	zone_turn();
	resolver_ask("host.example", DNS_A, on_answer, &second);
	zone_turn();
	clock_advance(2100);
	zone_turn();
	zone_turn();
	ck_assert_uint_eq(first.count, 1);
	ck_assert_int_eq(first.status, DNS_TIMEOUT);
	ck_assert_uint_eq(second.count, 0);
	clock_advance(3000);
	zone_turn();
	zone_turn();
	ck_assert_uint_eq(second.count, 1);
	ck_assert_int_eq(second.status, DNS_TIMEOUT);
	zone_end();
}
END_TEST

START_TEST(who_cancels_hears_nothing)
{
	struct asked asked = { 0 };
	uint64_t id;

	zone_begin();
	zone_add("host.example", DNS_A, "192.0.2.1");
	id = resolver_ask("host.example", DNS_A, on_answer, &asked);
	resolver_cancel(id);
	zone_turn();
	zone_turn();
	ck_assert_uint_eq(asked.count, 0);
	resolver_cancel(id);
	resolver_cancel(0);
	zone_end();
}
END_TEST

START_TEST(what_is_no_name_fails)
{
	struct asked asked = { 0 };
	char name[400];

	zone_begin();
	memset(name, 'a', sizeof name);
	name[sizeof name - 1] = '\0';
	resolver_ask(name, DNS_A, on_answer, &asked);
	resolver_ask("", DNS_A, on_answer, &asked);
	resolver_ask(".", DNS_A, on_answer, &asked);
	resolver_ask("a..example", DNS_A, on_answer, &asked);
	resolver_ask(".example", DNS_A, on_answer, &asked);
	name[64] = '\0';
	resolver_ask(name, DNS_A, on_answer, &asked);
	zone_turn();
	zone_turn();
	ck_assert_uint_eq(asked.count, 6);
	ck_assert_int_eq(asked.status, DNS_FAILED);
	zone_end();
}
END_TEST

START_TEST(names_at_a_time_are_bounded)
{
	struct asked waiting = { 0 }, refused = { 0 };
	static char names[RESOLVER_NAMES_MAX][32];

	zone_begin();
	for (int i = 0; i < RESOLVER_NAMES_MAX; i++) {
		snprintf(names[i], sizeof names[i], "n%d.example", i);
		zone.count = 0;
		zone_add(names[i], DNS_A, "!silent");
		resolver_ask(names[i], DNS_A, on_answer, &waiting);
		worker_turn(worker_get(0), false);
		worker_enter(worker_main());
		worker_turn(worker_main(), false);
		worker_enter(worker_get(0));
	}
	resolver_ask("one.more.example", DNS_A, on_answer, &refused);
	zone_turn();
	zone_turn();
	ck_assert_uint_eq(refused.count, 1);
	ck_assert_int_eq(refused.status, DNS_BUSY);
	ck_assert_uint_eq(waiting.count, 0);
	clock_advance(RESOLVER_DEADLINE_MS);
	zone_turn();
	zone_turn();
	ck_assert_uint_eq(waiting.count, RESOLVER_NAMES_MAX);
	zone_end();
}
END_TEST

/* --- plans --------------------------------------------------------------------------------------- */

static const struct dns_answer *
srv_answer(const char *service, const char *const *texts)
{
	char name[64];

	snprintf(name, sizeof name, "%s._tcp.example.org", service);
	zone.count = 0;
	for (; *texts != NULL; texts++)
		zone_add(name, DNS_SRV, *texts);
	return zone_answer(name, DNS_SRV);
}

static void
make_plan(struct plan *plan, const char *const *xmpps, const char *const *xmpp)
{
	const struct dns_answer *a, *b;

	zone.secure = true;
	a = srv_answer("_xmpps-server", xmpps);
	b = srv_answer("_xmpp-server", xmpp);
	plan_make(plan, "example.org", a, b, NULL);
	dns_answer_unref(&a);
	dns_answer_unref(&b);
}

#define LIST(...) ((const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

START_TEST(both_services_are_one_set)
{
	struct plan plan;

	make_plan(&plan, LIST("20 0 443 c.example"),
	    LIST("10 0 5269 b.example", "5 0 5270 a.example", "30 0 5271 d.example"));
	ck_assert_int_eq(plan.status, PLAN_TARGETS);
	ck_assert_uint_eq(plan.count, 4);
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_int_eq(plan.targets[i].host[0], "abcd"[i]);
		ck_assert_int_eq(plan.targets[i].direct_tls, i == 2);
		ck_assert(plan.targets[i].srv && plan.targets[i].secure);
	}
	ck_assert_uint_eq(plan.targets[2].port, 443);
}
END_TEST

static const struct {
	const char *xmpps, *xmpp; /* NULL: none */
	enum plan_status status;
	unsigned count;
	bool srv;
} outcomes[] = {
	{ NULL, NULL, PLAN_TARGETS, 1, false },
	{ NULL, "1 1 5269 a.example", PLAN_TARGETS, 1, true },
	{ "1 1 443 a.example", NULL, PLAN_TARGETS, 1, true },
	/* "." is no service, and no reason to try the domain itself (XEP-0368 §4) */
	{ NULL, "0 0 0", PLAN_NO_SERVICE, 0, false },
	{ "0 0 0", NULL, PLAN_NO_SERVICE, 0, false },
	{ "0 0 0", "0 0 0", PLAN_NO_SERVICE, 0, false },
	{ "0 0 0", "1 1 5269 a.example", PLAN_TARGETS, 1, true },
	{ NULL, "1 1 0 a.example", PLAN_NO_SERVICE, 0, false },
	/* a failure is never "no record" */
	{ "!failed", NULL, PLAN_FAILED, 0, false },
	{ NULL, "!bogus", PLAN_FAILED, 0, false },
	{ "!failed", "0 0 0", PLAN_FAILED, 0, false },
	{ "!bogus", "!bogus", PLAN_FAILED, 0, false },
	{ "!failed", "1 1 5269 a.example", PLAN_TARGETS, 1, true },
};

START_TEST(what_two_look_ups_come_to)
{
	struct plan plan;

	make_plan(&plan, LIST(outcomes[_i].xmpps), LIST(outcomes[_i].xmpp));
	ck_assert_int_eq(plan.status, outcomes[_i].status);
	ck_assert_uint_eq(plan.count, outcomes[_i].count);
	ck_assert_int_ne(plan.reason[0], '\0');
	if (plan.count == 0)
		return;
	ck_assert_int_eq(plan.targets[0].srv, outcomes[_i].srv);
	if (!plan.targets[0].srv) {
		ck_assert_str_eq(plan.targets[0].host, "example.org");
		ck_assert_uint_eq(plan.targets[0].port, 5269);
	}
}
END_TEST

#define ROUNDS 20000

/* How often each of a, b, c comes first, in percent. */
START_TEST(chance_follows_the_weights)
{
	unsigned first[3] = { 0 }, second[3] = { 0 };
	struct plan plan;

	for (int i = 0; i < ROUNDS; i++) {
		make_plan(&plan, LIST("1 10 443 a.example"),
		    LIST("1 30 1 b.example", "1 60 1 c.example"));
		first[plan.targets[0].host[0] - 'a']++;
		second[plan.targets[1].host[0] - 'a']++;
	}
	ck_assert_int_lt(abs((int)first[0] - ROUNDS / 10), ROUNDS / 50);
	ck_assert_int_lt(abs((int)first[1] - ROUNDS * 3 / 10), ROUNDS / 50);
	ck_assert_int_lt(abs((int)first[2] - ROUNDS * 6 / 10), ROUNDS / 50);
	/* behind c (6/10) comes b in 3 of 4, behind a (1/10) in 1 of 3: 48.3 % */
	ck_assert_int_lt(abs((int)second[1] - ROUNDS * 483 / 1000), ROUNDS / 50);
}
END_TEST

START_TEST(weight_nothing_is_a_small_chance)
{
	unsigned zero_first = 0;
	struct plan plan;

	for (int i = 0; i < ROUNDS; i++) {
		make_plan(&plan, LIST(NULL), LIST("1 0 1 z.example", "1 9 1 a.example"));
		zero_first += plan.targets[0].host[0] == 'z';
	}
	ck_assert_int_lt(abs((int)zero_first - ROUNDS / 10), ROUNDS / 50);
}
END_TEST

START_TEST(all_weights_nothing_take_turns)
{
	unsigned a_last = 0;
	struct plan plan;

	for (int i = 0; i < 1000; i++) {
		make_plan(&plan, LIST(NULL), LIST("1 0 1 a.example", "1 0 1 b.example"));
		ck_assert_uint_eq(plan.count, 2);
		a_last += plan.targets[1].host[0] == 'a';
	}
	ck_assert_uint_le(a_last, 1000);
}
END_TEST

START_TEST(targets_are_bounded)
{
	const char *texts[61];
	char lines[60][64];
	struct plan plan;

	for (int i = 0; i < 60; i++) {
		snprintf(lines[i], sizeof lines[i], "%d 0 1 h%d.example", i, i);
		texts[i] = lines[i];
	}
	texts[60] = NULL;
	make_plan(&plan, LIST(NULL), texts);
	ck_assert_uint_eq(plan.count, PLAN_TARGETS_MAX);
	ck_assert_str_eq(plan.targets[PLAN_TARGETS_MAX - 1].host, "h15.example");
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("plan");
	TCase *tc = tcase_create("resolver");

	tcase_add_test(tc, equal_questions_are_one);
	tcase_add_test(tc, each_waits_five_seconds_at_most);
	tcase_add_test(tc, who_cancels_hears_nothing);
	tcase_add_test(tc, what_is_no_name_fails);
	tcase_add_test(tc, names_at_a_time_are_bounded);
	suite_add_tcase(s, tc);
	tc = tcase_create("plan");
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, both_services_are_one_set);
	tcase_add_loop_test(tc, what_two_look_ups_come_to, 0,
	    (int)(sizeof outcomes / sizeof *outcomes));
	tcase_add_test(tc, chance_follows_the_weights);
	tcase_add_test(tc, weight_nothing_is_a_small_chance);
	tcase_add_test(tc, all_weights_nothing_take_turns);
	tcase_add_test(tc, targets_are_bounded);
	suite_add_tcase(s, tc);
	return s;
}
