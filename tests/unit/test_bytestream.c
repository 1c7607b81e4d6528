/*
 * SOCKS5 as the proxy for bytestreams reads it: in one piece, and byte by byte.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <string.h>

#include "net/socks5.h"

Suite *suite(void);

#define NAME "0123456789abcdefABCDEF0123456789abcdef01"
#define LOWER "0123456789abcdefabcdef0123456789abcdef01"
#define BYTES(text) text, sizeof(text) - 1

static const struct {
	const char *bytes;
	size_t len;
	enum socks5_state state;
	const char *out;
	size_t out_len;
} talks[] = {
	{ BYTES("\5\1\0\5\1\0\3\50" NAME "\0\0"), SOCKS5_DONE,
	    BYTES("\5\0\5\0\0\3\50" NAME "\0\0") },
	{ BYTES("\5\3\1\2\0\5\1\0\3\50" NAME "\0\0"), SOCKS5_DONE,
	    BYTES("\5\0\5\0\0\3\50" NAME "\0\0") },
	{ BYTES("\5\1\0\5\1\0\3\50" NAME "\0"), SOCKS5_MORE, BYTES("\5\0") },
	{ BYTES("\5"), SOCKS5_MORE, BYTES("") },
	{ BYTES("\5\0"), SOCKS5_FAILED, BYTES("\5\377") },
	{ BYTES("\5\2\1\2"), SOCKS5_FAILED, BYTES("\5\377") },
	{ BYTES("\4\1"), SOCKS5_FAILED, BYTES("") },
	{ BYTES("\5\1\0\4"), SOCKS5_FAILED, BYTES("\5\0") },
	{ BYTES("\5\1\0\5\2"), SOCKS5_FAILED, BYTES("\5\0\5\7\0\1\0\0\0\0\0\0") },
	{ BYTES("\5\1\0\5\1\0\4"), SOCKS5_FAILED, BYTES("\5\0\5\10\0\1\0\0\0\0\0\0") },
	{ BYTES("\5\1\0\5\1\0\3\51"), SOCKS5_FAILED, BYTES("\5\0\5\1\0\1\0\0\0\0\0\0") },
	{ BYTES("\5\1\0\5\1\0\3\50" NAME "\0\1"), SOCKS5_FAILED,
	    BYTES("\5\0\5\1\0\1\0\0\0\0\0\0") },
};

static void
assert_talk(int i, size_t step)
{
	struct socks5 socks = { 0 };
	struct buf out = BUF_INIT;
	enum socks5_state state = SOCKS5_MORE;

	for (size_t at = 0; at < talks[i].len && state == SOCKS5_MORE; at += step)
		state = socks5_read(&socks, talks[i].bytes + at,
		    talks[i].len - at < step ? talks[i].len - at : step, &out);
	ck_assert_int_eq(state, talks[i].state);
	ck_assert_uint_eq(out.len, talks[i].out_len);
	if (out.len > 0)
		ck_assert_mem_eq(out.data, talks[i].out, out.len);
	if (state == SOCKS5_DONE)
		ck_assert_mem_eq(socks.address, LOWER, 40);
	buf_free(&out);
}

START_TEST(talk)
{
	assert_talk(_i, 1000);
	assert_talk(_i, 1);
}
END_TEST

START_TEST(nothing_comes_behind_the_request)
{
	struct socks5 socks = { 0 };
	struct buf out = BUF_INIT;

	ck_assert_int_eq(socks5_read(&socks, BYTES("\5\1\0\5\1\0\3\50" NAME "\0\0x"), &out),
	    SOCKS5_FAILED);
	buf_free(&out);
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("bytestream");
	TCase *tc = tcase_create("socks5");

	tcase_add_loop_test(tc, talk, 0, sizeof talks / sizeof *talks);
	tcase_add_test(tc, nothing_comes_behind_the_request);
	suite_add_tcase(s, tc);
	return s;
}
