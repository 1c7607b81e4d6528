/*
 * Base64 (RFC 4648 §4), strict: no line breaks, no white space, no missing or
 * superfluous padding, no stray bits behind the last byte. What SASL and vCards
 * send is refused rather than guessed at.
 *
 *	char text[BASE64_LEN(sizeof digest) + 1];
 *	base64_encode(digest, sizeof digest, text);
 *
 *	uint8_t *bytes = arena_alloc(arena, BASE64_BYTES(len));
 *	ssize_t got = base64_decode(text, len, bytes);
 *	if (got < 0)
 *		return refuse("incorrect-encoding");
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_BASE_BASE64_H
#define LN_BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

struct arena;

/* Characters that `len` bytes become, the NUL not counted. */
#define BASE64_LEN(len) (((size_t)(len) + 2) / 3 * 4)

/* Bytes that `len` characters can become at most. */
#define BASE64_BYTES(len) ((size_t)(len) / 4 * 3 + 3)

/* Writes BASE64_LEN(len) characters and a NUL; returns `out`. */
char *base64_encode(const void *bytes, size_t len, char *out);

/* The same into an arena, or behind what a buffer holds. */
char *base64_text(struct arena *arena, const void *bytes, size_t len);
void base64_add(struct buf *out, const void *bytes, size_t len);

/* Writes at most BASE64_BYTES(len) bytes; how many they are, or -1 for anything but base64. */
ssize_t base64_decode(const char *text, size_t len, uint8_t *out);

#endif
