/*
 * The writer: elements and tags into bytes.
 *
 * What leaves can always be read: text is escaped, characters that XML forbids
 * are left out, bytes that are not UTF-8 become U+FFFD, each namespace is
 * declared where it is not in scope, and foreign attributes get a prefix.
 *
 * A stanza on its way to a stream is a root tag, made for each recipient, around
 * children that are made once:
 *
 *	bool bound = writer_children(&payload, message, NS_CLIENT);
 *	...
 *	writer_open(out, "message");
 *	writer_attr(out, "to", to);
 *	writer_attr(out, "xml:lang", lang);		(NULL values are left out)
 *	writer_close(out, "message", payload.data, payload.len);
 *
 * Children in the content namespace inherit it from the stream's header, so the
 * bytes fit streams of jabber:client, jabber:server and components alike. Only if
 * content is found again below an element of another namespace must it be spelled
 * out; then writer_children() returns true, and the bytes fit streams of that one
 * content namespace. A stanza in <forwarded/> (XEP-0297) is jabber:client on all.
 *
 * The prefix "stream" is taken to be declared by the stream's header.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_XML_WRITER_H
#define LN_XML_WRITER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "linnet/elem.h"
#include "linnet/ns.h"

/*
 * The children and text of a stanza's root for a stream of `content_ns`: NS_CLIENT,
 * NS_SERVER or NS_COMPONENT. True if the bytes fit no other content namespace.
 */
bool writer_children(struct buf *out, const struct ln_elem *stanza, const char *content_ns);

/* A whole element below the root of a stream; true as above. */
bool writer_elem(struct buf *out, const struct ln_elem *elem, const char *content_ns);

/* A whole element that stands by itself, for storage and frames. */
void writer_document(struct buf *out, const struct ln_elem *elem);

/* Tags by hand: open, attributes, then content and the end. */
void writer_open(struct buf *out, const char *name);
void writer_attr(struct buf *out, const char *name, const char *value);
void writer_attr_bytes(struct buf *out, const char *name, const char *value, size_t len);
/* `children` are bytes that the writer made; none closes the tag as empty. */
void writer_close(struct buf *out, const char *name, const char *children, size_t len);

/* The same in steps: ends the start tag; writes the end tag. */
void writer_content(struct buf *out);
void writer_end(struct buf *out, const char *name);

/* An attribute's value, escaped for single quotes but without them. */
void writer_value(struct buf *out, const char *text, size_t len);

/* Escaped text. */
void writer_text(struct buf *out, const char *text, size_t len);

#endif
