/*
 * Streams that other servers and components open. The first byte says what:
 * 'c' a component, 'p' a server that has proven a pair as soon as its header was
 * answered, else one that has proven nothing. The rest is what it sends; 0x1E in
 * it is a pause in which we answer. What we send is well-formed whatever came,
 * and the stream is gone when its peer is.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "core/module.h"
#include "core/router.h"
#include "core/work.h"
#include "net/listener.h"
#include "net/resolver.h"
#include "net/worker.h"
#include "output.h"
#include "store/store.h"
#include "xmpp/component.h"
#include "xmpp/s2s.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PAUSE 0x1e
#define ROUNDS 4 /* without an answer, and it is said to be over */

static struct store *store;

/* --- a host without anybody ------------------------------------------------------------ */

static void
load(struct entity *entity)
{
	entity_loaded(entity);
}

static void
deliver(struct entity *entity, struct ln_stanza *st)
{
	(void)entity;
	ln_stanza_free(&st);
}

static bool
idle(const struct entity *entity)
{
	(void)entity;
	return true;
}

static bool
loads(const struct ln_stanza *st)
{
	(void)st;
	return true;
}

static void
unload(struct entity *entity)
{
	free(entity);
}

static const struct entity_ops nobody_ops = {
	.kind = "nobody",
	.size = sizeof(struct entity),
	.inbox_max = 1 << 20,
	.loads = loads,
	.load = load,
	.deliver = deliver,
	.idle = idle,
	.unload = unload,
};

static const struct s2s_conf s2s = {
	.dialback = true,
	.allow_all = true,
	.stanza_max = 64 * 1024,
	.idle_ms = 60000,
	.dead_after_ms = 60000,
};
static const struct component_conf components[] = { { "component.example", "secret" } };

static void
publish(void)
{
	struct snapshot *snapshot = xcalloc(1, sizeof *snapshot);
	struct ln_host *host;

	atomic_init(&snapshot->refs, 2); /* it stays */
	snapshot->arena = arena_new(1024);
	snapshot->core.stanza_max_early = 16 * 1024;
	snapshot->core.auth_timeout_ms = 30000;
	snapshot->core.memory = 64 << 20;
	snapshot->core.federates = true;
	snapshot->core.s2s = &s2s;
	snapshot->core.components = components;
	snapshot->core.component_count = 1;
	host = arena_zalloc(snapshot->arena, sizeof *host);
	host->name = "example.org";
	host->snapshot = snapshot;
	host->s2s = &s2s;
	host->node_ops = host->domain_ops = &nobody_ops;
	ln_jid_make(snapshot->arena, NULL, host->name, NULL, &host->jid);
	HASH_ADD_KEYPTR(hh, snapshot->hosts, host->name, strlen(host->name), host);
	snapshot_publish(snapshot);
}

static struct dns_answer *
no_such_domain(const char *name, enum dns_type type)
{
	return dns_answer_new(name, type, DNS_NONE, NULL);
}

/* There is no listener that counts. */
void
listener_quota_release(void)
{
}

static void
turn(void)
{
	worker_enter(worker_main());
	worker_turn(worker_main(), false);
	worker_enter(worker_get(0));
	worker_turn(worker_get(0), false);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static char dir[] = "/tmp/linnet-fuzz-XXXXXX";
	const struct store_conf conf = { .dir = dir };
	char *error;

	(void)argc;
	(void)argv;
	log_set_level(NULL, LOG_LEVEL_ERROR);
	must(mkdtemp(dir) != NULL);
	store = store_open(&conf, NULL, 0, &error);
	must(store != NULL);
	resolver_init();
	resolver_set_fake(no_such_domain);
	hold_init();
	entity_init();
	host_init();
	port_init();
	work_init(store);
	stream_init();
	s2s_init(store);
	workers_start_unthreaded(1);
	publish();
	turn();
	turn();
	return 0;
}

/* --- one stream ------------------------------------------------------------------------------ */

static void
let_answer(int fd, struct buf *in)
{
	char bytes[4096];

	for (int quiet = 0; quiet < ROUNDS; quiet++) {
		ssize_t len;

		turn();
		while ((len = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
			buf_add(in, bytes, (size_t)len);
			quiet = 0;
		}
	}
}

static void
prove(struct peer *peer, void *arg)
{
	(void)arg;
	if (peer->outgoing || peer->stream.ending || peer->local == NULL || peer->pair_count > 0)
		return;
	pair_prove(peer, pair_add(peer, "example.org", "other.example", PAIR_ASKED), "dialback");
}

static void
count(struct peer *peer, void *arg)
{
	unsigned *left = arg;

	(void)peer;
	(*left)++;
}

static void
feed(int fd, struct buf *in, char kind, const uint8_t *data, const uint8_t *end)
{
	const uint8_t *stop;

	for (; data < end; data = stop + 1) {
		stop = memchr(data, PAUSE, (size_t)(end - data));
		if (stop == NULL)
			stop = end;
		send(fd, data, (size_t)(stop - data), MSG_NOSIGNAL | MSG_DONTWAIT);
		let_answer(fd, in);
		if (kind == 'p')
			peers_each(prove, NULL);
		if (stop == end)
			break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char kind = size > 0 ? (char)data[0] : 0;
	struct buf in = BUF_INIT;
	struct netaddr nobody = { .sa.sa_family = AF_UNSPEC };
	unsigned left = 1;
	int fds[2];

	if (size == 0)
		return 0;
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
	worker_enter(worker_get(0));
	if (kind == 'c')
		component_accept(fds[0], &nobody, NULL);
	else
		s2s_accept(fds[0], &nobody, NULL);
	feed(fds[1], &in, kind, data + 1, data + size);
	check_output(&in);
	buf_free(&in);
	close(fds[1]);
	for (int i = 0; i < 1000 && left > 0; i++) {
		turn();
		left = 0;
		peers_each(count, &left);
	}
	must(left == 0);
	return 0;
}
