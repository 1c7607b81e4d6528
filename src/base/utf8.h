/*
 * Reading UTF-8 (RFC 3629): nothing overlong, no surrogates, nothing above
 * U+10FFFF. Callable from any thread.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_BASE_UTF8_H
#define LN_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The length of the character that begins at `p`, with its code in *code_r;
 * 0 if the bytes up to `end` do not begin with a whole, valid character.
 */
size_t utf8_next(const char *p, const char *end, uint32_t *code_r);

bool utf8_valid(const char *bytes, size_t len);

#endif
