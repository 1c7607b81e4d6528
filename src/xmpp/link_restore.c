/*
 * After a start: messages for other servers that an earlier run has left in
 * `pending` are taken up, domain by domain, at the home of each.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "base/metrics.h"
#include "base/xalloc.h"
#include "core/router.h"
#include "core/work.h"
#include "store/pending.h"
#include "xmpp/component.h"
#include "xmpp/link.h"

#define PAGE 100

enum { RESTORED, UNREADABLE };
static const struct metric_row rows[] = {
	[RESTORED] = { "restored_total", METRIC_COUNTER, "Messages of an earlier run taken up." },
	[UNREADABLE] = { "unreadable_total", METRIC_COUNTER,
	    "Rows of an earlier run that are no message." },
};
METRICS(restore_metrics, "s2s_restore", rows);

/* --- one domain, at its home ------------------------------------------------------------- */

struct reading {
	struct post post;
	unsigned step;
	char domain[];
};

static void read_page(struct reading *reading, int64_t after);

static void
take_row(const struct store_row *row, int64_t *position_r)
{
	struct store_pending pending;
	struct sending *sending;

	store_pending_row(row, &pending);
	*position_r = pending.position;
	sending = sending_of_row(pending.stanza, pending.len, pending.position, pending.stamp);
	if (sending == NULL) {
		metric_inc(restore_metrics, UNREADABLE);
		return;
	}
	metric_inc(restore_metrics, RESTORED);
	if (component_of(ln_jid_domain(&sending->st->to), sending->st->to.domain_len) != NULL)
		sending_bounce(&sending, LN_ERR_SERVICE_UNAVAILABLE, NULL);
	else
		link_return(sending);
}

/* What this run itself has written meanwhile is on its way already. */
static bool
is_older(const struct store_row *row)
{
	struct store_pending pending;

	store_pending_row(row, &pending);
	return pending.position < store_position(store_term(work_store()), 0);
}

static void
on_page(struct store_job *job, void *arg)
{
	struct reading *reading = arg;
	const struct store_row *row = store_rows(job, reading->step);
	int64_t position = 0;
	unsigned count = 0;

	for (; row != NULL && is_older(row); row = row->next) {
		take_row(row, &position);
		count++;
	}
	if (count == PAGE)
		read_page(reading, position);
	else
		free(reading);
}

static void
read_page(struct reading *reading, int64_t after)
{
	struct store_job *job = store_job_new(work_store(), "s2s");

	reading->step = store_pending_page_domain(job, reading->domain, after, PAGE);
	store_read(job, 0, on_page, reading);
}

static void
begin_domain(struct worker *worker, struct post *post)
{
	(void)worker;
	read_page((struct reading *)post, 0);
}

static void
post_domain(const char *domain, size_t len)
{
	struct reading *reading = xcalloc(1, sizeof *reading + len + 1);

	memcpy(reading->domain, domain, len);
	reading->post.run = begin_domain;
	worker_post(router_domain_home(domain, len), &reading->post);
}

/* --- which there are ------------------------------------------------------------------------- */

struct domains {
	unsigned step;
};

static void read_domains(const char *after);

static void
on_domains(struct store_job *job, void *arg)
{
	const struct domains *domains = arg;
	const struct store_row *row = store_rows(job, domains->step);
	const char *last = NULL;
	unsigned count = 0;

	for (; row != NULL; row = row->next) {
		last = row->cell[0].bytes;
		post_domain(last, row->cell[0].len);
		count++;
	}
	if (count == PAGE)
		read_domains(last);
}

static void
read_domains(const char *after)
{
	struct store_job *job = store_job_new(work_store(), "s2s");
	struct domains *domains = store_job_alloc(job, sizeof *domains);

	domains->step = store_pending_domains(job, after, PAGE);
	store_read(job, 0, on_domains, domains);
}

static void
begin(struct worker *worker, struct post *post)
{
	(void)worker;
	free(post);
	if (snapshot_current()->core.federates)
		read_domains("");
}

void
links_restore(void)
{
	struct post *post = xcalloc(1, sizeof *post);

	post->run = begin;
	worker_post(worker_get(0), post);
}
