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
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../unit/s2s_kit.h"
#include "net/worker.h"
#include "output.h"
#include "xmpp/component.h"
#include "xmpp/s2s.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PAUSE 0x1e
#define ROUNDS 4 /* without an answer, and it is said to be over */

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	s2s_kit_start();
	return 0;
}

/* --- one stream ------------------------------------------------------------------------------ */

static void
let_answer(int fd, struct buf *in)
{
	char bytes[4096];

	for (int quiet = 0; quiet < ROUNDS; quiet++) {
		ssize_t len;

		s2s_kit_turn();
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
		s2s_kit_turn();
		left = 0;
		peers_each(count, &left);
	}
	must(left == 0);
	return 0;
}
