/*
 * What a client asks before it has a session. See early.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "xmpp/early.h"

#include <string.h>

#include "core/iq.h"
#include "core/router.h"
#include "xml/writer.h"

#define EARLY_REQUESTS_MAX 10 /* before login */
#define BIND_FAILURES_MAX 10
#define BIND_MS 60000 /* for the session's answer */

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

bool
early_check_request(struct client *client, const struct ln_elem *iq)
{
	struct negotiation *negotiation = client->negotiation;
	bool may_ask = stream_secure(&client->stream) || !client_rules(client)->tls_required;

	if (!(iq_is(iq, "get") || iq_is(iq, "set")) || !addressed_to_host(client, iq))
		stream_fail(&client->stream, STREAM_NOT_AUTHORIZED, EARLY_STANZA);
	else if (is_legacy(iq))
		iq_error(client, ln_elem_attr(iq, "id"), LN_ERR_NOT_ALLOWED, "use SASL to log in");
	else if (!may_ask)
		stream_fail(&client->stream, STREAM_NOT_AUTHORIZED, EARLY_STANZA);
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

void
early_act_request(struct client *client, const struct ln_elem *iq)
{
	struct ln_stanza *st = ln_stanza_from_elem(iq);

	if (st == NULL) {
		iq_error(client, ln_elem_attr(iq, "id"), LN_ERR_BAD_REQUEST, NULL);
		negotiation_to(client, NEGOTIATION_OFFERED);
	} else if (!ask_modules(client, st)) {
		ln_stanza_free(&st);
		stream_fail(&client->stream, STREAM_NOT_AUTHORIZED, EARLY_STANZA);
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

bool
early_check_bind(struct client *client, const struct ln_elem *iq)
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

void
early_act_bind(struct client *client, const struct ln_elem *iq)
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

bool
early_check_resume(struct client *client, const struct ln_elem *elem)
{
	uint32_t h;

	if (ln_elem_attr(elem, "previd") != NULL && sm_number(ln_elem_attr(elem, "h"), &h))
		return true;
	sm_failed(client, LN_ERR_BAD_REQUEST, false, 0);
	return false;
}

void
early_act_resume(struct client *client, const struct ln_elem *elem)
{
	struct up *up = ask_session(client, UP_RESUME);
	char address[NETADDR_TEXT_MAX];

	up->resume.previd = arena_strdup(up_arena(up), ln_elem_attr(elem, "previd"));
	sm_number(ln_elem_attr(elem, "h"), &up->resume.h);
	up->resume.address = arena_strdup(up_arena(up), client_address(client, address));
	up->resume.secure = stream_secure(&client->stream);
	up_post(&up);
}

void
early_act_enable(struct client *client, const struct ln_elem *elem)
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
