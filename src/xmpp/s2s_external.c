/*
 * SASL EXTERNAL between servers (XEP-0178 §3): the certificate that was shown in
 * TLS proves the domain, if policy says that it does (policy_certified()). See
 * proof.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "base/base64.h"
#include "xmpp/peer.h"
#include "xmpp/proof.h"

/* --- they connected ---------------------------------------------------------------------- */

static bool
offers_external(const struct peer *peer)
{
	return stream_secure(&peer->stream) && !pairs_any(peer) && peer->remote != NULL &&
	    policy_certified(peer, peer->remote);
}

static void
sasl_fails(struct peer *peer, const char *condition, const char *reason)
{
	struct buf *out = stream_out();

	peer_blame(peer, "EXTERNAL failed condition=%s reason=%s", condition, reason);
	buf_printf(out, "<failure xmlns='%s'><%s/></failure>", NS_SASL, condition);
	stream_flush(&peer->stream, out);
	peer_to(peer, PEER_OPEN);
	if (++peer->failures >= 5)
		stream_fail(&peer->stream, STREAM_POLICY_VIOLATION, "too many failed attempts");
}

/* Keys that are being verified were those of the stream that now begins anew. */
static void
sasl_succeeds(struct peer *peer)
{
	struct pair *pair;

	while ((pair = LIST_FIRST(&peer->pairs)) != NULL)
		pair_remove(peer, pair);
	peer->asked_count = 0;
	pair = pair_add(peer, peer->local, peer->remote, PAIR_ASKED);
	stream_send_text(&peer->stream, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
	stream_restart(&peer->stream);
	peer_to(peer, PEER_HEADER);
	pair_prove(peer, pair, proof_external.name);
}

/* What the peer asks to be: the header's domain, if it says nothing (XEP-0178 §3); NULL: not base64. */
static const char *
authzid_of(const struct peer *peer, struct arena *arena, const char *text)
{
	size_t len = strlen(text);
	uint8_t *bytes = arena_alloc(arena, BASE64_BYTES(len));
	ssize_t got;

	if (strcmp(text, "=") == 0)
		return peer->remote;
	got = base64_decode(text, len, bytes);
	if (got <= 0)
		return got < 0 ? NULL : peer->remote;
	return arena_strndup(arena, (const char *)bytes, (size_t)got);
}

static void
external(struct peer *peer, struct arena *arena, const char *text)
{
	const struct s2s_conf *conf = policy_of(peer->local);
	const char *authzid = authzid_of(peer, arena, text);
	const char *domain = peer_domain(arena, authzid);

	if (authzid == NULL)
		sasl_fails(peer, "incorrect-encoding", "not base64");
	else if (domain == NULL || strcmp(domain, peer->remote) != 0)
		sasl_fails(peer, "invalid-authzid", "another domain than the header's");
	else if (conf == NULL || policy_refuses(peer, conf, domain) != NULL)
		sasl_fails(peer, "not-authorized", "this server is not spoken with");
	else
		sasl_succeeds(peer);
}

static void
auth(struct peer *peer, struct arena *arena, const struct ln_elem *elem)
{
	const char *mechanism = ln_elem_attr(elem, "mechanism");
	const char *text = ln_elem_text(elem);

	if (mechanism == NULL || strcmp(mechanism, "EXTERNAL") != 0 || !offers_external(peer)) {
		sasl_fails(peer, "invalid-mechanism", "not offered");
	} else if (*text == '\0') {
		stream_send_text(&peer->stream,
		    "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
		peer_to(peer, PEER_CHALLENGED);
	} else {
		external(peer, arena, text);
	}
}

static void
respond(struct peer *peer, struct arena *arena, const struct ln_elem *elem)
{
	const char *text = ln_elem_text(elem);

	if (!ln_elem_is(elem, "response", NS_SASL)) {
		sasl_fails(peer, "aborted", "no response");
		return;
	}
	peer_to(peer, PEER_OPEN);
	external(peer, arena, *text != '\0' ? text : "=");
}

static void
offer(const struct peer *peer, struct ln_elem *features)
{
	if (offers_external(peer))
		ln_add_text(ln_elem_add(features, "mechanisms", NS_SASL), "mechanism", "EXTERNAL");
}

static bool
heard(struct peer *peer, struct arena *arena, const struct ln_elem *elem)
{
	if (peer->state == PEER_CHALLENGED)
		respond(peer, arena, elem);
	else if (ln_elem_is(elem, "auth", NS_SASL))
		auth(peer, arena, elem);
	else
		return false;
	return true;
}

/* --- we connected -------------------------------------------------------------------------- */

static bool
offers(const struct ln_elem *features, const char *mechanism)
{
	const struct ln_elem *list = ln_elem_child(features, "mechanisms", NS_SASL);
	struct ln_elem *child;

	if (list == NULL)
		return false;
	ln_elem_foreach(child, list)
		if (strcmp(ln_elem_text(child), mechanism) == 0)
			return true;
	return false;
}

static void
try_external(struct peer *peer)
{
	struct buf *out = stream_out();

	peer->external_tried = true;
	peer_to(peer, PEER_AUTH);
	buf_printf(out, "<auth xmlns='%s' mechanism='EXTERNAL'>", NS_SASL);
	base64_add(out, peer->local, strlen(peer->local));
	buf_add_text(out, "</auth>");
	stream_flush(&peer->stream, out);
}

static void
on_success(struct peer *peer)
{
	struct pair *pair = pair_add(peer, peer->local, peer->remote, PAIR_ASKED);

	pair_prove(peer, pair, proof_external.name);
	stream_restart(&peer->stream);
	peer_to(peer, PEER_HEADER);
	out_answer(peer);
}

static void
on_failure(struct peer *peer, const struct ln_elem *elem)
{
	const struct ln_elem *condition = ln_elem_first(elem);

	peer_log(peer, LOG_LEVEL_INFO, "the other server refuses our certificate condition=%s",
	    log_quote(condition != NULL ? ln_elem_name(condition) : "none"));
	out_opened(peer);
}

static bool
negotiate(struct peer *peer, const struct ln_elem *features)
{
	if (peer->pair_count > 0 || !stream_secure(&peer->stream) || peer->external_tried ||
	    !offers(features, "EXTERNAL"))
		return false;
	try_external(peer);
	return true;
}

static bool
told(struct peer *peer, struct arena *arena, const struct ln_elem *elem)
{
	(void)arena;
	if (peer->state != PEER_AUTH)
		return false;
	if (ln_elem_is(elem, "success", NS_SASL))
		on_success(peer);
	else if (ln_elem_is(elem, "failure", NS_SASL))
		on_failure(peer, elem);
	else if (ln_elem_is(elem, "challenge", NS_SASL))
		stream_send_text(&peer->stream,
		    "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>=</response>");
	else
		return false;
	return true;
}

const struct proof proof_external = {
	.name = "certificate",
	.offer = offer,
	.heard = heard,
	.negotiate = negotiate,
	.told = told,
};
