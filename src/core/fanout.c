/*
 * Fan-out. See fanout.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/fanout.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "core/load.h"
#include "core/router.h"
#include "net/worker.h"

#define PORTION 32         /* stanzas of a list that are one item in its recipient's inbox */
#define PORTION_WEIGHT 128 /* bytes that each is taken for there: what it shows is shared */

/* Recipients on one worker, or the one recipient's stanzas. */
struct share {
	union {
		struct ln_jid *to;
		const struct ln_stanza **stanzas; /* frozen; each with a reference to its payload */
	};
	size_t count, room, sent;
};

/* Once it is being sent nothing is changed but what the sender has for itself: next, left, sent. */
struct fanout {
	struct fanout *next;
	_Atomic unsigned refs;
	bool is_list;
	struct ln_stanza *template; /* NULL: a list */
	struct arena *arena;        /* of the recipients' texts */
	struct ln_jid to;           /* of a list */
	size_t left;                /* not sent yet */
	unsigned share_count;
	struct share shares[];
};

/* A range of a share on its way, and where many are for one, in his inbox. */
struct range {
	struct item item;
	struct fanout *fanout;
	const struct share *share;
	size_t at, end;
	uint8_t flags; /* of the copies */
};

/* --- making one ------------------------------------------------------------------------ */

static struct fanout *
make(unsigned shares)
{
	struct fanout *fanout = xcalloc(1, sizeof *fanout + shares * sizeof fanout->shares[0]);

	atomic_init(&fanout->refs, 1);
	fanout->arena = arena_new(1024);
	fanout->share_count = shares;
	return fanout;
}

struct fanout *
fanout_new(struct ln_stanza *template)
{
	struct fanout *fanout = make(worker_count());

	fanout->template = template;
	return fanout;
}

struct fanout *
fanout_new_list(const struct ln_jid *to)
{
	struct fanout *fanout = make(1);

	fanout->is_list = true;
	fanout->to = ln_jid_clone(fanout->arena, to);
	return fanout;
}

/* Makes room for one more element of `size` bytes. */
static void *
grow(struct share *share, void *array, size_t size)
{
	if (share->count < share->room)
		return array;
	share->room = share->room ? share->room * 2 : 16;
	return xrealloc(array, share->room * size);
}

void
fanout_add(struct fanout *fanout, const struct ln_jid *to)
{
	struct share *share = &fanout->shares[worker_index(router_way(to)) % fanout->share_count];

	share->to = grow(share, share->to, sizeof *share->to);
	share->to[share->count++] = ln_jid_clone(fanout->arena, to);
	fanout->left++;
}

void
fanout_list(struct fanout *fanout, const struct ln_stanza *st)
{
	struct share *share = &fanout->shares[0];

	share->stanzas = grow(share, share->stanzas, sizeof *share->stanzas);
	share->stanzas[share->count++] = stanza_share(st);
	fanout->left++;
}

static void
unref(struct fanout **fanout_p)
{
	struct fanout *fanout = *fanout_p;

	*fanout_p = NULL;
	if (atomic_fetch_sub_explicit(&fanout->refs, 1, memory_order_acq_rel) > 1)
		return;
	/* Those before `sent` went on to their copies. */
	if (fanout->is_list)
		for (size_t i = fanout->shares[0].sent; i < fanout->shares[0].count; i++)
			stanza_unshare(fanout->shares[0].stanzas[i]);
	ln_stanza_free(&fanout->template);
	arena_free(&fanout->arena);
	for (unsigned i = 0; i < fanout->share_count; i++)
		free(fanout->shares[i].to);
	free(fanout);
}

void
fanout_free(struct fanout **fanout)
{
	if (*fanout != NULL)
		unref(fanout);
}

/* --- where the recipients live ----------------------------------------------------------- */

static void
range_free(struct range **range)
{
	unref(&(*range)->fanout);
	free(*range);
	*range = NULL;
}

/* The next stanza of a range, addressed. */
static struct ln_stanza *
next_copy(struct range *range)
{
	struct fanout *fanout = range->fanout;
	struct ln_stanza *st;

	if (fanout->is_list) {
		st = stanza_copy_shared(range->share->stanzas[range->at]);
		ln_set_to(st, &fanout->to);
	} else {
		st = ln_stanza_copy(fanout->template);
		ln_set_to(st, &range->share->to[range->at]);
	}
	range->at++;
	st->flags |= range->flags;
	return st;
}

static void
route_range(struct range *range)
{
	while (range->at < range->end)
		router_route(next_copy(range));
	range_free(&range);
}

/* In its recipient's turn: as if each had been in the inbox. */
static void
portion_run(struct entity *entity, struct item *item)
{
	struct range *range = (struct range *)item;
	uint64_t birth = entity->birth;

	while (range->at < range->end) {
		entity->ops->deliver(entity, next_copy(range));
		entity = entity_of_birth(&range->fanout->to, birth);
		if (entity == NULL) {
			item->drop(item, DROP_ABSENT);
			return;
		}
		if (entity->life == LIFE_LOADING && range->at < range->end) {
			entity_put_back(entity, item);
			return;
		}
	}
	range_free(&range);
}

static void
portion_drop(struct item *item, enum item_drop why)
{
	struct range *range = (struct range *)item;

	(void)why;
	for (; range->at < range->end; range->at++)
		stanza_unshare(range->share->stanzas[range->at]);
	range_free(&range);
}

static void
put_portion(struct range *range)
{
	struct entity *entity = entity_find(&range->fanout->to);

	if (entity == NULL) { /* of another server; or gone */
		route_range(range);
		return;
	}
	range->item.run = portion_run;
	range->item.drop = portion_drop;
	range->item.class = ITEM_MINOR;
	range->item.weight = (uint32_t)(sizeof *range + (range->end - range->at) * PORTION_WEIGHT);
	entity_put(entity, &range->item);
}

static void
range_arrived(struct worker *worker, struct post *post)
{
	struct range *range = (struct range *)post;

	(void)worker;
	load_came(range->end - range->at);
	if (range->fanout->is_list)
		put_portion(range);
	else
		route_range(range);
}

/* --- where the sender lives ---------------------------------------------------------------- */

static void
send_range(struct fanout *fanout, struct share *share, size_t count, struct worker *way,
    uint8_t flags)
{
	struct range *range = xcalloc(1, sizeof *range);

	atomic_fetch_add_explicit(&fanout->refs, 1, memory_order_relaxed);
	range->fanout = fanout;
	range->share = share;
	range->at = share->sent;
	range->end = share->sent += count;
	range->flags = flags;
	fanout->left -= count;
	load_coming(way, count);
	if (way == worker_current()) {
		range_arrived(way, &range->item.post);
		return;
	}
	range->item.post.run = range_arrived;
	worker_post(way, &range->item.post);
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void
send_list(struct fanout *fanout, size_t most, uint8_t flags)
{
	struct share *share = &fanout->shares[0];
	struct worker *way = router_way(&fanout->to);
	size_t end = share->sent + least(most, fanout->left);

	while (share->sent < end)
		send_range(fanout, share, least(PORTION, end - share->sent), way, flags);
}

static void
send_shares(struct fanout *fanout, size_t most, uint8_t flags)
{
	for (unsigned i = 0; i < fanout->share_count; i++) {
		struct share *share = &fanout->shares[i];
		size_t each =
		    least((most + fanout->share_count - i - 1) / (fanout->share_count - i),
			share->count - share->sent);

		if (each > 0)
			send_range(fanout, share, each, worker_get(i), flags);
		most -= each;
	}
}

/* What follows an entity's fan-out goes to the same people, in the main. */
static uint8_t
flags_for(const struct entity *entity)
{
	return STANZA_SHARES | (STAILQ_EMPTY(&entity->inbox) ? 0 : STANZA_LAZY);
}

/* As much of one as the turn has room for. */
static void
send_some(struct entity *entity, struct fanout *fanout)
{
	size_t before = fanout->left, most = FANOUT_TURN - entity->fanned;

	if (fanout->is_list)
		send_list(fanout, most, flags_for(entity));
	else
		send_shares(fanout, most, flags_for(entity));
	entity->fanned += before - fanout->left;
}

bool
fanout_continue(struct entity *entity)
{
	struct fanout *fanout;

	while ((fanout = entity->fanout) != NULL && entity->fanned < FANOUT_TURN) {
		send_some(entity, fanout);
		if (fanout->left > 0)
			continue;
		entity->fanout = fanout->next;
		unref(&fanout);
	}
	return entity->fanout != NULL;
}

/* Its bytes are made before it is shared between workers. */
static void
freeze(struct fanout *fanout)
{
	if (!fanout->is_list && fanout->template->payload != NULL)
		payload_bytes(fanout->template->payload);
}

void
fanout_send(struct entity *entity, struct fanout *fanout)
{
	struct fanout **last = &entity->fanout;

	if (fanout->left == 0) {
		unref(&fanout);
		return;
	}
	freeze(fanout);
	/* One that the turn has room for is sent at once if nothing is ahead of it. */
	while (*last == NULL && fanout->left > 0 && entity->fanned + fanout->left <= FANOUT_TURN)
		send_some(entity, fanout);
	if (fanout->left == 0) {
		unref(&fanout);
		return;
	}
	while (*last != NULL)
		last = &(*last)->next;
	*last = fanout;
	entity_ready(entity);
}

void
fanout_drop(struct entity *entity)
{
	struct fanout *fanout;

	while ((fanout = entity->fanout) != NULL) {
		entity->fanout = fanout->next;
		unref(&fanout);
	}
}
