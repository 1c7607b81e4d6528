/*
 * Bytes in and out of a connection. The limits of what waits to go out are
 * conn_unsent.c.
 *
 * In a turn a connection reads once (up to READ_MAX, so that a flood does not
 * keep others waiting) and writes once.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <event2/buffer.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/metrics.h"
#include "base/xalloc.h"
#include "net/conn_impl.h"

#define READ_MAX ((size_t)32 * 1024)

enum { RECEIVED, SENT };

static const struct metric_row rows[] = {
	[RECEIVED] = { "received_bytes_total", METRIC_COUNTER, "Bytes read, after TLS." },
	[SENT] = { "sent_bytes_total", METRIC_COUNTER, "Bytes written, before TLS." },
};
METRICS(net_metrics, "net", rows);

/* --- output ------------------------------------------------------------------ */

static struct evbuffer *
spare_buffer(struct worker *worker)
{
	struct worker_conns *conns = &worker->conns;
	struct evbuffer *buffer =
	    conns->n_spare > 0 ? conns->spare[--conns->n_spare] : evbuffer_new();

	if (buffer == NULL)
		abort();
	return buffer;
}

static void
keep_spare(struct conn *conn)
{
	struct worker_conns *conns = &conn->worker->conns;

	if (conns->n_spare < sizeof conns->spare / sizeof *conns->spare)
		conns->spare[conns->n_spare++] = conn->out;
	else
		evbuffer_free(conn->out);
	conn->out = NULL;
}

/* False if nothing is to be queued any more. `ms`: how long it may wait. */
static bool
begin_write(struct conn *conn, size_t len, unsigned ms)
{
	conn_check_home(conn);
	if (conn->state > CONN_OPEN || len == 0)
		return false;
	if (conn->out == NULL)
		conn->out = spare_buffer(conn->worker);
	conn->queued += len;
	if (ms > 0)
		conn_mark_lazy(conn, ms);
	else
		conn_mark_dirty(conn);
	return true;
}

void
conn_write(struct conn *conn, const void *bytes, size_t len)
{
	if (begin_write(conn, len, 0) && evbuffer_add(conn->out, bytes, len) != 0)
		abort();
}

void
conn_write_within(struct conn *conn, const void *bytes, size_t len, unsigned ms)
{
	if (begin_write(conn, len, ms) && evbuffer_add(conn->out, bytes, len) != 0)
		abort();
}

struct release {
	void (*fn)(void *arg);
	void *arg;
};

static void
release_ref(const void *bytes, size_t len, void *arg)
{
	struct release *release = arg;

	release->fn(release->arg);
	free(release);
}

void
conn_write_ref(struct conn *conn, const void *bytes, size_t len, void (*release)(void *arg),
    void *arg)
{
	struct release *later;

	if (!begin_write(conn, len, 0)) {
		release(arg);
		return;
	}
	later = xmalloc(sizeof *later);
	*later = (struct release){ release, arg };
	if (evbuffer_add_reference(conn->out, bytes, len, release_ref, later) != 0)
		abort();
}

/* At most `len` bytes in the clear. False if it blocked or failed. */
static bool
write_clear(struct conn *conn, size_t len)
{
	int put = evbuffer_write_atmost(conn->out, conn->fd, (ev_ssize_t)len);

	if (put >= 0) {
		conn->written += (size_t)put;
		return true;
	}
	if (errno == EAGAIN || errno == EINTR)
		conn->blocked = true;
	else
		conn_fail(conn, CONN_RESET, errno);
	return false;
}

static void
write_output(struct conn *conn)
{
	while (!conn->blocked && conn->out != NULL && evbuffer_get_length(conn->out) > 0) {
		bool more = conn->tls != NULL ? conn_tls_write(conn)
					      : write_clear(conn, evbuffer_get_length(conn->out));

		if (!more)
			break;
	}
	if (conn->out != NULL && evbuffer_get_length(conn->out) == 0)
		keep_spare(conn);
}

/* What was queued before conn_start_tls(); then the handshake begins. */
static void
write_before_tls(struct conn *conn)
{
	struct conn_tls *tls = conn->tls;

	while (!conn->blocked && tls->clear > 0) {
		uint64_t before = conn->written;

		if (!write_clear(conn, tls->clear))
			break;
		tls->clear -= (size_t)(conn->written - before);
	}
	if (tls->clear > 0 || tls->started || conn->state != CONN_HANDSHAKE)
		return;
	tls->started = true;
	if (tls->client)
		conn_tls_handshake(conn);
}

static void
tell_sent(struct conn *conn)
{
	if (conn->written == conn->told)
		return;
	metric_add(net_metrics, SENT, (int64_t)(conn->written - conn->told));
	conn->told = conn->written;
	if (conn->ops->sent != NULL)
		conn->ops->sent(conn);
}

void
conn_flush(struct conn *conn)
{
	if (conn->state == CONN_HANDSHAKE)
		write_before_tls(conn);
	else if (conn->state == CONN_OPEN || conn->state == CONN_CLOSING)
		write_output(conn);
	if (conn->state == CONN_DEAD) {
		conn_end(conn);
		return;
	}
	conn_account(conn);
	conn_watch(conn);
	tell_sent(conn);
	if (conn->state == CONN_CLOSING && conn->out == NULL) {
		conn->orderly = true;
		conn_end(conn);
	}
}

/* Those that become dirty meanwhile wait for the next turn: nobody can hold up this one. */
void
conns_flush(struct worker *worker)
{
	struct worker_conns *conns = &worker->conns;

	for (unsigned n = conns->n_dirty; n > 0 && conns->n_dirty > 0; n--) {
		struct conn *conn = TAILQ_FIRST(&conns->dirty);

		TAILQ_REMOVE(&conns->dirty, conn, dirty_place);
		conns->n_dirty--;
		conn->dirty = false;
		conn_flush(conn);
	}
}

/* --- input ------------------------------------------------------------------- */

bool
conn_deliver(struct conn *conn, size_t len)
{
	struct worker *worker = conn->worker;

	conn->received += len;
	metric_add(net_metrics, RECEIVED, (int64_t)len);
	worker->conns.reading = conn;
	conn->ops->input(conn, worker->scratch, len);
	if (worker->conns.reading != conn)
		return false; /* it moved: no longer ours to look at */
	worker->conns.reading = NULL;
	return conn->state == CONN_OPEN && !conn->paused;
}

void
conn_peer_ended(struct conn *conn, enum conn_reason reason)
{
	conn->ended = true;
	conn_watch(conn);
	if (conn->ops->ended != NULL)
		conn->ops->ended(conn);
	else
		conn_close(conn, reason, true);
}

static void
read_clear(struct conn *conn)
{
	ssize_t got = recv(conn->fd, conn->worker->scratch, READ_MAX, 0);

	if (got > 0)
		conn_deliver(conn, (size_t)got);
	else if (got == 0)
		conn_peer_ended(conn, CONN_EOF);
	else if (errno != EAGAIN && errno != EINTR)
		conn_fail(conn, CONN_RESET, errno);
}

static void
discard_input(struct conn *conn)
{
	ssize_t got = recv(conn->fd, conn->worker->scratch, WORKER_SCRATCH, 0);

	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		conn_destroy(conn);
}

static void
finish_connect(struct conn *conn)
{
	int error = 0;
	socklen_t len = sizeof error;

	getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error != 0) {
		conn_fail(conn, CONN_CONNECT, error);
		return;
	}
	conn->state = conn->tls != NULL ? CONN_HANDSHAKE : CONN_OPEN;
	conn_watch(conn);
	conn_mark_dirty(conn);
	if (conn->tls == NULL && conn->ops->established != NULL)
		conn->ops->established(conn);
}

static void
serve_readable(struct conn *conn)
{
	if (conn->state == CONN_HANDSHAKE && conn->tls->started)
		conn_tls_handshake(conn);
	else if (conn->state == CONN_LINGERING)
		discard_input(conn);
	else if (conn->state != CONN_OPEN || conn->paused || conn->ended)
		return;
	else if (conn->tls != NULL)
		conn_tls_read(conn);
	else
		read_clear(conn);
}

void
conn_serve(struct conn *conn)
{
	bool readable = conn->readable || (conn->writable && conn->wants_write);

	conn->readable = false;
	if (conn->writable) {
		conn->writable = conn->blocked = conn->wants_write = false;
		if (conn->state == CONN_CONNECTING) {
			finish_connect(conn);
			return;
		}
		conn_mark_dirty(conn);
	}
	if (readable)
		serve_readable(conn);
}

void
conns_serve(struct worker *worker)
{
	struct worker_conns *conns = &worker->conns;

	for (unsigned n = conns->n_ready; n > 0 && conns->n_ready > 0; n--) {
		struct conn *conn = TAILQ_FIRST(&conns->ready);

		TAILQ_REMOVE(&conns->ready, conn, ready_place);
		conns->n_ready--;
		conn->ready = false;
		conn_serve(conn);
	}
}

bool
conns_waiting(const struct worker *worker)
{
	return worker->conns.n_ready > 0 || worker->conns.n_dirty > 0;
}
