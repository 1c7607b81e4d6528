/*
 * Heads, bodies and ranges of HTTP: what is taken, and with which status the rest is refused.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "net/http_body.h"
#include "net/http_head.h"

Suite *suite(void);

#define HOST "Host: example.org\r\n"

static const struct {
	const char *head;
	unsigned status;
} heads[] = {
	{ "GET / HTTP/1.1\r\n" HOST "\r\n", 0 },
	{ "GET / HTTP/1.0\r\n\r\n", 0 },
	{ "HEAD /a%20b?x=%2f HTTP/1.1\r\n" HOST "\r\n", 0 },
	{ "GET http://example.org:80/x HTTP/1.1\r\nHost: other\r\n\r\n", 0 },
	{ "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 0 },
	{ "PUT /x HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n", 0 },
	{ "PUT /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", 0 },
	/* The host is named once, and is a name. */
	{ "GET / HTTP/1.1\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400 },
	{ "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400 },
	{ "GET / HTTP/1.1\r\nHost: a:8o\r\n\r\n", 400 },
	{ "GET http:///x HTTP/1.1\r\n" HOST "\r\n", 400 },
	/* Smuggling: two framings, or one that two readers read in two ways. */
	{ "PUT / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
	    400 },
	{ "PUT / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400 },
	{ "PUT / HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\n", 400 },
	{ "PUT / HTTP/1.1\r\n" HOST "Content-Length: +5\r\n\r\n", 400 },
	{ "PUT / HTTP/1.1\r\n" HOST "Content-Length: -5\r\n\r\n", 400 },
	{ "PUT / HTTP/1.1\r\n" HOST "Content-Length: 0x5\r\n\r\n", 400 },
	{ "PUT / HTTP/1.1\r\n" HOST "Content-Length: \r\n\r\n", 400 },
	{ "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n", 501 },
	{ "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, gzip\r\n\r\n", 501 },
	{ "PUT / HTTP/1.1\r\n" HOST
	  "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
	    400 },
	{ "PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
	{ "PUT / HTTP/1.1\r\n" HOST "Content-Length : 5\r\n\r\n", 400 },
	{ "PUT / HTTP/1.1\r\n" HOST "X: a\r\n Content-Length: 5\r\n\r\n", 400 },
	{ "PUT / HTTP/1.1\r\n" HOST "X: a\nContent-Length: 5\r\n\r\n", 400 },
	{ "PUT / HTTP/1.1\r\n" HOST "X: a\rContent-Length: 5\r\n\r\n", 400 },
	{ "PUT / HTTP/1.1\r\n Host: example.org\r\n\r\n", 400 },
	{ "PUT / HTTP/1.1\r\n" HOST ": x\r\n\r\n", 400 },
	{ "PUT / HTTP/1.1\r\n" HOST "no colon\r\n\r\n", 400 },
	{ "PUT / HTTP/1.1\r\n" HOST "X: a\001b\r\n\r\n", 400 },
	{ "GET  / HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET /  HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET / HTTP/1.1 \r\n" HOST "\r\n", 505 },
	{ "GET\t/ HTTP/1.1\r\n" HOST "\r\n", 501 },
	{ "GET /a\tb HTTP/1.1\r\n" HOST "\r\n", 400 },
	/* Paths that lead elsewhere. */
	{ "GET /%c0%ae%c0%ae/x HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET /%e0%80%af HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET /../etc/passwd HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET /a/.. HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET /%2e%2e/x HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET /a%2fb HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET /a%5Cb HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET /a\\b HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET /a//b HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET /./b HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET /%00 HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET /%0d%0aX HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET /%zz HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET /% HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET /%ff HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET x HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET * HTTP/1.1\r\n" HOST "\r\n", 400 },
	/* Other methods, other versions, other expectations. */
	{ "BREW / HTTP/1.1\r\n" HOST "\r\n", 501 },
	{ "TRACE / HTTP/1.1\r\n" HOST "\r\n", 501 },
	{ "CONNECT a:1 HTTP/1.1\r\n" HOST "\r\n", 501 },
	{ "get / HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "GET / HTTP/2.0\r\n" HOST "\r\n", 505 },
	{ "GET /\r\n" HOST "\r\n", 505 },
	{ "PUT / HTTP/1.1\r\n" HOST "Expect: 200-ok\r\n\r\n", 417 },
	{ "PUT / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n", 400 },
};

START_TEST(heads_are_taken_or_refused)
{
	struct arena *arena = arena_new(512);
	struct http_head head;
	unsigned status;

	ck_assert_uint_eq(http_head_find(heads[_i].head, strlen(heads[_i].head)),
	    strlen(heads[_i].head));
	status = http_head_parse(arena, heads[_i].head, strlen(heads[_i].head), &head);
	ck_assert_msg(status == heads[_i].status, "%u for %s", status, heads[_i].head);
	arena_free(&arena);
}
END_TEST

START_TEST(a_head_says_what_is_asked_for)
{
	static const char text[] = "PUT /a%20b/c%C3%A9?q=%2F HTTP/1.1\r\n"
				   "Host: Example.ORG:5280\r\nX-A: one\r\nx-a:\ttwo \r\n"
				   "Content-Length: 17\r\nConnection: x, Close\r\n"
				   "Expect: 100-Continue\r\nUpgrade: websocket\r\n\r\n";
	struct arena *arena = arena_new(512);
	struct http_head head;

	ck_assert_uint_eq(http_head_parse(arena, text, sizeof text - 1, &head), 0);
	ck_assert_uint_eq(head.method, LN_HTTP_PUT);
	ck_assert_str_eq(head.path, "/a b/c\xc3\xa9");
	ck_assert_str_eq(head.query, "q=%2F");
	ck_assert_str_eq(head.host, "example.org");
	ck_assert_str_eq(http_head_field(&head, "x-a"), "one, two");
	ck_assert_int_eq(head.length, 17);
	ck_assert(!head.keep_alive);
	ck_assert(head.expects);
	ck_assert_ptr_null(http_head_field(&head, "x-b"));
	arena_free(&arena);
}
END_TEST

START_TEST(many_fields_are_too_many_even_under_one_name)
{
	struct arena *arena = arena_new(512);
	struct buf text = BUF_INIT;
	struct http_head head;

	buf_add_text(&text, "GET / HTTP/1.1\r\n" HOST);
	for (int i = 0; i < 64; i++)
		buf_add_text(&text, "X: y\r\n");
	buf_add_text(&text, "\r\n");
	ck_assert_uint_eq(http_head_parse(arena, text.data, text.len, &head), 431);
	buf_free(&text);
	arena_free(&arena);
}
END_TEST

/* --- bodies ------------------------------------------------------------------------------ */

static const struct {
	const char *bytes;
	enum http_body_result result;
	const char *body;
	const char *behind;
} chunked[] = {
	{ "3\r\nabc\r\n0\r\n\r\nNEXT", HTTP_BODY_END, "abc", "NEXT" },
	{ "1\r\na\r\n002;x=y\r\nbc\r\n0\r\nX: y\r\n\r\n", HTTP_BODY_END, "abc", "" },
	{ "A\r\n0123456789\r\n0\r\n\r\n", HTTP_BODY_END, "0123456789", "" },
	{ "3 \t;x\r\nabc\r\n0\r\n\r\n", HTTP_BODY_END, "abc", "" },
	{ "3 3\r\nabc\r\n0\r\n\r\n", HTTP_BODY_BAD, "", NULL },
	{ "3 \r\nabc\r\n0\r\n\r\n", HTTP_BODY_BAD, "", NULL },
	{ "3;a\nb\r\nabc\r\n0\r\n\r\n", HTTP_BODY_BAD, "", NULL },
	{ "3\r\nabc\r\n", HTTP_BODY_MORE, "abc", "" },
	{ "3\rXabc\r\n0\r\n\r\n", HTTP_BODY_BAD, "", NULL },
	{ "3\nabc\n0\n\n", HTTP_BODY_BAD, "", NULL },
	{ "3\r\nabcd\r\n0\r\n\r\n", HTTP_BODY_BAD, "abc", NULL },
	{ "3\r\nabc0\r\n\r\n", HTTP_BODY_BAD, "abc", NULL },
	{ "\r\n\r\n", HTTP_BODY_BAD, "", NULL },
	{ "-1\r\n", HTTP_BODY_BAD, "", NULL },
	{ "0x3\r\nabc\r\n", HTTP_BODY_BAD, "", NULL },
	{ "1234567890123456\r\n", HTTP_BODY_BAD, "", NULL },
	{ "0\r\nX: y\n\r\n", HTTP_BODY_BAD, "", NULL },
	{ "0\r\n\rX", HTTP_BODY_BAD, "", NULL },
};

/* Whole, and byte by byte: the same. */
static void
assert_body(unsigned i, size_t step)
{
	const char *at = chunked[i].bytes, *end = at + strlen(at), *piece;
	enum http_body_result result = HTTP_BODY_MORE;
	struct http_body body;
	struct buf got = BUF_INIT;
	size_t len;

	http_body_begin(&body, -1);
	while (result == HTTP_BODY_PIECE || (result == HTTP_BODY_MORE && at < end)) {
		const char *until = (size_t)(end - at) < step ? end : at + step;

		result = http_body_next(&body, &at, until, &piece, &len);
		if (result == HTTP_BODY_PIECE)
			buf_add(&got, piece, len);
	}
	ck_assert_int_eq(result, chunked[i].result);
	ck_assert_uint_eq(got.len, strlen(chunked[i].body));
	if (got.len > 0)
		ck_assert_str_eq(got.data, chunked[i].body);
	if (chunked[i].behind != NULL)
		ck_assert_str_eq(at, chunked[i].behind);
	buf_free(&got);
}

START_TEST(chunks)
{
	assert_body((unsigned)_i, 1000);
	assert_body((unsigned)_i, 1);
}
END_TEST

START_TEST(a_length_ends_the_body)
{
	const char *at = "abcdeNEXT", *piece;
	const char *end = at + 9;
	struct http_body body;
	size_t len;

	http_body_begin(&body, 5);
	ck_assert_int_eq(http_body_next(&body, &at, at + 2, &piece, &len), HTTP_BODY_PIECE);
	ck_assert_uint_eq(len, 2);
	ck_assert_int_eq(http_body_next(&body, &at, end, &piece, &len), HTTP_BODY_PIECE);
	ck_assert_uint_eq(len, 3);
	ck_assert_int_eq(http_body_next(&body, &at, end, &piece, &len), HTTP_BODY_END);
	ck_assert_str_eq(at, "NEXT");
	http_body_begin(&body, 0);
	ck_assert_int_eq(http_body_next(&body, &at, end, &piece, &len), HTTP_BODY_END);
}
END_TEST

/* --- ranges -------------------------------------------------------------------------------- */

static const struct {
	const char *text;
	int64_t size;
	enum http_range result;
	int64_t from, len;
} ranges[] = {
	{ "bytes=0-", 10, HTTP_RANGE_ONE, 0, 10 },
	{ "bytes=2-4", 10, HTTP_RANGE_ONE, 2, 3 },
	{ "bytes=2-400", 10, HTTP_RANGE_ONE, 2, 8 },
	{ "bytes=9-", 10, HTTP_RANGE_ONE, 9, 1 },
	{ "bytes=-3", 10, HTTP_RANGE_ONE, 7, 3 },
	{ "bytes=-30", 10, HTTP_RANGE_ONE, 0, 10 },
	{ "bytes=10-", 10, HTTP_RANGE_BAD, 0, 0 },
	{ "bytes=0-", 0, HTTP_RANGE_BAD, 0, 0 },
	{ "bytes=-0", 10, HTTP_RANGE_BAD, 0, 0 },
	{ "bytes=4-2", 10, HTTP_RANGE_NONE, 0, 0 },
	{ "bytes=0-1,3-4", 10, HTTP_RANGE_NONE, 0, 0 },
	{ "bytes=x-", 10, HTTP_RANGE_NONE, 0, 0 },
	{ "lines=0-1", 10, HTTP_RANGE_NONE, 0, 0 },
	{ "bytes=99999999999999999999-", 10, HTTP_RANGE_BAD, 0, 0 },
	{ "bytes=8-99999999999999999999", 10, HTTP_RANGE_ONE, 8, 2 },
	{ "bytes=-99999999999999999999", 10, HTTP_RANGE_ONE, 0, 10 },
};

START_TEST(ranges_are_read)
{
	int64_t from = 0, len = 0;

	ck_assert_int_eq(http_range_parse(ranges[_i].text, ranges[_i].size, &from, &len),
	    ranges[_i].result);
	if (ranges[_i].result != HTTP_RANGE_ONE)
		return;
	ck_assert_int_eq(from, ranges[_i].from);
	ck_assert_int_eq(len, ranges[_i].len);
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("http_head");
	TCase *tc = tcase_create("http_head");

	tcase_add_loop_test(tc, heads_are_taken_or_refused, 0, sizeof heads / sizeof *heads);
	tcase_add_test(tc, a_head_says_what_is_asked_for);
	tcase_add_test(tc, many_fields_are_too_many_even_under_one_name);
	tcase_add_loop_test(tc, chunks, 0, sizeof chunked / sizeof *chunked);
	tcase_add_test(tc, a_length_ends_the_body);
	tcase_add_loop_test(tc, ranges_are_read, 0, sizeof ranges / sizeof *ranges);
	suite_add_tcase(s, tc);
	return s;
}
