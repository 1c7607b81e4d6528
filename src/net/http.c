/*
 * HTTP connections. See http.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/xalloc.h"
#include "net/http_impl.h"
#include "net/tls.h"
#include "net/worker.h"

#define DISCARD_MAX ((size_t)1 << 20) /* of a body that was refused */
#define DISCARD_MS 5000

enum { OPEN, REQUESTS, REFUSED, TIMEOUTS };
static const struct metric_row rows[] = {
	[OPEN] = { "connections", METRIC_GAUGE, "HTTP connections." },
	[REQUESTS] = { "requests_total", METRIC_COUNTER, "Requests whose heads were read." },
	[REFUSED] = { "refused_total", METRIC_COUNTER,
	    "Requests that are not HTTP as it should be." },
	[TIMEOUTS] = { "timeouts_total", METRIC_COUNTER, "Connections that did not move." },
};
METRICS(metrics, "http", rows);

/* --- times ------------------------------------------------------------------------------- */

void
http_touch(struct http *http)
{
	if (http->state != HTTP_BODY && http->state != HTTP_ANSWER)
		return;
	http->moved = 0;
	timer_set(&http->timer, http->service->times().stall);
}

/* A byte now and then is not enough: else a slow client holds a connection and a file for ever. */
static void
moved(struct http *http, uint64_t len)
{
	http->moved += len;
	if (http->moved >= HTTP_STALL_BYTES)
		http_touch(http);
}

static void
shut(struct http *http, enum conn_reason reason)
{
	if (http->state == HTTP_CLOSED)
		return;
	http->state = HTTP_CLOSED;
	timer_cancel(&http->timer);
	http_request_gone(http);
	conn_close(http->conn, reason, true);
}

/* Not HTTP as it should be: said, and closed, since where the next request begins is unknown. */
static void
refuse(struct http *http, struct ln_http *request, unsigned status)
{
	metric_inc(metrics, REFUSED);
	request->unread = true;
	if (request->client == NULL)
		http_request_client(request);
	ln_http_fail(request, status, http_status_text(status));
}

/* Nobody is at fault while a handler thinks: the clock runs for what the peer is to do. */
static bool
waits_for_us(const struct http *http)
{
	const struct ln_http *request = http->request;

	return (http->state == HTTP_ANSWER && conn_unsent(http->conn) == 0) ||
	    (http->state == HTTP_BODY && (request->reader == NULL || request->read_paused));
}

static void
on_timer(void *arg)
{
	struct http *http = arg;

	if (waits_for_us(http)) {
		http_touch(http);
		return;
	}
	if (http->state == HTTP_DISCARD) {
		shut(http, CONN_FINISHED);
		return;
	}
	metric_inc(metrics, TIMEOUTS);
	if (http->state == HTTP_HEAD && http->rest.len > 0) {
		http->state = HTTP_ANSWER;
		refuse(http, http_request_new(http), 408);
	}
	if (http->state == HTTP_BODY && !http->request->begun) {
		http_request_abandon(http->request);
		http->request->unread = true;
		ln_http_fail(http->request, 408, "The rest of the request did not come.");
	}
	shut(http, CONN_TIMEOUT);
}

/* --- the way through a request -------------------------------------------------------------- */

static void
skip_empty_lines(struct http *http)
{
	size_t skip = 0;

	while (skip + 1 < http->rest.len && http->rest.data[skip] == '\r' &&
	    http->rest.data[skip + 1] == '\n')
		skip += 2;
	if (skip > 0)
		buf_consume(&http->rest, skip);
}

/* False: needs more bytes. */
static bool
read_head(struct http *http)
{
	struct ln_http *request;
	unsigned status;
	size_t len;

	skip_empty_lines(http);
	len = http_head_find(http->rest.data != NULL ? http->rest.data : "", http->rest.len);
	if (len == 0 && http->rest.len < HTTP_HEAD_MAX) {
		if (http->rest.len > 0)
			timer_set_sooner(&http->timer, http->service->times().head);
		return false;
	}
	metric_inc(metrics, REQUESTS);
	request = http_request_new(http);
	http->state = HTTP_ANSWER;
	http_touch(http);
	if (len == 0 || len > HTTP_HEAD_MAX) {
		refuse(http, request, 431);
		return true;
	}
	status = http_head_parse(request->arena, http->rest.data, len, &request->head);
	buf_consume(&http->rest, len);
	request->close = !request->head.keep_alive || http->ended;
	if (status != 0) {
		refuse(http, request, status);
		return true;
	}
	http_body_begin(&http->body, request->head.length);
	if (request->head.length != 0)
		http->state = HTTP_BODY;
	http_request_client(request);
	http->service->request(request);
	return true;
}

/* False: needs more bytes, or its reader has to say something first. */
static bool
read_body(struct http *http)
{
	struct ln_http *request = http->request;
	const char *at = http->rest.data, *piece;
	size_t len;
	enum http_body_result result;

	if (request->begun) {
		/* Answered before it was read: the rest of it is not for anybody. */
		http->state = HTTP_ANSWER;
		return true;
	}
	if (request->reader == NULL || request->read_paused)
		return false;
	if (at == NULL)
		return false;
	result = http_body_next(&http->body, &at, at + http->rest.len, &piece, &len);
	if (result == HTTP_BODY_PIECE)
		request->reader->piece(request, piece, len);
	if (http->state == HTTP_CLOSED)
		return false;
	buf_consume(&http->rest, (size_t)(at - http->rest.data));
	if (result == HTTP_BODY_PIECE || result == HTTP_BODY_MORE) {
		moved(http, result == HTTP_BODY_PIECE ? len : 0);
		return result == HTTP_BODY_PIECE;
	}
	if (result == HTTP_BODY_BAD) {
		http_request_abandon(request);
		http->state = HTTP_ANSWER;
		refuse(http, request, 400);
		return true;
	}
	http->state = HTTP_ANSWER;
	request->reader->end(request);
	return true;
}

static void
log_request(const struct ln_http *request)
{
	static const char *const names[] = { [LN_HTTP_GET] = "GET",
		[LN_HTTP_HEAD] = "HEAD",
		[LN_HTTP_PUT] = "PUT",
		[LN_HTTP_POST] = "POST",
		[LN_HTTP_DELETE] = "DELETE",
		[LN_HTTP_OPTIONS] = "OPTIONS" };
	const char *name = names[request->head.method];

	log_info("http", "request client=%s host=%s method=%s path=%s status=%u bytes=%llu ms=%lld",
	    log_quote(request->client), log_quote(request->head.host ? request->head.host : ""),
	    name != NULL ? name : "-", log_quote(request->head.path ? request->head.path : "-"),
	    request->status,
	    (unsigned long long)(conn_queued(request->http->conn) - request->queued_before),
	    (long long)(worker_now_ms() - request->started));
}

/* The answer is queued: the next request, or the end. */
static bool
end_answer(struct http *http)
{
	bool end = http->request->close, unread = http->request->unread;

	if (!http->request->complete)
		return false;
	log_request(http->request);
	http_request_free(http);
	if (end && !unread) {
		shut(http, CONN_FINISHED);
		return false;
	}
	http->state = end ? HTTP_DISCARD : HTTP_HEAD;
	timer_set(&http->timer, end ? DISCARD_MS : http->service->times().idle);
	return true;
}

/*
 * Nothing of what still comes matters; but closing with bytes unread would
 * reset the connection, perhaps before the peer has read the answer.
 */
static bool
discard(struct http *http)
{
	http->discarded += http->rest.len;
	buf_free(&http->rest);
	if (http->discarded > DISCARD_MAX || http->ended)
		shut(http, CONN_FINISHED);
	return false;
}

static bool
step(struct http *http)
{
	switch (http->state) {
	case HTTP_HEAD:
		return read_head(http);
	case HTTP_BODY:
		return read_body(http);
	case HTTP_ANSWER:
		return end_answer(http);
	case HTTP_DISCARD:
		return discard(http);
	default:
		return false;
	}
}

static bool
wants_input(const struct http *http)
{
	if (http->state == HTTP_BODY)
		return http->request->reader != NULL && !http->request->read_paused;
	return http->state != HTTP_ANSWER;
}

void
http_advance(struct http *http)
{
	if (http->advancing)
		return;
	http->advancing = true;
	while (step(http))
		;
	http->advancing = false;
	if (http->state == HTTP_CLOSED)
		return;
	if (http->state == HTTP_HEAD && http->rest.len == 0)
		buf_free(&http->rest);
	if (http->ended && http->state != HTTP_ANSWER)
		shut(http, CONN_EOF);
	else if (wants_input(http))
		conn_resume(http->conn);
	else
		conn_pause(http->conn);
}

/* --- the connection ---------------------------------------------------------------------------- */

static void
on_input(struct conn *conn, const char *bytes, size_t len)
{
	struct http *http = conn_owner(conn);

	if (http->state == HTTP_CLOSED)
		return;
	buf_add(&http->rest, bytes, len);
	http_advance(http);
}

static void
on_sent(struct conn *conn)
{
	struct http *http = conn_owner(conn);
	uint64_t sent = conn_queued(conn) - conn_unsent(conn);

	if (http->state == HTTP_ANSWER)
		moved(http, sent - http->sent_before);
	http->sent_before = sent;
	if (http->state != HTTP_ANSWER)
		return;
	if (http->request->sending != NULL)
		http_sending_go_on(http->request->sending);
}

static void
on_ended(struct conn *conn)
{
	struct http *http = conn_owner(conn);

	http->ended = true;
	if (http->request != NULL)
		http->request->close = true;
	http_advance(http);
}

static void
on_closed(struct conn *conn, enum conn_reason reason)
{
	struct http *http = conn_owner(conn);

	(void)reason;
	timer_cancel(&http->timer);
	http->state = HTTP_CLOSED;
	http_request_gone(http);
	buf_free(&http->rest);
	if (http->service->closed != NULL)
		http->service->closed(&http->peer);
	metric_add(metrics, OPEN, -1);
	free(http);
}

static const struct conn_ops ops = { .input = on_input,
	.sent = on_sent,
	.ended = on_ended,
	.closed = on_closed };

void
http_accept(int fd, const struct netaddr *peer, struct tls *tls, const struct http_service *service)
{
	static const char *const alpn[] = { "http/1.1", NULL };
	struct http *http = xcalloc(1, sizeof *http);

	http->service = service;
	http->peer = *peer;
	http->secure = tls != NULL;
	timer_init(&http->timer, on_timer, http);
	timer_set(&http->timer, service->times().head);
	metric_add(metrics, OPEN, 1);
	http->conn = conn_accept(fd, peer, &ops, http);
	if (tls != NULL)
		conn_start_tls(http->conn, tls, &(struct conn_tls_params){ .alpn = alpn });
}

/* --- the request's reader ------------------------------------------------------------------------ */

bool
http_read(struct ln_http *request, const struct http_reader *reader)
{
	struct http *http = request->http;

	if (request->reader != NULL || request->begun)
		return false;
	request->reader = reader;
	if (request->head.expects && http->rest.len == 0 && http->state == HTTP_BODY)
		conn_write(http->conn, "HTTP/1.1 100 Continue\r\n\r\n", 25);
	return true;
}

void
http_read_pause(struct ln_http *request)
{
	request->read_paused = true;
}

void
http_read_resume(struct ln_http *request)
{
	request->read_paused = false;
	http_touch(request->http);
	http_advance(request->http);
}
