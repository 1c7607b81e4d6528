/*
 * Pings of the server (XEP-0199): when they come, and what follows.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include "lnt.h"

Suite *suite(void);

extern const struct ln_module ln_module_ping;
const struct ln_module *const lnt_modules[] = { &ln_module_ping, NULL };

#define PING "<iq type='get' id='p' to='" LNT_HOST "'><ping xmlns='urn:xmpp:ping'/></iq>"

static struct lnt *t;

static void
start(void)
{
	t = lnt_new("ping: {interval: 60s, timeout: 10s}");
}

static void
stop(void)
{
	lnt_free(&t);
}

/* The next element is a ping of the server; its id. */
static const char *
expect_ping(void)
{
	const struct ln_elem *iq = lnt_next(t, LNT_ROMEO);

	ck_assert_ptr_nonnull(ln_elem_child(iq, "ping", "urn:xmpp:ping"));
	ck_assert_str_eq(ln_elem_attr(iq, "from"), LNT_HOST);
	return ln_elem_attr(iq, "id");
}

static void
answer(const char *id)
{
	char xml[128];

	snprintf(xml, sizeof xml, "<iq type='result' id='%s' to='" LNT_HOST "'/>", id);
	lnt_send(t, LNT_ROMEO, xml);
}

START_TEST(the_host_answers)
{
	lnt_send(t, LNT_ROMEO, PING);
	lnt_expect_result(t, LNT_ROMEO, "p");
}
END_TEST

START_TEST(who_is_silent_is_asked)
{
	lnt_login(t, LNT_ROMEO);
	lnt_advance(t, 50000);
	lnt_expect_nothing(t, LNT_ROMEO);
	for (int i = 0; i < 3; i++) {
		lnt_advance(t, 61000);
		answer(expect_ping());
	}
	lnt_expect_closed(t, LNT_ROMEO, NULL);
}
END_TEST

START_TEST(who_does_not_answer_is_closed)
{
	lnt_login(t, LNT_ROMEO);
	lnt_advance(t, 61000);
	expect_ping();
	lnt_advance(t, 11000);
	lnt_expect_closed(t, LNT_ROMEO, "connection-timeout");
}
END_TEST

START_TEST(a_reload_asks_nobody_any_more)
{
	lnt_login(t, LNT_ROMEO);
	lnt_advance(t, 61000);
	expect_ping();
	lnt_reload(t, "");
	lnt_advance(t, 3600000);
	lnt_expect_closed(t, LNT_ROMEO, NULL);
	lnt_expect_nothing(t, LNT_ROMEO);
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("ping");
	TCase *tc = tcase_create("ping");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, the_host_answers);
	tcase_add_test(tc, who_is_silent_is_asked);
	tcase_add_test(tc, who_does_not_answer_is_closed);
	tcase_add_test(tc, a_reload_asks_nobody_any_more);
	suite_add_tcase(s, tc);
	return s;
}
