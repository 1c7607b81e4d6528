/*
 * Streams. The parser keeps no bytes while it is suspended: what it did not use
 * is copied to `rest` and fed first when the stream goes on. A callback from
 * within parser_feed() may pause, go on, restart, end or move the stream; what
 * cannot be done there is done by feed() when the parser has returned.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/xalloc.h"
#include "linnet/credentials.h"
#include "xml/writer.h"
#include "xmpp/stream.h"

#define PARK_MS 100             /* idle for so long: the parser goes back */
#define CLOSE_MS 5000           /* for the peer's </stream:stream> */
#define BURST_US (10 * 1000000) /* of the rate */
#define OUT_KEEP 65536          /* of the buffer, between two uses */

enum { STREAMS_OPENED, STREAMS_OPEN, STREAMS_MOVED, STREAMS_PARKED, STREAMS_SLOWED };
static const struct metric_row rows[] = {
	[STREAMS_OPENED] = { "opened_total", METRIC_COUNTER, "Streams begun." },
	[STREAMS_OPEN] = { "open", METRIC_GAUGE, "Streams that are open." },
	[STREAMS_MOVED] = { "moved_total", METRIC_COUNTER, "Streams taken to another worker." },
	[STREAMS_PARKED] = { "parked_total", METRIC_COUNTER,
	    "Parsers given back by idle streams." },
	[STREAMS_SLOWED] = { "slowed_total", METRIC_COUNTER,
	    "Times a stream was not read from because it sent too fast." },
};
METRICS(stream_metrics, "stream", rows);

/* What a worker has of streams. */
struct here {
	struct stream_list list;
	struct buf out;
};

static unsigned slot;

static struct here *
here(void)
{
	return worker_slot(worker_current(), slot);
}

static void
here_open(struct worker *worker)
{
	worker_slot_set(worker, slot, xcalloc(1, sizeof(struct here)));
}

static void
here_close(struct worker *worker)
{
	struct here *gone = worker_slot(worker, slot);

	buf_free(&gone->out);
	free(gone);
	worker_slot_set(worker, slot, NULL);
	parser_thread_close();
}

void
stream_init(void)
{
	slot = worker_slot_new();
	worker_on_open(here_open);
	worker_on_close(here_close);
}

struct stream *
streams_first(void)
{
	return LIST_FIRST(&here()->list);
}

/* --- time -------------------------------------------------------------------------- */

/* When the rate lets it be read from again, ms from now. */
static int64_t
rate_wait(const struct stream *stream)
{
	int64_t over = stream->spent_until - BURST_US - clock_us();

	return over > 0 ? over / 1000 + 1 : 0;
}

static bool
between_elements(const struct stream *stream)
{
	return parser_state(stream->parser) == PARSER_OPEN && !parser_in_stanza(stream->parser);
}

static bool
may_park(const struct stream *stream)
{
	return !stream->parked && !stream->pause && !stream->ending && between_elements(stream);
}

/* Sets the timer to the first thing that is due. */
static void
arm(struct stream *stream)
{
	int64_t now = worker_now_ms(), next = INT64_MAX;

	if (stream->due != 0)
		next = stream->due - now;
	if (stream->pause & STREAM_PAUSE_RATE && rate_wait(stream) < next)
		next = rate_wait(stream);
	if (may_park(stream) && stream->last_input + PARK_MS - now < next)
		next = stream->last_input + PARK_MS - now;
	if (next == INT64_MAX)
		timer_cancel(&stream->timer);
	else
		timer_set(&stream->timer, next > 0 ? next : 0);
}

static void
park(struct stream *stream)
{
	if (parser_park(stream->parser)) {
		stream->parked = true;
		metric_inc(stream_metrics, STREAMS_PARKED);
	}
}

static void
on_timer(void *arg)
{
	struct stream *stream = arg;
	int64_t now = worker_now_ms();

	if (stream->pause & STREAM_PAUSE_RATE && rate_wait(stream) == 0)
		stream_go_on(stream, STREAM_PAUSE_RATE);
	if (stream->due != 0 && now >= stream->due) {
		stream->due = 0;
		if (stream->ending)
			conn_close(stream->conn, CONN_FINISHED, true);
		else
			stream->ops->deadline(stream);
	}
	if (may_park(stream) && now >= stream->last_input + PARK_MS)
		park(stream);
	arm(stream);
}

void
stream_deadline(struct stream *stream, int64_t ms)
{
	stream->due = ms > 0 ? worker_now_ms() + ms : 0;
	arm(stream);
}

/* --- input ----------------------------------------------------------------------- */

static void
keep_rest(struct stream *stream, const char *bytes, size_t len)
{
	char *rest = NULL;

	if (len > 0) {
		rest = xmalloc(len);
		memcpy(rest, bytes, len);
	}
	free(stream->rest);
	stream->rest = rest;
	stream->rest_len = (uint32_t)len;
}

static void leave(struct stream *stream);

/* Parses until all is used, or something wants it to stop. */
static void
feed(struct stream *stream, const char *bytes, size_t len)
{
	stream->feeding = true;
	stream->parked = false;
	while (len > 0 && !(stream->pause & ~STREAM_PAUSE_RATE) && !stream->discard) {
		if (parser_suspended(stream->parser))
			parser_resume(stream->parser);
		size_t used = parser_feed(stream->parser, bytes, len);

		bytes += used;
		len -= used;
		if (parser_state(stream->parser) >= PARSER_ENDED)
			len = 0;
	}
	stream->feeding = false;
	if (stream->discard)
		len = 0;
	stream->discard = false;
	keep_rest(stream, bytes, len);
	if (stream->lean && between_elements(stream))
		park(stream);
	if (stream->move_to != NULL)
		leave(stream);
}

/* Charges the rate; too much stops reading until it is made up for. */
static void
charge(struct stream *stream, size_t len)
{
	int64_t now = clock_us();

	if (stream->rate <= 0)
		return;
	if (stream->spent_until < now)
		stream->spent_until = now;
	stream->spent_until += (int64_t)len * 1000000 / stream->rate;
	if (rate_wait(stream) > 0) {
		metric_inc(stream_metrics, STREAMS_SLOWED);
		stream_pause(stream, STREAM_PAUSE_RATE);
		arm(stream);
	}
}

static void
on_input(struct conn *conn, const char *bytes, size_t len)
{
	struct stream *stream = conn_owner(conn);

	if (stream->peer_closed)
		return;
	stream->last_input = worker_now_ms();
	charge(stream, len);
	feed(stream, bytes, len);
	if (stream->conn != NULL && !timer_is_set(&stream->timer) && may_park(stream))
		timer_set(&stream->timer, PARK_MS);
}

void
stream_pause(struct stream *stream, unsigned why)
{
	stream->pause |= (uint8_t)why;
	conn_pause(stream->conn);
	if (stream->feeding && stream->pause & ~STREAM_PAUSE_RATE)
		parser_suspend(stream->parser);
}

void
stream_go_on(struct stream *stream, unsigned why)
{
	if (!(stream->pause & why))
		return;
	stream->pause &= (uint8_t)~why;
	if (!stream->feeding && stream->rest != NULL && !(stream->pause & ~STREAM_PAUSE_RATE)) {
		char *rest = stream->rest;
		size_t len = stream->rest_len;

		stream->rest = NULL;
		stream->rest_len = 0;
		feed(stream, rest, len);
		free(rest);
	}
	if (stream->pause == 0 && stream->move_to == NULL)
		conn_resume(stream->conn); /* within feed() that goes on by itself */
}

void
stream_restart(struct stream *stream)
{
	stream->answered = false;
	parser_restart(stream->parser);
}

bool
stream_start_tls(struct stream *stream, struct tls *tls, const struct conn_tls_params *params)
{
	if (stream->feeding) {
		stream->discard = true;
		parser_suspend(stream->parser);
	}
	keep_rest(stream, NULL, 0);
	stream_restart(stream);
	return conn_start_tls(stream->conn, tls, params);
}

/* --- output ---------------------------------------------------------------------- */

struct buf *
stream_out(void)
{
	struct buf *out = &here()->out;

	if (out->room > OUT_KEEP)
		buf_free(out);
	buf_reset(out);
	return out;
}

void
stream_flush(struct stream *stream, struct buf *out)
{
	conn_write(stream->conn, out->data, out->len);
}

void
stream_flush_within(struct stream *stream, struct buf *out, unsigned ms)
{
	conn_write_within(stream->conn, out->data, out->len, ms);
}

void
stream_send(struct stream *stream, const char *bytes, size_t len)
{
	conn_write(stream->conn, bytes, len);
}

void
stream_send_text(struct stream *stream, const char *text)
{
	conn_write(stream->conn, text, strlen(text));
}

uint32_t
stream_taken(const struct stream *stream, struct stream_count *count)
{
	if (conn_unsent(stream->conn) == 0) {
		count->taken = count->marked = count->sent;
		count->marked_at = conn_queued(stream->conn);
	} else if (conn_written(stream->conn) >= count->marked_at) {
		count->taken = count->marked;
		count->marked = count->sent;
		count->marked_at = conn_queued(stream->conn);
	}
	return count->taken;
}

void
stream_make_id(char id[STREAM_ID_MAX])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t random[(STREAM_ID_MAX - 1) / 2];

	ln_random(random, sizeof random);
	for (unsigned i = 0; i < sizeof random; i++) {
		*id++ = digits[random[i] >> 4];
		*id++ = digits[random[i] & 15];
	}
	*id = '\0';
}

void
stream_header(struct stream *stream, const struct stream_header *header, const char *id)
{
	struct buf *out = stream_out();
	char made[STREAM_ID_MAX];

	if (id == NULL && !header->initiates) {
		stream_make_id(made);
		id = made;
	}
	buf_add_text(out, "<?xml version='1.0'?>");
	writer_open(out, "stream:stream");
	writer_attr(out, "xmlns", header->content_ns);
	writer_attr(out, "xmlns:stream", NS_STREAM);
	if (header->extra != NULL)
		buf_printf(out, " %s", header->extra);
	writer_attr(out, "id", id);
	writer_attr(out, "from", header->from);
	writer_attr(out, "to", header->to);
	writer_attr(out, "version", header->before_1_0 ? NULL : "1.0");
	writer_attr(out, "xml:lang", "en");
	writer_content(out);
	stream->answered = true;
	stream_flush(stream, out);
}

/* --- ending ------------------------------------------------------------------------ */

static void
end(struct stream *stream, enum stream_end how, const char *reason)
{
	stream->ending = true;
	stream->due = 0;
	stream->move_to = NULL;
	stream->ops->ended(stream, how, reason);
}

void
stream_fail_with(struct stream *stream, enum stream_error error, const char *text,
    const char *extra)
{
	struct buf *out;

	if (stream->ending)
		return;
	if (!stream->answered)
		stream->ops->answer(stream);
	out = stream_out();
	stream_error_write(out, error, text, extra);
	buf_add_text(out, "</stream:stream>");
	stream_flush(stream, out);
	if (stream->feeding)
		parser_suspend(stream->parser);
	stream->discard = stream->feeding;
	end(stream, STREAM_DROPPED, text != NULL ? text : stream_error_sentence(error));
	conn_close(stream->conn, stream_error_reason(error), true);
}

void
stream_fail(struct stream *stream, enum stream_error error, const char *text)
{
	stream_fail_with(stream, error, text, NULL);
}

void
stream_close(struct stream *stream)
{
	if (stream->ending)
		return;
	if (!stream->answered)
		stream->ops->answer(stream);
	stream_send_text(stream, "</stream:stream>");
	end(stream, STREAM_RELEASED, "closed by this server");
	if (stream->peer_closed) {
		conn_close(stream->conn, CONN_FINISHED, true);
		return;
	}
	stream_go_on(stream, (unsigned)stream->pause);
	stream_deadline(stream, CLOSE_MS);
}

void
stream_peer_closed(struct stream *stream)
{
	if (stream->peer_closed)
		return;
	if (!stream->ending && stream->ops->closing != NULL && stream->ops->closing(stream)) {
		stream->peer_closed = true;
		return;
	}
	if (!stream->ending) {
		stream_send_text(stream, "</stream:stream>");
		end(stream, STREAM_CLOSED, "closed by the peer");
	}
	conn_close(stream->conn, CONN_FINISHED, true);
}

/* --- the parser's callbacks ---------------------------------------------------------- */

static void
on_header(void *arg, const struct parser_header *header)
{
	struct stream *stream = arg;

	if (!stream->ending)
		stream->ops->header(stream, header);
}

static void
on_element(void *arg, struct arena *arena, struct ln_elem *elem)
{
	struct stream *stream = arg;

	if (stream->ending || stream->peer_closed)
		arena_free(&arena);
	else
		stream->ops->element(stream, arena, elem);
}

static void
on_end(void *arg)
{
	stream_peer_closed(arg);
}

static void
on_error(void *arg, enum parser_error error)
{
	struct stream *stream = arg;

	if (stream->peer_closed)
		return;
	if (stream->ending)
		conn_close(stream->conn, CONN_PROTOCOL, true);
	else
		stream_fail(stream, stream_error_of(parser_error_condition(error)),
		    parser_error_text(error));
}

static const struct parser_ops parser_callbacks = { on_header, on_element, on_end, on_error };

/* --- the connection's callbacks -------------------------------------------------------- */

static void
on_established(struct conn *conn)
{
	struct stream *stream = conn_owner(conn);

	stream->ops->secured(stream);
}

static void
on_sent(struct conn *conn)
{
	struct stream *stream = conn_owner(conn);

	if (stream->ops->sent != NULL && !stream->ending)
		stream->ops->sent(stream);
}

static void
on_closed(struct conn *conn, enum conn_reason reason)
{
	struct stream *stream = conn_owner(conn);

	if (!stream->ending)
		end(stream, STREAM_LOST, conn_reason_name(reason));
	LIST_REMOVE(stream, link);
	timer_cancel(&stream->timer);
	parser_free(&stream->parser);
	free(stream->rest);
	stream->conn = NULL;
	metric_add(stream_metrics, STREAMS_OPEN, -1);
	stream->ops->gone(stream);
}

static const struct conn_ops conn_callbacks = {
	.input = on_input,
	.established = on_established,
	.sent = on_sent,
	.closed = on_closed,
};

void
stream_open(struct stream *stream, struct conn *conn, const struct stream_ops *ops)
{
	memset(stream, 0, sizeof *stream);
	stream->ops = ops;
	stream->conn = conn;
	stream->parser = parser_new(&parser_callbacks, stream);
	stream->last_input = worker_now_ms();
	timer_init(&stream->timer, on_timer, stream);
	conn_set_ops(conn, &conn_callbacks, stream);
	LIST_INSERT_HEAD(&here()->list, stream, link);
	metric_inc(stream_metrics, STREAMS_OPENED);
	metric_inc(stream_metrics, STREAMS_OPEN);
}

/* --- the move ----------------------------------------------------------------------- */

struct move {
	struct post post;
	struct stream *stream;
};

static void
arrive(struct worker *worker, struct post *post)
{
	struct move *move = (struct move *)post;
	struct stream *stream = move->stream;

	(void)worker;
	free(move);
	LIST_INSERT_HEAD(&here()->list, stream, link);
	metric_inc(stream_metrics, STREAMS_OPEN);
	metric_inc(stream_metrics, STREAMS_MOVED);
	conn_attach(stream->conn);
	arm(stream);
	stream->ops->arrived(stream);
}

/* Outside of the parser: takes everything of the stream off this worker. */
static void
leave(struct stream *stream)
{
	struct worker *to = stream->move_to;
	struct move *move;

	stream->move_to = NULL;
	if (stream->ending || !conn_detach(stream->conn))
		return; /* closing: ops.gone() comes */
	stream->ops->leaving(stream);
	timer_cancel(&stream->timer);
	parser_park(stream->parser);
	LIST_REMOVE(stream, link);
	metric_add(stream_metrics, STREAMS_OPEN, -1);
	move = xcalloc(1, sizeof *move);
	move->post.run = arrive;
	move->stream = stream;
	worker_post(to, &move->post);
}

void
stream_move(struct stream *stream, struct worker *to)
{
	stream->move_to = to;
	if (!stream->feeding)
		leave(stream);
}
