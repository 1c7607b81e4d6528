/*
 * What modules are told of other servers, and may forbid.
 *
 * A domain of ours that an external component answers for has no modules:
 * nobody is asked about it, or told.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "core/host.h"
#include "linnet/events.h"
#include "net/conn.h"
#include "xmpp/peer.h"

bool
hook_may_connect(const char *local, const char *remote)
{
	const struct ln_host *host = host_find(local, strlen(local));
	struct ln_ev_server event = { .host = host, .remote = remote };

	return host == NULL || fire_server_out_connecting(host, &event) == LN_PASS;
}

void
hook_authenticated(const struct peer *peer, const struct pair *pair)
{
	const struct ln_host *host = host_find(pair->local, strlen(pair->local));
	char address[NETADDR_TEXT_MAX];
	struct ln_ev_server event = {
		.host = host,
		.remote = pair->remote,
		.outgoing = peer->outgoing,
		.secure = stream_secure(&peer->stream),
		.how = pair->how,
		.dane = peer->dane,
		.address = netaddr_text(conn_peer(peer->stream.conn), address),
	};

	if (host != NULL)
		fire_server_authenticated(host, &event);
}
