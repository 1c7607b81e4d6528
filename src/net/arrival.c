/*
 * Arrivals, and the PROXY header before them. The header is peeked at and then
 * taken out exactly, so that what follows it is still in the socket when the
 * connection begins: a TLS handshake reads there.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/arrival.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/xalloc.h"
#include "net/proxy.h"
#include "net/worker_impl.h"

#define HEADER_MS 5000

enum { PROXY_REFUSED };

static const struct metric_row rows[] = {
	[PROXY_REFUSED] = { "proxy_refused_total", METRIC_COUNTER,
	    "Connections without the PROXY header that their listener expects." },
};
METRICS(net_metrics, "net", rows);

struct proxy_wait {
	struct event *event;
	struct timer timeout;
	size_t len;
	char bytes[PROXY_MAX];
};

static void
start(struct arrival *arrival)
{
	arrival->started(arrival->fd, &arrival->peer, arrival->arg);
	free(arrival);
}

static void
stop_waiting(struct arrival *arrival)
{
	struct proxy_wait *wait = arrival->wait;

	LIST_REMOVE(arrival, place);
	event_free(wait->event);
	timer_cancel(&wait->timeout);
	free(wait);
	arrival->wait = NULL;
}

static void
drop(struct arrival *arrival)
{
	stop_waiting(arrival);
	close(arrival->fd);
	if (arrival->counted)
		listener_quota_release();
	free(arrival);
}

static void
refuse(struct arrival *arrival, const char *reason)
{
	char peer[NETADDR_TEXT_MAX];

	metric_inc(net_metrics, PROXY_REFUSED);
	log_limited(LOG_LEVEL_WARNING, "net", 5, 60000, "connection refused peer=%s reason=%s",
	    netaddr_text(&arrival->peer, peer), reason);
	drop(arrival);
}

static void
on_timeout(void *arg)
{
	refuse(arg, "no PROXY header came in time");
}

/* Takes out of the socket what has been peeked at. */
static bool
take(struct arrival *arrival, size_t len)
{
	char bytes[PROXY_MAX];

	return recv(arrival->fd, bytes, len, 0) == (ssize_t)len;
}

static void
header_came(struct arrival *arrival, const struct proxy_header *header)
{
	if (header->known)
		arrival->peer = header->peer;
	stop_waiting(arrival);
	start(arrival);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct arrival *arrival = arg;
	struct proxy_wait *wait = arrival->wait;
	ssize_t got = recv(fd, wait->bytes + wait->len, sizeof wait->bytes - wait->len, MSG_PEEK);
	struct proxy_header header;
	enum proxy_result result;
	size_t used, before = wait->len;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		drop(arrival);
		return;
	}
	wait->len += (size_t)got;
	result = proxy_parse(wait->bytes, wait->len, &header, &used);
	if (result == PROXY_BAD)
		refuse(arrival, "no PROXY header");
	else if (!take(arrival, (result == PROXY_DONE ? used : wait->len) - before))
		drop(arrival);
	else if (result == PROXY_DONE)
		header_came(arrival, &header);
}

static void
run_plain(struct worker *worker, struct post *post)
{
	start((struct arrival *)post);
}

static void
run_proxied(struct worker *worker, struct post *post)
{
	struct arrival *arrival = (struct arrival *)post;
	struct proxy_wait *wait = xcalloc(1, sizeof *wait);

	arrival->wait = wait;
	LIST_INSERT_HEAD(&worker->arrivals, arrival, place);
	wait->event =
	    event_new(worker_base(worker), arrival->fd, EV_READ | EV_PERSIST, on_readable, arrival);
	event_add(wait->event, NULL);
	timer_init(&wait->timeout, on_timeout, arrival);
	timer_set(&wait->timeout, HEADER_MS);
}

void
arrival_post(struct arrival *arrival, struct worker *worker, bool proxy)
{
	arrival->post.run = proxy ? run_proxied : run_plain;
	worker_post(worker, &arrival->post);
}

void
arrivals_shut(struct worker *worker)
{
	while (!LIST_EMPTY(&worker->arrivals))
		drop(LIST_FIRST(&worker->arrivals));
}
