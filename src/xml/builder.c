/*
 * From expat's events to the tree, within the limits. See engine.h.
 *
 * A start tag becomes one piece of the arena: the element, its attributes, and
 * the text of name and values behind them. Text is collected until the next tag.
 *
 * SPDX-License-Identifier: MIT
 */
#include "xml/engine.h"

#include <string.h>

#include "base/arena.h"
#include "xml/ns.h"
#include "xml/tree.h"

/* With malloc()'s head and the arena's own a typical stanza stays below 1 KiB. */
#define ARENA_FIRST 928

/* A name as expat reports it, taken apart; the prefix behind a second separator is ignored. */
struct name {
	const char *uri; /* "" with length 0 if there is none */
	size_t uri_len;
	const char *local;
	size_t local_len;
};

static struct name
split(const char *text)
{
	const char *local = strchr(text, ENGINE_SEPARATOR), *end;

	if (local == NULL)
		return (struct name){ "", 0, text, strlen(text) };
	local++;
	end = strchrnul(local, ENGINE_SEPARATOR);
	return (struct name){ text, (size_t)(local - text) - 1, local, (size_t)(end - local) };
}

/* The stream's content namespace is NS_CLIENT inside. */
static const char *
intern(struct engine *engine, const struct name *name, const char *content_ns)
{
	const char *known = ns_find(name->uri, name->uri_len);
	const struct ln_elem *parent = engine->current;

	if (known != NULL)
		return known == content_ns ? NS_CLIENT : known;
	if (parent != NULL && strlen(parent->ns) == name->uri_len &&
	    memcmp(parent->ns, name->uri, name->uri_len) == 0)
		return parent->ns;
	return arena_strndup(engine->arena, name->uri, name->uri_len);
}

static char *
put(char **at, const char *text, size_t len)
{
	char *copy = *at;

	*at = mempcpy(copy, text, len);
	*(*at)++ = '\0';
	return copy;
}

/* How many bytes the attributes' names and values take, NULs included. */
static size_t
measure(const char **attributes, unsigned *count_r)
{
	size_t bytes = 0;
	unsigned count = 0;

	for (; attributes[0] != NULL; attributes += 2, count++)
		bytes += strlen(attributes[0]) + strlen(attributes[1]) + sizeof "xml:" + 2;
	*count_r = count;
	return bytes;
}

static void
put_attr(struct engine *engine, struct attr *attr, const char **attribute, char **at)
{
	struct name name = split(attribute[0]);

	attr->next = NULL;
	attr->ns = name.uri_len > 0 ? intern(engine, &name, NULL) : NS_NONE;
	attr->name = *at;
	if (attr->ns == NS_XML)
		*at = mempcpy(*at, "xml:", 4);
	put(at, name.local, name.local_len);
	attr->value = put(at, attribute[1], strlen(attribute[1]));
}

static struct ln_elem *
new_elem(struct engine *engine, const struct name *name, const char *ns, const char **attributes)
{
	unsigned count;
	size_t bytes = measure(attributes, &count) + name->local_len + 1;
	struct ln_elem *elem =
	    arena_alloc(engine->arena, sizeof *elem + count * sizeof(struct attr) + bytes);
	struct attr *attrs = (struct attr *)(elem + 1);
	char *at = (char *)(attrs + count);

	memset(elem, 0, sizeof *elem);
	elem->arena = engine->arena;
	elem->ns = ns;
	elem->name = put(&at, name->local, name->local_len);
	for (unsigned i = 0; i < count; i++) {
		put_attr(engine, &attrs[i], attributes + 2 * i, &at);
		if (i > 0)
			attrs[i - 1].next = &attrs[i];
	}
	if (count > 0)
		elem->attrs = attrs;
	return elem;
}

static enum parser_error
check_limits(const struct engine *engine, const char **attributes,
    const struct parser_limits *limits)
{
	unsigned count = 0;

	while (attributes[2 * count] != NULL)
		count++;
	if (count > limits->attributes)
		return PARSER_TOO_MANY_ATTRIBUTES;
	if (engine->root == NULL)
		return PARSER_OK;
	if (engine->depth >= limits->depth)
		return PARSER_TOO_DEEP;
	return engine->elements >= limits->children ? PARSER_TOO_MANY_CHILDREN : PARSER_OK;
}

static void
flush_text(struct engine *engine)
{
	if (engine->text.len == 0)
		return;
	tree_add_text(engine->current, engine->text.data, engine->text.len);
	buf_reset(&engine->text);
}

enum parser_error
builder_start(struct engine *engine, const char *text, const char **attributes,
    const struct parser_limits *limits, const char *content_ns)
{
	enum parser_error error = check_limits(engine, attributes, limits);
	struct name name = split(text);
	struct ln_elem *elem;

	if (error != PARSER_OK)
		return error;
	if (engine->root == NULL) {
		engine->arena = arena_new(ARENA_FIRST);
		engine->depth = engine->elements = 0;
		engine->start = engine_event(engine);
	} else {
		flush_text(engine);
		engine->elements++;
	}
	elem = new_elem(engine, &name, intern(engine, &name, content_ns), attributes);
	if (engine->root == NULL)
		engine->root = elem;
	else
		tree_append(engine->current, elem);
	engine->current = elem;
	engine->depth++;
	return PARSER_OK;
}

void
builder_text(struct engine *engine, const char *text, int len)
{
	buf_add(&engine->text, text, (size_t)len);
}

bool
builder_end(struct engine *engine)
{
	flush_text(engine);
	engine->current = engine->current->parent;
	engine->depth--;
	return engine->current == NULL;
}

struct ln_elem *
builder_take(struct engine *engine, struct arena **arena_r)
{
	struct ln_elem *root = engine->root;

	*arena_r = engine->arena;
	engine->arena = NULL;
	engine->root = NULL;
	return root;
}
