/*
 * What the operator sees of streams and links, and ends.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "xmpp/link.h"
#include "xmpp/s2s.h"

struct listing {
	void (*each)(const struct s2s_info *info, void *arg);
	void *arg;
};

/* The pairs that are proven, and by what the first of them. */
static unsigned
proven(const struct peer *peer, const char **how_r)
{
	const struct pair *pair;
	unsigned count = 0;

	*how_r = "";
	LIST_FOREACH(pair, &peer->pairs, link)
		if (pair->state == PAIR_PROVEN) {
			*how_r = pair->how;
			count++;
		}
	return count;
}

static const char *
direction(const struct peer *peer)
{
	if (peer->component)
		return "component";
	return peer->outgoing ? "out" : "in";
}

static const char *
state_text(const struct peer *peer, unsigned pairs)
{
	if (pairs > 0 || (peer->component && peer->state == PEER_OPEN))
		return "up";
	return peer_state_name(peer->state);
}

static unsigned
unacked(const struct peer *peer)
{
	return peer->count.sent - peer->acked;
}

static void
list_peer(struct peer *peer, void *arg)
{
	const struct listing *listing = arg;
	char address[NETADDR_TEXT_MAX];
	struct conn_tls_info tls = { .version = "", .cipher = "" };
	struct s2s_info info = {
		.direction = direction(peer),
		.conn = conn_id(peer->stream.conn),
		.local = peer->local,
		.remote = peer->remote,
		.address = netaddr_text(conn_peer(peer->stream.conn), address),
		.bidi = peer->bidi,
		.acks = peer->acks_in || peer->acks_enabled,
		.waiting = peer->link != NULL ? peer->link->count : 0,
		.unacked = unacked(peer),
		.age_ms = worker_now_ms() - peer->since,
	};

	info.pairs = proven(peer, &info.auth);
	info.state = state_text(peer, info.pairs);
	conn_tls_info(peer->stream.conn, &tls);
	info.tls = tls.version;
	info.cipher = tls.cipher;
	info.dane = peer->dane;
	listing->each(&info, listing->arg);
}

/* Those that have no stream of their own. */
static void
list_link(const struct link *link, const struct listing *listing)
{
	const struct s2s_info info = {
		.direction = "out",
		.local = link->local,
		.remote = link->remote,
		.state = link->state == LINK_RESTS ? "rests"
		    : link->state == LINK_UP       ? "by theirs"
						   : "dials",
		.auth = "",
		.dane = "",
		.tls = "",
		.cipher = "",
		.address = "",
		.waiting = link->count,
	};

	if (link->peer == NULL && link->state != LINK_IDLE)
		listing->each(&info, listing->arg);
}

void
s2s_each(void (*each)(const struct s2s_info *info, void *arg), void *arg)
{
	struct listing listing = { each, arg };

	peers_each(list_peer, &listing);
	for (const struct link *link = links_first(); link != NULL; link = links_next(link))
		list_link(link, &listing);
}

struct closing {
	const char *remote;
	unsigned count;
};

static bool
has_to_do_with(const struct peer *peer, const char *remote)
{
	const struct pair *pair;

	if (peer->remote != NULL && strcmp(peer->remote, remote) == 0)
		return true;
	LIST_FOREACH(pair, &peer->pairs, link)
		if (strcmp(pair->remote, remote) == 0)
			return true;
	return peer->component && peer->local != NULL && strcmp(peer->local, remote) == 0;
}

static void
close_peer(struct peer *peer, void *arg)
{
	struct closing *closing = arg;

	if (peer->stream.ending || !has_to_do_with(peer, closing->remote))
		return;
	closing->count++;
	if (peer->state == PEER_HANDSHAKE)
		conn_close(peer->stream.conn, CONN_FINISHED, false);
	else
		stream_close(&peer->stream);
}

unsigned
s2s_close(const char *remote)
{
	struct closing closing = { remote, 0 };

	peers_each(close_peer, &closing);
	return closing.count;
}
