/*
 * Messages that wait (XEP-0160): how many, how long, and what they say then.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lnt.h"

Suite *suite(void);

extern const struct ln_module ln_module_offline;
const struct ln_module *const lnt_modules[] = { &ln_module_offline, NULL };

#define DAY ((int64_t)86400000)
#define ROMEO "romeo@example.org"

static struct lnt *t;

static void
start(void)
{
	t = lnt_new("offline: {limit: 2, keep: 10d}");
}

static void
stop(void)
{
	lnt_free(&t);
}

/* Romeo comes, and has got so many messages then. */
static void
expect_waiting(unsigned count)
{
	lnt_login(t, LNT_ROMEO);
	lnt_send(t, LNT_ROMEO, "<presence/>");
	lnt_expect_delivered(t, LNT_ROMEO, count);
}

START_TEST(it_waits_and_says_since_when)
{
	const struct ln_elem *message, *id;

	lnt_send(t, LNT_JULIET, LNT_CHAT(ROMEO, "Ay me!"));
	lnt_expect_nothing(t, LNT_JULIET);
	lnt_advance(t, 9 * DAY);
	expect_waiting(1);
	do
		message = lnt_next(t, LNT_ROMEO);
	while (!ln_elem_is(message, "message", NULL));
	ck_assert_ptr_nonnull(ln_elem_child(message, "delay", NS_DELAY));
	id = ln_elem_child(message, "stanza-id", NS_SID);
	ck_assert_ptr_nonnull(id);
	ck_assert_str_eq(ln_elem_attr(id, "by"), ROMEO);
	lnt_expect_metric(t, "linnet_offline_kept_total", 1);
}
END_TEST

START_TEST(it_comes_once)
{
	lnt_send(t, LNT_JULIET, LNT_CHAT(ROMEO, "Ay me!"));
	expect_waiting(1);
	lnt_logout(t, LNT_ROMEO);
	expect_waiting(0);
}
END_TEST

START_TEST(not_for_ever)
{
	lnt_send(t, LNT_JULIET, LNT_CHAT(ROMEO, "Ay me!"));
	lnt_advance(t, 11 * DAY);
	expect_waiting(0);
}
END_TEST

START_TEST(not_too_many)
{
	lnt_send(t, LNT_JULIET, LNT_CHAT(ROMEO, "one"));
	lnt_send(t, LNT_JULIET, LNT_CHAT(ROMEO, "two"));
	lnt_expect_nothing(t, LNT_JULIET);
	lnt_send(t, LNT_JULIET, LNT_CHAT(ROMEO, "three"));
	lnt_expect_error(t, LNT_JULIET, "cancel", "service-unavailable");
	lnt_expect_metric(t, "linnet_offline_refused_total", 1);
	expect_waiting(2);
}
END_TEST

START_TEST(not_without_the_module)
{
	lnt_send(t, LNT_JULIET, LNT_CHAT(ROMEO, "one"));
	lnt_reload(t, "");
	lnt_send(t, LNT_JULIET, LNT_CHAT(ROMEO, "two"));
	lnt_expect_error(t, LNT_JULIET, "cancel", "service-unavailable");
	expect_waiting(1);
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("offline");
	TCase *tc = tcase_create("offline");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, it_waits_and_says_since_when);
	tcase_add_test(tc, it_comes_once);
	tcase_add_test(tc, not_for_ever);
	tcase_add_test(tc, not_too_many);
	tcase_add_test(tc, not_without_the_module);
	suite_add_tcase(s, tc);
	return s;
}
