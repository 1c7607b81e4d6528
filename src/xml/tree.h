/*
 * What an element is made of, for the parser and the writer; all others use
 * linnet/elem.h.
 *
 * A node is an element or, with a NULL name, a piece of text, of which only the
 * first fields are allocated. Two pieces of text are never neighbours.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_XML_TREE_H
#define LN_XML_TREE_H

#include <stddef.h>

#include "base/arena.h"
#include "linnet/elem.h"
#include "linnet/ns.h"

struct attr {
	struct attr *next;
	const char *name; /* "xml:lang" if in NS_XML */
	const char *ns;   /* NS_NONE for plain ones */
	const char *value;
};

struct ln_elem {
	struct ln_elem *next;
	struct ln_elem *parent;
	const char *name;
	union {
		struct {
			const char *text;
			size_t len;
		};
		struct {
			const char *ns;
			struct attr *attrs;
			struct ln_elem *first, *last;
			struct arena *arena;
		};
	};
};

#define TREE_TEXT_SIZE (offsetof(struct ln_elem, len) + sizeof(size_t))

/* A last child; `node` has no parent yet. */
void tree_append(struct ln_elem *parent, struct ln_elem *node);

/* A last child that is text; never empty, never behind another text. */
void tree_add_text(struct ln_elem *parent, const char *text, size_t len);

#endif
