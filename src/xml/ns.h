/*
 * Finding namespace constants by bytes. See linnet/ns.h and linnet/ns.def.
 *
 * The table is fixed: a peer cannot fill it. A namespace that is not in it is
 * kept in the arena of the stanza it came with.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_XML_NS_H
#define LN_XML_NS_H

#include <stddef.h>

#include "linnet/ns.h"

struct arena;

/* The constant with these bytes, or NULL. */
const char *ns_find(const char *uri, size_t len);

/* The constant, or a copy in `arena`. */
const char *ns_intern(struct arena *arena, const char *uri, size_t len);

#endif
