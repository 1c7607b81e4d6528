/*
 * Allocation that cannot fail: every buffer in this program is bounded, so
 * running out of memory is a fault of ours or of the machine and ends the
 * process with a message. Callable from any thread.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_BASE_XALLOC_H
#define LN_BASE_XALLOC_H

#include <stddef.h>

/* All return memory to be given back with free(). */
void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *old, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *text) __attribute__((malloc, returns_nonnull));
char *xstrndup(const char *text, size_t len) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

#endif
