/*
 * What a worker is made of: for the files of this floor alone.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_NET_WORKER_IMPL_H
#define LN_NET_WORKER_IMPL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/queue.h>

#include "net/mailbox.h"
#include "net/timer.h"
#include "net/worker.h"

struct arrival;
struct conn;
struct evbuffer;
struct event;

TAILQ_HEAD(conn_queue, conn);
LIST_HEAD(conn_list, conn);

/* The connections of a worker; see conn_impl.h. */
struct worker_conns {
	struct conn_queue ready; /* have something to read or write in this turn */
	struct conn_queue dirty; /* have output, or an end to come to */
	unsigned n_ready, n_dirty;
	struct conn_queue lazy; /* have output that may wait; conn_lazy.c */
	struct timer lazy_timer;
	struct conn_list idle;      /* everything else that is here ... */
	struct conn_list blocked;   /* ... and what waits for a peer to read, or to close */
	struct conn *reading;       /* whose input() is running; NULL once it was detached */
	struct timer tick;          /* walks `blocked` once a second */
	struct evbuffer *spare[64]; /* empty output buffers */
	unsigned n_spare;
};

/* Posts of this turn to one worker: newest first. */
struct outbox {
	struct post *newest, *oldest;
};

struct timer_entry {
	int64_t due;
	struct timer *timer;
};

struct worker {
	struct mailbox mailbox;
	struct event_base *base;
	unsigned index;
	bool in_turn;
	bool more;  /* something is left: do not wait in the next poll */
	bool again; /* worker_again() since what SERVE left was counted */
	bool firing;
	bool polling; /* events of others run: now_ms is that of before the wait */
	int64_t now_ms;

	struct post *self_first, **self_last; /* posts to oneself */
	struct outbox *outboxes;              /* one a worker, main last */
	unsigned n_outboxes;

	struct timer_entry *timers; /* a binary heap */
	uint32_t n_timers, timers_room;
	int64_t timer_armed; /* when timer_event fires; 0: it does not */
	struct event *timer_event;

	struct worker_conns conns;
	LIST_HEAD(arrivals, arrival) arrivals; /* waiting for a PROXY header */
	void *slots[WORKER_SLOTS];
	char *scratch;

	struct event *wake_event;
	pthread_t thread;
	atomic_bool stop;
};

/* timer.c: fires what is due; and how long poll may wait (arms timer_event; false: not at all). */
void timers_fire(struct worker *worker);
bool timers_arm(struct worker *worker);

/* conn.c and conn_io.c */
void conns_open(struct worker *worker);
void conns_serve(struct worker *worker); /* reads and writes what poll found */
void conns_lazy_open(struct worker *worker);
void conns_flush(struct worker *worker); /* writes what the turn produced, ends what is to end */
bool conns_waiting(const struct worker *worker);
void conns_shut(struct worker *worker); /* closes all of them, CONN_SHUTDOWN */
void conns_free(struct worker *worker);

#endif
