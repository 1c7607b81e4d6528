/*
 * What modules do from time to time: `every` of linnet/module.h, at the home of
 * the instance's host, as a handler of that host.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>

#include "base/xalloc.h"
#include "core/entity.h"
#include "core/module.h"
#include "core/router.h"
#include "net/timer.h"
#include "net/worker.h"

#define LOOK_MS 1000

/* Of one worker: when it is each instance's turn; 0: not seen yet. */
struct ticks {
	struct timer timer;
	int64_t *due;
	unsigned count;
};

static unsigned slot;

static void
run(struct entity *entity, void *arg)
{
	const struct ln_mod *mod =
	    entity != NULL ? module_on(entity->host, (unsigned)(uintptr_t)arg) : NULL;

	if (mod != NULL && mod->def->every != NULL)
		mod->def->every(mod);
}

static int64_t *
due_of(struct ticks *ticks, unsigned instance)
{
	while (ticks->count <= instance) {
		unsigned more = ticks->count + 16;

		ticks->due = xrealloc(ticks->due, more * sizeof *ticks->due);
		for (; ticks->count < more; ticks->count++)
			ticks->due[ticks->count] = 0;
	}
	return &ticks->due[instance];
}

static void
look(struct ticks *ticks, const struct ln_mod *mod, int64_t now)
{
	int64_t *due;

	if (mod->def->every == NULL || mod->host == NULL || !router_is_home(&mod->host->jid))
		return;
	due = due_of(ticks, mod->instance);
	if (*due > now)
		return;
	*due = now + mod->def->every_ms;
	entity_call(&mod->host->jid, run, (void *)(uintptr_t)mod->slot);
}

static void
on_timer(void *arg)
{
	struct ticks *ticks = arg;
	const struct snapshot *snapshot = snapshot_current();

	for (unsigned i = 0; snapshot != NULL && i < snapshot->mod_count; i++)
		look(ticks, snapshot->mods[i], worker_now_ms());
	timer_set(&ticks->timer, LOOK_MS);
}

static void
open_worker(struct worker *worker)
{
	struct ticks *ticks = xcalloc(1, sizeof *ticks);

	worker_slot_set(worker, slot, ticks);
	timer_init(&ticks->timer, on_timer, ticks);
	if (worker != worker_main())
		timer_set(&ticks->timer, LOOK_MS);
}

static void
close_worker(struct worker *worker)
{
	struct ticks *ticks = worker_slot(worker, slot);

	timer_cancel(&ticks->timer);
	free(ticks->due);
	free(ticks);
	worker_slot_set(worker, slot, NULL);
}

void
tick_init(void)
{
	slot = worker_slot_new();
	worker_on_open(open_worker);
	worker_on_close(close_worker);
}
