/*
 * The negotiation of a client's stream: header, SASL, binding, and what comes
 * before and after them. The input is what a client sends; 0x1E in it is a
 * pause in which the server answers. What the server sends is well-formed
 * whatever came, and each stream is gone when its client is.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "../unit/client_kit.h"
#include "base/log.h"
#include "output.h"
#include "xmpp/c2s.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PAUSE 0x1e
#define ROUNDS 4 /* without an answer, and it is said to be over */

static const struct timespec moment = { 0, 50000 };

/* The kit's assertions, outside of a test. */
void
_mark_point(const char *file, int line)
{
	(void)file;
	(void)line;
}

void
_ck_assert_failed(const char *file, int line, const char *expression, const char *message, ...)
{
	(void)message;
	fprintf(stderr, "%s:%d: %s\n", file, line, expression);
	abort();
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	log_set_level("c2s", LOG_LEVEL_ERROR);
	kit_start(1);
	kit_add_account("anna");
	return 0;
}

/* Turns until nothing comes any more; the store's threads are given a moment. */
static void
let_answer(struct peer *peer)
{
	char bytes[4096];

	for (int quiet = 0; quiet < ROUNDS; quiet++) {
		ssize_t len;

		kit_turn();
		while ((len = recv(peer->fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
			buf_add(&peer->in, bytes, (size_t)len);
			quiet = 0;
		}
		if (quiet > 0)
			nanosleep(&moment, NULL);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct peer *peer = peer_new(0);
	const uint8_t *end = data + size, *stop;

	for (; data < end; data = stop + 1) {
		stop = memchr(data, PAUSE, (size_t)(end - data));
		if (stop == NULL)
			stop = end;
		send(peer->fd, data, (size_t)(stop - data), MSG_NOSIGNAL | MSG_DONTWAIT);
		let_answer(peer);
		if (stop == end)
			break;
	}
	check_output(&peer->in);
	peer_free(&peer);
	for (int i = 0; i < 10000 && streams_count() > 0; i++) {
		kit_turn();
		nanosleep(&moment, NULL);
	}
	must(streams_count() == 0);
	kit_ups();
	return 0;
}
