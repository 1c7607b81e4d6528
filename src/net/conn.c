/*
 * The life of a connection: beginning, watching, pausing, moving, end. See
 * conn.h; bytes are conn_io.c, TLS is conn_tls.c.
 *
 * Nothing ends in the middle of a turn: whoever closes a connection, or finds
 * it broken, changes its state and puts it on the worker's dirty list; the
 * owner is told from there, when no code of its own is running.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/conn.h"

#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/metrics.h"
#include "base/xalloc.h"
#include "net/conn_impl.h"

#define LINGER_MS 2000

enum { OPEN, OPENED, CLOSED };

#define CLOSED_ROW(symbol, name, text)                               \
	[CLOSED + CONN_##symbol] = { "closed_total", METRIC_COUNTER, \
		"Connections that ended, by reason.", "reason", name },
static const struct metric_row rows[] = { [OPEN] = { "connections", METRIC_GAUGE,
					      "Connections open now." },
	[OPENED] = { "opened_total", METRIC_COUNTER, "Connections begun, in and out." },
	CONN_REASONS(CLOSED_ROW) };
METRICS(net_metrics, "net", rows);

static _Atomic uint64_t last_id;

/* --- lists and events -------------------------------------------------------- */

void
conn_mark_ready(struct conn *conn)
{
	struct worker_conns *conns = &conn->worker->conns;

	if (conn->ready)
		return;
	conn->ready = true;
	TAILQ_INSERT_TAIL(&conns->ready, conn, ready_place);
	conns->n_ready++;
}

void
conn_mark_dirty(struct conn *conn)
{
	struct worker_conns *conns = &conn->worker->conns;

	if (conn->dirty)
		return;
	conn_leave_lazy(conn);
	conn->dirty = true;
	TAILQ_INSERT_TAIL(&conns->dirty, conn, dirty_place);
	conns->n_dirty++;
}

static void
leave_lists(struct conn *conn)
{
	struct worker_conns *conns = &conn->worker->conns;

	if (conn->ready) {
		TAILQ_REMOVE(&conns->ready, conn, ready_place);
		conns->n_ready--;
	}
	if (conn->dirty) {
		TAILQ_REMOVE(&conns->dirty, conn, dirty_place);
		conns->n_dirty--;
	}
	conn_leave_lazy(conn);
	conn->ready = conn->dirty = false;
	LIST_REMOVE(conn, place);
}

/* The work itself is done after poll, when the clock has been read. */
static void
event_came(evutil_socket_t fd, short what, void *arg)
{
	struct conn *conn = arg;

	conn->readable |= (what & EV_READ) != 0;
	conn->writable |= (what & EV_WRITE) != 0;
	conn_mark_ready(conn);
}

static unsigned
wanted_events(const struct conn *conn)
{
	unsigned want = conn->blocked || conn->wants_write ? EV_WRITE : 0;

	switch ((enum conn_state)conn->state) {
	case CONN_CONNECTING:
		return EV_WRITE;
	case CONN_HANDSHAKE:
		return want | (conn->tls->started ? EV_READ : 0);
	case CONN_OPEN:
		return want | (conn->paused || conn->ended ? 0 : EV_READ);
	case CONN_CLOSING:
		return want;
	case CONN_LINGERING:
		return EV_READ;
	case CONN_DEAD:
		break;
	}
	return 0;
}

void
conn_watch(struct conn *conn)
{
	unsigned want = wanted_events(conn);

	if (want == conn->watching)
		return;
	if (conn->watching != 0)
		event_del(&conn->event);
	conn->watching = want;
	if (want == 0)
		return;
	event_assign(&conn->event, conn->worker->base, conn->fd, (short)(want | EV_PERSIST),
	    event_came, conn);
	event_add(&conn->event, NULL);
}

/* --- beginning --------------------------------------------------------------- */

static struct conn *
conn_new(int fd, const struct netaddr *peer, const struct conn_ops *ops, void *owner)
{
	struct conn *conn = xcalloc(1, sizeof *conn);

	conn->id = atomic_fetch_add_explicit(&last_id, 1, memory_order_relaxed) + 1;
	conn->fd = fd;
	conn->ops = ops;
	conn->owner = owner;
	if (peer != NULL)
		conn->peer = *peer;
	conn->worker = worker_current();
	LIST_INSERT_HEAD(&conn->worker->conns.idle, conn, place);
	metric_add(net_metrics, OPEN, 1);
	metric_inc(net_metrics, OPENED);
	return conn;
}

/* Output is collected by ourselves; waiting for more in the kernel only delays it. */
static void
no_delay(int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

struct conn *
conn_accept(int fd, const struct netaddr *peer, const struct conn_ops *ops, void *owner)
{
	struct conn *conn = conn_new(fd, peer, ops, owner);
	int flags = fcntl(fd, F_GETFL);

	if ((flags & O_NONBLOCK) == 0)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	no_delay(fd);
	conn->state = CONN_OPEN;
	conn_watch(conn);
	return conn;
}

static int
begin_connect(const struct netaddr *peer, const struct netaddr *local, int *fd_r)
{
	int fd = socket(peer->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	*fd_r = fd;
	if (fd < 0)
		return errno;
	no_delay(fd);
	if (local != NULL && bind(fd, &local->sa, netaddr_len(local)) != 0)
		return errno;
	if (connect(fd, &peer->sa, netaddr_len(peer)) != 0 && errno != EINPROGRESS)
		return errno;
	return 0;
}

struct conn *
conn_connect(const struct netaddr *peer, const struct netaddr *local, const struct conn_ops *ops,
    void *owner)
{
	int fd, error = begin_connect(peer, local, &fd);
	struct conn *conn = conn_new(fd, peer, ops, owner);

	conn->state = CONN_CONNECTING;
	if (error != 0)
		conn_fail(conn, CONN_CONNECT, error);
	else
		conn_watch(conn);
	return conn;
}

/* --- end --------------------------------------------------------------------- */

void
conn_lose_output(struct conn *conn)
{
	if (conn->out == NULL)
		return;
	evbuffer_free(conn->out);
	conn->out = NULL;
}

static void
die(struct conn *conn)
{
	conn->state = CONN_DEAD;
	conn_watch(conn);
	conn_mark_dirty(conn);
}

void
conn_fail(struct conn *conn, enum conn_reason reason, int error)
{
	if (conn->state == CONN_DEAD)
		return;
	/* an end in due form that failed on the way is none */
	if (conn->state != CONN_CLOSING || conn->reason == CONN_FINISHED)
		conn->reason = reason;
	conn->error = error;
	die(conn);
}

void
conn_close(struct conn *conn, enum conn_reason reason, bool flush)
{
	conn_check_home(conn);
	if (conn->state == CONN_DEAD || (conn->state == CONN_CLOSING && flush))
		return;
	if (conn->state != CONN_CLOSING)
		conn->reason = reason;
	if (!flush || conn->state == CONN_CONNECTING || conn->state == CONN_HANDSHAKE) {
		die(conn);
		return;
	}
	conn->state = CONN_CLOSING;
	conn->deadline = worker_now_ms() + conn_flush_ms();
	conn_watch(conn);
	conn_mark_dirty(conn);
}

void
conn_destroy(struct conn *conn)
{
	conn->state = CONN_DEAD;
	if (conn->worker != NULL) {
		conn_watch(conn);
		leave_lists(conn);
	}
	conn_lose_output(conn);
	conn_tls_free(conn);
	if (conn->fd >= 0)
		close(conn->fd);
	metric_add(net_metrics, OPEN, -1);
	free(conn);
}

static void
linger(struct conn *conn)
{
	shutdown(conn->fd, SHUT_WR);
	conn->state = CONN_LINGERING;
	conn->deadline = worker_now_ms() + LINGER_MS;
	conn_watch(conn);
	conn_account(conn);
}

void
conn_end(struct conn *conn)
{
	/* what the peer has not read yet is lost if it hears a RST first */
	bool orderly = conn->orderly && !conn->ended;

	conn_lose_output(conn);
	conn->queued = conn->written;
	conn_account(conn);
	metric_inc(net_metrics, CLOSED + conn->reason);
	conn->ops->closed(conn, conn->reason);
	conn_tls_shutdown(conn);
	conn_tls_free(conn);
	if (orderly)
		linger(conn);
	else
		conn_destroy(conn);
}

/* --- pausing and moving ------------------------------------------------------ */

void
conn_pause(struct conn *conn)
{
	conn_check_home(conn);
	conn->paused = true;
	conn_watch(conn);
}

void
conn_resume(struct conn *conn)
{
	conn_check_home(conn);
	if (!conn->paused)
		return;
	conn->paused = false;
	conn_watch(conn);
	if (conn->state == CONN_OPEN && conn_tls_pending(conn)) {
		conn->readable = true;
		conn_mark_ready(conn);
	}
}

bool
conn_is_paused(const struct conn *conn)
{
	return conn->paused;
}

bool
conn_detach(struct conn *conn)
{
	struct worker *worker = conn->worker;

	conn_check_home(conn);
	if (conn->state != CONN_OPEN)
		return false;
	if (conn->watching != 0)
		event_del(&conn->event);
	conn->watching = 0;
	leave_lists(conn);
	if (worker->conns.reading == conn)
		worker->conns.reading = NULL;
	conn->worker = NULL;
	conn->readable = conn->writable = conn->blocked = conn->in_blocked = false;
	return true;
}

void
conn_attach(struct conn *conn)
{
	assert(conn->worker == NULL);
	conn->worker = worker_current();
	LIST_INSERT_HEAD(&conn->worker->conns.idle, conn, place);
	conn_watch(conn);
	if (conn->out != NULL)
		conn_mark_dirty(conn);
	/* poll reports nothing for what OpenSSL holds already */
	if (!conn->paused && !conn->ended && conn_tls_pending(conn)) {
		conn->readable = true;
		conn_mark_ready(conn);
	}
}

void
conn_free_detached(struct conn *conn)
{
	assert(conn->worker == NULL);
	conn_lose_output(conn);
	conn->queued = conn->written;
	conn_account(conn);
	conn_destroy(conn);
}

/* --- all connections of a worker --------------------------------------------- */

void
conns_shut(struct worker *worker)
{
	struct conn *conn, *next;

	LIST_FOREACH(conn, &worker->conns.idle, place)
		conn_close(conn, CONN_SHUTDOWN, false);
	for (conn = LIST_FIRST(&worker->conns.blocked); conn != NULL; conn = next) {
		next = LIST_NEXT(conn, place);
		if (conn->state == CONN_LINGERING)
			conn_destroy(conn);
		else
			conn_close(conn, CONN_SHUTDOWN, false);
	}
}

void
conns_free(struct worker *worker)
{
	struct worker_conns *conns = &worker->conns;

	timer_cancel(&conns->tick);
	while (conns->n_spare > 0)
		evbuffer_free(conns->spare[--conns->n_spare]);
}

/* --- looking ----------------------------------------------------------------- */

void
conn_set_ops(struct conn *conn, const struct conn_ops *ops, void *owner)
{
	conn->ops = ops;
	conn->owner = owner;
}

void *
conn_owner(const struct conn *conn)
{
	return conn->owner;
}

struct worker *
conn_worker(const struct conn *conn)
{
	return conn->worker;
}

uint64_t
conn_id(const struct conn *conn)
{
	return conn->id;
}

const struct netaddr *
conn_peer(const struct conn *conn)
{
	return &conn->peer;
}

int
conn_errno(const struct conn *conn)
{
	return conn->error;
}

uint64_t
conn_queued(const struct conn *conn)
{
	return conn->queued;
}

uint64_t
conn_written(const struct conn *conn)
{
	return conn->written;
}

uint64_t
conn_received(const struct conn *conn)
{
	return conn->received;
}

/* --- reasons ----------------------------------------------------------------- */

#define REASON_NAME(symbol, name, text) name,
#define REASON_TEXT(symbol, name, text) text,
static const char *const reason_names[] = { CONN_REASONS(REASON_NAME) };
static const char *const reason_texts[] = { CONN_REASONS(REASON_TEXT) };

const char *
conn_reason_name(enum conn_reason reason)
{
	return reason_names[reason];
}

const char *
conn_reason_text(enum conn_reason reason)
{
	return reason_texts[reason];
}

bool
conn_reason_is_overload(enum conn_reason reason)
{
	return reason == CONN_UNSENT_HIGH || reason == CONN_UNSENT_LONG ||
	    reason == CONN_UNSENT_TOTAL;
}
