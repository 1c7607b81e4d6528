/*
 * Entities and inboxes. See entity.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/entity.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/xalloc.h"
#include "core/fanout.h"
#include "core/host.h"
#include "core/load.h"
#include "core/router.h"
#include "core/work.h"
#include "net/conn.h"
#include "net/timer.h"

#define SERVE_MAX 16    /* items an entity is served in a turn */
#define ABSENT_MS 60000 /* how long a missing name is remembered */
#define ABSENT_MAX 4096 /* names remembered by a worker */
#define PUT_AT_MS 64
#define PRESSED_RATE 200 /* stanzas a ms that one sends while that is too much */

enum { ENTITIES, LOADED, EVICTED, INBOX_FULL, INBOX_LATE, ABSENT_DROPS, RESTED };
static const struct metric_row rows[] = {
	[ENTITIES] = { "entities", METRIC_GAUGE, "Accounts, hosts and rooms in memory." },
	[LOADED] = { "loaded_total", METRIC_COUNTER, "Entities loaded." },
	[EVICTED] = { "evicted_total", METRIC_COUNTER, "Entities unloaded to make room." },
	[INBOX_FULL] = { "inbox_full_total", METRIC_COUNTER, "Items refused by full inboxes." },
	[INBOX_LATE] = { "inbox_late_total", METRIC_COUNTER,
	    "Items refused since they had waited in an inbox for too long." },
	[ABSENT_DROPS] = { "absent_total", METRIC_COUNTER, "Items for names that do not exist." },
	[RESTED] = { "rested_total", METRIC_COUNTER,
	    "Turns after which an entity rested: its recipients read too slowly." },
};
METRICS(metrics, "core", rows);

TAILQ_HEAD(entity_list, entity);

struct absent {
	UT_hash_handle hh;
	TAILQ_ENTRY(absent) link;
	int64_t until;
	size_t len;
	char name[];
};
TAILQ_HEAD(absent_list, absent);

struct entity_worker {
	struct entity *table;
	struct entity_list ready;
	struct entity_list lru;     /* evictable, oldest first */
	struct entity_list resting; /* by `ready` */
	struct timer rest;
	size_t lru_bytes;
	struct absent *absent;
	struct absent_list absent_order;
	unsigned absent_count;
	unsigned ready_count;
	uint64_t births;
	struct entity *serving; /* NULL again when a handler removed it */
};

static unsigned slot;

static struct entity_worker *
local(void)
{
	return worker_slot(worker_current(), slot);
}

/* --- names that do not exist ----------------------------------------------------- */

static void
absent_remove(struct entity_worker *ew, struct absent *absent)
{
	HASH_DEL(ew->absent, absent);
	TAILQ_REMOVE(&ew->absent_order, absent, link);
	ew->absent_count--;
	free(absent);
}

static struct absent *
absent_find(struct entity_worker *ew, const struct ln_jid *bare)
{
	struct absent *absent;

	HASH_FIND_BYHASHVALUE(hh, ew->absent, bare->full, ln_jid_bare_len(bare),
	    (unsigned)bare->hash, absent);
	return absent;
}

static void
absent_add(struct entity_worker *ew, const struct ln_jid *bare)
{
	size_t len = ln_jid_bare_len(bare);
	struct absent *absent = absent_find(ew, bare);

	if (absent != NULL)
		absent_remove(ew, absent);
	if (ew->absent_count >= ABSENT_MAX)
		absent_remove(ew, TAILQ_FIRST(&ew->absent_order));
	absent = xcalloc(1, sizeof *absent + len + 1);
	memcpy(absent->name, bare->full, len);
	absent->len = len;
	absent->until = worker_now_ms() + ABSENT_MS;
	HASH_ADD_KEYPTR_BYHASHVALUE(hh, ew->absent, absent->name, len, (unsigned)bare->hash,
	    absent);
	TAILQ_INSERT_TAIL(&ew->absent_order, absent, link);
	ew->absent_count++;
}

bool
entity_known_absent(const struct ln_jid *bare)
{
	struct entity_worker *ew = local();
	struct absent *absent = absent_find(ew, bare);

	if (absent == NULL)
		return false;
	if (worker_now_ms() < absent->until)
		return true;
	absent_remove(ew, absent);
	return false;
}

void
entity_forget_absent(const struct ln_jid *bare)
{
	struct absent *absent = absent_find(local(), bare);

	if (absent != NULL)
		absent_remove(local(), absent);
}

/* --- eviction ----------------------------------------------------------------------- */

static void
lru_take(struct entity_worker *ew, struct entity *entity)
{
	if (!entity->in_lru)
		return;
	TAILQ_REMOVE(&ew->lru, entity, lru);
	ew->lru_bytes -= entity->lru_weight;
	entity->in_lru = false;
}

static bool
evictable(const struct entity *entity)
{
	return entity->life == LIFE_ACTIVE && entity->jobs == 0 && entity->fanout == NULL &&
	    STAILQ_EMPTY(&entity->inbox) && entity->ops->idle(entity);
}

static void
lru_put(struct entity_worker *ew, struct entity *entity)
{
	if (entity->in_lru || !evictable(entity))
		return;
	entity->in_lru = true;
	entity->lru_weight = entity->memory;
	ew->lru_bytes += entity->lru_weight;
	TAILQ_INSERT_TAIL(&ew->lru, entity, lru);
}

bool
entity_evict(struct entity *entity)
{
	if (!evictable(entity))
		return false;
	metric_inc(metrics, EVICTED);
	entity_remove(entity);
	return true;
}

static void
evict(struct entity_worker *ew)
{
	const struct snapshot *snapshot = snapshot_current();
	size_t bound = (snapshot != NULL ? snapshot->core.memory : SIZE_MAX) / worker_count();
	struct entity *oldest;

	while (ew->lru_bytes > bound && (oldest = TAILQ_FIRST(&ew->lru)) != NULL) {
		metric_inc(metrics, EVICTED);
		entity_remove(oldest);
	}
}

/* --- finding and loading ---------------------------------------------------------------- */

struct entity *
entity_find(const struct ln_jid *bare)
{
	struct entity *entity;

	HASH_FIND_BYHASHVALUE(hh, local()->table, bare->full, ln_jid_bare_len(bare),
	    (unsigned)bare->hash, entity);
	return entity;
}

static void
copy_bare(struct ln_jid *to, const struct ln_jid *from)
{
	*to = *from;
	to->resource_len = 0;
	to->full = xstrndup(from->full, ln_jid_bare_len(from));
}

struct entity *
entity_get(const struct ln_jid *jid, const struct entity_ops *ops, const struct ln_host *host)
{
	struct entity_worker *ew = local();
	struct entity *entity = entity_find(jid);

	if (entity != NULL)
		return entity;
	entity = xcalloc(1, ops->size);
	copy_bare(&entity->jid, jid);
	entity->ops = ops;
	entity->host = host;
	entity->life = LIFE_LOADING;
	entity->birth = ++ew->births;
	entity->memory = ops->size + ln_jid_len(&entity->jid);
	STAILQ_INIT(&entity->inbox);
	HASH_ADD_KEYPTR_BYHASHVALUE(hh, ew->table, entity->jid.full, ln_jid_bare_len(jid),
	    (unsigned)jid->hash, entity);
	metric_add(metrics, ENTITIES, 1);
	ops->load(entity);
	return entity;
}

static void
make_ready(struct entity_worker *ew, struct entity *entity)
{
	if (entity->is_ready || entity->rests_until != 0 || entity->life == LIFE_LOADING)
		return;
	if (STAILQ_EMPTY(&entity->inbox) && entity->fanout == NULL)
		return;
	entity->is_ready = true;
	TAILQ_INSERT_TAIL(&ew->ready, entity, ready);
	ew->ready_count++;
	worker_again();
}

static void
unready(struct entity_worker *ew, struct entity *entity)
{
	if (entity->rests_until != 0)
		TAILQ_REMOVE(&ew->resting, entity, ready);
	entity->rests_until = 0;
	if (!entity->is_ready)
		return;
	TAILQ_REMOVE(&ew->ready, entity, ready);
	entity->is_ready = false;
	ew->ready_count--;
}

void
entity_ready(struct entity *entity)
{
	make_ready(local(), entity);
}

void
entity_loaded(struct entity *entity)
{
	struct entity_worker *ew = local();

	assert(entity->life == LIFE_LOADING);
	entity->life = LIFE_ACTIVE;
	entity->loaded_ms = worker_now_ms();
	metric_inc(metrics, LOADED);
	make_ready(ew, entity);
	if (!entity->is_ready)
		lru_put(ew, entity);
}

static void
drop_inbox(struct entity *entity, enum item_drop why)
{
	struct item *item;

	while ((item = STAILQ_FIRST(&entity->inbox)) != NULL) {
		STAILQ_REMOVE_HEAD(&entity->inbox, link);
		load_served();
		item->drop(item, why);
	}
	entity->inbox_bytes = 0;
}

void
entity_absent(struct entity *entity)
{
	absent_add(local(), &entity->jid);
	drop_inbox(entity, DROP_ABSENT);
	entity_remove(entity);
}

void
entity_failed(struct entity *entity)
{
	drop_inbox(entity, DROP_FAILED);
	entity_remove(entity);
}

void
entity_reload(struct entity *entity)
{
	struct entity_worker *ew = local();

	lru_take(ew, entity);
	unready(ew, entity);
	entity->life = LIFE_LOADING;
}

void
entity_die(struct entity *entity)
{
	lru_take(local(), entity);
	entity->life = LIFE_DYING;
	make_ready(local(), entity);
}

void
entity_remove(struct entity *entity)
{
	struct entity_worker *ew = local();

	lru_take(ew, entity);
	unready(ew, entity);
	if (ew->serving == entity)
		ew->serving = NULL;
	HASH_DEL(ew->table, entity);
	drop_inbox(entity, DROP_ABSENT);
	fanout_drop(entity);
	free((char *)entity->jid.full);
	metric_add(metrics, ENTITIES, -1);
	entity->ops->unload(entity);
}

/* --- the inbox -------------------------------------------------------------------------------- */

void
entity_put(struct entity *entity, struct item *item)
{
	struct entity_worker *ew = local();

	if (item->class != ITEM_CONTROL &&
	    entity->inbox_bytes + item->weight > entity->ops->inbox_max) {
		metric_inc(metrics, INBOX_FULL);
		item->drop(item, DROP_FULL);
		return;
	}
	lru_take(ew, entity);
	item->put_at = (uint16_t)(worker_now_ms() / PUT_AT_MS);
	entity->inbox_bytes += item->weight;
	load_waits();
	STAILQ_INSERT_TAIL(&entity->inbox, item, link);
	make_ready(ew, entity);
}

void
entity_put_back(struct entity *entity, struct item *item)
{
	entity->inbox_bytes += item->weight;
	load_waits();
	STAILQ_INSERT_HEAD(&entity->inbox, item, link);
	make_ready(local(), entity);
}

/* Has it waited for so long that its sender is better told? Time of loading is the store's. */
static bool
is_late(const struct entity *entity, const struct item *item)
{
	int64_t now = worker_now_ms();
	uint16_t waited = (uint16_t)(now / PUT_AT_MS - item->put_at);

	return entity->ops->wait_max != 0 && item->class != ITEM_CONTROL &&
	    (int64_t)waited * PUT_AT_MS > entity->ops->wait_max &&
	    now - entity->loaded_ms > entity->ops->wait_max;
}

static void
serve_one(struct entity *entity)
{
	struct item *item = STAILQ_FIRST(&entity->inbox);

	STAILQ_REMOVE_HEAD(&entity->inbox, link);
	load_served();
	entity->inbox_bytes -= item->weight;
	if (entity->life == LIFE_DYING && item->class != ITEM_CONTROL) {
		metric_inc(metrics, ABSENT_DROPS);
		item->drop(item, DROP_ABSENT);
		return;
	}
	if (is_late(entity, item)) {
		metric_inc(metrics, INBOX_LATE);
		item->drop(item, DROP_LATE);
		return;
	}
	item->run(entity, item);
}

/*
 * It sends faster than its recipients' workers serve them, or than they read:
 * what is unsent is bounded, and would cost the slowest their streams.
 */
static void
rest(struct entity_worker *ew, struct entity *entity)
{
	int64_t ms = (int64_t)(entity->fanned / PRESSED_RATE);

	if (ms == 0 || !(conn_unsent_pressed() || load_is_behind()) ||
	    (STAILQ_EMPTY(&entity->inbox) && entity->fanout == NULL))
		return;
	metric_inc(metrics, RESTED);
	unready(ew, entity);
	entity->rests_until = worker_now_ms() + ms;
	TAILQ_INSERT_TAIL(&ew->resting, entity, ready);
	timer_set_sooner(&ew->rest, ms);
}

static void
rested(void *arg)
{
	struct entity_worker *ew = arg;
	struct entity *entity, *next;
	int64_t now = worker_now_ms();

	for (entity = TAILQ_FIRST(&ew->resting); entity != NULL; entity = next) {
		next = TAILQ_NEXT(entity, ready);
		if (entity->rests_until > now) {
			timer_set_sooner(&ew->rest, entity->rests_until - now);
			continue;
		}
		unready(ew, entity);
		make_ready(ew, entity);
	}
}

/* Serves one entity its share. A handler may remove it or send it back to loading. */
static void
serve(struct entity_worker *ew, struct entity *entity)
{
	bool more;

	entity->fanned = 0;
	more = entity->fanout != NULL && fanout_continue(entity);
	ew->serving = entity;
	for (unsigned i = 0; i < SERVE_MAX && !more && !STAILQ_EMPTY(&entity->inbox); i++) {
		serve_one(entity);
		if (ew->serving == NULL)
			return;
		more = entity->fanout != NULL || entity->life == LIFE_LOADING ||
		    entity->fanned >= FANOUT_TURN;
	}
	ew->serving = NULL;
	rest(ew, entity);
	make_ready(ew, entity);
	if (!entity->is_ready)
		lru_put(ew, entity);
}

/* One round: whoever is ready now is served once. */
static bool
serve_all(struct worker *worker)
{
	struct entity_worker *ew = worker_slot(worker, slot);

	for (unsigned left = ew->ready_count; left > 0; left--) {
		struct entity *entity = TAILQ_FIRST(&ew->ready);

		if (entity == NULL)
			break;
		unready(ew, entity);
		serve(ew, entity);
	}
	evict(ew);
	return ew->ready_count > 0;
}

/* --- calls and jobs --------------------------------------------------------------------------- */

uint64_t
entity_job_begin(struct entity *entity)
{
	lru_take(local(), entity);
	entity->jobs++;
	return entity->birth;
}

struct entity *
entity_of_birth(const struct ln_jid *bare, uint64_t birth)
{
	struct entity *entity = entity_find(bare);

	return entity != NULL && entity->birth == birth ? entity : NULL;
}

void
entity_job_end(const struct ln_jid *bare, uint64_t birth)
{
	struct entity *entity = entity_of_birth(bare, birth);

	if (entity == NULL)
		return;
	assert(entity->jobs > 0);
	if (--entity->jobs == 0 && !entity->is_ready)
		lru_put(local(), entity);
}

/* --- the worker -------------------------------------------------------------------------------- */

void
entity_each(void (*each)(struct entity *entity, void *arg), void *arg)
{
	struct entity *entity, *next;

	HASH_ITER(hh, local()->table, entity, next)
		each(entity, arg);
}

static void
open_worker(struct worker *worker)
{
	struct entity_worker *ew = xcalloc(1, sizeof *ew);

	TAILQ_INIT(&ew->ready);
	TAILQ_INIT(&ew->lru);
	TAILQ_INIT(&ew->resting);
	timer_init(&ew->rest, rested, ew);
	TAILQ_INIT(&ew->absent_order);
	worker_slot_set(worker, slot, ew);
}

static void
close_worker(struct worker *worker)
{
	struct entity_worker *ew = worker_slot(worker, slot);
	struct entity *entity, *next;

	HASH_ITER(hh, ew->table, entity, next)
		entity_remove(entity);
	while (!TAILQ_EMPTY(&ew->absent_order))
		absent_remove(ew, TAILQ_FIRST(&ew->absent_order));
	timer_cancel(&ew->rest);
	free(ew);
	worker_slot_set(worker, slot, NULL);
}

void
entity_init(void)
{
	slot = worker_slot_new();
	worker_on_open(open_worker);
	worker_on_close(close_worker);
	worker_on_turn(WORKER_SERVE, serve_all);
}
