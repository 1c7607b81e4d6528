/*
 * Allocation that cannot fail. See xalloc.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/xalloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SMALL ((size_t)1032) /* bytes that malloc() keeps at hand for the thread that freed them */

static void *
or_die(void *memory)
{
	if (memory == NULL) {
		fputs("linnet: out of memory\n", stderr);
		abort();
	}
	return memory;
}

void *
xmalloc(size_t size)
{
	return or_die(malloc(size ? size : 1));
}

void *
xcalloc(size_t count, size_t size)
{
	/* glibc's calloc() passes by the blocks that the thread has freed just now. */
	if (count <= SMALL && size <= SMALL && count * size <= SMALL)
		return memset(xmalloc(count * size), 0, count * size);
	return or_die(calloc(count ? count : 1, size ? size : 1));
}

void *
xrealloc(void *old, size_t size)
{
	return or_die(realloc(old, size ? size : 1));
}

char *
xstrdup(const char *text)
{
	return or_die(strdup(text));
}

char *
xstrndup(const char *text, size_t len)
{
	return or_die(strndup(text, len));
}

char *
xasprintf(const char *format, ...)
{
	va_list args;
	char *text = NULL;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	return or_die(text);
}
