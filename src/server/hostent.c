/*
 * The host's own entity. It has no rows: loading is done at once.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/hostent.h"

#include <stdlib.h>
#include <string.h>

#include "core/host.h"
#include "core/iq.h"
#include "core/router.h"
#include "core/stanza.h"
#include "core/work.h"
#include "net/worker.h"

#define INBOX_BYTES ((size_t)40 << 20)

static void
host_load(struct entity *entity)
{
	entity_loaded(entity);
}

static bool
host_loads(const struct ln_stanza *st)
{
	return st->kind != LN_PRESENCE;
}

static bool
host_idle(const struct entity *entity)
{
	(void)entity;
	return true;
}

static void
host_unload(struct entity *entity)
{
	free(entity);
}

/* RFC 6121 §8.3: an iq is the server's own; messages and presence have nobody to read them. A full
 * JID of the host (host/resource) is nobody. */
static void
deliver_to_host(struct entity *entity, struct ln_stanza *st)
{
	bool request = st->kind == LN_IQ && (st->type == LN_GET || st->type == LN_SET);

	if (request && ln_jid_is_bare(&st->to))
		iq_dispatch(entity->host, NULL, st, false);
	else if (request ||
	    (st->kind == LN_MESSAGE && st->type != LN_TYPE_ERROR && st->type != LN_HEADLINE))
		router_bounce(st, LN_ERR_SERVICE_UNAVAILABLE, NULL);
	else
		ln_stanza_free(&st);
}

static void
host_deliver(struct entity *entity, struct ln_stanza *st)
{
	work_begin(entity, st);
	deliver_to_host(entity, st);
	work_end();
}

/* --- telling modules about their host ---------------------------------------------------------- */

static void
fire_events(struct entity *entity, void *arg)
{
	bool *started = arg;
	struct ln_ev_host ev;

	if (entity != NULL) {
		ev = (struct ln_ev_host){ .host = entity->host };
		if (*started)
			fire_host_started(entity->host, &ev);
		else
			fire_config_reloaded(entity->host, &ev);
	}
	free(started);
}

static void
installed(const struct snapshot *old, const struct snapshot *now)
{
	struct ln_host *host, *next, *before;

	if (worker_current() == worker_main())
		return;
	HASH_ITER(hh, now->hosts, host, next) {
		bool *started;

		if (!router_is_home(&host->jid))
			continue;
		before = NULL;
		if (old != NULL)
			HASH_FIND(hh, old->hosts, host->name, strlen(host->name), before);
		started = xmalloc(sizeof *started);
		*started = before == NULL;
		entity_call(&host->jid, fire_events, started);
	}
}

void
hostent_init(void)
{
	snapshot_on_install(installed);
}

const struct entity_ops host_ops = {
	.kind = "host",
	.size = sizeof(struct entity),
	.inbox_max = INBOX_BYTES,
	.loads = host_loads,
	.load = host_load,
	.deliver = host_deliver,
	.idle = host_idle,
	.unload = host_unload,
};
