/*
 * Workers: threads that own everything they touch.
 *
 * A worker is a thread with its own libevent base, a mailbox, timers and
 * connections. Every struct of the server belongs to one worker; to reach
 * another one, post a message and give up what you send with it. The main
 * thread has a worker too, so that others can post to it.
 *
 *	slot = worker_slot_new();			start-up, main thread
 *	worker_on_open(make_tables);
 *	worker_on_turn(WORKER_SERVE, serve_entities);
 *	workers_start(n);
 *	worker_main_run();				until worker_main_stop()
 *	workers_stop();
 *
 * A turn: poll (read events, timers), mailbox, WORKER_SERVE functions,
 * WORKER_FLUSH functions, posts to other workers leave, connections write
 * their output. So a turn costs one wake-up per worker that it posts to and
 * one write per connection that it writes to, however many stanzas there were.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_NET_WORKER_H
#define LN_NET_WORKER_H

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct worker;

/*
 * A message. Embed it, allocate the whole with malloc(), fill in `run`; it is
 * called on the worker it was posted to and owns the message from then on.
 */
struct post {
	struct post *next;
	void (*run)(struct worker *, struct post *);
};

/*
 * Starts `n` workers (at least 1). Main thread, once; from here on nothing
 * can be registered any more. SIGPIPE is ignored for the process, and workers
 * take no other signal.
 */
void workers_start(unsigned n);

/* Tests: the same workers without threads, driven by worker_turn(). */
void workers_start_unthreaded(unsigned n);

/*
 * The end in steps, for what must outlive the threads and end before the
 * workers (the store): joins the threads; then, as often as there is something
 * left (true), one turn of every worker on this thread. Main thread; workers_stop() follows.
 */
void workers_join(void);
bool workers_turn(void);

/*
 * Stops all workers and joins their threads; then, on the calling main thread
 * but as the worker concerned, runs the posts that are left, closes the
 * connections that are left (CONN_SHUTDOWN) and calls the worker_on_close()
 * functions, which post nothing. workers_start() may be called again.
 */
void workers_stop(void);

unsigned worker_count(void);           /* without main */
struct worker *worker_get(unsigned i); /* 0 <= i < worker_count() */
struct worker *worker_main(void);

/* The worker of this thread; NULL on a thread that is none (pool, store, log). */
struct worker *worker_current(void);

/* 0 .. worker_count() - 1; main is worker_count(). */
unsigned worker_index(const struct worker *worker);

struct event_base *worker_base(struct worker *worker);

/*
 * Sends `post` to `to`, from any thread. Posts from one thread to one worker
 * run in the order in which they were sent. From a worker they leave at the
 * end of its turn, from another thread at once. A post to oneself runs in the
 * next turn and makes no system call.
 */
void worker_post(struct worker *to, struct post *post);

/* Sends each worker (main excepted) a post of its own, from xcalloc(): `run` frees it or sends it on. */
void workers_post(void (*run)(struct worker *worker, struct post *post));

/* Monotonic milliseconds, read once a turn; on a thread without worker, now. */
int64_t worker_now_ms(void);

enum worker_stage { WORKER_SERVE, WORKER_FLUSH, WORKER_STAGES };

/* Returns true if work is left: then the next poll does not wait. */
typedef bool (*worker_turn_fn)(struct worker *);
typedef void (*worker_fn)(struct worker *);

/* Start-up: `fn` runs in every turn of every worker (main excepted), in the order added. */
void worker_on_turn(enum worker_stage stage, worker_turn_fn fn);

/* Start-up: called on each worker's own thread before its first turn, and at its end. */
void worker_on_open(worker_fn fn);
void worker_on_close(worker_fn fn);

#define WORKER_SLOTS 32

/* Start-up: a place for one pointer on each worker, main included; NULL at first. */
unsigned worker_slot_new(void);

void *worker_slot(const struct worker *worker, unsigned slot);
void worker_slot_set(struct worker *worker, unsigned slot, void *value);

/*
 * There is work for a stage that may be over in this turn (a connection that
 * ends while its output is flushed is such a case): the next poll does not wait.
 */
void worker_again(void);

/* Bytes of a worker's scratch memory: what was just read, text being written. Whatever calls out
 * invalidates it. */
#define WORKER_SCRATCH ((uint32_t)64 * 1024)

/* Main thread: turns until worker_main_stop(), which any thread and any signal event may call. */
void worker_main_run(void);
void worker_main_stop(void);

/*
 * Tests: one turn as `worker`, which waits for an event only if `block`.
 * Returns true if the next turn would have something to do at once.
 */
bool worker_turn(struct worker *worker, bool block);

/* Tests: makes `worker` the current one of this thread; returns the previous one. */
struct worker *worker_enter(struct worker *worker);

#endif
