/*
 * Holds: how an acknowledgement waits for the disk (DESIGN section 8).
 *
 * A stanza read from a peer carries a hold: a claim on one number of its
 * owner's sequence (a session's, a link's). Whoever takes the stanza takes the
 * hold. It may be split; every part is released exactly once: when the stanza was
 * refused, dropped or handled, when what it stored is durable, when a peer has
 * acknowledged it. The owner counts the unbroken run of released numbers: that
 * is `h` of XEP-0198.
 *
 * A hold is a value of weight: the whole sequence number weighs HOLD_WHOLE, a
 * split shares the weight out, and the number is released when all of the
 * weight has come back. So parts may be split on any worker without telling
 * the owner. Releases are collected and travel once a turn, one post a worker.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_CORE_HOLD_H
#define LN_CORE_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct worker;

#define HOLD_WHOLE (UINT64_C(1) << 48)

/* Zeroed: nothing is held. Never copied, only moved with hold_take(). */
struct hold {
	uint64_t weight; /* 0: none */
	uint64_t owner;  /* id of the owner on its worker; ids are never reused */
	uint32_t seq;
	uint32_t worker; /* index of the owner's worker */
};

/* One number that is out. */
struct hold_out {
	uint64_t weight;
	uint32_t size;
};

/*
 * The owner's side: embedded in a session or a link, on one worker. Numbers
 * are opened in order; `advanced` is called at the end of a turn in which the
 * run of released numbers grew, outside of any handler.
 */
struct hold_owner {
	uint64_t id;
	uint32_t opened;       /* numbers opened so far, modulo 2^32 */
	uint32_t released;     /* of these the unbroken run of released ones */
	struct hold_out *ring; /* of the numbers released .. opened */
	uint32_t room;         /* a power of two, 0: no ring */
	size_t bytes;          /* of the stanzas whose numbers are out */
	int64_t stalled_since; /* ms: when the oldest open number became the oldest */
	void (*advanced)(struct hold_owner *owner);
};

/* Registers and removes an owner on the current worker. Releases for one that is gone are
 * ignored. */
void hold_owner_open(struct hold_owner *owner, void (*advanced)(struct hold_owner *owner));
void hold_owner_close(struct hold_owner *owner);

/* Numbers that are out: opened and not yet in the run. */
static inline uint32_t
hold_owner_out(const struct hold_owner *owner)
{
	return owner->opened - owner->released;
}

/* The hold of the next number, for a stanza of `size` bytes. */
struct hold hold_open(struct hold_owner *owner, uint32_t size);

/* Moves a hold out of where it is. */
static inline struct hold
hold_take(struct hold *from)
{
	struct hold hold = *from;

	from->weight = 0;
	return hold;
}

/* A part of the hold, to be released on its own; nothing if there is none. */
struct hold hold_split(struct hold *hold);

/* Gives a hold back. Nothing happens if there is none. Any worker. */
void hold_release(struct hold *hold);

static inline bool
hold_any(const struct hold *hold)
{
	return hold->weight != 0;
}

/* At start, before the workers run: registers the end-of-turn step. */
void hold_init(void);

#endif
