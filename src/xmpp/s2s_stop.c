/*
 * The end of all streams with other servers: what they have not acknowledged is
 * waited for a little, then they are told, and what lasts is kept.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "net/timer.h"
#include "xmpp/link.h"
#include "xmpp/s2s.h"

#define ACKS_POLL_MS 20

static atomic_bool stopping;

bool
s2s_stopping(void)
{
	return atomic_load(&stopping);
}

static struct {
	void (*done)(void *arg);
	void *arg;
	unsigned workers; /* that have not finished their step */
	int64_t until;    /* ms */
	struct timer timer;
} stop;

static void
worker_finished(struct worker *worker, struct post *post)
{
	(void)worker;
	free(post);
	if (--stop.workers == 0 && stop.done != NULL)
		stop.done(stop.arg);
}

static void
shut(struct peer *peer, void *arg)
{
	(void)arg;
	if (peer->state == PEER_HANDSHAKE)
		conn_close(peer->stream.conn, CONN_SHUTDOWN, false);
	else
		stream_fail(&peer->stream, STREAM_SYSTEM_SHUTDOWN, NULL);
}

/* What streams give back as they end goes to the links of other workers by post: one more turn. */
static void
shelve(struct worker *worker, struct post *post)
{
	(void)worker;
	links_shelve();
	post->run = worker_finished;
	worker_post(worker_main(), post);
}

static void
shut_all(struct worker *worker, struct post *post)
{
	links_shelve();
	peers_each(shut, NULL);
	post->run = shelve;
	worker_post(worker, post);
}

/* Until all that was sent is acknowledged, or time is over. */
static void
wait_for_acks(void *arg)
{
	(void)arg;
	if (sending_count() > 0 && worker_now_ms() < stop.until) {
		timer_set(&stop.timer, ACKS_POLL_MS);
		return;
	}
	stop.workers = worker_count();
	workers_post(shut_all);
}

void
s2s_shutdown(int64_t grace_ms, void (*done)(void *arg), void *arg)
{
	atomic_store(&stopping, true);
	stop.done = done;
	stop.arg = arg;
	stop.until = worker_now_ms() + grace_ms;
	timer_init(&stop.timer, wait_for_acks, NULL);
	timer_set(&stop.timer, 0);
}

void
s2s_stop_init(void)
{
	atomic_store(&stopping, false);
}
