/*
 * Timers. A timer belongs to the worker on which it was set and fires there,
 * between poll and mailbox. It follows clock.h, so that clock_advance() moves
 * it. Times are milliseconds; setting costs no system call.
 *
 *	timer_init(&s->timer, on_deadline, s);
 *	timer_set(&s->timer, 30000);		again: moves it
 *	timer_cancel(&s->timer);		before the memory goes
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_NET_TIMER_H
#define LN_NET_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct worker;

struct timer {
	void (*fire)(void *arg);
	void *arg;
	struct worker *worker; /* where it is set, else NULL */
	uint32_t place;        /* in that worker's heap */
};

void timer_init(struct timer *timer, void (*fire)(void *arg), void *arg);

/* Fires once, `ms` from now (0: as soon as can be), on the current worker. Replaces an earlier time. */
void timer_set(struct timer *timer, int64_t ms);

/* The same, unless it is set already and for an earlier time. */
void timer_set_sooner(struct timer *timer, int64_t ms);

/* Harmless if not set. Only on the worker where it was set. */
void timer_cancel(struct timer *timer);

static inline bool
timer_is_set(const struct timer *timer)
{
	return timer->worker != NULL;
}

/* When it fires, in worker_now_ms(); 0 if it is not set. */
int64_t timer_due(const struct timer *timer);

#endif
