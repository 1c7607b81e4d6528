/*
 * What a connection costs: a relay like the load generator's `floor`, on
 * workers and connections. `xmppload chat --raw` drives it, and the figure
 * beside floor's own is the price of this floor of the server.
 *
 *	bench_conn PORT [WORKERS [CERTIFICATES]]
 *
 * With one worker a frame is written to the other connection at once, with
 * more it is posted to the worker of the other connection.
 *
 * SPDX-License-Identifier: MIT
 */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "net/conn.h"
#include "net/listener.h"
#include "net/tls.h"
#include "net/worker.h"

#define PEERS_MAX 65536
#define FRAME_MAX ((size_t)1 << 20)

struct peer {
	struct post post;
	struct conn *conn;
	struct buf rest;
	unsigned number;
	bool named;
};

/* A frame on its way to another worker. */
struct parcel {
	struct post post;
	unsigned number;
	size_t len;
	char bytes[];
};

/* By number; each is touched by the home of its number alone. */
static struct conn *peers[PEERS_MAX];
static struct tls *tls;

static struct worker *
home(unsigned number)
{
	return worker_get(number % worker_count());
}

static void
deliver(struct worker *worker, struct post *post)
{
	struct parcel *parcel = (struct parcel *)post;

	if (peers[parcel->number] != NULL)
		conn_write(peers[parcel->number], parcel->bytes, parcel->len);
	free(parcel);
}

static void
relay(unsigned number, const char *bytes, size_t len)
{
	struct parcel *parcel;

	if (home(number) == worker_current()) {
		if (peers[number] != NULL)
			conn_write(peers[number], bytes, len);
		return;
	}
	parcel = xmalloc(sizeof *parcel + len);
	parcel->post.run = deliver;
	parcel->number = number;
	parcel->len = len;
	memcpy(parcel->bytes, bytes, len);
	worker_post(home(number), &parcel->post);
}

static void
come_home(struct worker *worker, struct post *post)
{
	struct peer *peer = (struct peer *)post;

	if (conn_worker(peer->conn) == NULL)
		conn_attach(peer->conn);
	peers[peer->number] = peer->conn;
}

static void
on_frame(struct peer *peer, const char *bytes, size_t len)
{
	char text[16];

	if (peer->named) {
		relay(peer->number ^ 1, bytes, len);
		return;
	}
	snprintf(text, sizeof text, "%.*s", (int)(len - 4), bytes + 4);
	peer->number = (unsigned)strtoul(text, NULL, 10) % PEERS_MAX;
	peer->named = true;
	conn_write(peer->conn, bytes, len);
	peer->post.run = come_home;
	if (home(peer->number) == worker_current())
		peers[peer->number] = peer->conn;
	else if (conn_detach(peer->conn))
		worker_post(home(peer->number), &peer->post);
}

static size_t
frames(struct peer *peer, const char *bytes, size_t len)
{
	size_t used = 0;

	while (len - used >= 4) {
		const unsigned char *h = (const unsigned char *)bytes + used;
		size_t size =
		    4 + ((size_t)h[0] << 24 | (size_t)h[1] << 16 | (size_t)h[2] << 8 | h[3]);

		if (size > FRAME_MAX) {
			conn_close(peer->conn, CONN_PROTOCOL, false);
			return len;
		}
		if (len - used < size)
			break;
		on_frame(peer, bytes + used, size);
		used += size;
	}
	return used;
}

static void
on_input(struct conn *conn, const char *bytes, size_t len)
{
	struct peer *peer = conn_owner(conn);
	size_t used;

	if (peer->rest.len == 0) {
		used = frames(peer, bytes, len);
		if (used < len)
			buf_add(&peer->rest, bytes + used, len - used);
		return;
	}
	buf_add(&peer->rest, bytes, len);
	buf_consume(&peer->rest, frames(peer, peer->rest.data, peer->rest.len));
}

static void
on_closed(struct conn *conn, enum conn_reason reason)
{
	struct peer *peer = conn_owner(conn);

	if (peer->named && peers[peer->number] == conn)
		peers[peer->number] = NULL;
	buf_free(&peer->rest);
	free(peer);
}

static const struct conn_ops ops = { .input = on_input, .closed = on_closed };

static void
started(int fd, const struct netaddr *address, void *arg)
{
	struct peer *peer = xcalloc(1, sizeof *peer);

	peer->conn = conn_accept(fd, address, &ops, peer);
	if (tls != NULL)
		conn_start_tls(peer->conn, tls, &(struct conn_tls_params){ 0 });
}

static void
report(const char *file, const char *reason, void *arg)
{
	fprintf(stderr, "%s: %s\n", file, reason);
}

static void
on_signal(evutil_socket_t number, short what, void *arg)
{
	worker_main_stop();
}

static void
many_files(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int
main(int argc, char **argv)
{
	struct listener_options options = { .no_quota = true };
	char address[32], error[LISTENER_ERROR_MAX];
	struct listener *listener;
	struct event *term;

	if (argc < 2) {
		fprintf(stderr, "usage: bench_conn PORT [WORKERS [CERTIFICATES]]\n");
		return EXIT_FAILURE;
	}
	many_files();
	if (argc > 3) {
		tls = tls_load(&(struct tls_config){ .directory = argv[3] }, report, NULL);
		if (tls == NULL)
			return EXIT_FAILURE;
	}
	snprintf(address, sizeof address, "127.0.0.1:%.8s", argv[1]);
	term = evsignal_new(worker_base(worker_main()), SIGTERM, on_signal, NULL);
	event_add(term, NULL);
	workers_start(argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1);
	listener = listener_open(address, &options, started, NULL, error);
	if (listener == NULL) {
		fprintf(stderr, "%s\n", error);
		return EXIT_FAILURE;
	}
	listener_start(listener);
	worker_main_run();
	listener_close(&listener);
	event_free(term);
	workers_stop();
	tls_unref(&tls);
	return EXIT_SUCCESS;
}
