/*
 * Engines: expat set up for XMPP, kept for reuse. See engine.h.
 *
 * Expat remembers each name it has ever seen until it is reset or freed. So that
 * a peer cannot fill memory with names, an engine is freed after ENGINE_LIFE
 * bytes; the next one costs some microseconds.
 *
 * SPDX-License-Identifier: MIT
 */
#include "xml/engine.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/metrics.h"
#include "base/utf8.h"
#include "base/xalloc.h"

#define ENGINE_LIFE ((int64_t)1024 * 1024)
#define TEXT_KEEP ((size_t)8 * 1024)
#define SPARE_MAX 4

enum { MADE, OPEN, SPARE };

static const struct metric_row rows[] = {
	[MADE] = { "engines_made_total", METRIC_COUNTER, "Expat parsers made." },
	[OPEN] = { "engines", METRIC_GAUGE, "Expat parsers in memory." },
	[SPARE] = { "engines_spare", METRIC_GAUGE, "Expat parsers that wait to be borrowed." },
};

METRICS(engine_metrics, "xml", rows);

static __thread struct engine *spare;
static __thread unsigned spare_count;
static pthread_key_t at_thread_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
close_spare(void *unused)
{
	engine_thread_close();
}

static void
make_key(void)
{
	pthread_key_create(&at_thread_end, close_spare);
}

void
engine_stop(struct engine *engine)
{
	if (engine->stopped)
		return;
	engine->stopped = true;
	engine->stopped_at = engine_event_end(engine);
	XML_StopParser(engine->expat, XML_FALSE);
}

void
engine_fail(struct engine *engine, enum parser_error error)
{
	if (engine->stopped)
		return;
	engine->error = error;
	engine_stop(engine);
}

int64_t
engine_event(const struct engine *engine)
{
	return XML_GetCurrentByteIndex(engine->expat);
}

int64_t
engine_event_end(const struct engine *engine)
{
	return engine_event(engine) + XML_GetCurrentByteCount(engine->expat);
}

bool
engine_worn(const struct engine *engine)
{
	return engine->age > ENGINE_LIFE;
}

/* --- what XMPP forbids (RFC 6120 §11.1, §11.6) --------------------------------- */

static void
on_comment(void *engine, const char *text)
{
	engine_fail(engine, PARSER_COMMENT);
}

static void
on_instruction(void *engine, const char *target, const char *data)
{
	engine_fail(engine, PARSER_INSTRUCTION);
}

static void
on_doctype(void *engine, const char *name, const char *system_id, const char *public_id,
    int has_internal_subset)
{
	engine_fail(engine, PARSER_DTD);
}

static void
on_declaration(void *engine, const char *version, const char *encoding, int standalone)
{
	if (encoding != NULL && strcasecmp(encoding, "UTF-8") != 0)
		engine_fail(engine, PARSER_BAD_ENCODING);
}

/* --- borrowing ------------------------------------------------------------------ */

static struct engine *
engine_new(void)
{
	static const XML_Memory_Handling_Suite memory = { xmalloc, xrealloc, free };
	static const char separator[] = { ENGINE_SEPARATOR, '\0' };
	struct engine *engine = xcalloc(1, sizeof *engine);

	engine->expat = XML_ParserCreate_MM("UTF-8", &memory, separator);
	if (engine->expat == NULL)
		abort();
	metric_inc(engine_metrics, MADE);
	metric_add(engine_metrics, OPEN, 1);
	return engine;
}

static void
engine_free(struct engine *engine)
{
	XML_ParserFree(engine->expat);
	buf_free(&engine->text);
	buf_free(&engine->content_ns);
	free(engine);
	metric_add(engine_metrics, OPEN, -1);
}

static struct engine *
engine_borrow(void)
{
	struct engine *engine = spare;

	if (engine == NULL)
		return engine_new();
	spare = engine->next;
	spare_count--;
	metric_add(engine_metrics, SPARE, -1);
	XML_ParserReset(engine->expat, "UTF-8");
	return engine;
}

/* A key of our own spares expat a system call each time it begins. */
static void
set_salt(XML_Parser expat)
{
	static const char label[] = "expat";
	unsigned long salt = (unsigned long)hash_bytes(label, sizeof label);

	XML_SetHashSalt(expat, salt != 0 ? salt : 1);
}

struct engine *
engine_take(void *owner, const struct engine_handlers *handlers)
{
	struct engine *engine = engine_borrow();
	XML_Parser expat = engine->expat;

	engine->owner = owner;
	engine->fed = 0;
	engine->stopped = false;
	engine->error = PARSER_OK;
	engine->depth = 0;
	set_salt(expat);
	XML_SetReturnNSTriplet(expat, 1);
#ifdef HAVE_XML_SETREPARSEDEFERRALENABLED
	XML_SetReparseDeferralEnabled(expat, XML_FALSE);
#endif
	XML_SetUserData(expat, engine);
	XML_SetElementHandler(expat, handlers->start, handlers->end);
	XML_SetCharacterDataHandler(expat, handlers->text);
	XML_SetStartNamespaceDeclHandler(expat, handlers->declare);
	XML_SetCommentHandler(expat, on_comment);
	XML_SetProcessingInstructionHandler(expat, on_instruction);
	XML_SetStartDoctypeDeclHandler(expat, on_doctype);
	XML_SetXmlDeclHandler(expat, on_declaration);
	return engine;
}

void
engine_give(struct engine **engine_p)
{
	struct engine *engine = *engine_p;

	if (engine == NULL)
		return;
	*engine_p = NULL;
	arena_free(&engine->arena);
	engine->root = engine->current = NULL;
	if (engine->text.room > TEXT_KEEP)
		buf_free(&engine->text);
	buf_reset(&engine->text);
	buf_free(&engine->content_ns);
	if (engine_worn(engine) || spare_count == SPARE_MAX) {
		engine_free(engine);
		return;
	}
	pthread_once(&once, make_key);
	pthread_setspecific(at_thread_end, engine);
	engine->next = spare;
	spare = engine;
	spare_count++;
	metric_add(engine_metrics, SPARE, 1);
}

void
engine_thread_close(void)
{
	struct engine *engine;

	while ((engine = spare) != NULL) {
		spare = engine->next;
		engine_free(engine);
	}
	metric_add(engine_metrics, SPARE, -(int64_t)spare_count);
	spare_count = 0;
}

/* --- parsing -------------------------------------------------------------------- */

/* Bad UTF-8 is, to expat, a token like any bad one; look at the byte. */
static enum parser_error
bad_token(const struct engine *engine)
{
	int offset = 0, size = 0;
	const char *context = XML_GetInputContext(engine->expat, &offset, &size);
	uint32_t code;

	if (context == NULL || offset >= size || (context[offset] & 0x80) == 0)
		return PARSER_NOT_WELL_FORMED;
	if (utf8_next(context + offset, context + size, &code) == 0)
		return PARSER_BAD_UTF8;
	return PARSER_NOT_WELL_FORMED;
}

static enum parser_error
error_of(const struct engine *engine)
{
	switch (XML_GetErrorCode(engine->expat)) {
	case XML_ERROR_INVALID_TOKEN:
		return bad_token(engine);
	case XML_ERROR_UNDEFINED_ENTITY:
	case XML_ERROR_RECURSIVE_ENTITY_REF:
	case XML_ERROR_ASYNC_ENTITY:
	case XML_ERROR_BINARY_ENTITY_REF:
	case XML_ERROR_ATTRIBUTE_EXTERNAL_ENTITY_REF:
	case XML_ERROR_EXTERNAL_ENTITY_HANDLING:
	case XML_ERROR_PARAM_ENTITY_REF:
		return PARSER_ENTITY;
	case XML_ERROR_UNKNOWN_ENCODING:
	case XML_ERROR_INCORRECT_ENCODING:
		return PARSER_BAD_ENCODING;
	case XML_ERROR_UNBOUND_PREFIX:
		return PARSER_UNBOUND_PREFIX;
	default:
		return PARSER_NOT_WELL_FORMED;
	}
}

/* Expat takes UTF-16 for what it is, even when told UTF-8, by the first two bytes. */
static bool
is_utf16(const struct engine *engine, const char *bytes, size_t len)
{
	size_t count = engine->fed < 2 ? 2 - (size_t)engine->fed : 0;

	if (engine->fed == 0 && len > 0 && (uint8_t)bytes[0] >= 0xfe)
		return true;
	return memchr(bytes, '\0', len < count ? len : count) != NULL;
}

enum parser_error
engine_parse(struct engine *engine, const char *bytes, size_t len, bool final)
{
	enum XML_Status status;

	if (is_utf16(engine, bytes, len))
		return PARSER_BAD_ENCODING;
	status = XML_Parse(engine->expat, bytes, (int)len, final);
	engine->fed += (int64_t)len;
	engine->age += (int64_t)len;
	if (engine->stopped)
		return engine->error;
	return status == XML_STATUS_ERROR ? error_of(engine) : PARSER_OK;
}
