/*
 * Arenas: a chain of chunks, filled from the newest. See arena.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define ALIGN alignof(max_align_t)
#define CHUNK_MAX ((size_t)64 * 1024)
/* With both heads 1032 bytes, up to which malloc() keeps what a thread has freed at hand for it. */
#define CHUNK_HANDY ((size_t)1008)

struct chunk {
	struct chunk *older;
	size_t size; /* of data[] */
	alignas(max_align_t) char data[];
};

struct arena {
	struct chunk *newest;
	char *free; /* next free byte of the newest chunk */
	char *end;
	size_t total : 63;
	size_t secret : 1;
	struct chunk first;
};

static size_t
round_up(size_t size)
{
	return (size + ALIGN - 1) & ~(ALIGN - 1);
}

struct arena *
arena_new(size_t first)
{
	size_t room = round_up(first);
	struct arena *arena = xmalloc(sizeof *arena + room);

	arena->first.older = NULL;
	arena->first.size = room;
	arena->newest = &arena->first;
	arena->free = arena->first.data;
	arena->end = arena->free + room;
	arena->total = sizeof *arena + room;
	arena->secret = false;
	return arena;
}

static void
wipe(struct arena *arena)
{
	for (struct chunk *chunk = arena->newest; chunk != NULL; chunk = chunk->older)
		explicit_bzero(chunk->data, chunk->size);
}

void
arena_free(struct arena **arena_p)
{
	struct arena *arena = *arena_p;
	struct chunk *chunk, *older;

	if (arena == NULL)
		return;
	if (arena->secret)
		wipe(arena);
	for (chunk = arena->newest; chunk != &arena->first; chunk = older) {
		older = chunk->older;
		free(chunk);
	}
	free(arena);
	*arena_p = NULL;
}

static void
add_chunk(struct arena *arena, size_t size)
{
	size_t before = arena->newest->size, room = before * 2;
	struct chunk *chunk;

	if (before < CHUNK_HANDY && room > CHUNK_HANDY)
		room = CHUNK_HANDY;
	if (room > CHUNK_MAX)
		room = CHUNK_MAX;
	if (room < size)
		room = size;
	chunk = xmalloc(sizeof *chunk + room);
	chunk->older = arena->newest;
	chunk->size = room;
	arena->newest = chunk;
	arena->free = chunk->data;
	arena->end = chunk->data + room;
	arena->total += sizeof *chunk + room;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	char *memory;

	size = round_up(size);
	if ((size_t)(arena->end - arena->free) < size)
		add_chunk(arena, size);
	memory = arena->free;
	arena->free += size;
	return memory;
}

void *
arena_zalloc(struct arena *arena, size_t size)
{
	return memset(arena_alloc(arena, size), 0, size);
}

char *
arena_strdup(struct arena *arena, const char *text)
{
	return arena_strndup(arena, text, strlen(text));
}

char *
arena_strndup(struct arena *arena, const char *text, size_t len)
{
	char *copy = arena_alloc(arena, len + 1);

	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

char *
arena_vprintf(struct arena *arena, const char *format, va_list args)
{
	char shortly[200], *text;
	va_list again;
	int len;

	va_copy(again, args);
	len = vsnprintf(shortly, sizeof shortly, format, args);
	if (len < 0)
		abort();
	text = arena_alloc(arena, (size_t)len + 1);
	if ((size_t)len < sizeof shortly)
		memcpy(text, shortly, (size_t)len + 1);
	else
		vsnprintf(text, (size_t)len + 1, format, again);
	va_end(again);
	return text;
}

char *
arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = arena_vprintf(arena, format, args);
	va_end(args);
	return text;
}

void
arena_secret(struct arena *arena)
{
	arena->secret = true;
}

bool
arena_is_secret(const struct arena *arena)
{
	return arena->secret;
}

size_t
arena_size(const struct arena *arena)
{
	return arena->total;
}

size_t
arena_used(const struct arena *arena)
{
	const struct chunk *chunk = arena->newest;
	size_t used = (size_t)(arena->free - chunk->data);

	while ((chunk = chunk->older) != NULL)
		used += chunk->size;
	return used;
}
