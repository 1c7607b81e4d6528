/*
 * The writer. See writer.h.
 *
 * Escaping looks for the end of a plain run and copies the run; what is not
 * plain is taken one character at a time.
 *
 * SPDX-License-Identifier: MIT
 */
#include "xml/writer.h"

#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "xml/tree.h"

/* --- escaping ---------------------------------------------------------------- */

/* Which bytes end a plain run, in text and in values. */
enum { IN_TEXT = 1, IN_VALUE = 2, ANYWHERE = IN_TEXT | IN_VALUE };

static const uint8_t special[256] = {
	[0 ... 0x08] = ANYWHERE,
	['\t'] = IN_VALUE,
	['\n'] = IN_VALUE,
	[0x0b ... 0x1f] = ANYWHERE,
	['&'] = ANYWHERE,
	['<'] = ANYWHERE,
	['>'] = ANYWHERE,
	['\''] = IN_VALUE,
	[0x80 ... 0xff] = ANYWHERE,
};

static inline bool
is_continuation(char c)
{
	return ((uint8_t)c & 0xc0) == 0x80;
}

/* The length of a valid character of two or three bytes, seen at a glance; else 0. */
static inline size_t
common_length(const char *p, const char *end)
{
	uint8_t first = (uint8_t)*p;

	if (first >= 0xc2 && first < 0xe0 && end - p >= 2 && is_continuation(p[1]))
		return 2;
	if (first > 0xe0 && first < 0xed && end - p >= 3 && is_continuation(p[1]) &&
	    is_continuation(p[2]))
		return 3;
	return 0;
}

/* The end of the run at `p` that can be copied as it is. */
static const char *
plain_end(const char *p, const char *end, uint8_t where)
{
	size_t len;

	for (;;) {
		while (p < end && (special[(uint8_t)*p] & where) == 0)
			p++;
		if (p == end || (uint8_t)*p < 0x80)
			return p;
		len = common_length(p, end);
		if (len == 0)
			return p;
		p += len;
	}
}

/* Characters XML 1.0 has no way to write (production 2: Char). */
static bool
is_forbidden(uint32_t code)
{
	return (code < 0x20 && code != '\t' && code != '\n' && code != '\r') || code == 0xfffe ||
	    code == 0xffff;
}

static const char *
reference(uint32_t code)
{
	switch (code) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '\'':
		return "&apos;";
	case '\t':
		return "&#9;";
	case '\n':
		return "&#10;";
	case '\r':
		return "&#13;";
	default:
		return NULL;
	}
}

/* Writes the character at `p` in the way it can be written; returns how long it is. */
static size_t
escape_one(struct buf *out, const char *p, const char *end)
{
	uint32_t code;
	size_t len = utf8_next(p, end, &code);
	const char *text;

	if (len == 0) {
		buf_add_text(out, "\xef\xbf\xbd");
		return 1;
	}
	text = reference(code);
	if (text != NULL)
		buf_add_text(out, text);
	else if (!is_forbidden(code))
		buf_add(out, p, len);
	return len;
}

static void
escape(struct buf *out, const char *text, size_t len, uint8_t where)
{
	const char *p = text, *end = text + len;

	while (p < end) {
		const char *run = p;

		p = plain_end(p, end, where);
		buf_add(out, run, (size_t)(p - run));
		if (p < end)
			p += escape_one(out, p, end);
	}
}

void
writer_text(struct buf *out, const char *text, size_t len)
{
	escape(out, text, len, IN_TEXT);
}

void
writer_value(struct buf *out, const char *text, size_t len)
{
	escape(out, text, len, IN_VALUE);
}

/* --- tags -------------------------------------------------------------------- */

void
writer_open(struct buf *out, const char *name)
{
	size_t len = strlen(name);
	char *at = buf_grow(out, len + 1);

	*at = '<';
	memcpy(at + 1, name, len + 1);
	out->len += len + 1;
}

void
writer_attr_bytes(struct buf *out, const char *name, const char *value, size_t len)
{
	size_t name_len = strlen(name);
	char *at = buf_grow(out, name_len + 3);

	*at = ' ';
	at = mempcpy(at + 1, name, name_len);
	memcpy(at, "='", 3);
	out->len += name_len + 3;
	writer_value(out, value, len);
	buf_add(out, "'", 1);
}

void
writer_attr(struct buf *out, const char *name, const char *value)
{
	if (value != NULL)
		writer_attr_bytes(out, name, value, strlen(value));
}

void
writer_content(struct buf *out)
{
	buf_add(out, ">", 1);
}

void
writer_end(struct buf *out, const char *name)
{
	size_t len = strlen(name);
	char *at = buf_grow(out, len + 3);

	memcpy(at, "</", 2);
	at = mempcpy(at + 2, name, len);
	memcpy(at, ">", 2);
	out->len += len + 3;
}

void
writer_close(struct buf *out, const char *name, const char *children, size_t len)
{
	if (len == 0) {
		buf_add(out, "/>", 2);
		return;
	}
	writer_content(out);
	buf_add(out, children, len);
	writer_end(out, name);
}

/* --- trees ------------------------------------------------------------------- */

struct writer {
	struct buf *out;
	const char *content_ns; /* what NS_CLIENT is spelled as here */
	bool in_stream;         /* the header declares the content and the prefix "stream" */
	bool bound;             /* the content namespace had to be spelled out */
};

static void
write_attrs(struct buf *out, const struct attr *attr)
{
	unsigned prefix = 0;

	for (; attr != NULL; attr = attr->next) {
		if (*attr->ns == '\0' || ln_ns_same(attr->ns, NS_XML)) {
			writer_attr(out, attr->name, attr->value);
			continue;
		}
		buf_printf(out, " xmlns:ns%u='", prefix);
		writer_value(out, attr->ns, strlen(attr->ns));
		buf_printf(out, "' ns%u:%s='", prefix++, attr->name);
		writer_value(out, attr->value, strlen(attr->value));
		buf_add(out, "'", 1);
	}
}

/* What is in force where an element stands. */
struct scope {
	const char *ns; /* the default namespace */
	bool forwarded; /* content is jabber:client whatever the stream is */
};

static void
declare(struct writer *writer, const char *ns, struct scope scope)
{
	if (ns != NS_CLIENT || scope.forwarded) {
		writer_attr(writer->out, "xmlns", ns);
		return;
	}
	writer_attr(writer->out, "xmlns", writer->content_ns);
	writer->bound = true;
}

static void write_children(struct writer *writer, const struct ln_elem *elem, struct scope scope);

static void
write_tag_end(struct writer *writer, const struct ln_elem *elem, const char *name,
    struct scope scope)
{
	if (elem->first == NULL) {
		buf_add(writer->out, "/>", 2);
		return;
	}
	writer_content(writer->out);
	write_children(writer, elem, scope);
	writer_end(writer->out, name);
}

/* The prefix that is declared for this namespace everywhere, or NULL. */
static const char *
prefix_of(const struct writer *writer, const char *ns)
{
	if (ns == NS_STREAM && writer->in_stream)
		return "stream";
	return ns == NS_XML ? "xml" : NULL;
}

/* <stream:features/>, <stream:error/>. */
static void
write_prefixed(struct writer *writer, const struct ln_elem *elem, const char *prefix,
    struct scope scope)
{
	struct buf name = BUF_INIT;

	buf_printf(&name, "%s:%s", prefix, elem->name);
	writer_open(writer->out, name.data);
	write_attrs(writer->out, elem->attrs);
	write_tag_end(writer, elem, name.data, scope);
	buf_free(&name);
}

static void
write_elem(struct writer *writer, const struct ln_elem *elem, struct scope scope)
{
	const char *prefix = prefix_of(writer, elem->ns);

	if (prefix != NULL) {
		write_prefixed(writer, elem, prefix, scope);
		return;
	}
	writer_open(writer->out, elem->name);
	if (!ln_ns_same(elem->ns, scope.ns))
		declare(writer, elem->ns, scope);
	write_attrs(writer->out, elem->attrs);
	scope.ns = elem->ns;
	if (elem->ns == NS_FORWARD && strcmp(elem->name, "forwarded") == 0)
		scope.forwarded = true;
	write_tag_end(writer, elem, elem->name, scope);
}

static void
write_children(struct writer *writer, const struct ln_elem *elem, struct scope scope)
{
	for (const struct ln_elem *node = elem->first; node != NULL; node = node->next) {
		if (node->name == NULL)
			writer_text(writer->out, node->text, node->len);
		else
			write_elem(writer, node, scope);
	}
}

bool
writer_children(struct buf *out, const struct ln_elem *stanza, const char *content_ns)
{
	struct writer writer = { out, content_ns, true, false };

	write_children(&writer, stanza, (struct scope){ NS_CLIENT, false });
	return writer.bound;
}

bool
writer_elem(struct buf *out, const struct ln_elem *elem, const char *content_ns)
{
	struct writer writer = { out, content_ns, true, false };

	write_elem(&writer, elem, (struct scope){ NS_CLIENT, false });
	return writer.bound;
}

void
writer_document(struct buf *out, const struct ln_elem *elem)
{
	struct writer writer = { out, NS_CLIENT, false, false };

	write_elem(&writer, elem, (struct scope){ NS_NONE, false });
}
