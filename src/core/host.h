/*
 * The host snapshot: what the configuration says, as the workers read it.
 *
 * A snapshot is immutable and counted: the hosts, their modules' instances,
 * hook chains, iq tables. src/server builds one at start and at every reload
 * and posts it to each worker, which installs it between two turns; nothing is
 * edited in place. Handlers find it through the entity's `host`.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_CORE_HOST_H
#define LN_CORE_HOST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/hash.h"
#include "core/federation.h"
#include "linnet/module.h"

struct entity_ops;
struct tls;

/* One module on one host, in one snapshot. */
struct ln_mod {
	const struct ln_module *def;
	const void *conf;           /* const, in the configuration that the snapshot keeps */
	const struct ln_host *host; /* NULL: global */
	unsigned slot;     /* of the module: index of its slices, in every snapshot the same */
	unsigned instance; /* of the module on this host: index of its worker state, likewise */
	struct metrics *metrics; /* its counters on this host; NULL: none */
};

struct hook_entry {
	const struct ln_mod *mod;
	union ln_hook_fn fn;
};

struct hook_chain {
	unsigned count;
	const struct hook_entry *entries;
};

/* A row of the iq table: by namespace, element, kind and scope. */
struct iq_row {
	UT_hash_handle hh;
	char *key;
	const struct ln_mod *mod;
	const struct ln_iq_handler *handler;
};

/* c2s.conflict: who wins when a resource is bound twice (RFC 6120 §7.7.2.2). */
enum resource_conflict { CONFLICT_REPLACE, CONFLICT_REFUSE, CONFLICT_RENAME };

/* How a host deals with its clients: `c2s`, `stream-management`. */
struct client_rules {
	bool tls_required;
	bool channel_binding;
	int resource_conflict; /* enum resource_conflict */
	int64_t resume_ms;     /* 0: no resumption */
	unsigned sm_queue;     /* unacknowledged stanzas */
};

/* A domain that this server answers for. */
struct ln_host {
	UT_hash_handle hh;
	const char *name; /* normalised domain */
	struct ln_jid jid;
	const struct snapshot *snapshot;
	const struct entity_ops *node_ops;   /* kind of entity behind node@name; NULL: none */
	const struct entity_ops *domain_ops; /* behind the bare domain */
	const struct ln_host *parent;        /* of a component; else NULL */
	const struct ln_mod *own;            /* of a component: the module whose it is */
	const struct ln_host **components;
	unsigned component_count;
	const struct ln_mod **mods; /* in load order */
	unsigned mod_count;
	struct hook_chain chains[LN_EV_COUNT];
	struct iq_row *iq_rows;
	const struct ln_jid *admins;
	unsigned admin_count;
	struct client_rules clients;
	const struct s2s_conf *s2s; /* NULL: as the core's */
	const void *conf;           /* struct config_host of src/server */
};

/* Limits and times of the core that everybody on a worker reads. */
struct core_conf {
	size_t stanza_max;       /* bytes of one element after login */
	size_t stanza_max_early; /* before login */
	int64_t auth_timeout_ms;
	unsigned sessions_max; /* of an account */
	unsigned roster_max;
	size_t memory;               /* bytes of entities that nobody is using */
	int64_t c2s_rate, s2s_rate;  /* bytes a second; 0: off */
	struct client_rules clients; /* where no host is known yet */
	struct tls *tls;             /* all certificates, held by `config`; NULL: none, no TLS */
	unsigned connections_per_address; /* before login; 0: off */
	struct ln_rate login_per_address; /* failed attempts; count LN_OFF: no limit */
	struct ln_rate login_per_account; /* the same; an account's are delayed, not refused */
	int scram_iterations;
	const struct ln_list *trusted_proxies; /* http.trusted-proxies */
	int64_t http_head_ms, http_idle_ms, http_stall_ms;
	bool federates; /* other servers can reach us, or we them */
	const struct s2s_conf *s2s;
	const struct component_conf *components;
	size_t component_count;
};

struct snapshot {
	_Atomic unsigned refs;
	unsigned generation;
	struct arena *arena;
	struct ln_host *hosts; /* table by name */
	struct core_conf core;
	unsigned slot_count;
	const struct ln_mod **mods; /* of all hosts and global */
	unsigned mod_count;
	void *config; /* struct config of src/server, kept alive by the snapshot */
	void (*free)(struct snapshot *snapshot); /* called with the last reference */
};

/* The current worker's snapshot; borrowed until the end of the turn. */
const struct snapshot *snapshot_current(void);

/* The host with this domain (of len bytes); NULL: not ours. */
const struct ln_host *host_find(const char *domain, size_t len);
const struct ln_host *host_of(const struct ln_jid *jid);

/* The same, if it is one that people have accounts at: no component. */
const struct ln_host *host_with_accounts(const char *domain, size_t len);

struct snapshot *snapshot_ref(struct snapshot *snapshot);
void snapshot_unref(struct snapshot **snapshot);

/*
 * Gives a snapshot to every worker; returns at once. Each installs it between two turns, points
 * its entities at the new hosts and calls the observers registered below.
 * Main thread.
 */
void snapshot_publish(struct snapshot *snapshot);

/* Called on each worker after a new snapshot was installed there. Registered at start. */
void snapshot_on_install(void (*installed)(const struct snapshot *old, const struct snapshot *now));

void host_init(void);

/* --- firing -------------------------------------------------------------------- */

/* Runs a filter's chain. LN_DONE: the stanza was dealt with; if ev->head.stanza is still set the
 * caller frees it. `module_enter/leave` time the handlers and leave the breadcrumb. module_enter()
 * false: passed over, since a reload has brought the module and what it preloads for the account
 * in hand is still being read. */
bool module_enter(const struct ln_mod *mod, enum ln_event event);
void module_leave(const struct ln_mod *mod);

#define FIRE_FILTER(name)                                                           \
	static inline enum ln_verdict fire_##name(const struct ln_host *host,       \
	    struct ln_ev_##name *ev)                                                \
	{                                                                           \
		const struct hook_chain *chain = &host->chains[LN_EV_##name];       \
		enum ln_verdict verdict = LN_PASS;                                  \
		for (unsigned i = 0; i < chain->count && verdict == LN_PASS; i++) { \
			const struct hook_entry *entry = &chain->entries[i];        \
			if (!module_enter(entry->mod, LN_EV_##name))                \
				continue;                                           \
			verdict = entry->fn.name(entry->mod, ev);                   \
			module_leave(entry->mod);                                   \
		}                                                                   \
		return verdict;                                                     \
	}
#define FIRE_OBSERVE(name)                                                                  \
	static inline void fire_##name(const struct ln_host *host, struct ln_ev_##name *ev) \
	{                                                                                   \
		const struct hook_chain *chain = &host->chains[LN_EV_##name];               \
		for (unsigned i = 0; i < chain->count; i++) {                               \
			const struct hook_entry *entry = &chain->entries[i];                \
			if (!module_enter(entry->mod, LN_EV_##name))                        \
				continue;                                                   \
			entry->fn.name(entry->mod, ev);                                     \
			module_leave(entry->mod);                                           \
		}                                                                           \
	}
#define LN_HOOK(name, kind, home, when) FIRE_##kind(name)
#include "linnet/hooks.def"
#undef LN_HOOK

/* --- slices (src/core/module.c) -------------------------------------------------- */

struct module_timer;

struct slices {
	void **slot; /* by ln_mod.slot */
	unsigned count;
	struct module_timer *timers; /* of a session */
};

#endif
