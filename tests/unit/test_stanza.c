/*
 * Envelopes and payloads: copies, what is kept for long, children taken out.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <string.h>

#include "core/stanza.h"

Suite *suite(void);

#define CAPS "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:client' ver='x'/>"
#define NS "xmlns='jabber:client'"
#define STATUS "<status>away &amp; out</status>"

static struct ln_stanza *
stanza(const char *text)
{
	struct ln_stanza *st = stanza_from_bytes(text, strlen(text));

	ck_assert_msg(st != NULL, "%s", text);
	return st;
}

static void
assert_written(struct ln_stanza *st, const char *expected)
{
	struct buf out = BUF_INIT;

	stanza_write_stream(st, &out, NS_CLIENT, NULL);
	ck_assert_str_eq(out.data, expected);
	buf_free(&out);
}

START_TEST(what_is_kept_says_the_same)
{
	static const char text[] =
	    "<presence " NS " from='a@h/r' id='1' xml:lang='de'>" STATUS CAPS "</presence>";
	struct ln_stanza *st = stanza(text), *kept, *copy;

	ln_add(st, "priority", NS_CLIENT);
	kept = stanza_keep(st);
	ln_stanza_free(&st);
	copy = ln_stanza_copy(kept);
	assert_written(kept,
	    "<presence from='a@h/r' id='1' xml:lang='de'>" STATUS CAPS "<priority/></presence>");
	assert_written(copy,
	    "<presence from='a@h/r' id='1' xml:lang='de'>" STATUS CAPS "<priority/></presence>");
	ln_stanza_free(&kept);
	ln_stanza_free(&copy);
}
END_TEST

START_TEST(what_is_kept_takes_no_more_than_it_must)
{
	struct ln_stanza *st = stanza("<presence " NS " from='user@example.org/resource'/>");
	struct ln_stanza *kept = stanza_keep(st);

	ck_assert_ptr_null(kept->payload);
	ck_assert_uint_le(arena_size(kept->arena), arena_used(kept->arena) + 64);
	ck_assert_str_eq(ln_from(kept)->full, "user@example.org/resource");
	ln_stanza_free(&st);
	ln_stanza_free(&kept);
}
END_TEST

static bool
is_first(const struct ln_elem *elem, void *arg)
{
	return strcmp(ln_elem_attr(elem, "id"), arg) == 0;
}

START_TEST(children_taken_out_stay_in_other_copies)
{
	struct ln_stanza *st =
	    stanza("<message " NS
		   " to='b@h'><x xmlns='urn:x' id='1'/><x xmlns='urn:x' id='2'/></message>");
	struct ln_stanza *copy = ln_stanza_copy(st);
	char first[] = "1";

	ln_strip(st, "x", "urn:x", is_first, first);
	assert_written(st, "<message to='b@h'><x xmlns='urn:x' id='2'/></message>");
	ln_strip(st, NULL, "urn:x", NULL, NULL);
	assert_written(st, "<message to='b@h'></message>");
	assert_written(copy,
	    "<message to='b@h'><x xmlns='urn:x' id='1'/><x xmlns='urn:x' id='2'/></message>");
	ln_stanza_free(&st);
	ln_stanza_free(&copy);
}
END_TEST

START_TEST(bad_stanzas_are_told_apart)
{
	static const struct {
		const char *text;
		enum stanza_bad bad;
	} rows[] = {
		{ "<iq " NS " type='get' to='h'><q xmlns='urn:q'/></iq>", STANZA_BAD_ID },
		{ "<iq " NS " type='get' id='1'/>", STANZA_BAD_CHILDREN },
		{ "<iq " NS " type='what' id='1'/>", STANZA_BAD_TYPE },
		{ "<iq " NS " id='1'/>", STANZA_BAD_TYPE },
		{ "<presence " NS " type='what'/>", STANZA_BAD_TYPE },
		{ "<message " NS " type='what' to='@'/>", STANZA_BAD_TO },
		{ "<message " NS " from='a@@b'/>", STANZA_BAD_FROM },
		{ "<message " NS "/>", STANZA_OK },
		{ "<other " NS "/>", STANZA_UNKNOWN },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct arena *arena = arena_new(500);
		enum stanza_bad bad = STANZA_UNKNOWN;
		const char *error;
		struct ln_elem *elem =
		    ln_elem_parse(arena, rows[i].text, strlen(rows[i].text), &error);
		struct ln_stanza *st = stanza_from_wire(&arena, elem, &bad);

		ck_assert_msg(bad == rows[i].bad, "%s: %d", rows[i].text, bad);
		ln_stanza_free(&st);
	}
}
END_TEST

Suite *
suite(void)
{
	Suite *suite = suite_create("stanza");
	TCase *test = tcase_create("stanza");

	tcase_add_test(test, what_is_kept_says_the_same);
	tcase_add_test(test, what_is_kept_takes_no_more_than_it_must);
	tcase_add_test(test, children_taken_out_stay_in_other_copies);
	tcase_add_test(test, bad_stanzas_are_told_apart);
	suite_add_tcase(suite, test);
	return suite;
}
