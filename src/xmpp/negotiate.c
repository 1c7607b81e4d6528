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
#include "core/iq.h"
#include "core/router.h"
#include "net/tls.h"
#include "xml/writer.h"
#include "xmpp/sasl.h"

#define EARLY_BYTES_MAX (128 * 1024) /* of a client that has not logged in */
#define EARLY_REQUESTS_MAX 10        /* before login */
#define BIND_FAILURES_MAX 10
#define BEFORE_LOGIN "a stanza before logging in"
#define BIND_MS 60000 /* for the session's answer */

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
	if (header->lang != NULL && header->lang[0] != '\0')
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

/* --- iq before its time --------------------------------------------------------------------- */

static void
iq_open(struct buf *out, const char *type, const char *id)
{
	writer_open(out, "iq");
	writer_attr(out, "type", type);
	writer_attr(out, "id", id);
	writer_content(out);
}

static const char *
error_type_name(enum ln_error_type type)
{
	static const char *const names[] = { "auth", "cancel", "continue", "modify", "wait" };

	return names[type];
}

static void
iq_error(struct client *client, const char *id, enum ln_error error, const char *text)
{
	struct buf *out = stream_out();

	iq_open(out, "error", id);
	buf_printf(out, "<error type='%s'><%s xmlns='%s'/>", error_type_name(ln_error_type(error)),
	    ln_error_name(error), NS_STANZAS);
	if (text != NULL) {
		buf_printf(out, "<text xmlns='%s' xml:lang='en'>", NS_STANZAS);
		writer_text(out, text, strlen(text));
		buf_add_text(out, "</text>");
	}
	buf_add_text(out, "</error></iq>");
	stream_flush(&client->stream, out);
}

static bool
iq_is(const struct ln_elem *iq, const char *type)
{
	const char *is = ln_elem_attr(iq, "type");

	return is != NULL && strcmp(is, type) == 0;
}

/* Without address, or to the host of the stream. */
static bool
addressed_to_host(struct client *client, const struct ln_elem *iq)
{
	const char *to = ln_elem_attr(iq, "to"), *domain;

	return to == NULL ||
	    (ln_jid_prepare_domain(client->negotiation->arena, to, strlen(to), &domain) ==
		    LN_JID_OK &&
		strcmp(domain, client->negotiation->host) == 0);
}

/* A module's row answers, if there is one; the answer comes to negotiation_answered(). */
static bool
ask_modules(struct client *client, struct ln_stanza *st)
{
	char address[NETADDR_TEXT_MAX], network[2 * NETADDR_KEY_MAX + 1];
	const struct ln_early early = {
		.address = client_address(client, address),
		.network = client_network(client, network),
		.secure = stream_secure(&client->stream),
	};

	ln_set_from(st, NULL);
	st->port = client->port.id;
	client->negotiation->asked_set = ln_type(st) == LN_SET;
	return iq_before_login(client_host(client), &early, st);
}

/* Logging in as before 2004 (XEP-0078) is told that it is not done here. */
static bool
is_legacy(const struct ln_elem *iq)
{
	const struct ln_elem *query = ln_elem_first(iq);

	return query != NULL && ln_elem_is(query, "query", "jabber:iq:auth");
}

static bool
check_early(struct client *client, const struct ln_elem *iq)
{
	struct negotiation *negotiation = client->negotiation;
	bool may_ask = stream_secure(&client->stream) || !client_rules(client)->tls_required;

	if (!(iq_is(iq, "get") || iq_is(iq, "set")) || !addressed_to_host(client, iq))
		stream_fail(&client->stream, STREAM_NOT_AUTHORIZED, BEFORE_LOGIN);
	else if (is_legacy(iq))
		iq_error(client, ln_elem_attr(iq, "id"), LN_ERR_NOT_ALLOWED, "use SASL to log in");
	else if (!may_ask)
		stream_fail(&client->stream, STREAM_NOT_AUTHORIZED, BEFORE_LOGIN);
	else if (++negotiation->early_count > EARLY_REQUESTS_MAX)
		stream_fail(&client->stream, STREAM_POLICY_VIOLATION,
		    "too many requests before logging in");
	else if (negotiation->settled && iq_is(iq, "set"))
		iq_error(client, ln_elem_attr(iq, "id"), LN_ERR_NOT_ACCEPTABLE,
		    "you have what you asked for: log in");
	else
		return true;
	return false;
}

static void
act_early(struct client *client, const struct ln_elem *iq)
{
	struct ln_stanza *st = ln_stanza_from_elem(iq);

	if (st == NULL) {
		iq_error(client, ln_elem_attr(iq, "id"), LN_ERR_BAD_REQUEST, NULL);
		negotiation_to(client, NEGOTIATION_OFFERED);
	} else if (!ask_modules(client, st)) {
		ln_stanza_free(&st);
		stream_fail(&client->stream, STREAM_NOT_AUTHORIZED, BEFORE_LOGIN);
	}
}

void
negotiation_answered(struct client *client, struct ln_stanza *st)
{
	struct negotiation *negotiation = client->negotiation;
	struct buf *out;

	if (negotiation == NULL || negotiation->state != NEGOTIATION_ASKED)
		return;
	out = stream_out();
	stanza_write_stream(st, out, NS_CLIENT, "en");
	stream_flush(&client->stream, out);
	if (negotiation->asked_set && ln_type(st) == LN_RESULT)
		negotiation->settled = true;
	negotiation_to(client, NEGOTIATION_OFFERED);
}

/* --- binding ------------------------------------------------------------------------------ */

/* Is the iq for this server: without address, to the host, or to the account? */
static bool
addressed_here(struct client *client, const struct ln_elem *iq)
{
	const char *to = ln_elem_attr(iq, "to");
	struct ln_jid jid;

	if (to == NULL)
		return true;
	if (ln_jid_parse(client->negotiation->arena, to, strlen(to), &jid) != LN_JID_OK)
		return false;
	return ln_jid_is_bare(&jid) && ln_jid_same_domain(&jid, &client->jid) &&
	    (!ln_jid_has_local(&jid) || ln_jid_same_bare(&jid, &client->jid));
}

static unsigned
count_children(const struct ln_elem *parent, const char *name, const char *ns)
{
	const struct ln_elem *child = ln_elem_child(parent, name, ns);
	unsigned count = 0;

	for (; child != NULL; child = ln_elem_next_is(child, name, ns))
		count++;
	return count;
}

static bool
check_bind(struct client *client, const struct ln_elem *iq)
{
	const struct ln_elem *bind = ln_elem_child(iq, "bind", NS_BIND);

	if (bind == NULL || !addressed_here(client, iq)) {
		stream_fail(&client->stream, STREAM_NOT_AUTHORIZED, "a stanza before binding");
		return false;
	}
	if (iq_is(iq, "set") && ln_elem_attr(iq, "id") != NULL &&
	    count_children(bind, "resource", NS_BIND) <= 1)
		return true;
	iq_error(client, ln_elem_attr(iq, "id"), LN_ERR_BAD_REQUEST, NULL);
	return false;
}

/* Something for the session that is to be. */
static struct up *
ask_session(struct client *client, enum up_kind kind)
{
	struct up *up = up_new(kind, &client->jid);

	up->port = port_ref(&client->port);
	stream_deadline(&client->stream, BIND_MS);
	return up;
}

static void
act_bind(struct client *client, const struct ln_elem *iq)
{
	const struct ln_elem *bind = ln_elem_child(iq, "bind", NS_BIND);
	const char *resource = ln_elem_child_text(bind, "resource", NS_BIND);
	struct negotiation *negotiation = client->negotiation;
	struct up *up = ask_session(client, UP_BIND);
	char address[NETADDR_TEXT_MAX];

	negotiation->request = arena_strdup(negotiation->arena, ln_elem_attr(iq, "id"));
	if (resource != NULL && resource[0] != '\0')
		up->bind.resource = arena_strdup(up_arena(up), resource);
	up->bind.address = arena_strdup(up_arena(up), client_address(client, address));
	if (negotiation->lang != NULL)
		up->bind.lang = arena_strdup(up_arena(up), negotiation->lang);
	up->bind.secure = stream_secure(&client->stream);
	up_post(&up);
}

static bool
check_resume(struct client *client, const struct ln_elem *elem)
{
	uint32_t h;

	if (ln_elem_attr(elem, "previd") != NULL && sm_number(ln_elem_attr(elem, "h"), &h))
		return true;
	sm_failed(client, LN_ERR_BAD_REQUEST, false, 0);
	return false;
}

static void
act_resume(struct client *client, const struct ln_elem *elem)
{
	struct up *up = ask_session(client, UP_RESUME);
	char address[NETADDR_TEXT_MAX];

	up->resume.previd = arena_strdup(up_arena(up), ln_elem_attr(elem, "previd"));
	sm_number(ln_elem_attr(elem, "h"), &up->resume.h);
	up->resume.address = arena_strdup(up_arena(up), client_address(client, address));
	up->resume.secure = stream_secure(&client->stream);
	up_post(&up);
}

static void
act_enable_early(struct client *client, const struct ln_elem *elem)
{
	(void)elem;
	sm_failed(client, LN_ERR_UNEXPECTED_REQUEST, false, 0);
}

/* From here on stanzas flow. */
static void
establish(struct client *client, uint64_t session, const struct ln_jid *jid)
{
	ln_jid_free(&client->jid);
	ln_jid_copy(&client->jid, jid);
	client->session = session;
	client->stream.lean = false;
	negotiation_free(client);
	stream_deadline(&client->stream, 0);
}

/* Another try at binding is allowed, up to a point. */
static void
bind_again(struct client *client)
{
	if (++client->negotiation->failures >= BIND_FAILURES_MAX) {
		stream_fail(&client->stream, STREAM_POLICY_VIOLATION, "too many failed requests");
		return;
	}
	stream_deadline(&client->stream, client_conf()->auth_timeout_ms);
	negotiation_to(client, NEGOTIATION_BINDING);
}

void
negotiation_bound(struct client *client, const struct port_bound *bound)
{
	struct buf *out;

	if (bound->jid == NULL) {
		iq_error(client, client->negotiation->request, bound->error, bound->text);
		bind_again(client);
		return;
	}
	out = stream_out();
	iq_open(out, "result", client->negotiation->request);
	buf_printf(out, "<bind xmlns='%s'><jid>", NS_BIND);
	writer_text(out, bound->jid->full, ln_jid_len(bound->jid));
	buf_add_text(out, "</jid></bind></iq>");
	stream_flush(&client->stream, out);
	establish(client, bound->session, bound->jid);
	client_log(client, LOG_LEVEL_INFO, "session bound");
	stream_go_on(&client->stream, STREAM_PAUSE_WAIT);
}

void
negotiation_resumed(struct client *client, const struct port_resumed *resumed)
{
	struct buf *out = stream_out();

	writer_open(out, "resumed");
	writer_attr(out, "xmlns", NS_SM);
	writer_attr(out, "previd", resumed->previd);
	buf_printf(out, " h='%u'", resumed->h);
	writer_close(out, "resumed", NULL, 0);
	stream_flush(&client->stream, out);
	client->acks = client->wants_acks = true;
	establish(client, resumed->session, resumed->jid);
	client_log(client, LOG_LEVEL_INFO, "session resumed");
	stream_go_on(&client->stream, STREAM_PAUSE_WAIT);
}

void
negotiation_not_resumed(struct client *client, enum ln_error condition, bool h_valid, uint32_t h)
{
	sm_failed(client, condition, h_valid, h);
	bind_again(client);
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
	{ NEGOTIATION_OFFERED, "iq", NS_CLIENT, check_early, act_early, NEGOTIATION_ASKED },
	{ NEGOTIATION_EXCHANGE, "response", NS_SASL, NULL, sasl_response, NEGOTIATION_WAITING },
	{ NEGOTIATION_EXCHANGE, "abort", NS_SASL, NULL, sasl_abort, NEGOTIATION_WAITING },
	{ NEGOTIATION_EXCHANGE, "auth", NS_SASL, NULL, sasl_unexpected, NEGOTIATION_WAITING },
	{ NEGOTIATION_BINDING, "iq", NS_CLIENT, check_bind, act_bind, NEGOTIATION_BINDS },
	{ NEGOTIATION_BINDING, "resume", NS_SM, check_resume, act_resume, NEGOTIATION_BINDS },
	{ NEGOTIATION_BINDING, "enable", NS_SM, NULL, act_enable_early, NEGOTIATION_BINDING },
	{ NEGOTIATION_BINDING, "r", NS_SM, NULL, act_enable_early, NEGOTIATION_BINDING },
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
		    authenticated(client) ? "a stanza before binding" : BEFORE_LOGIN);
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
