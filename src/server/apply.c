/*
 * Building snapshots. See apply.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/apply.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/metrics.h"
#include "base/xalloc.h"
#include "core/iq.h"
#include "im/account.h"
#include "net/tls.h"
#include "server/hostent.h"
#include "server/loader.h"

/* What outlives snapshots: the instance number and the counters of a module on a host. */
struct instance {
	const struct ln_module *module;
	char *host; /* "": of the server */
	struct metrics *metrics;
};

static struct instance *instances;
static unsigned instance_count;

struct snapshot_parts {
	const struct config *config;
	struct tls *tls;
};

/* --- instances ------------------------------------------------------------------------------- */

/* A module's counters as rows of base/metrics.h; made once, they stay. */
static struct metrics *
open_metrics(const struct ln_module *module, const char *host)
{
	const struct metric_label labels[] = { { "host", host }, { NULL, NULL } };
	struct metric_row *rows;
	unsigned count = 0;

	while (module->metrics != NULL && module->metrics[count].name != NULL)
		count++;
	if (count == 0)
		return NULL;
	rows = xcalloc(count, sizeof *rows);
	for (unsigned i = 0; i < count; i++)
		rows[i] = (struct metric_row){ .name = module->metrics[i].name,
			.type = METRIC_COUNTER,
			.help = module->metrics[i].help };
	return metrics_open(module->name, rows, count, labels);
}

void
apply_close(void)
{
	while (instance_count > 0) {
		struct instance *instance = &instances[--instance_count];

		free(instance->host);
		if (instance->metrics != NULL) {
			free((void *)instance->metrics->rows);
			metrics_close(&instance->metrics);
		}
	}
	free(instances);
	instances = NULL;
}

static unsigned
instance_of(const struct ln_module *module, const char *host)
{
	for (unsigned i = 0; i < instance_count; i++)
		if (instances[i].module == module && strcmp(instances[i].host, host) == 0)
			return i;
	instances = xrealloc(instances, (instance_count + 1) * sizeof *instances);
	instances[instance_count] =
	    (struct instance){ module, xstrdup(host), open_metrics(module, host) };
	return instance_count++;
}

static const struct ln_mod *
make_mod(struct snapshot *snapshot, struct ln_host *host, const struct config_use *use)
{
	struct ln_mod *mod = arena_zalloc(snapshot->arena, sizeof *mod);

	mod->def = use->module;
	mod->conf = use->conf;
	mod->host = host;
	mod->slot = loader_slot(use->module);
	mod->instance = instance_of(use->module, host != NULL ? host->name : "");
	mod->metrics = instances[mod->instance].metrics;
	return mod;
}

/* --- the order of modules: after what they need ------------------------------------------------ */

static bool
names(const char *const *list, const char *name)
{
	for (; list != NULL && *list != NULL; list++)
		if (strcmp(*list, name) == 0)
			return true;
	return false;
}

static bool
comes_after(const struct ln_mod *mod, const struct ln_mod *other)
{
	return names(mod->def->needs, other->def->name) || names(mod->def->after, other->def->name);
}

/* Puts each module behind those it names. A cycle was refused by the configuration. */
static void
sort_mods(const struct ln_mod **mods, unsigned count)
{
	for (unsigned placed = 0; placed < count; placed++)
		for (unsigned i = placed; i < count; i++) {
			const struct ln_mod *mod = mods[i];
			bool free_to_go = true;

			for (unsigned k = placed; k < count; k++)
				free_to_go &= k == i || !comes_after(mod, mods[k]);
			if (!free_to_go)
				continue;
			memmove(&mods[placed + 1], &mods[placed], (i - placed) * sizeof *mods);
			mods[placed] = mod;
			break;
		}
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
make_tables(struct snapshot *snapshot, struct ln_host *host, char **error_r)
{
	for (unsigned i = 0; i < host->mod_count; i++) {
		const struct ln_mod *taken = iq_table_add(host, host->mods[i]);

		if (taken == NULL)
			continue;
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

static bool
make_host(struct snapshot *snapshot, const struct config *config, const struct config_host *conf,
    char **error_r)
{
	struct ln_host *host = arena_zalloc(snapshot->arena, sizeof *host);
	const struct ln_mod **mods = arena_alloc(snapshot->arena,
	    (conf->module_count + config->module_count + 1) * sizeof *mods);

	host->name = arena_strdup(snapshot->arena, conf->name);
	if (ln_jid_parse(snapshot->arena, conf->name, strlen(conf->name), &host->jid) !=
	    LN_JID_OK) {
		*error_r = xasprintf("%s is no domain", conf->name);
		return false;
	}
	host->snapshot = snapshot;
	host->node_ops = &account_ops;
	host->domain_ops = &host_ops;
	host->conf = conf;
	make_admins(snapshot, host, conf);
	for (size_t i = 0; i < conf->module_count; i++)
		mods[host->mod_count++] = make_mod(snapshot, host, &conf->modules[i]);
	sort_mods(mods, host->mod_count);
	host->mods = mods;
	HASH_ADD_KEYPTR(hh, snapshot->hosts, host->name, strlen(host->name), host);
	return make_tables(snapshot, host, error_r);
}

static void
list_mods(struct snapshot *snapshot)
{
	struct ln_host *host, *next;
	unsigned count = 0;

	HASH_ITER(hh, snapshot->hosts, host, next)
		count += host->mod_count;
	snapshot->mods = arena_alloc(snapshot->arena, (count + 1) * sizeof *snapshot->mods);
	HASH_ITER(hh, snapshot->hosts, host, next)
		for (unsigned i = 0; i < host->mod_count; i++)
			snapshot->mods[snapshot->mod_count++] = host->mods[i];
}

/* `off` is 0 in the core's limits. */
static int64_t
or_off(int64_t value)
{
	return value >= LN_OFF ? 0 : value;
}

static void
make_core(struct core_conf *core, const struct config *config, struct tls *tls)
{
	const struct config_limits *limits = &config->limits;

	core->stanza_max = or_off(limits->stanza) ? (size_t)limits->stanza : SIZE_MAX;
	core->stanza_max_early = 16 * 1024;
	core->auth_timeout_ms = ln_ms(limits->time_to_log_in);
	core->sessions_max = (unsigned)limits->sessions_per_account;
	core->roster_max = (unsigned)limits->roster_items;
	core->resume_ms = or_off(ln_ms(config->stream_management.resume));
	core->sm_queue = (unsigned)config->stream_management.queue;
	core->c2s_rate = or_off(limits->c2s_rate);
	core->s2s_rate = or_off(limits->s2s_rate);
	core->tls_required = config->c2s.tls == CONFIG_TLS_REQUIRED;
	core->channel_binding = config->c2s.channel_binding;
	core->tls = tls;
	core->connections_per_address = (unsigned)or_off(limits->connections_per_address);
	core->login_per_address = limits->login_attempts.per_address;
	core->login_per_account = limits->login_attempts.per_account;
	core->resource_conflict = config->c2s.conflict;
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

struct snapshot *
apply_build(const struct config *config, struct tls *tls, char **error_r)
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
	for (size_t i = 0; i < config->host_count; i++)
		if (!make_host(snapshot, config, &config->hosts[i], error_r)) {
			snapshot_unref(&snapshot);
			return NULL;
		}
	list_mods(snapshot);
	return snapshot;
}

/* --- certificates ---------------------------------------------------------------------------------------- */

static void
report_tls(const char *file, const char *reason, void *arg)
{
	report_add(arg, (struct place){ .file = file != NULL ? file : "tls" }, "%s", reason);
}

static bool
needs_tls(const struct config *config)
{
	const struct config_listen *listen = &config->listen;

	return config->c2s.tls == CONFIG_TLS_REQUIRED || listen->c2s_tls.count > 0 ||
	    listen->s2s_tls.count > 0 || listen->https.count > 0;
}

bool
apply_load_tls(const struct config *config, struct report *report, struct tls **tls_r)
{
	struct tls_pair *pairs = xcalloc(config->host_count + 1, sizeof *pairs);
	struct tls_config tls = { .pairs = pairs };
	size_t before = report->count;

	for (size_t i = 0; i < config->host_count; i++)
		if (config->hosts[i].certificate != NULL)
			pairs[tls.n_pairs++] = (struct tls_pair){ config->hosts[i].name,
				config->hosts[i].certificate, config->hosts[i].key };
	if (config->tls.certificates != NULL && access(config->tls.certificates, F_OK) == 0)
		tls.directory = config->tls.certificates;
	tls.authorities = config->tls.authorities_word == LN_OTHER ? config->tls.authorities : NULL;
	tls.minimum = config->tls.minimum == CONFIG_TLS_1_3 ? "1.3" : "1.2";
	*tls_r = NULL;
	if (tls.n_pairs > 0 || tls.directory != NULL || needs_tls(config))
		*tls_r = tls_load(&tls, report_tls, report);
	free(pairs);
	return report->count == before;
}
