/*
 * Two configurations compared, option by option. See config.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "server/config_source.h"

struct diffing {
	struct buf *out;
	struct config_diff diff;
	const char *host; /* of the section; NULL: the server */
};

static void
add_line(struct diffing *diffing, const char *name, const char *before, const char *after,
    bool restart)
{
	buf_printf(diffing->out, "%s%s%s: %s -> %s (%s)\n",
	    diffing->host != NULL ? diffing->host : "", diffing->host != NULL ? ": " : "", name,
	    before, after, restart ? "waits for a restart" : "takes effect");
	if (restart)
		diffing->diff.restart++;
	else
		diffing->diff.live++;
}

static void
compare_option(struct diffing *diffing, const char *name, const struct ln_option *row, bool restart,
    const void *old, const void *new)
{
	struct buf old_plain = BUF_INIT, new_plain = BUF_INIT;
	struct buf old_text = BUF_INIT, new_text = BUF_INIT;

	option_add_value_plain(&old_plain, row, old);
	option_add_value_plain(&new_plain, row, new);
	if (strcmp(old_plain.data, new_plain.data) != 0) {
		option_add_value(&old_text, row, old);
		option_add_value(&new_text, row, new);
		add_line(diffing, name, old_text.data, new_text.data, restart);
	}
	explicit_bzero(old_plain.data, old_plain.len);
	explicit_bzero(new_plain.data, new_plain.len);
	buf_free(&old_plain);
	buf_free(&new_plain);
	buf_free(&old_text);
	buf_free(&new_text);
}

static void
compare_rows(struct diffing *diffing, const char *prefix, const struct ln_option *rows,
    bool restart, const char *old, const char *new)
{
	char own[OPTION_NAME_MAX];
	struct buf name = BUF_INIT;

	for (const struct ln_option *row = rows; row->type != LN_TYPE_END; row++) {
		const struct ln_option *inner = option_inner(row);
		bool waits = restart || row->flags & LN_RESTART || inner->flags & LN_RESTART;

		if (row->flags & OPTION_ELSEWHERE)
			continue;
		buf_reset(&name);
		buf_printf(&name, "%s%s%s", prefix, *prefix != '\0' ? "." : "",
		    option_name(row, own));
		if (row->type == LN_TYPE_STRUCT)
			compare_rows(diffing, name.data, row->rows, waits, old + row->offset,
			    new + row->offset);
		else
			compare_option(diffing, name.data, row, waits, old, new);
	}
	buf_free(&name);
}

/* The same section of another configuration, or NULL. */
static const struct config_section *
find_twin(const struct config *config, const struct config_section *section)
{
	for (size_t i = 0; i < config->source->count; i++) {
		const struct config_section *twin = &config->source->sections[i];

		if (twin->rows == section->rows &&
		    (twin->host == NULL) == (section->host == NULL) &&
		    (twin->host == NULL || strcmp(twin->host->name, section->host->name) == 0))
			return twin;
	}
	return NULL;
}

static void
compare_sections(struct diffing *diffing, const struct config *old, const struct config *new)
{
	for (size_t i = 0; i < new->source->count; i++) {
		const struct config_section *section = &new->source->sections[i];
		const struct config_section *twin = find_twin(old, section);

		if (twin == NULL)
			continue;
		diffing->host = section->host != NULL ? section->host->name : NULL;
		compare_rows(diffing, section->module != NULL ? section->module->name : "",
		    section->rows, false, twin->conf, section->conf);
	}
}

/* What is in `uses` and off in the other configuration. */
static void
compare_uses(struct diffing *diffing, const struct config_use *uses, size_t count,
    const struct config *other, const struct config_host *other_host, bool added)
{
	for (size_t i = 0; i < count; i++)
		if (config_module_conf(other, other_host, uses[i].module->name) == NULL)
			add_line(diffing, uses[i].module->name, added ? "off" : "on",
			    added ? "on" : "off", false);
}

static void
compare_hosts(struct diffing *diffing, const struct config *config, const struct config *other,
    bool added)
{
	diffing->host = NULL;
	compare_uses(diffing, config->modules, config->module_count, other, NULL, added);
	for (size_t i = 0; i < config->host_count; i++) {
		const struct config_host *host = &config->hosts[i];
		const struct config_host *twin = config_host(other, host->name);

		diffing->host = NULL;
		if (twin == NULL) {
			add_line(diffing, host->name, added ? "not served" : "served",
			    added ? "served" : "not served", false);
			continue;
		}
		diffing->host = host->name;
		compare_uses(diffing, host->modules, host->module_count, other, twin, added);
	}
}

struct config_diff
config_diff(const struct config *old, const struct config *new, struct buf *out)
{
	struct diffing diffing = { .out = out };

	compare_sections(&diffing, old, new);
	compare_hosts(&diffing, new, old, true);
	compare_hosts(&diffing, old, new, false);
	return diffing.diff;
}
