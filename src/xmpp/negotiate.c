/*
 * The negotiation of a client's stream: one table of what each state takes.
 * `check` answers what must not pass and says no; then the state changes and
 * `act` runs, which may change it further. Whatever has no row ends the stream:
 * a stanza before its time is not-authorized (RFC 6120 §6.4.1, §7.1), anything
 * else unsupported-stanza-type.
 *
 * negotiation_to() may set off what the peer has sent meanwhile, so it is the
 * last thing a function does.
 *
 * SPDX-License-Identifier: MIT
 */
#include "xmpp/negotiate.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "core/router.h"
#include "net/tls.h"
#include "xmpp/early.h"
#include "xmpp/sasl.h"

#define EARLY_BYTES_MAX (128 * 1024) /* of a client that has not logged in */

static const char *
state_name(enum negotiation_state state)
{
	static const char *const names[] = {
#define X(name) #name,
		NEGOTIATION_STATES(X)
#undef X
	};

	return names[state];
}

static bool
state_waits(enum negotiation_state state)
{
	return state == NEGOTIATION_WAITING || state == NEGOTIATION_ASKED ||
	    state == NEGOTIATION_BINDS;
}

void
negotiation_to(struct client *client, enum negotiation_state state)
{
	struct negotiation *negotiation = client->negotiation;

	if (client->stream.ending)
		return;
	log_debug("stream", "conn=%llu %s -> %s", (unsigned long long)conn_id(client->stream.conn),
	    state_name(negotiation->state), state_name(state));
	negotiation->state = state;
	if (state_waits(state))
		stream_pause(&client->stream, STREAM_PAUSE_WAIT);
	else
		stream_go_on(&client->stream, STREAM_PAUSE_WAIT);
}

static void
limit_elements(struct client *client, size_t bytes)
{
	struct parser_limits limits = PARSER_LIMITS_AFTER_LOGIN;

	limits.bytes = bytes;
	parser_set_limits(client->stream.parser, &limits);
}

void
negotiation_begin(struct client *client, bool direct_tls)
{
	const struct core_conf *conf = client_conf();

	client->negotiation = xcalloc(1, sizeof *client->negotiation);
	client->negotiation->arena = arena_new(256);
	client->negotiation->direct_tls = direct_tls;
	client->stream.lean = true; /* many log in at once; each expat parser is 10 KiB */
	client->negotiation->state = direct_tls ? NEGOTIATION_HANDSHAKE : NEGOTIATION_HEADER;
	limit_elements(client, conf->stanza_max_early);
	stream_deadline(&client->stream, conf->auth_timeout_ms);
}

void
negotiation_free(struct client *client)
{
	if (client->negotiation == NULL)
		return;
	sasl_end(client);
	arena_free(&client->negotiation->arena);
	free(client->negotiation);
	client->negotiation = NULL;
}

static bool
authenticated(const struct client *client)
{
	return client->jid.full != NULL;
}

/* --- the header --------------------------------------------------------------------- */

/* "1.0" or any later one; 0.9, which has no features, is not spoken here (RFC 6120 §4.7.5). */
static bool
version_is_good(const char *version)
{
	size_t major = version != NULL ? strspn(version, "0123456789") : 0;

	if (major == 0 || version[major] != '.' || strspn(version, "0") >= major)
		return false;
	version += major + 1;
	return *version != '\0' && version[strspn(version, "0123456789")] == '\0';
}

/* The address that the header says it comes from; NULL if it says none, or none that is one. */
static const char *
header_from(struct arena *arena, const char *from, struct ln_jid *jid_r)
{
	if (from == NULL || ln_jid_parse(arena, from, strlen(from), jid_r) != LN_JID_OK)
		return NULL;
	return jid_r->full;
}

static bool
check_host(struct client *client, const char *to)
{
	struct negotiation *negotiation = client->negotiation;
	const char *domain;

	if (to == NULL ||
	    ln_jid_prepare_domain(negotiation->arena, to, strlen(to), &domain) != LN_JID_OK) {
		stream_fail(&client->stream, STREAM_IMPROPER_ADDRESSING,
		    to == NULL ? "the header has no 'to'" : "the header's 'to' is no domain");
		return false;
	}
	if (host_with_accounts(domain, strlen(domain)) == NULL) {
		stream_fail(&client->stream, STREAM_HOST_UNKNOWN, NULL);
		return false;
	}
	negotiation->host = domain;
	return true;
}

/* After SASL the header has to be that of the account. */
static bool
check_account(struct client *client, const struct ln_jid *from)
{
	if (!ln_jid_in_domain(&client->jid, client->negotiation->host)) {
		stream_fail(&client->stream, STREAM_NOT_AUTHORIZED, "logged in to another host");
		return false;
	}
	if (client->negotiation->from != NULL && !ln_jid_same_bare(from, &client->jid)) {
		stream_fail(&client->stream, STREAM_INVALID_FROM, NULL);
		return false;
	}
	return true;
}

static bool
check_header(struct client *client, const struct parser_header *header)
{
	struct negotiation *negotiation = client->negotiation;
	struct ln_jid from;

	negotiation->from = header_from(negotiation->arena, header->from, &from);
	if (header->lang != NULL && header->lang[0] != '\0' &&
	    strlen(header->lang) <= STREAM_LANG_MAX)
		negotiation->lang = arena_strdup(negotiation->arena, header->lang);
	if (!ln_ns_same(header->content_ns, NS_CLIENT)) {
		stream_fail(&client->stream, STREAM_INVALID_NAMESPACE,
		    "the default namespace is not jabber:client");
		return false;
	}
	if (!check_host(client, header->to))
		return false;
	if (!version_is_good(header->version)) {
		stream_fail(&client->stream, STREAM_UNSUPPORTED_VERSION, NULL);
		return false;
	}
	return !authenticated(client) || check_account(client, &from);
}

/* What an earlier header left is forgotten. */
static void
forget(struct negotiation *negotiation)
{
	arena_free(&negotiation->arena);
	negotiation->arena = arena_new(512);
	negotiation->host = negotiation->lang = negotiation->from = NULL;
	negotiation->request = negotiation->success = NULL;
	negotiation->offer = NULL;
}

void
negotiation_header(struct client *client, const struct parser_header *header)
{
	forget(client->negotiation);
	if (!check_header(client, header))
		return;
	negotiation_answer(client);
	if (!authenticated(client))
		sasl_offer(client);
	features_send(client);
	negotiation_to(client, authenticated(client) ? NEGOTIATION_BINDING : NEGOTIATION_OFFERED);
}

/* A host of ours to speak for where the peer has not named one. */
static const char *
some_host(void)
{
	const struct ln_host *host = snapshot_current()->hosts;

	return host != NULL ? host->name : NULL;
}

void
negotiation_answer(struct client *client)
{
	const struct negotiation *negotiation = client->negotiation;
	const struct stream_header header = {
		.content_ns = NS_CLIENT,
		.from = negotiation->host != NULL ? negotiation->host : some_host(),
		.to = negotiation->from,
	};

	stream_header(&client->stream, &header, NULL);
}

/* --- TLS ------------------------------------------------------------------------------ */

static bool
check_starttls(struct client *client, const struct ln_elem *elem)
{
	(void)elem;
	if (!stream_secure(&client->stream) && client_conf()->tls != NULL)
		return true;
	stream_send_text(&client->stream, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	stream_close(&client->stream);
	conn_close(client->stream.conn, CONN_PROTOCOL, true); /* RFC 6120 §5.4.2.2 */
	return false;
}

static void
act_starttls(struct client *client, const struct ln_elem *elem)
{
	const struct conn_tls_params params = {
		.ask_certificate = sasl_wants_certificate(client_host(client)),
		.host = client->negotiation->host,
	};

	(void)elem;
	stream_send_text(&client->stream, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	stream_start_tls(&client->stream, client_conf()->tls, &params);
}

void
negotiation_secured(struct client *client)
{
	negotiation_to(client, NEGOTIATION_HEADER);
}

/* --- SASL: see sasl.c -------------------------------------------------------------------- */

void
negotiation_authenticated(struct client *client, const char *username)
{
	struct negotiation *negotiation = client->negotiation;
	struct ln_jid jid;
	struct worker *home;

	if (ln_jid_make(negotiation->arena, username, negotiation->host, NULL, &jid) != LN_JID_OK) {
		stream_fail(&client->stream, STREAM_INTERNAL_SERVER_ERROR, NULL);
		return;
	}
	ln_jid_copy(&client->jid, &jid);
	client_uncount(client);
	home = router_home(&client->jid);
	if (home == worker_current())
		negotiation_at_home(client);
	else
		stream_move(&client->stream, home);
}

void
negotiation_at_home(struct client *client)
{
	const struct core_conf *conf = client_conf();

	sasl_success(client);
	stream_restart(&client->stream);
	client->stream.rate = conf->c2s_rate;
	limit_elements(client, conf->stanza_max);
	stream_deadline(&client->stream, conf->auth_timeout_ms);
	negotiation_to(client, NEGOTIATION_REOPENED);
}

/* --- the table ---------------------------------------------------------------------------- */

static const struct row {
	enum negotiation_state state;
	const char *element, *ns;
	bool (*check)(struct client *client, const struct ln_elem *elem);
	void (*act)(struct client *client, const struct ln_elem *elem);
	enum negotiation_state next;
} rows[] = {
	{ NEGOTIATION_OFFERED, "starttls", NS_TLS, check_starttls, act_starttls,
	    NEGOTIATION_HANDSHAKE },
	{ NEGOTIATION_OFFERED, "auth", NS_SASL, NULL, sasl_auth, NEGOTIATION_WAITING },
	{ NEGOTIATION_OFFERED, "response", NS_SASL, NULL, sasl_unexpected, NEGOTIATION_WAITING },
	{ NEGOTIATION_OFFERED, "abort", NS_SASL, NULL, sasl_abort, NEGOTIATION_WAITING },
	{ NEGOTIATION_OFFERED, "iq", NS_CLIENT, early_check_request, early_act_request,
	    NEGOTIATION_ASKED },
	{ NEGOTIATION_EXCHANGE, "response", NS_SASL, NULL, sasl_response, NEGOTIATION_WAITING },
	{ NEGOTIATION_EXCHANGE, "abort", NS_SASL, NULL, sasl_abort, NEGOTIATION_WAITING },
	{ NEGOTIATION_EXCHANGE, "auth", NS_SASL, NULL, sasl_unexpected, NEGOTIATION_WAITING },
	{ NEGOTIATION_BINDING, "iq", NS_CLIENT, early_check_bind, early_act_bind,
	    NEGOTIATION_BINDS },
	{ NEGOTIATION_BINDING, "resume", NS_SM, early_check_resume, early_act_resume,
	    NEGOTIATION_BINDS },
	{ NEGOTIATION_BINDING, "enable", NS_SM, NULL, early_act_enable, NEGOTIATION_BINDING },
	{ NEGOTIATION_BINDING, "r", NS_SM, NULL, early_act_enable, NEGOTIATION_BINDING },
};

static const struct row *
find_row(enum negotiation_state state, const struct ln_elem *elem)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].state == state && ln_elem_is(elem, rows[i].element, rows[i].ns))
			return &rows[i];
	return NULL;
}

static bool
is_stanza(const struct ln_elem *elem)
{
	return ln_elem_is(elem, "message", NS_CLIENT) || ln_elem_is(elem, "presence", NS_CLIENT) ||
	    ln_elem_is(elem, "iq", NS_CLIENT);
}

static void
refuse(struct client *client, const struct ln_elem *elem)
{
	if (is_stanza(elem))
		stream_fail(&client->stream, STREAM_NOT_AUTHORIZED,
		    authenticated(client) ? "a stanza before binding" : EARLY_STANZA);
	else
		stream_fail(&client->stream, STREAM_UNSUPPORTED_STANZA_TYPE, NULL);
}

void
negotiation_element(struct client *client, struct arena *arena, struct ln_elem *elem)
{
	const struct row *row = find_row(client->negotiation->state, elem);

	if (!authenticated(client) && conn_received(client->stream.conn) > EARLY_BYTES_MAX) {
		stream_fail(&client->stream, STREAM_POLICY_VIOLATION,
		    "too many bytes before logging in");
	} else if (row == NULL) {
		refuse(client, elem);
	} else if (row->check == NULL || row->check(client, elem)) {
		negotiation_to(client, row->next);
		row->act(client, elem);
	}
	arena_free(&arena);
}

void
negotiation_deadline(struct client *client)
{
	stream_fail(&client->stream, STREAM_CONNECTION_TIMEOUT,
	    authenticated(client) ? "no session in time" : "no login in time");
}
