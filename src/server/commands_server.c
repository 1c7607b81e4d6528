/*
 * status, version, module list, hooks, reload, stats, log level, backup.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "base/log.h"
#include "base/metrics.h"
#include "core/host.h"
#include "core/work.h"
#include "linnet/command.h"
#include "net/worker.h"
#include "server/command.h"
#include "server/commands.h"
#include "server/daemon.h"
#include "server/loader.h"
#include "store/store.h"
#include "xmpp/c2s.h"

static void
status(const struct ln_mod *mod, struct ln_call *call)
{
	(void)mod;
	ln_call_columns(call, "version", "uptime", "workers", "streams", "store", NULL);
	ln_call_cell(call, LN_VERSION);
	ln_call_cell_duration(call, ln_uptime() * 1000);
	ln_call_cell_number(call, worker_count());
	ln_call_cell_number(call, streams_count());
	ln_call_cell(call,
	    store_stalled(work_store())       ? "stalled"
		: store_failing(work_store()) ? "failing"
					      : "ok");
}

static void
module_list(const struct ln_mod *mod, struct ln_call *call)
{
	const struct config_registry *registry = loader_registry();
	const struct snapshot *snapshot = snapshot_current();

	(void)mod;
	ln_call_columns(call, "module", "hosts", "summary", NULL);
	for (size_t i = 0; i < registry->count; i++) {
		unsigned hosts = 0;

		for (unsigned k = 0; k < snapshot->mod_count; k++)
			hosts += snapshot->mods[k]->def == registry->modules[i];
		ln_call_cell(call, registry->modules[i]->name);
		ln_call_cell_number(call, hosts);
		ln_call_cell(call, registry->modules[i]->summary);
	}
}

static const char *const event_names[] = {
#define LN_HOOK(name, kind, home, when) #name,
#include "linnet/hooks.def"
#undef LN_HOOK
};

static int
priority_of(const struct hook_entry *entry, int event)
{
	const struct ln_hook *hook = entry->mod->def->hooks;

	while (hook->event != (enum ln_event)event || hook->fn.any != entry->fn.any)
		hook++;
	return hook->priority;
}

static bool
is_event(const char *name)
{
	for (int event = 0; event < LN_EV_COUNT; event++)
		if (strcmp(name, event_names[event]) == 0)
			return true;
	return false;
}

static void
hooks(const struct ln_mod *mod, struct ln_call *call)
{
	struct ln_host *host, *next;

	(void)mod;
	if (ln_call_given(call, 0) && !is_event(ln_call_text(call, 0))) {
		ln_call_fail(call, "there is no event %s", ln_call_text(call, 0));
		return;
	}
	ln_call_columns(call, "event", "host", "priority", "module", NULL);
	for (int event = 0; event < LN_EV_COUNT; event++) {
		if (ln_call_given(call, 0) &&
		    strcmp(ln_call_text(call, 0), event_names[event]) != 0)
			continue;
		HASH_ITER(hh, snapshot_current()->hosts, host, next)
			for (unsigned i = 0; i < host->chains[event].count; i++) {
				const struct hook_entry *entry = &host->chains[event].entries[i];

				ln_call_cell(call, event_names[event]);
				ln_call_cell(call, host->name);
				ln_call_cell_number(call, priority_of(entry, event));
				ln_call_cell(call, entry->mod->def->name);
			}
	}
}

static void
reload(const struct ln_mod *mod, struct ln_call *call)
{
	struct buf text = BUF_INIT;
	bool ok = daemon_reload(&text);

	(void)mod;
	while (text.len > 0 && text.data[text.len - 1] == '\n')
		text.len--;
	if (text.len > 0)
		ln_call_say(call, "%.*s", (int)text.len, text.data);
	if (!ok)
		ln_call_fail(call, "the configuration was refused; the old one stays in force");
	buf_free(&text);
}

static void
show_metric(void *arg, const struct metric_sample *sample)
{
	struct ln_call *call = arg;

	ln_call_cell(call, sample->prefix);
	ln_call_cell(call, sample->name);
	ln_call_cell(call, sample->labels);
	ln_call_cell_number(call, sample->value);
}

static void
stats(const struct ln_mod *mod, struct ln_call *call)
{
	(void)mod;
	ln_call_columns(call, "part", "name", "labels", "value", NULL);
	metrics_each(show_metric, call);
}

static void
log_level(const struct ln_mod *mod, struct ln_call *call)
{
	const char *component = ln_call_given(call, 1) ? ln_call_text(call, 1) : NULL;

	(void)mod;
	if (component != NULL && !log_is_component(component))
		ln_call_fail(call, "there is no part %s of the server; see linnet.yaml(5)",
		    component);
	else
		log_set_level(component, (enum log_level)ln_call_number(call, 0));
}

static void
backed_up(void *arg, bool ok, const char *error)
{
	struct ln_call *call = arg;

	if (!ok)
		ln_call_fail(call, "%s: %s", ln_call_text(call, 0), error);
	ln_call_done(call);
}

static void
backup(const struct ln_mod *mod, struct ln_call *call)
{
	(void)mod;
	if (ln_call_text(call, 0)[0] != '/') {
		ln_call_fail(call,
		    "%s: write the whole path, from /: the server's directory is not yours",
		    ln_call_text(call, 0));
		return;
	}
	ln_call_later(call);
	store_backup(work_store(), ln_call_text(call, 0), backed_up, call);
}

static const struct ln_name levels[] = { { "error", LOG_LEVEL_ERROR, NULL },
	{ "warning", LOG_LEVEL_WARNING, NULL }, { "info", LOG_LEVEL_INFO, NULL },
	{ "debug", LOG_LEVEL_DEBUG, NULL }, LN_NAME_END };

static const struct ln_arg event_arg[] = {
	{ LN_ARG_TEXT, "event", "Only this one.", LN_ARG_OPTIONAL, NULL }, LN_ARG_ROWS_END
};
static const struct ln_arg level_args[] = { { LN_ARG_WORD, "level", "What is written.", 0, levels },
	{ LN_ARG_TEXT, "component", "Of this part of the server alone.", LN_ARG_OPTIONAL, NULL },
	LN_ARG_ROWS_END };
static const struct ln_arg path_arg[] = {
	{ LN_ARG_TEXT, "path", "Where the copy goes, from /, on the server's machine.", 0, NULL },
	LN_ARG_ROWS_END
};

const struct ln_command server_commands[] = {
	{ "status", "Tell whether the server accepts clients.", LN_ROLE_OPERATOR, LN_HOME_MAIN,
	    NULL, status, NULL },
	{ "module list", "List modules and where they are on.", LN_ROLE_OPERATOR, LN_HOME_MAIN,
	    NULL, module_list, NULL },
	{ "hooks", "Show who handles events, in order.", LN_ROLE_OPERATOR, LN_HOME_MAIN, event_arg,
	    hooks, NULL },
	{ "reload", "Read the configuration again.", LN_ROLE_OPERATOR, LN_HOME_MAIN, NULL, reload,
	    NULL },
	{ "stats", "Show all counters.", LN_ROLE_OPERATOR, LN_HOME_MAIN, NULL, stats, NULL },
	{ "log level", "Set what is logged, until the next reload.", LN_ROLE_OPERATOR, LN_HOME_MAIN,
	    level_args, log_level, NULL },
	{ "backup", "Copy the database while the server runs.", LN_ROLE_OPERATOR, LN_HOME_MAIN,
	    path_arg, backup, NULL },
	LN_COMMAND_END
};

void
commands_init(void)
{
	commands_add(server_commands);
	commands_add(user_commands);
	commands_add(dns_commands);
	commands_add(s2s_commands);
	commands_add(show_commands);
}
