/*
 * The established half of a client's stream. There are no states: elements go
 * up as items of the account's inbox, and what the session gives comes down
 * through the port. A stanza that the stream refuses or answers by itself goes
 * up with its answer, since both count for XEP-0198.
 *
 * Without XEP-0198 the kernel stands for the peer: stream_taken().
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <string.h>

#include "xml/writer.h"
#include "xmpp/negotiate.h"

/* How long a copy of many may wait for the next: nobody sees that of presences. */
#define PRESENCE_WAITS_MS 50
#define MESSAGE_WAITS_MS 25

static struct client *
client_at(struct port *port)
{
	return client_of_port(port);
}

/* --- up ------------------------------------------------------------------------------ */

/* The stanza has been dealt with; `reply` (or NULL) is its answer. */
static void
answered(struct client *client, struct ln_stanza *st, struct ln_stanza *reply)
{
	struct up *up = client_up(client, UP_ANSWERED);

	up->answered.stanza = st;
	up->answered.reply = reply;
	up_post(&up);
}

static void
refuse(struct client *client, struct ln_stanza *st, enum ln_error error, const char *text)
{
	answered(client, st, ln_error_reply(st, error, ln_error_type(error), text));
}

static bool
from_is_own(const struct client *client, const struct ln_jid *from)
{
	return ln_jid_same_bare(from, &client->jid) &&
	    (ln_jid_is_bare(from) || ln_jid_same(from, &client->jid));
}

/* The iqs of the time before binding; true: it was one. */
static bool
was_negotiation(struct client *client, struct ln_stanza *st)
{
	const struct ln_elem *query = ln_first(st);
	const char *ns;

	if (ln_type(st) != LN_SET || query == NULL)
		return false;
	ns = ln_elem_ns(query);
	if (ns == NS_BIND && ln_to(st) == NULL) {
		refuse(client, st, LN_ERR_NOT_ALLOWED, "a resource is bound already");
		return true;
	}
	if (ns == NS_SESSION) {
		answered(client, st, ln_iq_result(st));
		return true;
	}
	return false;
}

static void
stanza(struct client *client, struct arena *arena, struct ln_elem *elem)
{
	enum stanza_bad bad;
	struct ln_stanza *st = stanza_from_wire(&arena, elem, &bad);

	if (st == NULL) {
		stream_fail(&client->stream, STREAM_UNSUPPORTED_STANZA_TYPE, NULL);
		return;
	}
	if (bad == STANZA_BAD_FROM || (ln_from(st) != NULL && !from_is_own(client, ln_from(st)))) {
		ln_stanza_free(&st);
		stream_fail(&client->stream, STREAM_INVALID_FROM, NULL);
	} else if (bad == STANZA_BAD_TO) {
		refuse(client, st, LN_ERR_JID_MALFORMED, NULL);
	} else if (bad != STANZA_OK) {
		refuse(client, st, LN_ERR_BAD_REQUEST, NULL);
	} else if (!was_negotiation(client, st)) {
		up_stanza(&client->port, &client->jid, client->session, st);
	}
}

/* An element of some extension: the session's modules know it, or nobody does. */
static void
nonza(struct client *client, struct arena *arena, struct ln_elem *elem)
{
	const struct ln_host *host = client_host(client);
	struct up *up;

	if (host == NULL || host->chains[LN_EV_session_nonza].count == 0) {
		arena_free(&arena);
		stream_fail(&client->stream, STREAM_UNSUPPORTED_STANZA_TYPE, NULL);
		return;
	}
	up = client_up(client, UP_NONZA);
	up->arena = arena;
	up->nonza.elem = elem;
	up_post(&up);
}

void
session_element(struct client *client, struct arena *arena, struct ln_elem *elem)
{
	const char *ns = ln_elem_ns(elem);

	if (ns == NS_CLIENT) {
		stanza(client, arena, elem);
	} else if (ns == NS_SM && sm_element(client, elem)) {
		arena_free(&arena);
	} else if (ns == NS_STREAM || ns == NS_SASL || ns == NS_TLS || ns == NS_SM) {
		arena_free(&arena);
		stream_fail(&client->stream, STREAM_UNSUPPORTED_STANZA_TYPE, NULL);
	} else {
		nonza(client, arena, elem);
	}
}

void
session_sent(struct client *client)
{
	uint32_t before = client->count.taken;
	struct up *up;

	if (client->session == 0 || client->acks ||
	    stream_taken(&client->stream, &client->count) == before)
		return;
	up = client_up(client, UP_ACKED);
	up->acked.h = client->count.taken;
	up->acked.by_kernel = true;
	up_post(&up);
}

bool
session_closing(struct client *client)
{
	struct up *up;

	if (client->session == 0)
		return false;
	up = client_up(client, UP_DETACH);
	up->detach.closed = true;
	up->detach.reason = "closed by the peer";
	up_post(&up);
	return true;
}

void
session_ended(struct client *client, enum stream_end end, const char *reason)
{
	struct up *up;

	if (client->session == 0 || end == STREAM_RELEASED)
		return;
	up = client_up(client, UP_DETACH);
	up->detach.closed = end == STREAM_CLOSED;
	up->detach.reason = arena_strdup(up_arena(up), reason);
	up_post(&up);
	client->session = 0;
}

/* --- down ------------------------------------------------------------------------------- */

static void
on_bound(struct port *port, const struct port_bound *bound)
{
	struct client *client = client_at(port);

	if (client->negotiation != NULL && !client->stream.ending)
		negotiation_bound(client, bound);
}

static void
on_enabled(struct port *port, const struct port_enabled *enabled)
{
	struct client *client = client_at(port);
	struct buf *out = stream_out();

	writer_open(out, "enabled");
	writer_attr(out, "xmlns", NS_SM);
	if (enabled->id != NULL) {
		writer_attr(out, "id", enabled->id);
		buf_printf(out, " resume='true' max='%u'", enabled->max_s);
	}
	writer_close(out, "enabled", NULL, 0);
	stream_flush(&client->stream, out);
	client->acks = true;
}

static void
on_resumed(struct port *port, const struct port_resumed *resumed)
{
	struct client *client = client_at(port);

	if (client->negotiation != NULL && !client->stream.ending)
		negotiation_resumed(client, resumed);
}

static void
on_failed(struct port *port, enum ln_error condition, bool h_valid, uint32_t h)
{
	struct client *client = client_at(port);

	if (client->negotiation != NULL)
		negotiation_not_resumed(client, condition, h_valid, h);
	else
		sm_failed(client, condition, h_valid, h);
}

static void
on_send(struct port *port, struct ln_stanza *st)
{
	struct client *client = client_at(port);
	struct buf *out = stream_out();

	stanza_write_stream(st, out, NS_CLIENT, "en");
	if (st->flags & STANZA_LAZY)
		stream_flush_within(&client->stream, out,
		    st->kind == LN_PRESENCE ? PRESENCE_WAITS_MS : MESSAGE_WAITS_MS);
	else
		stream_flush(&client->stream, out);
	client->count.sent++;
}

static void
on_answer(struct port *port, struct ln_stanza *st)
{
	negotiation_answered(client_at(port), st);
}

static void
on_nonza(struct port *port, const struct ln_elem *elem)
{
	struct buf *out = stream_out();

	writer_elem(out, elem, NS_CLIENT);
	stream_flush(&client_at(port)->stream, out);
}

static void
on_ack(struct port *port, uint32_t h)
{
	struct buf *out = stream_out();

	buf_printf(out, "<a xmlns='%s' h='%u'/>", NS_SM, h);
	stream_flush(&client_at(port)->stream, out);
}

static void
on_ask(struct port *port)
{
	client_ask(client_at(port));
}

static void
on_overacked(struct port *port, uint32_t h, uint32_t sent)
{
	struct client *client = client_at(port);
	char extra[128], text[96];

	snprintf(extra, sizeof extra, "<handled-count-too-high xmlns='%s' h='%u' send-count='%u'/>",
	    NS_SM, h, sent);
	snprintf(text, sizeof text, "you acknowledged %u stanzas, but were sent %u", h, sent);
	stream_fail_with(&client->stream, STREAM_UNDEFINED_CONDITION, text, extra);
}

static void
on_pause(struct port *port)
{
	stream_pause(&client_at(port)->stream, STREAM_PAUSE_CREDIT);
}

static void
on_go_on(struct port *port)
{
	stream_go_on(&client_at(port)->stream, STREAM_PAUSE_CREDIT);
}

static void
on_crowded(struct port *port, bool crowded)
{
	struct client *client = client_at(port);

	if (crowded)
		stream_pause(&client->stream, STREAM_PAUSE_CROWDED);
	else
		stream_go_on(&client->stream, STREAM_PAUSE_CROWDED);
}

static void
on_close(struct port *port, const char *condition, const char *text)
{
	struct client *client = client_at(port);

	client->session = 0;
	if (condition == NULL)
		stream_close(&client->stream);
	else
		stream_fail(&client->stream, stream_error_of(condition), text);
}

const struct port_ops client_port_ops = {
	.bound = on_bound,
	.enabled = on_enabled,
	.resumed = on_resumed,
	.failed = on_failed,
	.send = on_send,
	.answer = on_answer,
	.nonza = on_nonza,
	.ack = on_ack,
	.ask = on_ask,
	.overacked = on_overacked,
	.pause = on_pause,
	.go_on = on_go_on,
	.crowded = on_crowded,
	.close = on_close,
};
