/*
 * A client's stream, from the inside: the struct that the files of this folder
 * share. Its life has two halves with a struct for the first:
 *
 *	negotiation	negotiate.c drives it by a table, with sasl.c, features.c;
 *			`negotiation` is freed with all of that when a session is bound
 *	established	session.c: stanzas up, stanzas down, no states but counters
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_XMPP_CLIENT_H
#define LN_XMPP_CLIENT_H

#include "base/log.h"
#include "core/host.h"
#include "core/port.h"
#include "xmpp/quota.h"
#include "xmpp/sm.h"
#include "xmpp/stream.h"

struct negotiation;

struct client {
	struct stream stream;
	struct port port;  /* found by id from every asynchronous gap */
	struct ln_jid jid; /* bare after login, full after binding; text owned */
	uint64_t session;  /* 0: not bound */
	struct stream_count count;
	bool acks;          /* XEP-0198 is on */
	bool wants_acks;    /* it was asked for: what follows <enable/> need not wait */
	bool asked_last;    /* the shutdown waits for its answer */
	unsigned asks;      /* <r/> that it has not answered */
	struct quota quota; /* before login */
	struct negotiation *negotiation;
};

static inline struct client *
client_of(struct stream *stream)
{
	return (struct client *)stream;
}

static inline struct client *
client_of_port(struct port *port)
{
	return port != NULL ? (struct client *)((char *)port - offsetof(struct client, port))
			    : NULL;
}

/* The client behind a reference that crossed a gap, or NULL. */
static inline struct client *
client_find(struct port_ref ref)
{
	return client_of_port(port_find(ref));
}

/* The current host of the stream; NULL: none yet, or gone. */
const struct ln_host *client_host(const struct client *client);

/* The settings in force. */
static inline const struct core_conf *
client_conf(void)
{
	return &snapshot_current()->core;
}

/* Those of its host; while none is known, what stands for all. */
static inline const struct client_rules *
client_rules(const struct client *client)
{
	const struct ln_host *host = client_host(client);

	return host != NULL ? &host->clients : &client_conf()->clients;
}

/* What its stream has to say to its session. */
static inline struct up *
client_up(struct client *client, enum up_kind kind)
{
	struct up *up = up_new(kind, &client->jid);

	up->session = client->session;
	up->port = port_ref(&client->port);
	return up;
}

/* A log line about this client, with its host, address, JID. */
void client_log(struct client *client, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The peer's address without port; `text` holds it. */
const char *client_address(const struct client *client, char text[NETADDR_TEXT_MAX]);

/* What limits go by, as text: the IPv4 address, the /64 of an IPv6 one. */
const char *client_network(const struct client *client, char text[2 * NETADDR_KEY_MAX + 1]);

/* Asks it to acknowledge; it has answered all that was asked, or will not any more. */
void client_ask(struct client *client);
void client_answered(struct client *client);

/* Gives back what it held in the limits before login: at login, or at the end. */
void client_uncount(struct client *client);

/* --- the established half (session.c) --------------------------------------------------- */

extern const struct port_ops client_port_ops;

/* An element of a bound client. The arena is the callee's. */
void session_element(struct client *client, struct arena *arena, struct ln_elem *elem);

/* The kernel took bytes. */
void session_sent(struct client *client);

/* The stream has ended: tells the session, if there is one. */
void session_ended(struct client *client, enum stream_end end, const char *reason);

/* The client closed its stream. True: its session says when all is answered (port_ops.close). */
bool session_closing(struct client *client);

/* XEP-0198 on a bound stream (sm.c); false: no such element. */
bool sm_element(struct client *client, const struct ln_elem *elem);

/* Writes <failed/>. */
void sm_failed(struct client *client, enum ln_error condition, bool h_valid, uint32_t h);

#endif
