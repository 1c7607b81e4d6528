/*
 * What waits for each worker. See load.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/load.h"

#include <stdatomic.h>

#define WORKERS_MAX 256  /* of the option `workers` */
#define BEHIND_MAX 20000 /* some 20 ms of work */

struct load {
	_Alignas(64) _Atomic size_t waiting; /* written by its worker alone */
	_Atomic size_t coming;
};

static struct load loads[WORKERS_MAX];

static struct load *
load_of(const struct worker *worker)
{
	return &loads[worker_index(worker) % WORKERS_MAX];
}

static void
count(size_t more)
{
	_Atomic size_t *waiting = &load_of(worker_current())->waiting;

	atomic_store_explicit(waiting, atomic_load_explicit(waiting, memory_order_relaxed) + more,
	    memory_order_relaxed);
}

void
load_waits(void)
{
	count(1);
}

void
load_served(void)
{
	count((size_t)-1);
}

void
load_coming(const struct worker *worker, size_t count)
{
	atomic_fetch_add_explicit(&load_of(worker)->coming, count, memory_order_relaxed);
}

void
load_came(size_t count)
{
	atomic_fetch_sub_explicit(&load_of(worker_current())->coming, count, memory_order_relaxed);
}

bool
load_is_behind(void)
{
	for (unsigned i = 0; i < worker_count() && i < WORKERS_MAX; i++)
		if (atomic_load_explicit(&loads[i].waiting, memory_order_relaxed) +
			atomic_load_explicit(&loads[i].coming, memory_order_relaxed) >
		    BEHIND_MAX)
			return true;
	return false;
}
