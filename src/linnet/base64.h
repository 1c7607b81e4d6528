/*
 * Base64 for modules: strict (RFC 4648 §4), no white space, no stray bits.
 *
 *	char text[LN_BASE64_LEN(sizeof digest) + 1];
 *	ln_base64_encode(digest, sizeof digest, text);
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_LINNET_BASE64_H
#define LN_LINNET_BASE64_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Characters that `len` bytes become, the NUL not counted. */
#define LN_BASE64_LEN(len) (((size_t)(len) + 2) / 3 * 4)

/* Bytes that `len` characters can become at most. */
#define LN_BASE64_BYTES(len) ((size_t)(len) / 4 * 3 + 3)

/* Writes LN_BASE64_LEN(len) characters and a NUL; returns `out`. */
char *ln_base64_encode(const void *bytes, size_t len, char *out);

/* Writes at most LN_BASE64_BYTES(len) bytes; how many they are, or -1 for anything but base64. */
ssize_t ln_base64_decode(const char *text, size_t len, uint8_t *out);

#endif
