/*
 * Arenas, buffers, clocks and the keyed hash.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"

Suite *suite(void);

START_TEST(arena_grows_past_its_first_chunk)
{
	struct arena *arena = arena_new(32);
	char *small = arena_strdup(arena, "small");
	char *large = arena_alloc(arena, 100000);

	large[99999] = 'x';
	ck_assert_str_eq(small, "small");
	ck_assert_str_eq(arena_printf(arena, "%d-%s", 7, "x"), "7-x");
	ck_assert_uint_ge(arena_size(arena), 100032);
	ck_assert_uint_ge(arena_used(arena), 100016);
	ck_assert_uint_le(arena_used(arena), arena_size(arena));
	arena_free(&arena);
	ck_assert_ptr_null(arena);
}
END_TEST

START_TEST(a_secret_arena_grows_like_any_other)
{
	struct arena *arena = arena_new(32), *plain = arena_new(32);

	arena_secret(arena);
	ck_assert(arena_is_secret(arena) && !arena_is_secret(plain));
	for (int i = 0; i < 3; i++)
		ck_assert_ptr_ne(arena_alloc(arena, 5000), arena_alloc(plain, 5000));
	ck_assert_uint_eq(arena_size(arena), arena_size(plain));
	arena_free(&plain);
	arena_free(&arena);
}
END_TEST

START_TEST(arena_memory_is_aligned_for_any_type)
{
	struct arena *arena = arena_new(8);

	for (size_t size = 1; size < 70; size++)
		ck_assert_uint_eq((uintptr_t)arena_alloc(arena, size) % _Alignof(max_align_t), 0);
	arena_free(&arena);
}
END_TEST

START_TEST(buf_formats_long_and_short)
{
	struct buf buf = BUF_INIT;
	char *taken;

	buf_printf(&buf, "%s", "short");
	buf_printf(&buf, "%0200d", 0);
	ck_assert_uint_eq(buf.len, 205);
	buf_consume(&buf, 5);
	ck_assert_uint_eq(strlen(buf.data), 200);
	taken = buf_take(&buf);
	ck_assert_uint_eq(strlen(taken), 200);
	ck_assert_ptr_null(buf.data);
	free(taken);
}
END_TEST

START_TEST(clock_advance_moves_both_clocks)
{
	int64_t mono = clock_ms(), wall = clock_wall_ms();
	char stamp[CLOCK_STAMP_MAX];

	clock_advance(5000);
	ck_assert_int_ge(clock_ms(), mono + 5000);
	ck_assert_int_ge(clock_wall_ms(), wall + 5000);
	ck_assert_str_eq(clock_stamp(1031, stamp), "1970-01-01T00:00:01.031Z");
}
END_TEST

/* The reference vectors of SipHash-1-3, key 00..0f, input 00..(n-1). */
START_TEST(hash_is_siphash_1_3)
{
	static const uint8_t key[HASH_KEY_LEN] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
		15 };
	uint8_t input[16];

	for (unsigned i = 0; i < sizeof input; i++)
		input[i] = (uint8_t)i;
	hash_set_key(key);
	ck_assert_uint_eq(hash_bytes(input, 0), 0xabac0158050fc4dc);
	ck_assert_uint_eq(hash_bytes(input, 1), 0xc9f49bf37d57ca93);
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("base");
	TCase *tc = tcase_create("base");

	tcase_add_test(tc, arena_grows_past_its_first_chunk);
	tcase_add_test(tc, a_secret_arena_grows_like_any_other);
	tcase_add_test(tc, arena_memory_is_aligned_for_any_type);
	tcase_add_test(tc, buf_formats_long_and_short);
	tcase_add_test(tc, clock_advance_moves_both_clocks);
	tcase_add_test(tc, hash_is_siphash_1_3);
	suite_add_tcase(s, tc);
	return s;
}
