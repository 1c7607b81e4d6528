/*
 * The end. See ending.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/ending.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "core/node.h"
#include "im/account.h"
#include "net/timer.h"
#include "net/worker.h"
#include "xmpp/c2s.h"
#include "xmpp/s2s.h"

#define ENDING_MS 15000
#define GRACE_MS 2000 /* for acknowledgements */

static struct {
	const char *step; /* for the log; NULL: not begun, or done */
	struct timer timer;
	unsigned workers; /* that have not done the step yet */
	void (*done)(void);
} ending;

/* What each worker does and then sends back. */
struct errand {
	struct post post;
	void (*then)(void); /* on the main thread, when the last one is back */
	int turns;          /* so far */
};

static void
finish(void)
{
	if (ending.step == NULL)
		return;
	ending.step = NULL;
	timer_cancel(&ending.timer);
	ending.done();
}

static void
too_late(void *arg)
{
	(void)arg;
	log_warning("server", "stopping takes too long, the rest is cut short step=%s",
	    ending.step);
	finish();
}

static void
is_back(struct worker *worker, struct post *post)
{
	struct errand *errand = (struct errand *)post;
	void (*then)(void) = errand->then;

	(void)worker;
	free(errand);
	if (--ending.workers == 0 && ending.step != NULL)
		then();
}

static void
send_back(struct errand *errand)
{
	errand->post.run = is_back;
	worker_post(worker_main(), &errand->post);
}

static void
on_all_workers(const char *step, void (*run)(struct worker *, struct post *), void (*then)(void))
{
	ending.step = step;
	ending.workers = worker_count();
	for (unsigned i = 0; i < worker_count(); i++) {
		struct errand *errand = xcalloc(1, sizeof *errand);

		errand->post.run = run;
		errand->then = then;
		worker_post(worker_get(i), &errand->post);
	}
}

/* --- links ------------------------------------------------------------------------- */

static void
links_gone(void *arg)
{
	(void)arg;
	finish();
}

static void
end_links(void)
{
	ending.step = "links";
	s2s_shutdown(GRACE_MS, links_gone, NULL);
}

/* --- sessions ---------------------------------------------------------------------- */

static void
end_sessions(struct worker *worker, struct post *post)
{
	(void)worker;
	im_shutdown();
	send_back((struct errand *)post);
}

static void
streams_gone(void *arg)
{
	(void)arg;
	if (ending.step != NULL)
		on_all_workers("sessions", end_sessions, end_links);
}

/* --- streams ----------------------------------------------------------------------- */

static void
end_streams(void)
{
	ending.step = "streams";
	streams_shutdown(GRACE_MS, streams_gone, NULL);
}

/* --- rooms ------------------------------------------------------------------------- */

/*
 * What they say goes through mailboxes and inboxes. When all have told, each worker turns some
 * times more: what came to it is with its streams then.
 */
#define SETTLING_TURNS 4

static void
settle(struct worker *worker, struct post *post)
{
	struct errand *errand = (struct errand *)post;

	if (errand->turns++ >= SETTLING_TURNS && nodes_sent())
		send_back(errand);
	else
		worker_post(worker, post);
}

static void
settle_all(void)
{
	on_all_workers("rooms", settle, end_streams);
}

static void
tell_nodes(struct worker *worker, struct post *post)
{
	nodes_shutdown();
	post->run = settle;
	worker_post(worker, post);
}

void
ending_begin(void (*done)(void))
{
	ending.done = done;
	timer_init(&ending.timer, too_late, NULL);
	timer_set(&ending.timer, ENDING_MS);
	on_all_workers("rooms", tell_nodes, settle_all);
}
