/*
 * Stanzas on their way to another server. See sending.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "xmpp/sending.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/xalloc.h"
#include "core/router.h"
#include "core/work.h"
#include "net/timer.h"
#include "store/pending.h"

#define DELAY_MS 250
#define STALE_MS 30000 /* who asks does not wait longer */

enum { ON_THE_WAY, WRITTEN, DONE, BOUNCED, DROPPED };
static const struct metric_row rows[] = {
	[ON_THE_WAY] = { "on_the_way", METRIC_GAUGE,
	    "Stanzas for other servers that nobody has acknowledged." },
	[WRITTEN] = { "written_total", METRIC_COUNTER,
	    "Messages for other servers written to the store." },
	[DONE] = { "acknowledged_total", METRIC_COUNTER, "Stanzas that other servers have." },
	[BOUNCED] = { "bounced_total", METRIC_COUNTER,
	    "Stanzas returned since their server could not be reached." },
	[DROPPED] = { "dropped_total", METRIC_COUNTER,
	    "Presence and answers dropped since their server could not be reached." },
};
METRICS(sending_metrics, "s2s_sending", rows);

/* What a worker has of them. */
struct here {
	struct sending_list due; /* in order of time: all wait equally long */
	struct timer timer;
};

static unsigned slot;
static atomic_uint on_the_way;

unsigned
sending_count(void)
{
	return atomic_load(&on_the_way);
}

static struct here *
here(void)
{
	return worker_slot(worker_current(), slot);
}

/* --- rows ------------------------------------------------------------------------------ */

static void
not_due(struct sending *sending)
{
	if (sending->due == 0)
		return;
	TAILQ_REMOVE(&here()->due, sending, due_link);
	sending->due = 0;
}

/* Closed on a failing disk, it is not stored: its sender is not told that it was. */
static void
on_written(struct store_job *job, void *arg)
{
	struct hold *hold = arg;

	if (store_job_outcome(job) != STORE_OK)
		log_error("s2s", "a waiting message was not stored reason=%s",
		    store_job_error(job));
	if (store_job_outcome(job) != STORE_DISK)
		hold_release(hold);
}

static void
write_row(struct sending *sending)
{
	struct store_job *job = store_job_new(work_store(), "s2s");
	struct hold *hold = store_job_alloc(job, sizeof *hold);
	const struct ln_jid *to = &sending->st->to;
	struct buf domain = BUF_INIT, bytes = BUF_INIT;

	not_due(sending);
	stanza_write(sending->st, &bytes);
	buf_add(&domain, ln_jid_domain(to), to->domain_len);
	sending->position = work_position();
	store_pending_add(job,
	    &(struct store_pending){ .position = sending->position,
		.domain = domain.data,
		.stanza = bytes.data,
		.len = bytes.len,
		.stamp = sending->stamp });
	buf_free(&domain);
	buf_free(&bytes);
	*hold = hold_take(&sending->st->hold);
	store_write(job, on_written, hold);
	metric_inc(sending_metrics, WRITTEN);
}

static void
delete_row(int64_t position)
{
	struct store_job *job = store_job_new(work_store(), "s2s");

	store_pending_delete(job, position);
	store_write(job, NULL, NULL);
}

static void
write_due(void *arg)
{
	struct here *h = arg;
	struct sending *sending;
	int64_t now = worker_now_ms();

	while ((sending = TAILQ_FIRST(&h->due)) != NULL && sending->due <= now)
		write_row(sending);
	if (sending != NULL)
		timer_set(&h->timer, sending->due - now);
}

void
sending_keep(struct sending *sending)
{
	if (sending->lasts && sending->position == 0)
		write_row(sending);
}

void
sending_stamp(struct sending *sending)
{
	struct ln_stanza *st = sending->st;
	struct ln_jid by;

	if (!sending->late || st->kind == LN_IQ || st->type == LN_TYPE_ERROR ||
	    ln_child(st, "delay", NS_DELAY) != NULL)
		return;
	by = ln_jid_host(ln_stanza_arena(st), &st->from);
	ln_add_delay(st, &by, sending->stamp, NULL);
}

bool
sending_is_stale(const struct sending *sending)
{
	const struct ln_stanza *st = sending->st;

	return st->kind == LN_IQ && (st->type == LN_GET || st->type == LN_SET) &&
	    clock_wall_ms() - sending->stamp > STALE_MS;
}

void
sending_sent(struct sending *sending)
{
	struct here *h = here();

	if (!sending->lasts) {
		hold_release(&sending->st->hold);
		return;
	}
	if (sending->position != 0 || sending->due != 0)
		return;
	sending->due = worker_now_ms() + DELAY_MS;
	TAILQ_INSERT_TAIL(&h->due, sending, due_link);
	timer_set_sooner(&h->timer, DELAY_MS);
}

void
sending_leave(struct sending *sending)
{
	not_due(sending);
}

/* --- beginning and end --------------------------------------------------------------------- */

struct sending *
sending_new(struct ln_stanza *st)
{
	struct sending *sending = xcalloc(1, sizeof *sending);

	sending->st = st;
	sending->stamp = clock_wall_ms();
	sending->weight = (uint32_t)stanza_weight(st);
	sending->lasts = stanza_lasts_abroad(st);
	atomic_fetch_add(&on_the_way, 1);
	metric_add(sending_metrics, ON_THE_WAY, 1);
	return sending;
}

struct sending *
sending_of_row(const char *bytes, size_t len, int64_t position, int64_t stamp)
{
	struct ln_stanza *st = stanza_from_bytes(bytes, len);
	struct sending *sending;

	if (st == NULL || ln_from(st) == NULL || ln_to(st) == NULL) {
		ln_stanza_free(&st);
		return NULL;
	}
	sending = sending_new(st);
	sending->position = position;
	sending->stamp = stamp;
	sending->lasts = sending->late = true;
	return sending;
}

static struct ln_stanza *
take_apart(struct sending **sending_p)
{
	struct sending *sending = *sending_p;
	struct ln_stanza *st = sending->st;

	*sending_p = NULL;
	not_due(sending);
	free(sending);
	atomic_fetch_sub(&on_the_way, 1);
	metric_add(sending_metrics, ON_THE_WAY, -1);
	return st;
}

void
sending_done(struct sending **sending)
{
	int64_t position = (*sending)->position;
	struct ln_stanza *st = take_apart(sending);

	if (position != 0)
		delete_row(position);
	metric_inc(sending_metrics, DONE);
	ln_stanza_free(&st);
}

/* Nobody waits for an answer to these; an error of ours would only puzzle. */
static bool
is_silent(const struct ln_stanza *st)
{
	return st->kind == LN_PRESENCE && st->type != LN_AVAILABLE && st->type != LN_SUBSCRIBE;
}

void
sending_bounce(struct sending **sending, enum ln_error error, const char *text)
{
	int64_t position = (*sending)->position;
	struct ln_stanza *st = take_apart(sending);

	if (position != 0)
		delete_row(position);
	if (is_silent(st)) {
		metric_inc(sending_metrics, DROPPED);
		ln_stanza_free(&st);
		return;
	}
	metric_inc(sending_metrics, BOUNCED);
	router_bounce(st, error, text);
}

void
sending_free(struct sending **sending)
{
	struct ln_stanza *st = take_apart(sending);

	ln_stanza_free(&st);
}

void
sending_shelve(struct sending **sending)
{
	sending_keep(*sending);
	sending_free(sending);
}

/* --- the worker ------------------------------------------------------------------------------ */

static void
here_open(struct worker *worker)
{
	struct here *h = xcalloc(1, sizeof *h);

	TAILQ_INIT(&h->due);
	timer_init(&h->timer, write_due, h);
	worker_slot_set(worker, slot, h);
}

static void
here_close(struct worker *worker)
{
	struct here *h = worker_slot(worker, slot);

	timer_cancel(&h->timer);
	free(h);
	worker_slot_set(worker, slot, NULL);
}

void
sending_init(void)
{
	slot = worker_slot_new();
	worker_on_open(here_open);
	worker_on_close(here_close);
}
