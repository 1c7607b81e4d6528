/*
 * What operators get wrong: each file is one mistake, the place where it is
 * said to be, and a part of the sentence.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_fakes.h"

struct mistake {
	const char *text;
	const char *place; /* LINE:COLUMN */
	const char *message;
};

static const struct mistake syntax[] = {
	{ "listen:\n  c2s: [*:5222]\n", "2:9", "quote addresses: \"*:5222\"" },
	{ "listen:\n  c2s: *:5222\n", "2:8", "quote addresses" },
	{ "listen:\n  c2s: [::1]:5222\n", "2:9", "quote addresses" },
	{ "listen:\n  c2s: [[::1]:5222]\n", "2:9", "quote addresses" },
	{ "hosts:\n  *.example.org:\n", "2:3", "quote texts that begin with *" },
	{ "data: /x\nworkers:4\nuser: y\n", "2:9", "a space is missing after the colon" },
	{ "workers:4\n", "1:1", "a space is missing after the colon: write workers: 4" },
	{ "log: {to:stderr}\n", "1:7", "a space is missing after the colon: write to: stderr" },
	{ "log:\n\tlevel: info\n", "2:1", "a tab; indent with spaces" },
	{ "log:\n  level: info\n   format: text\n", "3:4", "indented deeper" },
	{ "log:\n    level: info\n  format: text\n", "3:3", "fits nothing above it" },
	{ "log: level: info\n", "1:11", "a second `: ` in one line" },
	{ "log: {level: info\ndata: x\n", "1:6", "is not closed with }" },
	{ "listen: {c2s: [a, b}\n", "1:15", "is not closed with ]" },
	{ "data: \"abc\nuser: y\n", "1:7", "quote (\") is never closed" },
	{ "data: @x\n", "1:7", "quote texts that begin with @" },
	{ "data: `x`\n", "1:7", "quote texts that begin with `" },
	{ "data: /x\nuser\nworkers: 4\n", "2:1", "a colon and a value are missing" },
	{ "include: - x\n", "1:10", "a list item begins its own line" },
	{ "data: \xff\n", "1:7", "not UTF-8" },
	{ "data: \x01\n", "1:7", "control character (0x01)" },
};

static const struct mistake structure[] = {
	{ "just words\n", "1:1", "a map of options" },
	{ "- a\n- b\n", "1:1", "this is a list" },
	{ "data: &a /x\n", "1:7", "anchors (&a) are not allowed" },
	{ "data: *a\n", "1:7", "aliases (*a) are not allowed" },
	{ "data: !!str x\n", "1:7", "tags" },
	{ "limits:\n  <<: {stanza: 64k}\n", "2:3", "merge keys (<<) are not allowed" },
	{ "data: /x\n---\ndata: /y\n", "2:1", "a second document" },
	{ "data: /x\nuser: root\ndata: /z\n", "3:1", "data is given twice; it already stands at" },
	{ "[[[[[[[[[[[[[[[[[a]]]]]]]]]]]]]]]]]\n", "1:17", "at most 16 levels" },
	{ "? [a]\n: b\n", "1:3", "must be a plain text" },
};

static const struct mistake options[] = {
	{ "limits:\n  stanzza: 64k\n", "2:3",
	    "unknown option stanzza in limits; did you mean stanza?" },
	{ "frobnicate: 1\n", "1:1", "unknown option frobnicate; allowed: data, control" },
	{ "stream_management: {queue: 10}\n", "1:1", "did you mean stream-management?" },
	{ "data:\n", "1:1", "data: has no value; allowed: a path" },
	{ "data: [a]\n", "1:7", "data: is a list; allowed: a path" },
	{ "data: $host\n", "1:7", "only has a meaning in options of a host" },
	{ "workers: many\n", "1:10", "`many` is not a whole number; allowed: auto, or a whole" },
	{ "workers: 1000\n", "1:10", "`1000` is too large" },
	{ "workers: 0\n", "1:10", "`0` is too small; allowed: auto, or a whole number from 1" },
	{ "limits: {stanza: 5x}\n", "1:18",
	    "limits.stanza: `5x` is not a size; allowed: a size from 10000 to 16M" },
	{ "limits: {stanza: 9999}\n", "1:18", "is too small" },
	{ "limits: {login-attempts: {per-address: 20}}\n", "1:40", "is not a rate" },
	{ "limits: {login-attempts: no}\n", "1:26", "allowed: options, `{name: value}`, or off" },
	{ "limits: 5\n", "1:9", "limits: a text stands here" },
	{ "stream-management: {resume: 10}\n", "1:29", "`10` has no unit" },
	{ "stream-management: {resume: 10x}\n", "1:29", "is not a duration" },
	{ "stream-management: {queue: off}\n", "1:28", "`off` is not a whole number" },
	{ "s2s: {dane: maybe}\n", "1:13", "neither yes nor no" },
	{ "s2s: {trust: anybody}\n", "1:14", "allowed: certificate or dialback" },
	{ "s2s: {allow: some}\n", "1:14", "allowed: all, or a list" },
	{ "s2s: {deny: [a..b]}\n", "1:14", "s2s.deny[1]: `a..b` is not a domain" },
	{ "s2s: {routes: {example.org: {tls: off}}}\n", "1:29",
	    "s2s.routes.example.org.address is missing" },
	{ "s2s: {routes: {a.example: {address: b}}}\n", "1:37", "has no port" },
	{ "log: {level: loud}\n", "1:14", "allowed: error, warning, info or debug" },
	{ "log: {components: {net: loud}}\n", "1:25", "log.components.net: `loud`" },
	{ "log: {components: {nett: debug}}\n", "1:20", "log.components: `nett` is no part" },
	{ "listen: {c2s: [\"5222\"]}\n", "1:16", "listen.c2s[1].address: `5222` has no port" },
	{ "listen: {c2s: [\"*:70000\"]}\n", "1:16", "has no port from 0 to 65535" },
	{ "listen: {c2s: [\"::1:5222\"]}\n", "1:16", "stands in brackets" },
	{ "listen: {c2s: \"*:5222\"}\n", "1:15",
	    "listen.c2s: `*:5222` is a text; allowed: a list" },
	{ "listen: {c2s: [\"localhost:5222\"]}\n", "1:16", "`localhost:5222` is a name" },
	{ "listen: {c2s: [{proxy-protocol: on}]}\n", "1:16", "address is missing" },
	{ "listen: {c2s: [\"*:5222\"], s2s: [\"*:5222\"]}\n", "1:33", "is given twice" },
	{ "dns: {servers: [ns.example]}\n", "1:17", "`ns.example` is a name" },
	{ "dns: {trust-anchor: /nowhere/root.key}\n", "1:21", "does not exist" },
	{ "tls: {minimum: 1.1}\n", "1:16", "allowed: 1.2 or 1.3" },
	{ "components: {irc.example: {}}\n", "1:27", "secret is missing" },
	{ "components: {irc.example: {secret: {file: /nowhere}}}\n", "1:43", "does not exist" },
	{ "components: {irc.example: {secret: {file: /}}}\n", "1:43", "not a regular file" },
	{ "components: {irc.example: {secret: ''}}\n", "1:36", "secret: is empty" },
	{ "hosts: {example.org: {}}\ncomponents: {example.org: {secret: x}}\n", "2:14",
	    "is one of the hosts" },
	{ "include: [/nowhere/more.yaml]\n", "0:0", NULL },
};

static const struct mistake hosts[] = {
	{ "hosts: [example.org]\n", "1:8", "hosts: a list stands here" },
	{ "hosts:\n  not a domain:\n", "2:3", "is not a domain" },
	{ "hosts:\n  example.org:\n  EXAMPLE.org:\n", "3:3", "example.org is given twice" },
	{ "hosts:\n  example.org: {admin: [a@b]}\n", "2:17", "did you mean admins?" },
	{ "hosts:\n  example.org: {admins: [\"@b\"]}\n", "2:26", "is not a JID" },
	{ "hosts:\n  example.org: {certificate: /nowhere}\n", "2:30", "does not exist" },
	{ "hosts:\n  example.org: {key: /etc/hostname}\n", "2:22", "no `certificate` beside it" },
	{ "listen: {c2s: [\"*:5222\"]}\ntls: {certificates: /nowhere}\nhosts: {example.org: {}}\n",
	    "2:21", "example.org has no certificate" },
	{ "hosts:\n  example.org: {s2s: {trust: nobody}}\n", "2:30",
	    "hosts.example.org.s2s.trust: `nobody`" },
	{ "modules:\n  floot:\n", "2:3", "unknown module floot; did you mean flood?" },
	{ "modules:\n  archive:\n", "2:3", "unknown module archive; allowed: disco, flood" },
	{ "modules: [flood]\n", "1:10", "modules: a list stands here" },
	{ "modules:\n  flood: 5\n", "2:10", "allowed: nothing, on, off, or options" },
	{ "modules:\n  flood: {burts: 5}\n", "2:11",
	    "unknown option burts in flood; did you mean" },
	{ "modules:\n  flood: {burst: 0}\n", "2:18", "flood.burst: `0` is too small" },
	{ "modules:\n  flood: {mode: wild}\n", "2:17", "allowed: gentle or strict" },
	{ "modules:\n  flood: {url: nowhere}\n", "2:16", "is not a URI" },
	{ "modules:\n  flood: {numbers: [1, 10]}\n", "2:24",
	    "flood.numbers[2]: `10` is too large" },
	{ "modules:\n  flood: {contacts: {abuse: [x]}}\n", "2:30", "flood.contacts.abuse[1]" },
	{ "modules: {flood: {burst: 13}}\nhosts: {a.example: {}}\n", "1:26",
	    "flood.burst: 13 is unlucky for a.example" },
	{ "modules: {turn: }\nhosts: {a.example: {}}\n", "1:11", "turn.secret is missing" },
	{ "modules: {muc: }\nhosts: {a.example: {}}\n", "1:11", "needs disco, which is not on" },
	{ "modules: {muc: , disco: , turn: {secret: x}}\nhosts: {a.example: {}}\n", "1:11",
	    "cannot both be on" },
	{ "hosts:\n  a.example:\n    modules: {metrics: on}\n", "3:15", "for the whole server" },
};

static void
expect(const struct mistake *mistake)
{
	struct report report = REPORT_INIT;
	struct buf out = BUF_INIT, place = BUF_INIT;
	const struct config *config =
	    config_parse("t.yaml", mistake->text, strlen(mistake->text), &fake_registry, &report);

	if (mistake->message == NULL) { /* included files are not followed from memory */
		ck_assert_ptr_nonnull(config);
		config_unref(&config);
		return;
	}
	report_print(&report, &out);
	ck_assert_msg(config == NULL, "accepted:\n%s", mistake->text);
	buf_printf(&place, "t.yaml:%s: ", mistake->place);
	ck_assert_msg(strncmp(out.data, place.data, place.len) == 0 &&
		strstr(out.data, mistake->message) != NULL,
	    "in:\n%sexpected: %s...%s...\ngot: %s", mistake->text, place.data, mistake->message,
	    out.data);
	ck_assert_msg(report.count == 1, "one mistake, more reports:\n%s", out.data);
	buf_free(&out);
	buf_free(&place);
	report_free(&report);
}

START_TEST(syntax_mistake)
{
	expect(&syntax[_i]);
}
END_TEST

START_TEST(structure_mistake)
{
	expect(&structure[_i]);
}
END_TEST

START_TEST(option_mistake)
{
	expect(&options[_i]);
}
END_TEST

START_TEST(host_mistake)
{
	expect(&hosts[_i]);
}
END_TEST

START_TEST(all_mistakes_at_once_in_order)
{
	static const char text[] = "workers: 0\n"
				   "limits: {stanza: x}\n"
				   "hosts:\n"
				   "  example.org: {modules: {flod: }}\n"
				   "frob: 1\n";
	struct report report = REPORT_INIT;
	struct buf out = BUF_INIT;
	const char *at;
	const struct config *config =
	    config_parse("t.yaml", text, strlen(text), &fake_registry, &report);

	ck_assert_ptr_null(config);
	report_print(&report, &out);
	ck_assert_uint_eq(report.count, 4);
	at = out.data;
	for (const char *const *place = (const char *const[]){ "t.yaml:1:10: ", "t.yaml:2:18: ",
		 "t.yaml:4:27: ", "t.yaml:5:1: ", NULL };
	     *place != NULL; place++) {
		ck_assert_msg(strncmp(at, *place, strlen(*place)) == 0, "%s", out.data);
		at = strchr(at, '\n') + 1;
	}
	buf_free(&out);
	report_free(&report);
}
END_TEST

START_TEST(syntax_error_comes_alone)
{
	static const char text[] = "workers: 0\nworkers: 0\nlog: {\n";
	struct report report = REPORT_INIT;

	ck_assert_ptr_null(config_parse("t.yaml", text, strlen(text), &fake_registry, &report));
	ck_assert_uint_eq(report.count, 1);
	report_free(&report);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

Suite *suite(void);

Suite *
suite(void)
{
	Suite *s = suite_create("config_mistakes");
	TCase *tc = tcase_create("mistakes");

	tcase_add_loop_test(tc, syntax_mistake, 0, COUNT(syntax));
	tcase_add_loop_test(tc, structure_mistake, 0, COUNT(structure));
	tcase_add_loop_test(tc, option_mistake, 0, COUNT(options));
	tcase_add_loop_test(tc, host_mistake, 0, COUNT(hosts));
	tcase_add_test(tc, all_mistakes_at_once_in_order);
	tcase_add_test(tc, syntax_error_comes_alone);
	suite_add_tcase(s, tc);
	return s;
}
