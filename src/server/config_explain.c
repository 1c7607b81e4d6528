/*
 * Options explained: help, range, default, value and where it came from.
 *
 * A name is looked up in three tables: that of a module whose name it begins
 * with, the server's, and that of hosts. Values are then taken from every
 * section that has the option.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "server/config_source.h"
#include "server/config_tables.h"
#include "server/option_values.h"

struct explaining {
	const struct config *config; /* NULL: only what the tables know */
	const struct config_registry *registry;
	const struct ln_module *module; /* NULL: the server's own option */
	const struct ln_option *rows;
	const struct config_host *host; /* only this one; NULL: all */
	struct buf *out;
};

/* ---- Values ---- */

struct value {
	const struct config_section *section;
	struct buf text;
};

static void
add_value_of(struct explaining *explaining, const struct config_section *section, const char *path,
    struct buf *text)
{
	struct option_found found =
	    option_walk(section->rows, &section->chain, section->conf, path);
	const struct yaml_node *node;

	if (found.row == NULL)
		return;
	node = option_winner(&found.chain);
	option_add_value(text, found.row, found.conf);
	if (node != NULL)
		buf_printf(text, "  (%s:%u)", node->place.file, node->place.line);
	else
		buf_add_text(text, "  (default)");
}

static bool
is_wanted(const struct explaining *explaining, const struct config_section *section)
{
	if (section->module != explaining->module)
		return false;
	return explaining->host == NULL || section->host == explaining->host;
}

static size_t
collect_values(struct explaining *explaining, const char *path, struct value *values)
{
	const struct config_source *source = explaining->config->source;
	size_t count = 0;

	for (size_t i = 0; i < source->count; i++) {
		const struct config_section *section = &source->sections[i];
		struct value *value = &values[count];

		*value = (struct value){ .section = section, .text = BUF_INIT };
		if (is_wanted(explaining, section))
			add_value_of(explaining, section, path, &value->text);
		if (value->text.len > 0)
			count++;
	}
	return count;
}

static bool
all_same(const struct value *values, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (strcmp(values[0].text.data, values[i].text.data) != 0)
			return false;
	return true;
}

/* One line where all hosts agree, else one for each that has its own. */
static void
print_values(struct explaining *explaining, struct value *values, size_t count)
{
	bool same = all_same(values, count);

	for (size_t i = 0; i < count; i++) {
		const struct config_host *host = values[i].section->host;

		if (i == 0 && (same || host == NULL))
			buf_printf(explaining->out, "    value:   %s\n", values[i].text.data);
		else if (!same && strcmp(values[0].text.data, values[i].text.data) != 0)
			buf_printf(explaining->out, "    value for %s: %s\n", host->name,
			    values[i].text.data);
		else if (!same && i == 0)
			buf_printf(explaining->out, "    value for %s: %s\n", host->name,
			    values[i].text.data);
	}
}

static void
explain_values(struct explaining *explaining, const char *path)
{
	struct value *values;
	size_t count;

	if (explaining->config == NULL)
		return;
	values = xcalloc(explaining->config->source->count + 1, sizeof *values);
	count = collect_values(explaining, path, values);
	print_values(explaining, values, count);
	if (count == 0)
		buf_printf(explaining->out, "    value:   none, %s\n",
		    explaining->module != NULL ? "the module is off" : "there is no host");
	for (size_t i = 0; i < count; i++)
		buf_free(&values[i].text);
	free(values);
}

/* ---- Rows ---- */

static void
explain_option(struct explaining *explaining, const char *path, const struct ln_option *row,
    unsigned flags)
{
	const struct ln_option *inner = option_inner(row);
	struct buf *out = explaining->out;

	buf_printf(out, "%s%s%s\n", explaining->module != NULL ? explaining->module->name : "",
	    explaining->module != NULL ? "." : "", path);
	buf_printf(out, "    %s\n    allowed: ", inner->help != NULL ? inner->help : "");
	option_add_allowed(out, row);
	buf_add_text(out, "\n    default: ");
	option_add_default(out, row);
	buf_add_char(out, '\n');
	explain_values(explaining, path);
	if ((flags | row->flags | inner->flags) & LN_RESTART)
		buf_add_text(out, "    A change waits for a restart.\n");
}

/* A row, or all that is in it if it is a section. */
static void
explain_row(struct explaining *explaining, const char *path, const struct ln_option *row,
    unsigned flags)
{
	char own[OPTION_NAME_MAX];
	struct buf inside = BUF_INIT;

	if (row->flags & OPTION_ELSEWHERE)
		buf_printf(explaining->out, "%s\n    %s\n", path, row->help);
	else if (row->type != LN_TYPE_STRUCT)
		explain_option(explaining, path, row, flags);
	else
		for (const struct ln_option *inner = row->rows; inner->type != LN_TYPE_END;
		     inner++) {
			buf_reset(&inside);
			buf_printf(&inside, "%s.%s", path, option_name(inner, own));
			explain_row(explaining, inside.data, inner, flags | row->flags);
		}
	buf_free(&inside);
}

static bool
explain_path(struct explaining *explaining, const char *path)
{
	struct option_chain none = { .count = 0 };
	struct option_found found = option_walk(explaining->rows, &none, NULL, path);

	if (found.row == NULL)
		return false;
	explain_row(explaining, path, found.row, found.flags);
	return true;
}

static void
explain_rows(struct explaining *explaining)
{
	char own[OPTION_NAME_MAX];

	for (const struct ln_option *row = explaining->rows;
	     row != NULL && row->type != LN_TYPE_END; row++)
		explain_row(explaining, option_name(row, own), row, 0);
}

void
config_explain_options(const struct ln_module *module, struct buf *out)
{
	struct explaining explaining = { .module = module, .rows = module->options, .out = out };

	explain_rows(&explaining);
}

static bool
explain_module(struct explaining *explaining, const char *path)
{
	const struct ln_module *module = explaining->module;

	explaining->rows = module->options;
	if (*path != '\0')
		return module->options != NULL && explain_path(explaining, path);
	buf_printf(explaining->out, "%s\n    %s\n", module->name,
	    module->summary != NULL ? module->summary : "");
	explain_rows(explaining);
	return true;
}

/* ---- Names ---- */

/* Whether `name` is `prefix` or goes on with a dot behind it; then it is moved there. */
static bool
skip(const char **name, const char *prefix)
{
	size_t len = strlen(prefix);

	if (strncmp(*name, prefix, len) != 0 || ((*name)[len] != '.' && (*name)[len] != '\0'))
		return false;
	*name += len + ((*name)[len] == '.');
	return true;
}

static void
skip_host(struct explaining *explaining, const char **name)
{
	const char *at = *name;

	skip(&at, "hosts");
	for (size_t i = 0; explaining->config != NULL && i < explaining->config->host_count; i++) {
		if (skip(&at, explaining->config->hosts[i].name) && *at != '\0') {
			explaining->host = &explaining->config->hosts[i];
			*name = at;
			return;
		}
	}
}

static void
say_unknown(const struct explaining *explaining, const struct ln_option *rows, const char *name)
{
	struct option_chain none = { .count = 0 };
	struct option_found found = option_walk(rows, &none, NULL, name);
	const struct ln_option *nearest = option_nearest(found.table, found.rest);
	char own[OPTION_NAME_MAX];

	buf_printf(explaining->out, "there is no option %s%s%s", name,
	    nearest != NULL ? "; did you mean " : "",
	    nearest != NULL ? option_name(nearest, own) : "");
	if (found.outer != NULL)
		buf_printf(explaining->out, "%s in %s",
		    nearest != NULL ? "" : "; there is none of that name",
		    option_name(found.outer, own));
	buf_add_text(explaining->out, nearest != NULL ? "?\n" : "\n");
}

bool
config_explain(const struct config *config, const struct config_registry *registry,
    const char *name, struct buf *out)
{
	struct explaining explaining = { .config = config, .registry = registry, .out = out };
	const char *rest;

	skip_host(&explaining, &name);
	rest = name;
	if (!skip(&rest, "modules") || *rest == '\0')
		rest = name;
	for (size_t i = 0; i < registry->count; i++) {
		const char *path = rest;

		if (!skip(&path, registry->modules[i]->name))
			continue;
		explaining.module = registry->modules[i];
		if (explain_module(&explaining, path))
			return true;
		if (explaining.rows != NULL)
			say_unknown(&explaining, explaining.rows, path);
		else
			buf_printf(out, "the module %s has no options\n", explaining.module->name);
		return false;
	}
	explaining.rows = explaining.host != NULL ? config_host_rows : config_rows;
	if (explain_path(&explaining, name))
		return true;
	explaining.rows = config_host_rows;
	if (explain_path(&explaining, name))
		return true;
	say_unknown(&explaining, config_rows, name);
	return false;
}
