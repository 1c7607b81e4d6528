/*
 * Streams that our links open: STARTTLS, EXTERNAL (XEP-0178 §3), dialback as the
 * initiating and as the receiving server (XEP-0220 §2.1).
 *
 *	(HANDSHAKE ->) HEADER -> FEATURES -> PROCEED -> HANDSHAKE -> HEADER
 *	                         FEATURES -> AUTH -> HEADER	success
 *	                         FEATURES -> OPEN -> a pair is asked for
 *
 * What fails before OPEN fails for one target of the dial (net/dial.h); the next
 * one is tried.
 *
 * Before anything is said about our own domains, the other server has to be
 * who it should be, as far as policy wants that (s2s_policy.c).
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "net/dial.h"
#include "net/tls.h"
#include "net/tlsa.h"
#include "xml/writer.h"
#include "xmpp/link.h"
#include "xmpp/peer.h"
#include "xmpp/proof.h"

static const char *const alpn[] = { "xmpp-server", NULL };

/* --- small steps --------------------------------------------------------------------------- */

void
out_fail(struct peer *peer, const char *reason)
{
	stream_fail(&peer->stream, STREAM_POLICY_VIOLATION, reason);
}

void
out_answer(struct peer *peer)
{
	const struct stream_header header = {
		.content_ns = NS_SERVER,
		.from = peer->local,
		.to = peer->remote,
		.extra = "xmlns:db='jabber:server:dialback'",
		.initiates = true,
	};

	stream_header(&peer->stream, &header, NULL);
}

static void
begin_tls(struct peer *peer, bool direct)
{
	const struct conn_tls_params params = {
		.client = true,
		.host = peer->local,
		.sni = policy_ascii(peer->remote, peer->sni),
		.alpn = direct ? alpn : NULL,
	};
	struct tls *tls = snapshot_current()->core.tls;

	if (direct)
		conn_start_tls(peer->stream.conn, tls, &params);
	else
		stream_start_tls(&peer->stream, tls, &params);
}

static void
begin_stream(struct peer *peer)
{
	peer_to(peer, PEER_HEADER);
	out_answer(peer);
}

/* Without records, the name of a machine that is proven to be the domain's is as good as its own. */
static void
judge_name(struct peer *peer)
{
	const struct s2s_conf *conf = policy_of(peer->local);
	const struct certname machine = { peer->target, NULL };
	struct x509_st *x509 = conn_peer_certificate(peer->stream.conn);

	peer->delegated = peer->target_secure && conf != NULL && conf->dane && x509 != NULL &&
	    certname_match(x509, &machine) != CERTNAME_NONE;
}

/* What DANE says of the certificate; where it says something, that alone counts (RFC 7673). */
static void
judge(struct peer *peer)
{
	const struct dial *dial = peer->link != NULL ? peer->link->dial : NULL;
	const struct dns_answer *tlsa = dial != NULL ? dial_tlsa(dial) : NULL;
	const char *alias = tlsa != NULL ? dial_alias(dial) : NULL;
	const struct certname names[] = {
		{ policy_ascii(peer->remote, peer->sni), peer->remote },
		{ peer->target, NULL },
		{ alias, NULL },
	};
	const char *reason;

	judge_name(peer);
	if (tlsa == NULL)
		return;
	peer->tlsa =
	    tlsa_check(conn_ssl(peer->stream.conn), tlsa, names, alias != NULL ? 3 : 2, &reason);
	peer->dane = tlsa_word(peer->tlsa);
	peer_log(peer, LOG_LEVEL_INFO, "DANE %s reason=%s", peer->dane, log_quote(reason));
}

void
out_secured(struct peer *peer)
{
	judge(peer);
	begin_stream(peer);
}

/* --- what the link needs --------------------------------------------------------------------- */

static void
enable_acks(struct peer *peer)
{
	if (!peer->sm_offered)
		return;
	stream_send_text(&peer->stream, "<enable xmlns='urn:xmpp:sm:3'/>");
	peer_count_acks(peer);
}

void
out_established(struct peer *peer)
{
	enable_acks(peer);
	peer_tend(peer);
	link_up(peer->link, port_ref(&peer->port), true);
}

/* The one way there is once the stream is open. */
static void
ask_for_pair(struct peer *peer)
{
	for (const struct proof *const *proof = proofs; *proof != NULL; proof++)
		if ((*proof)->ask != NULL) {
			(*proof)->ask(peer);
			return;
		}
}

void
out_wanted(struct peer *peer)
{
	const struct pair *pair = LIST_FIRST(&peer->pairs);

	if (peer->state != PEER_OPEN || peer->stream.ending || peer->link == NULL)
		return;
	out_verifies(peer);
	if (pair != NULL && pair->state == PAIR_PROVEN)
		link_up(peer->link, port_ref(&peer->port), true);
	else if (pair == NULL && link_waits(peer->link))
		ask_for_pair(peer);
}

void
out_opened(struct peer *peer)
{
	peer_to(peer, PEER_OPEN);
	peer_tend(peer);
	if (peer->link == NULL) {
		stream_close(&peer->stream);
		return;
	}
	dial_free(&peer->link->dial);
	out_verifies(peer);
	if (peer->pair_count > 0)
		out_established(peer);
	else
		out_wanted(peer);
}

/* --- header and features ------------------------------------------------------------------------ */

void
out_header(struct peer *peer, const struct parser_header *header)
{
	bool has_features = header->version != NULL && strcmp(header->version, "1.0") == 0;
	const struct s2s_conf *conf = policy_of(peer->local);

	if (!ln_ns_same(header->content_ns, NS_SERVER)) {
		stream_fail(&peer->stream, STREAM_INVALID_NAMESPACE, NULL);
		return;
	}
	free(peer->stream_id);
	peer->stream_id = xstrdup(header->id != NULL ? header->id : "");
	peer->dialback_known |= !has_features || parser_declares(peer->stream.parser, NS_DIALBACK);
	if (has_features)
		peer_to(peer, PEER_FEATURES);
	else if (conf == NULL || policy_refuses(peer, conf, peer->remote) != NULL)
		out_fail(peer, "the other server does without TLS");
	else
		out_opened(peer);
}

static void
want_bidi(struct peer *peer, const struct ln_elem *features)
{
	if (peer->bidi || peer->pair_count > 0 ||
	    ln_elem_child(features, "bidi", NS_FEATURE_BIDI) == NULL)
		return;
	peer->bidi = true;
	stream_send_text(&peer->stream, "<bidi xmlns='urn:xmpp:bidi'/>");
}

/* TLS if both have it; where it is required, nothing without it. */
static bool
wants_tls(const struct peer *peer, const struct ln_elem *features)
{
	return !stream_secure(&peer->stream) && !peer->tls_off &&
	    snapshot_current()->core.tls != NULL &&
	    ln_elem_child(features, "starttls", NS_TLS) != NULL;
}

static bool
begins_proof(struct peer *peer, const struct ln_elem *features)
{
	for (const struct proof *const *proof = proofs; *proof != NULL; proof++)
		if ((*proof)->negotiate != NULL && (*proof)->negotiate(peer, features))
			return true;
	return false;
}

static void
on_features(struct peer *peer, const struct ln_elem *features)
{
	const struct s2s_conf *conf = policy_of(peer->local);
	const char *refused = conf != NULL ? policy_refuses(peer, conf, peer->remote) : "host gone";

	if (wants_tls(peer, features)) {
		stream_send_text(&peer->stream,
		    "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
		peer_to(peer, PEER_PROCEED);
		return;
	}
	if (refused != NULL) {
		out_fail(peer, refused);
		return;
	}
	peer->sm_offered = ln_elem_child(features, "sm", NS_SM) != NULL;
	for (const struct proof *const *proof = proofs; *proof != NULL; proof++)
		if ((*proof)->learn != NULL)
			(*proof)->learn(peer, features);
	if (!policy_certified(peer, peer->remote) && !policy_dialback(peer, conf, peer->remote)) {
		out_fail(peer, policy_why_not(peer));
		return;
	}
	want_bidi(peer, features);
	if (!begins_proof(peer, features))
		out_opened(peer);
}

/* --- elements -------------------------------------------------------------------------------------------- */

static bool
is_expected(const struct peer *peer, enum peer_state state, const struct ln_elem *elem,
    const char *name, const char *ns)
{
	return peer->state == state && ln_elem_is(elem, name, ns);
}

static bool
is_of_a_proof(struct peer *peer, struct arena *arena, const struct ln_elem *elem)
{
	for (const struct proof *const *proof = proofs; *proof != NULL; proof++)
		if ((*proof)->told(peer, arena, elem))
			return true;
	return false;
}

void
out_element(struct peer *peer, struct arena *arena, struct ln_elem *elem)
{
	if (ln_elem_ns(elem) == NS_CLIENT) {
		peer_stanza(peer, arena, elem);
		return;
	}
	if (is_expected(peer, PEER_FEATURES, elem, "features", NS_STREAM)) {
		on_features(peer, elem);
	} else if (is_expected(peer, PEER_PROCEED, elem, "proceed", NS_TLS)) {
		peer_to(peer, PEER_HANDSHAKE);
		begin_tls(peer, false);
	} else if (!is_of_a_proof(peer, arena, elem)) {
		stream_fail(&peer->stream, STREAM_UNSUPPORTED_STANZA_TYPE, NULL);
	}
	arena_free(&arena);
}

/* --- beginning and end ------------------------------------------------------------------------------------ */

/* RFC 6120 §8.3.3.16, §8.3.3.17; XEP-0220 §2.1.1 for a key that was refused. */
static enum ln_error
error_of(const struct peer *peer)
{
	if (peer->key_invalid)
		return LN_ERR_INTERNAL_SERVER_ERROR;
	if (peer->unknown_there)
		return LN_ERR_REMOTE_SERVER_NOT_FOUND;
	return LN_ERR_REMOTE_SERVER_TIMEOUT;
}

void
out_ended(struct peer *peer, enum stream_end end, const char *reason)
{
	struct link *link = peer->link;
	const struct pair *pair = LIST_FIRST(&peer->pairs);

	peer->link = NULL;
	if (link == NULL)
		return;
	if (*peer->told != '\0')
		reason = peer->told;
	link->peer = NULL;
	link->error = error_of(peer);
	link->tried = true;
	if (peer->state == PEER_OPEN && (pair == NULL || pair->state == PAIR_PROVEN))
		link_lost(link, reason, end == STREAM_LOST);
	else if (link->dial != NULL)
		dial_next(link->dial, reason);
	else
		link_failed(link, link->error, reason);
}

static void
begin(struct link *link, const struct dial_result *result)
{
	bool direct = result->target->direct_tls;
	struct peer *peer = peer_new(result->conn, true, direct);

	link->peer = peer;
	peer->link = link;
	peer->state = PEER_HANDSHAKE;
	peer->tls_off = link->tls_off;
	peer->target_secure = result->target->secure;
	snprintf(peer->target, sizeof peer->target, "%s", result->target->host);
	peer_set_names(peer, link->local, link->remote);
	if (direct)
		begin_tls(peer, true);
	else
		begin_stream(peer);
	conn_resume(result->conn);
}

/* RFC 6120 §8.3.3.16, §8.3.3.17: nowhere to be found, or found and no use. */
static enum ln_error
dial_error(const struct link *link, enum dial_failure failure)
{
	if (link->tried)
		return link->error;
	return failure == DIAL_DNS ? LN_ERR_REMOTE_SERVER_TIMEOUT : LN_ERR_REMOTE_SERVER_NOT_FOUND;
}

static void
on_dialled(void *arg, const struct dial_result *result)
{
	struct link *link = arg;
	char *reason;

	if (result->conn != NULL) {
		begin(link, result);
		return;
	}
	reason = xstrdup(result->reason != NULL ? result->reason : "");
	dial_free(&link->dial);
	link_failed(link, dial_error(link, result->failure), reason);
	free(reason);
}

void
out_dial(struct link *link)
{
	const struct s2s_conf *conf = policy_of(link->local);
	const struct s2s_route *route = conf != NULL ? policy_route(conf, link->remote) : NULL;
	char domain[POLICY_ASCII_MAX];
	struct dial_params params = {
		.domain = policy_ascii(link->remote, domain),
		.dane = conf != NULL && conf->dane,
	};

	if (conf == NULL || params.domain == NULL) {
		link_failed(link, LN_ERR_REMOTE_SERVER_NOT_FOUND, "no host of ours, or no domain");
		return;
	}
	if (!hook_may_connect(link->local, link->remote)) {
		link_failed(link, LN_ERR_NOT_ALLOWED, "a module forbids to call this server");
		return;
	}
	if (route != NULL) {
		params.host = route->host;
		params.port = route->port != 0 ? route->port : PLAN_PORT;
		params.direct_tls = route->tls == ROUTE_DIRECT;
	}
	link->tried = false;
	link->tls_off = route != NULL && route->tls == ROUTE_OFF;
	link->dial = dial_start(&params, on_dialled, link);
}
