/*
 * Entities that are nobody's. See entity_kit.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "entity_kit.h"

#include <stdlib.h>

#include "core/stanza.h"
#include "net/worker.h"

void (*entity_kit_delivered)(struct ln_stanza *st);

static void
load(struct entity *entity)
{
	entity_loaded(entity);
}

static void
deliver(struct entity *entity, struct ln_stanza *st)
{
	(void)entity;
	if (entity_kit_delivered != NULL)
		entity_kit_delivered(st);
	ln_stanza_free(&st);
}

static bool
idle(const struct entity *entity)
{
	(void)entity;
	return true;
}

static bool
loads(const struct ln_stanza *st)
{
	(void)st;
	return true;
}

static void
unload(struct entity *entity)
{
	free(entity);
}

const struct entity_ops entity_kit_ops = {
	.kind = "nobody",
	.size = sizeof(struct entity),
	.inbox_max = 1 << 20,
	.loads = loads,
	.load = load,
	.deliver = deliver,
	.idle = idle,
	.unload = unload,
};

void
entity_kit_turn(void)
{
	for (unsigned i = 0; i < worker_count(); i++) {
		worker_enter(worker_get(i));
		worker_turn(worker_get(i), false);
	}
	worker_enter(worker_main());
	worker_turn(worker_main(), false);
}
