/*
 * Arenas: memory that is freed all at once.
 *
 * A stanza's tree, a parsed configuration, the arguments of one command live
 * in an arena. The header and the first chunk are one malloc() block, so a
 * typical stanza costs one allocation. An arena belongs to one thread at a
 * time; passing it on passes it whole.
 *
 *	struct arena *a = arena_new(1000);
 *	char *copy = arena_strdup(a, text);
 *	arena_free(&a);
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_BASE_ARENA_H
#define LN_BASE_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct arena;

/* A new arena whose first chunk has room for `first` bytes; later chunks grow. */
struct arena *arena_new(size_t first);

/* Frees everything and nulls the pointer; a NULL arena is fine. */
void arena_free(struct arena **arena);

/* Uninitialised memory aligned for any type, valid until arena_free(). Never NULL. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((returns_nonnull, alloc_size(2)));

/* The same, zeroed. */
void *arena_zalloc(struct arena *arena, size_t size)
    __attribute__((returns_nonnull, alloc_size(2)));

/* NUL-terminated copies. */
char *arena_strdup(struct arena *arena, const char *text) __attribute__((returns_nonnull));
char *arena_strndup(struct arena *arena, const char *text, size_t len)
    __attribute__((returns_nonnull));
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3), returns_nonnull));
char *arena_vprintf(struct arena *arena, const char *format, va_list args)
    __attribute__((format(printf, 2, 0), returns_nonnull));

/* Something in it is secret, a password: all of it is zeroed before it is freed. */
void arena_secret(struct arena *arena);
bool arena_is_secret(const struct arena *arena);

/* Bytes asked of malloc() so far. */
size_t arena_size(const struct arena *arena);

/* Bytes handed out, rounded up as the next arena would: what arena_new() needs for the same again.
 * Exact while there is one chunk, else a little more. */
size_t arena_used(const struct arena *arena);

#endif
