/*
 * To all who are there: ln_broadcast(). Each worker lists those of its accounts
 * that are available; the lists go to the host's home, which sends them in
 * portions, so that no worker is held up and the order of what it sends holds.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>

#include "base/xalloc.h"
#include "core/fanout.h"
#include "core/stanza.h"
#include "im/account.h"
#include "im/session.h"
#include "linnet/account.h"

struct broadcast {
	struct post post;
	struct ln_jid host;
	struct fanout *fanout;
};

static void
broadcast_free(struct broadcast *broadcast)
{
	fanout_free(&broadcast->fanout);
	ln_jid_free(&broadcast->host);
	free(broadcast);
}

static void
add_if_available(struct entity *entity, void *arg)
{
	struct broadcast *broadcast = arg;
	const struct ln_session *session;

	if (entity->ops != &account_ops || !ln_jid_same_domain(&entity->jid, &broadcast->host))
		return;
	TAILQ_FOREACH(session, &account_of(entity)->sessions, link)
		if (session->presence != NULL) {
			fanout_add(broadcast->fanout, &entity->jid);
			return;
		}
}

static void
send_all(struct entity *host, void *arg)
{
	struct broadcast *broadcast = arg;

	if (host != NULL) {
		fanout_send(host, broadcast->fanout);
		broadcast->fanout = NULL;
	}
	broadcast_free(broadcast);
}

static void
list_here(struct worker *worker, struct post *post)
{
	struct broadcast *broadcast = (struct broadcast *)post;

	(void)worker;
	entity_each(add_if_available, broadcast);
	entity_call(&broadcast->host, send_all, broadcast);
}

void
ln_broadcast(const struct ln_host *host, struct ln_stanza *st)
{
	for (unsigned i = 0; i < worker_count(); i++) {
		struct broadcast *broadcast = xcalloc(1, sizeof *broadcast);

		broadcast->post.run = list_here;
		ln_jid_copy(&broadcast->host, ln_host_jid(host));
		broadcast->fanout = fanout_new(ln_stanza_copy(st));
		worker_post(worker_get(i), &broadcast->post);
	}
	ln_stanza_free(&st);
}
