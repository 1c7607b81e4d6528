/*
 * Links. See link.h.
 *
 * What happens to a link is never done from within a call that its stream
 * makes into it and that the stream goes on from: links are freed by their
 * timer alone, and dial from there or from whoever brings something to send.
 *
 * SPDX-License-Identifier: MIT
 */
#include "xmpp/link.h"

#include <stdlib.h>
#include <string.h>

#include "base/metrics.h"
#include "base/xalloc.h"
#include "core/router.h"
#include "core/work.h"
#include "linnet/credentials.h"

#define LINKS_MAX 20000 /* of a worker */
#define REST_MS 1000    /* after the first failure; doubles */
#define REST_MAX_MS 60000
#define REMEMBER_MS 300000
#define STEADY_MS 10000 /* a link that was up for so long is in order */
#define RETURNS_MAX 3   /* times a stanza comes back before it is given up */

enum { LINKS, DIALS, FAILED, LOST, FULL, REFUSED, RESTING };
static const struct metric_row rows[] = {
	[LINKS] = { "links", METRIC_GAUGE, "Links with other servers." },
	[DIALS] = { "dials_total", METRIC_COUNTER, "Times another server was called." },
	[FAILED] = { "failed_total", METRIC_COUNTER, "Calls that led to nothing." },
	[LOST] = { "lost_total", METRIC_COUNTER, "Links that lost their connection." },
	[FULL] = { "full_total", METRIC_COUNTER,
	    "Stanzas refused since too much waits for their server." },
	[REFUSED] = { "refused_total", METRIC_COUNTER, "Stanzas refused by policy." },
	[RESTING] = { "resting_total", METRIC_COUNTER,
	    "Stanzas returned at once since their server just failed." },
};
METRICS(link_metrics, "s2s_link", rows);

struct here {
	struct link *links;
	unsigned count;
	bool shelved; /* the server ends: what waits is kept */
};

static unsigned slot;

static struct here *
here(void)
{
	return worker_slot(worker_current(), slot);
}

struct link *
links_first(void)
{
	return here()->links;
}

/* --- the table --------------------------------------------------------------------------- */

static void on_timer(void *arg);

struct link *
link_find(const char *local, size_t local_len, const char *remote, size_t remote_len)
{
	size_t len = local_len + remote_len + 2;
	struct buf key = BUF_INIT;
	struct link *link;

	buf_add(&key, local, local_len);
	buf_add(&key, "", 1);
	buf_add(&key, remote, remote_len);
	buf_add(&key, "", 1);
	HASH_FIND(hh, here()->links, key.data, len, link);
	buf_free(&key);
	return link;
}

static bool
is_idle(const struct link *link)
{
	return link->state == LINK_IDLE && link->peer == NULL && link->dial == NULL &&
	    link->count == 0 && link->verify_count == 0 && link->fences == 0;
}

static void
link_free(struct link *link)
{
	struct here *h = here();

	HASH_DEL(h->links, link);
	h->count--;
	metric_add(link_metrics, LINKS, -1);
	timer_cancel(&link->timer);
	dial_free(&link->dial);
	free(link);
}

/* The oldest that is only remembered for having failed. */
static bool
forget_one(void)
{
	struct link *link = here()->links;

	while (link != NULL && !is_idle(link) && link->state != LINK_RESTS)
		link = link->hh.next;
	if (link == NULL || link->count > 0)
		return false;
	link_free(link);
	return true;
}

static struct link *
link_new(const char *local, size_t local_len, const char *remote, size_t remote_len)
{
	struct here *h = here();
	size_t len = local_len + remote_len + 2;
	struct link *link;

	if (h->count >= LINKS_MAX && !forget_one())
		return NULL;
	link = xcalloc(1, sizeof *link + len);
	memcpy(link->key, local, local_len);
	memcpy(link->key + local_len + 1, remote, remote_len);
	link->local = link->key;
	link->remote = link->key + local_len + 1;
	TAILQ_INIT(&link->queue);
	TAILQ_INIT(&link->verifies);
	timer_init(&link->timer, on_timer, link);
	link->key_len = len;
	HASH_ADD_KEYPTR(hh, h->links, link->key, len, link);
	h->count++;
	metric_add(link_metrics, LINKS, 1);
	return link;
}

/* NULL: there are too many. */
static struct link *
link_get(const char *local, size_t local_len, const char *remote, size_t remote_len)
{
	struct link *link = link_find(local, local_len, remote, remote_len);

	return link != NULL ? link : link_new(local, local_len, remote, remote_len);
}

struct link *
link_named(const char *local, const char *remote)
{
	return link_get(local, strlen(local), remote, strlen(remote));
}

/* To be looked at in a later turn. */
void
link_look_soon(struct link *link)
{
	timer_set_sooner(&link->timer, 0);
}

/* --- the queue ----------------------------------------------------------------------------- */

/* In order; nearly always at the end, or behind the one that came back before it. */
static void
enqueue(struct link *link, struct sending *sending)
{
	struct sending *before = TAILQ_LAST(&link->queue, sending_list);

	while (before != NULL && before->seq > sending->seq)
		before = TAILQ_PREV(before, sending_list, link);
	if (before != NULL)
		TAILQ_INSERT_AFTER(&link->queue, before, sending, link);
	else
		TAILQ_INSERT_HEAD(&link->queue, sending, link);
	link->bytes += sending->weight;
	link->count++;
	sending_keep(sending);
}

static struct sending *
dequeue(struct link *link)
{
	struct sending *sending = TAILQ_FIRST(&link->queue);

	if (sending == NULL)
		return NULL;
	TAILQ_REMOVE(&link->queue, sending, link);
	link->bytes -= sending->weight;
	link->count--;
	if (link->bytes < LINK_QUEUE_MAX / 2)
		link->full = false;
	return sending;
}

static void
bounce_all(struct link *link, enum ln_error error, const char *text)
{
	struct sending *sending;

	while ((sending = dequeue(link)) != NULL)
		sending_bounce(&sending, error, text);
}

static void
returned(struct worker *worker, struct post *post)
{
	(void)worker;
	link_return((struct sending *)post);
}

/* On the route's worker. */
static void
arrived(struct worker *worker, struct post *post)
{
	struct sending *sending = (struct sending *)post;
	struct port_ref ref = { sending->to_port, worker_index(worker) };
	struct peer *peer = peer_of_port(port_find(ref));

	if (peer != NULL)
		peer_send(peer, sending);
	else
		link_return(sending);
}

void
link_return(struct sending *sending)
{
	const struct ln_jid *from = &sending->st->from, *to = &sending->st->to;
	struct worker *home = router_domain_home(ln_jid_domain(to), to->domain_len);
	struct link *link;

	if (home != worker_current()) {
		sending_leave(sending);
		sending->post.run = returned;
		worker_post(home, &sending->post);
		return;
	}
	link = link_get(ln_jid_domain(from), from->domain_len, ln_jid_domain(to), to->domain_len);
	if (link == NULL) {
		sending_bounce(&sending, LN_ERR_RESOURCE_CONSTRAINT, NULL);
		return;
	}
	if (++sending->returns > RETURNS_MAX) {
		sending_bounce(&sending, LN_ERR_REMOTE_SERVER_TIMEOUT,
		    "this server takes stanzas and does not acknowledge them");
		return;
	}
	if (sending_is_stale(sending)) {
		sending_bounce(&sending, LN_ERR_REMOTE_SERVER_TIMEOUT,
		    "this server was gone before it had answered");
		return;
	}
	enqueue(link, sending);
	link_look_soon(link);
}

/* False: the route has just ended, and it waits. */
static bool
give(struct link *link, struct sending *sending)
{
	struct peer *peer;

	if (link->route.worker == worker_index(worker_current())) {
		peer = peer_of_port(port_find(link->route));
		if (peer != NULL)
			peer_send(peer, sending);
		else
			enqueue(link, sending);
		return peer != NULL;
	}
	sending_leave(sending);
	sending->to_port = link->route.id;
	sending->post.run = arrived;
	worker_post(worker_get(link->route.worker), &sending->post);
	return true;
}

static void
give_all(struct link *link)
{
	struct sending *sending;

	while (link->state == LINK_UP && (sending = dequeue(link)) != NULL)
		if (!give(link, sending))
			return;
}

/* --- dialling --------------------------------------------------------------------------------- */

/* Gets a stream, or has the one there is ask for what is needed now. */
void
link_dial(struct link *link)
{
	int64_t now = worker_now_ms();

	if (link->peer == NULL && (here()->shelved || link->dial != NULL))
		return;
	if (link->peer == NULL && now < link->dials_at) {
		timer_set_sooner(&link->timer, link->dials_at - now);
		return;
	}
	if (link->state != LINK_UP)
		link->state = LINK_DIALS;
	if (link->peer != NULL) {
		out_wanted(link->peer);
		return;
	}
	metric_inc(link_metrics, DIALS);
	out_dial(link);
}

/* With jitter, so that many do not call again all at once. */
static int64_t
rest_time(unsigned failures)
{
	int64_t ms = REST_MS << (failures < 6 ? failures : 6);
	uint16_t random;

	if (ms > REST_MAX_MS)
		ms = REST_MAX_MS;
	ln_random(&random, sizeof random);
	return ms - ms / 4 + ms / 2 * random / UINT16_MAX;
}

void
link_failed(struct link *link, enum ln_error error, const char *text)
{
	link_end_verifies(link, error);
	if (link->state == LINK_UP || here()->shelved) /* up by a route that they opened */
		return;
	metric_inc(link_metrics, FAILED);
	log_info("s2s", "no link local=%s remote=%s waiting=%u condition=%s reason=%s", link->local,
	    link->remote, link->count, ln_error_name(error), log_quote(text));
	if (link->carried)
		router_domain_gone(link->local, link->remote);
	link->carried = link->broken = false;
	link->state = LINK_RESTS;
	link->error = error;
	link->rests_until = worker_now_ms() + rest_time(link->failures);
	link->failures++;
	timer_set(&link->timer, link->rests_until - worker_now_ms());
	bounce_all(link, error, text);
}

/* A second loss soon after the first, and each one after it, makes the next call wait longer. */
static void
put_off(struct link *link)
{
	int64_t now = worker_now_ms();

	if (now - link->up_at >= STEADY_MS)
		link->failures = 0;
	link->dials_at = now + (link->failures > 0 ? rest_time(link->failures - 1) : 0);
	link->failures++;
	link->rests_until = now;
}

/* One that just broke is dialled again though nothing waits: to know whether the server is gone. */
void
link_lost(struct link *link, const char *reason, bool broken)
{
	metric_inc(link_metrics, LOST);
	link_end_verifies(link, LN_ERR_REMOTE_SERVER_TIMEOUT);
	if (link->state == LINK_UP && !link->own_route)
		return;
	link->route = (struct port_ref){ 0 };
	link->state = LINK_IDLE;
	put_off(link);
	link->broken = broken && link->carried;
	link->carried = link->broken;
	log_info("s2s", "link ended local=%s remote=%s waiting=%u reason=%s", link->local,
	    link->remote, link->count, log_quote(reason));
	link_look_soon(link);
}

void
link_up(struct link *link, struct port_ref route, bool own)
{
	if (link->state == LINK_UP) /* one route until it is gone: so order holds */
		return;
	if (link->fences > 0) {
		if (!own)
			link->offered = route;
		return;
	}
	link->state = LINK_UP;
	link->up_at = worker_now_ms();
	link->route = route;
	link->own_route = own;
	link->carried = true;
	link->broken = false;
	give_all(link);
}

/* One that failed is remembered for a while, for the next rest to be longer. */
static bool
remembers(struct link *link)
{
	if (link->failures == 0 || worker_now_ms() >= link->rests_until + REMEMBER_MS)
		return false;
	timer_set(&link->timer, link->rests_until + REMEMBER_MS - worker_now_ms());
	return true;
}

static void
on_timer(void *arg)
{
	struct link *link = arg;

	if (link->state == LINK_RESTS && worker_now_ms() >= link->rests_until)
		link->state = LINK_IDLE;
	if (link->state == LINK_IDLE && (link->count > 0 || link->verify_count > 0 || link->broken))
		link_dial(link);
	else if (link->state == LINK_UP)
		give_all(link);
	else if (is_idle(link) && !remembers(link))
		link_free(link);
}

/* --- stanzas ------------------------------------------------------------------------------------ */

static void
refuse(struct ln_stanza *st, unsigned metric, enum ln_error error, const char *text)
{
	struct sending *sending = sending_new(st);

	metric_inc(link_metrics, metric);
	sending_bounce(&sending, error, text);
}

/* Once, until less than half of it waits. */
static void
log_full(struct link *link)
{
	if (!link->full)
		log_warning("s2s", "too much waits local=%s remote=%s waiting=%u bytes=%zu",
		    link->local, link->remote, link->count, link->bytes);
	link->full = true;
}

static void
take_into(struct link *link, struct ln_stanza *st)
{
	struct sending *sending;

	if (link->state == LINK_RESTS && worker_now_ms() < link->rests_until) {
		refuse(st, RESTING, link->error, "this server could not be reached just now");
		return;
	}
	if (link->bytes > LINK_QUEUE_MAX) {
		log_full(link);
		refuse(st, FULL, LN_ERR_RESOURCE_CONSTRAINT, "too much waits for this server");
		return;
	}
	sending = sending_new(st);
	sending->seq = ++link->taken;
	if (link->state == LINK_UP && link->count == 0) {
		give(link, sending);
		return;
	}
	enqueue(link, sending);
	if (link->state != LINK_UP)
		link_dial(link);
}

static void
take(struct ln_stanza *st)
{
	const struct ln_jid *from = &st->from, *to = &st->to;
	struct link *link =
	    link_get(ln_jid_domain(from), from->domain_len, ln_jid_domain(to), to->domain_len);
	const struct s2s_conf *conf = link != NULL ? policy_of(link->local) : NULL;

	if (link == NULL) {
		refuse(st, FULL, LN_ERR_RESOURCE_CONSTRAINT, "links with too many servers");
	} else if (conf == NULL || !policy_allows(conf, link->remote)) {
		refuse(st, REFUSED, LN_ERR_NOT_ALLOWED, "this server is not spoken with");
		link_look_soon(link);
	} else {
		take_into(link, st);
	}
}

static void
stanza_arrived(struct worker *worker, struct post *post)
{
	(void)worker;
	take((struct ln_stanza *)post);
}

bool
link_route(struct ln_stanza *st)
{
	struct worker *home;

	if (!snapshot_current()->core.federates || ln_from(st) == NULL)
		return false;
	home = router_domain_home(ln_jid_domain(&st->to), st->to.domain_len);
	if (home == worker_current()) {
		take(st);
		return true;
	}
	st->item.post.run = stanza_arrived;
	worker_post(home, &st->item.post);
	return true;
}

/* --- beginning and end --------------------------------------------------------------------------------- */

void
links_shelve(void)
{
	struct sending *sending;

	here()->shelved = true;
	for (struct link *link = links_first(); link != NULL; link = links_next(link))
		while ((sending = dequeue(link)) != NULL)
			sending_shelve(&sending);
}

/* Nothing can be written or posted any more. */
static void
forget(struct link *link)
{
	struct sending *sending;
	struct verify *verify;

	while ((sending = dequeue(link)) != NULL)
		sending_free(&sending);
	while ((verify = TAILQ_FIRST(&link->verifies)) != NULL) {
		TAILQ_REMOVE(&link->verifies, verify, link);
		free(verify);
	}
}

static void
here_open(struct worker *worker)
{
	worker_slot_set(worker, slot, xcalloc(1, sizeof(struct here)));
}

static void
here_close(struct worker *worker)
{
	struct here *h = worker_slot(worker, slot);
	struct link *link, *next;

	HASH_ITER(hh, h->links, link, next) {
		forget(link);
		link_free(link);
	}
	free(h);
	worker_slot_set(worker, slot, NULL);
}

void
link_init(void)
{
	slot = worker_slot_new();
	worker_on_open(here_open);
	worker_on_close(here_close);
	sending_init();
}
