/*
 * Result sets (XEP-0059): which page is asked for, and which is given.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "linnet/ns.h"
#include "linnet/rsm.h"

Suite *suite(void);

static struct arena *arena;

static void
set_up(void)
{
	arena = arena_new(1000);
}

static void
tear_down(void)
{
	arena_free(&arena);
}

/* A query with these in its set. */
static struct ln_elem *
query(const char *inner)
{
	const char *error = NULL;
	char text[1000];
	int len = snprintf(text, sizeof text,
	    "<query xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'>%s"
	    "</set></query>",
	    inner);
	struct ln_elem *elem = ln_elem_parse(arena, text, (size_t)len, &error);

	ck_assert_msg(elem != NULL, "%s: %s", text, error);
	return elem;
}

static struct ln_rsm
asked(const char *inner)
{
	struct ln_rsm rsm;

	ck_assert_msg(ln_rsm_read(query(inner), &rsm), "%s", inner);
	ck_assert(rsm.given);
	return rsm;
}

/* --- asked -------------------------------------------------------------------------------- */

START_TEST(nothing_is_asked)
{
	struct ln_elem *elem = ln_elem_new(arena, "query", NS_MAM);
	struct ln_rsm rsm;

	ck_assert(ln_rsm_read(elem, &rsm));
	ck_assert(!rsm.given && rsm.after == NULL && rsm.before == NULL);
	ck_assert_int_eq(rsm.index, -1);
	ck_assert_int_eq(rsm.max, -1);
	rsm = asked("");
	ck_assert(rsm.after == NULL && rsm.before == NULL && rsm.index == -1 && rsm.max == -1);
}
END_TEST

START_TEST(a_page_is_asked)
{
	struct ln_rsm rsm = asked("<max>10</max><after>a</after>");

	ck_assert_int_eq(rsm.max, 10);
	ck_assert_str_eq(rsm.after, "a");
	ck_assert_ptr_null(rsm.before);
	rsm = asked("<before/>");
	ck_assert_str_eq(rsm.before, "");
	rsm = asked("<before>z</before><after>a</after>");
	ck_assert_str_eq(rsm.before, "z");
	ck_assert_str_eq(rsm.after, "a");
	rsm = asked("<index>371</index><max>0</max>");
	ck_assert_int_eq(rsm.index, 371);
	ck_assert_int_eq(rsm.max, 0);
	rsm = asked("<max xmlns='urn:x'>none</max><other/>");
	ck_assert_int_eq(rsm.max, -1);
}
END_TEST

/* xs:int, whose white space is collapsed; what is larger is as large as one can be. */
START_TEST(numbers)
{
	ck_assert_int_eq(asked("<max>0</max>").max, 0);
	ck_assert_int_eq(asked("<max>007</max>").max, 7);
	ck_assert_int_eq(asked("<max>+7</max>").max, 7);
	ck_assert_int_eq(asked("<max>\n 12\t</max>").max, 12);
	ck_assert_int_eq(asked("<max>2147483647</max>").max, LN_RSM_NUMBER);
	ck_assert_int_eq(asked("<max>2147483648</max>").max, LN_RSM_NUMBER);
	ck_assert_int_eq(asked("<index>4294967296</index>").index, LN_RSM_NUMBER);
	ck_assert_int_eq(asked("<index>18446744073709551616</index>").index, LN_RSM_NUMBER);
	ck_assert_int_eq(asked("<index>99999999999999999999999999999999999999</index>").index,
	    LN_RSM_NUMBER);
}
END_TEST

static const char *const wrong[] = { "<max/>", "<max> </max>", "<max>-1</max>", "<max>-0</max>",
	"<max>1.5</max>", "<max>1 2</max>", "<max>0x10</max>", "<max>++1</max>", "<max>ten</max>",
	"<max>1e3</max>", "<max>\xd9\xa1</max>", "<max><b/></max>", "<index/>", "<index>-1</index>",
	"<index>x</index>", "<max>1</max><max>1</max>", "<index>1</index><index>1</index>",
	"<after>a</after><after>a</after>", "<before/><before/>", "<index>1</index><before/>",
	"<index>0</index><after>a</after>", "</set><set xmlns='http://jabber.org/protocol/rsm'>" };

START_TEST(no_page)
{
	struct ln_rsm rsm;

	ck_assert_msg(!ln_rsm_read(query(wrong[_i]), &rsm), "%s", wrong[_i]);
	ck_assert(!rsm.given && rsm.after == NULL && rsm.before == NULL && rsm.index == -1 &&
	    rsm.max == -1);
}
END_TEST

START_TEST(sizes)
{
	struct ln_rsm none = { .max = -1 }, some = { .max = 7 }, all = { .max = LN_RSM_NUMBER };

	ck_assert_uint_eq(ln_rsm_max(&none, 50, 100), 50);
	ck_assert_uint_eq(ln_rsm_max(&none, 200, 100), 100);
	ck_assert_uint_eq(ln_rsm_max(&some, 50, 100), 7);
	ck_assert_uint_eq(ln_rsm_max(&all, 50, 100), 100);
	some.max = 0;
	ck_assert_uint_eq(ln_rsm_max(&some, 50, 100), 0);
}
END_TEST

/* --- given ---------------------------------------------------------------------------------- */

static const struct {
	struct ln_rsm_page page;
	const char *text;
} pages[] = {
	{ { "a", "z", 0, 800 }, "<first index='0'>a</first><last>z</last><count>800</count>" },
	{ { "a", "a", 371, -1 }, "<first index='371'>a</first><last>a</last>" },
	{ { "a", "z", -1, 10 }, "<first>a</first><last>z</last><count>10</count>" },
	{ { NULL, NULL, 40, 10 }, "<count>10</count>" },
	{ { NULL, NULL, -1, 0 }, "<count>0</count>" },
};

START_TEST(a_page_is_given)
{
	struct ln_elem *parent = ln_elem_new(arena, "fin", NS_MAM);
	struct ln_elem *set = ln_rsm_add(parent, &pages[_i].page);
	char text[300];

	snprintf(text, sizeof text, "<set xmlns='http://jabber.org/protocol/rsm'>%s</set>",
	    pages[_i].text);
	ck_assert_ptr_eq(ln_elem_first(parent), set);
	ck_assert_str_eq(ln_elem_print(arena, set), text);
}
END_TEST

START_TEST(nothing_is_given)
{
	struct ln_elem *parent = ln_elem_new(arena, "fin", NS_MAM);
	struct ln_elem *set = ln_rsm_add(parent, &(struct ln_rsm_page){ .index = -1, .count = -1 });

	ck_assert_uint_eq(ln_elem_count(set), 0);
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("rsm");
	TCase *tc = tcase_create("rsm");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, nothing_is_asked);
	tcase_add_test(tc, a_page_is_asked);
	tcase_add_test(tc, numbers);
	tcase_add_loop_test(tc, no_page, 0, sizeof wrong / sizeof *wrong);
	tcase_add_test(tc, sizes);
	tcase_add_loop_test(tc, a_page_is_given, 0, sizeof pages / sizeof *pages);
	tcase_add_test(tc, nothing_is_given);
	suite_add_tcase(s, tc);
	return s;
}
