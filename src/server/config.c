/*
 * The configuration: made from a tree, handed out, counted. See config.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "linnet/jid.h"
#include "server/config_source.h"
#include "server/config_tables.h"

/* ---- Addresses ---- */

static const char *
normalise_domain(struct arena *arena, const char *text)
{
	struct ln_jid jid;

	if (ln_jid_parse(arena, text, strlen(text), &jid) != LN_JID_OK || jid.local_len > 0 ||
	    jid.resource_len > 0)
		return NULL;
	return jid.full;
}

static const char *
normalise_jid(struct arena *arena, const char *text)
{
	struct ln_jid jid;

	return ln_jid_parse(arena, text, strlen(text), &jid) == LN_JID_OK ? jid.full : NULL;
}

/* ---- While it is made ---- */

struct option_reading
config_reading(const struct config_making *making, const struct config_host *host, const char *path,
    struct place place)
{
	return (struct option_reading){
		.arena = making->source->arena,
		.report = making->report,
		.host = host != NULL ? host->name : NULL,
		.domain = normalise_domain,
		.jid = normalise_jid,
		.place = place,
		.path = path,
	};
}

void
config_add_section(struct config_making *making, struct config_section section)
{
	struct config_source *source = making->source;

	if (section.rows == NULL)
		return;
	source->sections =
	    xrealloc(source->sections, (source->count + 1) * sizeof *source->sections);
	source->sections[source->count++] = section;
}

const struct yaml_node *
config_host_node(const struct config_making *making, const struct config_host *host)
{
	const struct yaml_node *entry = yaml_get(making->source->root, "hosts")->first;

	for (const struct config_host *at = making->config->hosts; at != host; at++)
		entry = entry->next;
	return entry;
}

struct place
config_place(const struct config *config, const struct config_host *host, const char *option,
    struct place other)
{
	const struct config_source *source = config->source;

	for (size_t i = 0; i < source->count; i++) {
		const struct config_section *section = &source->sections[i];
		struct option_found found;
		const struct yaml_node *node;

		if (section->host != host || section->module != NULL)
			continue;
		found = option_walk(section->rows, &section->chain, NULL, option);
		node = found.row != NULL ? option_winner(&found.chain) : NULL;
		if (node != NULL)
			return node->place;
	}
	return other;
}

static void
make_server(struct config_making *making)
{
	struct config *config = making->config;
	const struct yaml_node *root = making->source->root;
	struct option_reading reading = config_reading(making, NULL, NULL, root->place);
	struct config_section section = {
		.prefix = "",
		.rows = config_rows,
		.chain = option_chain(root, NULL),
		.conf = config,
	};

	options_read(&reading, section.rows, &section.chain, config);
	config_add_section(making, section);
}

/* The host's name, which is the entry's key, normalised. */
static const char *
host_name(struct config_making *making, const struct yaml_node *entry)
{
	static const struct ln_option row[] = {
		{ .type = LN_TYPE_DOMAIN, .name = "host", .size = sizeof(const char *) },
		LN_OPTION_END,
	};
	struct yaml_node value = { .kind = YAML_TEXT,
		.place = entry->key_place,
		.text = entry->key,
		.key = "host" };
	struct yaml_node map = { .kind = YAML_MAP, .first = &value, .count = 1 };
	struct option_chain chain = option_chain(&map, NULL);
	struct option_reading reading = config_reading(making, NULL, "hosts", entry->key_place);
	const char *name = NULL;

	if (!options_read(&reading, row, &chain, &name))
		return arena_strdup(making->source->arena, entry->key);
	return name;
}

static void
make_host(struct config_making *making, const struct yaml_node *entry, struct config_host *host)
{
	const char *prefix;
	struct option_reading reading;
	struct config_section section = {
		.rows = config_host_rows,
		.chain = option_chain(entry, making->source->root),
		.conf = host,
		.host = host,
	};

	host->name = host_name(making, entry);
	for (const struct config_host *other = making->hosts; other != host; other++)
		if (strcmp(other->name, host->name) == 0)
			report_add(making->report, entry->key_place, "hosts: %s is given twice",
			    host->name);
	prefix = arena_printf(making->source->arena, "hosts.%s", host->name);
	/* At the top only what hosts share is of interest here; its names were looked at. */
	section.chain.checked = 1;
	section.prefix = prefix;
	reading = config_reading(making, host, prefix, entry->key_place);
	options_read(&reading, section.rows, &section.chain, host);
	config_add_section(making, section);
}

static void
make_hosts(struct config_making *making)
{
	const struct yaml_node *hosts = yaml_get(making->source->root, "hosts"), *entry;
	size_t i = 0;

	if (hosts == NULL || hosts->kind == YAML_EMPTY)
		return;
	if (hosts->kind != YAML_MAP) {
		report_add(making->report, hosts->place,
		    "hosts: %s stands here; allowed: a map of domains, `example.org: {options}`",
		    yaml_kind_text(hosts));
		return;
	}
	making->hosts = arena_zalloc(making->source->arena, hosts->count * sizeof *making->hosts);
	making->config->hosts = making->hosts;
	making->config->host_count = hosts->count;
	for (entry = hosts->first; entry != NULL; entry = entry->next)
		make_host(making, entry, &making->hosts[i++]);
}

static const char *
absolute(struct arena *arena, const char *file)
{
	char *real = realpath(file, NULL);
	const char *copy = arena_strdup(arena, real != NULL ? real : file);

	free(real);
	return copy;
}

static struct config *
config_new(struct arena *arena, const char *file)
{
	struct config *config = arena_zalloc(arena, sizeof *config);

	config->source = arena_zalloc(arena, sizeof *config->source);
	config->source->arena = arena;
	config->file = absolute(arena, file);
	atomic_init(&config->refs, 1);
	return config;
}

/* Takes the arena, in which `root` is. */
static const struct config *
make(struct arena *arena, const char *file, const struct yaml_node *root,
    const struct config_registry *registry, struct report *report)
{
	const struct config *config;
	struct config_making making = { .registry = registry, .report = report };

	if (root == NULL) {
		arena_free(&arena);
		return NULL;
	}
	config = making.config = config_new(arena, file);
	making.source = making.config->source;
	making.source->root = root;
	make_server(&making);
	make_hosts(&making);
	config_make_modules(&making);
	config_check_files(&making);
	if (!report_is_empty(report))
		config_unref(&config);
	return config;
}

const struct config *
config_load(const char *file, const struct config_registry *registry, struct report *report)
{
	struct arena *arena = arena_new(16384);

	return make(arena, file, config_read_files(arena, file, report), registry, report);
}

const struct config *
config_parse(const char *file, const char *bytes, size_t len,
    const struct config_registry *registry, struct report *report)
{
	struct arena *arena = arena_new(16384);

	return make(arena, file, yaml_parse(arena, file, bytes, len, report), registry, report);
}

/* ---- Once it is there ---- */

const struct config *
config_ref(const struct config *config)
{
	atomic_fetch_add_explicit(&((struct config *)config)->refs, 1, memory_order_relaxed);
	return config;
}

void
config_unref(const struct config **config_p)
{
	struct config *config = (struct config *)*config_p;
	struct arena *arena;

	*config_p = NULL;
	if (config == NULL ||
	    atomic_fetch_sub_explicit(&config->refs, 1, memory_order_acq_rel) != 1)
		return;
	arena = config->source->arena;
	free(config->source->sections);
	arena_free(&arena);
}

const struct config_host *
config_host(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->host_count; i++)
		if (strcmp(config->hosts[i].name, name) == 0)
			return &config->hosts[i];
	return NULL;
}

const void *
config_module_conf(const struct config *config, const struct config_host *host, const char *module)
{
	const struct config_use *uses = host != NULL ? host->modules : config->modules;
	size_t count = host != NULL ? host->module_count : config->module_count;

	for (size_t i = 0; i < count; i++)
		if (strcmp(uses[i].module->name, module) == 0)
			return uses[i].conf;
	return NULL;
}

/* The option's name inside a section, or NULL: it is another section's. */
static const char *
name_in_section(const struct config_section *section, const char *option)
{
	size_t len;

	if (section->module == NULL)
		return option;
	len = strlen(section->module->name);
	if (strncmp(option, section->module->name, len) != 0 || option[len] != '.')
		return NULL;
	return option + len + 1;
}

const char *
config_where(const struct config *config, const struct config_host *host, const char *option)
{
	const struct config_source *source = config->source;

	for (size_t i = source->count; i-- > 0;) {
		const struct config_section *section = &source->sections[i];
		const char *name = name_in_section(section, option);
		struct option_found found;
		const struct yaml_node *node;

		if (name == NULL || (section->host != NULL && section->host != host))
			continue;
		found = option_walk(section->rows, &section->chain, NULL, name);
		node = found.row != NULL ? option_winner(&found.chain) : NULL;
		if (node != NULL)
			return arena_printf(source->arena, "%s:%u", node->place.file,
			    node->place.line);
	}
	return "default";
}
