/*
 * Streams that other servers open: header, STARTTLS, EXTERNAL (XEP-0178 §3),
 * dialback as the receiving and as the authoritative server (XEP-0220 §2.2).
 *
 * Nothing but the pairs that the peer proves decides what it may send. A
 * header's `from` is a claim: it chooses what is offered, no more.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/xalloc.h"
#include "net/tls.h"
#include "xml/writer.h"
#include "xmpp/dialback.h"
#include "xmpp/link.h"
#include "xmpp/peer.h"

#define PAIRS_MAX 1000 /* of one stream */
#define ASKED_MAX 32   /* keys that are being verified */
#define DIALBACK_ATTR "xmlns:db='jabber:server:dialback'"

/* --- the header ------------------------------------------------------------------------- */

/* A prepared domain; NULL: it is none. */
static const char *
domain_of(struct arena *arena, const char *text)
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
	const char *local = domain_of(arena, header->to);
	const char *remote = domain_of(arena, header->from);

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

static bool
offers_external(const struct peer *peer)
{
	return stream_secure(&peer->stream) && !pairs_any(peer) && peer->remote != NULL &&
	    policy_certified(peer, peer->remote);
}

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
add_dialback(struct ln_elem *features)
{
	struct ln_elem *dialback = ln_elem_add(features, "dialback", NS_FEATURE_DIALBACK);

	ln_elem_add(dialback, "errors", NS_FEATURE_DIALBACK);
}

static void
send_features(struct peer *peer)
{
	const struct s2s_conf *conf = policy_of(peer->local);
	struct arena *arena = arena_new(1024);
	struct ln_elem *features = ln_elem_new(arena, "features", NS_STREAM);
	struct buf *out;

	add_tls(peer, features, conf);
	if (offers_external(peer))
		ln_add_text(ln_elem_add(features, "mechanisms", NS_SASL), "mechanism", "EXTERNAL");
	add_dialback(features);
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

/* --- EXTERNAL ----------------------------------------------------------------------------------- */

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
	pair_prove(peer, pair, "certificate");
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
	const char *domain = domain_of(arena, authzid);

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

/* --- dialback (XEP-0220) --------------------------------------------------------------------------- */

static void
say(struct peer *peer, const struct dialback *dialback)
{
	struct buf *out = stream_out();

	dialback_write(out, dialback);
	stream_flush(&peer->stream, out);
}

static const char *
why_refused(const struct peer *peer, const char *local, const char *remote, enum ln_error error)
{
	const struct s2s_conf *conf = policy_of(local);
	const char *refused = conf != NULL ? policy_refuses(peer, conf, remote) : NULL;

	if (conf == NULL)
		return "no host of this server";
	if (refused != NULL)
		return refused;
	if (policy_of(remote) != NULL)
		return "the domain is this server's own";
	if (error == LN_ERR_NOT_AUTHORIZED)
		return policy_why_not(peer);
	if (error == LN_ERR_RESOURCE_CONSTRAINT)
		return "too many domains at a time";
	return "the domain's own server cannot be asked";
}

static void
say_error(struct peer *peer, const char *local, const char *remote, enum ln_error error)
{
	peer_blame(peer, "dialback refused local=%s remote=%s condition=%s reason=%s",
	    log_quote(local), log_quote(remote), ln_error_name(error),
	    why_refused(peer, local, remote, error));
	say(peer,
	    &(struct dialback){ .name = "result",
		.from = local,
		.to = remote,
		.type = "error",
		.error = error });
}

static void
accept_pair(struct peer *peer, struct pair *pair, const char *how)
{
	pair_prove(peer, pair, how);
	say(peer,
	    &(struct dialback){ .name = "result",
		.from = pair->local,
		.to = pair->remote,
		.type = "valid" });
	if (peer->bidi)
		link_offer(pair->local, pair->remote, port_ref(&peer->port));
}

/* A stranger who is refused his first pair has nothing left to say (XEP-0220 §2.2.1). */
static void
refuse_pair(struct peer *peer, struct pair *pair)
{
	peer_blame(peer, "forged dialback key local=%s remote=%s", pair->local, pair->remote);
	say(peer,
	    &(struct dialback){ .name = "result",
		.from = pair->local,
		.to = pair->remote,
		.type = "invalid" });
	pair_remove(peer, pair);
	if (!pairs_any(peer) && peer->asked_count == 0) {
		stream_close(&peer->stream);
		conn_close(peer->stream.conn, CONN_POLICY, true);
	}
}

/* XEP-0220 §2.4.2: what to call our failure to ask. */
static enum ln_error
error_of(enum ln_error error)
{
	return error == LN_ERR_REMOTE_SERVER_NOT_FOUND || error == LN_ERR_RESOURCE_CONSTRAINT
	    ? error
	    : LN_ERR_REMOTE_SERVER_TIMEOUT;
}

void
in_verified(struct peer *peer, const char *local, const char *remote, const char *id, bool valid,
    enum ln_error error)
{
	struct pair *pair = pair_find(peer, local, remote);

	if (pair == NULL || pair->state == PAIR_PROVEN || peer->stream.ending ||
	    strcmp(id, peer->stream_id) != 0)
		return;
	peer->asked_count--;
	if (valid) {
		accept_pair(peer, pair, "dialback");
	} else if (error == LN_ERR_FORBIDDEN) {
		refuse_pair(peer, pair);
	} else {
		say_error(peer, local, remote, error_of(error));
		pair_remove(peer, pair);
	}
}

/* May this pair be asked for at all? LN_ERR_COUNT: yes. */
static enum ln_error
check_pair(const struct peer *peer, const char *local, const char *remote)
{
	const struct s2s_conf *conf = policy_of(local);

	if (conf == NULL)
		return LN_ERR_ITEM_NOT_FOUND;
	if (policy_of(remote) != NULL || policy_refuses(peer, conf, remote) != NULL)
		return LN_ERR_POLICY_VIOLATION;
	if (!policy_dialback(peer, conf, remote))
		return LN_ERR_NOT_AUTHORIZED;
	if (peer->pair_count >= PAIRS_MAX || peer->asked_count >= ASKED_MAX)
		return LN_ERR_RESOURCE_CONSTRAINT;
	return LN_ERR_COUNT;
}

/* Where DANE counts, a certificate is not enough for a domain that DNS was not asked about. */
static bool
needs_no_key(const struct peer *peer, const char *local, const char *remote)
{
	return policy_certified(peer, remote) &&
	    (!policy_dane(policy_of(local), remote) ||
		(peer->vouched != NULL && strcmp(peer->vouched, remote) == 0));
}

static void
ask_for(struct peer *peer, const char *local, const char *remote, const char *key)
{
	struct pair *pair = pair_find(peer, local, remote);
	enum ln_error error = check_pair(peer, local, remote);

	if (pair != NULL && pair->state == PAIR_ASKED)
		return; /* it is being verified */
	if (error != LN_ERR_COUNT) {
		say_error(peer, local, remote, error);
		return;
	}
	if (pair == NULL)
		pair = pair_add(peer, local, remote, PAIR_ASKED);
	if (pair->state == PAIR_PROVEN || needs_no_key(peer, local, remote)) {
		accept_pair(peer, pair, pair->how != NULL ? pair->how : "certificate");
		return;
	}
	peer->asked_count++;
	link_verify(local, remote, peer->stream_id, key, port_ref(&peer->port));
}

/* We are the authoritative server: is it our key? */
static void
verify(struct peer *peer, const char *local, const char *remote, const struct ln_elem *elem)
{
	const char *id = ln_elem_attr(elem, "id");
	const struct dialback_names names = { remote, local, id };
	struct dialback answer = { .name = "verify", .from = local, .to = remote, .id = id };

	if (policy_of(local) == NULL) {
		answer.type = "error";
		answer.error = LN_ERR_ITEM_NOT_FOUND;
	} else {
		answer.type = dialback_is_key(&names, ln_elem_text(elem)) ? "valid" : "invalid";
	}
	say(peer, &answer);
}

/* Our own requests are answered on streams of our own: these are theirs. */
static void
dialback(struct peer *peer, struct arena *arena, const struct ln_elem *elem)
{
	const char *local = domain_of(arena, ln_elem_attr(elem, "to"));
	const char *remote = domain_of(arena, ln_elem_attr(elem, "from"));
	bool is_result = strcmp(ln_elem_name(elem), "result") == 0;

	if (local == NULL || remote == NULL)
		stream_fail(&peer->stream, STREAM_IMPROPER_ADDRESSING, NULL);
	else if (ln_elem_attr(elem, "type") != NULL || *ln_elem_text(elem) == '\0' ||
	    (!is_result && ln_elem_attr(elem, "id") == NULL))
		stream_fail(&peer->stream, STREAM_BAD_FORMAT, "not a dialback request");
	else if (is_result)
		ask_for(peer, local, remote, ln_elem_text(elem));
	else
		verify(peer, local, remote, elem);
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

void
in_element(struct peer *peer, struct arena *arena, struct ln_elem *elem)
{
	const char *ns = ln_elem_ns(elem);

	if (peer->state == PEER_CHALLENGED && ln_elem_is(elem, "response", NS_SASL)) {
		peer_to(peer, PEER_OPEN);
		external(peer, arena, *ln_elem_text(elem) != '\0' ? ln_elem_text(elem) : "=");
	} else if (peer->state == PEER_CHALLENGED) {
		sasl_fails(peer, "aborted", "no response");
	} else if (ns == NS_CLIENT) {
		peer_stanza(peer, arena, elem);
		return;
	} else if (ln_elem_is(elem, "starttls", NS_TLS)) {
		starttls(peer);
	} else if (ln_elem_is(elem, "auth", NS_SASL)) {
		auth(peer, arena, elem);
	} else if (ln_elem_is(elem, "result", NS_DIALBACK) ||
	    ln_elem_is(elem, "verify", NS_DIALBACK)) {
		dialback(peer, arena, elem);
	} else if (ln_elem_is(elem, "bidi", NS_BIDI)) {
		bidi(peer);
	} else {
		stream_fail(&peer->stream, STREAM_UNSUPPORTED_STANZA_TYPE, NULL);
	}
	arena_free(&arena);
}
