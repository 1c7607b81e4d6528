/*
 * The stream parser. See parser.h.
 *
 * Whatever stops the parser at an event (suspension, a new header to come, a
 * worn engine) ends the engine's use there: it goes back, the bytes behind the
 * event are not used, and the next one is primed with a start tag that declares
 * what the header declared. So being parked, suspended and moved are one thing.
 *
 * SPDX-License-Identifier: MIT
 */
#include "xml/parser.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/metrics.h"
#include "base/xalloc.h"
#include "xml/engine.h"
#include "xml/ns.h"
#include "xml/writer.h"

/* What expat is given at once: keeps its buffer small. */
#define SLICE ((size_t)8 * 1024)

struct parser {
	const struct parser_ops *ops;
	void *arg;
	struct engine *engine; /* NULL: parked */
	struct parser_limits limits;
	enum parser_state state;
	bool busy; /* in parser_feed() */
	bool suspended;
	bool freed; /* by a callback */
	bool priming;
	bool in_root;   /* expat is inside the root element */
	bool end_waits; /* the header was an empty tag and a callback suspended */

	/* of the header: one block */
	char *context; /* a start tag that declares what it declared */
	size_t context_len;
	const char *content_ns, *lang;
};

static const struct {
	const char *condition, *text;
} errors[] = { { NULL, "no error" },
#define PARSER_ERROR(name, condition, text) { condition, text },
	PARSER_ERRORS(PARSER_ERROR)
#undef PARSER_ERROR
};

#define PARSER_ERROR(name, condition_, text_)                                                 \
	[PARSER_##name] = { "errors_total", METRIC_COUNTER, "Streams refused for their XML.", \
		"error", #name },
static const struct metric_row rows[] = { [PARSER_OK] = { "headers_total", METRIC_COUNTER,
					      "Stream headers read." },
	PARSER_ERRORS(PARSER_ERROR) };
#undef PARSER_ERROR

METRICS(parser_metrics, "xml", rows);

const char *
parser_error_condition(enum parser_error error)
{
	return errors[error].condition;
}

const char *
parser_error_text(enum parser_error error)
{
	return errors[error].text;
}

/* --- the header -------------------------------------------------------------------- */

/* Declarations come before their start tag; they are collected in the engine. */
static void
on_declare(void *engine_p, const char *prefix, const char *uri)
{
	struct engine *engine = engine_p;
	struct parser *parser = engine->owner;

	if (engine->stopped || parser->priming || parser->in_root)
		return;
	if (uri == NULL)
		uri = "";
	if (prefix == NULL)
		buf_add_text(&engine->content_ns, uri);
	buf_add_text(&engine->text, prefix != NULL ? " xmlns:" : " xmlns");
	buf_add_text(&engine->text, prefix != NULL ? prefix : "");
	buf_add_text(&engine->text, "='");
	writer_value(&engine->text, uri, strlen(uri));
	buf_add_char(&engine->text, '\'');
}

/* "uri\nstream\nprefix" gives the name that the end tag will have. */
static void
add_qualified(struct buf *out, const char *name)
{
	const char *local = strchr(name, ENGINE_SEPARATOR) + 1;
	const char *prefix = strchr(local, ENGINE_SEPARATOR);

	if (prefix != NULL)
		buf_printf(out, "%s:", prefix + 1);
	buf_add(out, local, strcspn(local, "\n"));
}

static void
forget_header(struct parser *parser)
{
	free(parser->context);
	parser->context = NULL;
	parser->content_ns = parser->lang = "";
}

/* One block: the start tag, then content namespace and language. False: it is too long. */
static bool
save_header(struct parser *parser, struct engine *engine, const char *name, const char *lang)
{
	const char *known = ns_find(engine->content_ns.data, engine->content_ns.len);
	struct buf block = BUF_INIT;
	size_t content, at;

	buf_add_char(&block, '<');
	add_qualified(&block, name);
	buf_add(&block, engine->text.data, engine->text.len);
	buf_add_char(&block, '>');
	parser->context_len = block.len;
	content = block.len + 1;
	buf_add(&block, "", 1);
	buf_add(&block, engine->content_ns.data, engine->content_ns.len + 1);
	at = block.len;
	buf_add_text(&block, lang != NULL ? lang : "");
	if (block.len >= PARSER_CONTEXT_MAX) {
		buf_free(&block);
		return false;
	}
	parser->context = xrealloc(block.data, block.len + 1);
	parser->content_ns = known != NULL ? known : parser->context + content;
	parser->lang = parser->context + at;
	return true;
}

static void
report_header(struct parser *parser, const struct ln_elem *elem)
{
	struct parser_header header = {
		.elem = elem,
		.content_ns = parser->content_ns,
		.to = ln_elem_attr(elem, "to"),
		.from = ln_elem_attr(elem, "from"),
		.id = ln_elem_attr(elem, "id"),
		.version = ln_elem_attr(elem, "version"),
		.lang = ln_elem_attr(elem, "xml:lang"),
	};

	metric_inc(parser_metrics, PARSER_OK);
	parser->ops->header(parser->arg, &header);
}

static enum parser_error
check_root(const struct ln_elem *elem)
{
	if (ln_elem_ns(elem) != NS_STREAM)
		return PARSER_BAD_STREAM_NS;
	return ln_elem_is(elem, "stream", NULL) ? PARSER_OK : PARSER_BAD_ROOT;
}

static enum parser_error
take_header(struct parser *parser, struct engine *engine, const char *name, const char **attributes)
{
	enum parser_error error = builder_start(engine, name, attributes, &parser->limits, NULL);
	struct arena *arena;
	struct ln_elem *elem;

	if (error == PARSER_OK)
		error = check_root(engine->root);
	if (error != PARSER_OK)
		return error;
	buf_add_text(&engine->content_ns, "");
	if (!save_header(parser, engine, name, ln_elem_attr(engine->root, "xml:lang")))
		return PARSER_LONG_CONTEXT;
	buf_reset(&engine->text);
	builder_end(engine);
	elem = builder_take(engine, &arena);
	parser->state = PARSER_OPEN;
	parser->in_root = true;
	report_header(parser, elem);
	arena_free(&arena);
	return PARSER_OK;
}

/* --- elements ------------------------------------------------------------------------ */

/* A stanza spelled out in the content namespace of another kind of stream. */
static bool
has_wrong_content(const struct parser *parser, const char *name)
{
	const char *ns = ns_find(name, strcspn(name, "\n"));

	return (ns == NS_CLIENT || ns == NS_SERVER || ns == NS_COMPONENT) &&
	    ns != parser->content_ns;
}

static void
on_start(void *engine_p, const char *name, const char **attributes)
{
	struct engine *engine = engine_p;
	struct parser *parser = engine->owner;
	enum parser_error error;

	if (engine->stopped)
		return;
	if (parser->priming) {
		parser->priming = false;
		parser->in_root = true;
		return;
	}
	if (XML_GetCurrentByteCount(engine->expat) > (int)PARSER_TAG_MAX)
		error = PARSER_LONG_TAG;
	else if (!parser->in_root)
		error = take_header(parser, engine, name, attributes);
	else if (engine->root == NULL && has_wrong_content(parser, name))
		error = PARSER_BAD_STANZA_NS;
	else
		error =
		    builder_start(engine, name, attributes, &parser->limits, parser->content_ns);
	if (error != PARSER_OK)
		engine_fail(engine, error);
}

static void
on_text(void *engine_p, const char *text, int len)
{
	struct engine *engine = engine_p;

	if (engine->stopped)
		return;
	if (engine->root != NULL) {
		builder_text(engine, text, len);
		return;
	}
	for (int i = 0; i < len; i++)
		if (strchr(" \t\r\n", text[i]) == NULL) {
			engine_fail(engine, PARSER_STRAY_TEXT);
			return;
		}
}

static void
report_stanza(struct parser *parser, struct engine *engine)
{
	struct arena *arena;
	struct ln_elem *elem;

	if ((uint64_t)(engine_event_end(engine) - engine->start) > parser->limits.bytes) {
		engine_fail(engine, PARSER_TOO_LONG);
		return;
	}
	if (engine_worn(engine))
		engine_stop(engine);
	elem = builder_take(engine, &arena);
	parser->ops->stanza(parser->arg, arena, elem);
}

static void
report_end(struct parser *parser)
{
	parser->state = PARSER_ENDED;
	parser->ops->end(parser->arg);
}

static void
on_end(void *engine_p, const char *name)
{
	struct engine *engine = engine_p;
	struct parser *parser = engine->owner;

	if (engine->stopped) {
		/* the header was an empty tag, and its callback stopped us before the tag's end */
		parser->end_waits = engine->error == PARSER_OK && parser->state == PARSER_OPEN;
		return;
	}
	if (engine->root == NULL) {
		engine_stop(engine);
		report_end(parser);
	} else if (builder_end(engine)) {
		report_stanza(parser, engine);
	}
}

static const struct engine_handlers handlers = { on_start, on_end, on_text, on_declare };

/* --- feeding ------------------------------------------------------------------------- */

static struct engine *
borrow(struct parser *parser)
{
	parser->engine = engine_take(parser, &handlers);
	parser->in_root = false;
	if (parser->state == PARSER_OPEN) {
		parser->priming = true;
		if (engine_parse(parser->engine, parser->context, parser->context_len, false) !=
		    PARSER_OK)
			abort();
	}
	return parser->engine;
}

/* Bytes expat has not made an event of; all, while the header is not complete. */
static int64_t
unfinished(const struct parser *parser)
{
	const struct engine *engine = parser->engine;

	return parser->in_root ? engine->fed - engine_event(engine) : engine->fed;
}

static enum parser_error
check_unfinished(const struct parser *parser)
{
	const struct engine *engine = parser->engine;

	if (unfinished(parser) > (int64_t)PARSER_TAG_MAX)
		return PARSER_LONG_TAG;
	if (engine->root != NULL && (uint64_t)(engine->fed - engine->start) > parser->limits.bytes)
		return PARSER_TOO_LONG;
	return PARSER_OK;
}

static void
fail(struct parser *parser, enum parser_error error)
{
	parser->state = PARSER_FAILED;
	metric_inc(parser_metrics, error);
	engine_give(&parser->engine);
	parser->ops->error(parser->arg, error);
}

static size_t
feed_slice(struct parser *parser, const char *bytes, size_t len)
{
	struct engine *engine = parser->engine != NULL ? parser->engine : borrow(parser);
	int64_t before = engine->fed;
	enum parser_error error = engine_parse(engine, bytes, len, false);

	if (error == PARSER_OK && !engine->stopped)
		error = check_unfinished(parser);
	if (error != PARSER_OK) {
		fail(parser, error);
		return len;
	}
	if (engine->stopped) {
		len = (size_t)(engine->stopped_at - before);
		engine_give(&parser->engine);
	}
	return len;
}

static bool
is_ready(const struct parser *parser)
{
	return !parser->suspended && !parser->freed &&
	    (parser->state == PARSER_EXPECTS_HEADER || parser->state == PARSER_OPEN);
}

static void
destroy(struct parser *parser)
{
	engine_give(&parser->engine);
	free(parser->context);
	free(parser);
}

/* The end that was put off, or the next slice. */
static size_t
step(struct parser *parser, const char *bytes, size_t len)
{
	if (parser->end_waits) {
		parser->end_waits = false;
		report_end(parser);
		return 0;
	}
	return feed_slice(parser, bytes, len < SLICE ? len : SLICE);
}

size_t
parser_feed(struct parser *parser, const char *bytes, size_t len)
{
	size_t used = 0;

	assert(!parser->busy);
	parser->busy = true;
	while ((used < len || parser->end_waits) && is_ready(parser))
		used += step(parser, bytes + used, len - used);
	parser->busy = false;
	if (parser->freed)
		destroy(parser);
	return used;
}

/* --- the rest ------------------------------------------------------------------------ */

struct parser *
parser_new(const struct parser_ops *ops, void *arg)
{
	static const struct parser_limits limits = PARSER_LIMITS_BEFORE_LOGIN;
	struct parser *parser = xcalloc(1, sizeof *parser);

	parser->ops = ops;
	parser->arg = arg;
	parser->limits = limits;
	forget_header(parser);
	return parser;
}

void
parser_free(struct parser **parser_p)
{
	struct parser *parser = *parser_p;

	if (parser == NULL)
		return;
	*parser_p = NULL;
	if (!parser->busy) {
		destroy(parser);
		return;
	}
	parser->freed = true;
	if (parser->engine != NULL)
		engine_stop(parser->engine);
}

void
parser_set_limits(struct parser *parser, const struct parser_limits *limits)
{
	parser->limits = *limits;
}

void
parser_suspend(struct parser *parser)
{
	parser->suspended = true;
	if (parser->busy && parser->engine != NULL)
		engine_stop(parser->engine);
}

void
parser_resume(struct parser *parser)
{
	parser->suspended = false;
}

bool
parser_suspended(const struct parser *parser)
{
	return parser->suspended;
}

void
parser_restart(struct parser *parser)
{
	parser->state = PARSER_EXPECTS_HEADER;
	parser->end_waits = false;
	forget_header(parser);
	if (!parser->busy)
		engine_give(&parser->engine);
	else if (parser->engine != NULL)
		engine_stop(parser->engine);
}

bool
parser_in_stanza(const struct parser *parser)
{
	const struct engine *engine = parser->engine;

	return engine != NULL && (engine->root != NULL || unfinished(parser) > 0);
}

bool
parser_park(struct parser *parser)
{
	if (parser->busy || parser_in_stanza(parser))
		return false;
	engine_give(&parser->engine);
	return true;
}

enum parser_state
parser_state(const struct parser *parser)
{
	return parser->state;
}

const char *
parser_lang(const struct parser *parser)
{
	return parser->lang;
}

const char *
parser_content_ns(const struct parser *parser)
{
	return parser->content_ns;
}

bool
parser_declares(const struct parser *parser, const char *ns)
{
	struct buf declared = BUF_INIT;
	bool found;

	if (parser->context == NULL)
		return false;
	buf_add_text(&declared, "='");
	writer_value(&declared, ns, strlen(ns));
	buf_add_char(&declared, '\'');
	found = strstr(parser->context, declared.data) != NULL;
	buf_free(&declared);
	return found;
}

size_t
parser_size(const struct parser *parser)
{
	size_t context = parser->context != NULL
	    ? (size_t)(parser->lang - parser->context) + strlen(parser->lang) + 1
	    : 0;

	return sizeof *parser + context;
}

void
parser_thread_close(void)
{
	engine_thread_close();
}
