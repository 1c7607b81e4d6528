/*
 * Probes: one address of another server, as far as its certificate: for
 * `check s2s`. A conversation of three lines, understood just enough to tell
 * an operator what is wrong; streams are src/xmpp's.
 *
 *	probe_start(&params, on_probed, arg)
 *	  -> on_probed(arg, probe)		valid during the call
 *
 * On one worker; over within PROBE_MS.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_PROBE_H
#define LN_SERVER_PROBE_H

#include "base/buf.h"
#include "net/conn.h"
#include "net/plan.h"
#include "net/timer.h"

#define PROBE_MS 10000
#define PROBE_INPUT_MAX ((size_t)16 * 1024)

struct tls;

enum probe_state {
	PROBE_CONNECTING,
	PROBE_FEATURES,
	PROBE_PROCEED,
	PROBE_HANDSHAKE,
	PROBE_DONE /* TLS is up: look at `conn` */
};

struct probe {
	struct conn *conn;
	const char *from, *domain; /* ours, A-labels; theirs, A-labels */
	struct plan_target target;
	struct netaddr address;
	unsigned index; /* the caller's: of the target */
	enum probe_state state;
	const char *failure; /* NULL: TLS is up */
	char failure_text[160];
	struct tls *tls;
	struct buf input;
	struct timer timer;
	void (*done)(void *arg, struct probe *probe);
	void *arg;
};

/* Copies `params`; texts stay valid until it is done, of `tls` it takes a reference. */
void probe_start(const struct probe *params);

#endif
