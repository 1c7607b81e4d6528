/*
 * Output that may wait. Somebody who sends to many, and has more to send, would
 * cost a write for each piece; so each waits a little for those that follow it.
 *
 * SPDX-License-Identifier: MIT
 */
#include <event2/buffer.h>

#include "net/conn_impl.h"

#define LARGE ((uint64_t)8 * 1024) /* so much is worth a write of its own */
#define GRAIN_MS 5                 /* who is due so soon after another goes with it */

void
conn_leave_lazy(struct conn *conn)
{
	if (conn->lazy_until == 0)
		return;
	TAILQ_REMOVE(&conn->worker->conns.lazy, conn, dirty_place);
	conn->lazy_until = 0;
}

void
conn_mark_lazy(struct conn *conn, unsigned ms)
{
	struct worker_conns *conns = &conn->worker->conns;
	int64_t until = conn->worker->now_ms + ms;

	if (conn->dirty)
		return;
	if (conn->queued - conn->written >= LARGE) {
		conn_mark_dirty(conn);
		return;
	}
	if (conn->lazy_until == 0)
		TAILQ_INSERT_TAIL(&conns->lazy, conn, dirty_place);
	else if (conn->lazy_until <= until)
		return;
	conn->lazy_until = until;
	timer_set_sooner(&conns->lazy_timer, ms);
}

/* What is due is written at the end of this turn. */
static void
lazy_due(void *arg)
{
	struct worker *worker = arg;
	struct conn *conn, *next;
	int64_t now = worker->now_ms, soonest = 0;

	for (conn = TAILQ_FIRST(&worker->conns.lazy); conn != NULL; conn = next) {
		next = TAILQ_NEXT(conn, dirty_place);
		if (conn->lazy_until <= now + GRAIN_MS)
			conn_mark_dirty(conn);
		else if (soonest == 0 || conn->lazy_until < soonest)
			soonest = conn->lazy_until;
	}
	if (soonest != 0)
		timer_set(&worker->conns.lazy_timer, soonest - now);
}

void
conns_lazy_open(struct worker *worker)
{
	TAILQ_INIT(&worker->conns.lazy);
	timer_init(&worker->conns.lazy_timer, lazy_due, worker);
}
