/*
 * Workers and their turns. See worker.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/worker.h"

#include <assert.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "net/arrival.h"
#include "net/worker_impl.h"

#define CALLBACKS_MAX 32
/* How many rounds of turns may follow a stop before what still goes on is given up. */
#define LAST_ROUNDS 1000

struct worker_fns {
	worker_fn fn[CALLBACKS_MAX];
	unsigned count;
};

static struct worker *main_worker, **workers;
static unsigned n_workers, n_slots;
static bool threaded;
static atomic_bool main_stop;
static struct worker_fns on_open, on_close;
static struct {
	worker_turn_fn fn[CALLBACKS_MAX];
	unsigned count;
} on_turn[WORKER_STAGES];

static _Thread_local struct worker *current;

/* --- registration ------------------------------------------------------------ */

static void
add_fn(struct worker_fns *fns, worker_fn fn)
{
	assert(workers == NULL && fns->count < CALLBACKS_MAX);
	fns->fn[fns->count++] = fn;
}

void
worker_on_open(worker_fn fn)
{
	add_fn(&on_open, fn);
}

void
worker_on_close(worker_fn fn)
{
	add_fn(&on_close, fn);
}

void
worker_on_turn(enum worker_stage stage, worker_turn_fn fn)
{
	assert(workers == NULL && on_turn[stage].count < CALLBACKS_MAX);
	on_turn[stage].fn[on_turn[stage].count++] = fn;
}

unsigned
worker_slot_new(void)
{
	assert(workers == NULL && n_slots < WORKER_SLOTS);
	return n_slots++;
}

static void
call_all(const struct worker_fns *fns, struct worker *worker)
{
	for (unsigned i = 0; i < fns->count; i++)
		fns->fn[i](worker);
}

/* --- a worker ---------------------------------------------------------------- */

/* Waking is all the eventfd is for: the mailbox is looked at in every turn. */
static void
woken(evutil_socket_t fd, short what, void *arg)
{
}

static void
timer_woken(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;

	worker->timer_armed = 0;
}

/* A base without locks: nobody but its worker ever touches it. */
static struct event_base *
new_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base;

	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	base = event_base_new_with_config(config);
	event_config_free(config);
	if (base == NULL) {
		fputs("linnet: libevent cannot start\n", stderr);
		abort();
	}
	return base;
}

static struct worker *
worker_new(unsigned index)
{
	struct worker *worker = aligned_alloc(_Alignof(struct worker), sizeof *worker);

	if (worker == NULL)
		abort();
	memset(worker, 0, sizeof *worker);
	mailbox_open(&worker->mailbox);
	worker->index = index;
	worker->base = new_base();
	worker->now_ms = clock_ms();
	worker->more = true; /* the first turn does not wait */
	worker->self_last = &worker->self_first;
	worker->scratch = xmalloc(WORKER_SCRATCH);
	worker->wake_event = event_new(worker->base, worker->mailbox.fd,
	    EV_READ | EV_PERSIST | EV_ET, woken, worker);
	worker->timer_event = evtimer_new(worker->base, timer_woken, worker);
	event_add(worker->wake_event, NULL);
	conns_open(worker);
	return worker;
}

static void
worker_free(struct worker *worker)
{
	conns_free(worker);
	event_free(worker->wake_event);
	event_free(worker->timer_event);
	event_base_free(worker->base);
	mailbox_close(&worker->mailbox);
	free(worker->timers);
	free(worker->outboxes);
	free(worker->scratch);
	free(worker);
}

static void
worker_connect(struct worker *worker)
{
	worker->n_outboxes = n_workers + 1;
	worker->outboxes = xcalloc(worker->n_outboxes, sizeof *worker->outboxes);
}

/* --- posts ------------------------------------------------------------------- */

static void
post_to_self(struct worker *worker, struct post *post)
{
	post->next = NULL;
	*worker->self_last = post;
	worker->self_last = &post->next;
}

static void
post_later(struct outbox *outbox, struct post *post)
{
	post->next = outbox->newest;
	outbox->newest = post;
	if (outbox->oldest == NULL)
		outbox->oldest = post;
}

void
worker_post(struct worker *to, struct post *post)
{
	struct worker *from = current;

	if (from == to)
		post_to_self(to, post);
	else if (from != NULL && from->in_turn)
		post_later(&from->outboxes[to->index], post);
	else
		mailbox_push(&to->mailbox, post, post);
}

void
workers_post(void (*run)(struct worker *worker, struct post *post))
{
	for (unsigned i = 0; i < n_workers; i++) {
		struct post *post = xcalloc(1, sizeof *post);

		post->run = run;
		worker_post(workers[i], post);
	}
}

static void
send_outboxes(struct worker *worker)
{
	for (unsigned i = 0; i < worker->n_outboxes; i++) {
		struct outbox *outbox = &worker->outboxes[i];
		struct worker *to = i < n_workers ? workers[i] : main_worker;

		if (outbox->newest == NULL)
			continue;
		mailbox_push(&to->mailbox, outbox->newest, outbox->oldest);
		*outbox = (struct outbox){ NULL, NULL };
	}
}

static void
run_posts(struct worker *worker, struct post *post)
{
	struct post *next;

	for (; post != NULL; post = next) {
		next = post->next;
		post->run(worker, post);
	}
}

/* What is posted to oneself meanwhile waits for the next turn. */
static void
read_mail(struct worker *worker)
{
	struct post *own = worker->self_first;

	worker->self_first = NULL;
	worker->self_last = &worker->self_first;
	run_posts(worker, own);
	run_posts(worker, mailbox_take(&worker->mailbox));
}

/* --- the turn ---------------------------------------------------------------- */

static void
poll_events(struct worker *worker, bool block)
{
	block = block && !worker->more && worker->self_first == NULL && timers_arm(worker) &&
	    mailbox_sleep(&worker->mailbox);
	worker->polling = true;
	event_base_loop(worker->base, EVLOOP_ONCE | (block ? 0 : EVLOOP_NONBLOCK));
	worker->polling = false;
	if (block)
		mailbox_awake(&worker->mailbox);
	worker->now_ms = clock_ms();
}

static bool
run_stage(struct worker *worker, enum worker_stage stage)
{
	bool left = false;

	if (worker == main_worker)
		return false;
	for (unsigned i = 0; i < on_turn[stage].count; i++)
		left |= on_turn[stage].fn[i](worker);
	return left;
}

void
worker_again(void)
{
	if (current != NULL)
		current->again = true;
}

bool
worker_turn(struct worker *worker, bool block)
{
	struct worker *before = worker_enter(worker);
	bool left;

	worker->in_turn = true;
	poll_events(worker, block);
	conns_serve(worker);
	timers_fire(worker);
	read_mail(worker);
	left = run_stage(worker, WORKER_SERVE);
	worker->again = false; /* what was for SERVE has been served, or is in `left` */
	left |= run_stage(worker, WORKER_FLUSH);
	send_outboxes(worker);
	conns_flush(worker);
	send_outboxes(worker);
	worker->more = left || worker->again || conns_waiting(worker);
	worker->in_turn = false;
	current = before;
	return worker->more || worker->self_first != NULL || !mailbox_is_empty(&worker->mailbox);
}

struct worker *
worker_enter(struct worker *worker)
{
	struct worker *before = current;

	current = worker;
	return before;
}

/* --- start and stop ---------------------------------------------------------- */

static void *
run_worker(void *arg)
{
	struct worker *worker = arg;

	current = worker;
	call_all(&on_open, worker);
	while (!atomic_load_explicit(&worker->stop, memory_order_relaxed))
		worker_turn(worker, true);
	return NULL;
}

static void
start_thread(struct worker *worker)
{
	char name[16];
	int error = pthread_create(&worker->thread, NULL, run_worker, worker);

	if (error != 0) {
		fprintf(stderr, "linnet: cannot start a thread: %s\n", strerror(error));
		abort();
	}
	snprintf(name, sizeof name, "worker %u", worker->index);
	pthread_setname_np(worker->thread, name);
}

static void
make_workers(unsigned n)
{
	assert(workers == NULL && n > 0);
	signal(SIGPIPE, SIG_IGN);
	n_workers = n;
	worker_main()->index = n;
	worker_connect(main_worker);
	workers = xcalloc(n, sizeof *workers);
	for (unsigned i = 0; i < n; i++) {
		workers[i] = worker_new(i);
		worker_connect(workers[i]);
	}
}

void
workers_start(unsigned n)
{
	sigset_t all, before;

	make_workers(n);
	threaded = true;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned i = 0; i < n; i++)
		start_thread(workers[i]);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void
workers_start_unthreaded(unsigned n)
{
	make_workers(n);
	threaded = false;
	for (unsigned i = 0; i < n; i++) {
		struct worker *before = worker_enter(workers[i]);

		call_all(&on_open, workers[i]);
		current = before;
	}
}

static void
join_threads(void)
{
	for (unsigned i = 0; i < n_workers; i++) {
		atomic_store(&workers[i]->stop, true);
		mailbox_kick(&workers[i]->mailbox);
	}
	for (unsigned i = 0; i < n_workers; i++)
		pthread_join(workers[i]->thread, NULL);
}

void
workers_join(void)
{
	assert(workers != NULL && current == main_worker);
	if (threaded)
		join_threads();
	threaded = false;
}

bool
workers_turn(void)
{
	bool left = worker_turn(main_worker, false);

	assert(!threaded);
	for (unsigned i = 0; i < n_workers; i++)
		left |= worker_turn(workers[i], false);
	return left;
}

static void
turn_until_quiet(void)
{
	for (unsigned round = 0; round < LAST_ROUNDS && workers_turn(); round++)
		;
}

static void
as_each(worker_fn fn, bool main_too)
{
	struct worker *before = current;

	for (unsigned i = 0; i < n_workers + main_too; i++) {
		current = i < n_workers ? workers[i] : main_worker;
		fn(current);
	}
	current = before;
}

static void
close_worker(struct worker *worker)
{
	call_all(&on_close, worker);
}

void
workers_stop(void)
{
	workers_join();
	turn_until_quiet();
	as_each(arrivals_shut, true);
	as_each(conns_shut, true);
	turn_until_quiet();
	as_each(close_worker, false);
	as_each(worker_free, true);
	free(workers);
	workers = NULL;
	n_workers = 0;
	main_worker = current = NULL;
	atomic_store(&main_stop, false);
}

/* --- main -------------------------------------------------------------------- */

struct worker *
worker_main(void)
{
	if (main_worker == NULL)
		current = main_worker = worker_new(0);
	return main_worker;
}

void
worker_main_run(void)
{
	while (!atomic_load(&main_stop))
		worker_turn(worker_main(), true);
}

void
worker_main_stop(void)
{
	atomic_store(&main_stop, true);
	mailbox_kick(&main_worker->mailbox);
}

/* --- looking ----------------------------------------------------------------- */

unsigned
worker_count(void)
{
	return n_workers;
}

struct worker *
worker_get(unsigned i)
{
	assert(i < n_workers);
	return workers[i];
}

struct worker *
worker_current(void)
{
	return current;
}

unsigned
worker_index(const struct worker *worker)
{
	return worker->index;
}

struct event_base *
worker_base(struct worker *worker)
{
	return worker->base;
}

int64_t
worker_now_ms(void)
{
	return current != NULL && !current->polling ? current->now_ms : clock_ms();
}

void *
worker_slot(const struct worker *worker, unsigned slot)
{
	assert(slot < WORKER_SLOTS);
	return worker->slots[slot];
}

void
worker_slot_set(struct worker *worker, unsigned slot, void *value)
{
	assert(slot < WORKER_SLOTS);
	worker->slots[slot] = value;
}
