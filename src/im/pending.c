/*
 * Lasting messages. See pending.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "im/pending.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/xalloc.h"
#include "core/router.h"
#include "core/work.h"
#include "im/deliver.h"
#include "im/drain.h"
#include "net/timer.h"
#include "net/worker.h"

enum { NEEDLESS, WRITTEN, KEPT, RETURNED, WAITING_NOW };
static const struct metric_row rows[] = {
	[NEEDLESS] = { "needless_total", METRIC_COUNTER,
	    "Lasting messages acknowledged before a row was written." },
	[WRITTEN] = { "written_total", METRIC_COUNTER, "Rows written." },
	[KEPT] = { "kept_total", METRIC_COUNTER, "Messages kept for somebody who is away." },
	[RETURNED] = { "returned_total", METRIC_COUNTER, "Messages returned: nobody took them." },
	[WAITING_NOW] = { "waiting", METRIC_GAUGE, "Lasting messages in memory." },
};
METRICS(metrics, "pending", rows);

TAILQ_HEAD(due_list, waiting);

struct pending_worker {
	struct due_list due; /* in order of time: all wait equally long */
	struct timer timer;
	int64_t *gone; /* positions of rows to be deleted: pending_flush() */
	size_t gone_count, gone_room;
};

static unsigned slot;

static struct pending_worker *
local(void)
{
	return worker_slot(worker_current(), slot);
}

/* --- beginning and end ------------------------------------------------------------------ */

static struct waiting *
waiting_new(struct ln_account *account)
{
	struct waiting *waiting = xcalloc(1, sizeof *waiting);

	waiting->account = account;
	TAILQ_INSERT_TAIL(&account->waiting, waiting, link);
	metric_add(metrics, WAITING_NOW, 1);
	return waiting;
}

struct waiting *
pending_new(struct ln_account *account, struct ln_stanza *st)
{
	struct waiting *waiting = waiting_new(account);

	waiting->hold = hold_take(&st->hold);
	waiting->position = work_position();
	waiting->stamp = clock_wall_ms();
	return waiting;
}

static void
not_due(struct waiting *waiting)
{
	if (waiting->due == 0)
		return;
	TAILQ_REMOVE(&local()->due, waiting, due_link);
	waiting->due = 0;
}

static void
waiting_free(struct waiting *waiting)
{
	not_due(waiting);
	hold_release(&waiting->hold);
	if (waiting->owned)
		ln_stanza_free(&waiting->st);
	TAILQ_REMOVE(&waiting->account->waiting, waiting, link);
	free(waiting);
	metric_add(metrics, WAITING_NOW, -1);
}

void
pending_close(struct ln_account *account)
{
	while (!TAILQ_EMPTY(&account->waiting))
		waiting_free(TAILQ_FIRST(&account->waiting));
}

/* --- rows ---------------------------------------------------------------------------------- */

struct waiting *
pending_find(struct ln_account *account, int64_t position)
{
	struct waiting *waiting;

	TAILQ_FOREACH(waiting, &account->waiting, link)
		if (waiting->position == position)
			return waiting;
	return NULL;
}

static void
count_rows(struct ln_account *account, int64_t count, int64_t bytes)
{
	account->stored_count += count;
	account->stored_bytes += bytes;
}

struct written {
	int64_t position;
};

static void
row_durable(struct entity *entity, void *arg, bool ok)
{
	int64_t position = ((struct written *)arg)->position;
	struct ln_account *account;
	struct waiting *waiting;

	free(arg);
	if (entity == NULL)
		return;
	account = account_of(entity);
	waiting = pending_find(account, position);
	if (waiting == NULL)
		return;
	waiting->state = ok ? WAITING_STORED : WAITING_MEMORY;
	if (!ok && !waiting->acked)
		count_rows(account, -1, -(int64_t)waiting->size);
	if (waiting->holders > 0)
		return;
	if (!waiting->acked)
		account->writing--;
	waiting_free(waiting);
}

/* Writes its row with the job of the handler in hand; the hold goes with it. */
static void
write_row(struct waiting *waiting)
{
	struct ln_account *account = waiting->account;
	struct written *written = xmalloc(sizeof *written);
	struct buf bytes = BUF_INIT;

	not_due(waiting);
	stanza_write(waiting->st, &bytes);
	waiting->size = (uint32_t)bytes.len;
	waiting->state = WAITING_WRITING;
	store_pending_add(work_job(),
	    &(struct store_pending){ .position = waiting->position,
		.owner = account->entity.number,
		.stanza = bytes.data,
		.len = bytes.len,
		.stamp = waiting->stamp,
		.expires = waiting->expires });
	buf_free(&bytes);
	written->position = waiting->position;
	work_hold(&waiting->hold);
	work_when_durable(row_durable, written);
	count_rows(account, 1, waiting->size);
	metric_inc(metrics, WRITTEN);
}

/* Time is over for those that were given 250 ms ago and that nobody has acknowledged. */
static void
write_due(void *arg)
{
	struct pending_worker *pw = arg;
	int64_t now = worker_now_ms();
	struct waiting *waiting;

	while ((waiting = TAILQ_FIRST(&pw->due)) != NULL && waiting->due <= now) {
		work_begin(&waiting->account->entity, NULL);
		write_row(waiting);
		work_end();
	}
	if (waiting != NULL)
		timer_set(&pw->timer, waiting->due - now);
}

void
pending_given(struct waiting *waiting, bool live)
{
	struct pending_worker *pw = local();

	if (waiting->acked || waiting->state != WAITING_MEMORY || waiting->st == NULL)
		return;
	if (!live) {
		write_row(waiting);
		return;
	}
	if (waiting->due != 0)
		return;
	waiting->due = worker_now_ms() + PENDING_DELAY_MS;
	TAILQ_INSERT_TAIL(&pw->due, waiting, due_link);
	timer_set_sooner(&pw->timer, PENDING_DELAY_MS);
}

/* --- sessions -------------------------------------------------------------------------------- */

void
pending_held(struct waiting *waiting, struct ln_stanza *st)
{
	st->waiting = waiting;
	if (waiting->holders++ == 0 && waiting->state == WAITING_WRITING && !waiting->acked)
		waiting->account->writing--;
	if (waiting->st == NULL)
		waiting->st = st;
}

static void
note_gone(int64_t position)
{
	struct pending_worker *pw = local();

	if (pw->gone_count == pw->gone_room) {
		pw->gone_room = pw->gone_room ? pw->gone_room * 2 : 64;
		pw->gone = xrealloc(pw->gone, pw->gone_room * sizeof *pw->gone);
	}
	pw->gone[pw->gone_count++] = position;
}

void
pending_flush(struct ln_account *account)
{
	struct pending_worker *pw = local();

	(void)account;
	if (pw->gone_count == 0)
		return;
	for (size_t i = 0; i < pw->gone_count; i++)
		store_pending_delete(work_job(), pw->gone[i]);
	pw->gone_count = 0;
}

static void
first_ack(struct waiting *waiting)
{
	waiting->acked = true;
	not_due(waiting);
	hold_release(&waiting->hold);
	if (waiting->state == WAITING_MEMORY) {
		metric_inc(metrics, NEEDLESS);
		return;
	}
	/* One that is being written too: the writer keeps the order of jobs. */
	note_gone(waiting->position);
	count_rows(waiting->account, -1, -(int64_t)waiting->size);
}

void
pending_guard(struct waiting *waiting)
{
	if (waiting->holders++ == 0 && waiting->state == WAITING_WRITING && !waiting->acked)
		waiting->account->writing--;
}

/* Nobody holds it any more only if somebody has acknowledged it. */
void
pending_unguard(struct waiting *waiting)
{
	if (--waiting->holders == 0 && waiting->state != WAITING_WRITING)
		waiting_free(waiting);
}

/* `st` leaves a queue: what the row is written from must be another of the queues', if any. */
void
pending_acked(struct waiting *waiting)
{
	if (!waiting->acked)
		first_ack(waiting);
	/* A row that is needed has been written or is being. */
	if (waiting->owned)
		ln_stanza_free(&waiting->st);
	waiting->owned = false;
	waiting->st = NULL;
	waiting->holders--;
	if (waiting->holders == 0 && waiting->state != WAITING_WRITING)
		waiting_free(waiting);
}

void
pending_dropped(struct waiting *waiting, struct ln_stanza *st)
{
	waiting->holders--;
	if (waiting->acked || (waiting->st != NULL && waiting->st != st)) {
		ln_stanza_free(&st);
	} else {
		waiting->st = st;
		waiting->owned = true;
	}
	if (waiting->holders > 0)
		return;
	if (waiting->acked) {
		if (waiting->state != WAITING_WRITING)
			waiting_free(waiting);
		return;
	}
	if (waiting->state == WAITING_WRITING)
		waiting->account->writing++;
	deliver_again(waiting);
}

/* --- nobody is there ------------------------------------------------------------------------------ */

void
pending_keep(struct waiting *waiting, int64_t expires)
{
	struct ln_account *account = waiting->account;

	metric_inc(metrics, KEPT);
	not_due(waiting);
	if (drain_is_on(account) && waiting->position <= account->drain_after &&
	    (account->drain_back == 0 || waiting->position < account->drain_back))
		account->drain_back = waiting->position;
	if (waiting->state == WAITING_STORED) {
		waiting_free(waiting);
		return;
	}
	if (waiting->state == WAITING_WRITING)
		return;
	waiting->expires = expires;
	account->writing++;
	write_row(waiting);
	/* The row says it all now. */
	ln_stanza_free(&waiting->st);
	waiting->owned = false;
}

void
pending_return(struct waiting *waiting)
{
	struct ln_account *account = waiting->account;
	struct ln_stanza *st = waiting->st;

	metric_inc(metrics, RETURNED);
	waiting->st = NULL;
	waiting->owned = false;
	first_ack(waiting);
	pending_flush(account);
	if (waiting->state == WAITING_WRITING)
		account->writing--;
	else
		waiting_free(waiting);
	router_bounce(st, LN_ERR_SERVICE_UNAVAILABLE, NULL);
}

/* --- rows that were read ------------------------------------------------------------------------- */

struct waiting *
pending_of_row(struct ln_account *account, const struct store_pending *row, struct ln_stanza *st)
{
	struct waiting *waiting = waiting_new(account);

	waiting->position = row->position;
	waiting->size = (uint32_t)row->len;
	waiting->stamp = row->stamp;
	waiting->expires = row->expires;
	waiting->state = WAITING_STORED;
	pending_held(waiting, st);
	return waiting;
}

void
pending_drop_row(struct ln_account *account, const struct store_pending *row)
{
	note_gone(row->position);
	count_rows(account, -1, -(int64_t)row->len);
}

/* --- the worker ----------------------------------------------------------------------------------------- */

static void
open_worker(struct worker *worker)
{
	struct pending_worker *pw = xcalloc(1, sizeof *pw);

	TAILQ_INIT(&pw->due);
	timer_init(&pw->timer, write_due, pw);
	worker_slot_set(worker, slot, pw);
}

static void
close_worker(struct worker *worker)
{
	struct pending_worker *pw = worker_slot(worker, slot);

	timer_cancel(&pw->timer);
	free(pw->gone);
	free(pw);
	worker_slot_set(worker, slot, NULL);
}

void
pending_init(void)
{
	slot = worker_slot_new();
	worker_on_open(open_worker);
	worker_on_close(close_worker);
}
