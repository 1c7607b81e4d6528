/*
 * Stanzas of other servers, in and out.
 *
 * In: both domains of a stanza have to be a pair that this stream has proven;
 * else the stream ends (RFC 6120 §8.1). Its hold is this stream's, which is the
 * credit: beyond it nothing is read.
 *
 * Out: what was sent is kept until it is acknowledged, by the peer (XEP-0198)
 * or, where it does not do that, by the kernel.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "base/metrics.h"
#include "core/limit.h"
#include "core/router.h"
#include "core/work.h"
#include "xml/writer.h"
#include "xmpp/component.h"
#include "xmpp/link.h"
#include "xmpp/peer.h"
#include "xmpp/sm.h"

/* Credit: ten times a client's (DESIGN section 5). */
#define CREDIT_STANZAS 2560
#define CREDIT_BYTES ((size_t)2560 * 1024)
#define UNACKED_MAX ((size_t)16 << 20) /* bytes that the peer leaves unacknowledged */
#define PROBES 20                      /* a second and stream (DESIGN section 4) */
#define PING_ID "s2s-ping-"

enum { RECEIVED, SENT, FORGED, PROBES_DROPPED, PAUSED, DEAD };
static const struct metric_row rows[] = {
	[RECEIVED] = { "stanzas_in_total", METRIC_COUNTER, "Stanzas from other servers." },
	[SENT] = { "stanzas_out_total", METRIC_COUNTER, "Stanzas to other servers." },
	[FORGED] = { "forged_total", METRIC_COUNTER,
	    "Streams ended for a sender or recipient that was not proven." },
	[PROBES_DROPPED] = { "probes_dropped_total", METRIC_COUNTER,
	    "Probes dropped: more than 20 a second of one stream." },
	[PAUSED] = { "paused_total", METRIC_COUNTER, "Streams paused: credit used up." },
	[DEAD] = { "dead_total", METRIC_COUNTER, "Streams ended since nothing was heard." },
};
METRICS(stanza_metrics, "s2s_stanza", rows);

/* --- in ------------------------------------------------------------------------------------ */

/* Who may speak to whom on this stream. On our own (XEP-0288) it is the pair turned round. */
static const struct pair *
proven_pair(const struct peer *peer, const struct ln_jid *from, const struct ln_jid *to)
{
	const struct pair *pair;

	LIST_FOREACH(pair, &peer->pairs, link)
		if (pair->state == PAIR_PROVEN && ln_jid_in_domain(from, pair->remote) &&
		    ln_jid_in_domain(to, pair->local))
			return pair;
	return NULL;
}

static bool
is_ours(const struct ln_jid *to)
{
	struct buf domain = BUF_INIT;
	bool ours;

	buf_add(&domain, ln_jid_domain(to), to->domain_len);
	ours = policy_of(domain.data) != NULL;
	buf_free(&domain);
	return ours;
}

/* False: the stream has ended. */
static bool
check_addresses(struct peer *peer, const struct ln_stanza *st, enum stanza_bad bad)
{
	enum stream_error error = STREAM_ERROR_COUNT;

	if (bad == STANZA_BAD_FROM || bad == STANZA_BAD_TO || ln_from(st) == NULL ||
	    ln_to(st) == NULL)
		error = STREAM_IMPROPER_ADDRESSING;
	else if (peer->component)
		error = component_check(peer, st);
	else if (peer->pair_count == 0)
		error = STREAM_NOT_AUTHORIZED;
	else if (peer->outgoing && !peer->bidi)
		error = STREAM_NOT_AUTHORIZED;
	else if (!is_ours(ln_to(st)))
		error = STREAM_HOST_UNKNOWN;
	else if (proven_pair(peer, ln_from(st), ln_to(st)) == NULL)
		error = STREAM_INVALID_FROM;
	if (error == STREAM_ERROR_COUNT)
		return true;
	metric_inc(stanza_metrics, FORGED);
	peer_blame(peer, "stanza refused from=%s to=%s condition=%s",
	    log_quote(ln_from(st) != NULL ? ln_from(st)->full : NULL),
	    log_quote(ln_to(st) != NULL ? ln_to(st)->full : NULL), stream_error_condition(error));
	peer->blamed = true;
	stream_fail(&peer->stream, error, NULL);
	return false;
}

static void
take_credit(struct peer *peer, struct ln_stanza *st)
{
	st->hold = hold_open(&peer->holds, (uint32_t)stanza_weight(st));
	if (peer->paused ||
	    (hold_owner_out(&peer->holds) < CREDIT_STANZAS && peer->holds.bytes < CREDIT_BYTES))
		return;
	metric_inc(stanza_metrics, PAUSED);
	peer->paused = true;
	stream_pause(&peer->stream, STREAM_PAUSE_CREDIT);
}

/* A probe may load an account, which costs: so many a second and no more. */
static bool
probe_passes(const struct peer *peer)
{
	const struct ln_rate rate = { PROBES, 1000 };
	struct port_ref ref = port_ref(&peer->port);
	char key[8 + sizeof ref] = "probes/";

	memcpy(key + 8, &ref, sizeof ref);
	return limit_take(key, sizeof key, rate, 1);
}

/* The answer to peer_ping(), which came from the other server by whatever stream. */
static bool
is_pong(const struct ln_stanza *st)
{
	return st->kind == LN_IQ && (st->type == LN_RESULT || st->type == LN_TYPE_ERROR) &&
	    !ln_jid_has_local(&st->from) && !ln_jid_has_local(&st->to) && st->id != NULL &&
	    strncmp(st->id, PING_ID, strlen(PING_ID)) == 0;
}

static void
let_in(struct peer *peer, struct ln_stanza *st)
{
	metric_inc(stanza_metrics, RECEIVED);
	take_credit(peer, st);
	peer->busy_at = worker_now_ms();
	if (is_pong(st))
		link_alive(st);
	if (st->kind == LN_PRESENCE && st->type == LN_PROBE) {
		if (!probe_passes(peer)) {
			metric_inc(stanza_metrics, PROBES_DROPPED);
			ln_stanza_free(&st);
			return;
		}
		st->flags |= STANZA_LOADS;
	}
	if (work_refuses(st))
		router_bounce(st, LN_ERR_RESOURCE_CONSTRAINT,
		    "The server's disk fails. Try again.");
	else
		router_route(st);
}

/* RFC 6120 §8.1.5: what has no language of its own has the stream's. */
static void
set_lang(const struct peer *peer, struct ln_stanza *st)
{
	const char *lang = parser_lang(peer->stream.parser);

	if (ln_lang(st) == NULL && *lang != '\0' && strlen(lang) <= STREAM_LANG_MAX)
		ln_set_lang(st, lang);
}

void
peer_stanza(struct peer *peer, struct arena *arena, struct ln_elem *elem)
{
	enum stanza_bad bad;
	struct ln_stanza *st = stanza_from_wire(&arena, elem, &bad);

	if (st == NULL) {
		stream_fail(&peer->stream, STREAM_UNSUPPORTED_STANZA_TYPE, NULL);
		return;
	}
	set_lang(peer, st);
	if (!check_addresses(peer, st, bad)) {
		ln_stanza_free(&st);
		return;
	}
	if (bad != STANZA_OK) {
		take_credit(peer, st);
		router_bounce(st, LN_ERR_BAD_REQUEST, NULL);
		return;
	}
	let_in(peer, st);
}

/* --- out -------------------------------------------------------------------------------------------- */

static void
acknowledged(struct peer *peer, uint32_t total)
{
	struct sending *sending;

	while (peer->acked != total && (sending = TAILQ_FIRST(&peer->unacked)) != NULL) {
		TAILQ_REMOVE(&peer->unacked, sending, link);
		peer->unacked_bytes -= sending->weight;
		peer->acked++;
		sending_done(&sending);
	}
}

/* What was sent before XEP-0198 began stands under the kernel's word. */
void
peer_count_acks(struct peer *peer)
{
	acknowledged(peer, peer->count.sent);
	peer->acks_out = true;
	peer->acks_from = peer->count.sent;
}

static void
ask(struct peer *peer)
{
	if (!peer->acks_enabled || peer->asked || TAILQ_EMPTY(&peer->unacked))
		return;
	peer->asked = true;
	peer->asked_at = worker_now_ms();
	stream_send_text(&peer->stream, "<r xmlns='urn:xmpp:sm:3'/>");
	peer_tend(peer);
}

static void
give(struct peer *peer, struct sending *sending)
{
	struct buf *out = stream_out();

	sending_stamp(sending);
	stanza_write_stream(sending->st, out, peer->component ? NS_COMPONENT : NS_SERVER, "en");
	stream_flush(&peer->stream, out);
	metric_inc(stanza_metrics, SENT);
	peer->count.sent++;
	TAILQ_INSERT_TAIL(&peer->unacked, sending, link);
	peer->unacked_bytes += sending->weight;
	sending_sent(sending);
	if (peer->unacked_bytes > UNACKED_MAX)
		stream_fail(&peer->stream, STREAM_RESOURCE_CONSTRAINT,
		    "too much is not acknowledged");
}

/* Without XEP-0198 the other server is asked by XEP-0199; its answer comes by a stream of its own. */
static void
ping(struct peer *peer)
{
	struct arena *arena = arena_new(256);
	struct ln_stanza *st = NULL;
	struct ln_jid from, to;

	if (ln_jid_make(arena, NULL, peer->local, NULL, &from) == LN_JID_OK &&
	    ln_jid_make(arena, NULL, peer->remote, NULL, &to) == LN_JID_OK) {
		st = ln_stanza_new(LN_IQ, LN_GET, &from, &to);
		ln_set_id(st,
		    arena_printf(arena, PING_ID "%llx", (unsigned long long)peer->port.id));
		ln_add(st, "ping", NS_PING);
		st->flags |= STANZA_NO_BOUNCE;
		peer->asked = true;
		peer->asked_at = worker_now_ms();
		give(peer, sending_new(st));
	}
	arena_free(&arena);
}

/* Is the other server still there? */
static void
ask_life(struct peer *peer)
{
	if (!peer->outgoing || peer->asked)
		return;
	if (peer->acks_enabled) {
		peer->asked = true;
		peer->asked_at = worker_now_ms();
		stream_send_text(&peer->stream, "<r xmlns='urn:xmpp:sm:3'/>");
	} else {
		ping(peer);
	}
}

void
peer_alive(struct peer *peer)
{
	peer->heard_at = worker_now_ms();
	peer->asked = false;
}

void
peer_send(struct peer *peer, struct sending *sending)
{
	int64_t now = worker_now_ms();
	const struct s2s_conf *conf = policy_of(peer->local);

	peer->busy_at = now;
	give(peer, sending);
	if (peer->stream.ending)
		return;
	ask(peer);
	if (conf != NULL && peer->outgoing && conf->dead_after_ms > 0 && !peer->asked &&
	    now - peer->heard_at > conf->dead_after_ms / 2) {
		ask_life(peer);
		peer_tend(peer);
	}
}

void
peer_sent(struct peer *peer)
{
	if (!peer->acks_out)
		acknowledged(peer, stream_taken(&peer->stream, &peer->count));
}

/* --- acknowledging what came (XEP-0198) ---------------------------------------------------------- */

static void
say_handled(struct peer *peer)
{
	struct buf *out = stream_out();

	buf_printf(out, "<a xmlns='%s' h='%u'/>", NS_SM, peer->holds.released - peer->handled_from);
	stream_flush(&peer->stream, out);
	peer->owes_ack = hold_owner_out(&peer->holds) > 0;
}

void
peer_holds_advanced(struct hold_owner *owner)
{
	struct peer *peer = (struct peer *)((char *)owner - offsetof(struct peer, holds));

	if (peer->stream.ending)
		return;
	if (peer->paused && hold_owner_out(owner) <= CREDIT_STANZAS / 2 &&
	    owner->bytes <= CREDIT_BYTES / 2) {
		peer->paused = false;
		stream_go_on(&peer->stream, STREAM_PAUSE_CREDIT);
	}
	if (peer->owes_ack && hold_owner_out(owner) == 0)
		say_handled(peer);
}

static void
enable(struct peer *peer)
{
	const struct pair *pair = LIST_FIRST(&peer->pairs);

	if (peer->acks_in || pair == NULL || pair->state != PAIR_PROVEN) {
		stream_send_text(&peer->stream,
		    "<failed xmlns='urn:xmpp:sm:3'><unexpected-request "
		    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>");
		return;
	}
	peer->acks_in = true;
	peer->handled_from = peer->holds.opened;
	stream_send_text(&peer->stream, "<enabled xmlns='urn:xmpp:sm:3'/>");
	peer_count_acks(peer); /* what we send back (XEP-0288) is counted too, from here on */
	peer->acks_enabled = true;
}

/* Our <enable/> was answered; with XEP-0288 the peer's stanzas are counted from here on. */
static void
enabled(struct peer *peer)
{
	peer->acks_enabled = true;
	peer->acks_in = true;
	peer->handled_from = peer->holds.opened;
	ask(peer);
}

static void
got_ack(struct peer *peer, const struct ln_elem *elem)
{
	uint32_t h;

	if (!peer->acks_out || !sm_number(ln_elem_attr(elem, "h"), &h)) {
		stream_fail(&peer->stream, STREAM_BAD_FORMAT, "<a/> out of place");
		return;
	}
	if (h - (peer->acked - peer->acks_from) > peer->count.sent - peer->acked) {
		stream_fail(&peer->stream, STREAM_UNDEFINED_CONDITION,
		    "more was acknowledged than was sent, or less than before");
		return;
	}
	peer->asked = false;
	acknowledged(peer, peer->acks_from + h);
	ask(peer);
}

bool
peer_acks(struct peer *peer, const struct ln_elem *elem)
{
	if (ln_elem_ns(elem) != NS_SM)
		return false;
	if (ln_elem_is(elem, "a", NS_SM))
		got_ack(peer, elem);
	else if (ln_elem_is(elem, "r", NS_SM) && peer->acks_in)
		say_handled(peer);
	else if (ln_elem_is(elem, "enable", NS_SM) && !peer->outgoing)
		enable(peer);
	else if (ln_elem_is(elem, "enabled", NS_SM) && peer->outgoing)
		enabled(peer);
	else if (ln_elem_is(elem, "failed", NS_SM) && peer->outgoing)
		peer->acks_out = peer->acks_enabled = false;
	else
		return false;
	return true;
}

void
peer_give_back(struct peer *peer)
{
	struct sending *sending;

	while ((sending = TAILQ_FIRST(&peer->unacked)) != NULL) {
		TAILQ_REMOVE(&peer->unacked, sending, link);
		sending->late = true;
		link_return(sending);
	}
	peer->unacked_bytes = 0;
}

/* --- signs of life ------------------------------------------------------------------------------------ */

/* Ms until something is to be done; 0: it was done. */
static int64_t
tend_proven(struct peer *peer, const struct s2s_conf *conf)
{
	int64_t now = worker_now_ms(), next = INT64_MAX;
	int64_t idle = peer->busy_at + conf->idle_ms - now;
	int64_t dead = conf->dead_after_ms - now;

	if (conf->idle_ms > 0 && idle <= 0 && TAILQ_EMPTY(&peer->unacked)) {
		stream_close(&peer->stream);
		return 0;
	}
	if (conf->idle_ms > 0 && idle > 0)
		next = idle;
	if (conf->dead_after_ms == 0)
		return next;
	if (!peer->asked && peer->outgoing && peer->heard_at + dead <= 0)
		ask_life(peer);
	if (peer->asked && peer->stream.pause != 0) /* what we do not read cannot be heard */
		peer->asked_at = now;
	if (peer->asked && peer->asked_at + dead <= 0) {
		metric_inc(stanza_metrics, DEAD);
		stream_fail(&peer->stream, STREAM_CONNECTION_TIMEOUT, "no sign of life in time");
		return 0;
	}
	if (peer->outgoing && (peer->asked ? peer->asked_at : peer->heard_at) + dead < next)
		next = (peer->asked ? peer->asked_at : peer->heard_at) + dead;
	return next;
}

void
peer_tend(struct peer *peer)
{
	const struct s2s_conf *conf = peer->local != NULL ? policy_of(peer->local) : NULL;
	int64_t next;

	if (peer->state != PEER_OPEN || peer->stream.ending || peer->component)
		return;
	if (conf == NULL || !pairs_any(peer)) {
		next = peer->since + snapshot_current()->core.auth_timeout_ms - worker_now_ms();
		if (next <= 0 && peer->outgoing && peer->pair_count == 0)
			stream_close(&peer->stream); /* it was for keys alone */
		else if (next <= 0)
			stream_fail(&peer->stream, STREAM_CONNECTION_TIMEOUT,
			    "nothing was proven in time");
	} else {
		next = tend_proven(peer, conf);
	}
	if (next > 0)
		stream_deadline(&peer->stream, next < INT64_MAX / 2 ? next : 0);
}
