/*
 * Building snapshots, and going from one to the next. See apply.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/apply.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "core/iq.h"
#include "core/module.h"
#include "core/node.h"
#include "im/account.h"
#include "net/listener.h"
#include "net/tls.h"
#include "net/worker.h"
#include "server/apply_s2s.h"
#include "server/hostent.h"
#include "server/instance.h"
#include "server/ledger.h"
#include "server/loader.h"

struct snapshot_parts {
	const struct config *config;
	struct tls *tls;
};

/* While a snapshot is made. */
struct building {
	struct snapshot *snapshot;
	const struct config *config;
	const struct ln_mod **globals; /* the server's own instances */
	unsigned global_count;
	struct ledger ledger;
	char **error_r;
};

static struct snapshot *in_force;

/* --- modules ------------------------------------------------------------------------------------ */

static const struct ln_mod *
make_mod(struct building *b, struct ln_host *host, const struct config_use *use)
{
	struct ln_mod *mod = arena_zalloc(b->snapshot->arena, sizeof *mod);

	mod->def = use->module;
	mod->conf = use->conf;
	mod->host = host;
	mod->slot = loader_slot(use->module);
	if (!instance_get(use->module, host != NULL ? host->name : "", &b->ledger,
		&mod->instance)) {
		*b->error_r = xstrdup("a test wants it so");
		return NULL;
	}
	mod->metrics = instance_metrics(mod->instance);
	return mod;
}

static int
by_rank(const void *a, const void *b)
{
	const struct ln_mod *const *one = a, *const *other = b;
	unsigned rank = loader_rank((*one)->def), other_rank = loader_rank((*other)->def);

	return rank < other_rank ? -1 : rank > other_rank;
}

/* The instances of a list, behind those in `mods` already; components have hosts of their own. */
static bool
make_mods(struct building *b, struct ln_host *host, const struct config_use *uses, size_t count,
    const struct ln_mod **mods, unsigned *count_r)
{
	for (size_t i = 0; i < count; i++) {
		const struct ln_mod *mod;

		if (uses[i].module->scope == LN_SCOPE_COMPONENT)
			continue;
		mod = make_mod(b, host, &uses[i]);
		if (mod == NULL)
			return false;
		mods[(*count_r)++] = mod;
	}
	qsort(mods, *count_r, sizeof *mods, by_rank);
	return true;
}

/* --- chains and tables ------------------------------------------------------------------------------ */

struct sortable {
	struct hook_entry entry;
	int priority;
	unsigned order;
};

static int
by_priority(const void *a, const void *b)
{
	const struct sortable *one = a, *other = b;

	if (one->priority != other->priority)
		return one->priority > other->priority ? -1 : 1;
	return one->order < other->order ? -1 : one->order > other->order;
}

static unsigned
collect(const struct ln_host *host, enum ln_event event, struct sortable *list)
{
	unsigned count = 0;

	for (unsigned i = 0; i < host->mod_count; i++) {
		const struct ln_hook *hook = host->mods[i]->def->hooks;

		for (; hook != NULL && hook->event != LN_EV_COUNT; hook++) {
			if (hook->event != event)
				continue;
			if (list != NULL)
				list[count] = (struct sortable){ { host->mods[i], hook->fn },
					hook->priority, count };
			count++;
		}
	}
	return count;
}

static void
make_chain(struct snapshot *snapshot, struct ln_host *host, enum ln_event event)
{
	unsigned count = collect(host, event, NULL);
	struct sortable *list;
	struct hook_entry *entries;

	if (count == 0)
		return;
	list = xcalloc(count, sizeof *list);
	collect(host, event, list);
	qsort(list, count, sizeof *list, by_priority);
	entries = arena_alloc(snapshot->arena, count * sizeof *entries);
	for (unsigned i = 0; i < count; i++)
		entries[i] = list[i].entry;
	host->chains[event] = (struct hook_chain){ count, entries };
	free(list);
}

static bool
lists(const char *const *features, const char *feature)
{
	for (; features != NULL && *features != NULL; features++)
		if (strcmp(*features, feature) == 0)
			return true;
	return false;
}

/* A feature of two modules: what is it that disco announces? NULL: there is none. */
static const char *
shared_feature(const char *const *features, const char *const *others)
{
	for (; features != NULL && *features != NULL; features++)
		if (lists(others, *features))
			return *features;
	return NULL;
}

static bool
check_features(const struct ln_host *host, const struct ln_mod *mod, char **error_r)
{
	for (unsigned i = 0; host->mods[i] != mod; i++) {
		const struct ln_module *a = mod->def, *b = host->mods[i]->def;
		const char *feature = shared_feature(a->features, b->features);

		if (feature == NULL)
			feature = shared_feature(a->account_features, b->account_features);
		if (feature == NULL)
			continue;
		*error_r = xasprintf("modules %s and %s both announce %s on %s", b->name, a->name,
		    feature, host->name);
		return false;
	}
	return true;
}

static bool
make_tables(struct snapshot *snapshot, struct ln_host *host, char **error_r)
{
	/* A component's own rows go before those that others offer at every component. */
	if (host->own != NULL)
		iq_table_add(host, host->own);
	for (unsigned i = 0; i < host->mod_count; i++) {
		const struct ln_mod *taken =
		    host->mods[i] != host->own ? iq_table_add(host, host->mods[i]) : NULL;

		if ((taken == NULL || taken == host->own) &&
		    check_features(host, host->mods[i], error_r))
			continue;
		if (taken != NULL)
			*error_r = xasprintf("modules %s and %s answer the same request on %s",
			    taken->def->name, host->mods[i]->def->name, host->name);
		return false;
	}
	for (int event = 0; event < LN_EV_COUNT; event++)
		make_chain(snapshot, host, (enum ln_event)event);
	return true;
}

/* --- hosts -------------------------------------------------------------------------------------------- */

static void
make_admins(struct snapshot *snapshot, struct ln_host *host, const struct config_host *conf)
{
	struct ln_jid *admins =
	    arena_zalloc(snapshot->arena, (conf->admins.count + 1) * sizeof *admins);

	for (size_t i = 0; i < conf->admins.count; i++) {
		const char *text = ln_list_text(&conf->admins, i);

		if (ln_jid_parse(snapshot->arena, text, strlen(text), &admins[host->admin_count]) ==
		    LN_JID_OK)
			host->admin_count++;
	}
	host->admins = admins;
}

/* `off` is 0 in the core's limits. */
static int64_t
or_off(int64_t value)
{
	return value >= LN_OFF ? 0 : value;
}

static struct client_rules
client_rules(const struct config_c2s *c2s, const struct config_stream_management *sm)
{
	return (struct client_rules){
		.tls_required = c2s->tls == CONFIG_TLS_REQUIRED,
		.channel_binding = c2s->channel_binding,
		.resource_conflict = c2s->conflict,
		.resume_ms = or_off(ln_ms(sm->resume)),
		.sm_queue = (unsigned)sm->queue,
	};
}

static struct ln_host *
new_host(struct building *b, const char *name, const struct config_host *conf, size_t mods_max)
{
	struct arena *arena = b->snapshot->arena;
	struct ln_host *host = arena_zalloc(arena, sizeof *host), *same;

	host->name = arena_strdup(arena, name);
	HASH_FIND(hh, b->snapshot->hosts, name, strlen(name), same);
	if (same != NULL) {
		*b->error_r = xasprintf("%s is given to two", name);
		return NULL;
	}
	if (ln_jid_parse(arena, name, strlen(name), &host->jid) != LN_JID_OK) {
		*b->error_r = xasprintf("%s is no domain", name);
		return NULL;
	}
	host->snapshot = b->snapshot;
	host->domain_ops = &host_ops;
	host->s2s = apply_s2s(arena, &conf->s2s);
	host->clients = client_rules(&conf->c2s, &conf->stream_management);
	host->conf = conf;
	host->mods = arena_alloc(arena, (mods_max + b->global_count + 1) * sizeof *host->mods);
	HASH_ADD_KEYPTR(hh, b->snapshot->hosts, host->name, strlen(host->name), host);
	return host;
}

/* A component answers with what its own module declares, and with what others do for it. */
static bool
make_component(struct building *b, struct ln_host *parent, const struct config_use *use)
{
	struct ln_host *host =
	    new_host(b, use->module->domain(use->conf), parent->conf, parent->mod_count + 1);
	const struct ln_mod *own = host != NULL ? make_mod(b, host, use) : NULL;

	if (own == NULL)
		return false;
	host->parent = parent;
	host->admins = parent->admins;
	host->admin_count = parent->admin_count;
	for (unsigned i = 0; i < parent->mod_count; i++)
		if (parent->mods[i]->def->for_components)
			host->mods[host->mod_count++] = parent->mods[i];
	host->mods[host->mod_count++] = own;
	host->own = own;
	if (own->def->nodes != NULL)
		host->node_ops = &node_ops;
	qsort(host->mods, host->mod_count, sizeof *host->mods, by_rank);
	parent->components[parent->component_count++] = host;
	return make_tables(b->snapshot, host, b->error_r);
}

static bool
make_components(struct building *b, struct ln_host *host, const struct config_host *conf)
{
	host->components =
	    arena_alloc(b->snapshot->arena, (conf->module_count + 1) * sizeof *host->components);
	for (size_t i = 0; i < conf->module_count; i++)
		if (conf->modules[i].module->scope == LN_SCOPE_COMPONENT &&
		    !make_component(b, host, &conf->modules[i]))
			return false;
	return true;
}

static bool
make_host(struct building *b, const struct config_host *conf)
{
	struct ln_host *host = new_host(b, conf->name, conf, conf->module_count);

	if (host == NULL)
		return false;
	host->node_ops = &account_ops;
	make_admins(b->snapshot, host, conf);
	for (unsigned i = 0; i < b->global_count; i++)
		host->mods[host->mod_count++] = b->globals[i];
	return make_mods(b, host, conf->modules, conf->module_count, host->mods,
		   &host->mod_count) &&
	    make_tables(b->snapshot, host, b->error_r) && make_components(b, host, conf);
}

/* The server's own instances serve every host, and are listed once. */
static void
list_mods(struct building *b)
{
	struct snapshot *snapshot = b->snapshot;
	struct ln_host *host, *next;
	unsigned count = b->global_count;

	HASH_ITER(hh, snapshot->hosts, host, next)
		count += host->mod_count;
	snapshot->mods = arena_alloc(snapshot->arena, (count + 1) * sizeof *snapshot->mods);
	for (unsigned i = 0; i < b->global_count; i++)
		snapshot->mods[snapshot->mod_count++] = b->globals[i];
	HASH_ITER(hh, snapshot->hosts, host, next)
		for (unsigned i = 0; i < host->mod_count; i++)
			if (host->mods[i]->host == host)
				snapshot->mods[snapshot->mod_count++] = host->mods[i];
}

static void
make_core(struct core_conf *core, const struct config *config, struct tls *tls)
{
	const struct config_limits *limits = &config->limits;

	core->stanza_max = apply_stanza_max(limits->stanza);
	core->stanza_max_early = 16 * 1024;
	core->auth_timeout_ms = ln_ms(limits->time_to_log_in);
	core->sessions_max = (unsigned)limits->sessions_per_account;
	core->roster_max = (unsigned)limits->roster_items;
	core->memory = or_off(limits->memory) ? (size_t)limits->memory : SIZE_MAX;
	core->c2s_rate = or_off(limits->c2s_rate);
	core->s2s_rate = or_off(limits->s2s_rate);
	core->clients = client_rules(&config->c2s, &config->stream_management);
	core->tls = tls;
	core->connections_per_address = (unsigned)or_off(limits->connections_per_address);
	core->login_per_address = limits->login_attempts.per_address;
	core->login_per_account = limits->login_attempts.per_account;
	core->trusted_proxies = &config->http.trusted_proxies;
	core->http_head_ms = ln_ms(config->http.time_for_head);
	core->http_idle_ms = ln_ms(config->http.idle);
	core->http_stall_ms = ln_ms(config->http.stall);
	core->scram_iterations = (int)limits->scram_iterations;
}

static void
free_snapshot(struct snapshot *snapshot)
{
	struct snapshot_parts *parts = snapshot->config;
	struct arena *arena = snapshot->arena;
	struct ln_host *host, *next;

	HASH_ITER(hh, snapshot->hosts, host, next) {
		HASH_DEL(snapshot->hosts, host);
		iq_table_free(host);
	}
	config_unref(&parts->config);
	tls_unref(&parts->tls);
	arena_free(&arena);
}

static struct snapshot *
new_snapshot(const struct config *config, struct tls *tls)
{
	static unsigned generation;
	struct arena *arena = arena_new(16 * 1024);
	struct snapshot *snapshot = arena_zalloc(arena, sizeof *snapshot);
	struct snapshot_parts *parts = arena_zalloc(arena, sizeof *parts);

	atomic_init(&snapshot->refs, 1);
	snapshot->arena = arena;
	snapshot->generation = ++generation;
	snapshot->free = free_snapshot;
	snapshot->slot_count = loader_slot_count();
	snapshot->config = parts;
	parts->config = config_ref(config);
	parts->tls = tls != NULL ? tls_ref(tls) : NULL;
	make_core(&snapshot->core, config, tls);
	apply_federation(arena, config, &snapshot->core);
	return snapshot;
}

static bool
build(struct building *b)
{
	const struct config *config = b->config;

	b->globals =
	    arena_alloc(b->snapshot->arena, (config->module_count + 1) * sizeof *b->globals);
	if (!make_mods(b, NULL, config->modules, config->module_count, b->globals,
		&b->global_count))
		return false;
	for (size_t i = 0; i < config->host_count; i++)
		if (!make_host(b, &config->hosts[i]))
			return false;
	list_mods(b);
	return true;
}

static bool
start_modules(struct building *b)
{
	for (unsigned i = 0; i < b->snapshot->mod_count; i++)
		if (!instance_start(b->snapshot->mods[i], &b->ledger, b->error_r))
			return false;
	return true;
}

/* --- from one to the next ------------------------------------------------------------------------ */

/* Goes to every worker behind the new snapshot; when all have sent it back, the old one is left. */
struct leaving {
	struct post post;
	struct snapshot *old;
	unsigned *workers; /* that have not left it yet; shared by the posts of one reload */
};

/* Newest first: the reverse of starting. */
static void
stop_gone(const struct snapshot *old, const struct snapshot *now)
{
	for (unsigned i = old->mod_count; i-- > 0;)
		if (!module_keeps(now, old->mods[i]->instance))
			instance_stop(old->mods[i]);
}

static void
has_left(struct worker *worker, struct post *post)
{
	struct leaving *leaving = (struct leaving *)post;

	(void)worker;
	if (--*leaving->workers == 0) {
		stop_gone(leaving->old, in_force);
		free(leaving->workers);
	}
	snapshot_unref(&leaving->old);
	free(leaving);
}

static void
send_back(struct worker *worker, struct post *post)
{
	(void)worker;
	post->run = has_left;
	worker_post(worker_main(), post);
}

static void
leave(struct snapshot *old)
{
	unsigned *workers = xmalloc(sizeof *workers);

	*workers = worker_count();
	for (unsigned i = 0; i < worker_count(); i++) {
		struct leaving *leaving = xcalloc(1, sizeof *leaving);

		leaving->post.run = send_back;
		leaving->old = snapshot_ref(old);
		leaving->workers = workers;
		worker_post(worker_get(i), &leaving->post);
	}
}

bool
apply(const struct config *config, struct tls *tls, char **error_r)
{
	struct building b = { .snapshot = new_snapshot(config, tls),
		.config = config,
		.ledger = LEDGER_INIT,
		.error_r = error_r };
	struct snapshot *old = in_force;

	if (!build(&b) || !start_modules(&b)) {
		ledger_unwind(&b.ledger);
		snapshot_unref(&b.snapshot);
		return false;
	}
	ledger_keep(&b.ledger);
	in_force = b.snapshot;
	snapshot_publish(in_force);
	listener_set_quota((unsigned)or_off(config->limits.connections_before_login));
	if (old != NULL)
		leave(old);
	snapshot_unref(&old);
	return true;
}

bool
apply_check(const struct config *config, char **error_r)
{
	struct building b = { .snapshot = new_snapshot(config, NULL),
		.config = config,
		.ledger = LEDGER_INIT,
		.error_r = error_r };
	bool ok = build(&b);

	ledger_unwind(&b.ledger);
	snapshot_unref(&b.snapshot);
	return ok;
}

const struct snapshot *
apply_current(void)
{
	return in_force;
}

void
apply_close(void)
{
	for (unsigned i = in_force != NULL ? in_force->mod_count : 0; i-- > 0;)
		instance_stop(in_force->mods[i]);
	snapshot_unref(&in_force);
	instances_close();
}
