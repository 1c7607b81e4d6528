/*
 * A server of client streams in one thread, for tests: workers that are turned
 * by hand, a host, a store in a temporary directory, and sessions that only
 * write down what came up to them. A peer is the other end of a socketpair.
 *
 *	kit_start(2);
 *	struct peer *peer = peer_new(0);
 *	peer_send(peer, KIT_HEADER);
 *	peer_expect(peer, "<stream:features>");
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_TESTS_CLIENT_KIT_H
#define LN_TESTS_CLIENT_KIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "core/host.h"
#include "core/port.h"

#define KIT_HOST "example.org"
#define KIT_PASSWORD "secret"
#define KIT_HEADER                                                   \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:client' " \
	"xmlns:stream='http://etherx.jabber.org/streams' to='example.org' version='1.0'>"

/* What a test may set before kit_start(). */
extern struct core_conf kit_conf;
extern bool kit_with_tls;

void kit_start(unsigned workers);
void kit_stop(void);
void kit_turn(void);                    /* every worker and main once */
void kit_add_account(const char *name); /* with KIT_PASSWORD */
void kit_publish(bool with_host);       /* a new snapshot */

/* What came up to sessions since the last call, a line each: "bind a@example.org res". */
const char *kit_ups(void);
extern struct port_ref kit_port;  /* of the last bind or resume */
struct port *kit_find_port(void); /* enters its worker */
extern bool kit_refuses;          /* bindings and resumptions */
extern bool kit_silent;           /* answers nothing */

struct peer {
	int fd;
	struct buf in; /* all that came, consumed by peer_expect() */
	void *ssl;
	bool ended;
};

struct peer *peer_new(unsigned worker);
struct peer *peer_new_tls(unsigned worker, const char *alpn);
void peer_free(struct peer **peer);
void peer_send(struct peer *peer, const char *text);

/* Turns until the text has come, and drops all up to its end; fails the test otherwise. */
void peer_expect(struct peer *peer, const char *text);
void peer_expect_end(struct peer *peer);
void peer_quiet(struct peer *peer); /* nothing comes in a few turns */
bool peer_handshake(struct peer *peer, const char *alpn);

/* All the way: to the features after login, and to a session. */
void peer_login(struct peer *peer, const char *name);
void peer_bind(struct peer *peer, const char *name);

#endif
