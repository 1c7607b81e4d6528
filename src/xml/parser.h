/*
 * The stream parser: bytes of an XMPP stream in, stanzas out.
 *
 * A parser lives as long as its stream. Feed it what the socket gave; it calls
 * back for the header, for every complete element below the root (a stanza, or
 * what the negotiation says), for the end and for the first error, after which
 * it takes nothing more:
 *
 *	struct parser *p = parser_new(&ops, stream);
 *	size_t used = parser_feed(p, bytes, len);	(calls ops->...)
 *	parser_free(&p);
 *
 * From inside a callback:
 *  - parser_suspend() stops at this point: nothing more is reported, and
 *    parser_feed() returns how many bytes were used. The caller keeps the rest:
 *    to feed it after parser_resume(), to take it to another thread with the
 *    stream, or to throw it away (STARTTLS: RFC 6120 §5.4.3.3).
 *  - parser_restart() expects a new header in the bytes that follow (RFC 6120
 *    §4.3.3: after TLS and SASL). With or without parser_suspend().
 *  - parser_free() is allowed; parser_feed() then returns as if suspended.
 *
 * Between two stanzas a parser needs no expat. parser_park() gives it back to
 * the thread's free list and keeps the namespaces of the header alone; the next
 * parser_feed() borrows one. A suspended parser is parked. A parked parser may
 * be used by another thread from then on, as one at a time.
 *
 * Refused while parsing (DESIGN: `restricted-xml`, `policy-violation` ...): DTDs,
 * comments, processing instructions, entities, encodings other than UTF-8, what
 * is not (namespace-)well-formed, and what passes the limits below.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_XML_PARSER_H
#define LN_XML_PARSER_H

#include <stdbool.h>
#include <stddef.h>

#include "linnet/elem.h"
#include "linnet/ns.h"

struct parser;

/* Longest start tag, the stream header included. */
#define PARSER_TAG_MAX ((size_t)16 * 1024)

/* What is kept of a header as long as the stream lives: its namespaces and its language. */
#define PARSER_CONTEXT_MAX ((size_t)1024)

struct parser_limits {
	size_t bytes;        /* of one element below the root, tags included */
	unsigned depth;      /* of elements, the stanza itself being 1 */
	unsigned children;   /* elements in one stanza, at any depth */
	unsigned attributes; /* of one element, namespace declarations aside */
};

/* DESIGN section 15, before and after login. */
#define PARSER_LIMITS_BEFORE_LOGIN        \
	{                                 \
		16 * 1024, 100, 10000, 64 \
	}
#define PARSER_LIMITS_AFTER_LOGIN          \
	{                                  \
		256 * 1024, 100, 10000, 64 \
	}

/* PARSER_ERROR(name, stream error condition of RFC 6120 §4.9.3, sentence) */
#define PARSER_ERRORS(PARSER_ERROR)                                                          \
	PARSER_ERROR(NOT_WELL_FORMED, "not-well-formed", "not well-formed XML")              \
	PARSER_ERROR(BAD_UTF8, "unsupported-encoding", "bytes that are not UTF-8")           \
	PARSER_ERROR(BAD_ENCODING, "unsupported-encoding", "an encoding other than UTF-8")   \
	PARSER_ERROR(UNBOUND_PREFIX, "not-well-formed", "a prefix without declaration")      \
	PARSER_ERROR(COMMENT, "restricted-xml", "a comment")                                 \
	PARSER_ERROR(INSTRUCTION, "restricted-xml", "a processing instruction")              \
	PARSER_ERROR(DTD, "restricted-xml", "a document type declaration")                   \
	PARSER_ERROR(ENTITY, "restricted-xml", "an entity reference")                        \
	PARSER_ERROR(STRAY_TEXT, "bad-format", "text between stanzas")                       \
	PARSER_ERROR(BAD_ROOT, "bad-format", "the root element is not <stream/>")            \
	PARSER_ERROR(BAD_STREAM_NS, "invalid-namespace",                                     \
	    "the root element is not in the namespace of streams")                           \
	PARSER_ERROR(BAD_STANZA_NS, "invalid-namespace",                                     \
	    "a stanza in the content namespace of another kind of stream")                   \
	PARSER_ERROR(TOO_LONG, "policy-violation", "an element with too many bytes")         \
	PARSER_ERROR(LONG_TAG, "policy-violation", "a tag with too many bytes")              \
	PARSER_ERROR(LONG_CONTEXT, "policy-violation",                                       \
	    "too many bytes of namespaces in the header")                                    \
	PARSER_ERROR(TOO_DEEP, "policy-violation", "elements nested too deeply")             \
	PARSER_ERROR(TOO_MANY_CHILDREN, "policy-violation", "too many elements in a stanza") \
	PARSER_ERROR(TOO_MANY_ATTRIBUTES, "policy-violation", "too many attributes in an element")

enum parser_error {
	PARSER_OK,
#define PARSER_ERROR(name, condition, text) PARSER_##name,
	PARSER_ERRORS(PARSER_ERROR)
#undef PARSER_ERROR
	    PARSER_ERROR_COUNT
};

/* "restricted-xml"; "a comment". */
const char *parser_error_condition(enum parser_error error);
const char *parser_error_text(enum parser_error error);

/* Valid during the callback. Attributes that are absent are NULL. */
struct parser_header {
	const struct ln_elem *elem; /* <stream/> with all its attributes */
	const char *content_ns;     /* its default namespace; a constant if known, else text */
	const char *to, *from, *id, *version, *lang;
};

struct parser_ops {
	void (*header)(void *arg, const struct parser_header *header);
	/* The element is complete; its arena now belongs to the callee. */
	void (*stanza)(void *arg, struct arena *arena, struct ln_elem *elem);
	/* </stream:stream> */
	void (*end)(void *arg);
	void (*error)(void *arg, enum parser_error error);
};

enum parser_state { PARSER_EXPECTS_HEADER, PARSER_OPEN, PARSER_ENDED, PARSER_FAILED };

struct parser *parser_new(const struct parser_ops *ops, void *arg);
void parser_free(struct parser **parser);

/* From now on; an element that is being read is held against them too. */
void parser_set_limits(struct parser *parser, const struct parser_limits *limits);

/* Parses; returns how many bytes were used: all, unless suspended, ended or failed. */
size_t parser_feed(struct parser *parser, const char *bytes, size_t len);

void parser_suspend(struct parser *parser);
void parser_resume(struct parser *parser);
bool parser_suspended(const struct parser *parser);
void parser_restart(struct parser *parser);

/* Gives expat back if the stream is between two stanzas; false if it is not. */
bool parser_park(struct parser *parser);

enum parser_state parser_state(const struct parser *parser);

/* Whether bytes of an unfinished element have been taken. */
bool parser_in_stanza(const struct parser *parser);

/* The header's xml:lang ("" if none) and content namespace; valid until the next header. */
const char *parser_lang(const struct parser *parser);
const char *parser_content_ns(const struct parser *parser);

/* Whether the header declares this namespace under some prefix (XEP-0220 §2.2.1). */
bool parser_declares(const struct parser *parser, const char *ns);

/* Bytes of memory a parser holds, expat's aside. */
size_t parser_size(const struct parser *parser);

/* Frees the calling thread's spare parsers now; else they go when the thread ends. */
void parser_thread_close(void);

#endif
