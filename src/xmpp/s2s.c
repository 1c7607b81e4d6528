/*
 * Streams with other servers as a whole: taking in connections, which half a
 * stream's events go to, what all of a worker's streams share.
 *
 * SPDX-License-Identifier: MIT
 */
#include "xmpp/s2s.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/metrics.h"
#include "base/utf8.h"
#include "base/xalloc.h"
#include "core/router.h"
#include "net/listener.h"
#include "net/tls.h"
#include "xmpp/component.h"
#include "xmpp/dialback.h"
#include "xmpp/link.h"
#include "xmpp/proof.h"

enum { ACCEPTED, OPEN_STREAMS, TOO_MANY, NO_TLS };
static const struct metric_row rows[] = {
	[ACCEPTED] = { "accepted_total", METRIC_COUNTER, "Connections of other servers." },
	[OPEN_STREAMS] = { "streams", METRIC_GAUGE, "Streams with other servers, both ways." },
	[TOO_MANY] = { "address_refused_total", METRIC_COUNTER,
	    "Connections refused since too many of the address had proven nothing." },
	[NO_TLS] = { "no_tls_total", METRIC_COUNTER,
	    "Connections for TLS refused since there is no certificate." },
};
METRICS(s2s_metrics, "s2s", rows);

/* Lines about what others do wrong, of all of them together, and their length. */
#define BLAMES 50
#define BLAMES_MS 10000
#define BLAME_MAX 1024

#define EARLY_BYTES_MAX (128 * 1024) /* of a stream on which nothing is proven */

static const struct port_ops no_port_ops;

const struct proof *const proofs[] = { &proof_external, &proof_dialback, NULL };

/* --- what the files share ---------------------------------------------------------------- */

const char *
peer_state_name(enum peer_state state)
{
	static const char *const names[] = {
#define X(name) #name,
		PEER_STATES(X)
#undef X
	};

	return names[state];
}

void
peer_to(struct peer *peer, enum peer_state state)
{
	log_debug("stream", "conn=%llu %s -> %s", (unsigned long long)conn_id(peer->stream.conn),
	    peer_state_name(peer->state), peer_state_name(state));
	peer->state = state;
}

void
peer_log(const struct peer *peer, enum log_level level, const char *format, ...)
{
	const struct log_context here = {
		.host = peer->local,
		.session = peer->remote,
		.conn = conn_id(peer->stream.conn),
	};
	va_list args;

	va_start(args, format);
	log_vwrite_in(&here, level, "s2s", format, args);
	va_end(args);
}

void
peer_blame(const struct peer *peer, const char *format, ...)
{
	const struct log_context here = {
		.host = peer->local,
		.session = peer->remote,
		.conn = conn_id(peer->stream.conn),
	};
	const struct log_context *outer = log_enter(&here);
	char text[BLAME_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	log_limited(LOG_LEVEL_WARNING, "s2s", BLAMES, BLAMES_MS, "%s", text);
	log_leave(outer);
}

static void
set_text(char **text, const char *value)
{
	if (value == NULL)
		return;
	free(*text);
	*text = xstrdup(value);
}

void
peer_set_names(struct peer *peer, const char *local, const char *remote)
{
	set_text(&peer->local, local);
	set_text(&peer->remote, remote);
}

void
peer_limit(struct peer *peer, size_t bytes)
{
	struct parser_limits limits = PARSER_LIMITS_AFTER_LOGIN;

	limits.bytes = bytes;
	parser_set_limits(peer->stream.parser, &limits);
}

void
peer_uncount(struct peer *peer)
{
	quota_give(&peer->quota, peer->stream.conn);
}

/* --- pairs ------------------------------------------------------------------------------------ */

struct pair *
pair_find(const struct peer *peer, const char *local, const char *remote)
{
	struct pair *pair;

	LIST_FOREACH(pair, &peer->pairs, link)
		if (strcmp(pair->local, local) == 0 && strcmp(pair->remote, remote) == 0)
			return pair;
	return NULL;
}

struct pair *
pair_add(struct peer *peer, const char *local, const char *remote, enum pair_state state)
{
	size_t local_size = strlen(local) + 1, remote_size = strlen(remote) + 1;
	struct pair *pair = xcalloc(1, sizeof *pair + local_size + remote_size);

	pair->local = memcpy(pair->names, local, local_size);
	pair->remote = memcpy(pair->names + local_size, remote, remote_size);
	pair->state = state;
	LIST_INSERT_HEAD(&peer->pairs, pair, link);
	peer->pair_count++;
	return pair;
}

bool
pairs_any(const struct peer *peer)
{
	const struct pair *pair;

	LIST_FOREACH(pair, &peer->pairs, link)
		if (pair->state == PAIR_PROVEN)
			return true;
	return false;
}

void
pair_remove(struct peer *peer, struct pair *pair)
{
	LIST_REMOVE(pair, link);
	peer->pair_count--;
	free(pair);
}

void
pair_prove(struct peer *peer, struct pair *pair, const char *how)
{
	const struct s2s_conf *conf = policy_of(pair->local);
	const struct core_conf *core = &snapshot_current()->core;

	pair->state = PAIR_PROVEN;
	pair->how = how;
	peer_uncount(peer);
	peer->stream.rate = core->s2s_rate;
	if (conf != NULL)
		peer_limit(peer, conf->stanza_max);
	peer_log(peer, LOG_LEVEL_INFO, "%s local=%s remote=%s by=%s tls=%s",
	    peer->outgoing ? "accepted by the other server" : "the other server has proven itself",
	    pair->local, pair->remote, how, stream_secure(&peer->stream) ? "yes" : "no");
	hook_authenticated(peer, pair);
	peer_tend(peer);
}

/* --- events of a stream --------------------------------------------------------------------------- */

static void
on_header(struct stream *stream, const struct parser_header *header)
{
	struct peer *peer = peer_of(stream);

	if (peer->component)
		component_header(peer, header);
	else if (peer->outgoing)
		out_header(peer, header);
	else
		in_header(peer, header);
}

/* A last character that did not fit in whole is left out. */
static void
mend_end(char *text)
{
	size_t len = strlen(text), at = len;
	uint32_t code;

	while (at > 0 && ((unsigned char)text[at - 1] & 0xc0) == 0x80)
		at--;
	if (at > 0 && utf8_next(text + at - 1, text + len, &code) == 0)
		text[at - 1] = '\0';
}

/* What the other side says of its own end. Of our own streams the link has a line for that. */
static void
told_error(struct peer *peer, const struct ln_elem *error)
{
	const struct ln_elem *condition = ln_elem_first(error);
	const char *name = condition != NULL ? ln_elem_name(condition) : "no condition";
	const char *text = ln_elem_child_text(error, "text", NS_STREAMS);

	if (peer->outgoing) {
		snprintf(peer->told, sizeof peer->told, "the other server ended the stream: %s%s%s",
		    name, text != NULL ? ", " : "", text != NULL ? text : "");
		mend_end(peer->told);
	} else {
		peer_log(peer, LOG_LEVEL_INFO,
		    "the other server ends the stream condition=%s text=%s", log_quote(name),
		    log_quote(text));
	}
	if (strcmp(name, "host-unknown") == 0 || strcmp(name, "host-gone") == 0)
		peer->unknown_there = true;
}

/* Who has proven nothing has little to say. */
static bool
too_much_early(struct peer *peer)
{
	if (conn_received(peer->stream.conn) <= EARLY_BYTES_MAX || pairs_any(peer) || peer->listed)
		return false;
	stream_fail(&peer->stream, STREAM_POLICY_VIOLATION, "too many bytes, and nothing proven");
	return true;
}

static void
on_element(struct stream *stream, struct arena *arena, struct ln_elem *elem)
{
	struct peer *peer = peer_of(stream);

	peer->heard_at = worker_now_ms();
	if (too_much_early(peer)) {
		arena_free(&arena);
		return;
	}
	if (ln_elem_is(elem, "error", NS_STREAM)) {
		told_error(peer, elem);
		arena_free(&arena);
	} else if (peer->component) {
		component_element(peer, arena, elem);
	} else if (peer_acks(peer, elem)) {
		arena_free(&arena);
	} else if (peer->outgoing) {
		out_element(peer, arena, elem);
	} else {
		in_element(peer, arena, elem);
	}
}

static void
on_secured(struct stream *stream)
{
	struct peer *peer = peer_of(stream);

	if (peer->outgoing)
		out_secured(peer);
	else
		in_secured(peer);
}

static void
on_sent(struct stream *stream)
{
	peer_sent(peer_of(stream));
}

static void
on_deadline(struct stream *stream)
{
	struct peer *peer = peer_of(stream);

	if (peer->state == PEER_OPEN)
		peer_tend(peer);
	else if (peer->state == PEER_HANDSHAKE)
		conn_close(stream->conn, CONN_TIMEOUT, false);
	else
		stream_fail(stream, STREAM_CONNECTION_TIMEOUT, "the negotiation took too long");
}

static void
on_answer(struct stream *stream)
{
	struct peer *peer = peer_of(stream);

	if (peer->component)
		component_answer(peer);
	else if (peer->outgoing)
		out_answer(peer);
	else
		in_answer(peer);
}

static void
withdraw_routes(struct peer *peer)
{
	struct pair *pair;

	LIST_FOREACH(pair, &peer->pairs, link)
		if (!peer->outgoing && peer->bidi && pair->state == PAIR_PROVEN)
			link_withdraw(pair->local, pair->remote, port_ref(&peer->port));
}

/* Of a stream of ours the link tells, of a component its own file. A stranger's connection that
 * breaks is worth no line: there are scanners. */
static void
log_end(struct peer *peer, enum stream_end end, const char *reason)
{
	bool silent = peer->outgoing || peer->component || peer->blamed || s2s_stopping();

	if (!silent && end == STREAM_DROPPED)
		peer_blame(peer, "the other server's stream was ended reason=%s", reason);
	else if (!silent && end == STREAM_LOST && pairs_any(peer))
		peer_log(peer, LOG_LEVEL_INFO, "the other server's stream broke reason=%s", reason);
	else
		peer_log(peer, LOG_LEVEL_DEBUG, "stream ended reason=%s", reason);
}

static void
on_ended(struct stream *stream, enum stream_end end, const char *reason)
{
	struct peer *peer = peer_of(stream);

	log_end(peer, end, reason);
	vouch_cancel(&peer->vouching);
	peer_uncount(peer);
	withdraw_routes(peer);
	port_close(&peer->port);
	component_ended(peer);
	peer_give_back(peer);
	if (peer->outgoing)
		out_ended(peer, end, reason);
	hold_owner_close(&peer->holds);
}

static void
on_gone(struct stream *stream)
{
	struct peer *peer = peer_of(stream);

	while (!LIST_EMPTY(&peer->pairs))
		pair_remove(peer, LIST_FIRST(&peer->pairs));
	free(peer->local);
	free(peer->remote);
	free(peer->stream_id);
	free(peer->vouched);
	free(peer);
	metric_add(s2s_metrics, OPEN_STREAMS, -1);
}

/* Components alone move. */
static void
on_leaving(struct stream *stream)
{
	port_close(&peer_of(stream)->port);
	hold_owner_close(&peer_of(stream)->holds);
}

static void
on_arrived(struct stream *stream)
{
	struct peer *peer = peer_of(stream);

	port_open(&peer->port, &no_port_ops);
	hold_owner_open(&peer->holds, peer_holds_advanced);
	if (s2s_stopping())
		stream_fail(stream, STREAM_SYSTEM_SHUTDOWN, NULL);
	else
		component_at_home(peer);
}

static const struct stream_ops ops = {
	.header = on_header,
	.element = on_element,
	.secured = on_secured,
	.sent = on_sent,
	.deadline = on_deadline,
	.answer = on_answer,
	.leaving = on_leaving,
	.arrived = on_arrived,
	.ended = on_ended,
	.gone = on_gone,
};

struct peer *
peer_new(struct conn *conn, bool outgoing, bool direct_tls)
{
	const struct core_conf *core = &snapshot_current()->core;
	struct peer *peer = xcalloc(1, sizeof *peer);

	stream_open(&peer->stream, conn, &ops);
	port_open(&peer->port, &no_port_ops);
	hold_owner_open(&peer->holds, peer_holds_advanced);
	LIST_INIT(&peer->pairs);
	TAILQ_INIT(&peer->unacked);
	peer->outgoing = outgoing;
	peer->direct_tls = direct_tls;
	peer->since = peer->busy_at = peer->heard_at = worker_now_ms();
	peer->dane = "";
	peer->quota.kind = "s2s";
	peer_limit(peer, core->stanza_max_early);
	stream_deadline(&peer->stream, core->auth_timeout_ms);
	metric_add(s2s_metrics, OPEN_STREAMS, 1);
	return peer;
}

/* --- taking in ---------------------------------------------------------------------------------------- */

static const struct conn_ops no_ops;

static struct peer *
taken_in(int fd, const struct netaddr *from, bool direct_tls)
{
	struct peer *peer = peer_new(conn_accept(fd, from, &no_ops, NULL), false, direct_tls);

	metric_inc(s2s_metrics, ACCEPTED);
	peer->quota.quoted = true;
	peer->state = direct_tls ? PEER_HANDSHAKE : PEER_HEADER;
	return peer;
}

static bool
admit(struct peer *peer)
{
	return quota_take(&peer->quota, peer->stream.conn,
	    snapshot_current()->core.connections_per_address);
}

/* In the clear; if there is no room for it, it is told so. */
static void
begin(struct peer *peer)
{
	if (s2s_stopping()) {
		stream_fail(&peer->stream, STREAM_SYSTEM_SHUTDOWN, NULL);
	} else if (!admit(peer)) {
		metric_inc(s2s_metrics, TOO_MANY);
		stream_fail(&peer->stream, STREAM_POLICY_VIOLATION,
		    "too many connections from this address have proven nothing");
	}
}

void
s2s_accept(int fd, const struct netaddr *from, void *arg)
{
	(void)arg;
	begin(taken_in(fd, from, false));
}

void
component_accept(int fd, const struct netaddr *from, void *arg)
{
	struct peer *peer = taken_in(fd, from, false);

	(void)arg;
	peer->component = true;
	peer->quota.kind = "component";
	begin(peer);
}

void
s2s_accept_tls(int fd, const struct netaddr *from, void *arg)
{
	static const char *const alpn[] = { "xmpp-server", NULL };
	const struct conn_tls_params params = {
		.ask_certificate = true,
		.full = true,
		.alpn = alpn,
	};
	struct tls *tls = snapshot_current()->core.tls;
	struct peer *peer = taken_in(fd, from, true);

	(void)arg;
	if (tls == NULL || s2s_stopping() || !admit(peer)) {
		metric_inc(s2s_metrics, tls == NULL ? NO_TLS : TOO_MANY);
		conn_close(peer->stream.conn, CONN_POLICY, false);
	} else {
		conn_start_tls(peer->stream.conn, tls, &params);
	}
}

/* --- all of them ------------------------------------------------------------------------------------------ */

void
peers_each(void (*act)(struct peer *peer, void *arg), void *arg)
{
	struct stream *next;

	for (struct stream *stream = streams_first(); stream != NULL; stream = next) {
		next = streams_next(stream);
		if (stream->ops == &ops)
			act(peer_of(stream), arg);
	}
}

/* A host that is gone, or a server that is not spoken with any more. */
static void
check_policy(struct peer *peer, void *arg)
{
	struct pair *pair, *next;

	(void)arg;
	if (peer->component && peer->local != NULL && policy_of(peer->local) == NULL)
		stream_fail(&peer->stream, STREAM_HOST_GONE, NULL);
	for (pair = LIST_FIRST(&peer->pairs); pair != NULL; pair = next) {
		const struct s2s_conf *conf = policy_of(pair->local);

		next = LIST_NEXT(pair, link);
		if (conf == NULL && peer->pair_count == 1)
			stream_fail(&peer->stream, STREAM_HOST_GONE, NULL);
		else if (conf != NULL && !policy_allows(conf, pair->remote))
			stream_fail(&peer->stream, STREAM_POLICY_VIOLATION,
			    "this server is not spoken with");
		else if (conf == NULL)
			pair_remove(peer, pair);
	}
}

static void
installed(const struct snapshot *old, const struct snapshot *now)
{
	(void)now;
	if (old != NULL && worker_current() != worker_main())
		peers_each(check_policy, NULL);
}

void
s2s_start(void)
{
	links_restore();
}

/* The router's way out. */
static bool
route(struct ln_stanza *st)
{
	return component_route(st) || link_route(st);
}

/* Where that way begins: a component's subdomains have its home. */
static struct worker *
way(const struct ln_jid *to)
{
	const struct component_conf *component = component_of(ln_jid_domain(to), to->domain_len);

	return component != NULL ? router_domain_home(component->domain, strlen(component->domain))
				 : router_domain_home(ln_jid_domain(to), to->domain_len);
}

void
s2s_init(struct store *store)
{
	s2s_stop_init();
	dialback_init(store);
	link_init();
	component_init();
	router_set_remote(route, way);
	snapshot_on_install(installed);
}
