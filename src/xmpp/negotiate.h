/*
 * Negotiating a client's stream (RFC 6120 §4.3): header, STARTTLS, SASL, the
 * move to the home of the account, binding or resuming.
 *
 *	HEADER -> OFFERED -> HANDSHAKE -> HEADER	with TLS
 *	          OFFERED -> WAITING <-> EXCHANGE	SASL; failed: OFFERED
 *	                     WAITING -> REOPENED	success, at the home worker
 *	          OFFERED -> ASKED -> OFFERED		a request before login, to a module
 *	REOPENED -> BINDING -> BINDS			bind or resume; failed: BINDING
 *	                       BINDS -> established	the negotiation is freed
 *
 * What a state takes is a table in negotiate.c. In WAITING, ASKED and BINDS
 * the stream is paused, since an answer is under way.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_XMPP_NEGOTIATE_H
#define LN_XMPP_NEGOTIATE_H

#include "xmpp/client.h"

#define NEGOTIATION_STATES(X) \
	X(HEADER)             \
	X(OFFERED)            \
	X(HANDSHAKE)          \
	X(EXCHANGE)           \
	X(WAITING)            \
	X(ASKED)              \
	X(REOPENED)           \
	X(BINDING)            \
	X(BINDS)

enum negotiation_state {
#define X(name) NEGOTIATION_##name,
	NEGOTIATION_STATES(X)
#undef X
};

struct exchange;
struct offer;

struct negotiation {
	enum negotiation_state state;
	unsigned failures;         /* of SASL, in halves; of binding */
	struct arena *arena;       /* of the texts below and the offer */
	const char *host;          /* prepared; NULL until the header was good */
	const char *lang;          /* of the peer's header, or NULL */
	const char *from;          /* address in the peer's header, or NULL */
	const char *request;       /* id of the bind request */
	const char *success;       /* base64 that goes with <success/>, or NULL */
	struct offer *offer;       /* what SASL offers on this stream; NULL: nothing */
	struct exchange *exchange; /* SASL under way, or NULL */
	bool direct_tls;
	bool settled;         /* a set before login was answered with a result */
	bool asked_set;       /* what was asked last was a set */
	unsigned early_count; /* requests before login */
};

/* The first state, for a new stream. */
void negotiation_begin(struct client *client, bool direct_tls);
void negotiation_free(struct client *client);

/* The only place where the state changes. */
void negotiation_to(struct client *client, enum negotiation_state state);

/* The stream's events while it negotiates. */
void negotiation_header(struct client *client, const struct parser_header *header);
void negotiation_element(struct client *client, struct arena *arena, struct ln_elem *elem);
void negotiation_secured(struct client *client);
void negotiation_deadline(struct client *client);
void negotiation_answer(struct client *client);

/* SASL is done: the client is `username`; goes home, then says <success/>. */
void negotiation_authenticated(struct client *client, const char *username);
void negotiation_at_home(struct client *client);

/* The answer to a request before login. */
void negotiation_answered(struct client *client, struct ln_stanza *st);

/* The session's answers while it binds. */
void negotiation_bound(struct client *client, const struct port_bound *bound);
void negotiation_resumed(struct client *client, const struct port_resumed *resumed);
void negotiation_not_resumed(struct client *client, enum ln_error condition, bool h_valid,
    uint32_t h);

/* Writes <stream:features/> for the state (features.c). */
void features_send(struct client *client);

#endif
