/*
 * The element tree. See linnet/elem.h and tree.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "linnet/elem.h"

#include <assert.h>
#include <stdarg.h>
#include <string.h>

#include "base/buf.h"
#include "xml/ns.h"
#include "xml/tree.h"
#include "xml/writer.h"

/* --- reading ----------------------------------------------------------------- */

const char *
ln_elem_name(const struct ln_elem *elem)
{
	return elem->name;
}

const char *
ln_elem_ns(const struct ln_elem *elem)
{
	return elem->ns;
}

struct arena *
ln_elem_arena(const struct ln_elem *elem)
{
	return elem->arena;
}

struct ln_elem *
ln_elem_parent(const struct ln_elem *elem)
{
	return elem->parent;
}

bool
ln_elem_is(const struct ln_elem *elem, const char *name, const char *ns)
{
	return (name == NULL || strcmp(elem->name, name) == 0) &&
	    (ns == NULL || ln_ns_same(elem->ns, ns));
}

static struct attr *
find_attr(const struct ln_elem *elem, const char *name, const char *ns)
{
	struct attr *attr = elem->attrs;

	while (attr != NULL && !(strcmp(attr->name, name) == 0 && ln_ns_same(attr->ns, ns)))
		attr = attr->next;
	return attr;
}

/* "xml:lang" is written by its usual name but is in a namespace. */
static const char *
ns_of_plain(const char *name)
{
	return strncmp(name, "xml:", 4) == 0 ? NS_XML : NS_NONE;
}

const char *
ln_elem_attr(const struct ln_elem *elem, const char *name)
{
	struct attr *attr = find_attr(elem, name, ns_of_plain(name));

	return attr != NULL ? attr->value : NULL;
}

const char *
ln_elem_attr_ns(const struct ln_elem *elem, const char *name, const char *ns)
{
	struct attr *attr = find_attr(elem, name, ns);

	return attr != NULL ? attr->value : NULL;
}

void
ln_elem_each_attr(const struct ln_elem *elem,
    void (*each)(void *arg, const char *name, const char *ns, const char *value), void *arg)
{
	for (struct attr *attr = elem->attrs; attr != NULL; attr = attr->next)
		each(arg, attr->name, attr->ns, attr->value);
}

/* The first element from `node` on that fits. */
static struct ln_elem *
find_elem(struct ln_elem *node, const char *name, const char *ns)
{
	while (node != NULL && (node->name == NULL || !ln_elem_is(node, name, ns)))
		node = node->next;
	return node;
}

struct ln_elem *
ln_elem_child(const struct ln_elem *elem, const char *name, const char *ns)
{
	return find_elem(elem->first, name, ns);
}

struct ln_elem *
ln_elem_next_is(const struct ln_elem *elem, const char *name, const char *ns)
{
	return find_elem(elem->next, name, ns);
}

struct ln_elem *
ln_elem_first(const struct ln_elem *elem)
{
	return find_elem(elem->first, NULL, NULL);
}

struct ln_elem *
ln_elem_next(const struct ln_elem *elem)
{
	return find_elem(elem->next, NULL, NULL);
}

size_t
ln_elem_count(const struct ln_elem *elem)
{
	struct ln_elem *child;
	size_t count = 0;

	ln_elem_foreach(child, elem)
		count++;
	return count;
}

const char *
ln_elem_text(const struct ln_elem *elem)
{
	struct ln_elem *node = elem->first;

	return node != NULL && node->name == NULL ? node->text : "";
}

const char *
ln_elem_child_text(const struct ln_elem *elem, const char *name, const char *ns)
{
	struct ln_elem *child = ln_elem_child(elem, name, ns);

	return child != NULL ? ln_elem_text(child) : NULL;
}

const char *
ln_elem_text_all(const struct ln_elem *elem, struct arena *arena)
{
	size_t len = 0;
	char *text, *at;

	for (struct ln_elem *node = elem->first; node != NULL; node = node->next)
		len += node->name == NULL ? node->len : 0;
	text = at = arena_alloc(arena, len + 1);
	for (struct ln_elem *node = elem->first; node != NULL; node = node->next)
		if (node->name == NULL)
			at = mempcpy(at, node->text, node->len);
	*at = '\0';
	return text;
}

struct ln_elem *
ln_node_first(const struct ln_elem *elem)
{
	return elem->first;
}

struct ln_elem *
ln_node_next(const struct ln_elem *node)
{
	return node->next;
}

const char *
ln_node_text(const struct ln_elem *node)
{
	return node->name == NULL ? node->text : NULL;
}

/* --- building ---------------------------------------------------------------- */

/* Element and name in one piece; `ns` is kept as it is. */
static struct ln_elem *
new_elem(struct arena *arena, const char *name, const char *ns)
{
	size_t len = strlen(name) + 1;
	struct ln_elem *elem = arena_alloc(arena, sizeof *elem + len);

	memset(elem, 0, sizeof *elem);
	elem->name = memcpy(elem + 1, name, len);
	elem->ns = ns;
	elem->arena = arena;
	return elem;
}

struct ln_elem *
ln_elem_new(struct arena *arena, const char *name, const char *ns)
{
	return new_elem(arena, name, ns_intern(arena, ns, strlen(ns)));
}

void
tree_append(struct ln_elem *parent, struct ln_elem *node)
{
	node->parent = parent;
	node->next = NULL;
	if (parent->last != NULL)
		parent->last->next = node;
	else
		parent->first = node;
	parent->last = node;
}

void
tree_add_text(struct ln_elem *parent, const char *text, size_t len)
{
	struct ln_elem *node = arena_alloc(parent->arena, TREE_TEXT_SIZE + len + 1);
	char *copy = (char *)node + TREE_TEXT_SIZE;

	memcpy(copy, text, len);
	copy[len] = '\0';
	node->name = NULL;
	node->text = copy;
	node->len = len;
	tree_append(parent, node);
}

void
ln_elem_append(struct ln_elem *parent, struct ln_elem *elem)
{
	assert(elem->parent == NULL && elem->arena == parent->arena);
	tree_append(parent, elem);
}

struct ln_elem *
ln_elem_add(struct ln_elem *parent, const char *name, const char *ns)
{
	struct ln_elem *elem;

	if (ns == parent->ns)
		elem = new_elem(parent->arena, name, ns);
	else
		elem = ln_elem_new(parent->arena, name, ns);
	tree_append(parent, elem);
	return elem;
}

void
ln_append_text(struct ln_elem *elem, const char *text)
{
	struct ln_elem *last = elem->last;
	size_t len = strlen(text);
	char *joined;

	if (len == 0)
		return;
	if (last == NULL || last->name != NULL) {
		tree_add_text(elem, text, len);
		return;
	}
	joined = arena_alloc(elem->arena, last->len + len + 1);
	memcpy(mempcpy(joined, last->text, last->len), text, len + 1);
	last->text = joined;
	last->len += len;
}

struct ln_elem *
ln_add_text(struct ln_elem *parent, const char *name, const char *text)
{
	struct ln_elem *elem = ln_elem_add(parent, name, parent->ns);

	if (text != NULL)
		ln_append_text(elem, text);
	return elem;
}

struct ln_elem *
ln_add_textf(struct ln_elem *parent, const char *name, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = arena_vprintf(parent->arena, format, args);
	va_end(args);
	return ln_add_text(parent, name, text);
}

static void
remove_attr(struct ln_elem *elem, struct attr *attr)
{
	struct attr **link = &elem->attrs;

	while (*link != attr)
		link = &(*link)->next;
	*link = attr->next;
}

static void
add_attr(struct ln_elem *elem, const char *name, const char *ns, const char *value)
{
	size_t len = strlen(name) + 1;
	struct attr *attr = arena_alloc(elem->arena, sizeof *attr + len), **link = &elem->attrs;

	while (*link != NULL)
		link = &(*link)->next;
	attr->next = NULL;
	attr->name = memcpy(attr + 1, name, len);
	attr->ns = ns_intern(elem->arena, ns, strlen(ns));
	attr->value = value;
	*link = attr;
}

/* `value` lives in the arena. */
static void
put_attr(struct ln_elem *elem, const char *name, const char *ns, const char *value)
{
	struct attr *attr = find_attr(elem, name, ns);

	if (attr != NULL)
		attr->value = value;
	else
		add_attr(elem, name, ns, value);
}

void
ln_set_attr_ns(struct ln_elem *elem, const char *name, const char *ns, const char *value)
{
	struct attr *attr;

	if (value != NULL) {
		put_attr(elem, name, ns, arena_strdup(elem->arena, value));
		return;
	}
	attr = find_attr(elem, name, ns);
	if (attr != NULL)
		remove_attr(elem, attr);
}

void
ln_set_attr(struct ln_elem *elem, const char *name, const char *value)
{
	ln_set_attr_ns(elem, name, ns_of_plain(name), value);
}

void
ln_set_attrf(struct ln_elem *elem, const char *name, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put_attr(elem, name, ns_of_plain(name), arena_vprintf(elem->arena, format, args));
	va_end(args);
}

/* Texts that become neighbours are joined in the first. */
static void
join_texts(struct ln_elem *parent, struct ln_elem *before)
{
	struct ln_elem *after = before != NULL ? before->next : NULL;
	char *joined;

	if (after == NULL || before->name != NULL || after->name != NULL)
		return;
	joined = arena_alloc(parent->arena, before->len + after->len + 1);
	memcpy(mempcpy(joined, before->text, before->len), after->text, after->len + 1);
	before->text = joined;
	before->len += after->len;
	before->next = after->next;
	if (parent->last == after)
		parent->last = before;
}

void
ln_elem_remove(struct ln_elem *elem)
{
	struct ln_elem *parent = elem->parent, *before = NULL, **link;

	if (parent == NULL)
		return;
	for (link = &parent->first; *link != elem; link = &(*link)->next)
		before = *link;
	*link = elem->next;
	if (parent->last == elem)
		parent->last = before;
	elem->parent = NULL;
	elem->next = NULL;
	join_texts(parent, before);
}

/* The element alone: name, namespace, attributes. */
static struct ln_elem *
copy_shallow(struct arena *arena, const struct ln_elem *elem)
{
	struct ln_elem *copy = ln_elem_new(arena, elem->name, elem->ns);

	for (struct attr *attr = elem->attrs; attr != NULL; attr = attr->next)
		add_attr(copy, attr->name, attr->ns, arena_strdup(arena, attr->value));
	return copy;
}

struct ln_elem *
ln_elem_copy(struct arena *arena, const struct ln_elem *elem)
{
	struct ln_elem *copy = copy_shallow(arena, elem);

	for (struct ln_elem *node = elem->first; node != NULL; node = node->next) {
		if (node->name == NULL)
			tree_add_text(copy, node->text, node->len);
		else
			tree_append(copy, ln_elem_copy(arena, node));
	}
	return copy;
}

struct ln_elem *
ln_elem_add_copy(struct ln_elem *parent, const struct ln_elem *elem)
{
	struct ln_elem *copy = ln_elem_copy(parent->arena, elem);

	tree_append(parent, copy);
	return copy;
}

/* --- bytes ------------------------------------------------------------------- */

const char *
ln_elem_print(struct arena *arena, const struct ln_elem *elem)
{
	struct buf bytes = BUF_INIT;
	const char *copy;

	writer_document(&bytes, elem);
	copy = arena_strndup(arena, bytes.data, bytes.len);
	buf_free(&bytes);
	return copy;
}
