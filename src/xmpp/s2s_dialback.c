/*
 * Dialback (XEP-0220): as the receiving and the authoritative server on streams
 * that others opened, as the initiating one on our own; a key that we are to
 * verify goes to the link of its domain (link_verify()). Keys themselves are
 * dialback.h's. See proof.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "net/tls.h"
#include "xmpp/dialback.h"
#include "xmpp/link.h"
#include "xmpp/peer.h"
#include "xmpp/proof.h"

#define PAIRS_MAX 1000 /* of one stream */
#define ASKED_MAX 32   /* keys that are being verified */

static bool
is_dialback(const struct ln_elem *elem)
{
	return ln_elem_is(elem, "result", NS_DIALBACK) || ln_elem_is(elem, "verify", NS_DIALBACK);
}

/* --- they connected ---------------------------------------------------------------------- */

static void
offer(const struct peer *peer, struct ln_elem *features)
{
	struct ln_elem *dialback = ln_elem_add(features, "dialback", NS_FEATURE_DIALBACK);

	(void)peer;
	ln_elem_add(dialback, "errors", NS_FEATURE_DIALBACK);
}

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
		accept_pair(peer, pair, proof_dialback.name);
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
		accept_pair(peer, pair, pair->how != NULL ? pair->how : proof_external.name);
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
	const char *local = peer_domain(arena, ln_elem_attr(elem, "to"));
	const char *remote = peer_domain(arena, ln_elem_attr(elem, "from"));
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

static bool
heard(struct peer *peer, struct arena *arena, const struct ln_elem *elem)
{
	if (!is_dialback(elem))
		return false;
	dialback(peer, arena, elem);
	return true;
}

/* --- we connected -------------------------------------------------------------------------- */

static void
learn(struct peer *peer, const struct ln_elem *features)
{
	peer->dialback_known |= ln_elem_child(features, "dialback", NS_FEATURE_DIALBACK) != NULL;
}

void
out_verifies(struct peer *peer)
{
	struct verify *verify;
	struct buf *out;

	TAILQ_FOREACH(verify, &peer->link->verifies, link) {
		if (verify->sent)
			continue;
		verify->sent = true;
		out = stream_out();
		dialback_write(out,
		    &(struct dialback){ .name = "verify",
			.from = peer->local,
			.to = peer->remote,
			.id = verify->id,
			.key = verify->key });
		stream_flush(&peer->stream, out);
	}
}

static void
ask(struct peer *peer)
{
	const struct s2s_conf *conf = policy_of(peer->local);
	const struct dialback_names names = { peer->remote, peer->local, peer->stream_id };
	char key[DIALBACK_KEY_LEN + 1];
	struct buf *out = stream_out();

	if (conf == NULL || !policy_dialback(peer, conf, peer->remote)) {
		out_fail(peer, "nothing proves the other server's domain");
		return;
	}
	if (!peer->dialback_known) {
		/* RFC 6120 §4.9.3.23 */
		stream_fail(&peer->stream, STREAM_UNSUPPORTED_FEATURE,
		    "the other server accepts no proof that we have");
		return;
	}
	pair_add(peer, peer->local, peer->remote, PAIR_ASKED);
	dialback_key(&names, key);
	dialback_write(out,
	    &(struct dialback){ .name = "result",
		.from = peer->local,
		.to = peer->remote,
		.key = key });
	stream_flush(&peer->stream, out);
}

/* Who asks about what: only what was asked on this stream counts (XEP-0220 §3.1). */
static bool
is_between_us(const struct peer *peer, struct arena *arena, const struct ln_elem *elem)
{
	const char *from = ln_elem_attr(elem, "from"), *to = ln_elem_attr(elem, "to");
	const char *remote, *local;

	return from != NULL && to != NULL &&
	    ln_jid_prepare_domain(arena, from, strlen(from), &remote) == LN_JID_OK &&
	    ln_jid_prepare_domain(arena, to, strlen(to), &local) == LN_JID_OK &&
	    strcmp(remote, peer->remote) == 0 && strcmp(local, peer->local) == 0;
}

static void
on_result(struct peer *peer, const char *type)
{
	struct pair *pair = LIST_FIRST(&peer->pairs);

	if (pair == NULL || pair->state != PAIR_ASKED)
		return;
	if (strcmp(type, "valid") == 0) {
		pair_prove(peer, pair, proof_dialback.name);
		out_established(peer);
		return;
	}
	peer->key_invalid = strcmp(type, "invalid") == 0;
	out_fail(peer,
	    peer->key_invalid ? "the other server holds our key for forged"
			      : "the other server could not verify our key");
}

static void
on_verify(struct peer *peer, const struct ln_elem *elem, const char *type)
{
	const char *id = ln_elem_attr(elem, "id");
	bool valid = strcmp(type, "valid") == 0;

	if (id == NULL || peer->link == NULL)
		return;
	link_verified(peer->link, id, valid,
	    strcmp(type, "error") == 0 ? LN_ERR_REMOTE_SERVER_NOT_FOUND : LN_ERR_FORBIDDEN);
}

static void
on_dialback(struct peer *peer, struct arena *arena, const struct ln_elem *elem)
{
	const char *type = ln_elem_attr(elem, "type");

	if (type == NULL) {
		stream_fail(&peer->stream, STREAM_UNSUPPORTED_STANZA_TYPE,
		    "ask on a stream of your own");
		return;
	}
	if (!is_between_us(peer, arena, elem))
		return;
	if (strcmp(ln_elem_name(elem), "result") == 0)
		on_result(peer, type);
	else
		on_verify(peer, elem, type);
}

static bool
told(struct peer *peer, struct arena *arena, const struct ln_elem *elem)
{
	if (peer->state != PEER_OPEN || !is_dialback(elem))
		return false;
	on_dialback(peer, arena, elem);
	return true;
}

const struct proof proof_dialback = {
	.name = "dialback",
	.offer = offer,
	.heard = heard,
	.learn = learn,
	.ask = ask,
	.told = told,
};
