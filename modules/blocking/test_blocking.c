/*
 * Blocking (XEP-0191): what passes, and that the list is kept.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lnt.h"

Suite *suite(void);

extern const struct ln_module ln_module_blocking, ln_module_carbons;
const struct ln_module *const lnt_modules[] = { &ln_module_blocking, &ln_module_carbons, NULL };

#define NS "urn:xmpp:blocking"
#define CHANGE(what, inner) \
	"<iq type='set' id='b'><" what " xmlns='" NS "'>" inner "</" what "></iq>"
#define ITEM(jid) "<item jid='" jid "'/>"

static struct lnt *t;

static void
start(void)
{
	t = lnt_new("blocking: {max: 2}, carbons: {}");
	lnt_login(t, LNT_JULIET);
}

static void
stop(void)
{
	lnt_free(&t);
}

static void
change(const char *xml)
{
	lnt_send(t, LNT_JULIET, xml);
	lnt_expect_result(t, LNT_JULIET, "b");
}

/* What juliet's list holds. */
static size_t
listed(void)
{
	lnt_skip(t, LNT_JULIET);
	lnt_send(t, LNT_JULIET, "<iq type='get' id='l'><blocklist xmlns='" NS "'/></iq>");
	return ln_elem_count(ln_elem_child(lnt_expect_result(t, LNT_JULIET, "l"), "blocklist", NS));
}

START_TEST(the_blocked_is_refused)
{
	change(CHANGE("block", ITEM("romeo@example.org")));
	lnt_send(t, LNT_ROMEO, LNT_CHAT(LNT_JULIET, "It is the east"));
	lnt_expect_error(t, LNT_ROMEO, "cancel", "service-unavailable");
	lnt_expect_delivered(t, LNT_JULIET, 0);
}
END_TEST

START_TEST(nothing_goes_to_the_blocked)
{
	lnt_login(t, LNT_ROMEO);
	change(CHANGE("block", ITEM("romeo@example.org")));
	lnt_send(t, LNT_JULIET, LNT_CHAT(LNT_ROMEO, "Ay me!"));
	lnt_expect_error(t, LNT_JULIET, "cancel", "not-acceptable");
	lnt_expect_delivered(t, LNT_ROMEO, 0);
}
END_TEST

START_TEST(the_list_is_kept)
{
	change(CHANGE("block", ITEM("romeo@example.org") ITEM("tybalt@example.org")));
	lnt_reload(t, "");
	ck_assert_ptr_null(lnt_account_state(t, "blocking", "juliet@example.org"));
	lnt_send(t, LNT_ROMEO, LNT_CHAT(LNT_JULIET, "one"));
	lnt_expect_delivered(t, LNT_JULIET, 1);
	lnt_reload(t, "blocking: {max: 2}");
	ck_assert_uint_eq(listed(), 2);
	lnt_send(t, LNT_ROMEO, LNT_CHAT(LNT_JULIET, "two"));
	lnt_expect_error(t, LNT_ROMEO, "cancel", "service-unavailable");
	lnt_send(t, LNT_JULIET, CHANGE("unblock", ITEM("romeo@example.org")));
	lnt_send(t, LNT_ROMEO, LNT_CHAT(LNT_JULIET, "three"));
	lnt_expect_delivered(t, LNT_JULIET, 2);
}
END_TEST

START_TEST(the_list_has_an_end)
{
	lnt_send(t, LNT_JULIET, CHANGE("block", ITEM("a@b.c") ITEM("d@e.f") ITEM("g@h.i")));
	ck_assert_str_eq(ln_elem_attr(lnt_next(t, LNT_JULIET), "type"), "error");
	ck_assert_uint_eq(listed(), 0);
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("blocking");
	TCase *tc = tcase_create("blocking");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, the_blocked_is_refused);
	tcase_add_test(tc, nothing_goes_to_the_blocked);
	tcase_add_test(tc, the_list_is_kept);
	tcase_add_test(tc, the_list_has_an_end);
	suite_add_tcase(s, tc);
	return s;
}
