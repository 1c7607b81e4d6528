/*
 * Base64: the vectors of RFC 4648 §10 and everything that is not base64.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>

#include "base/arena.h"
#include "base/base64.h"

Suite *suite(void);

static const struct {
	const char *bytes, *text;
} vectors[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
};

static const char *const refused[] = {
	"Z",
	"Zg",
	"Zg=",
	"Zg===",
	"=",
	"==",
	"===",
	"====",
	"Zg==Zg==",
	"Zm9v====",
	"Zm9v=",
	"Z===",
	" Zg==",
	"Zg==\n",
	"Zm9v\r\n",
	"Zm 9",
	"Zm9-",
	"Zm9_",
	"Zh==",
	"Zm9=",
	"Z=g=",
	"=Zg=",
	"Zm\xc3\xa4",
	"Zm9v,A==",
};

START_TEST(rfc_4648_vectors_both_ways)
{
	const char *bytes = vectors[_i].bytes, *text = vectors[_i].text;
	char encoded[16];
	uint8_t decoded[16];

	ck_assert_str_eq(base64_encode(bytes, strlen(bytes), encoded), text);
	ck_assert_uint_eq(BASE64_LEN(strlen(bytes)), strlen(text));
	ck_assert_int_eq(base64_decode(text, strlen(text), decoded), (ssize_t)strlen(bytes));
	ck_assert_mem_eq(decoded, bytes, strlen(bytes));
}
END_TEST

START_TEST(what_is_not_base64_is_refused)
{
	uint8_t decoded[16];

	ck_assert_int_eq(base64_decode(refused[_i], strlen(refused[_i]), decoded), -1);
}
END_TEST

START_TEST(a_nul_is_not_base64)
{
	uint8_t decoded[16];

	ck_assert_int_eq(base64_decode("Zm9\0", 4, decoded), -1);
}
END_TEST

START_TEST(every_byte_survives)
{
	uint8_t bytes[256], decoded[BASE64_BYTES(BASE64_LEN(256))];
	struct arena *arena = arena_new(600);
	struct buf buf = BUF_INIT;
	char *text;

	for (unsigned i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)i;
	for (size_t len = 0; len <= sizeof bytes; len++) {
		text = base64_text(arena, bytes, len);
		ck_assert_int_eq(base64_decode(text, strlen(text), decoded), (ssize_t)len);
		ck_assert_int_eq(memcmp(decoded, bytes, len), 0);
	}
	buf_add_text(&buf, "=");
	base64_add(&buf, "foo", 3);
	ck_assert_str_eq(buf.data, "=Zm9v");
	ck_assert_uint_eq(buf.len, 5);
	buf_free(&buf);
	arena_free(&arena);
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("base64");
	TCase *tc = tcase_create("base64");

	tcase_add_loop_test(tc, rfc_4648_vectors_both_ways, 0, sizeof vectors / sizeof *vectors);
	tcase_add_loop_test(tc, what_is_not_base64_is_refused, 0, sizeof refused / sizeof *refused);
	tcase_add_test(tc, a_nul_is_not_base64);
	tcase_add_test(tc, every_byte_survives);
	suite_add_tcase(s, tc);
	return s;
}
