/*
 * Inside the parser: an expat parser with what one element needs while it is
 * read. Engines are lent to streams and documents and given back between two
 * elements; each thread keeps some spare ones.
 *
 *	struct engine *e = engine_take(owner, &handlers);
 *	enum parser_error error = engine_parse(e, bytes, len, false);
 *	engine_give(&e);
 *
 * The owner's handlers are called with the engine. What XMPP forbids in XML fails
 * here already, before a handler sees it.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_XML_ENGINE_H
#define LN_XML_ENGINE_H

#include <expat.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "xml/parser.h"

/* Between the parts of a name that expat reports: "uri\nlocal\nprefix". */
#define ENGINE_SEPARATOR '\n'

struct engine {
	XML_Parser expat;
	void *owner;
	struct engine *next; /* of the spare ones */
	int64_t fed;         /* bytes since it was taken */
	int64_t age;         /* bytes since it was made */
	int64_t stopped_at;  /* where the event ends that stopped it */
	bool stopped;
	enum parser_error error;

	/* the element being read */
	struct arena *arena;
	struct ln_elem *root, *current;
	struct buf text;       /* not yet in the tree */
	struct buf content_ns; /* the header's default namespace */
	int64_t start;         /* where the element begins */
	unsigned depth, elements;
};

struct engine_handlers {
	void (*start)(void *engine, const char *name, const char **attributes);
	void (*end)(void *engine, const char *name);
	void (*text)(void *engine, const char *text, int len);
	void (*declare)(void *engine, const char *prefix, const char *uri); /* or NULL */
};

struct engine *engine_take(void *owner, const struct engine_handlers *handlers);
/* Also frees the unfinished element. Nulls the pointer. */
void engine_give(struct engine **engine);

/*
 * PARSER_OK if all bytes were taken or a handler stopped the engine: then
 * `stopped` is set and the bytes up to `stopped_at` were used. Not usable after
 * either an error or a stop, only to be given back.
 */
enum parser_error engine_parse(struct engine *engine, const char *bytes, size_t len, bool final);

/* From a handler: nothing more is reported behind this event. */
void engine_stop(struct engine *engine);
void engine_fail(struct engine *engine, enum parser_error error);

/* Where the current event begins, counted from the engine's first byte. */
int64_t engine_event(const struct engine *engine);
/* Where it ends. */
int64_t engine_event_end(const struct engine *engine);

/* Whether it has been used so long that the names expat remembers should be forgotten. */
bool engine_worn(const struct engine *engine);

/* Frees this thread's spare ones. */
void engine_thread_close(void);

/* --- builder.c: from expat's events to the tree ------------------------------ */

/* Starts an element below `current`, or a root in an arena of its own. */
enum parser_error builder_start(struct engine *engine, const char *name, const char **attributes,
    const struct parser_limits *limits, const char *content_ns);
void builder_text(struct engine *engine, const char *text, int len);
/* Ends `current`; true if that was the root. */
bool builder_end(struct engine *engine);
/* The complete tree with its arena, which the engine forgets. */
struct ln_elem *builder_take(struct engine *engine, struct arena **arena_r);

#endif
