/*
 * Token buckets and counts.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <string.h>

#include "base/clock.h"
#include "core/limit.h"

Suite *suite(void);

static const struct ln_rate ten_a_minute = { 10, 60000 };

static bool
take(const char *key, int64_t cost)
{
	return limit_take(key, strlen(key), ten_a_minute, cost);
}

START_TEST(a_bucket_empties_and_fills)
{
	for (int i = 0; i < 10; i++)
		ck_assert(take("a", 1));
	ck_assert(!take("a", 1));
	ck_assert(take("b", 10));
	clock_advance(6100);
	ck_assert(take("a", 1));
	ck_assert(!take("a", 1));
	clock_advance(60000);
	ck_assert(take("a", 10));
}
END_TEST

START_TEST(what_does_not_fit_takes_nothing)
{
	ck_assert(!take("c", 11));
	ck_assert(take("c", 10));
}
END_TEST

START_TEST(charging_goes_into_debt)
{
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(limit_charge("d", 1, ten_a_minute, 1), 0);
	int64_t wait = limit_charge("d", 1, ten_a_minute, 1);
	ck_assert_int_ge(wait, 5900);
	ck_assert_int_le(wait, 6001);
	ck_assert_int_gt(limit_wait("d", 1, ten_a_minute), 5900);
	clock_advance(6100);
	ck_assert_int_eq(limit_wait("d", 1, ten_a_minute), 0);
	for (int i = 0; i < 1000; i++)
		wait = limit_charge("d", 1, ten_a_minute, 1);
	ck_assert_int_le(wait, 600001);
}
END_TEST

START_TEST(off_lets_everything_pass)
{
	ck_assert(limit_take("e", 1, (struct ln_rate){ LN_OFF, 1000 }, INT64_MAX / 8));
	ck_assert(limit_take("e", 1, (struct ln_rate){ 0, 0 }, 1));
	ck_assert_int_eq(limit_charge("e", 1, (struct ln_rate){ 0, 0 }, 1), 0);
}
END_TEST

START_TEST(counts_are_given_back)
{
	ck_assert(limit_hold("f", 1, 2));
	ck_assert(limit_hold("f", 1, 2));
	ck_assert(!limit_hold("f", 1, 2));
	limit_give("f", 1);
	ck_assert(limit_hold("f", 1, 2));
	limit_give("f", 1);
	limit_give("f", 1);
	limit_give("f", 1);
	ck_assert(limit_hold("f", 1, 1));
}
END_TEST

START_TEST(the_table_is_bounded)
{
	for (int i = 0; i < 300000; i++)
		limit_take(&i, sizeof i, ten_a_minute, 1);
	ck_assert_uint_le(limit_count(), 64 * 2048);
}
END_TEST

START_TEST(long_keys_are_told_apart)
{
	char one[400], two[400];

	memset(one, 'x', sizeof one);
	memset(two, 'x', sizeof two);
	two[399] = 'y';
	ck_assert(limit_take(one, sizeof one, ten_a_minute, 10));
	ck_assert(!limit_take(one, sizeof one, ten_a_minute, 1));
	ck_assert(limit_take(two, sizeof two, ten_a_minute, 10));
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("limit");
	TCase *t = tcase_create("limit");

	tcase_add_test(t, a_bucket_empties_and_fills);
	tcase_add_test(t, what_does_not_fit_takes_nothing);
	tcase_add_test(t, charging_goes_into_debt);
	tcase_add_test(t, off_lets_everything_pass);
	tcase_add_test(t, counts_are_given_back);
	tcase_add_test(t, the_table_is_bounded);
	tcase_add_test(t, long_keys_are_told_apart);
	suite_add_tcase(s, t);
	return s;
}
