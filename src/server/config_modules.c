/*
 * The configuration of modules: which are on where, and with what. See config.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>
#include <string.h>

#include "server/config_source.h"
#include "server/option_values.h"

enum state { ABSENT, ON, OFF };

/* ---- Checks of modules ---- */

struct ln_check {
	struct report *report;
	const struct config_section *section;
	struct place place; /* of the module's name */
	const char *host;
};

const char *
ln_check_host(const struct ln_check *check)
{
	return check->host;
}

void
ln_check_error(struct ln_check *check, const char *option, const char *format, ...)
{
	struct option_found found =
	    option_walk(check->section->rows, &check->section->chain, NULL, option);
	const struct yaml_node *node = found.row != NULL ? option_winner(&found.chain) : NULL;
	struct buf message = BUF_INIT;
	va_list args;

	va_start(args, format);
	buf_vprintf(&message, format, args);
	va_end(args);
	report_add(check->report, node != NULL ? node->place : check->place, "%s.%s: %s",
	    check->section->module->name, option, message.data);
	buf_free(&message);
}

/* ---- Names ---- */

static const struct ln_module *
find_module(const struct config_registry *registry, const char *name)
{
	for (size_t i = 0; i < registry->count; i++)
		if (strcmp(registry->modules[i]->name, name) == 0)
			return registry->modules[i];
	return NULL;
}

static const char *
nearest_module(const struct config_registry *registry, const char *name)
{
	unsigned least = (unsigned)strlen(name) / 3 + 2;
	const char *best = NULL;

	for (size_t i = 0; i < registry->count; i++) {
		unsigned distance = value_distance(name, registry->modules[i]->name);

		if (distance < least) {
			least = distance;
			best = registry->modules[i]->name;
		}
	}
	return best;
}

static void
report_unknown(struct config_making *making, const struct yaml_node *entry)
{
	const char *nearest = nearest_module(making->registry, entry->key);
	struct buf names = BUF_INIT;

	if (nearest != NULL) {
		report_add(making->report, entry->key_place,
		    "unknown module %.60s; did you mean %s?", entry->key, nearest);
		return;
	}
	for (size_t i = 0; i < making->registry->count; i++)
		buf_printf(&names, "%s%s", i > 0 ? ", " : "", making->registry->modules[i]->name);
	report_add(making->report, entry->key_place, "unknown module %.60s; allowed: %s",
	    entry->key, names.len > 0 ? names.data : "none, no modules are installed");
	buf_free(&names);
}

static bool
is_switch(const struct yaml_node *node)
{
	return node->kind == YAML_TEXT &&
	    (strcmp(node->text, "on") == 0 || strcmp(node->text, "off") == 0);
}

/* Looks at the names and kinds of one `modules`, of a host or at the top. */
static void
check_entries(struct config_making *making, const struct yaml_node *modules,
    const struct config_host *host)
{
	const struct yaml_node *entry;

	if (modules == NULL || modules->kind == YAML_EMPTY)
		return;
	if (modules->kind != YAML_MAP) {
		report_add(making->report, modules->place,
		    "modules: %s stands here; allowed: a map of modules, `{ping: {interval: 5m}}`",
		    yaml_kind_text(modules));
		return;
	}
	for (entry = modules->first; entry != NULL; entry = entry->next) {
		const struct ln_module *module = find_module(making->registry, entry->key);

		if (module == NULL)
			report_unknown(making, entry);
		else if (host != NULL && module->scope == LN_SCOPE_GLOBAL)
			report_add(making->report, entry->key_place,
			    "the module %s is one for the whole server; set it in `modules` at "
			    "the top",
			    entry->key);
		if (entry->kind == YAML_LIST || (entry->kind == YAML_TEXT && !is_switch(entry)))
			report_add(making->report, entry->place,
			    "%s: %s stands here; allowed: nothing, on, off, or options, "
			    "`{name: value}`",
			    entry->key, yaml_kind_text(entry));
	}
}

/* ---- Instances ---- */

static const struct yaml_node *
modules_of(const struct config_making *making, const struct config_host *host)
{
	return yaml_get(host != NULL ? config_host_node(making, host) : making->source->root,
	    "modules");
}

static enum state
state_of(const struct yaml_node *node)
{
	if (node == NULL)
		return ABSENT;
	return option_is_off(node) ? OFF : ON;
}

/* The node if it can hold options. */
static const struct yaml_node *
with_options(const struct yaml_node *node)
{
	return node != NULL && node->kind == YAML_MAP ? node : NULL;
}

static void
run_check(struct config_making *making, const struct config_section *section, struct place place)
{
	struct ln_check check = {
		.report = making->report,
		.section = section,
		.place = place,
		.host = section->host != NULL ? section->host->name : NULL,
	};

	if (section->module->check != NULL)
		section->module->check(section->conf, &check);
}

/* Reads the options of one instance; the nodes may be NULL. */
static const void *
read_instance(struct config_making *making, const struct ln_module *module,
    const struct config_host *host, const struct yaml_node *own, const struct yaml_node *top,
    bool keep)
{
	struct place place = own != NULL ? own->key_place : top->key_place;
	struct option_reading reading = config_reading(making, host, module->name, place);
	void *conf = arena_zalloc(making->source->arena, module->conf_size + 1);
	struct config_section section = {
		.prefix = module->name,
		.rows = module->options,
		.chain = option_chain(with_options(own), with_options(top)),
		.conf = conf,
		.host = host,
		.module = module,
	};

	if (options_read(&reading, module->options, &section.chain, conf) && keep)
		run_check(making, &section, place);
	if (keep)
		config_add_section(making, section);
	return conf;
}

/* Options at the top are looked at even if no host uses them. */
static void
check_unused(struct config_making *making, const struct ln_module *module,
    const struct yaml_node *top)
{
	struct config_host nobody = { .name = "localhost" };

	if (module->scope != LN_SCOPE_GLOBAL && with_options(top) != NULL)
		read_instance(making, module, &nobody, NULL, top, false);
}

static size_t
make_instances(struct config_making *making, const struct config_host *host,
    const struct config_use **uses_r)
{
	const struct config_registry *registry = making->registry;
	const struct yaml_node *tops = modules_of(making, NULL);
	const struct yaml_node *owns = host != NULL ? modules_of(making, host) : NULL;
	struct config_use *uses =
	    arena_zalloc(making->source->arena, registry->count * sizeof *uses);
	size_t count = 0;

	for (size_t i = 0; i < registry->count; i++) {
		const struct ln_module *module = registry->modules[i];
		const struct yaml_node *top = yaml_get(tops, module->name);
		const struct yaml_node *own = yaml_get(owns, module->name);
		enum state state = own != NULL ? state_of(own) : state_of(top);

		if ((module->scope == LN_SCOPE_GLOBAL) != (host == NULL) || state != ON)
			continue;
		uses[count++] = (struct config_use){
			.module = module,
			.conf = read_instance(making, module, host, own, top, true),
		};
	}
	*uses_r = uses;
	return count;
}

/* ---- What modules want of each other ---- */

static bool
is_on(const struct config *config, const struct config_host *host, const char *name)
{
	return (host != NULL && config_module_conf(config, host, name) != NULL) ||
	    config_module_conf(config, NULL, name) != NULL;
}

static struct place
place_of_use(const struct config_making *making, const struct config_host *host, const char *name)
{
	const struct yaml_node *node =
	    host != NULL ? yaml_get(modules_of(making, host), name) : NULL;

	if (node == NULL)
		node = yaml_get(modules_of(making, NULL), name);
	return node->key_place;
}

static void
check_wants(const struct config_making *making, const struct config_host *host,
    const struct ln_module *module)
{
	const struct config *config = making->config;
	const char *where = host != NULL ? host->name : "the server";
	const char *const *name;

	for (name = module->needs; name != NULL && *name != NULL; name++)
		if (!is_on(config, host, *name))
			report_add(making->report, place_of_use(making, host, module->name),
			    "the module %s needs %s, which is not on for %s; add `%s:` beside it",
			    module->name, *name, where, *name);
	for (name = module->conflicts; name != NULL && *name != NULL; name++)
		if (is_on(config, host, *name))
			report_add(making->report, place_of_use(making, host, module->name),
			    "the modules %s and %s cannot both be on for %s", module->name, *name,
			    where);
}

/* ---- Domains of components ---- */

static const char *
domain_of(const struct config_use *use)
{
	if (use->module->scope != LN_SCOPE_COMPONENT)
		return NULL;
	return use->module->domain(use->conf);
}

/* Who has this domain already? NULL: nobody before `use`. */
static const char *
domain_taken(const struct config *config, const struct config_use *use, const char *domain)
{
	for (size_t i = 0; i < config->components.count; i++)
		if (strcmp(config->components.keys[i], domain) == 0)
			return "one of the external components";
	if (config_host(config, domain) != NULL)
		return "one of the hosts";
	for (size_t i = 0; i < config->host_count; i++) {
		for (size_t j = 0; j < config->hosts[i].module_count; j++) {
			const struct config_use *other = &config->hosts[i].modules[j];
			const char *theirs;

			if (other == use)
				return NULL;
			theirs = domain_of(other);
			if (theirs != NULL && strcmp(theirs, domain) == 0)
				return other->module->name;
		}
	}
	return NULL;
}

static void
check_domains(const struct config_making *making, const struct config_host *host)
{
	for (size_t i = 0; i < host->module_count; i++) {
		const struct config_use *use = &host->modules[i];
		const char *domain = domain_of(use), *taken;

		if (domain == NULL)
			continue;
		taken = domain_taken(making->config, use, domain);
		if (taken != NULL)
			report_add(making->report, place_of_use(making, host, use->module->name),
			    "%s.host: %s is already %s; allowed: a domain of its own",
			    use->module->name, domain, taken);
	}
}

void
config_make_modules(struct config_making *making)
{
	struct config *config = making->config;
	const struct yaml_node *tops = modules_of(making, NULL);

	check_entries(making, tops, NULL);
	config->module_count = make_instances(making, NULL, &config->modules);
	for (size_t i = 0; i < config->host_count; i++) {
		struct config_host *host = &making->hosts[i];

		check_entries(making, modules_of(making, host), host);
		host->module_count = make_instances(making, host, &host->modules);
	}
	for (size_t i = 0; i < making->registry->count; i++)
		check_unused(making, making->registry->modules[i],
		    yaml_get(tops, making->registry->modules[i]->name));

	for (size_t i = 0; i < config->module_count; i++)
		check_wants(making, NULL, config->modules[i].module);
	for (size_t i = 0; i < config->host_count; i++)
		for (size_t j = 0; j < config->hosts[i].module_count; j++)
			check_wants(making, &config->hosts[i], config->hosts[i].modules[j].module);
	for (size_t i = 0; i < config->host_count; i++)
		check_domains(making, &config->hosts[i]);
}
