/*
 * Listeners. See listener.h; what happens to a descriptor on its worker before
 * a connection is made of it is arrival.c.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/listener.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/xalloc.h"
#include "net/arrival.h"
#include "net/timer.h"
#include "net/worker.h"

#define BATCH 64
#define BACKLOG 1024
#define FULL_MS 20   /* how soon to look again when the quota was full */
#define FILES_MS 200 /* and when there were no descriptors */
#define PORT_TRIES 20

enum { ACCEPTED, PAUSED_QUOTA, PAUSED_FILES };

static const struct metric_row rows[] = {
	[ACCEPTED] = { "accepted_total", METRIC_COUNTER, "Connections accepted." },
	[PAUSED_QUOTA] = { "accept_paused_total", METRIC_COUNTER,
	    "Pauses in accepting connections.", "reason", "quota" },
	[PAUSED_FILES] = { "accept_paused_total", METRIC_COUNTER,
	    "Pauses in accepting connections.", "reason", "files" },
};
METRICS(net_metrics, "net", rows);

struct listener {
	int fds[2];
	struct event *events[2];
	unsigned n_fds;
	struct listener_options options;
	listener_started_fn started;
	void *arg;
	struct timer again;
};

static atomic_uint quota_used;
static atomic_uint quota_max = 10000;
static unsigned next_worker;

/* --- quota ------------------------------------------------------------------- */

void
listener_set_quota(unsigned max)
{
	atomic_store(&quota_max, max);
}

void
listener_quota_release(void)
{
	unsigned before = atomic_fetch_sub_explicit(&quota_used, 1, memory_order_relaxed);

	assert(before > 0);
	(void)before;
}

unsigned
listener_quota_used(void)
{
	return atomic_load_explicit(&quota_used, memory_order_relaxed);
}

static bool
quota_is_full(const struct listener *listener)
{
	unsigned max = atomic_load_explicit(&quota_max, memory_order_relaxed);

	return !listener->options.no_quota && max != 0 && listener_quota_used() >= max;
}

/* --- accepting --------------------------------------------------------------- */

static void
pause_listener(struct listener *listener, int64_t ms, unsigned metric)
{
	metric_inc(net_metrics, metric);
	for (unsigned i = 0; i < listener->n_fds; i++)
		event_del(listener->events[i]);
	timer_set(&listener->again, ms);
}

static void
hand_on(struct listener *listener, int fd, const struct sockaddr *peer)
{
	struct arrival *arrival = xcalloc(1, sizeof *arrival);

	if (!listener->options.no_quota)
		atomic_fetch_add_explicit(&quota_used, 1, memory_order_relaxed);
	metric_inc(net_metrics, ACCEPTED);
	arrival->fd = fd;
	netaddr_set(&arrival->peer, peer);
	arrival->counted = !listener->options.no_quota;
	arrival->started = listener->started;
	arrival->arg = listener->arg;
	arrival_post(arrival, worker_get(next_worker++ % worker_count()), listener->options.proxy);
}

/* False if there is nothing more to accept now. */
static bool
accept_one(struct listener *listener, int listening)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof peer;
	int fd;

	if (quota_is_full(listener)) {
		log_limited(LOG_LEVEL_WARNING, "net", 1, 10000,
		    "accepting paused: too many connections before login max=%u",
		    atomic_load(&quota_max));
		pause_listener(listener, FULL_MS, PAUSED_QUOTA);
		return false;
	}
	fd = accept4(listening, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		hand_on(listener, fd, (struct sockaddr *)&peer);
		return true;
	}
	if (errno == ECONNABORTED || errno == EINTR)
		return true;
	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
		log_limited(LOG_LEVEL_ERROR, "net", 1, 10000, "accepting paused reason=%s",
		    strerror(errno));
		pause_listener(listener, FILES_MS, PAUSED_FILES);
	}
	return false;
}

static void
on_connections(evutil_socket_t fd, short what, void *arg)
{
	for (unsigned n = 0; n < BATCH; n++) {
		if (!accept_one(arg, fd))
			break;
	}
}

static void
go_on(void *arg)
{
	struct listener *listener = arg;

	for (unsigned i = 0; i < listener->n_fds; i++)
		event_add(listener->events[i], NULL);
}

/* --- opening ----------------------------------------------------------------- */

static void
add_socket(struct listener *listener, int fd)
{
	listener->fds[listener->n_fds] = fd;
	listener->events[listener->n_fds++] = event_new(worker_base(worker_main()), fd,
	    EV_READ | EV_PERSIST, on_connections, listener);
}

/* A listening socket, or -1 with errno. */
static int
listen_on(const struct netaddr *addr, int backlog)
{
	int on = 1, saved;
	int fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (addr->sa.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	if (bind(fd, &addr->sa, netaddr_len(addr)) == 0 && listen(fd, backlog) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* Once more without any of it: for those who only want to know. */
static int
try_on(const struct netaddr *addr)
{
	int fd = listen_on(addr, 1);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int
try_any(uint16_t port)
{
	struct netaddr any = { .in6.sin6_family = AF_INET6 };
	int error;

	netaddr_set_port(&any, port);
	error = try_on(&any);
	if (error != 0 && error != EAFNOSUPPORT && error != EADDRNOTAVAIL)
		return error;
	any = (struct netaddr){ .in.sin_family = AF_INET };
	netaddr_set_port(&any, port);
	return try_on(&any);
}

int
listener_try(const char *address)
{
	bool any = strncmp(address, "*:", 2) == 0;
	char text[NETADDR_TEXT_MAX];
	struct netaddr addr;

	snprintf(text, sizeof text, "%s%s", any ? "0.0.0.0:" : "", any ? address + 2 : address);
	if (!netaddr_parse(&addr, text))
		return EINVAL;
	return any ? try_any(netaddr_port(&addr)) : try_on(&addr);
}

static uint16_t
port_of(int fd)
{
	struct sockaddr_storage storage;
	socklen_t len = sizeof storage;
	struct netaddr addr;

	if (getsockname(fd, (struct sockaddr *)&storage, &len) != 0)
		return 0;
	netaddr_set(&addr, (struct sockaddr *)&storage);
	return netaddr_port(&addr);
}

/* Both families on one port; a machine without IPv6 has the one. */
static bool
open_any_once(struct listener *listener, uint16_t port, int backlog)
{
	struct netaddr any = { .in6.sin6_family = AF_INET6 };
	int v6, v4;

	netaddr_set_port(&any, port);
	v6 = listen_on(&any, backlog);
	if (v6 < 0 && errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL)
		return false;
	any = (struct netaddr){ .in.sin_family = AF_INET };
	netaddr_set_port(&any, v6 >= 0 ? port_of(v6) : port);
	v4 = listen_on(&any, backlog);
	if (v4 < 0) {
		int saved = errno;

		if (v6 >= 0)
			close(v6);
		errno = saved;
		return false;
	}
	if (v6 >= 0)
		add_socket(listener, v6);
	add_socket(listener, v4);
	return true;
}

static bool
open_any(struct listener *listener, uint16_t port, int backlog)
{
	unsigned tries = port == 0 ? PORT_TRIES : 1;

	while (tries-- > 0) {
		if (open_any_once(listener, port, backlog))
			return true;
	}
	return false;
}

static bool
open_address(struct listener *listener, const char *address, int backlog)
{
	bool any = strncmp(address, "*:", 2) == 0;
	struct netaddr addr;
	char text[NETADDR_TEXT_MAX];
	int fd;

	snprintf(text, sizeof text, "%s%s", any ? "0.0.0.0:" : "", any ? address + 2 : address);
	if (!netaddr_parse(&addr, text)) {
		errno = EINVAL;
		return false;
	}
	if (any)
		return open_any(listener, netaddr_port(&addr), backlog);
	fd = listen_on(&addr, backlog);
	if (fd >= 0)
		add_socket(listener, fd);
	return fd >= 0;
}

static struct listener *
listener_new(const struct listener_options *options, listener_started_fn started, void *arg)
{
	struct listener *listener = xcalloc(1, sizeof *listener);

	if (options != NULL)
		listener->options = *options;
	listener->started = started;
	listener->arg = arg;
	timer_init(&listener->again, go_on, listener);
	return listener;
}

struct listener *
listener_open(const char *address, const struct listener_options *options,
    listener_started_fn started, void *arg, char error[LISTENER_ERROR_MAX])
{
	struct listener *listener = listener_new(options, started, arg);
	int backlog = listener->options.backlog != 0 ? listener->options.backlog : BACKLOG;

	if (open_address(listener, address, backlog))
		return listener;
	if (errno == EINVAL)
		snprintf(error, LISTENER_ERROR_MAX,
		    "\"%.60s\" is no address: write \"*:5222\", \"192.0.2.1:5222\" or "
		    "\"[2001:db8::1]:5222\"",
		    address);
	else
		snprintf(error, LISTENER_ERROR_MAX, "cannot listen on %.60s: %s", address,
		    strerror(errno));
	listener_close(&listener);
	return NULL;
}

struct listener *
listener_adopt(int fd, const struct listener_options *options, listener_started_fn started,
    void *arg)
{
	struct listener *listener = listener_new(options, started, arg);

	evutil_make_socket_nonblocking(fd);
	evutil_make_socket_closeonexec(fd);
	add_socket(listener, fd);
	return listener;
}

void
listener_start(struct listener *listener)
{
	assert(worker_current() == worker_main());
	go_on(listener);
}

void
listener_set(struct listener *listener, const struct listener_options *options,
    listener_started_fn started)
{
	listener->options = *options;
	listener->started = started;
}

void
listener_close(struct listener **listener_p)
{
	struct listener *listener = *listener_p;

	if (listener == NULL)
		return;
	timer_cancel(&listener->again);
	for (unsigned i = 0; i < listener->n_fds; i++) {
		event_free(listener->events[i]);
		close(listener->fds[i]);
	}
	free(listener);
	*listener_p = NULL;
}

uint16_t
listener_port(const struct listener *listener)
{
	return port_of(listener->fds[0]);
}
