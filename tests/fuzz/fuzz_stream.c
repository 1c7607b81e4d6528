/*
 * The stream parser and the writer. A stream gives the same events however its
 * bytes are cut, parked and suspended; where one way ends in an error, so does
 * the other. What was read is written, read again and written the same.
 *
 * The first byte says how long the pieces are, the rest is the stream.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "xml/parser.h"
#include "xml/writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
	struct parser *parser;
	struct buf events;
	bool suspends, failed;
};

static void
must(bool truth)
{
	if (!truth)
		abort();
}

static void
after_event(struct run *run)
{
	if (run->suspends)
		parser_suspend(run->parser);
}

static void
on_header(void *arg, const struct parser_header *header)
{
	struct run *run = arg;
	struct arena *arena = arena_new(1000);

	buf_printf(&run->events, "[header %s %s]", header->content_ns,
	    ln_elem_print(arena, header->elem));
	arena_free(&arena);
	after_event(run);
}

/* Written, read and written again it is the same, for itself and on any stream. */
static void
check_round_trip(struct arena *arena, const struct ln_elem *elem)
{
	static const char *const contents[] = { NS_CLIENT, NS_SERVER, NS_COMPONENT };
	const char *printed = ln_elem_print(arena, elem), *error;
	struct ln_elem *back = ln_elem_parse(arena, printed, strlen(printed), &error);
	struct buf out = BUF_INIT, copy = BUF_INIT;

	must(back != NULL);
	must(strcmp(ln_elem_print(arena, back), printed) == 0);
	for (int i = 0; i < 3; i++) {
		buf_reset(&out);
		buf_reset(&copy);
		must(writer_children(&out, elem, contents[i]) ==
		    writer_children(&copy, back, contents[i]));
		must(out.len == copy.len &&
		    (out.len == 0 || memcmp(out.data, copy.data, out.len) == 0));
	}
	buf_free(&out);
	buf_free(&copy);
}

static void
on_stanza(void *arg, struct arena *arena, struct ln_elem *elem)
{
	struct run *run = arg;

	buf_printf(&run->events, "[stanza %s]", ln_elem_print(arena, elem));
	if (!run->suspends)
		check_round_trip(arena, elem);
	arena_free(&arena);
	after_event(run);
}

static void
on_end(void *arg)
{
	struct run *run = arg;

	buf_add_text(&run->events, "[end]");
	after_event(run);
}

static void
on_error(void *arg, enum parser_error error)
{
	struct run *run = arg;

	must(parser_error_condition(error) != NULL);
	run->failed = true;
}

static const struct parser_ops ops = { on_header, on_stanza, on_end, on_error };

static void
run_open(struct run *run, bool suspends)
{
	*run = (struct run){ .events = BUF_INIT, .suspends = suspends };
	buf_add_text(&run->events, "");
	run->parser = parser_new(&ops, run);
}

static void
run_close(struct run *run)
{
	parser_free(&run->parser);
	buf_free(&run->events);
}

static void
feed_all(struct run *run, const char *bytes, size_t len, size_t chunk)
{
	size_t at = 0, used, piece;

	while (at < len) {
		piece = len - at < chunk ? len - at : chunk;
		used = parser_feed(run->parser, bytes + at, piece);
		must(used <= piece);
		at += used;
		if (used < piece && !parser_suspended(run->parser))
			break;
		parser_resume(run->parser);
		parser_park(run->parser);
	}
	parser_resume(run->parser);
	parser_feed(run->parser, "", 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data + 1;
	struct run whole, cut;

	if (size < 2)
		return 0;
	run_open(&whole, false);
	run_open(&cut, true);
	feed_all(&whole, bytes, size - 1, size);
	feed_all(&cut, bytes, size - 1, (size_t)data[0] % 64 + 1);
	must(whole.failed == cut.failed);
	must(strcmp(whole.events.data, cut.events.data) == 0);
	run_close(&whole);
	run_close(&cut);
	return 0;
}
