/*
 * YAML files as trees whose nodes remember where they stand.
 *
 * A scalar is text and nothing else; what it means is for the option's type to
 * say. Anchors, aliases, tags, `<<`, directives, a second document, a key
 * given twice and nesting deeper than YAML_DEPTH_MAX are mistakes, each
 * reported with its place. A syntax error is reported alone: what stands
 * behind it cannot be judged.
 *
 *	struct yaml_node *root = yaml_read(arena, "linnet.yaml", &report);
 *
 *	if (root != NULL)
 *		yaml_merge(root, yaml_read(arena, "more.yaml", &report), &report);
 *
 * The nodes live in the arena. No file system but yaml_read(), any thread.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_YAML_H
#define LN_SERVER_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "server/report.h"

struct arena;

#define YAML_DEPTH_MAX 16
#define YAML_FILE_MAX ((size_t)4 << 20)

enum yaml_kind {
	YAML_EMPTY, /* `name:` and nothing behind it */
	YAML_TEXT,
	YAML_LIST,
	YAML_MAP,
};

struct yaml_node {
	enum yaml_kind kind;
	struct place place; /* of an empty one: its key's */
	const char *text;   /* YAML_TEXT */
	bool quoted;

	const char *key; /* inside a map */
	struct place key_place;

	struct yaml_node *first, *last; /* inside a list or map, in the order of the file */
	struct yaml_node *next;
	unsigned count;
};

/* The root, a map; NULL if the report got a mistake that leaves no tree. */
struct yaml_node *yaml_parse(struct arena *arena, const char *file, const char *bytes, size_t len,
    struct report *report);

/* The same of a file. */
struct yaml_node *yaml_read(struct arena *arena, const char *file, struct report *report);

/* Puts the entries of one map into another, maps into maps; anything else that
 * stands in both is reported with both places. */
void yaml_merge(struct yaml_node *into, struct yaml_node *from, struct report *report);

/* The entry of a map with that key, or NULL; `map` may be NULL or no map. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

/* "a text", "a list", "a map", "nothing": for messages. */
const char *yaml_kind_text(const struct yaml_node *node);

/* Part of yaml.c's work, in yaml_syntax.c: says in our words what libyaml could not read. */
struct yaml_parser_s;
void yaml_syntax_error(const struct yaml_parser_s *parser, const char *file, const char *bytes,
    size_t len, struct report *report);

#endif
