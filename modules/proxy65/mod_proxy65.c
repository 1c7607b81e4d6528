/*
 * mod_proxy65 - a proxy for SOCKS5 bytestreams (XEP-0065): tells its address,
 * and activates what both sides are connected for. The sockets are linnet/bytestream.h's.
 *
 * SPDX-License-Identifier: MIT
 */
#include <linnet/bytestream.h>
#include <linnet/credentials.h>
#include <linnet/module.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_BYTESTREAMS "http://jabber.org/protocol/bytestreams"
#define SID_MAX 128

enum { ACCESS_LOCAL, ACCESS_ALL };

struct proxy_conf {
	const char *host, *address;
	int64_t port, rate, max_size, per_user, per_address;
	ln_msec idle;
	int access;
};

static const struct ln_name access_names[] = { { "local", ACCESS_LOCAL, NULL },
	{ "all", ACCESS_ALL, NULL }, LN_NAME_END };

static const struct ln_option options[] = { LN_OPTION_DOMAIN(proxy_conf, host, "proxy.$host",
						"The service's own domain."),
	LN_OPTION_STRING(proxy_conf, address, "$host", "Name or address that clients connect to."),
	LN_OPTION_INT(proxy_conf, port, 7625, 1, 65535, "Its port, opened on every address.",
	    .flags = LN_RESTART),
	LN_OPTION_ENUM(proxy_conf, access, access_names, ACCESS_LOCAL,
	    "Who may use it: accounts of the host, or all."),
	LN_OPTION_SIZE(proxy_conf, rate, LN_OFF, 1024, INT64_C(1) << 40,
	    "Bytes a second of one stream; off: any.", .flags = LN_MAY_BE_OFF),
	LN_OPTION_SIZE(proxy_conf, max_size, LN_OFF, 1024, INT64_C(1) << 50,
	    "Bytes of one stream; off: any.", .flags = LN_MAY_BE_OFF),
	LN_OPTION_INT(proxy_conf, per_user, 20, 1, 100000,
	    "Open streams that one account may have activated."),
	LN_OPTION_INT(proxy_conf, per_address, 50, 2, 100000,
	    "Connections of one address that are active, or wait to be."),
	LN_OPTION_DURATION(proxy_conf, idle, 5 * 60 * 1000, 1000, 24 * 3600 * 1000,
	    "A stream on which nothing moves for so long ends."),
	LN_OPTION_END };

static bool
may_use(const struct ln_mod *mod, const struct ln_jid *who)
{
	const struct proxy_conf *conf = ln_conf(mod);

	return who != NULL && (conf->access == ACCESS_ALL || ln_host_has(ln_mod_host(mod), who));
}

/* §4. */
static enum ln_verdict
proxy_address(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	const struct proxy_conf *conf = ln_conf(mod);
	struct ln_stanza *result;
	struct ln_elem *elem;

	if (!may_use(mod, ln_from(ev->stanza)))
		return ln_refuse_as(ev->stanza, LN_ERR_FORBIDDEN, LN_ETYPE_AUTH,
		    "This is for accounts of the server.");
	result = ln_iq_result(ev->stanza);
	elem = ln_elem_add(ln_add(result, "query", NS_BYTESTREAMS), "streamhost", NS_BYTESTREAMS);
	ln_set_attr(elem, "jid", ln_host_name(ev->host));
	ln_set_attr(elem, "host", conf->address);
	ln_set_attrf(elem, "port", "%lld", (long long)conf->port);
	return ln_answer(ev, result);
}

/* SHA-1 of the stream's id and both addresses, in hexadecimal digits (§6.3.2). */
static void
make_address(const char *sid, const struct ln_jid *requester, const struct ln_jid *target,
    char address[LN_BYTESTREAM_ADDRESS + 1])
{
	char text[SID_MAX + 2 * LN_JID_MAX + 1];
	uint8_t digest[LN_SCRAM_KEY_MAX];
	int len = snprintf(text, sizeof text, "%s%.*s%.*s", sid, (int)ln_jid_len(requester),
	    requester->full, (int)ln_jid_len(target), target->full);

	ln_scram_digest(LN_SCRAM_SHA_1, text, (size_t)len, digest);
	for (size_t i = 0; i < LN_BYTESTREAM_ADDRESS / 2; i++)
		snprintf(address + 2 * i, 3, "%02x", digest[i]);
}

/* §6.3.6: the requester alone can name the address that both sides have. */
static void
activated(enum ln_bytestream_outcome outcome, void *arg)
{
	struct ln_token *token = arg;

	if (outcome == LN_BYTESTREAM_ACTIVE)
		ln_token_answer(&token, ln_iq_result(ln_token_request(token)));
	else if (outcome == LN_BYTESTREAM_TOO_MANY)
		ln_token_refuse(&token, LN_ERR_RESOURCE_CONSTRAINT, "You have too many open.");
	else if (outcome == LN_BYTESTREAM_CROWDED)
		ln_token_refuse(&token, LN_ERR_RESOURCE_CONSTRAINT,
		    "One address has too many open.");
	else if (outcome == LN_BYTESTREAM_ALONE)
		ln_token_refuse(&token, LN_ERR_NOT_ALLOWED, "One side is not connected.");
	else
		ln_token_refuse(&token, LN_ERR_ITEM_NOT_FOUND, "Nobody is connected for it.");
}

static enum ln_verdict
proxy_activate(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	const struct proxy_conf *conf = ln_conf(mod);
	struct ln_bytestream_limits limits = { conf->rate, conf->max_size, ln_ms(conf->idle), NULL,
		(unsigned)conf->per_user, conf->host, (unsigned)conf->per_address };
	char owner[LN_JID_MAX + 1];
	const char *sid = ln_elem_attr(ev->query, "sid");
	const char *text = ln_elem_child_text(ev->query, "activate", NS_BYTESTREAMS);
	char address[LN_BYTESTREAM_ADDRESS + 1];
	struct ln_token *token;
	struct ln_jid target;

	if (!may_use(mod, ln_from(ev->stanza)))
		return ln_refuse_as(ev->stanza, LN_ERR_FORBIDDEN, LN_ETYPE_AUTH,
		    "This is for accounts of the server.");
	if (sid == NULL || *sid == '\0' || strlen(sid) > SID_MAX || text == NULL)
		return ln_refuse(ev->stanza, LN_ERR_BAD_REQUEST, "Which stream, and with whom?");
	if (ln_jid_parse(ln_stanza_arena(ev->stanza), text, strlen(text), &target) != LN_JID_OK)
		return ln_refuse(ev->stanza, LN_ERR_JID_MALFORMED, "That is no address.");
	make_address(sid, ln_from(ev->stanza), &target, address);
	snprintf(owner, sizeof owner, "%.*s", (int)ln_jid_bare_len(ln_from(ev->stanza)),
	    ln_from(ev->stanza)->full);
	limits.owner = owner;
	ln_later(ev, mod, &token);
	ln_bytestream_activate(address, &limits, activated, token);
	return LN_DONE;
}

static bool
proxy_start(const struct ln_mod *mod, char *message, size_t room)
{
	const struct proxy_conf *conf = ln_conf(mod);

	return ln_bytestream_listen((uint16_t)conf->port, conf->host, (unsigned)conf->per_address,
	    message, room);
}

static void
proxy_stop(const struct ln_mod *mod)
{
	const struct proxy_conf *conf = ln_conf(mod);

	ln_bytestream_unlisten((uint16_t)conf->port, conf->host);
}

static void
proxy_reloaded(const struct ln_mod *mod, struct ln_ev_config_reloaded *ev)
{
	const struct proxy_conf *conf = ln_conf(mod);

	(void)ev;
	ln_bytestream_allow((uint16_t)conf->port, conf->host, (unsigned)conf->per_address);
}

static const char *
proxy_domain(const void *conf)
{
	return ((const struct proxy_conf *)conf)->host;
}

static const struct ln_iq_handler iq_handlers[] = { { LN_IQ_GET, LN_TO_HOST, NS_BYTESTREAMS,
							"query", proxy_address, false },
	{ LN_IQ_SET, LN_TO_HOST, NS_BYTESTREAMS, "query", proxy_activate, false }, LN_IQ_END };

static const struct ln_hook hooks[] = { LN_ON(config_reloaded, LN_PRIO_DEFAULT, proxy_reloaded),
	LN_HOOK_END };

static const struct ln_identity identities[] = { { "proxy", "bytestreams", "SOCKS5 Bytestreams" },
	{ NULL, NULL, NULL } };

LN_MODULE(proxy65, .summary = "XEP-0065: SOCKS5 Bytestreams", .scope = LN_SCOPE_COMPONENT,
    .domain = proxy_domain, .conf_size = sizeof(struct proxy_conf), .options = options,
    .hooks = hooks, .iq_handlers = iq_handlers, .features = LN_FEATURES(NS_BYTESTREAMS),
    .identities = identities, .start = proxy_start, .stop = proxy_stop, );
