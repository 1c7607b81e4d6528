/*
 * Base64. See base64.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/base64.h"

#include "base/arena.h"
#include "linnet/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *
base64_encode(const void *bytes, size_t len, char *out)
{
	const uint8_t *in = bytes;
	char *p = out;

	for (; len >= 3; in += 3, len -= 3) {
		uint32_t group = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];

		*p++ = alphabet[group >> 18];
		*p++ = alphabet[group >> 12 & 63];
		*p++ = alphabet[group >> 6 & 63];
		*p++ = alphabet[group & 63];
	}
	if (len > 0) {
		uint32_t group = (uint32_t)in[0] << 16 | (len == 2 ? (uint32_t)in[1] << 8 : 0);

		*p++ = alphabet[group >> 18];
		*p++ = alphabet[group >> 12 & 63];
		*p++ = len == 2 ? alphabet[group >> 6 & 63] : '=';
		*p++ = '=';
	}
	*p = '\0';
	return out;
}

char *
base64_text(struct arena *arena, const void *bytes, size_t len)
{
	return base64_encode(bytes, len, arena_alloc(arena, BASE64_LEN(len) + 1));
}

void
base64_add(struct buf *out, const void *bytes, size_t len)
{
	base64_encode(bytes, len, buf_grow(out, BASE64_LEN(len)));
	out->len += BASE64_LEN(len);
}

static int
digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* The six bits each of `count` characters, or -1. */
static int32_t
digits(const char *text, int count)
{
	int32_t group = 0;

	for (int i = 0; i < count; i++) {
		int value = digit(text[i]);

		if (value < 0)
			return -1;
		group = group << 6 | value;
	}
	return group;
}

/* The last group, of two or three characters; the bits that no byte takes must be zero. */
static int
decode_tail(const char *text, int count, uint8_t *out)
{
	int32_t group = digits(text, count);

	if (group < 0)
		return -1;
	if (count == 2) {
		out[0] = (uint8_t)(group >> 4);
		return (group & 0xf) == 0 ? 1 : -1;
	}
	out[0] = (uint8_t)(group >> 10);
	out[1] = (uint8_t)(group >> 2);
	return (group & 0x3) == 0 ? 2 : -1;
}

ssize_t
base64_decode(const char *text, size_t len, uint8_t *out)
{
	size_t padding = 0, whole;
	uint8_t *p = out;
	int tail = 0;

	if (len % 4 != 0)
		return -1;
	if (len > 0 && text[len - 1] == '=')
		padding = text[len - 2] == '=' ? 2 : 1;
	whole = padding > 0 ? len - 4 : len;

	for (size_t i = 0; i < whole; i += 4, p += 3) {
		int32_t group = digits(text + i, 4);

		if (group < 0)
			return -1;
		p[0] = (uint8_t)(group >> 16);
		p[1] = (uint8_t)(group >> 8);
		p[2] = (uint8_t)group;
	}
	if (padding > 0) {
		tail = decode_tail(text + whole, (int)(4 - padding), p);
		if (tail < 0)
			return -1;
	}
	return p - out + tail;
}

/* --- for modules, under the names they see ------------------------------------ */

char *
ln_base64_encode(const void *bytes, size_t len, char *out)
{
	return base64_encode(bytes, len, out);
}

ssize_t
ln_base64_decode(const char *text, size_t len, uint8_t *out)
{
	return base64_decode(text, len, out);
}
