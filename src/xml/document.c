/*
 * One element from its bytes: ln_elem_parse(). See linnet/elem.h.
 *
 * The tree is built in the engine's arena and copied into the caller's: stored
 * documents are read seldom, and the caller's arena holds nothing of a failure.
 *
 * SPDX-License-Identifier: MIT
 */
#include "linnet/elem.h"

#include "base/arena.h"
#include "xml/engine.h"

static const struct parser_limits limits = { SIZE_MAX, 100, 1000000, 64 };

static void
on_start(void *engine_p, const char *name, const char **attributes)
{
	struct engine *engine = engine_p;
	enum parser_error error;

	if (engine->stopped)
		return;
	error = builder_start(engine, name, attributes, &limits, NULL);
	if (error != PARSER_OK)
		engine_fail(engine, error);
}

static void
on_end(void *engine_p, const char *name)
{
	struct engine *engine = engine_p;

	if (!engine->stopped)
		builder_end(engine);
}

static void
on_text(void *engine_p, const char *text, int len)
{
	struct engine *engine = engine_p;

	if (!engine->stopped)
		builder_text(engine, text, len);
}

static const struct engine_handlers handlers = { on_start, on_end, on_text, NULL };

struct ln_elem *
ln_elem_parse(struct arena *arena, const char *bytes, size_t len, const char **error_r)
{
	struct engine *engine;
	struct ln_elem *copy = NULL;
	enum parser_error error;

	if (len > INT32_MAX) {
		*error_r = parser_error_text(PARSER_TOO_LONG);
		return NULL;
	}
	engine = engine_take(NULL, &handlers);
	error = engine_parse(engine, bytes, len, true);
	if (error == PARSER_OK)
		copy = ln_elem_copy(arena, engine->root);
	else
		*error_r = parser_error_text(error);
	engine_give(&engine);
	return copy;
}
