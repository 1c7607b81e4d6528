/*
 * mod_turn - services for calls (XEP-0215): STUN, and TURN with credentials
 * that are made from a secret shared with the service and the time of their end.
 *
 * SPDX-License-Identifier: MIT
 */
#include <linnet/base64.h>
#include <linnet/credentials.h>
#include <linnet/module.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_EXTDISCO "urn:xmpp:extdisco:2"
#define DIGEST_LEN 20

struct turn_conf {
	const char *host, *secret;
	int64_t port, tls_port;
	ln_msec ttl;
};

static const struct ln_option options[] = { LN_OPTION_STRING(turn_conf, host, "turn.$host",
						"Name or address of the service."),
	LN_OPTION_INT(turn_conf, port, 3478, 1, 65535, "Its port, over UDP and TCP."),
	LN_OPTION_INT(turn_conf, tls_port, 0, 0, 65535, "Its port over TLS; 0: there is none."),
	LN_OPTION_SECRET(turn_conf, secret,
	    "The secret shared with the service; without it STUN alone is named."),
	LN_OPTION_DURATION(turn_conf, ttl, 12 * 3600 * 1000, 60 * 1000, 7 * 24 * 3600 * 1000,
	    "How long credentials are good."),
	LN_OPTION_END };

/* What there is, in the order in which it is told. */
static const struct service {
	const char *type, *transport;
	bool tls;
} services[] = {
	{ "stun", "udp", false },
	{ "turn", "udp", false },
	{ "turn", "tcp", false },
	{ "turns", "tcp", true },
};
#define SERVICES (sizeof services / sizeof *services)

static bool
needs_credentials(const struct service *service)
{
	return strcmp(service->type, "stun") != 0;
}

static bool
is_there(const struct turn_conf *conf, const struct service *service)
{
	return (!service->tls || conf->tls_port != 0) &&
	    (!needs_credentials(service) || conf->secret != NULL);
}

static int64_t
port_of(const struct turn_conf *conf, const struct service *service)
{
	return service->tls ? conf->tls_port : conf->port;
}

/*
 * draft-uberti-behave-turn-rest §2.2: the name is the end in seconds since 1970 and who it is for,
 * the password the HMAC of the name.
 */
static void
add_credentials(const struct turn_conf *conf, struct ln_elem *elem, const struct ln_jid *who)
{
	int64_t end = ln_wall() + ln_ms(conf->ttl);
	uint8_t digest[LN_SCRAM_KEY_MAX];
	char name[64 + LN_JID_MAX], password[64], stamp[LN_DATETIME_MAX];
	int len = snprintf(name, sizeof name, "%lld:%.*s", (long long)(end / 1000),
	    (int)ln_jid_bare_len(who), who->full);

	ln_scram_hmac(LN_SCRAM_SHA_1, conf->secret, strlen(conf->secret), name, (size_t)len,
	    digest);
	ln_base64_encode(digest, DIGEST_LEN, password);
	ln_set_attr(elem, "username", name);
	ln_set_attr(elem, "password", password);
	ln_set_attr(elem, "expires", ln_datetime(end, stamp));
	ln_set_attr(elem, "restricted", "1");
}

static void
add_service(const struct turn_conf *conf, struct ln_elem *parent, const struct service *service,
    const struct ln_jid *who)
{
	struct ln_elem *elem = ln_elem_add(parent, "service", NS_EXTDISCO);

	ln_set_attr(elem, "type", service->type);
	ln_set_attr(elem, "host", conf->host);
	ln_set_attrf(elem, "port", "%lld", (long long)port_of(conf, service));
	ln_set_attr(elem, "transport", service->transport);
	if (needs_credentials(service))
		add_credentials(conf, elem, who);
}

/* Credentials cost the operator traffic: they are for his own users. */
static bool
is_own(const struct ln_mod *mod, const struct ln_jid *who)
{
	return who != NULL && ln_jid_has_local(who) && ln_host_has(ln_mod_host(mod), who);
}

/* §3.1, §3.2. */
static enum ln_verdict
turn_services(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	const struct turn_conf *conf = ln_conf(mod);
	const char *type = ln_elem_attr(ev->query, "type");
	struct ln_stanza *result;
	struct ln_elem *elem;

	if (!is_own(mod, ln_from(ev->stanza)))
		return ln_refuse_as(ev->stanza, LN_ERR_FORBIDDEN, LN_ETYPE_AUTH,
		    "This is for accounts of the server.");
	result = ln_iq_result(ev->stanza);
	elem = ln_add(result, "services", NS_EXTDISCO);
	ln_set_attr(elem, "type", type);
	for (size_t i = 0; i < SERVICES; i++)
		if (is_there(conf, &services[i]) &&
		    (type == NULL || strcmp(type, services[i].type) == 0))
			add_service(conf, elem, &services[i], ln_from(ev->stanza));
	return ln_answer(ev, result);
}

static bool
is_asked_for(const struct turn_conf *conf, const struct service *service,
    const struct ln_elem *asked)
{
	const char *host = ln_elem_attr(asked, "host"), *type = ln_elem_attr(asked, "type");
	const char *port = ln_elem_attr(asked, "port");

	return is_there(conf, service) && needs_credentials(service) &&
	    strcmp(host, conf->host) == 0 && strcmp(type, service->type) == 0 &&
	    (port == NULL || strtoll(port, NULL, 10) == port_of(conf, service));
}

static bool
is_named(const struct ln_elem *asked)
{
	return ln_elem_attr(asked, "host") != NULL && ln_elem_attr(asked, "type") != NULL;
}

/* Each service once, whichever of those that are asked for it is. */
static void
add_asked_for(const struct turn_conf *conf, const struct ln_elem *query, struct ln_elem *parent,
    const struct ln_jid *who)
{
	for (size_t i = 0; i < SERVICES; i++) {
		const struct ln_elem *asked = ln_elem_child(query, "service", NS_EXTDISCO);

		while (asked != NULL && !is_asked_for(conf, &services[i], asked))
			asked = ln_elem_next_is(asked, "service", NS_EXTDISCO);
		if (asked != NULL)
			add_service(conf, parent, &services[i], who);
	}
}

/* §3.3: for services that the client knows of already. */
static enum ln_verdict
turn_credentials(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	const struct ln_elem *asked = ln_elem_child(ev->query, "service", NS_EXTDISCO);
	struct ln_stanza *result;
	struct ln_elem *elem;

	if (!is_own(mod, ln_from(ev->stanza)))
		return ln_refuse_as(ev->stanza, LN_ERR_FORBIDDEN, LN_ETYPE_AUTH,
		    "This is for accounts of the server.");
	if (asked == NULL)
		return ln_refuse(ev->stanza, LN_ERR_BAD_REQUEST, "For which service?");
	for (; asked != NULL; asked = ln_elem_next_is(asked, "service", NS_EXTDISCO))
		if (!is_named(asked))
			return ln_refuse(ev->stanza, LN_ERR_BAD_REQUEST,
			    "A service has a host and a type.");
	result = ln_iq_result(ev->stanza);
	elem = ln_add(result, "credentials", NS_EXTDISCO);
	add_asked_for(ln_conf(mod), ev->query, elem, ln_from(ev->stanza));
	if (ln_elem_first(elem) != NULL)
		return ln_answer(ev, result);
	ln_stanza_free(&result);
	return ln_refuse(ev->stanza, LN_ERR_ITEM_NOT_FOUND, "There is no such service.");
}

static const struct ln_iq_handler iq_handlers[] = { { LN_IQ_GET, LN_TO_HOST, NS_EXTDISCO,
							"services", turn_services, false },
	{ LN_IQ_GET, LN_TO_HOST, NS_EXTDISCO, "credentials", turn_credentials, false }, LN_IQ_END };

LN_MODULE(turn, .summary = "XEP-0215: STUN and TURN services for calls",
    .conf_size = sizeof(struct turn_conf), .options = options, .iq_handlers = iq_handlers,
    .features = LN_FEATURES(NS_EXTDISCO), );
