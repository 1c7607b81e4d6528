/*
 * What a stream is offered: mechanisms, strongest first, and channel bindings
 * (XEP-0440). tls-server-end-point is always among them; they are named only
 * where a mechanism uses them, since a client that sees bindings without such
 * a mechanism must suspect somebody in between.
 *
 * SPDX-License-Identifier: MIT
 */
#include "xmpp/sasl_offer.h"

#include <openssl/ssl.h>
#include <string.h>

#include "xmpp/certificate.h"

/* What a stream is offered: fixed when its features are sent. */
struct offer {
	struct ln_sasl_context context;
	struct ln_sasl_binding bindings[2];
	uint8_t exporter[CONN_EXPORTER_LEN];
	uint8_t end_point[CONN_END_POINT_MAX];
	const char *names[SASL_MECHANISMS_MAX + 1];
};

/* Calls `each` for the mechanisms of the host's modules until it says true. */
static const struct ln_sasl_mechanism *
mechanism_find(const struct ln_host *host,
    bool (*is)(const struct ln_sasl_mechanism *mechanism, const void *arg), const void *arg)
{
	for (unsigned i = 0; i < host->mod_count; i++) {
		const struct ln_sasl_mechanism *row = host->mods[i]->def->mechanisms;

		for (; row != NULL && row->name != NULL; row++)
			if (is(row, arg))
				return row;
	}
	return NULL;
}

static bool
has_name(const struct ln_sasl_mechanism *mechanism, const void *name)
{
	return strcmp(mechanism->name, name) == 0;
}

static bool
needs_certificate(const struct ln_sasl_mechanism *mechanism, const void *arg)
{
	(void)arg;
	return (mechanism->flags & LN_SASL_NEEDS_CERTIFICATE) != 0;
}

const struct ln_sasl_mechanism *
offer_find(const struct ln_host *host, const char *name)
{
	return mechanism_find(host, has_name, name);
}

bool
sasl_wants_certificate(const struct ln_host *host)
{
	if (host != NULL)
		return mechanism_find(host, needs_certificate, NULL) != NULL;
	for (host = snapshot_current()->hosts; host != NULL; host = host->hh.next)
		if (mechanism_find(host, needs_certificate, NULL) != NULL)
			return true;
	return false;
}

static void
find_bindings(struct offer *offer, struct conn *conn)
{
	struct ln_sasl_binding *next = offer->bindings;
	size_t len;

	len = conn_tls_server_end_point(conn, offer->end_point);
	if (conn_tls_exporter(conn, offer->exporter))
		*next++ =
		    (struct ln_sasl_binding){ "tls-exporter", offer->exporter, CONN_EXPORTER_LEN };
	if (len > 0)
		*next++ = (struct ln_sasl_binding){ "tls-server-end-point", offer->end_point, len };
	offer->context.bindings = offer->bindings;
	offer->context.binding_count = (size_t)(next - offer->bindings);
}

static void
find_tls(struct offer *offer, const struct client *client, struct arena *arena)
{
	struct conn *conn = client->stream.conn;
	struct x509_st *certificate = conn_peer_certificate(conn);

	offer->context.tls = true;
	offer->context.tls_version = (uint16_t)SSL_version(conn_ssl(conn));
	if (client_rules(client)->channel_binding)
		find_bindings(offer, conn);
	if (certificate != NULL && conn_verify_result(conn) == X509_V_OK)
		offer->context.certificate = certificate_names(arena, certificate);
}

struct found {
	const struct ln_sasl_context *context;
	const struct ln_sasl_mechanism *rows[SASL_MECHANISMS_MAX];
	unsigned count;
};

/* Keeps the rows that may be offered, strongest first. */
static bool
collect(const struct ln_sasl_mechanism *mechanism, const void *arg)
{
	struct found *found = *(struct found *const *)arg;
	unsigned at = found->count;

	if (found->count == SASL_MECHANISMS_MAX || !ln_sasl_offered(mechanism, found->context))
		return false;
	for (; at > 0 && found->rows[at - 1]->strength < mechanism->strength; at--)
		found->rows[at] = found->rows[at - 1];
	found->rows[at] = mechanism;
	found->count++;
	return false;
}

static void
find_mechanisms(struct offer *offer, struct arena *arena, const struct ln_host *host)
{
	struct found found = { .context = &offer->context };
	struct found *arg = &found;

	mechanism_find(host, collect, &arg);
	for (unsigned i = 0; i < found.count; i++) {
		offer->names[i] = arena_strdup(arena, found.rows[i]->name);
		if ((found.rows[i]->flags & LN_SASL_NEEDS_BINDING) != 0)
			offer->context.bindings_advertised = true;
	}
	offer->context.mechanisms = offer->names;
}

void
sasl_offer(struct client *client)
{
	struct negotiation *negotiation = client->negotiation;
	struct offer *offer;

	if (!stream_secure(&client->stream) && client_rules(client)->tls_required)
		return;
	offer = arena_zalloc(negotiation->arena, sizeof *offer);
	offer->context.host = negotiation->host;
	if (stream_secure(&client->stream))
		find_tls(offer, client, negotiation->arena);
	find_mechanisms(offer, negotiation->arena, client_host(client));
	negotiation->offer = offer;
}

void
sasl_features(struct client *client, struct ln_elem *features)
{
	const struct offer *offer = client->negotiation->offer;
	struct ln_elem *list;

	if (offer == NULL || offer->names[0] == NULL)
		return;
	list = ln_elem_add(features, "mechanisms", NS_SASL);
	for (const char *const *name = offer->names; *name != NULL; name++)
		ln_add_text(list, "mechanism", *name);
	if (!offer->context.bindings_advertised)
		return;
	list = ln_elem_add(features, "sasl-channel-binding", NS_SASL_CB);
	for (size_t i = 0; i < offer->context.binding_count; i++)
		ln_set_attr(ln_elem_add(list, "channel-binding", NS_SASL_CB), "type",
		    offer->bindings[i].type);
}

bool
offer_has(const struct offer *offer, const char *name)
{
	for (unsigned i = 0; offer != NULL && offer->names[i] != NULL; i++)
		if (strcmp(offer->names[i], name) == 0)
			return true;
	return false;
}

const struct ln_sasl_context *
offer_context(const struct offer *offer)
{
	return &offer->context;
}
