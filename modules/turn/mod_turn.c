/*
 * mod_turn - services for calls (XEP-0215): STUN, and TURN with credentials
 * that are made from a secret shared with the service and the time of their end.
 *
 * A session that has asked is told when a reload changes the answer.
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

/* What a session may ask for: all, or those of one type. */
static const char *const questions[] = { NULL, "stun", "turn", "turns" };
#define QUESTIONS (sizeof questions / sizeof *questions)

/* What the session was told, for as long as it does not ask again. */
struct told {
	int64_t port, tls_port;
	bool secret;
	uint8_t mark[DIGEST_LEN]; /* of the secret */
	char host[];
};

struct turn_session {
	bool asked[QUESTIONS];
	struct told *told; /* NULL: it has not asked */
};

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

static struct ln_elem *
add_name(struct ln_elem *parent, const struct service *service, const char *host, int64_t port)
{
	struct ln_elem *elem = ln_elem_add(parent, "service", NS_EXTDISCO);

	ln_set_attr(elem, "type", service->type);
	ln_set_attr(elem, "host", host);
	ln_set_attrf(elem, "port", "%lld", (long long)port);
	ln_set_attr(elem, "transport", service->transport);
	return elem;
}

static struct ln_elem *
add_service(const struct turn_conf *conf, struct ln_elem *parent, const struct service *service,
    const struct ln_jid *who)
{
	struct ln_elem *elem = add_name(parent, service, conf->host, port_of(conf, service));

	if (needs_credentials(service))
		add_credentials(conf, elem, who);
	return elem;
}

/* Credentials cost the operator traffic: they are for his own users. */
static bool
is_own(const struct ln_mod *mod, const struct ln_jid *who)
{
	return who != NULL && ln_jid_has_local(who) && ln_host_has(ln_mod_host(mod), who);
}

static bool
is_of(const struct service *service, const char *type)
{
	return type == NULL || strcmp(type, service->type) == 0;
}

static void
make_mark(const struct turn_conf *conf, uint8_t mark[DIGEST_LEN])
{
	uint8_t digest[LN_SCRAM_KEY_MAX] = { 0 };

	if (conf->secret != NULL)
		ln_scram_digest(LN_SCRAM_SHA_1, conf->secret, strlen(conf->secret), digest);
	memcpy(mark, digest, DIGEST_LEN);
}

static void
keep_told(struct turn_session *session, const struct turn_conf *conf)
{
	size_t len = strlen(conf->host) + 1;
	struct told *told = calloc(1, sizeof *told + len);

	if (told == NULL)
		abort();
	told->port = conf->port;
	told->tls_port = conf->tls_port;
	told->secret = conf->secret != NULL;
	make_mark(conf, told->mark);
	memcpy(told->host, conf->host, len);
	free(session->told);
	session->told = told;
}

static void
remember_question(const struct ln_mod *mod, struct ln_session *asker, const char *type)
{
	struct turn_session *session = asker != NULL ? ln_session_state(mod, asker) : NULL;

	for (size_t i = 0; session != NULL && i < QUESTIONS; i++) {
		if (type == NULL ? i > 0 : questions[i] == NULL || strcmp(type, questions[i]) != 0)
			continue;
		session->asked[i] = true;
		keep_told(session, ln_conf(mod));
	}
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
		if (is_there(conf, &services[i]) && is_of(&services[i], type))
			add_service(conf, elem, &services[i], ln_from(ev->stanza));
	remember_question(mod, ev->session, type);
	return ln_answer(ev, result);
}

/* --- pushes (§3.2) ------------------------------------------------------------------------------ */

static void
add_changes(const struct turn_conf *conf, const struct told *told, const struct service *service,
    struct ln_elem *parent, const struct ln_jid *who)
{
	const struct turn_conf before = { .secret = told->secret ? "" : NULL,
		.port = told->port,
		.tls_port = told->tls_port };
	bool was = is_there(&before, service), is = is_there(conf, service);
	int64_t port = port_of(&before, service);
	bool same =
	    was && is && strcmp(told->host, conf->host) == 0 && port == port_of(conf, service);
	uint8_t mark[DIGEST_LEN];

	make_mark(conf, mark);
	if (was && !same)
		ln_set_attr(add_name(parent, service, told->host, port), "action", "delete");
	if (is && !same)
		ln_set_attr(add_service(conf, parent, service, who), "action", "add");
	if (same && needs_credentials(service) && memcmp(mark, told->mark, DIGEST_LEN) != 0)
		ln_set_attr(add_service(conf, parent, service, who), "action", "modify");
}

static void
push_changes(const struct ln_mod *mod, struct ln_session *session, const struct told *told,
    const char *type)
{
	const struct ln_jid *who = ln_session_jid(session);
	struct ln_stanza *push = ln_stanza_new(LN_IQ, LN_SET, ln_host_jid(ln_mod_host(mod)), who);
	struct ln_elem *elem = ln_add(push, "services", NS_EXTDISCO);

	ln_make_id(push);
	ln_set_attr(elem, "type", type);
	for (size_t i = 0; i < SERVICES; i++)
		if (is_of(&services[i], type))
			add_changes(ln_conf(mod), told, &services[i], elem, who);
	if (ln_elem_first(elem) != NULL)
		ln_session_send(session, push);
	else
		ln_stanza_free(&push);
}

static void
turn_reloaded(const struct ln_mod *mod, struct ln_ev_account_reloaded *ev)
{
	struct ln_session *session = ln_session_first(ev->account);

	for (; session != NULL; session = ln_session_next(session)) {
		struct turn_session *state = ln_session_state(mod, session);

		if (state == NULL || state->told == NULL)
			continue;
		for (size_t i = 0; i < QUESTIONS; i++)
			if (state->asked[i])
				push_changes(mod, session, state->told, questions[i]);
		keep_told(state, ln_conf(mod));
	}
}

static void
turn_close(const struct ln_mod *mod, struct ln_session *session)
{
	struct turn_session *state = ln_session_state(mod, session);

	free(state->told);
}

/* --- credentials -------------------------------------------------------------------------------- */

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

static const struct ln_hook hooks[] = { LN_ON(account_reloaded, LN_PRIO_DEFAULT, turn_reloaded),
	LN_HOOK_END };

LN_MODULE(turn, .summary = "XEP-0215: STUN and TURN services for calls",
    .conf_size = sizeof(struct turn_conf), .options = options, .iq_handlers = iq_handlers,
    .hooks = hooks, .session_size = sizeof(struct turn_session), .session_close = turn_close,
    .features = LN_FEATURES(NS_EXTDISCO), );
