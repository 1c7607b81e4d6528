/*
 * The service manager. See notify.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/notify.h"

#ifdef HAVE_SYSTEMD

#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include "base/clock.h"
#include "net/timer.h"
#include "net/worker.h"

static struct {
	struct timer timer;
	int64_t interval_ms;
	unsigned asked; /* workers that have not answered yet */
} watchdog;

static void
answered(struct worker *worker, struct post *post)
{
	(void)worker;
	free(post);
	if (--watchdog.asked == 0)
		sd_notify(0, "WATCHDOG=1");
}

static void
answer(struct worker *worker, struct post *post)
{
	(void)worker;
	post->run = answered;
	worker_post(worker_main(), post);
}

/* The next round begins when the last one is through: a worker that hangs ends it. */
static void
ask(void *arg)
{
	(void)arg;
	timer_set(&watchdog.timer, watchdog.interval_ms);
	if (watchdog.asked > 0)
		return;
	watchdog.asked = worker_count();
	workers_post(answer);
}

void
notify_ready(void)
{
	uint64_t limit_us = 0;

	sd_notify(0, "READY=1");
	if (sd_watchdog_enabled(0, &limit_us) <= 0)
		return;
	watchdog.interval_ms = (int64_t)(limit_us / 3000); /* a third of it */
	timer_init(&watchdog.timer, ask, NULL);
	timer_set(&watchdog.timer, 0);
}

void
notify_reloading(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_us());
}

void
notify_reloaded(void)
{
	sd_notify(0, "READY=1");
}

void
notify_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

/* The threads are joined next, which may take a while: fed once more. */
void
notify_close(void)
{
	if (watchdog.interval_ms == 0)
		return;
	timer_cancel(&watchdog.timer);
	sd_notify(0, "WATCHDOG=1");
}

#else

void
notify_ready(void)
{
}

void
notify_reloading(void)
{
}

void
notify_reloaded(void)
{
}

void
notify_stopping(void)
{
}

void
notify_close(void)
{
}

#endif
