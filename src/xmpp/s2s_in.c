/*
 * Streams that other servers open: header, features, STARTTLS; they prove
 * themselves in the ways of proof.h.
 *
 * Nothing but the pairs that the peer proves decides what it may send. A
 * header's `from` is a claim: it chooses what is offered, no more.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "net/tls.h"
#include "xml/writer.h"
#include "xmpp/link.h"
#include "xmpp/peer.h"
#include "xmpp/proof.h"

#define DIALBACK_ATTR "xmlns:db='jabber:server:dialback'"

/* --- the header ------------------------------------------------------------------------- */

const char *
peer_domain(struct arena *arena, const char *text)
{
	const char *domain;

	if (text == NULL || ln_jid_prepare_domain(arena, text, strlen(text), &domain) != LN_JID_OK)
		return NULL;
	return domain;
}

static const char *
some_host(void)
{
	const struct ln_host *host = snapshot_current()->hosts;

	return host != NULL ? host->name : NULL;
}

void
in_answer(struct peer *peer)
{
	char id[STREAM_ID_MAX];
	const struct stream_header header = {
		.content_ns = NS_SERVER,
		.from = peer->local != NULL ? peer->local : some_host(),
		.to = peer->remote,
		.extra = DIALBACK_ATTR,
	};

	stream_make_id(id);
	free(peer->stream_id);
	peer->stream_id = xstrdup(id);
	stream_header(&peer->stream, &header, id);
}

/* After SASL the header has to be as before. */
static bool
check_again(struct peer *peer, const char *local, const char *remote)
{
	const struct pair *pair = LIST_FIRST(&peer->pairs); /* the one: see sasl_succeeds() */

	if (pair == NULL)
		return true;
	if (remote != NULL && strcmp(pair->remote, remote) != 0) {
		stream_fail(&peer->stream, STREAM_INVALID_FROM, NULL);
		return false;
	}
	if (strcmp(pair->local, local) != 0) {
		stream_fail(&peer->stream, STREAM_NOT_AUTHORIZED, "authenticated to another host");
		return false;
	}
	return true;
}

static bool
check_names(struct peer *peer, struct arena *arena, const struct parser_header *header)
{
	const char *local = peer_domain(arena, header->to);
	const char *remote = peer_domain(arena, header->from);

	peer_set_names(peer, NULL, remote);
	if (header->to == NULL) { /* RFC 3920 did not ask for it */
		local = some_host();
	} else if (local == NULL || (header->from != NULL && remote == NULL)) {
		stream_fail(&peer->stream, STREAM_IMPROPER_ADDRESSING, NULL);
		return false;
	}
	if (local == NULL || policy_of(local) == NULL) {
		stream_fail(&peer->stream, STREAM_HOST_UNKNOWN, NULL);
		return false;
	}
	peer_set_names(peer, local, NULL);
	return check_again(peer, local, remote);
}

static bool
check_header(struct peer *peer, const struct parser_header *header)
{
	struct arena *arena = arena_new(256);
	bool good = false;

	if (!ln_ns_same(header->content_ns, NS_SERVER))
		stream_fail(&peer->stream, STREAM_INVALID_NAMESPACE,
		    "the default namespace is not jabber:server");
	else
		good = check_names(peer, arena, header);
	arena_free(&arena);
	return good;
}

/* --- features ------------------------------------------------------------------------------ */

static void
add_tls(const struct peer *peer, struct ln_elem *features, const struct s2s_conf *conf)
{
	struct ln_elem *starttls;

	if (stream_secure(&peer->stream) || snapshot_current()->core.tls == NULL)
		return;
	starttls = ln_elem_add(features, "starttls", NS_TLS);
	if (peer->remote == NULL ? conf->tls_required : policy_needs_tls(conf, peer->remote))
		ln_elem_add(starttls, "required", NS_TLS);
}

static void
send_features(struct peer *peer)
{
	const struct s2s_conf *conf = policy_of(peer->local);
	struct arena *arena = arena_new(1024);
	struct ln_elem *features = ln_elem_new(arena, "features", NS_STREAM);
	struct buf *out;

	add_tls(peer, features, conf);
	for (const struct proof *const *proof = proofs; *proof != NULL; proof++)
		(*proof)->offer(peer, features);
	ln_elem_add(features, "bidi", NS_FEATURE_BIDI);
	ln_elem_add(features, "sm", NS_SM);
	ln_add_textf(ln_elem_add(features, "limits", NS_LIMITS), "max-bytes", "%zu",
	    conf->stanza_max);
	out = stream_out();
	writer_elem(out, features, NS_SERVER);
	stream_flush(&peer->stream, out);
	arena_free(&arena);
}

/* Servers from before XMPP 1.0 know no features, only dialback. */
void
in_header(struct peer *peer, const struct parser_header *header)
{
	if (!check_header(peer, header))
		return;
	in_answer(peer);
	peer->has_features = header->version != NULL && strcmp(header->version, "1.0") == 0;
	if (!in_vouch(peer))
		in_negotiate(peer);
}

void
in_negotiate(struct peer *peer)
{
	peer_to(peer, PEER_OPEN);
	if (peer->has_features)
		send_features(peer);
	if (peer->bidi && pairs_any(peer)) /* not before: the stream began anew */
		link_offer(peer->local, peer->remote, port_ref(&peer->port));
}

void
in_secured(struct peer *peer)
{
	peer_to(peer, PEER_HEADER);
}

/* --- TLS -------------------------------------------------------------------------------------- */

static void
starttls(struct peer *peer)
{
	const struct conn_tls_params params = {
		.ask_certificate = true,
		.full = true,
		.host = peer->local,
	};
	struct tls *tls = snapshot_current()->core.tls;

	if (stream_secure(&peer->stream) || tls == NULL || peer->pair_count > 0) {
		stream_send_text(&peer->stream,
		    "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
		stream_close(&peer->stream);
		conn_close(peer->stream.conn, CONN_PROTOCOL, true);
		return;
	}
	stream_send_text(&peer->stream, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	peer_to(peer, PEER_HANDSHAKE);
	stream_start_tls(&peer->stream, tls, &params);
}

/* --- elements ------------------------------------------------------------------------------------------ */

/* Only before something was proven: else it is not known whom it would be sent to. */
static void
bidi(struct peer *peer)
{
	if (peer->pair_count > 0)
		stream_fail(&peer->stream, STREAM_POLICY_VIOLATION, "<bidi/> comes too late");
	else
		peer->bidi = true;
}

static bool
is_of_a_proof(struct peer *peer, struct arena *arena, const struct ln_elem *elem)
{
	for (const struct proof *const *proof = proofs; *proof != NULL; proof++)
		if ((*proof)->heard(peer, arena, elem))
			return true;
	return false;
}

void
in_element(struct peer *peer, struct arena *arena, struct ln_elem *elem)
{
	if (ln_elem_ns(elem) == NS_CLIENT && peer->state != PEER_CHALLENGED) {
		peer_stanza(peer, arena, elem);
		return;
	}
	if (!is_of_a_proof(peer, arena, elem)) {
		if (ln_elem_is(elem, "starttls", NS_TLS))
			starttls(peer);
		else if (ln_elem_is(elem, "bidi", NS_BIDI))
			bidi(peer);
		else
			stream_fail(&peer->stream, STREAM_UNSUPPORTED_STANZA_TYPE, NULL);
	}
	arena_free(&arena);
}
