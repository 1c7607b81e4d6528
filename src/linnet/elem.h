/*
 * Elements: XML as a tree.
 *
 * A tree lives in an arena, most often that of its stanza, and is freed with it;
 * nothing here is freed one by one. Whatever is put in is copied. Text is UTF-8,
 * NUL-terminated, unescaped. A namespace is never NULL: "" (NS_NONE) is none.
 *
 * Reading:
 *
 *	const char *body = ln_elem_child_text(message, "body", NS_CLIENT);
 *	const char *lang = ln_elem_attr(message, "xml:lang");
 *	struct ln_elem *item;
 *
 *	ln_elem_foreach(item, query)
 *		if (ln_elem_is(item, "item", NS_ROSTER))
 *			add_contact(ln_elem_attr(item, "jid"));
 *
 * Building:
 *
 *	struct ln_elem *query = ln_elem_add(iq, "query", NS_VERSION);
 *	ln_add_text(query, "name", "Linnet");
 *	ln_set_attr(query, "node", node);
 *
 * A tree belongs to one thread until it is complete; a tree that nobody changes
 * any more may be read by all. Functions that look take a const tree and hand out
 * a plain pointer, like strchr(): what came from a shared tree is not changed.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LINNET_ELEM_H
#define LINNET_ELEM_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct ln_elem;

/* --- reading -------------------------------------------------------------- */

const char *ln_elem_name(const struct ln_elem *elem);
const char *ln_elem_ns(const struct ln_elem *elem);

/* Whether it is {ns}name; NULL for either means any. */
bool ln_elem_is(const struct ln_elem *elem, const char *name, const char *ns);

/* An attribute's value or NULL. "xml:lang" is a name like any other here. */
const char *ln_elem_attr(const struct ln_elem *elem, const char *name);
const char *ln_elem_attr_ns(const struct ln_elem *elem, const char *name, const char *ns);

/* The first child that is {ns}name (NULL: any), or NULL. */
struct ln_elem *ln_elem_child(const struct ln_elem *elem, const char *name, const char *ns);

/* The next sibling that is {ns}name (NULL: any), or NULL. */
struct ln_elem *ln_elem_next_is(const struct ln_elem *elem, const char *name, const char *ns);

/* Child elements in order; text between them is passed over. NULL at the end. */
struct ln_elem *ln_elem_first(const struct ln_elem *elem);
struct ln_elem *ln_elem_next(const struct ln_elem *elem);
struct ln_elem *ln_elem_parent(const struct ln_elem *elem);

/* The child may be removed in the loop's body. */
#define ln_elem_foreach(child, elem)                                        \
	for (struct ln_elem *child##_next_ = (child) = ln_elem_first(elem); \
	     (child) != NULL && (child##_next_ = ln_elem_next(child), 1); (child) = child##_next_)

/* The text in the element up to its first child element; "" if there is none. */
const char *ln_elem_text(const struct ln_elem *elem);

/* The text of the first child that is {ns}name, or NULL if there is no such child. */
const char *ln_elem_child_text(const struct ln_elem *elem, const char *name, const char *ns);

/* All text directly in the element, pieces between children joined, in `arena`. */
const char *ln_elem_text_all(const struct ln_elem *elem, struct arena *arena);

/* How many child elements there are. */
size_t ln_elem_count(const struct ln_elem *elem);

/* --- mixed content: a node is an element or a piece of text ---------------- */

struct ln_elem *ln_node_first(const struct ln_elem *elem);
struct ln_elem *ln_node_next(const struct ln_elem *node);
/* The text if the node is text, NULL if it is an element. */
const char *ln_node_text(const struct ln_elem *node);

/* --- building ------------------------------------------------------------- */

/* A new element without parent. */
struct ln_elem *ln_elem_new(struct arena *arena, const char *name, const char *ns);

/* A new last child, returned. */
struct ln_elem *ln_elem_add(struct ln_elem *parent, const char *name, const char *ns);

/* A new last child in the parent's namespace that holds this text (NULL: nothing), returned. */
struct ln_elem *ln_add_text(struct ln_elem *parent, const char *name, const char *text);
struct ln_elem *ln_add_textf(struct ln_elem *parent, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Text behind what the element holds. */
void ln_append_text(struct ln_elem *elem, const char *text);

/* Sets or replaces an attribute; a NULL value takes it away. "xml:lang" works. */
void ln_set_attr(struct ln_elem *elem, const char *name, const char *value);
void ln_set_attrf(struct ln_elem *elem, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void ln_set_attr_ns(struct ln_elem *elem, const char *name, const char *ns, const char *value);

/* Calls `each` for every attribute; `ns` is "" for plain ones and NS_XML for "xml:lang". */
void ln_elem_each_attr(const struct ln_elem *elem,
    void (*each)(void *arg, const char *name, const char *ns, const char *value), void *arg);

/* Takes an element out of its parent; it can be put somewhere else of the same arena. */
void ln_elem_remove(struct ln_elem *elem);

/* Makes `elem`, which has no parent and lives in the same arena, the last child. */
void ln_elem_append(struct ln_elem *parent, struct ln_elem *elem);

/* A deep copy: without parent in `arena`, or as last child of `parent`. */
struct ln_elem *ln_elem_copy(struct arena *arena, const struct ln_elem *elem);
struct ln_elem *ln_elem_add_copy(struct ln_elem *parent, const struct ln_elem *elem);

/* The arena an element lives in, for what shall live as long. */
struct arena *ln_elem_arena(const struct ln_elem *elem);

/* --- bytes ---------------------------------------------------------------- */

/*
 * One element from its bytes, as they are stored or come in a frame: the whole
 * text is one element, white space around it aside. NULL with *error_r set to a
 * sentence (static) for anything else, or for what a stream would refuse. The
 * content namespaces are taken as in linnet/ns.h.
 */
struct ln_elem *ln_elem_parse(struct arena *arena, const char *bytes, size_t len,
    const char **error_r);

/* The element as a document that stands by itself, NUL-terminated, in `arena`. */
const char *ln_elem_print(struct arena *arena, const struct ln_elem *elem);

#endif
