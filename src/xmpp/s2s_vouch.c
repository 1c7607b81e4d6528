/*
 * DANE for servers that connect to us (RFC 7673, RFC 6698): before anything is
 * offered to them, DNS is asked what their domain says of certificates.
 *
 * Not asked: where DANE is off or nothing is validated, where a route of the
 * configuration stands for DNS, where no certificate was shown. What is found
 * out counts for the header's domain alone; other domains on the stream prove
 * themselves by dialback, whose streams of our own look at DANE again.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "net/resolver.h"
#include "xmpp/peer.h"

bool
policy_dane(const struct s2s_conf *conf, const char *remote)
{
	return conf->dane && resolver_security() != RESOLVER_DOES_NOT &&
	    policy_route(conf, remote) == NULL;
}

static bool
needs_word(const struct peer *peer)
{
	const struct s2s_conf *conf = policy_of(peer->local);

	return conf != NULL && peer->remote != NULL && stream_secure(&peer->stream) &&
	    conn_peer_certificate(peer->stream.conn) != NULL && peer->pair_count == 0 &&
	    policy_dane(conf, peer->remote);
}

static void
judge(struct peer *peer, const struct vouch *vouch)
{
	char ascii[POLICY_ASCII_MAX];
	const struct certname name = { policy_ascii(peer->vouched, ascii), peer->vouched };
	const char *reason = vouch->reason;

	peer->dane = "";
	peer->delegated = vouch_names(conn_peer_certificate(peer->stream.conn), vouch);
	if (dns_failed(vouch->status)) {
		peer->tlsa = TLSA_MISMATCH;
		peer->dane = "unknown";
	} else if (vouch->status == DNS_FOUND) {
		peer->tlsa = vouch_check(conn_ssl(peer->stream.conn), vouch, &name, &reason);
		peer->dane = tlsa_word(peer->tlsa);
	}
	if (*peer->dane != '\0')
		peer_log(peer, LOG_LEVEL_INFO, "DANE %s reason=%s", peer->dane, log_quote(reason));
}

static void
vouched(void *arg, const struct vouch *vouch)
{
	struct peer *peer = arg;

	peer->vouching = NULL;
	judge(peer, vouch);
	if (policy_of(peer->local) == NULL) /* a reload came in between */
		stream_fail(&peer->stream, STREAM_HOST_GONE, NULL);
	else
		in_negotiate(peer);
	stream_go_on(&peer->stream, STREAM_PAUSE_WAIT);
}

bool
in_vouch(struct peer *peer)
{
	char ascii[POLICY_ASCII_MAX];

	if (!needs_word(peer) || policy_ascii(peer->remote, ascii) == NULL)
		return false;
	free(peer->vouched);
	peer->vouched = xstrdup(peer->remote);
	peer->tlsa = TLSA_NONE;
	peer->vouching = vouch_ask(ascii, vouched, peer);
	stream_pause(&peer->stream, STREAM_PAUSE_WAIT);
	return true;
}
