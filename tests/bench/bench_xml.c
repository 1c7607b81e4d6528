/*
 * What a chat message of 200 bytes costs the parser and the writer, beside expat
 * alone on the same bytes.
 *
 *	tests/bench/bench_xml [MESSAGES]
 *
 * SPDX-License-Identifier: MIT
 */
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "xml/parser.h"
#include "xml/writer.h"

static const char header[] = "<stream:stream xmlns='jabber:client' "
			     "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>";
static const char message[] =
    "<message to='juliet@example.org' type='chat' id='0123456789abcdef' xml:lang='en'>"
    "<body>But, soft! what light through yonder window breaks?</body>"
    "<active xmlns='http://jabber.org/protocol/chatstates'/></message>";

static long count = 300000;
static struct buf out = BUF_INIT;
static size_t arena_bytes;

static double
cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void
on_start(void *arg, const char *name, const char **attributes)
{
}

static void
on_end(void *arg, const char *name)
{
}

static void
on_text(void *arg, const char *text, int len)
{
}

static double
run_expat(void)
{
	XML_Parser expat = XML_ParserCreateNS("UTF-8", '\n');
	double start;

	XML_SetElementHandler(expat, on_start, on_end);
	XML_SetCharacterDataHandler(expat, on_text);
#ifdef HAVE_XML_SETREPARSEDEFERRALENABLED
	XML_SetReparseDeferralEnabled(expat, XML_FALSE);
#endif
	XML_Parse(expat, header, (int)strlen(header), 0);
	start = cpu_ns();
	for (long i = 0; i < count; i++)
		XML_Parse(expat, message, (int)strlen(message), 0);
	start = cpu_ns() - start;
	XML_ParserFree(expat);
	return start / (double)count;
}

static void
ignore_header(void *arg, const struct parser_header *given)
{
}

static void
drop_stanza(void *arg, struct arena *arena, struct ln_elem *elem)
{
	arena_bytes = arena_size(arena);
	arena_free(&arena);
}

static void
write_stanza(void *arg, struct arena *arena, struct ln_elem *elem)
{
	struct buf children = BUF_INIT;

	writer_children(&children, elem, NS_CLIENT);
	buf_reset(&out);
	writer_open(&out, ln_elem_name(elem));
	writer_attr(&out, "from", "romeo@example.net/orchard");
	writer_attr(&out, "to", ln_elem_attr(elem, "to"));
	writer_attr(&out, "type", ln_elem_attr(elem, "type"));
	writer_attr(&out, "id", ln_elem_attr(elem, "id"));
	writer_attr(&out, "xml:lang", ln_elem_attr(elem, "xml:lang"));
	writer_close(&out, ln_elem_name(elem), children.data, children.len);
	buf_free(&children);
	arena_free(&arena);
}

static void
ignore_end(void *arg)
{
}

static void
die(void *arg, enum parser_error error)
{
	abort();
}

static double
run_parser(void (*stanza)(void *arg, struct arena *arena, struct ln_elem *elem), bool park)
{
	const struct parser_ops ops = { ignore_header, stanza, ignore_end, die };
	struct parser *parser = parser_new(&ops, NULL);
	double start;

	parser_feed(parser, header, strlen(header));
	start = cpu_ns();
	for (long i = 0; i < count; i++) {
		parser_feed(parser, message, strlen(message));
		if (park)
			parser_park(parser);
	}
	start = cpu_ns() - start;
	parser_free(&parser);
	return start / (double)count;
}

int
main(int argc, char **argv)
{
	double dropped;

	if (argc > 1)
		count = strtol(argv[1], NULL, 10);
	printf("a message of %zu bytes, %ld times, CPU each:\n", strlen(message), count);
	printf("  expat alone              %6.0f ns\n", run_expat());
	dropped = run_parser(drop_stanza, false);
	printf("  parser, tree dropped     %6.0f ns, arena of %zu bytes\n", dropped, arena_bytes);
	printf("  parser and writer        %6.0f ns\n", run_parser(write_stanza, false));
	printf("  the same, parked between %6.0f ns\n", run_parser(write_stanza, true));
	parser_thread_close();
	buf_free(&out);
	return 0;
}
