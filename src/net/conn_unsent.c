/*
 * What waits to go out: its limits, of one connection and of all together.
 *
 * A connection that the kernel takes no more bytes from is on its worker's
 * blocked list, which is walked once a second for the limits in time.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/metrics.h"
#include "base/xalloc.h"
#include "net/conn_impl.h"

#define TICK_MS 1000
#define CANDIDATES 16 /* connections that a worker names when all is too much */

enum { UNSENT };

static const struct metric_row rows[] = {
	[UNSENT] = { "unsent_bytes", METRIC_GAUGE, "Bytes that peers have not taken yet." },
};
METRICS(net_metrics, "net", rows);

static _Atomic size_t unsent_total;

static struct {
	_Atomic size_t high, longer, total;
	_Atomic int64_t long_ms, flush_ms;
} limits = { 8 << 20, 1 << 20, 256 << 20, 30000, 5000 };

#define LIMIT(name) atomic_load_explicit(&limits.name, memory_order_relaxed)

void
conn_set_limits(const struct conn_limits *l)
{
	atomic_store(&limits.high, l->unsent_high);
	atomic_store(&limits.longer, l->unsent_long);
	atomic_store(&limits.total, l->unsent_total);
	atomic_store(&limits.long_ms, l->unsent_long_ms);
	atomic_store(&limits.flush_ms, l->flush_ms);
}

int64_t
conn_flush_ms(void)
{
	return LIMIT(flush_ms);
}

size_t
conn_unsent_total(void)
{
	return atomic_load_explicit(&unsent_total, memory_order_relaxed);
}

bool
conn_unsent_pressed(void)
{
	return conn_unsent_total() > LIMIT(total) / 4;
}

/* --- limits of unsent output ------------------------------------------------- */

/*
 * When all together are too much, every worker names its largest, the main
 * thread chooses among them, and the chosen are closed at home. One round runs
 * at a time; what is still too much then begins the next.
 */
struct candidate {
	uint64_t conn;
	size_t unsent;
	struct worker *worker;
};

struct round {
	struct post post;
	unsigned count;
	struct candidate list[CANDIDATES]; /* largest first */
};

static atomic_bool shedding;

/* Main thread. */
static struct {
	unsigned missing; /* workers whose answer is not there */
	unsigned count;
	struct candidate *list;
} gathered;

static void
consider(struct round *round, const struct conn *conn)
{
	unsigned at = round->count;

	if (at == CANDIDATES && conn->counted <= round->list[at - 1].unsent)
		return;
	if (at < CANDIDATES)
		round->count++;
	else
		at--;
	for (; at > 0 && round->list[at - 1].unsent < conn->counted; at--)
		round->list[at] = round->list[at - 1];
	round->list[at] = (struct candidate){ conn->id, conn->counted, conn->worker };
}

static void
lose_chosen(struct worker *worker, struct post *post)
{
	struct round *chosen = (struct round *)post;
	struct conn *conn, *next;

	for (conn = LIST_FIRST(&worker->conns.blocked); conn != NULL; conn = next) {
		next = LIST_NEXT(conn, place);
		if (conn->id != chosen->list[0].conn || conn->state == CONN_DEAD)
			continue;
		conn_fail(conn, CONN_UNSENT_TOTAL, 0);
		conn_lose_output(conn);
		conn->queued = conn->written;
		conn_account(conn);
	}
	free(chosen);
}

static int
by_size(const void *a, const void *b)
{
	const struct candidate *one = a, *other = b;

	return (one->unsent < other->unsent) - (one->unsent > other->unsent);
}

static void
choose(void)
{
	size_t total = conn_unsent_total(), allowed = LIMIT(total);

	qsort(gathered.list, gathered.count, sizeof *gathered.list, by_size);
	for (unsigned i = 0; i < gathered.count && total > allowed; i++) {
		struct round *chosen = xcalloc(1, sizeof *chosen);

		chosen->post.run = lose_chosen;
		chosen->list[0] = gathered.list[i];
		worker_post(gathered.list[i].worker, &chosen->post);
		total -= gathered.list[i].unsent < total ? gathered.list[i].unsent : total;
	}
	free(gathered.list);
	gathered.list = NULL;
	gathered.count = 0;
}

static void
gather(struct worker *worker, struct post *post)
{
	struct round *round = (struct round *)post;
	unsigned count = gathered.count + round->count;

	(void)worker;
	if (round->count > 0) {
		gathered.list = xrealloc(gathered.list, count * sizeof *gathered.list);
		memcpy(gathered.list + gathered.count, round->list,
		    round->count * sizeof *round->list);
		gathered.count = count;
	}
	free(round);
	if (--gathered.missing > 0)
		return;
	if (gathered.count > 0)
		choose();
	atomic_store(&shedding, false);
}

static void
name_largest(struct worker *worker, struct post *post)
{
	struct round *round = (struct round *)post;
	struct conn *conn;

	LIST_FOREACH(conn, &worker->conns.blocked, place)
		if (conn->state != CONN_DEAD)
			consider(round, conn);
	round->post.run = gather;
	worker_post(worker_main(), &round->post);
}

static void
begin_round(struct worker *worker, struct post *post)
{
	(void)worker;
	free(post);
	gathered.missing = worker_count() + 1;
	for (unsigned i = 0; i <= worker_count(); i++) {
		struct round *round = xcalloc(1, sizeof *round);

		round->post.run = name_largest;
		worker_post(i < worker_count() ? worker_get(i) : worker_main(), &round->post);
	}
}

static void
shed(void)
{
	struct post *post;

	if (conn_unsent_total() <= LIMIT(total) || atomic_exchange(&shedding, true))
		return;
	post = xcalloc(1, sizeof *post);
	post->run = begin_round;
	worker_post(worker_main(), post);
}

static void
set_place(struct conn *conn, bool blocked)
{
	struct worker_conns *conns = &conn->worker->conns;

	if (conn->in_blocked == blocked)
		return;
	conn->in_blocked = blocked;
	LIST_REMOVE(conn, place);
	LIST_INSERT_HEAD(blocked ? &conns->blocked : &conns->idle, conn, place);
	if (blocked)
		timer_set_sooner(&conns->tick, TICK_MS);
}

void
conn_account(struct conn *conn)
{
	size_t unsent = conn_unsent(conn), before = conn->counted;

	conn->counted = unsent;
	if (unsent != before) {
		atomic_fetch_add_explicit(&unsent_total, unsent - before, memory_order_relaxed);
		metric_add(net_metrics, UNSENT, (int64_t)unsent - (int64_t)before);
	}
	if (conn->worker == NULL)
		return;
	if (unsent <= LIMIT(longer))
		conn->over_since = 0;
	else if (conn->over_since == 0)
		conn->over_since = worker_now_ms();
	set_place(conn, unsent > 0 || conn->state == CONN_CLOSING || conn->state == CONN_LINGERING);
	if (unsent > LIMIT(high) && conn->state != CONN_DEAD)
		conn_fail(conn, CONN_UNSENT_HIGH, 0);
	if (unsent > before)
		shed();
}

static void
check_deadlines(struct conn *conn, int64_t now)
{
	if (conn->state == CONN_LINGERING) {
		if (conn->deadline <= now)
			conn_destroy(conn);
		return;
	}
	if (conn->state == CONN_CLOSING && conn->deadline <= now)
		conn_fail(conn, CONN_FLUSH_TIMEOUT, 0);
	else if (conn->over_since != 0 && conn->over_since + LIMIT(long_ms) <= now)
		conn_fail(conn, CONN_UNSENT_LONG, 0);
}

static void
tick(void *arg)
{
	struct worker *worker = arg;
	struct conn *conn, *next;

	for (conn = LIST_FIRST(&worker->conns.blocked); conn != NULL; conn = next) {
		next = LIST_NEXT(conn, place);
		check_deadlines(conn, worker->now_ms);
	}
	shed();
	if (!LIST_EMPTY(&worker->conns.blocked))
		timer_set(&worker->conns.tick, TICK_MS);
}

void
conns_open(struct worker *worker)
{
	TAILQ_INIT(&worker->conns.ready);
	TAILQ_INIT(&worker->conns.dirty);
	LIST_INIT(&worker->conns.idle);
	LIST_INIT(&worker->conns.blocked);
	timer_init(&worker->conns.tick, tick, worker);
	conns_lazy_open(worker);
}
