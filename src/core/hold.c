/*
 * Holds. See hold.h.
 *
 * Each worker has a table of its owners and, for every worker, a bag of what
 * was given back to owners there; bags travel at the end of the turn.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/hold.h"

#include <assert.h>
#include <stdlib.h>

#include "base/handle.h"
#include "base/xalloc.h"
#include "net/worker.h"

struct returned {
	uint64_t owner;
	uint64_t weight;
	uint32_t seq;
};

struct bag {
	struct post post;
	uint32_t count, room;
	struct returned items[];
};

struct hold_worker {
	struct handles owners;
	struct bag **bags; /* by index of the worker they are for */
};

static unsigned slot;

static struct hold_worker *
local(void)
{
	return worker_slot(worker_current(), slot);
}

/* --- the owner ------------------------------------------------------------------ */

void
hold_owner_open(struct hold_owner *owner, void (*advanced)(struct hold_owner *owner))
{
	*owner = (struct hold_owner){ .advanced = advanced };
	owner->id = handle_new(&local()->owners, owner);
}

void
hold_owner_close(struct hold_owner *owner)
{
	handle_end(&local()->owners, owner->id);
	free(owner->ring);
	owner->ring = NULL;
	owner->room = 0;
	owner->id = 0;
}

static void
ring_grow(struct hold_owner *owner)
{
	uint32_t room = owner->room ? owner->room * 2 : 4;
	struct hold_out *ring = xcalloc(room, sizeof *ring);

	for (uint32_t seq = owner->released; seq != owner->opened; seq++)
		ring[seq & (room - 1)] = owner->ring[seq & (owner->room - 1)];
	free(owner->ring);
	owner->ring = ring;
	owner->room = room;
}

struct hold
hold_open(struct hold_owner *owner, uint32_t size)
{
	uint32_t seq = owner->opened;

	if (hold_owner_out(owner) == owner->room)
		ring_grow(owner);
	if (seq == owner->released)
		owner->stalled_since = worker_now_ms();
	owner->ring[seq & (owner->room - 1)] = (struct hold_out){ HOLD_WHOLE, size };
	owner->bytes += size;
	owner->opened++;
	return (struct hold){ HOLD_WHOLE, owner->id, seq, worker_index(worker_current()) };
}

/* Takes one part back; true if the run grew. */
static bool
take_back(struct hold_owner *owner, const struct returned *back)
{
	uint32_t before = owner->released;
	struct hold_out *out;

	if (back->seq - owner->released >= hold_owner_out(owner))
		return false;
	out = &owner->ring[back->seq & (owner->room - 1)];
	assert(out->weight >= back->weight);
	out->weight -= back->weight;
	while (owner->released != owner->opened) {
		out = &owner->ring[owner->released & (owner->room - 1)];
		if (out->weight != 0)
			break;
		owner->bytes -= out->size;
		owner->released++;
	}
	if (owner->released != before)
		owner->stalled_since = worker_now_ms();
	return owner->released != before;
}

/* Takes a bag back; each owner hears of it once for a run of its parts. */
static void
empty_bag(struct hold_worker *worker, struct bag *bag)
{
	for (uint32_t i = 0; i < bag->count; i++) {
		struct hold_owner *owner = handle_get(&worker->owners, bag->items[i].owner);
		bool grew = false;
		uint32_t last = i;

		for (; last < bag->count && bag->items[last].owner == bag->items[i].owner; last++)
			if (owner != NULL && take_back(owner, &bag->items[last]))
				grew = true;
		i = last - 1;
		if (grew)
			owner->advanced(owner);
	}
}

static void
bag_arrived(struct worker *worker, struct post *post)
{
	struct bag *bag = (struct bag *)post;

	empty_bag(worker_slot(worker, slot), bag);
	free(bag);
}

/* --- the holder ------------------------------------------------------------------ */

struct hold
hold_split(struct hold *hold)
{
	struct hold part = *hold;

	if (hold->weight == 0)
		return part;
	/* A quarter at a time: enough for 40 parts taken one after the other. */
	part.weight = hold->weight / 4;
	assert(part.weight > 0);
	hold->weight -= part.weight;
	return part;
}

static struct bag *
bag_with_room(struct bag *bag)
{
	uint32_t room;

	if (bag != NULL && bag->count < bag->room)
		return bag;
	room = bag != NULL ? bag->room * 2 : 16;
	bag = xrealloc(bag, sizeof *bag + room * sizeof bag->items[0]);
	if (room == 16)
		bag->count = 0;
	bag->room = room;
	return bag;
}

void
hold_release(struct hold *hold)
{
	struct bag **bag;

	if (hold->weight == 0)
		return;
	bag = &local()->bags[hold->worker];
	*bag = bag_with_room(*bag);
	(*bag)->items[(*bag)->count++] = (struct returned){ hold->owner, hold->weight, hold->seq };
	hold->weight = 0;
	worker_again();
}

/* --- the turn --------------------------------------------------------------------- */

/* At the end of a turn: bags leave; this worker's own is taken back at once. What the owners
 * then release goes into the next one. */
static bool
send_bags(struct worker *worker)
{
	struct hold_worker *hw = worker_slot(worker, slot);
	unsigned self = worker_index(worker);
	struct bag *own = hw->bags[self];

	for (unsigned i = 0; i <= worker_count(); i++) {
		struct bag *bag = hw->bags[i];

		if (bag == NULL || i == self)
			continue;
		hw->bags[i] = NULL;
		bag->post.run = bag_arrived;
		worker_post(i < worker_count() ? worker_get(i) : worker_main(), &bag->post);
	}
	if (own == NULL || own->count == 0)
		return false;
	hw->bags[self] = NULL;
	empty_bag(hw, own);
	if (hw->bags[self] == NULL) {
		own->count = 0;
		hw->bags[self] = own; /* kept for the next turn */
		return false;
	}
	free(own);
	return hw->bags[self]->count > 0;
}

static void
open_worker(struct worker *worker)
{
	struct hold_worker *hw = xcalloc(1, sizeof *hw);

	hw->bags = xcalloc(worker_count() + 1, sizeof(struct bag *));
	worker_slot_set(worker, slot, hw);
}

static void
close_worker(struct worker *worker)
{
	struct hold_worker *hw = worker_slot(worker, slot);

	for (unsigned i = 0; i <= worker_count(); i++)
		free(hw->bags[i]);
	free(hw->bags);
	handles_free(&hw->owners);
	free(hw);
	worker_slot_set(worker, slot, NULL);
}

void
hold_init(void)
{
	slot = worker_slot_new();
	worker_on_open(open_worker);
	worker_on_close(close_worker);
	worker_on_turn(WORKER_FLUSH, send_bags);
}
