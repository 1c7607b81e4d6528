/*
 * Paths and hosts of requests. See http_target.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/http_target.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/utf8.h"

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte of the path, decoded; a slash or a control byte must not hide in an escape. -1: refused. */
static int
decode_byte(const char **at, const char *end)
{
	int high, low, byte;

	if (**at != '%')
		return (unsigned char)*(*at)++;
	if (end - *at < 3)
		return -1;
	high = hex_value((*at)[1]);
	low = hex_value((*at)[2]);
	if (high < 0 || low < 0)
		return -1;
	*at += 3;
	byte = high << 4 | low;
	return byte < ' ' || byte == 0x7f || byte == '/' || byte == '\\' ? -1 : byte;
}

/* An empty segment within, "." and "..": nobody asks for them but those who look for holes. */
static bool
segments_are_plain(const char *path)
{
	while (*path == '/') {
		size_t len = strcspn(++path, "/");

		if ((len == 0 && path[0] != '\0') || (len == 1 && path[0] == '.') ||
		    (len == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		path += len;
	}
	return true;
}

const char *
http_target_path(struct arena *arena, const char *at, size_t len)
{
	const char *end = at + len;
	char *path = arena_alloc(arena, len + 1);
	size_t out = 0;

	while (at < end) {
		int byte = decode_byte(&at, end);

		if (byte < 0 || byte == '\\')
			return NULL;
		path[out++] = (char)byte;
	}
	path[out] = '\0';
	return segments_are_plain(path) && utf8_valid(path, out) ? path : NULL;
}

const char *
http_target_host(struct arena *arena, const char *text, size_t len)
{
	size_t name = 0;
	char *copy;

	if (len > 0 && text[0] == '[') {
		const char *close = memchr(text, ']', len);

		if (close == NULL)
			return NULL;
		name = (size_t)(close - text) + 1;
	}
	while (name < len && text[name] != ':')
		name++;
	for (size_t i = name + 1; i < len; i++)
		if (!isdigit((unsigned char)text[i]))
			return NULL;
	copy = arena_strndup(arena, text, name);
	for (char *c = copy; *c != '\0'; c++) {
		if (!isalnum((unsigned char)*c) && strchr("-._:[]%", *c) == NULL)
			return NULL;
		*c = (char)tolower((unsigned char)*c);
	}
	return copy;
}
