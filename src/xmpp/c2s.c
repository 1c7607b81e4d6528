/*
 * Client streams as a whole: taking in connections, which half of a stream gets
 * an event, what all streams of a worker share.
 *
 * SPDX-License-Identifier: MIT
 */
#include "xmpp/c2s.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/metrics.h"
#include "base/xalloc.h"
#include "net/tls.h"
#include "xmpp/client.h"
#include "xmpp/negotiate.h"
#include "xmpp/sasl.h"

enum { ACCEPTED, TOO_MANY, NO_TLS };
static const struct metric_row rows[] = {
	[ACCEPTED] = { "accepted_total", METRIC_COUNTER, "Connections of clients." },
	[TOO_MANY] = { "address_refused_total", METRIC_COUNTER,
	    "Connections refused since too many of the address were not logged in." },
	[NO_TLS] = { "no_tls_total", METRIC_COUNTER,
	    "Connections for TLS refused since there is no certificate." },
};
METRICS(c2s_metrics, "c2s", rows);

/* --- counting ------------------------------------------------------------------------- */

static atomic_uint open_streams;
static atomic_bool stopping;

static struct {
	void (*done)(void *arg);
	void *arg;
} stop;

static void
stopped(struct worker *worker, struct post *post)
{
	(void)worker;
	free(post);
	if (stop.done != NULL)
		stop.done(stop.arg);
	stop.done = NULL;
}

static void
tell_stopped(void)
{
	struct post *post = xcalloc(1, sizeof *post);

	post->run = stopped;
	worker_post(worker_main(), post);
}

static void
count_down(void)
{
	if (atomic_fetch_sub(&open_streams, 1) == 1 && atomic_load(&stopping))
		tell_stopped();
}

unsigned
streams_count(void)
{
	return atomic_load(&open_streams);
}

/* --- what the files of this folder share -------------------------------------------------- */

const struct ln_host *
client_host(const struct client *client)
{
	if (client->jid.full != NULL)
		return host_of(&client->jid);
	if (client->negotiation == NULL || client->negotiation->host == NULL)
		return NULL;
	return host_find(client->negotiation->host, strlen(client->negotiation->host));
}

const char *
client_address(const struct client *client, char text[NETADDR_TEXT_MAX])
{
	return netaddr_host_text(conn_peer(client->stream.conn), text);
}

void
client_log(struct client *client, enum log_level level, const char *format, ...)
{
	const struct ln_host *host = client_host(client);
	char address[NETADDR_TEXT_MAX];
	const struct log_context here = {
		.host = host != NULL ? host->name : NULL,
		.session =
		    client->jid.full != NULL ? client->jid.full : client_address(client, address),
		.conn = conn_id(client->stream.conn),
	};
	va_list args;

	va_start(args, format);
	log_vwrite_in(&here, level, "c2s", format, args);
	va_end(args);
}

const char *
client_network(const struct client *client, char text[2 * NETADDR_KEY_MAX + 1])
{
	uint8_t key[NETADDR_KEY_MAX];
	size_t len = netaddr_key(conn_peer(client->stream.conn), key);

	for (size_t i = 0; i < len; i++)
		snprintf(text + 2 * i, 3, "%02x", key[i]);
	text[2 * len] = '\0';
	return text;
}

static bool
count_address(struct client *client)
{
	return quota_take(&client->quota, client->stream.conn,
	    client_conf()->connections_per_address);
}

void
client_uncount(struct client *client)
{
	quota_give(&client->quota, client->stream.conn);
}

/* --- events of the stream --------------------------------------------------------------------- */

static void
on_header(struct stream *stream, const struct parser_header *header)
{
	negotiation_header(client_of(stream), header);
}

/* RFC 6120 §4.9.1.1: the stream is beyond recovery; ours is closed too. */
static void
told_error(struct client *client, struct arena *arena, const struct ln_elem *elem)
{
	const struct ln_elem *condition = ln_elem_first(elem);

	client_log(client, LOG_LEVEL_INFO, "the client ended its stream condition=%s",
	    log_quote(condition != NULL ? ln_elem_name(condition) : NULL));
	arena_free(&arena);
	stream_peer_closed(&client->stream);
}

static void
on_element(struct stream *stream, struct arena *arena, struct ln_elem *elem)
{
	struct client *client = client_of(stream);

	if (ln_elem_is(elem, "error", NS_STREAM))
		told_error(client, arena, elem);
	else if (client->negotiation != NULL)
		negotiation_element(client, arena, elem);
	else
		session_element(client, arena, elem);
}

static void
on_secured(struct stream *stream)
{
	negotiation_secured(client_of(stream));
}

static void
on_sent(struct stream *stream)
{
	session_sent(client_of(stream));
}

static void
on_deadline(struct stream *stream)
{
	struct client *client = client_of(stream);

	if (client->negotiation == NULL)
		return;
	if (client->negotiation->state == NEGOTIATION_HANDSHAKE)
		conn_close(stream->conn, CONN_TIMEOUT, false);
	else
		negotiation_deadline(client);
}

static void
on_answer(struct stream *stream)
{
	negotiation_answer(client_of(stream));
}

static void
on_leaving(struct stream *stream)
{
	port_close(&client_of(stream)->port);
}

static void
on_arrived(struct stream *stream)
{
	struct client *client = client_of(stream);

	port_open(&client->port, &client_port_ops);
	if (atomic_load(&stopping))
		stream_fail(stream, STREAM_SYSTEM_SHUTDOWN, NULL);
	else if (client_host(client) == NULL)
		stream_fail(stream, STREAM_HOST_GONE, NULL);
	else
		negotiation_at_home(client);
}

/* The negotiation stays until the stream is gone: the caller may be in the middle of it. */
static void
on_ended(struct stream *stream, enum stream_end end, const char *reason)
{
	struct client *client = client_of(stream);

	if (client->session != 0)
		client_log(client, LOG_LEVEL_INFO, "stream ended reason=%s", reason);
	else
		client_log(client, LOG_LEVEL_DEBUG, "stream ended reason=%s", reason);
	session_ended(client, end, reason);
	client_answered(client);
	client_uncount(client);
	port_close(&client->port);
}

static void
on_gone(struct stream *stream)
{
	struct client *client = client_of(stream);

	negotiation_free(client);
	ln_jid_free(&client->jid);
	free(client);
	count_down();
}

static bool
on_closing(struct stream *stream)
{
	return session_closing((struct client *)stream);
}

static const struct stream_ops ops = {
	.header = on_header,
	.element = on_element,
	.secured = on_secured,
	.sent = on_sent,
	.deadline = on_deadline,
	.answer = on_answer,
	.leaving = on_leaving,
	.arrived = on_arrived,
	.ended = on_ended,
	.closing = on_closing,
	.gone = on_gone,
};

/* --- taking in --------------------------------------------------------------------------------- */

static const struct conn_ops no_ops;

static struct client *
client_new(int fd, const struct netaddr *peer, bool direct_tls)
{
	struct client *client = xcalloc(1, sizeof *client);

	atomic_fetch_add(&open_streams, 1);
	metric_inc(c2s_metrics, ACCEPTED);
	stream_open(&client->stream, conn_accept(fd, peer, &no_ops, NULL), &ops);
	client->quota = (struct quota){ .kind = "c2s", .quoted = true };
	port_open(&client->port, &client_port_ops);
	negotiation_begin(client, direct_tls);
	return client;
}

/* Is there room for it? If not, it is told so where it can be. */
static bool
admit(struct client *client)
{
	if (atomic_load(&stopping)) {
		stream_fail(&client->stream, STREAM_SYSTEM_SHUTDOWN, NULL);
		return false;
	}
	if (count_address(client))
		return true;
	metric_inc(c2s_metrics, TOO_MANY);
	stream_fail(&client->stream, STREAM_POLICY_VIOLATION,
	    "too many connections from this address have not logged in");
	return false;
}

void
c2s_accept(int fd, const struct netaddr *peer, void *arg)
{
	(void)arg;
	admit(client_new(fd, peer, false));
}

void
c2s_accept_tls(int fd, const struct netaddr *peer, void *arg)
{
	static const char *const alpn[] = { "xmpp-client", NULL };
	const struct conn_tls_params params = {
		.ask_certificate = sasl_wants_certificate(NULL),
		.alpn = alpn,
	};
	struct tls *tls = client_conf()->tls;
	struct client *client;

	(void)arg;
	client = client_new(fd, peer, true);
	if (tls == NULL || atomic_load(&stopping) || !count_address(client)) {
		metric_inc(c2s_metrics, tls == NULL ? NO_TLS : TOO_MANY);
		conn_close(client->stream.conn, CONN_POLICY, false);
	} else {
		conn_start_tls(client->stream.conn, tls, &params);
	}
}

/* --- all of them ---------------------------------------------------------------------------------- */

void
streams_each(void (*each)(const struct stream_info *info, void *arg), void *arg)
{
	for (struct stream *stream = streams_first(); stream != NULL;
	     stream = streams_next(stream)) {
		const struct client *client = client_of(stream);
		char address[NETADDR_TEXT_MAX];
		const struct stream_info info = {
			.conn = conn_id(stream->conn),
			.account = client->jid.full != NULL ? &client->jid : NULL,
			.resource = client->session != 0 ? ln_jid_resource(&client->jid) : NULL,
			.address = client_address(client, address),
			.secure = stream_secure(stream),
			.acks = client->acks,
			.received = conn_received(stream->conn),
			.written = conn_written(stream->conn),
		};

		if (stream->ops == &ops)
			each(&info, arg);
	}
}

/* Calls `act` for every client of this worker; `act` may end the stream. */
static void
each_client(void (*act)(struct client *client))
{
	struct stream *next;

	for (struct stream *stream = streams_first(); stream != NULL; stream = next) {
		next = streams_next(stream);
		if (stream->ops == &ops)
			act(client_of(stream));
	}
}

static void
end_if_host_is_gone(struct client *client)
{
	bool knows_host = client->jid.full != NULL ||
	    (client->negotiation != NULL && client->negotiation->host != NULL);

	if (knows_host && client_host(client) == NULL)
		stream_fail(&client->stream, STREAM_HOST_GONE, NULL);
}

static void
installed(const struct snapshot *old, const struct snapshot *now)
{
	(void)now;
	if (old != NULL && worker_current() != worker_main())
		each_client(end_if_host_is_gone);
}

/* --- the end ---------------------------------------------------------------------------------------- */

/* In a handshake there is nobody to be told. */
static void
shut(struct client *client)
{
	if (client->negotiation != NULL && client->negotiation->state == NEGOTIATION_HANDSHAKE)
		conn_close(client->stream.conn, CONN_SHUTDOWN, false);
	else
		stream_fail(&client->stream, STREAM_SYSTEM_SHUTDOWN, NULL);
}

static void
shut_all(struct worker *worker, struct post *post)
{
	(void)worker;
	free(post);
	each_client(shut);
}

static struct timer grace;
static bool asking;            /* main thread: the last answers are waited for */
static atomic_uint unanswered; /* clients that were asked, and workers that have not asked yet */

static void
grace_over(void *arg)
{
	(void)arg;
	if (!asking)
		return;
	asking = false;
	timer_cancel(&grace);
	workers_post(shut_all);
}

static void
all_answered(struct worker *worker, struct post *post)
{
	(void)worker;
	free(post);
	grace_over(NULL);
}

static void
one_answered(void)
{
	struct post *post;

	if (atomic_fetch_sub(&unanswered, 1) != 1)
		return;
	post = xcalloc(1, sizeof *post);
	post->run = all_answered;
	worker_post(worker_main(), post);
}

void
client_answered(struct client *client)
{
	if (!client->asked_last)
		return;
	client->asked_last = false;
	one_answered();
}

void
client_ask(struct client *client)
{
	stream_send_text(&client->stream, "<r xmlns='urn:xmpp:sm:3'/>");
	client->asks++;
}

static void
ask_last(struct client *client)
{
	if (!client->acks || client->stream.ending)
		return;
	client_ask(client);
	client->asked_last = true;
	atomic_fetch_add(&unanswered, 1);
}

static void
ask_all(struct worker *worker, struct post *post)
{
	(void)worker;
	free(post);
	each_client(ask_last);
	one_answered();
}

void
streams_shutdown(int64_t grace_ms, void (*done)(void *arg), void *arg)
{
	stop.done = done;
	stop.arg = arg;
	atomic_store(&stopping, true);
	if (streams_count() == 0) {
		tell_stopped();
		return;
	}
	asking = true;
	atomic_store(&unanswered, worker_count());
	workers_post(ask_all);
	timer_init(&grace, grace_over, NULL);
	timer_set(&grace, grace_ms);
}

void
xmpp_init(const struct xmpp_needs *needs)
{
	atomic_store(&stopping, false);
	stream_init();
	sasl_init(needs->store, needs->crypto);
	snapshot_on_install(installed);
}
