/*
 * What our domains want of other servers (s2s in the configuration). Policy is
 * that of a pair's local domain.
 *
 * SPDX-License-Identifier: MIT
 */
#include <openssl/x509.h>
#include <string.h>

#include "core/idna.h"
#include "net/certname.h"
#include "xmpp/component.h"
#include "xmpp/peer.h"

const struct s2s_conf *
policy_of(const char *local)
{
	const struct core_conf *core = &snapshot_current()->core;
	const struct ln_host *host = host_find(local, strlen(local));

	if (host != NULL)
		return host->s2s != NULL ? host->s2s : core->s2s;
	return component_of(local, strlen(local)) != NULL ? core->s2s : NULL;
}

static bool
lists(const struct ln_list *domains, const char *domain)
{
	for (size_t i = 0; i < domains->count; i++)
		if (strcmp(ln_list_text(domains, i), domain) == 0)
			return true;
	return false;
}

bool
policy_allows(const struct s2s_conf *conf, const char *remote)
{
	return !lists(&conf->deny, remote) && (conf->allow_all || lists(&conf->allow, remote));
}

bool
policy_needs_tls(const struct s2s_conf *conf, const char *remote)
{
	return conf->tls_required && !lists(&conf->without_tls, remote);
}

const struct s2s_route *
policy_route(const struct s2s_conf *conf, const char *remote)
{
	for (size_t i = 0; i < conf->route_count; i++)
		if (strcmp(conf->routes[i].domain, remote) == 0)
			return &conf->routes[i];
	return NULL;
}

const char *
policy_ascii(const char *domain, char out[POLICY_ASCII_MAX])
{
	char name[IDNA_OUT_MAX + 1];
	size_t len;

	if (idna_to_ascii(domain, strlen(domain), name, &len) != IDNA_OK || len >= POLICY_ASCII_MAX)
		return NULL;
	memcpy(out, name, len);
	out[len] = '\0';
	return out;
}

const char *
tlsa_word(enum tlsa_result result)
{
	if (result == TLSA_MATCH)
		return "match";
	return result == TLSA_MISMATCH ? "mismatch" : "unusable";
}

/* Is it what DNS was asked about? */
static bool
is_judged(const struct peer *peer, const char *domain)
{
	const char *judged = peer->outgoing ? peer->remote : peer->vouched;

	return judged != NULL && strcmp(judged, domain) == 0;
}

/* What DANE says of the peer as this domain. */
static enum tlsa_result
dane_of(const struct peer *peer, const char *domain)
{
	return is_judged(peer, domain) ? peer->tlsa : TLSA_NONE;
}

/* DANE decides where it says something (RFC 7673); else a chain and one of its names, or that of a
 * machine that DNSSEC proves to be the domain's. */
bool
policy_certified(const struct peer *peer, const char *domain)
{
	struct x509_st *x509 = conn_peer_certificate(peer->stream.conn);
	char ascii[POLICY_ASCII_MAX];
	const struct certname name = { policy_ascii(domain, ascii), domain };

	if (!stream_secure(&peer->stream) || x509 == NULL || name.ascii == NULL ||
	    dane_of(peer, domain) == TLSA_MISMATCH)
		return false;
	if (dane_of(peer, domain) == TLSA_MATCH)
		return true;
	return conn_verify_result(peer->stream.conn) == X509_V_OK &&
	    (certname_match(x509, &name) != CERTNAME_NONE ||
		(peer->delegated && is_judged(peer, domain)));
}

const char *
policy_why_not(const struct peer *peer)
{
	long result = conn_verify_result(peer->stream.conn);

	if (!stream_secure(&peer->stream))
		return "without TLS nothing proves the other server's domain";
	if (conn_peer_certificate(peer->stream.conn) == NULL)
		return "the other server shows no certificate";
	if (peer->tlsa == TLSA_MISMATCH && strcmp(peer->dane, "unknown") == 0)
		return "what DNS says of the other server's certificate cannot be found out";
	if (peer->tlsa == TLSA_MISMATCH)
		return "the other server's certificate is not the one that DNS names (DANE)";
	if (result != X509_V_OK)
		return X509_verify_cert_error_string(result);
	return "the other server's certificate is for other names";
}

/* Without TLS there is nothing else that could prove a domain. */
bool
policy_dialback(const struct peer *peer, const struct s2s_conf *conf, const char *remote)
{
	return conf->dialback || policy_certified(peer, remote) ||
	    (conf->tls_required && !stream_secure(&peer->stream));
}

const char *
policy_refuses(const struct peer *peer, const struct s2s_conf *conf, const char *remote)
{
	if (!policy_allows(conf, remote))
		return "this server is not spoken with";
	if (policy_needs_tls(conf, remote) && !stream_secure(&peer->stream))
		return "TLS is required";
	if (dane_of(peer, remote) == TLSA_MISMATCH)
		return policy_why_not(peer);
	return NULL;
}
