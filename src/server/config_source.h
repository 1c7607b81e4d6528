/*
 * Where a configuration came from; part of config.h's work.
 *
 * A section is one struct that was filled: the server's own options, a host's,
 * or those of a module on one host. The list of them is what `explain`, the
 * comparison of two configurations and complaints at run time walk.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_CONFIG_SOURCE_H
#define LN_SERVER_CONFIG_SOURCE_H

#include "base/arena.h"
#include "server/config.h"
#include "server/options.h"

struct config_section {
	const char *prefix; /* "", "hosts.example.org", "flood" (of a host or the server) */
	const struct ln_option *rows;
	struct option_chain chain;
	const void *conf;
	const struct config_host *host; /* NULL: the server as a whole */
	const struct ln_module *module; /* NULL: the server's own options */
};

struct config_source {
	struct arena *arena; /* of everything, this struct too */
	const struct yaml_node *root;
	struct config_section *sections; /* malloc()ed */
	size_t count;
};

/* While a configuration is made. */
struct config_making {
	struct config *config;
	struct config_source *source;
	const struct config_registry *registry;
	struct report *report;
	struct config_host *hosts;
};

/* For options of a host, or of none. `path` goes before names in messages. */
struct option_reading config_reading(const struct config_making *making,
    const struct config_host *host, const char *path, struct place place);

void config_add_section(struct config_making *making, struct config_section section);

/* Steps of the making, mistakes go to the report. */
struct yaml_node *config_read_files(struct arena *arena, const char *file, struct report *report);
void config_make_modules(struct config_making *making);
void config_check_files(struct config_making *making);

/* The entry of a host in `hosts`. */
const struct yaml_node *config_host_node(const struct config_making *making,
    const struct config_host *host);

/* Where an option of the server or a host was set; else `other`. */
struct place config_place(const struct config *config, const struct config_host *host,
    const char *option, struct place other);

#endif
