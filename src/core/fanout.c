/*
 * Fan-out. See fanout.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/fanout.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "core/router.h"
#include "net/worker.h"

struct fanout {
	struct fanout *next;
	struct ln_stanza *template;
	struct arena *arena; /* of the recipients' texts */
	struct ln_jid *to;
	size_t count, room, sent;
};

/* The stanzas of one turn for one worker. */
struct batch {
	struct post post;
	size_t count;
	struct ln_stanza *stanzas[];
};

struct fanout *
fanout_new(struct ln_stanza *template)
{
	struct fanout *fanout = xcalloc(1, sizeof *fanout);

	fanout->template = template;
	fanout->arena = arena_new(1024);
	return fanout;
}

void
fanout_add(struct fanout *fanout, const struct ln_jid *to)
{
	if (fanout->count == fanout->room) {
		fanout->room = fanout->room ? fanout->room * 2 : 16;
		fanout->to = xrealloc(fanout->to, fanout->room * sizeof *fanout->to);
	}
	fanout->to[fanout->count++] = ln_jid_clone(fanout->arena, to);
}

void
fanout_free(struct fanout **fanout_p)
{
	struct fanout *fanout = *fanout_p;

	*fanout_p = NULL;
	if (fanout == NULL)
		return;
	ln_stanza_free(&fanout->template);
	arena_free(&fanout->arena);
	free(fanout->to);
	free(fanout);
}

static void
batch_arrived(struct worker *worker, struct post *post)
{
	struct batch *batch = (struct batch *)post;

	(void)worker;
	for (size_t i = 0; i < batch->count; i++)
		router_route(batch->stanzas[i]);
	free(batch);
}

static void
batch_add(struct batch **batch, size_t room, struct ln_stanza *st)
{
	if (*batch == NULL) {
		*batch = xmalloc(sizeof **batch + room * sizeof(struct ln_stanza *));
		(*batch)->count = 0;
		(*batch)->post.run = batch_arrived;
	}
	(*batch)->stanzas[(*batch)->count++] = st;
}

/* As many stanzas of one fan-out as the turn has room for, one post a worker. */
static void
send_some(struct entity *entity, struct fanout *fanout)
{
	struct batch **batches = xcalloc(worker_count(), sizeof(struct batch *));
	size_t end = fanout->sent + FANOUT_TURN - entity->fanned;

	if (end > fanout->count)
		end = fanout->count;
	entity->fanned += end - fanout->sent;
	for (; fanout->sent < end; fanout->sent++) {
		const struct ln_jid *to = &fanout->to[fanout->sent];
		struct ln_stanza *st = ln_stanza_copy(fanout->template);
		struct worker *home = router_way(to);

		ln_set_to(st, to);
		if (home == worker_current())
			router_route(st);
		else
			batch_add(&batches[worker_index(home)], end - fanout->sent, st);
	}
	for (unsigned i = 0; i < worker_count(); i++)
		if (batches[i] != NULL)
			worker_post(worker_get(i), &batches[i]->post);
	free(batches);
}

bool
fanout_continue(struct entity *entity)
{
	struct fanout *fanout = entity->fanout;

	send_some(entity, fanout);
	if (fanout->sent == fanout->count) {
		entity->fanout = fanout->next;
		fanout_free(&fanout);
	}
	return entity->fanout != NULL;
}

void
fanout_send(struct entity *entity, struct fanout *fanout)
{
	struct fanout **last = &entity->fanout;

	if (fanout->count == 0) {
		fanout_free(&fanout);
		return;
	}
	/* One that the turn has room for is sent at once if nothing is ahead of it. */
	if (*last == NULL && entity->fanned + fanout->count <= FANOUT_TURN) {
		send_some(entity, fanout);
		fanout_free(&fanout);
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
		fanout_free(&fanout);
	}
}
