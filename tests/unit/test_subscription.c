/*
 * RFC 6121 appendix A as tables: what is routed or delivered, and the state
 * that follows.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>

#include "im/subscription.h"

Suite *suite(void);

/* In the words of the appendix. */
#define NONE SUB_NONE
#define PO SUB_NONE_OUT
#define PI SUB_NONE_IN
#define POPI SUB_NONE_OUT_IN
#define TO SUB_TO
#define TOPI SUB_TO_IN
#define FROM SUB_FROM
#define FROMPO SUB_FROM_OUT
#define BOTH SUB_BOTH

struct row {
	enum subscription_state state;
	bool passes;
	enum subscription_state next;
};

struct table {
	bool outbound;
	enum ln_type type;
	struct row rows[SUB_STATES];
};

static const struct table tables[] = {
	/* A.2.1 */
	{ true, LN_SUBSCRIBE,
	    { { NONE, true, PO }, { PO, true, PO }, { PI, true, POPI }, { POPI, true, POPI },
		{ TO, true, TO }, { TOPI, true, TOPI }, { FROM, true, FROMPO },
		{ FROMPO, true, FROMPO }, { BOTH, true, BOTH } } },
	/* A.2.2 */
	{ true, LN_UNSUBSCRIBE,
	    { { NONE, true, NONE }, { PO, true, NONE }, { PI, true, PI }, { POPI, true, PI },
		{ TO, true, NONE }, { TOPI, true, PI }, { FROM, true, FROM },
		{ FROMPO, true, FROM }, { BOTH, true, FROM } } },
	/* A.2.3 */
	{ true, LN_SUBSCRIBED,
	    { { NONE, false, NONE }, { PO, false, PO }, { PI, true, FROM }, { POPI, true, FROMPO },
		{ TO, false, TO }, { TOPI, true, BOTH }, { FROM, false, FROM },
		{ FROMPO, false, FROMPO }, { BOTH, false, BOTH } } },
	/* A.2.4 */
	{ true, LN_UNSUBSCRIBED,
	    { { NONE, false, NONE }, { PO, false, PO }, { PI, true, NONE }, { POPI, true, PO },
		{ TO, false, TO }, { TOPI, true, TO }, { FROM, true, NONE }, { FROMPO, true, PO },
		{ BOTH, true, TO } } },
	/* A.3.1 */
	{ false, LN_SUBSCRIBE,
	    { { NONE, true, PI }, { PO, true, POPI }, { PI, false, PI }, { POPI, false, POPI },
		{ TO, true, TOPI }, { TOPI, false, TOPI }, { FROM, false, FROM },
		{ FROMPO, false, FROMPO }, { BOTH, false, BOTH } } },
	/* A.3.2 */
	{ false, LN_UNSUBSCRIBE,
	    { { NONE, false, NONE }, { PO, false, PO }, { PI, true, NONE }, { POPI, true, PO },
		{ TO, false, TO }, { TOPI, true, TO }, { FROM, true, NONE }, { FROMPO, true, PO },
		{ BOTH, true, TO } } },
	/* A.3.3 */
	{ false, LN_SUBSCRIBED,
	    { { NONE, false, NONE }, { PO, true, TO }, { PI, false, PI }, { POPI, true, TOPI },
		{ TO, false, TO }, { TOPI, false, TOPI }, { FROM, false, FROM },
		{ FROMPO, true, BOTH }, { BOTH, false, BOTH } } },
	/* A.3.4 */
	{ false, LN_UNSUBSCRIBED,
	    { { NONE, false, NONE }, { PO, true, NONE }, { PI, false, PI }, { POPI, true, PI },
		{ TO, true, NONE }, { TOPI, true, PI }, { FROM, false, FROM },
		{ FROMPO, true, FROM }, { BOTH, true, FROM } } },
};

START_TEST(appendix_a)
{
	const struct table *table = &tables[_i / SUB_STATES];
	const struct row *row = &table->rows[_i % SUB_STATES];
	const struct subscription_rule *rule =
	    subscription_rule(table->outbound, table->type, row->state);

	ck_assert_int_eq(rule->next, row->next);
	ck_assert_int_eq(rule->passes, row->passes);
}
END_TEST

START_TEST(states_and_flags_are_each_others_inverse)
{
	for (int state = 0; state < SUB_STATES; state++)
		ck_assert_int_eq(
		    subscription_state(subscription_flags((enum subscription_state)state)), state);
	ck_assert_int_eq(subscription_state(ROSTER_SHOWN | ROSTER_APPROVED), SUB_NONE);
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("subscription");
	TCase *tc = tcase_create("appendix A");

	tcase_add_loop_test(tc, appendix_a, 0, 8 * SUB_STATES);
	tcase_add_test(tc, states_and_flags_are_each_others_inverse);
	suite_add_tcase(s, tc);
	return s;
}
