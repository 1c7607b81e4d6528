/*
 * Timers: a binary heap a worker, and one libevent timer for its head. libevent
 * has a heap of its own, but it lives on the kernel's clock (tests move ours),
 * takes 128 bytes a timer, and reads the clock at each setting.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/timer.h"

#include <assert.h>
#include <event2/event.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "net/worker_impl.h"

static void
put(struct worker *worker, uint32_t place, struct timer_entry entry)
{
	worker->timers[place] = entry;
	entry.timer->place = place;
}

static void
sift_up(struct worker *worker, uint32_t place)
{
	struct timer_entry entry = worker->timers[place];

	while (place > 0 && worker->timers[(place - 1) / 2].due > entry.due) {
		put(worker, place, worker->timers[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	put(worker, place, entry);
}

static void
sift_down(struct worker *worker, uint32_t place)
{
	struct timer_entry entry = worker->timers[place];
	uint32_t child;

	while ((child = 2 * place + 1) < worker->n_timers) {
		if (child + 1 < worker->n_timers &&
		    worker->timers[child + 1].due < worker->timers[child].due)
			child++;
		if (worker->timers[child].due >= entry.due)
			break;
		put(worker, place, worker->timers[child]);
		place = child;
	}
	put(worker, place, entry);
}

static void
insert(struct worker *worker, struct timer *timer, int64_t due)
{
	if (worker->n_timers == worker->timers_room) {
		worker->timers_room = worker->timers_room ? worker->timers_room * 2 : 64;
		worker->timers =
		    xrealloc(worker->timers, worker->timers_room * sizeof *worker->timers);
	}
	timer->worker = worker;
	put(worker, worker->n_timers++, (struct timer_entry){ due, timer });
	sift_up(worker, timer->place);
}

static void
move(struct worker *worker, struct timer *timer, int64_t due)
{
	int64_t before = worker->timers[timer->place].due;

	worker->timers[timer->place].due = due;
	if (due < before)
		sift_up(worker, timer->place);
	else
		sift_down(worker, timer->place);
}

void
timer_init(struct timer *timer, void (*fire)(void *arg), void *arg)
{
	*timer = (struct timer){ .fire = fire, .arg = arg };
}

void
timer_set(struct timer *timer, int64_t ms)
{
	struct worker *worker = worker_current();
	int64_t due = worker_now_ms() + (ms > 0 ? ms : 0);

	/* or a timer that sets itself to 0 would keep timers_fire() going */
	if (worker->firing && ms <= 0)
		due++;
	assert(timer->worker == NULL || timer->worker == worker);
	if (timer->worker == NULL)
		insert(worker, timer, due);
	else
		move(worker, timer, due);
}

void
timer_set_sooner(struct timer *timer, int64_t ms)
{
	if (timer->worker == NULL || timer_due(timer) > worker_now_ms() + ms)
		timer_set(timer, ms);
}

void
timer_cancel(struct timer *timer)
{
	struct worker *worker = timer->worker;
	uint32_t place = timer->place;
	struct timer *last;

	if (worker == NULL)
		return;
	assert(worker == worker_current());
	timer->worker = NULL;
	last = worker->timers[--worker->n_timers].timer;
	if (last == timer)
		return;
	put(worker, place, worker->timers[worker->n_timers]);
	sift_up(worker, place);
	sift_down(worker, last->place);
}

int64_t
timer_due(const struct timer *timer)
{
	return timer->worker == NULL ? 0 : timer->worker->timers[timer->place].due;
}

void
timers_fire(struct worker *worker)
{
	worker->firing = true;
	while (worker->n_timers > 0 && worker->timers[0].due <= worker->now_ms) {
		struct timer *timer = worker->timers[0].timer;

		timer_cancel(timer);
		timer->fire(timer->arg);
	}
	worker->firing = false;
}

bool
timers_arm(struct worker *worker)
{
	int64_t due, wait;

	if (worker->n_timers == 0)
		return true;
	due = worker->timers[0].due;
	if (worker->timer_armed != 0 && worker->timer_armed <= due)
		return true;
	wait = due - clock_ms();
	if (wait <= 0)
		return false;
	event_add(worker->timer_event,
	    &(struct timeval){ .tv_sec = wait / 1000, .tv_usec = wait % 1000 * 1000 });
	worker->timer_armed = due;
	return true;
}
