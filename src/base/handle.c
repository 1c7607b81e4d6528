/*
 * Handles: generation above index. See handle.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/handle.h"

#include <stdlib.h>

#include "base/xalloc.h"

static struct handle_slot *
slot_of(const struct handles *handles, uint64_t handle)
{
	uint32_t index = (uint32_t)handle;
	struct handle_slot *slot;

	if (index >= handles->count)
		return NULL;
	slot = &handles->slots[index];
	return slot->thing != NULL && slot->generation == handle >> 32 ? slot : NULL;
}

static uint32_t
take_slot(struct handles *handles)
{
	uint32_t index;

	if (handles->first_free != 0) {
		index = handles->first_free - 1;
		handles->first_free = handles->slots[index].next_free;
		return index;
	}
	if (handles->count == handles->room) {
		handles->room = handles->room ? handles->room * 2 : 16;
		handles->slots = xrealloc(handles->slots, handles->room * sizeof *handles->slots);
	}
	index = handles->count++;
	handles->slots[index].generation = 0;
	return index;
}

uint64_t
handle_new(struct handles *handles, void *thing)
{
	uint32_t index = take_slot(handles);
	struct handle_slot *slot = &handles->slots[index];

	slot->thing = thing;
	slot->generation++;
	return (uint64_t)slot->generation << 32 | index;
}

void *
handle_get(const struct handles *handles, uint64_t handle)
{
	struct handle_slot *slot = slot_of(handles, handle);

	return slot != NULL ? slot->thing : NULL;
}

void
handle_end(struct handles *handles, uint64_t handle)
{
	struct handle_slot *slot = slot_of(handles, handle);

	if (slot == NULL)
		return;
	slot->thing = NULL;
	slot->next_free = handles->first_free;
	handles->first_free = (uint32_t)handle + 1;
}

void *
handle_walk(const struct handles *handles, uint32_t *at)
{
	while (*at < handles->count) {
		void *thing = handles->slots[(*at)++].thing;

		if (thing != NULL)
			return thing;
	}
	return NULL;
}

void
handles_free(struct handles *handles)
{
	free(handles->slots);
	*handles = (struct handles){ 0 };
}
