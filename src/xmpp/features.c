/*
 * Stream features (RFC 6120 §4.3.2): what may be negotiated next.
 *
 * SPDX-License-Identifier: MIT
 */
#include "xml/writer.h"
#include "xmpp/negotiate.h"
#include "xmpp/sasl.h"

static void
add_starttls(struct ln_elem *features, bool required)
{
	struct ln_elem *starttls = ln_elem_add(features, "starttls", NS_TLS);

	if (required)
		ln_elem_add(starttls, "required", NS_TLS);
}

static void
add_before_login(struct client *client, struct ln_elem *features)
{
	bool secure = stream_secure(&client->stream);
	bool required = client_rules(client)->tls_required;

	if (!secure && client_conf()->tls != NULL)
		add_starttls(features, required);
	if (secure || !required)
		sasl_features(client, features);
}

/* <session/> is a relic of RFC 3921 that old clients insist on; it need not be asked for. */
static void
add_after_login(struct ln_elem *features)
{
	ln_elem_add(features, "bind", NS_BIND);
	ln_elem_add(ln_elem_add(features, "session", NS_SESSION), "optional", NS_SESSION);
	ln_elem_add(features, "sm", NS_SM);
	ln_elem_add(features, "ver", NS_FEATURE_ROSTERVER);
	ln_elem_add(features, "sub", NS_FEATURE_PREAPPROVAL);
}

/* XEP-0478 */
static void
add_limits(struct ln_elem *features, size_t bytes)
{
	ln_add_textf(ln_elem_add(features, "limits", NS_LIMITS), "max-bytes", "%zu", bytes);
}

void
features_send(struct client *client)
{
	const struct ln_host *host = client_host(client);
	bool authenticated = client->jid.full != NULL;
	struct arena *arena = arena_new(2048);
	struct ln_elem *features = ln_elem_new(arena, "features", NS_STREAM);
	struct ln_ev_stream_features event = {
		.host = host,
		.features = features,
		.secure = stream_secure(&client->stream),
		.authenticated = authenticated,
		.may_login = !authenticated &&
		    (stream_secure(&client->stream) || !client_rules(client)->tls_required),
	};
	struct buf *out;

	if (authenticated)
		add_after_login(features);
	else
		add_before_login(client, features);
	add_limits(features,
	    authenticated ? client_conf()->stanza_max : client_conf()->stanza_max_early);
	fire_stream_features(host, &event);
	out = stream_out();
	writer_elem(out, features, NS_CLIENT);
	stream_flush(&client->stream, out);
	arena_free(&arena);
}
