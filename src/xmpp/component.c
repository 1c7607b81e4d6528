/*
 * External components. See component.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "xmpp/component.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "base/metrics.h"
#include "base/xalloc.h"
#include "core/router.h"
#include "xmpp/dialback.h"

enum { CONNECTED, REFUSED, AWAY };
static const struct metric_row rows[] = {
	[CONNECTED] = { "connected", METRIC_GAUGE, "Components that are connected." },
	[REFUSED] = { "refused_total", METRIC_COUNTER, "Components with a wrong secret." },
	[AWAY] = { "away_total", METRIC_COUNTER,
	    "Stanzas returned since their component is not connected." },
};
METRICS(component_metrics, "component", rows);

LIST_HEAD(component_list, peer);

static unsigned slot;

static struct component_list *
here(void)
{
	return worker_slot(worker_current(), slot);
}

/* Is it the domain, or one below it? */
static bool
is_within(const char *domain, size_t len, const char *whole)
{
	size_t whole_len = strlen(whole);

	return len >= whole_len && memcmp(domain + len - whole_len, whole, whole_len) == 0 &&
	    (len == whole_len || domain[len - whole_len - 1] == '.');
}

const struct component_conf *
component_of(const char *domain, size_t len)
{
	const struct core_conf *core = &snapshot_current()->core;
	const struct component_conf *best = NULL;

	for (size_t i = 0; i < core->component_count; i++) {
		const struct component_conf *one = &core->components[i];

		if (is_within(domain, len, one->domain) &&
		    (best == NULL || strlen(one->domain) > strlen(best->domain)))
			best = one;
	}
	return best;
}

/* --- stanzas ------------------------------------------------------------------------------- */

static struct peer *
find(const char *domain)
{
	struct peer *peer;

	LIST_FOREACH(peer, here(), component_link)
		if (strcmp(peer->local, domain) == 0)
			return peer;
	return NULL;
}

static void
take(struct ln_stanza *st)
{
	const struct component_conf *conf = component_of(ln_jid_domain(&st->to), st->to.domain_len);
	struct peer *peer = conf != NULL ? find(conf->domain) : NULL;
	struct sending *sending = sending_new(st);

	if (peer != NULL) {
		peer_send(peer, sending);
		return;
	}
	metric_inc(component_metrics, AWAY);
	sending_bounce(&sending, LN_ERR_SERVICE_UNAVAILABLE, "this component is not connected");
}

static void
arrived(struct worker *worker, struct post *post)
{
	(void)worker;
	take((struct ln_stanza *)post);
}

bool
component_route(struct ln_stanza *st)
{
	const struct component_conf *conf = component_of(ln_jid_domain(&st->to), st->to.domain_len);
	struct worker *home;

	if (conf == NULL)
		return false;
	home = router_domain_home(conf->domain, strlen(conf->domain));
	if (home == worker_current()) {
		take(st);
		return true;
	}
	st->item.post.run = arrived;
	worker_post(home, &st->item.post);
	return true;
}

enum stream_error
component_check(const struct peer *peer, const struct ln_stanza *st)
{
	const struct ln_jid *from = ln_from(st);
	const struct component_conf *conf;

	if (peer->state != PEER_OPEN)
		return STREAM_NOT_AUTHORIZED;
	if (from == NULL || ln_to(st) == NULL)
		return STREAM_IMPROPER_ADDRESSING;
	conf = component_of(ln_jid_domain(from), from->domain_len);
	if (conf == NULL || strcmp(conf->domain, peer->local) != 0 || host_of(from) != NULL)
		return STREAM_INVALID_FROM;
	return STREAM_ERROR_COUNT;
}

/* --- the stream (XEP-0114 §3) ---------------------------------------------------------------- */

void
component_answer(struct peer *peer)
{
	char id[STREAM_ID_MAX];
	const struct stream_header header = {
		.content_ns = NS_COMPONENT,
		.from = peer->local,
		.before_1_0 = true,
	};

	stream_make_id(id);
	free(peer->stream_id);
	peer->stream_id = xstrdup(id);
	stream_header(&peer->stream, &header, id);
}

void
component_header(struct peer *peer, const struct parser_header *header)
{
	struct arena *arena = arena_new(256);
	const struct component_conf *conf = NULL;
	const char *domain;

	if (!ln_ns_same(header->content_ns, NS_COMPONENT)) {
		stream_fail(&peer->stream, STREAM_INVALID_NAMESPACE,
		    "the default namespace is not jabber:component:accept");
	} else if (header->to == NULL ||
	    ln_jid_prepare_domain(arena, header->to, strlen(header->to), &domain) != LN_JID_OK) {
		stream_fail(&peer->stream, STREAM_IMPROPER_ADDRESSING, NULL);
	} else if ((conf = component_of(domain, strlen(domain))) == NULL ||
	    strcmp(conf->domain, domain) != 0) {
		stream_fail(&peer->stream, STREAM_HOST_UNKNOWN, NULL);
	} else {
		peer_set_names(peer, domain, NULL);
		component_answer(peer);
		peer_to(peer, PEER_FEATURES);
	}
	arena_free(&arena);
}

static bool
is_digest(const struct peer *peer, const char *secret, const char *text)
{
	uint8_t digest[SHA_DIGEST_LENGTH];
	char hex[2 * SHA_DIGEST_LENGTH + 1];
	struct buf both = BUF_INIT;

	buf_printf(&both, "%s%s", peer->stream_id, secret);
	SHA1((const uint8_t *)both.data, both.len, digest);
	OPENSSL_cleanse(both.data, both.len);
	buf_free(&both);
	dialback_hex(digest, sizeof digest, hex);
	return strlen(text) == sizeof hex - 1 && CRYPTO_memcmp(text, hex, sizeof hex - 1) == 0;
}

static void
handshake(struct peer *peer, const char *text)
{
	const struct component_conf *conf = component_of(peer->local, strlen(peer->local));
	struct worker *home;

	if (conf == NULL || strcmp(conf->domain, peer->local) != 0) {
		stream_fail(&peer->stream, STREAM_HOST_GONE, NULL);
		return;
	}
	if (!is_digest(peer, conf->secret, text)) {
		metric_inc(component_metrics, REFUSED);
		peer_log(peer, LOG_LEVEL_WARNING, "component refused reason=secret");
		stream_fail(&peer->stream, STREAM_NOT_AUTHORIZED, NULL);
		return;
	}
	peer_uncount(peer);
	stream_pause(&peer->stream, STREAM_PAUSE_WAIT);
	home = router_domain_home(peer->local, strlen(peer->local));
	if (home == worker_current())
		component_at_home(peer);
	else
		stream_move(&peer->stream, home);
}

void
component_at_home(struct peer *peer)
{
	struct peer *other = find(peer->local);

	if (other != NULL)
		stream_fail(&other->stream, STREAM_CONFLICT, NULL);
	LIST_INSERT_HEAD(here(), peer, component_link);
	peer->listed = true;
	metric_add(component_metrics, CONNECTED, 1);
	peer_limit(peer, snapshot_current()->core.s2s->stanza_max);
	peer_to(peer, PEER_OPEN);
	stream_deadline(&peer->stream, 0);
	stream_send_text(&peer->stream, "<handshake/>");
	peer_log(peer, LOG_LEVEL_INFO, "component connected domain=%s", peer->local);
	stream_go_on(&peer->stream, STREAM_PAUSE_WAIT);
}

void
component_ended(struct peer *peer)
{
	struct sending *sending;

	if (!peer->listed)
		return;
	LIST_REMOVE(peer, component_link);
	peer->listed = false;
	metric_add(component_metrics, CONNECTED, -1);
	peer_log(peer, LOG_LEVEL_INFO, "component gone domain=%s", peer->local);
	while ((sending = TAILQ_FIRST(&peer->unacked)) != NULL) {
		TAILQ_REMOVE(&peer->unacked, sending, link);
		sending_bounce(&sending, LN_ERR_SERVICE_UNAVAILABLE,
		    "this component is not connected");
	}
}

void
component_element(struct peer *peer, struct arena *arena, struct ln_elem *elem)
{
	if (peer->state == PEER_FEATURES && ln_elem_is(elem, "handshake", NS_CLIENT)) {
		handshake(peer, ln_elem_text(elem));
		arena_free(&arena);
	} else if (ln_elem_ns(elem) == NS_CLIENT) {
		peer_stanza(peer, arena, elem);
	} else {
		stream_fail(&peer->stream, STREAM_UNSUPPORTED_STANZA_TYPE, NULL);
		arena_free(&arena);
	}
}

/* --- the worker ----------------------------------------------------------------------------------- */

static void
here_open(struct worker *worker)
{
	worker_slot_set(worker, slot, xcalloc(1, sizeof(struct component_list)));
}

static void
here_close(struct worker *worker)
{
	free(worker_slot(worker, slot));
	worker_slot_set(worker, slot, NULL);
}

void
component_init(void)
{
	slot = worker_slot_new();
	worker_on_open(here_open);
	worker_on_close(here_close);
}
