/*
 * Reading UTF-8. See utf8.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/utf8.h"

/* By the number of bytes: how many bits the first byte gives, the smallest code allowed. */
static const struct {
	uint8_t mask;
	uint32_t least;
} forms[] = { { 0, 0 }, { 0x7f, 0 }, { 0x1f, 0x80 }, { 0x0f, 0x800 }, { 0x07, 0x10000 } };

static size_t
length_of(uint8_t first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2)
		return 0;
	if (first < 0xe0)
		return 2;
	if (first < 0xf0)
		return 3;
	return first < 0xf5 ? 4 : 0;
}

size_t
utf8_next(const char *p, const char *end, uint32_t *code_r)
{
	size_t len = p < end ? length_of((uint8_t)*p) : 0;
	uint32_t code;

	if (len == 0 || (size_t)(end - p) < len)
		return 0;
	code = (uint8_t)*p & forms[len].mask;
	for (size_t i = 1; i < len; i++) {
		uint8_t byte = (uint8_t)p[i];

		if ((byte & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (byte & 0x3f);
	}
	if (code < forms[len].least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	*code_r = code;
	return len;
}

bool
utf8_valid(const char *bytes, size_t len)
{
	const char *p = bytes, *end = bytes + len;
	uint32_t code;

	while (p < end) {
		size_t step = utf8_next(p, end, &code);

		if (step == 0)
			return false;
		p += step;
	}
	return true;
}
