/*
 * The element tree and the writer: reading, building, changing, and that what
 * the writer makes is read back as it was.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "linnet/elem.h"
#include "xml/ns.h"
#include "xml/writer.h"

Suite *suite(void);

static struct arena *arena;

static void
set_up(void)
{
	arena = arena_new(1000);
}

static void
tear_down(void)
{
	arena_free(&arena);
}

static struct ln_elem *
parse(const char *text)
{
	const char *error = NULL;
	struct ln_elem *elem = ln_elem_parse(arena, text, strlen(text), &error);

	ck_assert_msg(elem != NULL, "%s: %s", text, error);
	return elem;
}

/* --- reading ------------------------------------------------------------------- */

START_TEST(a_tree_is_read)
{
	struct ln_elem *iq =
	    parse("<iq xmlns='jabber:client' xml:lang='de' xmlns:f='urn:f' f:k='v' k='w'>"
		  "<query xmlns='jabber:iq:roster'><item jid='a'/> and <item jid='b'>x<y/>z</item>"
		  "</query><error/></iq>");
	struct ln_elem *query = ln_elem_child(iq, "query", NS_ROSTER), *item;
	const char *jids[2] = { NULL };
	int count = 0;

	ck_assert_str_eq(ln_elem_attr(iq, "xml:lang"), "de");
	ck_assert_str_eq(ln_elem_attr_ns(iq, "k", "urn:f"), "v");
	ck_assert_str_eq(ln_elem_attr(iq, "k"), "w");
	ck_assert_ptr_null(ln_elem_attr(iq, "lang"));
	ck_assert(ln_elem_ns(iq) == NS_CLIENT && ln_elem_ns(query) == NS_ROSTER);
	ck_assert_ptr_null(ln_elem_child(iq, "query", NS_CLIENT));
	ck_assert_ptr_eq(ln_elem_child(iq, NULL, NS_CLIENT), ln_elem_next(query));
	ck_assert_ptr_eq(ln_elem_child(iq, "error", NULL), ln_elem_next(query));
	ln_elem_foreach(item, query) {
		jids[count++] = ln_elem_attr(item, "jid");
		ck_assert_ptr_eq(ln_elem_parent(item), query);
	}
	ck_assert_int_eq(count, 2);
	ck_assert_str_eq(jids[0], "a");
	ck_assert_str_eq(jids[1], "b");
	item = ln_elem_next_is(ln_elem_first(query), "item", NS_ROSTER);
	ck_assert_str_eq(ln_elem_text(item), "x");
	ck_assert_str_eq(ln_elem_text_all(item, arena), "xz");
	ck_assert_str_eq(ln_elem_text(query), "");
	ck_assert_str_eq(ln_node_text(ln_node_next(ln_node_first(query))), " and ");
	ck_assert_str_eq(ln_elem_child_text(query, "item", NULL), "");
	ck_assert_ptr_null(ln_elem_child_text(query, "group", NULL));
	ck_assert_uint_eq(ln_elem_count(query), 2);
}
END_TEST

/* --- building ------------------------------------------------------------------ */

START_TEST(a_tree_is_built)
{
	struct ln_elem *iq = ln_elem_new(arena, "iq", "jabber:client");
	struct ln_elem *query = ln_elem_add(iq, "query", NS_VERSION), *name;

	name = ln_add_text(query, "name", "Lin");
	ln_append_text(name, "net");
	ln_append_text(name, "");
	ln_add_text(query, "os", NULL);
	ln_add_textf(query, "version", "%d.%d", 1, 2);
	ln_set_attr(iq, "type", "get");
	ln_set_attr(iq, "id", "1");
	ln_set_attr(iq, "type", "result");
	ln_set_attr(iq, "xml:lang", "en");
	ln_set_attr(iq, "gone", "x");
	ln_set_attr(iq, "gone", NULL);
	ln_set_attr(iq, "never", NULL);
	ln_set_attr_ns(iq, "k", "urn:f", "v");
	ln_set_attrf(query, "count", "%d", 3);
	ck_assert_str_eq(ln_elem_print(arena, iq),
	    "<iq xmlns='jabber:client' type='result' id='1' xml:lang='en' xmlns:ns0='urn:f' "
	    "ns0:k='v'><query xmlns='jabber:iq:version' count='3'><name>Linnet</name><os/>"
	    "<version>1.2</version></query></iq>");
}
END_TEST

START_TEST(children_are_removed_and_moved)
{
	struct ln_elem *a = parse("<a xmlns='u'>1<b/>2<c/><d/>3</a>"), *child;
	struct ln_elem *other = ln_elem_new(arena, "other", "u");

	ln_elem_remove(ln_elem_child(a, "b", NULL));
	ck_assert_str_eq(ln_elem_text(a), "12");
	child = ln_elem_child(a, "d", NULL);
	ln_elem_remove(child);
	ln_elem_append(other, child);
	ln_append_text(a, "4");
	ck_assert_str_eq(ln_elem_print(arena, a), "<a xmlns='u'>12<c/>34</a>");
	ck_assert_str_eq(ln_elem_print(arena, other), "<other xmlns='u'><d/></other>");
	ln_elem_foreach(child, a) {
		ln_elem_remove(child);
	}
	ln_append_text(a, "5");
	ck_assert_str_eq(ln_elem_print(arena, a), "<a xmlns='u'>12345</a>");
	ln_elem_remove(a);
}
END_TEST

START_TEST(a_copy_is_independent)
{
	struct arena *first = arena_new(100);
	const char *error, *text = "<a xmlns='urn:unknown' k='v' xml:lang='x'>1<b xmlns='w'/>2</a>";
	struct ln_elem *from = ln_elem_parse(first, text, strlen(text), &error), *copy, *parent;

	copy = ln_elem_copy(arena, from);
	parent = ln_elem_new(arena, "p", "");
	ln_elem_add_copy(parent, from);
	ln_elem_add_copy(parent, copy);
	arena_free(&first);
	ck_assert_str_eq(ln_elem_print(arena, copy), text);
	ck_assert_uint_eq(ln_elem_count(parent), 2);
	ck_assert_ptr_eq(ln_elem_arena(ln_elem_first(parent)), arena);
}
END_TEST

START_TEST(known_namespaces_are_constants)
{
	char text[] = "urn:xmpp:carbons:2";

	ck_assert_ptr_eq(ln_ns_known(text), NS_CARBONS);
	ck_assert_ptr_eq(ln_ns_known(""), NS_NONE);
	ck_assert_ptr_null(ln_ns_known("urn:xmpp:carbons:3"));
	ck_assert_ptr_null(ln_ns_known("2"));
	ck_assert_ptr_eq(ns_find("vcard-temp:x:update!", 10), NS_VCARD);
	ck_assert(ln_ns_same(text, NS_CARBONS));
#define LN_NS(name, uri) ck_assert_ptr_eq(ln_ns_known(uri), name);
#include "linnet/ns.def"
#undef LN_NS
}
END_TEST

START_TEST(a_document_is_one_element)
{
	static const char *const refused[] = { "", " ", "<a>", "<a/><b/>", "text", "<a/>text",
		"<!DOCTYPE a><a/>", "<a><!-- --></a>", "<x:a/>", "<a>\xff</a>" };
	const char *error;

	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		error = NULL;
		ck_assert_ptr_null(ln_elem_parse(arena, refused[i], strlen(refused[i]), &error));
		ck_assert_ptr_nonnull(error);
	}
	parse("<?xml version='1.0'?>\n<a/>\n");
}
END_TEST

/* --- the writer ------------------------------------------------------------------ */

/* What is written under `content_ns`, and whether it is bound to that. */
static const struct {
	const char *in, *client, *server;
	bool bound;
} children[] = {
	{ "<message xmlns='jabber:client'><body>x</body></message>", "<body>x</body>", NULL,
	    false },
	{ "<message xmlns='jabber:client'>a<x xmlns='u'><y/></x>b<body/></message>",
	    "a<x xmlns='u'><y/></x>b<body/>", NULL, false },
	{ "<message xmlns='jabber:client'><x xmlns='u'><y xmlns='jabber:client'><z/></y></x></message>",
	    "<x xmlns='u'><y xmlns='jabber:client'><z/></y></x>",
	    "<x xmlns='u'><y xmlns='jabber:server'><z/></y></x>", true },
	{ "<message xmlns='jabber:client'><received xmlns='urn:xmpp:carbons:2'>"
	  "<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay'/>"
	  "<message xmlns='jabber:client'><body>x</body><active xmlns='c'><u xmlns='jabber:client'/>"
	  "</active></message></forwarded></received></message>",
	    "<received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"
	    "<delay xmlns='urn:xmpp:delay'/><message xmlns='jabber:client'><body>x</body>"
	    "<active xmlns='c'><u xmlns='jabber:client'/></active></message></forwarded></received>",
	    NULL, false },
	{ "<message xmlns='jabber:client'><x xmlns='' xmlns:s='jabber:server'><s:a/></x></message>",
	    "<x xmlns=''><a xmlns='jabber:server'/></x>", NULL, false },
};

START_TEST(children_inherit_the_streams_namespace)
{
	const char *server = children[_i].server;
	struct ln_elem *message = parse(children[_i].in);
	struct buf out = BUF_INIT;

	ck_assert_int_eq(writer_children(&out, message, NS_CLIENT), children[_i].bound);
	ck_assert_str_eq(out.data, children[_i].client);
	buf_reset(&out);
	ck_assert_int_eq(writer_children(&out, message, NS_SERVER), children[_i].bound);
	ck_assert_str_eq(out.data, server != NULL ? server : children[_i].client);
	buf_free(&out);
}
END_TEST

START_TEST(negotiation_uses_the_headers_prefix)
{
	struct ln_elem *features = ln_elem_new(arena, "features", NS_STREAM);
	struct buf out = BUF_INIT;

	ln_elem_add(features, "bind", NS_BIND);
	ck_assert(!writer_elem(&out, features, NS_CLIENT));
	ck_assert_str_eq(out.data,
	    "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
	    "</stream:features>");
	buf_reset(&out);
	writer_elem(&out, ln_elem_new(arena, "success", NS_SASL), NS_CLIENT);
	writer_elem(&out, ln_elem_new(arena, "iq", NS_CLIENT), NS_CLIENT);
	ck_assert_str_eq(out.data, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/><iq/>");
	buf_free(&out);
}
END_TEST

START_TEST(tags_by_hand)
{
	struct buf out = BUF_INIT;

	writer_open(&out, "message");
	writer_attr(&out, "to", "o'hara@x/\"<&>\n");
	writer_attr(&out, "from", NULL);
	writer_attr_bytes(&out, "id", "1234", 2);
	writer_close(&out, "message", "<body/>", 7);
	writer_open(&out, "r");
	writer_close(&out, "r", NULL, 0);
	ck_assert_str_eq(out.data,
	    "<message to='o&apos;hara@x/\"&lt;&amp;&gt;&#10;' id='12'><body/>"
	    "</message><r/>");
	ck_assert_uint_eq(out.len, strlen(out.data));
	buf_free(&out);
}
END_TEST

static const struct {
	const char *text, *escaped;
} escapes[] = {
	{ "", "" },
	{ "plain", "plain" },
	{ "<&>'\"", "&lt;&amp;&gt;'\"" },
	{ "]]>", "]]&gt;" },
	{ "a\tb\nc\rd", "a\tb\nc&#13;d" },
	{ "\x01\x08\x0b\x0c\x0e\x1f"
	  "x",
	    "x" },
	{ "\x7f\xc2\x80", "\x7f\xc2\x80" },
	{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbd",
	    "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbd" },
	{ "\xe0\xa4\x85\xed\x9f\xbf\xee\x80\x80", "\xe0\xa4\x85\xed\x9f\xbf\xee\x80\x80" },
	{ "a\xff"
	  "b",
	    "a\xef\xbf\xbd"
	    "b" },
	{ "\xc3", "\xef\xbf\xbd" },
	{ "\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xe0\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xef\xbf\xbe\xef\xbf\xbf.", "." },
	{ "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
};

START_TEST(text_is_escaped)
{
	struct buf out = BUF_INIT;

	buf_add_text(&out, "");
	writer_text(&out, escapes[_i].text, strlen(escapes[_i].text));
	ck_assert_str_eq(out.data, escapes[_i].escaped);
	buf_free(&out);
}
END_TEST

/* Each byte and each pair of bytes, as text and as value: always readable, same when read. */
START_TEST(whatever_is_written_can_be_read)
{
	for (unsigned first = 1; first < 256; first++) {
		for (unsigned second = 0; second < 256; second++) {
			struct ln_elem *elem = ln_elem_new(arena, "a", "urn:\"'<&>"), *back;
			char text[] = { 'x', (char)first, (char)second, '\0' };
			const char *printed;

			ln_append_text(elem, text);
			ln_set_attr(elem, "k", text);
			ln_set_attr_ns(elem, "k", "urn:f'", text);
			printed = ln_elem_print(arena, elem);
			back = parse(printed);
			ck_assert_str_eq(ln_elem_print(arena, back), printed);
			ck_assert_str_eq(ln_elem_text(back), ln_elem_attr(back, "k"));
			ck_assert_str_eq(ln_elem_text(back), ln_elem_attr_ns(back, "k", "urn:f'"));
			if (first >= ' ' && first < 127 && second >= ' ' && second < 127)
				ck_assert_str_eq(ln_elem_text(back), text);
		}
		arena_free(&arena);
		arena = arena_new(1000);
	}
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("elem");
	TCase *tc = tcase_create("elem");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_tree_is_read);
	tcase_add_test(tc, a_tree_is_built);
	tcase_add_test(tc, children_are_removed_and_moved);
	tcase_add_test(tc, a_copy_is_independent);
	tcase_add_test(tc, known_namespaces_are_constants);
	tcase_add_test(tc, a_document_is_one_element);
	tcase_add_loop_test(tc, children_inherit_the_streams_namespace, 0,
	    sizeof children / sizeof *children);
	tcase_add_test(tc, negotiation_uses_the_headers_prefix);
	tcase_add_test(tc, tags_by_hand);
	tcase_add_loop_test(tc, text_is_escaped, 0, sizeof escapes / sizeof *escapes);
	tcase_add_test(tc, whatever_is_written_can_be_read);
	suite_add_tcase(s, tc);
	return s;
}
