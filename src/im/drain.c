/*
 * Giving stored messages. See drain.h.
 *
 * Rows are read a page at a time and given in order; those that sessions have
 * in their queues already are passed over. It pauses while too much of it is
 * unacknowledged.
 *
 * SPDX-License-Identifier: MIT
 */
#include "im/drain.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "core/work.h"
#include "im/pending.h"
#include "net/worker.h"

#define PAGE 100         /* rows read at a time, unless they are too large for one read */
#define UNACKED_HIGH 256 /* unacknowledged stanzas at which a session is given no more */
#define UNACKED_LOW 128
#define UNACKED_BYTES ((size_t)4 << 20)
#define RETRY_MS 1000 /* when the disk could not be read */

enum { GIVEN, FAILED, UNREADABLE };
static const struct metric_row rows[] = {
	[GIVEN] = { "given_total", METRIC_COUNTER, "Stored messages given to sessions." },
	[FAILED] = { "failed_total", METRIC_COUNTER, "Pages that could not be read." },
	[UNREADABLE] = { "unreadable_total", METRIC_COUNTER,
	    "Stored messages that are no stanzas, and were deleted." },
};
METRICS(metrics, "drain", rows);

struct page {
	struct ln_jid jid;
	uint64_t birth; /* of the account's entity */
	uint64_t session;
	uint32_t turn;
	unsigned limit;
	char name[LN_JID_MAX + 1];
};

static void
tell_unreadable(const struct ln_account *account, const struct store_pending *row)
{
	metric_inc(metrics, UNREADABLE);
	log_limited(LOG_LEVEL_ERROR, "core", 10, 10000,
	    "stored message does not parse, deleted account=%s position=%lld",
	    log_quote(account->entity.jid.full), (long long)row->position);
}

/* False: not yet. */
static bool
give_row(struct ln_session *session, const struct store_pending *row)
{
	struct ln_account *account = session->account;
	struct ln_stanza *st;
	struct waiting *waiting = pending_find(account, row->position);

	/* Another session has it, or word of its being stored is still on the way. */
	if (waiting != NULL)
		return waiting->holders > 0 || waiting->acked;
	st = stanza_from_bytes(row->stanza, row->len);
	if (st == NULL || (row->expires != 0 && row->expires <= clock_wall_ms())) {
		pending_drop_row(account, row);
		if (st == NULL)
			tell_unreadable(account, row);
		else
			ln_stanza_free(&st);
		return true;
	}
	if (ln_child(st, "delay", NS_DELAY) == NULL)
		ln_add_delay(st, ln_host_jid(account->entity.host), row->stamp, "Offline Storage");
	pending_of_row(account, row, st);
	metric_inc(metrics, GIVEN);
	session_send(session, st);
	return true;
}

/* --- what came meanwhile ------------------------------------------------------------------ */

void
drain_behind(struct ln_session *session, struct ln_stanza *st)
{
	struct ln_account *account = session->account;

	st->queued_weight = (uint32_t)stanza_weight(st);
	STAILQ_INSERT_TAIL(&account->behind, &st->item, link);
	account->behind_count++;
	account->behind_bytes += st->queued_weight;
	session_check_queue(session);
}

static bool
takes_messages(const struct ln_session *session)
{
	return session->presence != NULL && session->priority >= 0;
}

/* `next` (0: nobody) is being given them from now on; what waited for the one before it is his. */
static void
pass_to(struct ln_account *account, uint64_t next)
{
	struct ln_session *before = session_find(account->drain_session);
	struct item_queue behind = STAILQ_HEAD_INITIALIZER(behind);
	struct item *item;

	STAILQ_CONCAT(&behind, &account->behind);
	account->behind_count = 0;
	account->behind_bytes = 0;
	account->drain_session = next;
	if (before != NULL)
		session_pace(before, false);
	while ((item = STAILQ_FIRST(&behind)) != NULL) {
		STAILQ_REMOVE_HEAD(&behind, link);
		if (before != NULL && takes_messages(before))
			session_send(before, (struct ln_stanza *)item);
		else
			session_give_back((struct ln_stanza *)item);
	}
	if (before != NULL)
		session_send_held(before);
}

/* --- pages --------------------------------------------------------------------------------- */

static void read_page(struct ln_session *session);

/* Bytes too: a client that reads slowly is not to lose its connection over what it was given. */
static bool
has_enough(const struct ln_session *session)
{
	return session->unacked_count > UNACKED_HIGH || session->unacked_bytes > UNACKED_BYTES;
}

static bool
wants_more(const struct ln_session *session)
{
	return session->unacked_count <= UNACKED_LOW && session->unacked_bytes <= UNACKED_BYTES / 2;
}

/* One page was given: more, later, or done. */
static void
next_page(struct ln_session *session, bool last)
{
	struct ln_account *account = session->account;

	if (last && account->writing == 0 && account->drain_back == 0)
		pass_to(account, 0);
	else if (has_enough(session))
		account->drain_paused = true;
	else
		read_page(session);
}

static void
give_page(struct ln_session *session, const struct store_row *row, unsigned limit)
{
	struct ln_account *account = session->account;
	unsigned count = 0;

	work_begin(&account->entity, NULL);
	for (; row != NULL; row = row->next, count++) {
		struct store_pending pending;

		store_pending_row(row, &pending);
		if (session->unacked_bytes > UNACKED_BYTES || !give_row(session, &pending))
			break;
		account->drain_after = pending.position;
	}
	pending_flush(account);
	/* What was read in vain is large: less of it at a time. */
	if (row != NULL && session->unacked_bytes > UNACKED_BYTES)
		account->drain_page = count > 0 ? count : 1;
	next_page(session, row == NULL && count < limit);
	work_end();
}

/* The disk fails: it is tried again. What is too much for one read is read in smaller pages. */
static void
not_read(struct ln_session *session, const struct store_job *job)
{
	struct ln_account *account = session->account;

	metric_inc(metrics, FAILED);
	if (store_job_outcome(job) == STORE_INTERNAL && account->drain_page > 1) {
		account->drain_page /= 10;
		read_page(session);
		return;
	}
	log_limited(LOG_LEVEL_WARNING, "core", 10, 10000,
	    "stored messages could not be read session=%s reason=%s", log_quote(session->jid.full),
	    store_job_error(job));
	account->drain_paused = account->drain_failed = true;
	timer_set_sooner(&session->timer, RETRY_MS);
}

static void
page_read(struct store_job *job, void *arg)
{
	struct page *page = arg;
	struct entity *entity = entity_of_birth(&page->jid, page->birth);
	struct ln_account *account;
	struct ln_session *session;

	if (entity == NULL)
		return;
	account = account_of(entity);
	entity_job_end(&page->jid, page->birth);
	session = session_find(page->session);
	if (session == NULL || account->drain_session != session->id ||
	    account->drain_turn != page->turn)
		return;
	if (store_job_outcome(job) == STORE_OK)
		give_page(session, store_rows(job, 0), page->limit);
	else
		not_read(session, job);
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
	page->turn = account->drain_turn;
	page->limit = account->drain_page;
	if (account->drain_back != 0)
		account->drain_after = account->drain_back - 1;
	account->drain_back = 0;
	store_pending_page(job, account->entity.number, account->drain_after, page->limit);
	page->birth = entity_job_begin(&account->entity);
	work_read(&account->entity, job, page_read, page);
}

static void
begin(struct ln_session *session)
{
	struct ln_account *account = session->account;

	account->drain_turn++;
	account->drain_page = PAGE;
	account->drain_after = account->drain_back = 0;
	account->drain_paused = account->drain_failed = false;
	pass_to(account, session->id);
	if (account->drain_session == session->id)
		read_page(session);
}

void
drain_begin(struct ln_session *session)
{
	struct ln_account *account = session->account;
	const struct ln_session *other = session_find(account->drain_session);

	if (account->stored_count == 0)
		return;
	if (!drain_is_on(account) || other == NULL || other->port.id == 0)
		begin(session);
}

/* Another session that takes messages, best one with a connection; NULL: none. */
static struct ln_session *
another(const struct ln_session *than)
{
	struct ln_session *session, *asleep = NULL;

	TAILQ_FOREACH(session, &than->account->sessions, link) {
		if (session == than || !takes_messages(session))
			continue;
		if (session->port.id != 0)
			return session;
		asleep = session;
	}
	return asleep;
}

void
drain_leave(struct ln_session *session)
{
	struct ln_account *account = session->account;
	struct ln_session *other;

	if (!drain_is_for(session))
		return;
	other = another(session);
	if (other != NULL && account->stored_count > 0)
		begin(other);
	else
		pass_to(account, 0);
}

void
drain_lost(struct ln_session *session)
{
	struct ln_session *other = another(session);

	if (drain_is_for(session) && other != NULL && other->port.id != 0)
		begin(other);
}

void
drain_more(struct ln_session *session)
{
	struct ln_account *account = session->account;

	if (!drain_is_for(session) || !account->drain_paused || !wants_more(session))
		return;
	account->drain_paused = account->drain_failed = false;
	read_page(session);
}

void
drain_retry(struct ln_session *session)
{
	if (drain_is_for(session) && session->account->drain_failed)
		drain_more(session);
}
