/*
 * What is asked of a link from elsewhere, by post: to have a key verified, to
 * take a route that another server opened, to hear that its server lives.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "core/router.h"
#include "xmpp/link.h"

#define VERIFIES_MAX 64 /* keys that wait, of a link */

/* --- keys to be verified (XEP-0220 §2.1.2) ----------------------------------------------------------- */

struct verified {
	struct post post;
	struct port_ref asker;
	bool valid;
	enum ln_error error;
	const char *local, *remote, *id;
	char texts[];
};

static void
tell_asker(struct worker *worker, struct post *post)
{
	struct verified *verified = (struct verified *)post;
	struct peer *peer = peer_of_port(port_find(verified->asker));

	(void)worker;
	if (peer != NULL)
		in_verified(peer, verified->local, verified->remote, verified->id, verified->valid,
		    verified->error);
	free(verified);
}

/* Copies a text behind a struct; moves `at` on. */
static const char *
put_text(char **at, const char *text)
{
	size_t size = strlen(text) + 1;
	char *to = *at;

	memcpy(to, text, size);
	*at += size;
	return to;
}

static void
answer(const char *local, const char *remote, const struct verify *verify, bool valid,
    enum ln_error error)
{
	struct verified *verified =
	    xcalloc(1, sizeof *verified + strlen(local) + strlen(remote) + strlen(verify->id) + 3);
	char *at = verified->texts;

	verified->post.run = tell_asker;
	verified->asker = verify->asker;
	verified->valid = valid;
	verified->error = error;
	verified->local = put_text(&at, local);
	verified->remote = put_text(&at, remote);
	verified->id = put_text(&at, verify->id);
	worker_post(worker_get(verified->asker.worker), &verified->post);
}

static void
verify_end(struct link *link, struct verify *verify, bool valid, enum ln_error error)
{
	answer(link->local, link->remote, verify, valid, error);
	TAILQ_REMOVE(&link->verifies, verify, link);
	link->verify_count--;
	free(verify);
}

void
link_verified(struct link *link, const char *id, bool valid, enum ln_error error)
{
	struct verify *verify, *next;

	for (verify = TAILQ_FIRST(&link->verifies); verify != NULL; verify = next) {
		next = TAILQ_NEXT(verify, link);
		if (verify->sent && strcmp(verify->id, id) == 0)
			verify_end(link, verify, valid, error);
	}
	link_look_soon(link);
}

/* XEP-0220 §2.4.2: what a failed connection means for the one that asked. */
void
link_end_verifies(struct link *link, enum ln_error error)
{
	struct verify *verify;

	while ((verify = TAILQ_FIRST(&link->verifies)) != NULL)
		verify_end(link, verify, false, error);
}

struct ask {
	struct post post;
	struct port_ref asker;
	const char *local, *remote, *id, *key;
	char texts[];
};

static struct verify *
verify_new(const struct ask *ask)
{
	struct verify *verify = xcalloc(1, sizeof *verify + strlen(ask->id) + strlen(ask->key) + 2);
	char *at = verify->texts;

	verify->asker = ask->asker;
	verify->id = put_text(&at, ask->id);
	verify->key = put_text(&at, ask->key);
	return verify;
}

static void
ask_arrived(struct worker *worker, struct post *post)
{
	struct ask *ask = (struct ask *)post;
	struct link *link = link_named(ask->local, ask->remote);
	struct verify *verify = verify_new(ask);

	(void)worker;
	if (link == NULL || link->verify_count == VERIFIES_MAX) {
		answer(ask->local, ask->remote, verify, false, LN_ERR_RESOURCE_CONSTRAINT);
		free(verify);
	} else if (link->state == LINK_RESTS && worker_now_ms() < link->rests_until) {
		answer(ask->local, ask->remote, verify, false, link->error);
		free(verify);
	} else {
		TAILQ_INSERT_TAIL(&link->verifies, verify, link);
		link->verify_count++;
		link_dial(link);
	}
	free(ask);
}

void
link_verify(const char *local, const char *remote, const char *id, const char *key,
    struct port_ref asker)
{
	struct ask *ask =
	    xcalloc(1, sizeof *ask + strlen(local) + strlen(remote) + strlen(id) + strlen(key) + 4);
	char *at = ask->texts;

	ask->post.run = ask_arrived;
	ask->asker = asker;
	ask->local = put_text(&at, local);
	ask->remote = put_text(&at, remote);
	ask->id = put_text(&at, id);
	ask->key = put_text(&at, key);
	worker_post(router_domain_home(remote, strlen(remote)), &ask->post);
}

/* --- routes that other servers opened (XEP-0288) ---------------------------------------------------- */

struct offer {
	struct post post;
	struct port_ref route;
	const char *local, *remote;
	char texts[];
};

static void
post_offer(const char *local, const char *remote, struct port_ref route,
    void (*run)(struct worker *worker, struct post *post))
{
	struct offer *offer = xcalloc(1, sizeof *offer + strlen(local) + strlen(remote) + 2);
	char *at = offer->texts;

	offer->post.run = run;
	offer->route = route;
	offer->local = put_text(&at, local);
	offer->remote = put_text(&at, remote);
	worker_post(router_domain_home(remote, strlen(remote)), &offer->post);
}

static void
offered(struct worker *worker, struct post *post)
{
	struct offer *offer = (struct offer *)post;
	struct link *link = link_named(offer->local, offer->remote);

	(void)worker;
	if (link != NULL)
		link_up(link, offer->route, false);
	free(offer);
}

/* All that the route had to give back is there: the next one may be used. */
static void
fence_back(struct worker *worker, struct post *post)
{
	struct offer *offer = (struct offer *)post;
	struct link *link =
	    link_find(offer->local, strlen(offer->local), offer->remote, strlen(offer->remote));

	(void)worker;
	free(offer);
	if (link == NULL || link->fences == 0 || --link->fences > 0)
		return;
	if (link->offered.id != 0)
		link_up(link, link->offered, false);
	else if (link->peer != NULL)
		out_wanted(link->peer);
	link->offered = (struct port_ref){ 0 };
	link_look_soon(link);
}

/* On the worker of a route that is gone: what was posted to it has been returned before this. */
static void
at_route(struct worker *worker, struct post *post)
{
	struct offer *offer = (struct offer *)post;

	(void)worker;
	post->run = fence_back;
	worker_post(router_domain_home(offer->remote, strlen(offer->remote)), post);
}

static bool
is_route(struct port_ref a, struct port_ref b)
{
	return a.id == b.id && a.worker == b.worker;
}

static void
withdrawn(struct worker *worker, struct post *post)
{
	struct offer *offer = (struct offer *)post;
	struct link *link =
	    link_find(offer->local, strlen(offer->local), offer->remote, strlen(offer->remote));

	(void)worker;
	if (link != NULL && is_route(link->offered, offer->route))
		link->offered = (struct port_ref){ 0 };
	if (link == NULL || !is_route(link->route, offer->route)) {
		free(offer);
		return;
	}
	link->route = (struct port_ref){ 0 };
	link->state = LINK_IDLE;
	link->fences++;
	link_look_soon(link);
	post->run = at_route;
	worker_post(worker_get(offer->route.worker), post);
}

void
link_offer(const char *local, const char *remote, struct port_ref route)
{
	post_offer(local, remote, route, offered);
}

void
link_withdraw(const char *local, const char *remote, struct port_ref route)
{
	post_offer(local, remote, route, withdrawn);
}

static void
alive(struct worker *worker, struct post *post)
{
	struct offer *offer = (struct offer *)post;
	struct link *link =
	    link_find(offer->local, strlen(offer->local), offer->remote, strlen(offer->remote));

	(void)worker;
	if (link != NULL && link->peer != NULL)
		peer_alive(link->peer);
	free(offer);
}

void
link_alive(const struct ln_stanza *st)
{
	post_offer(st->to.full, st->from.full, (struct port_ref){ 0 }, alive);
}
