/*
 * What one of our domains wants of other servers: with whom it speaks, when TLS is
 * needed, what proves who somebody is (a certificate, DANE, dialback).
 *
 *	conf = policy_of(local);
 *	if (conf == NULL || !policy_allows(conf, remote))
 *		...
 *	why = policy_refuses(peer, conf, remote);	before a pair is proven
 *
 * Settings are those of the snapshot in force; nothing here keeps any state. On
 * the peer's worker.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_XMPP_S2S_POLICY_H
#define LN_XMPP_S2S_POLICY_H

#include <stdbool.h>

#include "core/host.h"
#include "net/tlsa.h"

struct peer;

#define POLICY_ASCII_MAX 256

/* The policy of one of our domains: a host's or a component's; NULL: not ours. */
const struct s2s_conf *policy_of(const char *local);

bool policy_allows(const struct s2s_conf *conf, const char *remote);
bool policy_needs_tls(const struct s2s_conf *conf, const char *remote);
const struct s2s_route *policy_route(const struct s2s_conf *conf, const char *remote);

/* Do TLSA records of this domain count? */
bool policy_dane(const struct s2s_conf *conf, const char *remote);

/* "match", "mismatch", "unusable" */
const char *tlsa_word(enum tlsa_result result);

/* Does the peer's certificate prove that it is this domain? */
bool policy_certified(const struct peer *peer, const char *domain);

/* Why it does not, for the log; static. */
const char *policy_why_not(const struct peer *peer);

/* May dialback prove a domain of this peer, as things are? */
bool policy_dialback(const struct peer *peer, const struct s2s_conf *conf, const char *remote);

/* A domain as TLS spells it (A-labels), in `out`, which is returned. */
const char *policy_ascii(const char *domain, char out[POLICY_ASCII_MAX]);

/* What to tell a peer or the log; static. NULL: nothing stands against it. */
const char *policy_refuses(const struct peer *peer, const struct s2s_conf *conf,
    const char *remote);

#endif
