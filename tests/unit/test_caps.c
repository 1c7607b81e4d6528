/*
 * The verification string of entity capabilities: the examples of XEP-0115 §5.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <string.h>

#include "base/arena.h"
#include "disco/caps.h"

Suite *suite(void);

#define INFO(inner) "<query xmlns='http://jabber.org/protocol/disco#info'>" inner "</query>"
#define FIELD(var, values) "<field var='" var "'>" values "</field>"
#define VALUE(text) "<value>" text "</value>"
#define FEATURES                                                  \
	"<feature var='http://jabber.org/protocol/disco#items'/>" \
	"<feature var='http://jabber.org/protocol/caps'/>"        \
	"<feature var='http://jabber.org/protocol/muc'/>"         \
	"<feature var='http://jabber.org/protocol/disco#info'/>"

static const struct {
	const char *name, *query, *ver;
} answers[] = {
	{ "§5.2", INFO("<identity category='client' type='pc' name='Exodus 0.9.1'/>" FEATURES),
	    "QgayPKawpkPSDYmwT/WM94uAlu0=" },
	{ "§5.3",
	    INFO("<x xmlns='jabber:x:data' type='result'>" FIELD("os", VALUE("Mac")) FIELD(
		"FORM_TYPE", VALUE("urn:xmpp:dataforms:softwareinfo")) FIELD("ip_version",
		VALUE("ipv6") VALUE("ipv4")) FIELD("os_version",
		VALUE("10.5.1")) FIELD("software_version", VALUE("0.11")) FIELD("software",
		VALUE(
		    "Psi")) "</x>" FEATURES
			    "<identity xml:lang='el' category='client' name='Ψ 0.11' type='pc'/>"
			    "<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>"),
	    "q07IKJEyjvHSyhy//CH0CxmKi8w=" },
	{ "nothing", INFO(""), "2jmj7l5rSw0yVb/vlWAYkK/YBwk=" },
};

START_TEST(examples)
{
	struct arena *arena = arena_new(4096);
	const char *query = answers[_i].query, *error;
	const struct ln_elem *elem = ln_elem_parse(arena, query, strlen(query), &error);
	char ver[CAPS_VER_LEN + 1];

	ck_assert_msg(elem != NULL, "%s", answers[_i].name);
	caps_ver(elem, ver);
	ck_assert_str_eq(ver, answers[_i].ver);
	arena_free(&arena);
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("caps");
	TCase *tc = tcase_create("examples");

	tcase_add_loop_test(tc, examples, 0, sizeof answers / sizeof *answers);
	suite_add_tcase(s, tc);
	return s;
}
