/*
 * The tree checked against option rows. See options.h.
 *
 * Readers of lists, maps and structs report what is inside themselves;
 * read_value() reports what a reader of a single value found, together with
 * what is allowed.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/options.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "server/option_readers.h"
#include "server/option_values.h"

static const char *read_value(struct option_reading *reading, const struct ln_option *row,
    const struct yaml_node *node, void *field);

static bool read_rows(struct option_reading *reading, const struct ln_option *outer,
    const struct ln_option *rows, const struct option_chain *chain, void *conf);

/* ---- Readers of what has parts ---- */

/* The path of messages while something inside is read: "listen.c2s", "listen.c2s[2]". */
static const char *
enter(struct option_reading *reading, const char *part, size_t number)
{
	const char *outside = reading->path;
	char name[200];

	if (part != NULL)
		snprintf(name, sizeof name, "%s%s", outside != NULL ? "." : "", part);
	else
		snprintf(name, sizeof name, "[%zu]", number);
	reading->path = arena_printf(reading->arena, "%s%s", outside != NULL ? outside : "", name);
	return outside;
}

static const char *
read_struct(struct option_reading *reading, const struct ln_option *row,
    const struct yaml_node *node, void *field)
{
	struct option_chain chain = option_chain(node, NULL);

	return read_rows(reading, row, row->rows, &chain, field) ? NULL : OPTION_REPORTED;
}

static const char *
read_list(struct option_reading *reading, const struct ln_option *row, const struct yaml_node *node,
    void *field)
{
	struct ln_list *list = field;
	const struct yaml_node *child;
	const char *outside, *problem = NULL;
	char *items;

	if (node->kind == YAML_EMPTY)
		return NULL;
	if (node->kind != YAML_LIST)
		return option_kind_problem(node);
	items = arena_zalloc(reading->arena, node->count * row->item->size);
	list->items = items;
	for (child = node->first; child != NULL; child = child->next) {
		outside = enter(reading, NULL, ++list->count);
		if (read_value(reading, row->item, child, items) != NULL)
			problem = OPTION_REPORTED;
		reading->path = outside;
		items += row->item->size;
	}
	return problem;
}

static bool
map_has(const struct ln_map *map, const char *key)
{
	for (size_t i = 0; i < map->count; i++)
		if (strcmp(map->keys[i], key) == 0)
			return true;
	return false;
}

/* The key of a map's entry as it is kept. */
static const char *
read_key(struct option_reading *reading, const struct ln_option *row, const struct yaml_node *entry,
    const struct ln_map *map, const char **key_r)
{
	const char *problem = NULL;

	*key_r = option_expand(reading, entry->key);
	if (*key_r == NULL)
		problem = "uses $host, which has no meaning here";
	else if (row->number == LN_TYPE_DOMAIN)
		problem = option_normalise_domain(reading, key_r);
	if (problem == NULL && map_has(map, *key_r))
		problem = "is given twice";
	if (problem == NULL)
		return NULL;
	report_add(reading->report, entry->key_place, "%s: `%s` %s", reading->path, entry->key,
	    problem);
	return OPTION_REPORTED;
}

static const char *
read_map(struct option_reading *reading, const struct ln_option *row, const struct yaml_node *node,
    void *field)
{
	struct ln_map *map = field;
	const char *outside, *problem = NULL, **keys;
	const struct yaml_node *entry;
	char *items;

	if (node->kind == YAML_EMPTY)
		return NULL;
	if (node->kind != YAML_MAP)
		return option_kind_problem(node);
	map->keys = keys = arena_zalloc(reading->arena, node->count * sizeof *keys);
	map->items = items = arena_zalloc(reading->arena, node->count * row->item->size);
	for (entry = node->first; entry != NULL; entry = entry->next) {
		if (read_key(reading, row, entry, map, &keys[map->count]) != NULL) {
			problem = OPTION_REPORTED;
			continue;
		}
		outside = enter(reading, entry->key, 0);
		if (read_value(reading, row->item, entry, items + map->count++ * row->item->size) !=
		    NULL)
			problem = OPTION_REPORTED;
		reading->path = outside;
	}
	return problem;
}

/* Reads by type, without saying anything about it. */
static const char *
read_by_type(struct option_reading *reading, const struct ln_option *row,
    const struct yaml_node *node, void *field)
{
	switch (row->type) {
	case LN_TYPE_LIST:
		return read_list(reading, row, node, field);
	case LN_TYPE_MAP:
		return read_map(reading, row, node, field);
	case LN_TYPE_STRUCT:
		return read_struct(reading, row, node, field);
	default:
		return option_reader(row->type)(reading, row, node, field);
	}
}

/* `off`: a number is LN_OFF, anything else stays zeroed. */
static void
set_off(const struct ln_option *row, void *field)
{
	if (row->type == LN_TYPE_RATE)
		*(struct ln_rate *)field = (struct ln_rate){ LN_OFF, 1 };
	else if (row->type >= LN_TYPE_INT && row->type <= LN_TYPE_DURATION)
		*(int64_t *)field = LN_OFF;
}

static void
report_value(struct option_reading *reading, const struct ln_option *row,
    const struct yaml_node *node, const char *problem)
{
	struct buf allowed = BUF_INIT;
	bool show = node->kind == YAML_TEXT && row->type != LN_TYPE_SECRET;

	option_add_allowed(&allowed, row);
	report_add(reading->report, node->place, "%s: %s%.60s%s%s; allowed: %s", reading->path,
	    show ? "`" : "", show ? node->text : "", show ? "` " : "", problem, allowed.data);
	buf_free(&allowed);
}

/* Reads one node by its row (not OR) and reports what is wrong with it. */
static const char *
read_value(struct option_reading *reading, const struct ln_option *row,
    const struct yaml_node *node, void *field)
{
	const char *problem;

	if (row->flags & LN_MAY_BE_OFF && row->type != LN_TYPE_STRUCT && option_is_off(node)) {
		set_off(row, field);
		return NULL;
	}
	problem = read_by_type(reading, row, node, field);
	if (problem == NULL || problem == OPTION_REPORTED)
		return problem;
	report_value(reading, row, node, problem);
	return OPTION_REPORTED;
}

static const char *
read_or(struct option_reading *reading, const struct ln_option *row, const struct yaml_node *node,
    char *conf)
{
	const struct ln_option *inner = row->item;
	int *choice = (int *)(conf + row->offset);
	const char *problem;

	if (node->kind == YAML_TEXT && value_read_name(node->text, row->names, choice) == NULL)
		return NULL;
	*choice = LN_OTHER;
	problem = read_by_type(reading, inner, node, conf + inner->offset);
	if (problem == NULL || problem == OPTION_REPORTED)
		return problem;
	report_value(reading, row, node, problem);
	return OPTION_REPORTED;
}

/* ---- Defaults ---- */

/* A text, list or map as it would stand in a file. */
static const struct yaml_node *
default_node(struct option_reading *reading, const struct ln_option *row)
{
	struct yaml_node *node;
	struct buf yaml = BUF_INIT;

	if (row->type == LN_TYPE_LIST || row->type == LN_TYPE_MAP) {
		buf_printf(&yaml, "v: %s\n", row->text);
		node = yaml_parse(reading->arena, "default", yaml.data, yaml.len, reading->report);
		buf_free(&yaml);
		assert(node != NULL);
		return node->first;
	}
	node = arena_zalloc(reading->arena, sizeof *node);
	node->kind = YAML_TEXT;
	node->place.file = "default";
	node->text = row->text;
	return node;
}

static void
set_default(struct option_reading *reading, const struct ln_option *row, char *conf)
{
	void *field = conf + row->offset;

	switch (row->type) {
	case LN_TYPE_BOOL:
		*(bool *)field = row->number != 0;
		return;
	case LN_TYPE_INT:
	case LN_TYPE_SIZE:
	case LN_TYPE_DURATION:
		*(int64_t *)field = row->number;
		return;
	case LN_TYPE_RATE:
		*(struct ln_rate *)field = (struct ln_rate){ row->number, row->per_ms };
		return;
	case LN_TYPE_ENUM:
		*(int *)field = (int)row->number;
		return;
	case LN_TYPE_OR:
		*(int *)field = (int)row->number;
		if (row->number == LN_OTHER)
			set_default(reading, row->item, conf);
		return;
	default:
		if (row->text != NULL)
			read_by_type(reading, row, default_node(reading, row), field);
	}
}

/* ---- Structs ---- */

static void
report_unknown(struct option_reading *reading, const struct ln_option *rows,
    const struct yaml_node *entry)
{
	const struct ln_option *nearest = option_nearest(rows, entry->key);
	const char *colon = strchr(entry->key, ':');
	char name[OPTION_NAME_MAX];
	struct buf names = BUF_INIT;

	if (colon != NULL && entry->kind == YAML_EMPTY) {
		report_add(reading->report, entry->key_place,
		    "a space is missing after the colon: write %.*s: %s", (int)(colon - entry->key),
		    entry->key, colon + 1);
		return;
	}
	for (const struct ln_option *row = rows; row->type != LN_TYPE_END; row++)
		buf_printf(&names, "%s%s", row == rows ? "" : ", ", option_name(row, name));
	report_add(reading->report, entry->key_place, "unknown option %.60s%s%s; %s%s%s",
	    entry->key, reading->path != NULL ? " in " : "",
	    reading->path != NULL ? reading->path : "",
	    nearest != NULL ? "did you mean " : "allowed: ",
	    nearest != NULL     ? option_name(nearest, name)
		: names.len > 0 ? names.data
				: "nothing, it has no options",
	    nearest != NULL ? "?" : "");
	buf_free(&names);
}

static bool
check_names(struct option_reading *reading, const struct ln_option *rows,
    const struct option_chain *chain)
{
	bool good = true;

	for (unsigned i = 0; i < chain->checked; i++) {
		const struct yaml_node *node = chain->nodes[i];

		for (const struct yaml_node *entry = node->kind == YAML_MAP ? node->first : NULL;
		     entry != NULL; entry = entry->next) {
			if (option_find(rows, entry->key, strlen(entry->key)) != NULL)
				continue;
			report_unknown(reading, rows, entry);
			good = false;
		}
	}
	return good;
}

/* Whether each node can speak of the struct at all. */
static bool
check_kinds(struct option_reading *reading, const struct ln_option *outer,
    const struct option_chain *chain)
{
	bool good = true;

	for (unsigned i = 0; i < chain->count; i++) {
		const struct yaml_node *node = chain->nodes[i];

		if (node->kind == YAML_MAP || node->kind == YAML_EMPTY)
			continue;
		if (node->kind == YAML_TEXT && outer != NULL &&
		    (outer->flags & LN_SHORTHAND ||
			(outer->flags & LN_MAY_BE_OFF && option_is_off(node))))
			continue;
		report_add(reading->report, node->place,
		    "%s: %s stands here; allowed: options, `{name: value}`%s",
		    reading->path != NULL ? reading->path : "the file", yaml_kind_text(node),
		    outer != NULL && outer->flags & LN_MAY_BE_OFF ? ", or off" : "");
		good = false;
	}
	return good;
}

static bool
report_missing(struct option_reading *reading, const struct ln_option *row,
    const struct option_chain *chain)
{
	struct buf allowed = BUF_INIT;

	option_add_allowed(&allowed, row);
	report_add(reading->report, chain->count > 0 ? chain->nodes[0]->place : reading->place,
	    "%s is missing; allowed: %s", reading->path, allowed.data);
	buf_free(&allowed);
	return false;
}

static bool
read_option(struct option_reading *reading, const struct ln_option *outer,
    const struct ln_option *row, const struct option_chain *chain, char *conf)
{
	struct option_chain step = option_step(chain, outer, row);
	const struct yaml_node *node = option_winner(&step);

	if (row->type == LN_TYPE_STRUCT)
		return read_rows(reading, row, row->rows, &step, conf + row->offset);
	if (node == NULL && row->flags & LN_REQUIRED)
		return report_missing(reading, row, chain);
	if (node == NULL) {
		set_default(reading, row, conf);
		return true;
	}
	if (row->type == LN_TYPE_OR)
		return read_or(reading, row, node, conf) == NULL;
	return read_value(reading, row, node, conf + row->offset) == NULL;
}

static bool
read_rows(struct option_reading *reading, const struct ln_option *outer,
    const struct ln_option *rows, const struct option_chain *chain, void *conf)
{
	bool good = check_kinds(reading, outer, chain);
	char name[OPTION_NAME_MAX];
	const char *outside;

	if (!good)
		return false;
	good = check_names(reading, rows, chain);
	for (const struct ln_option *row = rows; row->type != LN_TYPE_END; row++) {
		if (row->flags & OPTION_ELSEWHERE)
			continue;
		outside = enter(reading, option_name(row, name), 0);
		if (!read_option(reading, outer, row, chain, conf))
			good = false;
		reading->path = outside;
	}
	return good;
}

bool
options_read(struct option_reading *reading, const struct ln_option *rows,
    const struct option_chain *chain, void *conf)
{
	static const struct ln_option none[] = { LN_OPTION_END };

	return read_rows(reading, NULL, rows != NULL ? rows : none, chain, conf);
}
