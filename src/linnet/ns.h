/*
 * The namespaces of XMPP as constants: NS_ROSTER, NS_DISCO_INFO ... ; the table
 * is linnet/ns.def. An element's namespace that is in the table *is* the
 * constant, so comparing begins with the pointer and seldom goes on:
 *
 *	if (ln_elem_is(child, "query", NS_ROSTER))
 *
 * NS_CLIENT has a second meaning. A stanza's own content has this one namespace
 * inside the server, whether it came over a stream of jabber:client,
 * jabber:server or jabber:component:accept; the writer puts the right one back.
 *
 * A module with a namespace of its own defines a text: #define NS_X "urn:x".
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LINNET_NS_H
#define LINNET_NS_H

#include <stdbool.h>
#include <string.h>

#define LN_NS(name, uri) extern const char name[];
#include "linnet/ns.def"
#undef LN_NS

/* The constant with this text, or NULL for a namespace that is not in the table. */
const char *ln_ns_known(const char *uri);

static inline bool
ln_ns_same(const char *one, const char *other)
{
	return one == other || strcmp(one, other) == 0;
}

#endif
