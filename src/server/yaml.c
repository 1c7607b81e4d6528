/*
 * libyaml's events made into a tree. See yaml.h.
 *
 * The recursion is bounded by YAML_DEPTH_MAX, the input by YAML_FILE_MAX.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

#include "base/arena.h"
#include "base/xalloc.h"
#include "server/option_files.h"

struct reading {
	yaml_parser_t parser;
	yaml_event_t event; /* the current one, NO_EVENT: none */
	struct arena *arena;
	const char *file;
	const char *bytes;
	size_t len;
	struct report *report;
	size_t reported; /* before this file */
	unsigned depth;
};

static struct place
place_at(const struct reading *reading, const yaml_mark_t *mark)
{
	return (struct place){
		.file = reading->file,
		.line = (unsigned)mark->line + 1,
		.column = (unsigned)mark->column + 1,
	};
}

static struct place
place_here(const struct reading *reading)
{
	return place_at(reading, &reading->event.start_mark);
}

/* Goes to the next event; false: there is none, and the report says why. */
static bool
next_event(struct reading *reading)
{
	yaml_event_delete(&reading->event);
	if (yaml_parser_parse(&reading->parser, &reading->event))
		return true;
	report_truncate(reading->report, reading->reported);
	yaml_syntax_error(&reading->parser, reading->file, reading->bytes, reading->len,
	    reading->report);
	return false;
}

static struct yaml_node *
node_new(struct reading *reading, enum yaml_kind kind)
{
	struct yaml_node *node = arena_zalloc(reading->arena, sizeof *node);

	node->kind = kind;
	node->place = place_here(reading);
	return node;
}

static void
node_append(struct yaml_node *parent, struct yaml_node *child)
{
	if (parent->last == NULL)
		parent->first = child;
	else
		parent->last->next = child;
	parent->last = child;
	parent->count++;
}

static void
refuse_extras(struct reading *reading, const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor != NULL)
		report_add(reading->report, place_here(reading),
		    "anchors (&%s) are not allowed; write the value out, or quote the text",
		    anchor);
	if (tag != NULL)
		report_add(reading->report, place_here(reading),
		    "tags (%s) are not allowed; quote a text that begins with !", tag);
}

static struct yaml_node *
read_scalar(struct reading *reading)
{
	const yaml_event_t *event = &reading->event;
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	struct yaml_node *node = node_new(reading, YAML_TEXT);

	refuse_extras(reading, event->data.scalar.anchor, event->data.scalar.tag);
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	if (memchr(text, '\0', len) != NULL)
		report_add(reading->report, node->place, "a text cannot contain a zero byte");
	node->text = arena_strndup(reading->arena, text, len);
	if (len == 0 && !node->quoted)
		node->kind = YAML_EMPTY;
	return node;
}

static struct yaml_node *read_node(struct reading *reading);

static struct yaml_node *
read_list(struct reading *reading)
{
	struct yaml_node *list = node_new(reading, YAML_LIST), *item;

	refuse_extras(reading, reading->event.data.sequence_start.anchor,
	    reading->event.data.sequence_start.tag);
	for (;;) {
		if (!next_event(reading))
			return NULL;
		if (reading->event.type == YAML_SEQUENCE_END_EVENT)
			return list;
		item = read_node(reading);
		if (item == NULL)
			return NULL;
		node_append(list, item);
	}
}

static int
compare_keys(const void *left, const void *right)
{
	const struct yaml_node *a = *(struct yaml_node *const *)left;
	const struct yaml_node *b = *(struct yaml_node *const *)right;
	int order = strcmp(a->key, b->key);

	if (order != 0)
		return order;
	if (a->key_place.line != b->key_place.line)
		return a->key_place.line < b->key_place.line ? -1 : 1;
	return a->key_place.column < b->key_place.column ? -1 : 1;
}

static void
report_twice(struct report *report, const struct yaml_node *first, const struct yaml_node *second)
{
	report_add(report, second->key_place, "%s is given twice; it already stands at %s:%u:%u",
	    second->key, first->key_place.file, first->key_place.line, first->key_place.column);
}

/* Sorted, so that a file of a hundred thousand keys is no quadratic affair. */
static void
check_keys(struct reading *reading, const struct yaml_node *map)
{
	struct yaml_node **nodes, *node;
	size_t count = 0, first = 0;

	if (map->count < 2)
		return;
	nodes = xmalloc(map->count * sizeof(struct yaml_node *));
	for (node = map->first; node != NULL; node = node->next)
		nodes[count++] = node;
	qsort(nodes, count, sizeof(struct yaml_node *), compare_keys);
	for (size_t i = 1; i < count; i++) {
		if (strcmp(nodes[first]->key, nodes[i]->key) == 0)
			report_twice(reading->report, nodes[first], nodes[i]);
		else
			first = i;
	}
	free(nodes);
}

/* The key of the entry that begins here; NULL: none that could be one. */
static const char *
read_key(struct reading *reading)
{
	const yaml_event_t *event = &reading->event;

	if (event->type != YAML_SCALAR_EVENT) {
		report_add(reading->report, place_here(reading),
		    "the name of an option must be a plain text, as in `name: value`%s",
		    event->type == YAML_ALIAS_EVENT ? "; quote one that begins with *"
						    : "; quote addresses: \"[::1]:5222\"");
		return NULL;
	}
	refuse_extras(reading, event->data.scalar.anchor, event->data.scalar.tag);
	return arena_strndup(reading->arena, (const char *)event->data.scalar.value,
	    strnlen((const char *)event->data.scalar.value, event->data.scalar.length));
}

static struct yaml_node *
read_map(struct reading *reading)
{
	struct yaml_node *map = node_new(reading, YAML_MAP), *entry;
	struct place place;
	const char *key;

	refuse_extras(reading, reading->event.data.mapping_start.anchor,
	    reading->event.data.mapping_start.tag);
	for (;;) {
		if (!next_event(reading))
			return NULL;
		if (reading->event.type == YAML_MAPPING_END_EVENT)
			break;
		place = place_here(reading);
		key = read_key(reading);
		if (key == NULL || !next_event(reading))
			return NULL;
		entry = read_node(reading);
		if (entry == NULL)
			return NULL;
		entry->key = key;
		entry->key_place = place;
		if (entry->kind == YAML_EMPTY)
			entry->place = place;
		if (strcmp(key, "<<") == 0)
			report_add(reading->report, place,
			    "merge keys (<<) are not allowed; write the options out");
		else
			node_append(map, entry);
	}
	check_keys(reading, map);
	return map;
}

static struct yaml_node *
read_collection(struct reading *reading)
{
	struct yaml_node *node;

	if (reading->depth == YAML_DEPTH_MAX) {
		report_add(reading->report, place_here(reading),
		    "nested too deep; at most %d levels are allowed", YAML_DEPTH_MAX);
		return NULL;
	}
	reading->depth++;
	node = reading->event.type == YAML_MAPPING_START_EVENT ? read_map(reading)
							       : read_list(reading);
	reading->depth--;
	return node;
}

/* Taken as the text it was meant to be, so that nothing else is complained of. */
static struct yaml_node *
refuse_alias(struct reading *reading)
{
	const char *anchor = (const char *)reading->event.data.alias.anchor;
	struct yaml_node *node = node_new(reading, YAML_TEXT);

	node->text = arena_printf(reading->arena, "*%s", anchor);
	report_add(reading->report, node->place,
	    "aliases (%s) are not allowed; quote texts that begin with *: \"%s\"", node->text,
	    node->text);
	return node;
}

static struct yaml_node *
read_node(struct reading *reading)
{
	switch (reading->event.type) {
	case YAML_SCALAR_EVENT:
		return read_scalar(reading);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return read_collection(reading);
	case YAML_ALIAS_EVENT:
		return refuse_alias(reading);
	default:
		abort();
	}
}

static void
check_directives(struct reading *reading)
{
	const yaml_event_t *event = &reading->event;

	if (event->data.document_start.version_directive != NULL ||
	    event->data.document_start.tag_directives.start !=
		event->data.document_start.tag_directives.end)
		report_add(reading->report, place_here(reading),
		    "directives (%%YAML, %%TAG) are not allowed");
}

/* Empty files are fine: every option has a default. */
static struct yaml_node *
check_root(struct reading *reading, struct yaml_node *root)
{
	const char *colon;

	if (root == NULL || root->kind == YAML_MAP)
		return root;
	if (root->kind == YAML_EMPTY) {
		root->kind = YAML_MAP;
		return root;
	}
	colon = root->kind == YAML_TEXT ? strchr(root->text, ':') : NULL;
	if (colon != NULL && !root->quoted)
		report_add(reading->report, root->place,
		    "a space is missing after the colon: write %.*s: %.40s",
		    (int)(colon - root->text), root->text, colon + 1);
	else
		report_add(reading->report, root->place,
		    "this is %s; a configuration is a map of options, `name: value`",
		    yaml_kind_text(root));
	return NULL;
}

static struct yaml_node *
read_stream(struct reading *reading)
{
	struct yaml_node *root;

	if (!next_event(reading) || !next_event(reading))
		return NULL;
	if (reading->event.type == YAML_STREAM_END_EVENT)
		return node_new(reading, YAML_MAP);
	check_directives(reading);
	if (!next_event(reading))
		return NULL;
	root = check_root(reading, read_node(reading));
	if (root == NULL || !next_event(reading) || !next_event(reading))
		return NULL;
	if (reading->event.type != YAML_STREAM_END_EVENT)
		report_add(reading->report, place_here(reading),
		    "a second document begins here; a configuration file holds one");
	return root;
}

struct yaml_node *
yaml_parse(struct arena *arena, const char *file, const char *bytes, size_t len,
    struct report *report)
{
	struct reading reading = {
		.arena = arena,
		.file = arena_strdup(arena, file),
		.bytes = bytes,
		.len = len,
		.report = report,
		.reported = report->count,
	};
	struct yaml_node *root;

	if (!yaml_parser_initialize(&reading.parser))
		abort();
	yaml_parser_set_encoding(&reading.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reading.parser, (const unsigned char *)bytes, len);
	root = read_stream(&reading);
	yaml_event_delete(&reading.event);
	yaml_parser_delete(&reading.parser);
	return root;
}

/* Reads a whole file; NULL: it went well, else what is wrong. */
static const char *
slurp(const char *file, struct buf *bytes)
{
	const char *problem;
	int fd = option_file_open(file, &problem);
	ssize_t got;

	if (fd < 0)
		return problem;
	do {
		got = read(fd, buf_grow(bytes, 16384), 16384);
		bytes->len += got > 0 ? (size_t)got : 0;
	} while (got > 0 && bytes->len <= YAML_FILE_MAX);
	close(fd);
	if (got < 0)
		return "cannot be read";
	return bytes->len > YAML_FILE_MAX ? "is larger than 4 MiB" : NULL;
}

struct yaml_node *
yaml_read(struct arena *arena, const char *file, struct report *report)
{
	struct buf bytes = BUF_INIT;
	struct yaml_node *root = NULL;
	const char *problem = slurp(file, &bytes);

	if (problem == NULL)
		root = yaml_parse(arena, file, bytes.data, bytes.len, report);
	else
		report_add(report, (struct place){ .file = file }, "%s", problem);
	buf_free(&bytes);
	return root;
}

void
yaml_merge(struct yaml_node *into, struct yaml_node *from, struct report *report)
{
	struct yaml_node *entry, *next, *twin;

	for (entry = from != NULL ? from->first : NULL; entry != NULL; entry = next) {
		next = entry->next;
		entry->next = NULL;
		twin = (struct yaml_node *)yaml_get(into, entry->key);
		if (twin == NULL)
			node_append(into, entry);
		else if (twin->kind == YAML_MAP && entry->kind == YAML_MAP)
			yaml_merge(twin, entry, report);
		else
			report_twice(report, twin, entry);
	}
}

const struct yaml_node *
yaml_get(const struct yaml_node *map, const char *key)
{
	if (map == NULL || map->kind != YAML_MAP)
		return NULL;
	for (const struct yaml_node *entry = map->first; entry != NULL; entry = entry->next)
		if (strcmp(entry->key, key) == 0)
			return entry;
	return NULL;
}

const char *
yaml_kind_text(const struct yaml_node *node)
{
	static const char *const texts[] = {
		[YAML_EMPTY] = "nothing",
		[YAML_TEXT] = "a text",
		[YAML_LIST] = "a list",
		[YAML_MAP] = "a map",
	};

	return texts[node->kind];
}
