/*
 * Expired messages. See sweep.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "im/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/xalloc.h"
#include "core/module.h"
#include "core/router.h"
#include "core/work.h"
#include "im/drain.h"
#include "im/pending.h"
#include "net/timer.h"
#include "net/worker.h"
#include "store/pending.h"

#define INTERVAL_MS 3600000
#define PAGE 100

enum { EXPIRED };
static const struct metric_row rows[] = {
	[EXPIRED] = { "expired_total", METRIC_COUNTER,
	    "Stored messages deleted: their time was over." },
};
METRICS(metrics, "sweep", rows);

static struct timer again; /* of the first worker */

static int64_t
interval(void)
{
#ifdef LN_DEBUG
	const char *ms = getenv("LINNET_TEST_SWEEP");

	if (ms != NULL)
		return strtoll(ms, NULL, 10);
#endif
	return INTERVAL_MS;
}

/* --- one row, at its account's home -------------------------------------------------------- */

struct expired {
	struct post post;
	struct ln_jid jid;
	struct store_pending row; /* position and length */
	char name[];
};

static void
delete_row(int64_t position)
{
	struct store_job *job = store_job_new(work_store(), "sweep");

	metric_inc(metrics, EXPIRED);
	store_pending_delete(job, position);
	store_write(job, NULL, NULL);
}

/* What a session has in its queue stays until that ends. Who is being given his messages may be
 * about to find it, and drops it then. */
static void
delete_of_account(struct ln_account *account, const struct store_pending *row)
{
	if (!account->open || account->entity.life != LIFE_ACTIVE || drain_is_on(account) ||
	    pending_find(account, row->position) != NULL)
		return;
	metric_inc(metrics, EXPIRED);
	work_begin(&account->entity, NULL);
	pending_drop_row(account, row);
	pending_flush(account);
	work_end();
}

static void
at_home(struct worker *worker, struct post *post)
{
	struct expired *expired = (struct expired *)post;
	struct entity *entity = entity_find(&expired->jid);
	struct ln_account *account = entity != NULL ? account_of_entity(entity) : NULL;

	(void)worker;
	/* At the end the store may be closed already. */
	if (account != NULL && !im_stopping())
		delete_of_account(account, &expired->row);
	else if (entity == NULL && !im_stopping())
		delete_row(expired->row.position);
	free(expired);
}

static void
send_home(const struct store_row *row)
{
	size_t len = row->cell[3].len;
	struct expired *expired = xcalloc(1, sizeof *expired + len + 1);
	struct arena *arena = arena_new(256);

	memcpy(expired->name, row->cell[3].bytes, len);
	expired->row.position = row->cell[1].integer;
	expired->row.len = (size_t)row->cell[2].integer;
	expired->post.run = at_home;
	if (ln_jid_parse(arena, expired->name, len, &expired->jid) == LN_JID_OK) {
		expired->jid.full = expired->name;
		worker_post(router_home(&expired->jid), &expired->post);
	} else {
		free(expired);
	}
	arena_free(&arena);
}

/* --- all of them, on the first worker ------------------------------------------------------------ */

static void read_page(int64_t expires, int64_t position);

static void
page_read(struct store_job *job, void *arg)
{
	const struct store_row *row = store_rows(job, 0);
	int64_t expires = 0, position = 0;
	unsigned count = 0;

	(void)arg;
	if (im_stopping())
		return;
	for (; row != NULL; row = row->next, count++) {
		expires = row->cell[0].integer;
		position = row->cell[1].integer;
		send_home(row);
	}
	if (count == PAGE)
		read_page(expires, position);
	else
		timer_set(&again, interval());
}

static void
read_page(int64_t expires, int64_t position)
{
	struct store_job *job = store_job_new(work_store(), "sweep");

	store_pending_expired(job, clock_wall_ms(), expires, position, PAGE);
	store_read(job, 0, page_read, NULL);
}

static void
sweep(void *arg)
{
	(void)arg;
	if (!im_stopping())
		read_page(0, 0);
}

static void
begin(struct worker *worker, struct post *post)
{
	(void)worker;
	free(post);
	sweep(NULL);
}

void
sweep_start(void)
{
	struct post *post = xcalloc(1, sizeof *post);

	post->run = begin;
	worker_post(worker_get(0), post);
}

static void
close_worker(struct worker *worker)
{
	if (worker_index(worker) == 0)
		timer_cancel(&again);
}

void
sweep_init(void)
{
	timer_init(&again, sweep, NULL);
	worker_on_close(close_worker);
}
