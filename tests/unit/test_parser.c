/*
 * The stream parser: events however the bytes are cut, suspension, new headers,
 * parking, limits, and every error.
 *
 * A stream's events become one text: [header content=...] [stanza <...>] [end]
 * [error condition: text].
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "xml/parser.h"
#include "xml/writer.h"

Suite *suite(void);

#define HEADER                                                       \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:client' " \
	"xmlns:stream='http://etherx.jabber.org/streams' to='example.org' version='1.0'>"
#define OPENED "[header content=jabber:client to=example.org version=1.0]"

struct peer {
	struct parser *parser;
	struct buf events;
	int suspend_at, restart_at, free_at; /* after this many events; 0: never */
	int count;
};

static void
after_event(struct peer *peer)
{
	peer->count++;
	if (peer->count == peer->restart_at)
		parser_restart(peer->parser);
	if (peer->count == peer->suspend_at)
		parser_suspend(peer->parser);
	if (peer->count == peer->free_at)
		parser_free(&peer->parser);
}

static void
add_attr(struct peer *peer, const char *name, const char *value)
{
	if (value != NULL)
		buf_printf(&peer->events, " %s=%s", name, value);
}

static void
on_header(void *arg, const struct parser_header *header)
{
	struct peer *peer = arg;

	buf_printf(&peer->events, "[header content=%s", header->content_ns);
	add_attr(peer, "to", header->to);
	add_attr(peer, "from", header->from);
	add_attr(peer, "id", header->id);
	add_attr(peer, "version", header->version);
	add_attr(peer, "lang", header->lang);
	buf_add_text(&peer->events, "]");
	after_event(peer);
}

static void
on_stanza(void *arg, struct arena *arena, struct ln_elem *elem)
{
	struct peer *peer = arg;

	ck_assert_ptr_null(ln_elem_parent(elem));
	buf_printf(&peer->events, "[stanza %s]", ln_elem_print(arena, elem));
	arena_free(&arena);
	after_event(peer);
}

static void
on_end(void *arg)
{
	struct peer *peer = arg;

	buf_add_text(&peer->events, "[end]");
	after_event(peer);
}

static void
on_error(void *arg, enum parser_error error)
{
	struct peer *peer = arg;

	buf_printf(&peer->events, "[error %s: %s]", parser_error_condition(error),
	    parser_error_text(error));
	after_event(peer);
}

static const struct parser_ops ops = { on_header, on_stanza, on_end, on_error };

static void
peer_open(struct peer *peer)
{
	*peer = (struct peer){ .events = BUF_INIT };
	buf_add_text(&peer->events, "");
	peer->parser = parser_new(&ops, peer);
}

static void
peer_close(struct peer *peer)
{
	parser_free(&peer->parser);
	buf_free(&peer->events);
}

static size_t
feed(struct peer *peer, const char *text)
{
	return parser_feed(peer->parser, text, strlen(text));
}

/* Feeds `chunk` bytes at a time, parking in between whenever that is possible. */
static void
feed_in_chunks(struct peer *peer, const char *text, size_t chunk, bool park)
{
	size_t len = strlen(text), used;

	for (size_t at = 0; at < len; at += used) {
		used = parser_feed(peer->parser, text + at, len - at < chunk ? len - at : chunk);
		if (used == 0)
			break;
		if (park)
			parser_park(peer->parser);
	}
}

static void
check_events(const char *text, const char *expected)
{
	static const size_t chunks[] = { 100000, 1, 2, 3, 7, 64 };
	struct peer peer;

	for (size_t i = 0; i < 2 * sizeof chunks / sizeof *chunks; i++) {
		peer_open(&peer);
		feed_in_chunks(&peer, text, chunks[i / 2], i % 2);
		ck_assert_msg(strcmp(peer.events.data, expected) == 0,
		    "in pieces of %zu, %s:\n got %s\nwant %s", chunks[i / 2],
		    i % 2 ? "parked" : "not parked", peer.events.data, expected);
		peer_close(&peer);
	}
}

/* --- what comes in is what is reported ------------------------------------------- */

static const struct {
	const char *in, *events;
} streams[] = {
	{ HEADER, OPENED },
	{ HEADER "</stream:stream>", OPENED "[end]" },
	{ HEADER " \n\t\r\n </stream:stream> garbage <", OPENED "[end]" },
	{ HEADER "<message/><presence></presence>",
	    OPENED "[stanza <message xmlns='jabber:client'/>]"
		   "[stanza <presence xmlns='jabber:client'/>]" },
	{ HEADER
	    "<message to='a@b' type=\"chat\" id='1' xml:lang='de'><body>Hi &amp; \xc3\xa4</body>"
	    "<active xmlns='http://jabber.org/protocol/chatstates'/></message>\n",
	    OPENED
	    "[stanza <message xmlns='jabber:client' to='a@b' type='chat' id='1' xml:lang='de'>"
	    "<body>Hi &amp; \xc3\xa4</body>"
	    "<active xmlns='http://jabber.org/protocol/chatstates'/></message>]" },
	{ HEADER "<a xmlns='urn:x'>one<b/>two<!-- --></a>",
	    OPENED "[error restricted-xml: a comment]" },
	{ HEADER "<a xmlns='urn:x'>one<b/>two<![CDATA[<three> & ]]>four</a>",
	    OPENED "[stanza <a xmlns='urn:x'>one<b/>two&lt;three&gt; &amp; four</a>]" },
	{ HEADER "<x:a xmlns:x='urn:x' x:k='v' k='w'><x:b/><c/></x:a>",
	    OPENED "[stanza <a xmlns='urn:x' xmlns:ns0='urn:x' ns0:k='v' k='w'><b/>"
		   "<c xmlns='jabber:client'/></a>]" },
	{ HEADER "<a xmlns='u'><xml:b xml:c='d'><e/></xml:b></a>",
	    OPENED "[stanza <a xmlns='u'><xml:b xml:c='d'><e/></xml:b></a>]" },
	{ HEADER "<a xmlns=''><b xmlns='urn:x'><c xmlns=''/></b></a>",
	    OPENED "[stanza <a><b xmlns='urn:x'><c xmlns=''/></b></a>]" },
	{ HEADER "<a xmlns='urn:x' k='&#9;&#10;&#13;&lt;&apos;&quot;'>&#13;\r\n&gt;</a>",
	    OPENED "[stanza <a xmlns='urn:x' k='&#9;&#10;&#13;&lt;&apos;\"'>&#13;\n&gt;</a>]" },
	{ "<stream xmlns='http://etherx.jabber.org/streams' xmlns:c='jabber:client' id='&amp;'>"
	  "<c:message/></stream>",
	    "[header content=http://etherx.jabber.org/streams id=&]"
	    "[error invalid-namespace: a stanza in the content namespace of another kind of stream]" },
	{ "<s:stream xmlns='jabber:server' xmlns:s='http://etherx.jabber.org/streams' from='a' "
	  "xml:lang='en' xmlns:db='jabber:server:dialback'><db:result>k</db:result>"
	  "<message><body xmlns='jabber:client'/><x xmlns='jabber:server'/></message></s:stream>",
	    "[header content=jabber:server from=a lang=en]"
	    "[stanza <result xmlns='jabber:server:dialback'>k</result>]"
	    "[stanza <message xmlns='jabber:client'><body/><x/></message>][end]" },
	{ "<stream:stream xmlns='urn:what&apos;s?&amp;' xmlns:stream='http://etherx.jabber.org/streams'>"
	  "<a/><b/></stream:stream>",
	    "[header content=urn:what's?&]"
	    "[stanza <a xmlns='urn:what&apos;s?&amp;'/>]"
	    "[stanza <b xmlns='urn:what&apos;s?&amp;'/>][end]" },
	{ "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'/>",
	    "[header content=jabber:client][end]" },
};

START_TEST(streams_in_any_pieces)
{
	check_events(streams[_i].in, streams[_i].events);
}
END_TEST

/* --- every error ------------------------------------------------------------------- */

#define RESTRICTED(what) OPENED "[error restricted-xml: " what "]"
#define BAD_XML "[error not-well-formed: not well-formed XML]"
#define BAD_BYTES "[error unsupported-encoding: bytes that are not UTF-8]"

static const struct {
	const char *in, *events;
} bad[] = {
	{ HEADER "<a>", OPENED },
	{ HEADER "<a></b>", OPENED BAD_XML },
	{ HEADER "<a b=c/>", OPENED BAD_XML },
	{ HEADER "<a b='1' b='2'/>", OPENED BAD_XML },
	{ HEADER "<a b='<'/>", OPENED BAD_XML },
	{ HEADER "<a>]]></a>", OPENED BAD_XML },
	{ HEADER "<a>&#0;</a>", OPENED BAD_XML },
	{ HEADER "<a>&#x1;</a>", OPENED BAD_XML },
	{ HEADER "<a>\x01</a>", OPENED BAD_XML },
	{ HEADER "<a>\xef\xbf\xbf</a>", OPENED BAD_XML },
	{ HEADER "</a>", OPENED BAD_XML },
	{ HEADER "<?xml version='1.0'?>", OPENED BAD_XML },
	{ "garbage ", BAD_XML },
	{ "GET / HTTP/1.1\r\n", BAD_XML },
	{ "\x16\x03\x01\x02", BAD_XML },
	{ HEADER "<a>\xff</a>", OPENED BAD_BYTES },
	{ HEADER "<a>abc\xc3(</a>", OPENED BAD_BYTES },
	{ HEADER "<a>\xc0\x80</a>", OPENED BAD_BYTES },
	{ HEADER "<a>\xed\xa0\x80</a>", OPENED BAD_BYTES },
	{ HEADER "<a>\xf4\x90\x80\x80</a>", OPENED BAD_BYTES },
	{ HEADER "<a b='\xf8\x88\x80\x80\x80'/>", OPENED BAD_BYTES },
	{ HEADER "<\xff/>", OPENED BAD_BYTES },
	{ "<?xml version='1.0' encoding='ISO-8859-1'?><a/>",
	    "[error unsupported-encoding: an encoding other than UTF-8]" },
	{ "<?xml version='1.0' encoding='utf-8'?><a xmlns='b'/>",
	    "[error invalid-namespace: the root element is not in the namespace of streams]" },
	{ HEADER "<x:a/>", OPENED "[error not-well-formed: a prefix without declaration]" },
	{ HEADER "<a x:b='c'/>", OPENED "[error not-well-formed: a prefix without declaration]" },
	{ HEADER "<!-- -->", RESTRICTED("a comment") },
	{ HEADER "<a><!-- --></a>", RESTRICTED("a comment") },
	{ "<!-- -->" HEADER, "[error restricted-xml: a comment]" },
	{ HEADER "<?php?>", RESTRICTED("a processing instruction") },
	{ HEADER "<a><?x y?></a>", RESTRICTED("a processing instruction") },
	{ "<?xml version='1.0'?><?x?>", "[error restricted-xml: a processing instruction]" },
	{ "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
	    "[error restricted-xml: a document type declaration]" },
	{ "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
	    "[error restricted-xml: a document type declaration]" },
	{ HEADER "<!DOCTYPE a>", OPENED BAD_XML },
	{ HEADER "<a>&b;</a>", RESTRICTED("an entity reference") },
	{ HEADER "<a b='&c;'/>", RESTRICTED("an entity reference") },
	{ HEADER "hello", OPENED "[error bad-format: text between stanzas]" },
	{ HEADER "<a/> &amp; <b/>",
	    OPENED "[stanza <a xmlns='jabber:client'/>]"
		   "[error bad-format: text between stanzas]" },
	{ "<stream/>",
	    "[error invalid-namespace: the root element is not in the namespace of streams]" },
	{ "<stream xmlns='jabber:client'/>",
	    "[error invalid-namespace: the root element is not in the namespace of streams]" },
	{ "<s:steam xmlns:s='http://etherx.jabber.org/streams'/>",
	    "[error bad-format: the root element is not <stream/>]" },
	{ HEADER "<message xmlns='jabber:server'/>",
	    OPENED "[error invalid-namespace: a stanza in the content namespace of another kind "
		   "of stream]" },
};

START_TEST(every_error_has_its_condition)
{
	check_events(bad[_i].in, bad[_i].events);
}
END_TEST

/* Expat would read it, if it saw the first two bytes together. */
START_TEST(utf_16_is_refused)
{
	static const char *const starts[] = { "<\0?\0x\0", "\0<\0?\0x", "\xff\xfe<\0?\0",
		"\xfe\xff\0<\0?" };
	struct peer peer;

	for (size_t i = 0; i < 8; i++) {
		peer_open(&peer);
		for (size_t at = 0; at < 6; at += i % 2 ? 1 : 6)
			parser_feed(peer.parser, starts[i / 2] + at, i % 2 ? 1 : 6);
		ck_assert_str_eq(peer.events.data,
		    "[error unsupported-encoding: an encoding other than UTF-8]");
		peer_close(&peer);
	}
}
END_TEST

START_TEST(after_an_error_nothing_is_taken)
{
	struct peer peer;

	peer_open(&peer);
	feed(&peer, HEADER "<!-- -->");
	ck_assert_int_eq(parser_state(peer.parser), PARSER_FAILED);
	ck_assert_uint_eq(feed(&peer, "<a/>"), 0);
	peer_close(&peer);
}
END_TEST

/* --- limits, while parsing ------------------------------------------------------- */

static const struct parser_limits small = { 1000, 4, 5, 3 };

static void
check_limit(const char *in, const char *event)
{
	struct peer peer;

	for (size_t chunk = 1; chunk < 100000; chunk *= 100) {
		peer_open(&peer);
		parser_set_limits(peer.parser, &small);
		feed_in_chunks(&peer, HEADER, chunk, false);
		buf_reset(&peer.events);
		feed_in_chunks(&peer, in, chunk, false);
		ck_assert_str_eq(peer.events.data, event);
		peer_close(&peer);
	}
}

#define POLICY(text) "[error policy-violation: " text "]"
#define CHILD "xmlns='urn:x'"

START_TEST(depth_children_and_attributes_are_limited)
{
	check_limit("<a " CHILD "><b><c><d/></c></b></a>",
	    "[stanza <a " CHILD "><b><c><d/></c></b></a>]");
	check_limit("<a><b><c><d><e>", POLICY("elements nested too deeply"));
	check_limit("<a " CHILD "><b/><b/><b/><b/><b/></a>",
	    "[stanza <a " CHILD "><b/><b/><b/><b/><b/></a>]");
	check_limit("<a><b/><b/><b/><b/><b/><b/>", POLICY("too many elements in a stanza"));
	check_limit("<a " CHILD " b='' c='' d=''/>", "[stanza <a " CHILD " b='' c='' d=''/>]");
	check_limit("<a b='' c='' d='' e=''/>", POLICY("too many attributes in an element"));
}
END_TEST

static char *
repeat(const char *before, char c, size_t count, const char *after)
{
	char *text = malloc(strlen(before) + count + strlen(after) + 1);
	char *at = stpcpy(text, before);

	memset(at, c, count);
	stpcpy(at + count, after);
	return text;
}

START_TEST(bytes_of_an_element_are_limited_exactly)
{
	char *fits = repeat("<a>", 'x', 1000 - 7, "</a>");
	char *exceeds = repeat("<a>", 'x', 1000 - 6, "</a>");
	char *unfinished = repeat("<a>", 'x', 1000, "");
	struct peer peer;

	peer_open(&peer);
	parser_set_limits(peer.parser, &small);
	feed(&peer, HEADER);
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(feed(&peer, fits), 1000);
	ck_assert_int_eq(peer.count, 4);
	peer_close(&peer);
	check_limit(exceeds, POLICY("an element with too many bytes"));
	check_limit(unfinished, POLICY("an element with too many bytes"));
	free(fits);
	free(exceeds);
	free(unfinished);
}
END_TEST

START_TEST(a_tag_is_limited_whether_finished_or_not)
{
	char *header = repeat("<stream:stream a='", 'x', PARSER_TAG_MAX, "");
	char *blank = repeat("", ' ', 2 * PARSER_TAG_MAX, "");
	char *tag = repeat("<a b='", 'x', PARSER_TAG_MAX, "'/>");
	char *name = repeat("<", 'x', 2 * PARSER_TAG_MAX, "");
	struct parser_limits after = PARSER_LIMITS_AFTER_LOGIN;
	const char *const all[] = { tag, name };
	struct peer peer;

	check_events(header, POLICY("a tag with too many bytes"));
	check_events(blank, POLICY("a tag with too many bytes"));
	for (int i = 0; i < 2; i++) {
		peer_open(&peer);
		parser_set_limits(peer.parser, &after);
		feed(&peer, HEADER);
		buf_reset(&peer.events);
		feed(&peer, all[i]);
		ck_assert_str_eq(peer.events.data, POLICY("a tag with too many bytes"));
		peer_close(&peer);
	}
	free(header);
	free(blank);
	free(tag);
	free(name);
}
END_TEST

/* What a stream keeps of its header is limited more than the header itself. */
START_TEST(a_header_is_kept_in_a_kilobyte)
{
	char *attribute = repeat("<stream:stream a='", 'x', 4 * PARSER_CONTEXT_MAX,
	    "' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>");
	char *language = repeat("<stream:stream xml:lang='", 'x', PARSER_CONTEXT_MAX,
	    "' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>");
	char *namespace = repeat("<stream:stream xmlns:a='", 'x', PARSER_CONTEXT_MAX,
	    "' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>");
	struct peer peer;

	peer_open(&peer);
	feed(&peer, attribute);
	ck_assert_int_eq(parser_state(peer.parser), PARSER_OPEN);
	ck_assert_uint_lt(parser_size(peer.parser), 2 * PARSER_CONTEXT_MAX);
	peer_close(&peer);
	check_events(language, POLICY("too many bytes of namespaces in the header"));
	check_events(namespace, POLICY("too many bytes of namespaces in the header"));
	free(attribute);
	free(language);
	free(namespace);
}
END_TEST

START_TEST(white_space_between_stanzas_is_not_limited)
{
	char *blank = repeat("", ' ', 100000, "");
	struct peer peer;

	peer_open(&peer);
	feed(&peer, HEADER);
	for (int i = 0; i < 30; i++)
		ck_assert_uint_eq(feed(&peer, blank), 100000);
	feed(&peer, "<a/>");
	ck_assert_str_eq(peer.events.data, OPENED "[stanza <a xmlns='jabber:client'/>]");
	peer_close(&peer);
	free(blank);
}
END_TEST

/* --- suspended, restarted, freed, parked -------------------------------------------- */

#define THREE HEADER "<a xmlns='u'/> <b xmlns='u'>x</b><c xmlns='u'/></stream:stream>"

START_TEST(suspended_at_any_event_it_says_what_was_used)
{
	static const char *const ends[] = { HEADER, HEADER "<a xmlns='u'/>",
		HEADER "<a xmlns='u'/> <b xmlns='u'>x</b>",
		HEADER "<a xmlns='u'/> <b xmlns='u'>x</b><c xmlns='u'/>", THREE };
	struct peer peer;
	size_t used;

	for (int i = 0; i < 5; i++) {
		peer_open(&peer);
		peer.suspend_at = i + 1;
		used = feed(&peer, THREE "more");
		ck_assert_uint_eq(used, strlen(ends[i]));
		ck_assert_int_eq(peer.count, i + 1);
		ck_assert(parser_suspended(peer.parser));
		ck_assert(parser_park(peer.parser));
		ck_assert_uint_eq(feed(&peer, &(THREE)[used]), 0);
		parser_resume(peer.parser);
		ck_assert_uint_eq(feed(&peer, &(THREE)[used]), strlen(THREE) - used);
		ck_assert_str_eq(peer.events.data,
		    OPENED "[stanza <a xmlns='u'/>]"
			   "[stanza <b xmlns='u'>x</b>]"
			   "[stanza <c xmlns='u'/>][end]");
		peer_close(&peer);
	}
}
END_TEST

START_TEST(an_empty_header_suspended_ends_when_resumed)
{
	static const char empty[] = "<stream:stream xmlns='jabber:client' "
				    "xmlns:stream='http://etherx.jabber.org/streams'/>";
	struct peer peer;

	peer_open(&peer);
	peer.suspend_at = 1;
	ck_assert_uint_eq(feed(&peer, empty), strlen(empty));
	ck_assert_str_eq(peer.events.data, "[header content=jabber:client]");
	parser_resume(peer.parser);
	ck_assert_uint_eq(feed(&peer, ""), 0);
	ck_assert_str_eq(peer.events.data, "[header content=jabber:client][end]");
	peer_close(&peer);
}
END_TEST

START_TEST(a_new_header_follows_a_restart)
{
	struct peer peer;

	peer_open(&peer);
	peer.restart_at = 2;
	feed(&peer, HEADER "<auth xmlns='u'/>" HEADER "<iq xmlns='u'/>");
	ck_assert_str_eq(peer.events.data,
	    OPENED "[stanza <auth xmlns='u'/>]" OPENED "[stanza <iq xmlns='u'/>]");
	peer_close(&peer);

	peer_open(&peer);
	peer.restart_at = peer.suspend_at = 2;
	ck_assert_uint_eq(feed(&peer, HEADER "<starttls xmlns='u'/><injected/>"),
	    strlen(HEADER "<starttls xmlns='u'/>"));
	ck_assert_int_eq(parser_state(peer.parser), PARSER_EXPECTS_HEADER);
	parser_resume(peer.parser);
	feed(&peer, HEADER);
	ck_assert_str_eq(peer.events.data, OPENED "[stanza <starttls xmlns='u'/>]" OPENED);
	peer_close(&peer);

	peer_open(&peer);
	feed(&peer, HEADER "<a");
	parser_restart(peer.parser);
	feed(&peer, HEADER);
	ck_assert_str_eq(peer.events.data, OPENED OPENED);
	peer_close(&peer);
}
END_TEST

START_TEST(a_callback_may_free_the_parser)
{
	for (int at = 1; at <= 5; at++) {
		struct peer peer;

		peer_open(&peer);
		peer.free_at = at;
		feed(&peer,
		    at == 5 ? HEADER "<a/><b/><c/><!"
				     "-- -->"
			    : THREE);
		ck_assert_int_eq(peer.count, at);
		ck_assert_ptr_null(peer.parser);
		peer_close(&peer);
	}
}
END_TEST

START_TEST(only_between_stanzas_can_it_be_parked)
{
	struct peer peer;

	peer_open(&peer);
	ck_assert(parser_park(peer.parser));
	feed(&peer, "<stream:stream ");
	ck_assert(!parser_park(peer.parser));
	peer_close(&peer);
	peer_open(&peer);
	feed(&peer, HEADER);
	ck_assert(parser_park(peer.parser));
	feed(&peer, "<");
	ck_assert(!parser_park(peer.parser));
	ck_assert(parser_in_stanza(peer.parser));
	feed(&peer, "a>");
	ck_assert(!parser_park(peer.parser));
	feed(&peer, "</a>\n");
	ck_assert(!parser_in_stanza(peer.parser));
	ck_assert(parser_park(peer.parser));
	ck_assert_uint_lt(parser_size(peer.parser), 400);
	peer_close(&peer);
}
END_TEST

START_TEST(the_header_is_remembered_while_parked)
{
	struct peer peer;

	peer_open(&peer);
	feed(&peer,
	    "<s:stream xmlns='jabber:server' xmlns:s='http://etherx.jabber.org/streams' "
	    "xmlns:db='jabber:server:dialback' xml:lang='de'>");
	ck_assert(parser_park(peer.parser));
	ck_assert_str_eq(parser_lang(peer.parser), "de");
	ck_assert(parser_content_ns(peer.parser) == NS_SERVER);
	ck_assert(parser_declares(peer.parser, NS_DIALBACK));
	ck_assert(!parser_declares(peer.parser, NS_COMPONENT));
	buf_reset(&peer.events);
	feed(&peer, "<db:verify/></s:stream>");
	ck_assert_str_eq(peer.events.data,
	    "[stanza <verify xmlns='jabber:server:dialback'/>][end]");
	peer_close(&peer);
}
END_TEST

/* A peer that makes up new names must not make expat remember them all. */
START_TEST(megabytes_of_new_names)
{
	struct buf stanza = BUF_INIT;
	struct peer peer;
	int stanzas = 0;

	peer_open(&peer);
	feed(&peer, HEADER);
	for (int i = 0; i < 40000; i++) {
		buf_reset(&stanza);
		buf_printf(&stanza, "<name%d xmlns='u' attribute%d='1' xmlns:prefix%d='v'/>", i, i,
		    i);
		buf_reset(&peer.events);
		/* cut so that a stanza is always unfinished */
		parser_feed(peer.parser, stanza.data, 5);
		ck_assert_uint_eq(parser_feed(peer.parser, stanza.data + 5, stanza.len - 5),
		    stanza.len - 5);
		stanzas += strncmp(peer.events.data, "[stanza <name", 13) == 0;
	}
	ck_assert_int_eq(stanzas, 40000);
	buf_free(&stanza);
	peer_close(&peer);
}
END_TEST

static void *
feed_second_half(void *arg)
{
	feed(arg, "rest</a><b xmlns='u'/>");
	parser_thread_close();
	return NULL;
}

START_TEST(a_parser_moves_to_another_thread_in_mid_stanza)
{
	struct peer peer;
	pthread_t thread;

	peer_open(&peer);
	feed(&peer, HEADER "<a xmlns='u'>");
	pthread_create(&thread, NULL, feed_second_half, &peer);
	pthread_join(thread, NULL);
	feed(&peer, "<c xmlns='u'/>");
	ck_assert_str_eq(peer.events.data,
	    OPENED "[stanza <a xmlns='u'>rest</a>]"
		   "[stanza <b xmlns='u'/>][stanza <c xmlns='u'/>]");
	peer_close(&peer);
	parser_thread_close();
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("parser");
	TCase *tc = tcase_create("parser");

	tcase_add_loop_test(tc, streams_in_any_pieces, 0, sizeof streams / sizeof *streams);
	tcase_add_loop_test(tc, every_error_has_its_condition, 0, sizeof bad / sizeof *bad);
	tcase_add_test(tc, utf_16_is_refused);
	tcase_add_test(tc, after_an_error_nothing_is_taken);
	tcase_add_test(tc, depth_children_and_attributes_are_limited);
	tcase_add_test(tc, bytes_of_an_element_are_limited_exactly);
	tcase_add_test(tc, a_tag_is_limited_whether_finished_or_not);
	tcase_add_test(tc, a_header_is_kept_in_a_kilobyte);
	tcase_add_test(tc, white_space_between_stanzas_is_not_limited);
	tcase_add_test(tc, suspended_at_any_event_it_says_what_was_used);
	tcase_add_test(tc, an_empty_header_suspended_ends_when_resumed);
	tcase_add_test(tc, a_new_header_follows_a_restart);
	tcase_add_test(tc, a_callback_may_free_the_parser);
	tcase_add_test(tc, only_between_stanzas_can_it_be_parked);
	tcase_add_test(tc, the_header_is_remembered_while_parked);
	tcase_add_test(tc, megabytes_of_new_names);
	tcase_add_test(tc, a_parser_moves_to_another_thread_in_mid_stanza);
	suite_add_tcase(s, tc);
	return s;
}
