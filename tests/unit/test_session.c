/*
 * Client streams that are bound, in TLS, on the move, and at the end.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "client_kit.h"
#include "core/router.h"
#include "net/worker.h"
#include "xmpp/c2s.h"

Suite *suite(void);

#define SASL "urn:ietf:params:xml:ns:xmpp-sasl"
#define ERROR(condition) \
	"<stream:error><" condition " xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
#define AUTH(mechanism, data) "<auth xmlns='" SASL "' mechanism='" mechanism "'>" data "</auth>"
#define BIND                                                                    \
	"<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>" \
	"<resource>r</resource></bind></iq>"

static struct peer *peer;

static void
start(void)
{
	kit_start(1);
	kit_add_account("anna");
	peer = peer_new(0);
	peer_bind(peer, "anna");
}

static void
stop(void)
{
	peer_free(&peer);
	kit_stop();
}

static void
expect_ups(const char *expected)
{
	static char seen[4096];

	seen[0] = '\0';
	for (int i = 0; i < 20 && strcmp(seen, expected) != 0; i++) {
		kit_turn();
		strncat(seen, kit_ups(), sizeof seen - strlen(seen) - 1);
	}
	ck_assert_str_eq(seen, expected);
}

/* --- up --------------------------------------------------------------------------------- */

START_TEST(stanzas_go_up_in_order)
{
	peer_send(peer,
	    "<presence id='1'/><message id='2' from='anna@example.org'/> "
	    "<message id='3' from='anna@example.org/r' type='chat'/>"
	    "<iq id='4' type='get'><q xmlns='urn:q'/></iq>");
	expect_ups("stanza available 1\nstanza normal 2\nstanza chat 3\nstanza get 4\n");
}
END_TEST

START_TEST(every_byte_may_come_alone)
{
	const char *text = "<message id='2'><body>a &amp; b</body></message>";
	char one[2] = "";

	for (; *text != '\0'; text++) {
		one[0] = *text;
		peer_send(peer, one);
	}
	expect_ups("stanza normal 2\n");
}
END_TEST

static const struct {
	const char *stanza, *up, *answer;
} answered[] = {
	{ "<message id='1' to='a@@b'/>", "answered error\nacked 1 kernel\n",
	    "<error type='modify'><jid-malformed" },
	{ "<iq id='1' type='foo'/>", "answered error\nacked 1 kernel\n",
	    "<error type='modify'><bad-request" },
	{ "<iq type='get'><q xmlns='urn:q'/></iq>", "answered error\nacked 1 kernel\n",
	    "<error type='modify'><bad-request" },
	{ "<iq type='get' id='1'/>", "answered error\nacked 1 kernel\n",
	    "<error type='modify'><bad-request" },
	{ BIND, "answered error\nacked 1 kernel\n", "<error type='cancel'><not-allowed" },
	{ "<iq type='set' id='s'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>",
	    "answered result\nacked 1 kernel\n", "type='result'" },
};

START_TEST(what_the_stream_answers_is_counted_by_the_session)
{
	peer_send(peer, answered[_i].stanza);
	peer_expect(peer, answered[_i].answer);
	expect_ups(answered[_i].up);
}
END_TEST

static const struct {
	const char *element, *condition;
} fatal[] = {
	{ "<message from='bob@example.org'/>", "invalid-from" },
	{ "<message from='anna@example.org/other'/>", "invalid-from" },
	{ "<message from='@@'/>", "invalid-from" },
	{ "<foo/>", "unsupported-stanza-type" },
	{ "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "unsupported-stanza-type" },
	{ AUTH("X-TRUST", ""), "unsupported-stanza-type" },
	{ "<foo xmlns='urn:xmpp:sm:3'/>", "unsupported-stanza-type" },
	{ "<a xmlns='urn:xmpp:sm:3' h='1'/>", "unsupported-stanza-type" },
	{ "<a xmlns='urn:xmpp:sm:3' h='-1'/>", "bad-format" },
	{ "<a xmlns='urn:xmpp:sm:3' h='4294967296'/>", "bad-format" },
	{ "<message xmlns='jabber:server'/>", "invalid-namespace" },
	{ "x", "bad-format" },
};

START_TEST(errors_end_the_stream_and_not_the_session)
{
	char error[200];

	peer_send(peer, fatal[_i].element);
	snprintf(error, sizeof error, ERROR("%s"), fatal[_i].condition);
	peer_expect(peer, error);
	peer_expect(peer, "</stream:stream>");
	peer_expect_end(peer);
	expect_ups("detach lost\n");
}
END_TEST

/* Answers are due: the session says when our side closes. */
START_TEST(closing_ends_the_session)
{
	peer_send(peer, "</stream:stream><message/>");
	peer_quiet(peer);
	expect_ups("detach closed\n");
	kit_find_port()->ops->ack(kit_find_port(), 1);
	kit_find_port()->ops->close(kit_find_port(), NULL, NULL);
	peer_expect(peer, "<a xmlns='urn:xmpp:sm:3' h='1'/></stream:stream>");
	peer_expect_end(peer);
	expect_ups("");
}
END_TEST

START_TEST(breaking_off_does_not)
{
	struct peer *other = peer_new(0);

	peer_bind(other, "anna");
	peer_free(&other);
	expect_ups("detach lost\n");
}
END_TEST

START_TEST(unknown_elements_are_for_the_session)
{
	peer_send(peer, "<active xmlns='urn:xmpp:csi:0'/>");
	expect_ups("nonza active\n");
}
END_TEST

START_TEST(acknowledgements)
{
	peer_send(peer, "<r xmlns='urn:xmpp:sm:3'/>");
	peer_expect(peer, "<failed xmlns='urn:xmpp:sm:3'><unexpected-request");
	peer_send(peer, "<enable xmlns='urn:xmpp:sm:3' resume='1' max='50'/>");
	peer_expect(peer, "<enabled xmlns='urn:xmpp:sm:3' id='sm1' resume='true' max='600'/>");
	peer_send(peer, "<r xmlns='urn:xmpp:sm:3'/><a xmlns='urn:xmpp:sm:3' h='4294967295'/>");
	peer_expect(peer, "<a xmlns='urn:xmpp:sm:3' h='42'/>");
	expect_ups("enable 1\nasked\nacked 4294967295\n");
	peer_send(peer, "<resume xmlns='urn:xmpp:sm:3' h='1' previd='x'/>");
	peer_expect(peer, "<failed xmlns='urn:xmpp:sm:3'><unexpected-request");
	kit_find_port()->ops->ask(kit_find_port());
	peer_expect(peer, "<r xmlns='urn:xmpp:sm:3'/>");
	kit_find_port()->ops->overacked(kit_find_port(), 10, 8);
	peer_expect(peer, ERROR("undefined-condition"));
	peer_expect(peer, "<handled-count-too-high xmlns='urn:xmpp:sm:3' h='10' send-count='8'/>");
}
END_TEST

START_TEST(asking_right_behind_enabling)
{
	peer_send(peer, "<enable xmlns='urn:xmpp:sm:3'/><r xmlns='urn:xmpp:sm:3'/>");
	peer_expect(peer, "<enabled xmlns='urn:xmpp:sm:3'/><a xmlns='urn:xmpp:sm:3' h='42'/>");
}
END_TEST

/* --- down ----------------------------------------------------------------------------------- */

static void
send_message(const char *id)
{
	struct port *port = kit_find_port();
	struct arena *arena = arena_new(256);
	struct ln_jid from;
	struct ln_stanza *st;

	ln_jid_make(arena, "bob", "example.net", "x", &from);
	st = ln_stanza_new(LN_MESSAGE, LN_CHAT, &from, NULL);
	ln_set_id(st, id);
	port->ops->send(port, st);
	ln_stanza_free(&st);
	arena_free(&arena);
}

START_TEST(the_kernel_acknowledges_without_stream_management)
{
	send_message("1");
	send_message("2");
	peer_expect(peer, "id='2'");
	expect_ups("acked 2 kernel\n");
	send_message("3");
	peer_expect(peer, "id='3'");
	expect_ups("acked 3 kernel\n");
}
END_TEST

START_TEST(a_paused_stream_is_not_read)
{
	kit_find_port()->ops->pause(kit_find_port());
	peer_send(peer, "<message id='1'/><message id='2'/>");
	peer_quiet(peer);
	expect_ups("");
	kit_find_port()->ops->go_on(kit_find_port());
	expect_ups("stanza normal 1\nstanza normal 2\n");
}
END_TEST

START_TEST(the_session_may_end_the_stream)
{
	kit_find_port()->ops->close(kit_find_port(), "conflict", "replaced");
	peer_expect(peer, ERROR("conflict"));
	peer_expect(peer, "replaced</text></stream:error></stream:stream>");
	peer_expect_end(peer);
	expect_ups("");
}
END_TEST

START_TEST(a_stream_closed_in_due_form_waits_for_the_peer)
{
	kit_find_port()->ops->close(kit_find_port(), NULL, NULL);
	peer_expect(peer, "</stream:stream>");
	peer_send(peer, "<message id='late'/>");
	peer_quiet(peer);
	ck_assert(!peer->ended);
	peer_send(peer, "</stream:stream>");
	peer_expect_end(peer);
	expect_ups("");
}
END_TEST

START_TEST(but_not_for_ever)
{
	kit_find_port()->ops->close(kit_find_port(), NULL, NULL);
	peer_expect(peer, "</stream:stream>");
	clock_advance(6000);
	peer_expect_end(peer);
}
END_TEST

START_TEST(an_idle_stream_wakes_up)
{
	clock_advance(5100);
	peer_quiet(peer);
	clock_advance(60000);
	peer_send(peer, "<message id='1'/>");
	expect_ups("stanza normal 1\n");
}
END_TEST

START_TEST(who_sends_too_fast_is_slowed)
{
	static char text[16384];
	struct peer *fast;

	kit_conf.c2s_rate = 1000;
	kit_publish(true);
	fast = peer_new(0);
	peer_bind(fast, "anna");
	memset(text, ' ', sizeof text - 1);
	peer_send(fast, "<message id='1'/>");
	peer_send(fast, text);
	peer_send(fast, "<message id='2'/>");
	expect_ups("stanza normal 1\n");
	peer_quiet(fast);
	expect_ups("");
	clock_advance(8000);
	expect_ups("stanza normal 2\n");
	peer_free(&fast);
}
END_TEST

static bool over;

static void
stopped(void *arg)
{
	(void)arg;
	over = true;
}

START_TEST(shutting_down)
{
	struct peer *negotiating = peer_new(0), *late;

	peer_send(negotiating, KIT_HEADER);
	peer_send(peer, "<enable xmlns='urn:xmpp:sm:3'/>");
	peer_expect(peer, "<enabled");
	worker_enter(worker_main());
	streams_shutdown(2000, stopped, NULL);
	peer_expect(peer, "<r xmlns='urn:xmpp:sm:3'/>");
	late = peer_new(0);
	peer_expect(late, ERROR("system-shutdown"));
	peer_free(&late);
	clock_advance(2100);
	peer_expect(peer, ERROR("system-shutdown"));
	peer_expect(negotiating, ERROR("system-shutdown"));
	peer_free(&negotiating);
	peer_expect_end(peer);
	for (int i = 0; i < 20; i++)
		kit_turn();
	ck_assert(over);
}
END_TEST

/* --- moving and TLS ------------------------------------------------------------------------------ */

static void
start_two(void)
{
	kit_with_tls = true;
	kit_start(2);
	kit_add_account("anna");
}

/* The worker that is not the home of anna. */
static unsigned
elsewhere(void)
{
	struct arena *arena = arena_new(256);
	struct ln_jid jid;
	unsigned home;

	ln_jid_make(arena, "anna", KIT_HOST, NULL, &jid);
	home = worker_index(router_home(&jid));
	arena_free(&arena);
	return 1 - home;
}

START_TEST(tls_is_required_and_what_was_pipelined_is_dropped)
{
	peer = peer_new(elsewhere());
	peer_send(peer, KIT_HEADER);
	peer_expect(peer,
	    "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"
	    "<limits");
	peer_expect(peer, "</stream:features>");
	peer_send(peer, AUTH("X-TRUST", "YW5uYQ=="));
	peer_expect(peer, "<encryption-required/>");
	peer_send(peer,
	    "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>" KIT_HEADER AUTH("X-TRUST",
		"YW5uYQ=="));
	peer_expect(peer, "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	peer_quiet(peer);
	/* what was sent in the clear behind <starttls/> must not be obeyed in TLS */
	ck_assert(peer_handshake(peer, NULL));
	peer_quiet(peer);
	peer_send(peer, KIT_HEADER);
	peer_expect(peer, "<mechanism>SCRAM-SHA-512-PLUS</mechanism>");
	peer_expect(peer, "<mechanism>PLAIN</mechanism>");
	peer_expect(peer,
	    "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>"
	    "<channel-binding type='tls-exporter'/>"
	    "<channel-binding type='tls-server-end-point'/>");
}
END_TEST

START_TEST(starttls_twice)
{
	peer = peer_new_tls(elsewhere(), "xmpp-client");
	peer_send(peer, KIT_HEADER);
	peer_expect(peer, "</stream:features>");
	peer_send(peer, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	peer_expect(peer, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>");
}
END_TEST

START_TEST(the_wrong_protocol_is_refused)
{
	peer = peer_new_tls(elsewhere(), "xmpp-server");
	ck_assert(peer->ended);
}
END_TEST

START_TEST(no_protocol_is_fine)
{
	peer = peer_new_tls(elsewhere(), NULL);
	ck_assert(!peer->ended);
	peer_bind(peer, "anna");
}
END_TEST

START_TEST(a_handshake_that_is_not_done_times_out)
{
	static const char hello[] = "\x16\x03\x01\x02";
	unsigned worker = elsewhere();

	peer = peer_new_tls(worker, "xmpp-client");
	peer_free(&peer);
	peer = peer_new(worker);
	peer_send(peer, KIT_HEADER "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
	peer_expect(peer, "<proceed");
	peer_expect(peer, "/>");
	peer_send(peer, hello);
	clock_advance(31000);
	peer_expect_end(peer);
}
END_TEST

START_TEST(logging_in_moves_the_stream_home)
{
	peer = peer_new_tls(elsewhere(), "xmpp-client");
	peer_send(peer,
	    KIT_HEADER AUTH("X-TRUST", "YW5uYQ==") KIT_HEADER BIND
	    "<presence id='p'/><message id='m'/>");
	peer_expect(peer, "<success xmlns='" SASL "'>aGVsbG8=</success>");
	peer_expect(peer, "<jid>anna@example.org/r</jid>");
	expect_ups("bind anna@example.org r\nstanza available p\nstanza normal m\n");
	ck_assert_uint_eq(kit_port.worker, 1 - elsewhere());
	peer_send(peer, "<message id='n'/>");
	expect_ups("stanza normal n\n");
	send_message("down");
	peer_expect(peer, "id='down'");
	expect_ups("acked 1 kernel\n");
}
END_TEST

START_TEST(a_peer_may_break_off_on_the_way)
{
	for (int turns = 0; turns < 12; turns++) {
		peer = peer_new_tls(elsewhere(), "xmpp-client");
		peer_send(peer, KIT_HEADER AUTH("X-TRUST", "YW5uYQ==") KIT_HEADER BIND);
		for (int i = 0; i < turns; i++)
			kit_turn();
		peer_free(&peer);
		for (int i = 0; i < 10; i++)
			kit_turn();
	}
	peer = peer_new(0);
}
END_TEST

START_TEST(passwords_are_hashed_elsewhere)
{
	peer = peer_new_tls(elsewhere(), "xmpp-client");
	peer_send(peer, KIT_HEADER);
	peer_expect(peer, "</stream:features>");
	peer_send(peer, AUTH("PLAIN", "AGFubmEAd3Jvbmc=")); /* anna, wrong */
	peer_expect(peer, "<not-authorized/>");
	peer_send(peer, AUTH("PLAIN", "AGJvYgBzZWNyZXQ=")); /* bob, secret */
	peer_expect(peer, "<not-authorized/>");
	peer_send(peer, AUTH("PLAIN", "AGFubmEAc2VjcmV0")); /* anna, secret */
	peer_expect(peer, "<success xmlns='" SASL "'></success>");
}
END_TEST

static void
count(const struct stream_info *info, void *arg)
{
	unsigned *seen = arg;

	ck_assert_str_eq(info->address, "192.0.2.1");
	ck_assert(info->secure);
	ck_assert_str_eq(info->resource, "r");
	++*seen;
}

START_TEST(streams_can_be_listed)
{
	unsigned seen = 0;

	peer = peer_new_tls(elsewhere(), "xmpp-client");
	peer_bind(peer, "anna");
	for (unsigned i = 0; i < 2; i++) {
		worker_enter(worker_get(i));
		streams_each(count, &seen);
	}
	ck_assert_uint_eq(seen, 1);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static TCase *
bound_streams(void)
{
	TCase *t = tcase_create("bound");

	tcase_add_checked_fixture(t, start, stop);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, stanzas_go_up_in_order);
	tcase_add_test(t, every_byte_may_come_alone);
	tcase_add_loop_test(t, what_the_stream_answers_is_counted_by_the_session, 0,
	    COUNT(answered));
	tcase_add_loop_test(t, errors_end_the_stream_and_not_the_session, 0, COUNT(fatal));
	tcase_add_test(t, closing_ends_the_session);
	tcase_add_test(t, breaking_off_does_not);
	tcase_add_test(t, unknown_elements_are_for_the_session);
	tcase_add_test(t, acknowledgements);
	tcase_add_test(t, asking_right_behind_enabling);
	tcase_add_test(t, the_kernel_acknowledges_without_stream_management);
	tcase_add_test(t, a_paused_stream_is_not_read);
	tcase_add_test(t, the_session_may_end_the_stream);
	tcase_add_test(t, a_stream_closed_in_due_form_waits_for_the_peer);
	tcase_add_test(t, but_not_for_ever);
	tcase_add_test(t, an_idle_stream_wakes_up);
	tcase_add_test(t, who_sends_too_fast_is_slowed);
	tcase_add_test(t, shutting_down);
	return t;
}

static TCase *
secure_streams(void)
{
	TCase *t = tcase_create("secure");

	tcase_add_checked_fixture(t, start_two, stop);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, tls_is_required_and_what_was_pipelined_is_dropped);
	tcase_add_test(t, starttls_twice);
	tcase_add_test(t, the_wrong_protocol_is_refused);
	tcase_add_test(t, no_protocol_is_fine);
	tcase_add_test(t, a_handshake_that_is_not_done_times_out);
	tcase_add_test(t, logging_in_moves_the_stream_home);
	tcase_add_test(t, a_peer_may_break_off_on_the_way);
	tcase_add_test(t, passwords_are_hashed_elsewhere);
	tcase_add_test(t, streams_can_be_listed);
	return t;
}

Suite *
suite(void)
{
	Suite *s = suite_create("session");

	suite_add_tcase(s, bound_streams());
	suite_add_tcase(s, secure_streams());
	return s;
}
