/*
 * Requests as strangers send them: a head, and what stands behind it as chunks. What is taken
 * must keep the promises of linnet/http.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "net/http_body.h"
#include "net/http_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
check(const struct http_head *head)
{
	const char *path = head->path;

	if (path == NULL || (path[0] != '/' && strcmp(path, "*") != 0) ||
	    strstr(path, "/../") != NULL || strstr(path, "//") != NULL || head->host == NULL)
		abort();
	for (unsigned i = 0; i < head->field_count; i++)
		if (strpbrk(head->fields[i].value, "\r\n") != NULL)
			abort();
}

static void
read_range(const struct http_head *head)
{
	const char *range = http_head_field(head, "range");
	int64_t from = 0, part = 0;

	if (range != NULL && http_range_parse(range, 1000, &from, &part) == HTTP_RANGE_ONE &&
	    (from < 0 || part <= 0 || from + part > 1000))
		abort();
}

static void
read_chunks(const char *at, const char *end)
{
	struct http_body body;
	const char *piece;
	size_t len;

	http_body_begin(&body, -1);
	while (http_body_next(&body, &at, end, &piece, &len) == HTTP_BODY_PIECE)
		if (len == 0 || piece + len > end)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *text = (const char *)bytes;
	size_t head_len = http_head_find(text, len);
	struct arena *arena;
	struct http_head head;

	if (head_len == 0 || head_len > HTTP_HEAD_MAX)
		return 0;
	arena = arena_new(512);
	if (http_head_parse(arena, text, head_len, &head) == 0) {
		check(&head);
		read_range(&head);
		read_chunks(text + head_len, text + len);
	}
	arena_free(&arena);
	return 0;
}
