/*
 * Streams and links with other servers in one thread. See s2s_kit.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "s2s_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "core/module.h"
#include "core/router.h"
#include "core/work.h"
#include "entity_kit.h"
#include "net/listener.h"
#include "net/resolver.h"
#include "net/worker.h"
#include "store/store.h"
#include "xmpp/component.h"
#include "xmpp/s2s.h"

static void
must(bool truth)
{
	if (!truth)
		abort();
}

static struct store *store;

/* --- a host without anybody ------------------------------------------------------------ */

static const struct s2s_conf s2s = {
	.dialback = true,
	.allow_all = true,
	.stanza_max = 64 * 1024,
	.idle_ms = 60000,
	.dead_after_ms = 60000,
};
static const struct component_conf components[] = { { "component.example", "secret" } };

struct ln_host *
s2s_kit_host(void)
{
	return (struct ln_host *)host_find(S2S_KIT_HOST, strlen(S2S_KIT_HOST));
}

static void
publish(void)
{
	struct snapshot *snapshot = xcalloc(1, sizeof *snapshot);
	struct ln_host *host;

	atomic_init(&snapshot->refs, 2); /* it stays */
	snapshot->arena = arena_new(1024);
	snapshot->core.stanza_max_early = 16 * 1024;
	snapshot->core.auth_timeout_ms = 30000;
	snapshot->core.memory = 64 << 20;
	snapshot->core.federates = true;
	snapshot->core.s2s = &s2s;
	snapshot->core.components = components;
	snapshot->core.component_count = 1;
	host = arena_zalloc(snapshot->arena, sizeof *host);
	host->name = S2S_KIT_HOST;
	host->snapshot = snapshot;
	host->s2s = &s2s;
	host->node_ops = host->domain_ops = &entity_kit_ops;
	ln_jid_make(snapshot->arena, NULL, host->name, NULL, &host->jid);
	HASH_ADD_KEYPTR(hh, snapshot->hosts, host->name, strlen(host->name), host);
	snapshot_publish(snapshot);
}

static struct dns_answer *
no_such_domain(const char *name, enum dns_type type)
{
	return dns_answer_new(name, type, DNS_NONE, NULL);
}

/* There is no listener that counts. */
void
listener_quota_release(void)
{
}

void
s2s_kit_turn(void)
{
	worker_enter(worker_main());
	worker_turn(worker_main(), false);
	worker_enter(worker_get(0));
	worker_turn(worker_get(0), false);
}

void
s2s_kit_start(void)
{
	static char dir[] = "/tmp/linnet-fuzz-XXXXXX";
	const struct store_conf conf = { .dir = dir };
	char *error;

	log_set_level(NULL, LOG_LEVEL_ERROR);
	must(mkdtemp(dir) != NULL);
	store = store_open(&conf, NULL, 0, &error);
	must(store != NULL);
	resolver_init();
	resolver_set_fake(no_such_domain);
	hold_init();
	entity_init();
	host_init();
	port_init();
	work_init(store);
	stream_init();
	s2s_init(store);
	workers_start_unthreaded(1);
	publish();
	s2s_kit_turn();
	s2s_kit_turn();
}
