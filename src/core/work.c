/*
 * The work in hand. See work.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/work.h"

#include <assert.h>
#include <string.h>
#include <sys/queue.h>

#include "base/log.h"
#include "core/router.h"
#include "net/worker.h"

/* What happens when the job is durable; lives in the job's memory. */
struct after {
	STAILQ_ENTRY(after) link;
	struct hold hold;
	struct ln_stanza *result;
	void (*fn)(struct entity *entity, void *arg, bool ok);
	void *arg;
};

STAILQ_HEAD(after_list, after);

struct done {
	struct ln_jid jid;
	uint64_t birth; /* of the entity: another may have its name by then */
	struct after_list list;
	char name[];
};

/* A read that comes after what the handler in hand stores; lives in the read job's memory. */
struct later {
	STAILQ_ENTRY(later) link;
	struct store_job *job;
	store_done *done;
	void *arg;
};

STAILQ_HEAD(later_list, later);

struct work {
	struct entity *entity;
	struct hold hold; /* lent by the stanza in hand */
	struct arena *arena;
	struct store_job *job;
	struct done *done;
	struct ln_stanza *results[4]; /* answered before anything was stored */
	unsigned result_count;
	struct later_list reads; /* initialised with the first */
	uint64_t last_write;     /* of the entity, for them */
};

static struct store *the_store;
static _Thread_local struct work work;

static unsigned positions; /* slot: how many a worker has given out */

void
work_init(struct store *store)
{
	the_store = store;
	positions = worker_slot_new();
}

/* {term, count}: the count is the worker's own, its index in the low byte. */
int64_t
work_position(void)
{
	struct worker *worker = worker_current();
	uintptr_t count = (uintptr_t)worker_slot(worker, positions) + 1;

	worker_slot_set(worker, positions, (void *)count);
	return store_position(store_term(the_store),
	    (int64_t)count << 8 | (int64_t)worker_index(worker));
}

bool
work_refuses(const struct ln_stanza *st)
{
	if (!store_stalled(the_store))
		return false;
	if (st->kind == LN_MESSAGE)
		return stanza_lasts(st) || st->type == LN_GROUPCHAT;
	return st->kind == LN_PRESENCE && st->type >= LN_SUBSCRIBE && st->type <= LN_UNSUBSCRIBED;
}

struct store *
work_store(void)
{
	return the_store;
}

struct entity *
work_entity(void)
{
	return work.entity;
}

void
work_begin(struct entity *entity, struct ln_stanza *st)
{
	assert(work.entity == NULL);
	work = (struct work){ .entity = entity };
	if (st != NULL)
		work.hold = hold_split(&st->hold);
}

static struct after *
add_after(void)
{
	struct after *after;

	work_job();
	after = store_job_alloc(work.job, sizeof *after);
	STAILQ_INSERT_TAIL(&work.done->list, after, link);
	return after;
}

struct store_job *
work_job(void)
{
	size_t len;

	if (work.job != NULL)
		return work.job;
	assert(work.entity != NULL);
	len = ln_jid_len(&work.entity->jid);
	work.job = store_job_new(the_store, work.entity->ops->kind);
	work.done = store_job_alloc(work.job, sizeof *work.done + len + 1);
	memcpy(work.done->name, work.entity->jid.full, len);
	work.done->jid = work.entity->jid;
	work.done->jid.full = work.done->name;
	work.done->birth = work.entity->birth;
	STAILQ_INIT(&work.done->list);
	if (hold_any(&work.hold))
		add_after()->hold = hold_take(&work.hold);
	return work.job;
}

struct arena *
work_arena(void)
{
	if (work.arena == NULL)
		work.arena = arena_new(1024);
	return work.arena;
}

void
work_hold(struct hold *hold)
{
	if (hold_any(hold))
		add_after()->hold = hold_take(hold);
}

void
work_result(struct ln_stanza *result)
{
	if (work.job != NULL) {
		add_after()->result = result;
		return;
	}
	if (work.entity == NULL || work.result_count == 4) {
		router_route(result);
		return;
	}
	work.results[work.result_count++] = result;
}

void
work_when_durable(void (*fn)(struct entity *entity, void *arg, bool ok), void *arg)
{
	struct after *after = add_after();

	after->fn = fn;
	after->arg = arg;
}

void
work_read(struct entity *entity, struct store_job *job, store_done *done, void *arg)
{
	struct later *later;

	if (work.entity != entity) {
		store_read(job, entity->last_write, done, arg);
		return;
	}
	later = store_job_alloc(job, sizeof *later);
	*later = (struct later){ .job = job, .done = done, .arg = arg };
	if (work.reads.stqh_last == NULL)
		STAILQ_INIT(&work.reads);
	work.last_write = entity->last_write;
	STAILQ_INSERT_TAIL(&work.reads, later, link);
}

/* The job failed: the asker of a set is told so in place of the result. */
static void
send_failure(struct ln_stanza *result)
{
	struct ln_stanza *error =
	    ln_stanza_new(LN_IQ, LN_TYPE_ERROR, ln_from(result), ln_to(result));
	struct ln_elem *elem = ln_add(error, "error", NS_CLIENT);

	ln_set_id(error, ln_id(result));
	ln_set_attr(elem, "type", "cancel");
	ln_elem_add(elem, ln_error_name(LN_ERR_INTERNAL_SERVER_ERROR), NS_STANZAS);
	ln_stanza_free(&result);
	router_route(error);
}

static void
durable(struct store_job *job, void *arg)
{
	struct done *done = arg;
	enum store_outcome outcome = store_job_outcome(job);
	bool ok = outcome == STORE_OK;
	struct after *after;

	/* Late: the account was deleted meanwhile; that is no failure (DESIGN section 8). */
	if (!ok && outcome != STORE_LATE)
		log_error("core", "write undone entity=%s reason=%s", done->name,
		    store_job_error(job));
	STAILQ_FOREACH(after, &done->list, link) {
		/* The store was closed on a failing disk: it is not stored. */
		if (outcome != STORE_DISK)
			hold_release(&after->hold);
		if (after->result != NULL && ok)
			router_route(after->result);
		else if (after->result != NULL)
			send_failure(after->result);
		if (after->fn != NULL)
			after->fn(entity_of_birth(&done->jid, done->birth), after->arg, ok);
	}
	entity_job_end(&done->jid, done->birth);
}

/* The handler may have removed its entity. Returns the number of the write, for reads. */
static uint64_t
submit(struct work *ended)
{
	struct entity *entity = entity_of_birth(&ended->done->jid, ended->done->birth);
	uint64_t seq;

	if (entity != NULL)
		entity_job_begin(entity);
	seq = store_write(ended->job, durable, ended->done);
	if (entity != NULL)
		entity->last_write = seq;
	return seq;
}

static void
answer_now(struct work *ended)
{
	for (unsigned i = 0; i < ended->result_count; i++)
		router_route(ended->results[i]);
}

static void
answer_after(struct work *ended)
{
	for (unsigned i = 0; i < ended->result_count; i++) {
		struct after *after = store_job_alloc(ended->job, sizeof *after);

		after->result = ended->results[i];
		STAILQ_INSERT_TAIL(&ended->done->list, after, link);
	}
}

static void
read_after(struct later *later, uint64_t seq)
{
	struct later *next;

	for (; later != NULL; later = next) {
		next = STAILQ_NEXT(later, link);
		store_read(later->job, seq, later->done, later->arg);
	}
}

void
work_end(void)
{
	struct work ended = work;
	uint64_t seq = ended.last_write;

	work = (struct work){ 0 };
	hold_release(&ended.hold);
	arena_free(&ended.arena);
	if (ended.job != NULL) {
		answer_after(&ended);
		seq = submit(&ended);
	} else {
		answer_now(&ended);
	}
	read_after(STAILQ_FIRST(&ended.reads), seq);
}
