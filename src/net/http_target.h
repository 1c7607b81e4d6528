/*
 * What a request is for: its path, decoded, and the host it names.
 *
 * Nothing may hide in an escape: a slash, a backslash, control bytes, segments
 * that lead elsewhere and what is no UTF-8 are refused, never mended.
 *
 * Pure: any thread. Texts are the arena's.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_NET_HTTP_TARGET_H
#define LN_NET_HTTP_TARGET_H

#include <stddef.h>

struct arena;

/* The path that begins with a slash, up to its query. NULL: refused. */
const char *http_target_path(struct arena *arena, const char *at, size_t len);

/* "example.org:5280", "[::1]:5280": the name alone, in lower case. NULL: no name. */
const char *http_target_host(struct arena *arena, const char *text, size_t len);

#endif
