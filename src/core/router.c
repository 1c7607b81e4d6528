/*
 * The router. See router.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/router.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/metrics.h"
#include "base/xalloc.h"
#include "core/host.h"
#include "core/port.h"
#include "net/worker.h"

enum { LOCAL, ACROSS, REMOTE, NO_ROUTE, NOT_LOADED, BOUNCED };
static const struct metric_row rows[] = {
	[LOCAL] = { "local_total", METRIC_COUNTER, "Stanzas routed on the worker they were on." },
	[ACROSS] = { "across_total", METRIC_COUNTER, "Stanzas posted to another worker." },
	[REMOTE] = { "remote_total", METRIC_COUNTER, "Stanzas for other servers." },
	[NO_ROUTE] = { "unroutable_total", METRIC_COUNTER, "Stanzas with nowhere to go." },
	[NOT_LOADED] = { "not_loaded_total", METRIC_COUNTER,
	    "Availability and probes for accounts without sessions." },
	[BOUNCED] = { "bounced_total", METRIC_COUNTER, "Stanzas answered with an error." },
};
METRICS(metrics, "router", rows);

static bool (*send_remote)(struct ln_stanza *st);
static struct worker *(*way_remote)(const struct ln_jid *to);

void
router_set_remote(bool (*send)(struct ln_stanza *st),
    struct worker *(*way)(const struct ln_jid *to))
{
	send_remote = send;
	way_remote = way;
}

static struct worker *
worker_of(uint64_t hash)
{
	return worker_get((unsigned)(hash % SLOTS) % worker_count());
}

struct worker *
router_home(const struct ln_jid *jid)
{
	return worker_of(jid->hash);
}

struct worker *
router_domain_home(const char *domain, size_t len)
{
	return worker_of(hash_bytes(domain, len));
}

struct worker *
router_way(const struct ln_jid *to)
{
	if (host_of(to) != NULL)
		return router_home(to);
	return way_remote != NULL ? way_remote(to)
				  : router_domain_home(ln_jid_domain(to), to->domain_len);
}

bool
router_is_home(const struct ln_jid *jid)
{
	return router_home(jid) == worker_current();
}

void
router_bounce(struct ln_stanza *st, enum ln_error error, const char *text)
{
	struct ln_stanza *reply = NULL;

	if (!(st->flags & (STANZA_NO_BOUNCE | STANZA_REFUSED)) &&
	    (st->from.full != NULL || st->port != 0))
		reply = ln_error_reply(st, error, ln_error_type(error), text);
	metric_inc(metrics, BOUNCED);
	ln_stanza_free(&st);
	if (reply != NULL)
		router_route(reply);
}

/* --- a stanza as an item --------------------------------------------------------- */

static void
deliver(struct entity *entity, struct item *item)
{
	entity->ops->deliver(entity, (struct ln_stanza *)item);
}

/* RFC 6121 §4.3.2: of nobody is said what a stranger hears of somebody. */
static void
answer_probe_of_nobody(const struct ln_stanza *probe)
{
	struct ln_jid nobody, asker;

	if (ln_from(probe) == NULL || !entity_known_absent(&probe->to))
		return;
	nobody = ln_jid_bare(probe->arena, &probe->to);
	asker = ln_jid_bare(probe->arena, &probe->from);
	router_route(ln_stanza_new(LN_PRESENCE, LN_UNSUBSCRIBED, &nobody, &asker));
}

/* Nobody there (RFC 6121 §8.5.1): presence is silent, the rest is answered; so is somebody whom a
 * busy room could not let in. */
static void
undelivered(struct item *item, enum item_drop why)
{
	struct ln_stanza *st = (struct ln_stanza *)item;

	if (st->kind == LN_PRESENCE && (item->class != ITEM_ASK || why == DROP_ABSENT)) {
		if (st->type == LN_PROBE && why == DROP_ABSENT)
			answer_probe_of_nobody(st);
		ln_stanza_free(&st);
		return;
	}
	router_bounce(st,
	    why == DROP_ABSENT ? LN_ERR_SERVICE_UNAVAILABLE : LN_ERR_RESOURCE_CONSTRAINT, NULL);
}

/* XEP-0045 §7.2: presence that asks for something, and waits for the answer. */
static bool
enters_room(const struct ln_stanza *st)
{
	return st->kind == LN_PRESENCE && st->type == LN_AVAILABLE &&
	    !(st->flags & STANZA_SHARES) && !ln_jid_is_bare(&st->to) &&
	    ln_child(st, "x", NS_MUC) != NULL;
}

static enum item_class
class_of(const struct ln_stanza *st)
{
	if (enters_room(st))
		return ITEM_ASK;
	if (st->type == LN_TYPE_ERROR || st->type == LN_RESULT || st->type == LN_AVAILABLE ||
	    st->type == LN_PROBE)
		return ITEM_MINOR;
	if (st->kind == LN_PRESENCE)
		return ITEM_CONTROL;
	return ITEM_ASK;
}

static void
put_stanza(struct ln_stanza *st)
{
	const struct ln_host *host = host_of(&st->to);
	const struct entity_ops *ops;
	struct entity *entity;

	if (host == NULL) { /* it went away while the stanza was on its way */
		router_bounce(st, LN_ERR_ITEM_NOT_FOUND, NULL);
		return;
	}
	ops = ln_jid_has_local(&st->to) ? host->node_ops : host->domain_ops;
	entity = entity_find(&st->to);
	if (ops == NULL || (entity == NULL && entity_known_absent(&st->to))) {
		undelivered(&st->item, DROP_ABSENT);
		return;
	}
	if (entity == NULL && !ops->loads(st)) {
		metric_inc(metrics, NOT_LOADED);
		ln_stanza_free(&st);
		return;
	}
	if (entity == NULL)
		entity = entity_get(&st->to, ops, host);
	entity_put(entity, &st->item);
}

static void
stanza_arrived(struct worker *worker, struct post *post)
{
	(void)worker;
	put_stanza((struct ln_stanza *)post);
}

static void
to_remote(struct ln_stanza *st)
{
	if (send_remote != NULL && send_remote(st)) {
		metric_inc(metrics, REMOTE);
		return;
	}
	metric_inc(metrics, NO_ROUTE);
	if (st->kind == LN_PRESENCE && st->type != LN_SUBSCRIBE) {
		ln_stanza_free(&st);
		return;
	}
	router_bounce(st, LN_ERR_REMOTE_SERVER_NOT_FOUND, NULL);
}

void
router_route(struct ln_stanza *st)
{
	struct worker *home;

	if (st->port != 0) {
		port_answer(st);
		return;
	}
	if (host_of(&st->to) == NULL) {
		to_remote(st);
		return;
	}
	st->item.run = deliver;
	st->item.drop = undelivered;
	st->item.class = class_of(st);
	st->item.weight = (uint32_t)stanza_weight(st);
	home = router_home(&st->to);
	if (home == worker_current()) {
		metric_inc(metrics, LOCAL);
		put_stanza(st);
		return;
	}
	metric_inc(metrics, ACROSS);
	st->item.post.run = stanza_arrived;
	worker_post(home, &st->item.post);
}

void
ln_send(struct ln_stanza *st)
{
	router_route(st);
}

/* --- domains that are gone --------------------------------------------------------- */

static void (*domain_gone)(const char *local, const char *remote);

struct gone {
	struct post post;
	const char *remote; /* behind local */
	char local[];
};

static void
gone_arrived(struct worker *worker, struct post *post)
{
	struct gone *gone = (struct gone *)post;

	(void)worker;
	domain_gone(gone->local, gone->remote);
	free(gone);
}

void
router_set_domain_gone(void (*gone)(const char *local, const char *remote))
{
	domain_gone = gone;
}

void
router_domain_gone(const char *local, const char *remote)
{
	size_t local_size = strlen(local) + 1, remote_size = strlen(remote) + 1;

	for (unsigned i = 0; domain_gone != NULL && i < worker_count(); i++) {
		struct gone *gone = xcalloc(1, sizeof *gone + local_size + remote_size);

		memcpy(gone->local, local, local_size);
		gone->remote = memcpy(gone->local + local_size, remote, remote_size);
		gone->post.run = gone_arrived;
		worker_post(worker_get(i), &gone->post);
	}
}

/* --- other items -------------------------------------------------------------------- */

static void
put_item(struct item *item)
{
	const struct ln_jid *jid = item->to;
	struct entity *entity = entity_find(jid);
	const struct ln_host *host = host_of(jid);
	const struct entity_ops *ops = NULL;

	if (host != NULL)
		ops = ln_jid_has_local(jid) ? host->node_ops : host->domain_ops;
	if (entity == NULL && (ops == NULL || entity_known_absent(jid))) {
		item->drop(item, DROP_ABSENT);
		return;
	}
	if (entity == NULL)
		entity = entity_get(jid, ops, host);
	entity_put(entity, item);
}

static void
item_arrived(struct worker *worker, struct post *post)
{
	(void)worker;
	put_item((struct item *)post);
}

void
router_item(const struct ln_jid *bare, struct item *item)
{
	struct worker *home = router_home(bare);

	item->to = bare;
	if (home == worker_current()) {
		put_item(item);
		return;
	}
	item->post.run = item_arrived;
	worker_post(home, &item->post);
}
