/*
 * Snapshots on workers. See host.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/host.h"

#include <stdlib.h>

#include "core/entity.h"
#include "net/worker.h"

#define OBSERVERS_MAX 8

struct install {
	struct post post;
	struct snapshot *snapshot;
};

static unsigned slot;
static void (*observers[OBSERVERS_MAX])(const struct snapshot *old, const struct snapshot *now);
static unsigned observer_count;

const struct snapshot *
snapshot_current(void)
{
	return worker_slot(worker_current(), slot);
}

const struct ln_host *
host_find(const char *domain, size_t len)
{
	const struct snapshot *snapshot = snapshot_current();
	struct ln_host *host = NULL;

	if (snapshot != NULL)
		HASH_FIND(hh, snapshot->hosts, domain, len, host);
	return host;
}

const struct ln_host *
host_with_accounts(const char *domain, size_t len)
{
	const struct ln_host *host = host_find(domain, len);

	return host != NULL && host->parent == NULL ? host : NULL;
}

const struct ln_host *
host_of(const struct ln_jid *jid)
{
	return host_find(ln_jid_domain(jid), jid->domain_len);
}

/* Whose subdomain it is. */
static const struct ln_host *
host_above(const char *domain)
{
	const struct ln_host *host;

	for (const char *dot = strchr(domain, '.'); dot != NULL; dot = strchr(dot + 1, '.')) {
		host = host_find(dot + 1, strlen(dot + 1));
		if (host != NULL && host->parent == NULL)
			return host;
	}
	return NULL;
}

const char *
ln_host_external_at(const struct ln_host *host, unsigned i)
{
	const struct core_conf *core = &host->snapshot->core;

	for (size_t k = 0; k < core->component_count; k++)
		if (host_above(core->components[k].domain) == host && i-- == 0)
			return core->components[k].domain;
	return NULL;
}

struct snapshot *
snapshot_ref(struct snapshot *snapshot)
{
	atomic_fetch_add_explicit(&snapshot->refs, 1, memory_order_relaxed);
	return snapshot;
}

void
snapshot_unref(struct snapshot **snapshot_p)
{
	struct snapshot *snapshot = *snapshot_p;

	*snapshot_p = NULL;
	if (snapshot != NULL &&
	    atomic_fetch_sub_explicit(&snapshot->refs, 1, memory_order_acq_rel) == 1)
		snapshot->free(snapshot);
}

/* Points an entity at its host's new self; without a host it ends. */
static void
rehost(struct entity *entity, void *arg)
{
	const struct ln_host *host = host_of(&entity->jid);

	(void)arg;
	if (host != NULL) {
		entity->host = host;
		return;
	}
	if (entity->ops->host_gone != NULL)
		entity->ops->host_gone(entity);
	entity_remove(entity);
}

static void
install(struct worker *worker, struct post *post)
{
	struct install *message = (struct install *)post;
	struct snapshot *old = worker_slot(worker, slot);

	worker_slot_set(worker, slot, message->snapshot);
	if (worker != worker_main())
		entity_each(rehost, NULL);
	for (unsigned i = 0; i < observer_count; i++)
		observers[i](old, message->snapshot);
	snapshot_unref(&old);
	free(message);
}

void
snapshot_publish(struct snapshot *snapshot)
{
	for (unsigned i = 0; i <= worker_count(); i++) {
		struct install *message = xcalloc(1, sizeof *message);

		message->post.run = install;
		message->snapshot = snapshot_ref(snapshot);
		worker_post(i < worker_count() ? worker_get(i) : worker_main(), &message->post);
	}
}

void
snapshot_on_install(void (*installed)(const struct snapshot *old, const struct snapshot *now))
{
	if (observer_count == OBSERVERS_MAX)
		abort();
	observers[observer_count++] = installed;
}

static void
release(struct worker *worker)
{
	struct snapshot *snapshot = worker_slot(worker, slot);

	worker_slot_set(worker, slot, NULL);
	snapshot_unref(&snapshot);
}

/* The main thread's worker is not closed like the others; its share goes with the first. */
static void
close_worker(struct worker *worker)
{
	release(worker);
	if (worker_index(worker) == 0)
		release(worker_main());
}

void
host_init(void)
{
	slot = worker_slot_new();
	worker_on_close(close_worker);
}
