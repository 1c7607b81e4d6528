/*
 * SASL on a client's stream (RFC 6120 §6): drives the mechanisms of the host's
 * modules (linnet/sasl.h) and does what they may not: base64, reading the
 * store, hashing on the crypto pool, limits, hooks, log lines.
 *
 *	sasl_offer(client)		after the header: fixes what is offered
 *	sasl_features(client, features)
 *	sasl_auth(client, <auth/>)	-> negotiation_authenticated(), or <failure/>
 *
 * Known and unknown users take the same path and the same time: a read job,
 * then real or made-up credentials; a password is hashed in any case.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_XMPP_SASL_H
#define LN_XMPP_SASL_H

#include "linnet/sasl.h"
#include "xmpp/negotiate.h"

#define SASL_MECHANISMS_MAX 16
#define SASL_TRIES_MAX 5 /* a stream's; one that guesses at no password is half a try */

struct pool;
struct store;

/* At start: where credentials are read and passwords hashed. */
void sasl_init(struct store *store, struct pool *crypto);

/* Works out what this stream is offered; into the negotiation's arena. */
void sasl_offer(struct client *client);

/* Adds <mechanisms/> and XEP-0440's <sasl-channel-binding/>. */
void sasl_features(struct client *client, struct ln_elem *features);

/* Might a client certificate be of use at this host (any host: NULL)? */
bool sasl_wants_certificate(const struct ln_host *host);

/* The elements of the peer. */
void sasl_auth(struct client *client, const struct ln_elem *elem);
void sasl_response(struct client *client, const struct ln_elem *elem);
void sasl_abort(struct client *client, const struct ln_elem *elem);

/* Fails without an exchange: an element out of order. */
void sasl_unexpected(struct client *client, const struct ln_elem *elem);

/* Ends the exchange that is under way, if any; nothing is said. */
void sasl_end(struct client *client);

/* Writes <success/>, with the data that the mechanism left. */
void sasl_success(struct client *client);

#endif
