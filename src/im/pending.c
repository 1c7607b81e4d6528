/*
 * Lasting messages. See pending.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "im/pending.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/xalloc.h"
#include "core/router.h"
#include "core/work.h"
#include "im/deliver.h"
#include "net/timer.h"
#include "net/worker.h"
#include "store/pending.h"

#define PAGE 100       /* rows read at a time */
#define DRAIN_HIGH 256 /* unacknowledged stanzas at which a session is given no more */
#define DRAIN_LOW 128

enum { NEEDLESS, WRITTEN, KEPT, RETURNED, GIVEN_STORED, WAITING_NOW };
static const struct metric_row rows[] = {
	[NEEDLESS] = { "needless_total", METRIC_COUNTER,
	    "Lasting messages acknowledged before a row was written." },
	[WRITTEN] = { "written_total", METRIC_COUNTER, "Rows written." },
	[KEPT] = { "kept_total", METRIC_COUNTER, "Messages kept for somebody who is away." },
	[RETURNED] = { "returned_total", METRIC_COUNTER, "Messages returned: nobody took them." },
	[GIVEN_STORED] = { "given_stored_total", METRIC_COUNTER,
	    "Stored messages given to sessions." },
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

static struct waiting *
find_position(struct ln_account *account, int64_t position)
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

/* Deletes one row in a job of its own: outside of a handler. */
static void
delete_row(struct ln_account *account, int64_t position)
{
	struct store_job *job = store_job_new(work_store(), "pending");

	store_pending_delete(job, position);
	account->entity.last_write = store_write(job, NULL, NULL);
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
	waiting = find_position(account, position);
	if (waiting == NULL)
		return;
	waiting->state = WAITING_STORED;
	if (!ok)
		count_rows(account, -1, -(int64_t)waiting->size);
	if (waiting->acked && ok) {
		count_rows(account, -1, -(int64_t)waiting->size);
		delete_row(account, position);
	}
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
	waiting->position = work_position();
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
	if (waiting->state == WAITING_MEMORY)
		metric_inc(metrics, NEEDLESS);
	if (waiting->state != WAITING_STORED)
		return;
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
	metric_inc(metrics, KEPT);
	not_due(waiting);
	if (waiting->state == WAITING_STORED) {
		waiting_free(waiting);
		return;
	}
	if (waiting->state == WAITING_WRITING)
		return;
	waiting->expires = expires;
	waiting->account->writing++;
	write_row(waiting);
	/* The row says it all now. */
	ln_stanza_free(&waiting->st);
	waiting->owned = false;
}

void
pending_return(struct waiting *waiting)
{
	struct ln_stanza *st = waiting->st;

	metric_inc(metrics, RETURNED);
	waiting->st = NULL;
	waiting->owned = false;
	first_ack(waiting);
	if (waiting->state == WAITING_WRITING)
		waiting->account->writing--;
	else
		waiting_free(waiting);
	router_bounce(st, LN_ERR_SERVICE_UNAVAILABLE, NULL);
}

/* --- giving stored messages (XEP-0160 §2) ----------------------------------------------------------- */

struct page {
	struct ln_jid jid;
	uint64_t session;
	char name[LN_JID_MAX + 1];
};

static void
give_row(struct ln_session *session, const struct store_pending *row)
{
	struct ln_account *account = session->account;
	struct ln_stanza *st;
	struct waiting *waiting;

	if (find_position(account, row->position) != NULL)
		return; /* another session has it */
	st = stanza_from_bytes(row->stanza, row->len);
	if (st == NULL || (row->expires != 0 && row->expires <= clock_wall_ms())) {
		note_gone(row->position);
		count_rows(account, -1, -(int64_t)row->len);
		if (st != NULL)
			ln_stanza_free(&st);
		return;
	}
	if (ln_child(st, "delay", NS_DELAY) == NULL)
		ln_add_delay(st, ln_host_jid(account->entity.host), row->stamp, "Offline Storage");
	waiting = waiting_new(account);
	waiting->position = row->position;
	waiting->size = (uint32_t)row->len;
	waiting->stamp = row->stamp;
	waiting->expires = row->expires;
	waiting->state = WAITING_STORED;
	pending_held(waiting, st);
	metric_inc(metrics, GIVEN_STORED);
	session_send(session, st);
}

static void read_page(struct ln_session *session);

/* One page was given: more, later, or done. */
static void
next_page(struct ln_session *session, unsigned count)
{
	struct ln_account *account = session->account;

	if (count < PAGE && account->writing == 0) {
		account->drain_session = 0;
		return;
	}
	if (session->unacked_count > DRAIN_HIGH) {
		account->drain_paused = true;
		return;
	}
	read_page(session);
}

static void
give_page(struct ln_session *session, const struct store_row *row)
{
	struct ln_account *account = session->account;
	unsigned count = 0;

	work_begin(&account->entity, NULL);
	for (; row != NULL; row = row->next, count++) {
		struct store_pending pending;

		store_pending_row(row, &pending);
		account->drain_after = pending.position;
		give_row(session, &pending);
	}
	pending_flush(account);
	next_page(session, count);
	work_end();
}

static void
page_read(struct store_job *job, void *arg)
{
	struct page *page = arg;
	struct entity *entity = entity_find(&page->jid);
	struct ln_account *account;
	struct ln_session *session;

	if (entity == NULL)
		return;
	account = account_of(entity);
	account->drain_reading = false;
	if (entity->jobs > 0)
		entity_job_end(entity);
	session = session_find(page->session);
	if (session == NULL || session->account != account || account->drain_session != session->id)
		return;
	if (store_job_outcome(job) != STORE_OK) {
		log_warning("core", "stored messages could not be read account=%s reason=%s",
		    log_quote(page->name), store_job_error(job));
		account->drain_session = 0;
		session->drained = false;
		return;
	}
	give_page(session, store_rows(job, 0));
}

static void
read_page(struct ln_session *session)
{
	struct ln_account *account = session->account;
	struct store_job *job = store_job_new(work_store(), "pending");
	struct page *page = store_job_alloc(job, sizeof *page);

	page->jid = account->entity.jid;
	memcpy(page->name, page->jid.full, ln_jid_len(&page->jid));
	page->jid.full = page->name;
	page->session = session->id;
	store_pending_page(job, account->entity.number, account->drain_after, PAGE);
	account->drain_reading = true;
	entity_job_begin(&account->entity);
	store_read(job, account->entity.last_write, page_read, page);
}

void
pending_drain(struct ln_session *session)
{
	struct ln_account *account = session->account;

	if (account->stored_count == 0 || pending_draining(account))
		return;
	account->drain_session = session->id;
	account->drain_after = 0;
	account->drain_paused = false;
	read_page(session);
}

void
pending_drain_more(struct ln_session *session)
{
	struct ln_account *account = session->account;

	if (account->drain_session != session->id || !account->drain_paused ||
	    session->unacked_count > DRAIN_LOW)
		return;
	account->drain_paused = false;
	read_page(session);
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
