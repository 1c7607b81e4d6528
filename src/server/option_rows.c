/*
 * Rows by name, and which node speaks of a row. See options.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <string.h>

#include "server/option_values.h"
#include "server/options.h"

/* ---- Names ---- */

const struct ln_option *
option_inner(const struct ln_option *row)
{
	return row->type == LN_TYPE_OR ? row->item : row;
}

const char *
option_name(const struct ln_option *row, char name_r[OPTION_NAME_MAX])
{
	snprintf(name_r, OPTION_NAME_MAX, "%s", option_inner(row)->name);
	for (char *at = name_r; *at != '\0'; at++)
		if (*at == '_')
			*at = '-';
	return name_r;
}

bool
option_is(const struct ln_option *row, const char *name, size_t len)
{
	char own[OPTION_NAME_MAX];

	option_name(row, own);
	return strlen(own) == len && memcmp(own, name, len) == 0;
}

const struct ln_option *
option_find(const struct ln_option *rows, const char *name, size_t len)
{
	for (; rows->type != LN_TYPE_END; rows++)
		if (option_is(rows, name, len))
			return rows;
	return NULL;
}

const struct ln_option *
option_nearest(const struct ln_option *rows, const char *name)
{
	const struct ln_option *best = NULL;
	unsigned least = (unsigned)strlen(name) / 3 + 2;

	for (; rows->type != LN_TYPE_END; rows++) {
		unsigned distance = value_distance(name, option_inner(rows)->name);

		if (distance < least) {
			least = distance;
			best = rows;
		}
	}
	return best;
}

/* ---- Chains ---- */

struct option_chain
option_chain(const struct yaml_node *strong, const struct yaml_node *weak)
{
	struct option_chain chain = { .count = 0 };

	if (strong != NULL)
		chain.nodes[chain.count++] = strong;
	if (weak != NULL)
		chain.nodes[chain.count++] = weak;
	chain.checked = chain.count;
	return chain;
}

bool
option_is_off(const struct yaml_node *node)
{
	return node->kind == YAML_TEXT && strcmp(node->text, "off") == 0;
}

/* What a node that speaks of a struct says of one of its rows, or NULL. */
static const struct yaml_node *
node_of_row(const struct yaml_node *node, const struct ln_option *outer,
    const struct ln_option *row)
{
	char name[OPTION_NAME_MAX];

	if (node->kind == YAML_MAP)
		return yaml_get(node, option_name(row, name));
	if (node->kind != YAML_TEXT || outer == NULL)
		return NULL;
	if (outer->flags & LN_SHORTHAND && row == outer->rows)
		return node;
	if (outer->flags & LN_MAY_BE_OFF && row->flags & LN_MAY_BE_OFF && option_is_off(node))
		return node;
	return NULL;
}

struct option_chain
option_step(const struct option_chain *chain, const struct ln_option *outer,
    const struct ln_option *row)
{
	struct option_chain step = { .count = 0 };
	const struct yaml_node *node;

	for (unsigned i = 0; i < chain->count; i++) {
		node = node_of_row(chain->nodes[i], outer, row);
		if (node != NULL)
			step.nodes[step.count++] = node;
	}
	step.checked = step.count;
	return step;
}

const struct yaml_node *
option_winner(const struct option_chain *chain)
{
	return chain->count > 0 ? chain->nodes[0] : NULL;
}

struct option_found
option_walk(const struct ln_option *rows, const struct option_chain *chain, const void *conf,
    const char *path)
{
	struct option_found found = { .table = rows, .rest = path, .chain = *chain, .conf = conf };
	const struct ln_option *row;
	size_t len;

	for (;;) {
		len = strcspn(found.rest, ".");
		row = option_find(found.table, found.rest, len);
		if (row == NULL)
			return found;
		found.chain = option_step(&found.chain, found.outer, row);
		found.flags |= row->flags & LN_RESTART;
		if (found.rest[len] == '\0') {
			found.row = row;
			return found;
		}
		if (row->type != LN_TYPE_STRUCT)
			return found;
		found.outer = row;
		found.table = row->rows;
		found.rest += len + 1;
		if (found.conf != NULL)
			found.conf += row->offset;
	}
}
