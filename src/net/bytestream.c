/*
 * Mediated bytestreams. See linnet/bytestream.h.
 *
 * A side speaks SOCKS5 where it was accepted; when it has said its address it
 * moves to the worker of that address, so that both sides, and who activates
 * them, meet on one thread.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/bytestream.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/xalloc.h"
#include "linnet/option.h"
#include "net/conn.h"
#include "net/listener.h"
#include "net/socks5.h"
#include "net/timer.h"
#include "net/worker.h"

#define HANDSHAKE_MS 10000
#define MEETING_MS 120000             /* one side waits for the other, and both for activation */
#define MEETINGS_MAX 10000            /* of one worker */
#define EARLY_MAX ((size_t)64 * 1024) /* sent by a side that is not joined yet, and thrown away */
#define UNSENT_HIGH ((size_t)256 * 1024)
#define UNSENT_LOW ((size_t)64 * 1024)

enum { SIDES, ACTIVATED, BYTES, REFUSED, TOO_LONG, TOO_MANY };
static const struct metric_row rows[] = {
	[SIDES] = { "sides", METRIC_GAUGE, "Connections of bytestreams." },
	[ACTIVATED] = { "activated_total", METRIC_COUNTER, "Bytestreams activated." },
	[BYTES] = { "bytes_total", METRIC_COUNTER, "Bytes relayed." },
	[REFUSED] = { "refused_total", METRIC_COUNTER,
	    "Connections that asked for something else." },
	[TOO_LONG] = { "limited_total", METRIC_COUNTER, "Bytestreams ended by a limit." },
	[TOO_MANY] = { "too_many_total", METRIC_COUNTER,
	    "Connections and bytestreams refused because their address or owner has too many." },
};
METRICS(metrics, "bytestream", rows);

/* What two sides have in common, on the worker of their address. */
struct meeting {
	UT_hash_handle hh; /* while it waits; an active one is in no table */
	char address[LN_BYTESTREAM_ADDRESS];
	struct side *sides[2];
	struct ln_bytestream_limits limits;
	struct timer timer;
	int64_t moved;    /* bytes */
	int64_t moved_at; /* ms: when something moved last */
	int64_t free_at;  /* ms: when the rate lets more through */
	char *owner;      /* counted; NULL: it is not active */
	char *service;    /* counted with the addresses of `crowd` sides */
	struct netaddr peers[2];
	int crowd;
	bool active, slowed;
};

struct side {
	struct post post; /* the move */
	struct conn *conn;
	struct meeting *meeting; /* NULL: it has not said its address */
	struct timer timer;      /* of the handshake */
	struct socks5 socks;
	bool counted; /* in the listeners' quota */
	struct netaddr peer;
	size_t early; /* bytes sent before it was joined */
};

static unsigned slot; /* the head of the table of meetings that wait */
static const struct bytestream_counts *counts;

/* --- how many ----------------------------------------------------------------------------------- */

static size_t
address_key(const struct netaddr *peer, uint8_t key[NETADDR_KEY_MAX + 1])
{
	key[0] = 'b';
	return netaddr_key(peer, key + 1) + 1;
}

static bool
hold_address(const struct netaddr *peer, unsigned max)
{
	uint8_t key[NETADDR_KEY_MAX + 1];

	return counts == NULL || counts->hold(key, address_key(peer, key), max);
}

static void
give_address(const struct netaddr *peer)
{
	uint8_t key[NETADDR_KEY_MAX + 1];

	if (counts != NULL)
		counts->give(key, address_key(peer, key));
}

/* The key of an owner is "B" and his name. */
static bool
hold_owner(const char *owner, unsigned max)
{
	return counts == NULL || counts->hold(owner, strlen(owner), max);
}

static void
give_owner(struct meeting *meeting)
{
	if (meeting->owner != NULL && counts != NULL)
		counts->give(meeting->owner, strlen(meeting->owner));
	free(meeting->owner);
}

/* "p", the address, the service's name. */
static void
service_key(struct buf *key, const struct netaddr *peer, const char *service)
{
	uint8_t bytes[NETADDR_KEY_MAX];
	size_t len = netaddr_key(peer, bytes);

	buf_add(key, "p", 1);
	buf_add(key, bytes, len);
	buf_add_text(key, service);
}

static bool
hold_side(const struct netaddr *peer, const char *service, unsigned max)
{
	struct buf key = BUF_INIT;
	bool held;

	service_key(&key, peer, service);
	held = counts == NULL || counts->hold(key.data, key.len, max);
	buf_free(&key);
	return held;
}

/* Those of the first `crowd` addresses. */
static void
give_sides(struct meeting *meeting)
{
	while (counts != NULL && meeting->crowd > 0) {
		struct buf key = BUF_INIT;

		service_key(&key, &meeting->peers[--meeting->crowd], meeting->service);
		counts->give(key.data, key.len);
		buf_free(&key);
	}
	free(meeting->service);
	meeting->service = NULL;
}

static bool
hold_sides(struct meeting *meeting, const char *service, unsigned max)
{
	meeting->service = xstrdup(service);
	for (meeting->crowd = 0; meeting->crowd < 2; meeting->crowd++) {
		meeting->peers[meeting->crowd] = meeting->sides[meeting->crowd]->peer;
		if (!hold_side(&meeting->peers[meeting->crowd], service, max)) {
			give_sides(meeting);
			return false;
		}
	}
	return true;
}

/* --- sides ------------------------------------------------------------------------------------ */

static struct meeting **
table(void)
{
	return (struct meeting **)worker_slot(worker_current(), slot);
}

static void
release_quota(struct side *side)
{
	if (side->counted)
		listener_quota_release();
	side->counted = false;
}

static struct side *
other_of(const struct side *side)
{
	return side->meeting->sides[side->meeting->sides[0] == side];
}

static void
meeting_free(struct meeting *meeting)
{
	if (!meeting->active)
		HASH_DEL(*table(), meeting);
	timer_cancel(&meeting->timer);
	give_owner(meeting);
	give_sides(meeting);
	free(meeting);
}

/* Ends what is left of it; what was relayed is still delivered. */
static void
meeting_end(struct meeting *meeting, enum conn_reason reason)
{
	for (int i = 0; i < 2; i++)
		if (meeting->sides[i] != NULL)
			conn_close(meeting->sides[i]->conn, reason, meeting->active);
}

static void
on_closed(struct conn *conn, enum conn_reason reason)
{
	struct side *side = conn_owner(conn);
	struct meeting *meeting = side->meeting;

	timer_cancel(&side->timer);
	release_quota(side);
	give_address(&side->peer);
	metric_add(metrics, SIDES, -1);
	if (meeting != NULL) {
		meeting->sides[meeting->sides[1] == side] = NULL;
		if (meeting->sides[0] == NULL && meeting->sides[1] == NULL)
			meeting_free(meeting);
		else if (meeting->active)
			meeting_end(meeting, reason);
	}
	free(side);
}

/* --- relaying ----------------------------------------------------------------------------------- */

static void
let_read(struct side *side)
{
	struct side *other = other_of(side);

	if (!side->meeting->slowed && other != NULL && conn_unsent(other->conn) < UNSENT_HIGH)
		conn_resume(side->conn);
	else
		conn_pause(side->conn);
}

/* The rate: what has passed is paid for by waiting. */
static void
charge(struct meeting *meeting, size_t len)
{
	int64_t now = worker_now_ms();

	meeting->moved += (int64_t)len;
	meeting->moved_at = now;
	metric_add(metrics, BYTES, (int64_t)len);
	if (meeting->limits.rate >= LN_OFF)
		return;
	if (meeting->free_at < now)
		meeting->free_at = now;
	meeting->free_at += (int64_t)len * 1000 / meeting->limits.rate;
	if (meeting->free_at <= now + 10)
		return;
	meeting->slowed = true;
	timer_set(&meeting->timer, meeting->free_at - now);
}

static void
relay(struct side *side, const char *bytes, size_t len)
{
	struct meeting *meeting = side->meeting;
	struct side *other = other_of(side);

	if (meeting->moved + (int64_t)len > meeting->limits.size) {
		metric_inc(metrics, TOO_LONG);
		meeting_end(meeting, CONN_POLICY);
		return;
	}
	if (other == NULL)
		return;
	conn_write(other->conn, bytes, len);
	charge(meeting, len);
	let_read(side);
	if (meeting->slowed)
		let_read(other);
}

static void
on_sent(struct conn *conn)
{
	struct side *side = conn_owner(conn), *other;

	if (side->meeting == NULL || !side->meeting->active)
		return;
	side->meeting->moved_at = worker_now_ms();
	other = other_of(side);
	if (other != NULL && conn_unsent(conn) <= UNSENT_LOW)
		let_read(other);
}

static void
set_idle(struct meeting *meeting)
{
	int64_t left = meeting->moved_at + meeting->limits.idle_ms - worker_now_ms();

	timer_set(&meeting->timer, left > 0 ? left : 0);
}

static void
on_time(void *arg)
{
	struct meeting *meeting = arg;

	if (!meeting->active || meeting->moved_at + meeting->limits.idle_ms <= worker_now_ms()) {
		meeting_end(meeting, CONN_TIMEOUT);
		return;
	}
	if (meeting->slowed) {
		meeting->slowed = false;
		for (int i = 0; i < 2; i++)
			if (meeting->sides[i] != NULL)
				let_read(meeting->sides[i]);
	}
	set_idle(meeting);
}

/* --- meeting ------------------------------------------------------------------------------------- */

static struct meeting *
meeting_find(const char *address)
{
	struct meeting *meeting;

	HASH_FIND(hh, *table(), address, LN_BYTESTREAM_ADDRESS, meeting);
	return meeting;
}

static struct meeting *
meeting_new(const char *address)
{
	struct meeting *meeting = xcalloc(1, sizeof *meeting);

	memcpy(meeting->address, address, LN_BYTESTREAM_ADDRESS);
	timer_init(&meeting->timer, on_time, meeting);
	timer_set(&meeting->timer, MEETING_MS);
	HASH_ADD(hh, *table(), address, LN_BYTESTREAM_ADDRESS, meeting);
	return meeting;
}

/* At the worker of its address. A third side is nobody's. */
static void
join(struct side *side)
{
	struct meeting *meeting = meeting_find(side->socks.address);

	if (meeting == NULL && HASH_COUNT(*table()) < MEETINGS_MAX)
		meeting = meeting_new(side->socks.address);
	if (meeting == NULL || (meeting->sides[0] != NULL && meeting->sides[1] != NULL)) {
		metric_inc(metrics, REFUSED);
		conn_close(side->conn, CONN_POLICY, true);
		return;
	}
	side->meeting = meeting;
	meeting->sides[meeting->sides[0] != NULL] = side;
	conn_resume(side->conn);
}

static struct worker *
worker_of(const char *address)
{
	return worker_get(
	    (unsigned)(hash_table_bytes(address, LN_BYTESTREAM_ADDRESS) % worker_count()));
}

static void
arrive(struct worker *worker, struct post *post)
{
	struct side *side = (struct side *)post;

	(void)worker;
	conn_attach(side->conn);
	join(side);
}

/* It has said its address: nothing more is read until it is there. */
static void
go_to_meeting(struct side *side)
{
	struct worker *home = worker_of(side->socks.address);

	timer_cancel(&side->timer);
	conn_pause(side->conn);
	if (home == worker_current()) {
		join(side);
	} else if (conn_detach(side->conn)) {
		side->post.run = arrive;
		worker_post(home, &side->post);
	}
}

/* --- the handshake --------------------------------------------------------------------------------- */

/* XEP-0065 §10. They are read, since else nobody would see that a side leaves. */
static void
ignore(struct side *side, size_t len)
{
	side->early += len;
	if (side->early <= EARLY_MAX)
		return;
	metric_inc(metrics, REFUSED);
	conn_close(side->conn, CONN_POLICY, false);
}

static void
on_input(struct conn *conn, const char *bytes, size_t len)
{
	struct side *side = conn_owner(conn);
	struct buf out = BUF_INIT;
	enum socks5_state state;

	if (side->meeting != NULL) {
		if (side->meeting->active)
			relay(side, bytes, len);
		else
			ignore(side, len);
		return;
	}
	state = socks5_read(&side->socks, bytes, len, &out);
	if (out.len > 0)
		conn_write(conn, out.data, out.len);
	buf_free(&out);
	if (state == SOCKS5_DONE) {
		go_to_meeting(side);
	} else if (state == SOCKS5_FAILED) {
		metric_inc(metrics, REFUSED);
		conn_close(conn, CONN_PROTOCOL, true);
	}
}

static void
on_slow(void *arg)
{
	struct side *side = arg;

	conn_close(side->conn, CONN_TIMEOUT, false);
}

static const struct conn_ops ops = { .input = on_input, .sent = on_sent, .closed = on_closed };

void
bytestream_accept(int fd, const struct netaddr *peer, void *arg)
{
	const atomic_uint *per_address = arg;
	struct side *side;

	if (!hold_address(peer, atomic_load_explicit(per_address, memory_order_relaxed))) {
		metric_inc(metrics, TOO_MANY);
		close(fd);
		listener_quota_release();
		return;
	}
	side = xcalloc(1, sizeof *side);
	side->peer = *peer;
	side->counted = true;
	metric_add(metrics, SIDES, 1);
	timer_init(&side->timer, on_slow, side);
	timer_set(&side->timer, HANDSHAKE_MS);
	side->conn = conn_accept(fd, peer, &ops, side);
}

/* --- activation -------------------------------------------------------------------------------------- */

struct activation {
	struct post post;
	struct worker *asker;
	char address[LN_BYTESTREAM_ADDRESS];
	struct ln_bytestream_limits limits;
	char *owner; /* the meeting's, once it is active */
	char *service;
	enum ln_bytestream_outcome outcome;
	void (*done)(enum ln_bytestream_outcome outcome, void *arg);
	void *arg;
};

static enum ln_bytestream_outcome
activate(struct activation *activation)
{
	struct meeting *meeting = meeting_find(activation->address);

	if (meeting == NULL)
		return LN_BYTESTREAM_NOBODY;
	if (meeting->sides[0] == NULL || meeting->sides[1] == NULL)
		return LN_BYTESTREAM_ALONE;
	if (!hold_owner(activation->owner, activation->limits.per_owner)) {
		metric_inc(metrics, TOO_MANY);
		return LN_BYTESTREAM_TOO_MANY;
	}
	if (!hold_sides(meeting, activation->service, activation->limits.per_address)) {
		metric_inc(metrics, TOO_MANY);
		counts->give(activation->owner, strlen(activation->owner));
		return LN_BYTESTREAM_CROWDED;
	}
	HASH_DEL(*table(), meeting);
	meeting->owner = activation->owner;
	activation->owner = NULL;
	meeting->active = true;
	meeting->limits = activation->limits;
	meeting->moved_at = worker_now_ms();
	set_idle(meeting);
	metric_inc(metrics, ACTIVATED);
	for (int i = 0; i < 2; i++) {
		release_quota(meeting->sides[i]);
		conn_resume(meeting->sides[i]->conn);
	}
	return LN_BYTESTREAM_ACTIVE;
}

static void
tell(struct worker *worker, struct post *post)
{
	struct activation *activation = (struct activation *)post;

	(void)worker;
	activation->done(activation->outcome, activation->arg);
	free(activation->owner);
	free(activation->service);
	free(activation);
}

static void
run_activation(struct worker *worker, struct post *post)
{
	struct activation *activation = (struct activation *)post;

	(void)worker;
	activation->outcome = activate(activation);
	post->run = tell;
	worker_post(activation->asker, post);
}

void
ln_bytestream_activate(const char address[LN_BYTESTREAM_ADDRESS],
    const struct ln_bytestream_limits *limits,
    void (*done)(enum ln_bytestream_outcome outcome, void *arg), void *arg)
{
	struct activation *activation = xcalloc(1, sizeof *activation);

	activation->asker = worker_current();
	memcpy(activation->address, address, LN_BYTESTREAM_ADDRESS);
	activation->limits = *limits;
	activation->limits.owner = activation->limits.service = NULL;
	activation->owner = xasprintf("B%s", limits->owner);
	activation->service = xstrdup(limits->service);
	activation->done = done;
	activation->arg = arg;
	activation->post.run = run_activation;
	worker_post(worker_of(address), &activation->post);
}

/* --- the worker ---------------------------------------------------------------------------------------- */

static void
open_worker(struct worker *worker)
{
	worker_slot_set(worker, slot, xcalloc(1, sizeof(struct meeting *)));
}

static void
close_worker(struct worker *worker)
{
	free(worker_slot(worker, slot));
	worker_slot_set(worker, slot, NULL);
}

void
bytestream_init(const struct bytestream_counts *the_counts)
{
	counts = the_counts;
	slot = worker_slot_new();
	worker_on_open(open_worker);
	worker_on_close(close_worker);
}
