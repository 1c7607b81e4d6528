/*
 * Last activity (XEP-0012), with a clock that can be turned.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>

#include "lnt.h"

Suite *suite(void);

extern const struct ln_module ln_module_last;
const struct ln_module *const lnt_modules[] = { &ln_module_last, NULL };

#define ASK(to) "<iq type='get' id='q' to='" to "'><query xmlns='jabber:iq:last'/></iq>"
#define HOUR 3600000

static struct lnt *t;

static void
start(void)
{
	t = lnt_new("last: {}");
}

static void
stop(void)
{
	lnt_free(&t);
}

static const struct ln_elem *
query_of(const struct ln_elem *result)
{
	return ln_elem_child(result, "query", "jabber:iq:last");
}

START_TEST(who_is_here_was_here_now)
{
	lnt_send(t, LNT_JULIET, "<presence/>");
	lnt_skip(t, LNT_JULIET);
	lnt_advance(t, HOUR);
	lnt_send(t, LNT_JULIET, ASK("juliet@example.org"));
	ck_assert_str_eq(ln_elem_attr(query_of(lnt_expect_result(t, LNT_JULIET, "q")), "seconds"),
	    "0");
}
END_TEST

START_TEST(who_left_was_here_then)
{
	const struct ln_elem *query;
	long seconds;

	lnt_login(t, "juliet@example.org/chamber");
	lnt_send(t, LNT_JULIET, "<presence/>");
	lnt_send(t, LNT_JULIET, "<presence type='unavailable'><status>Adieu</status></presence>");
	lnt_advance(t, HOUR);
	lnt_send(t, "juliet@example.org/chamber", ASK("juliet@example.org"));
	query = query_of(lnt_expect_result(t, "juliet@example.org/chamber", "q"));
	/* The clock goes on while the test runs. */
	seconds = strtol(ln_elem_attr(query, "seconds"), NULL, 10);
	ck_assert_int_ge(seconds, 3600);
	ck_assert_int_lt(seconds, 2 * 3600);
	ck_assert_str_eq(ln_elem_text(query), "Adieu");
}
END_TEST

START_TEST(strangers_learn_nothing)
{
	lnt_send(t, LNT_ROMEO, ASK("juliet@example.org"));
	lnt_expect_error(t, LNT_ROMEO, "auth", "forbidden");
	lnt_send(t, LNT_ROMEO, ASK(LNT_JULIET));
	lnt_expect_error(t, LNT_ROMEO, "cancel", "service-unavailable");
	lnt_login(t, LNT_JULIET);
	lnt_send(t, LNT_ROMEO, ASK(LNT_JULIET));
	lnt_expect_error(t, LNT_ROMEO, "auth", "forbidden");
	lnt_expect_nothing(t, LNT_JULIET);
}
END_TEST

START_TEST(the_host_says_how_long_it_runs)
{
	lnt_advance(t, HOUR);
	lnt_send(t, LNT_ROMEO, ASK(LNT_HOST));
	ck_assert_int_ge(
	    strtol(ln_elem_attr(query_of(lnt_expect_result(t, LNT_ROMEO, "q")), "seconds"), NULL,
		10),
	    3600);
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("last");
	TCase *tc = tcase_create("last");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, who_is_here_was_here_now);
	tcase_add_test(tc, who_left_was_here_then);
	tcase_add_test(tc, strangers_learn_nothing);
	tcase_add_test(tc, the_host_says_how_long_it_runs);
	suite_add_tcase(s, tc);
	return s;
}
