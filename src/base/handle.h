/*
 * Handles: numbers for things that may be gone when they are asked for.
 *
 * A table gives each thing a 64-bit handle that is never given out again; a
 * look-up is an array access. So what crosses an asynchronous gap is a number,
 * and "gone" is a normal answer. A table belongs to one thread.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_BASE_HANDLE_H
#define LN_BASE_HANDLE_H

#include <stdint.h>

struct handle_slot {
	void *thing; /* NULL: free */
	uint32_t generation;
	uint32_t next_free;
};

struct handles {
	struct handle_slot *slots;
	uint32_t count, room;
	uint32_t first_free; /* index + 1; 0: none */
};

/* Never 0. `thing` must not be NULL. */
uint64_t handle_new(struct handles *handles, void *thing);

/* NULL: gone, or never was. */
void *handle_get(const struct handles *handles, uint64_t handle);

void handle_end(struct handles *handles, uint64_t handle);

/* The next thing from *at on, which begins at 0 and is moved on; NULL: no more. */
void *handle_walk(const struct handles *handles, uint32_t *at);

void handles_free(struct handles *handles);

#endif
