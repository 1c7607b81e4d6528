/*
 * The negotiation of client streams: headers, features, SASL, binding, and
 * every way in which it ends with a stream error.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "client_kit.h"
#include "net/worker.h"
#include "xmpp/c2s.h"
#include "xmpp/errors.h"

Suite *suite(void);

#define SASL "urn:ietf:params:xml:ns:xmpp-sasl"
#define ERROR(condition) \
	"<stream:error><" condition " xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
#define AUTH(mechanism, data) "<auth xmlns='" SASL "' mechanism='" mechanism "'>" data "</auth>"
#define FAILURE(condition) "<failure xmlns='" SASL "'><" condition "/></failure>"

static struct peer *peer;

static void
start(void)
{
	kit_start(1);
	kit_add_account("anna");
	peer = peer_new(0);
}

static void
stop(void)
{
	peer_free(&peer);
	kit_stop();
}

static void
open_stream(void)
{
	peer_send(peer, KIT_HEADER);
	peer_expect(peer, "</stream:features>");
}

/* --- headers ------------------------------------------------------------------------ */

START_TEST(our_header_answers_theirs)
{
	peer_send(peer,
	    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
	    "xmlns:stream='http://etherx.jabber.org/streams' to='EXAMPLE.org' "
	    "from='anna@example.org' version='1.7'>");
	peer_expect(peer,
	    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
	    "xmlns:stream='http://etherx.jabber.org/streams' id='");
	peer_expect(peer,
	    "' from='example.org' to='anna@example.org' version='1.0' "
	    "xml:lang='en'><stream:features>");
	peer_expect(peer, "<mechanism>X-TRUST</mechanism>");
	peer_expect(peer, "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>16384</max-bytes>");
}
END_TEST

#define HEADER(ns, stream_ns, more) \
	"<stream:stream xmlns='" ns "' xmlns:stream='" stream_ns "' " more ">"
#define STREAMS "http://etherx.jabber.org/streams"

static const struct {
	const char *header, *condition;
} bad_headers[] = {
	{ HEADER("jabber:client", STREAMS, "to='example.net' version='1.0'"), "host-unknown" },
	{ HEADER("jabber:client", STREAMS, "version='1.0'"), "improper-addressing" },
	{ HEADER("jabber:client", STREAMS, "to='a@b' version='1.0'"), "improper-addressing" },
	{ HEADER("jabber:client", STREAMS, "to='' version='1.0'"), "improper-addressing" },
	{ HEADER("jabber:server", STREAMS, "to='example.org' version='1.0'"), "invalid-namespace" },
	{ HEADER("urn:x", STREAMS, "to='example.org' version='1.0'"), "invalid-namespace" },
	{ HEADER("jabber:client", "urn:y", "to='example.org' version='1.0'"), "invalid-namespace" },
	{ HEADER("jabber:client", STREAMS, "to='example.org'"), "unsupported-version" },
	{ HEADER("jabber:client", STREAMS, "to='example.org' version='0.9'"),
	    "unsupported-version" },
	{ HEADER("jabber:client", STREAMS, "to='example.org' version='x'"), "unsupported-version" },
	{ "<foo xmlns='jabber:client'>", "invalid-namespace" },
	{ "<s:strom xmlns:s='" STREAMS "' xmlns='jabber:client'>", "bad-format" },
	{ "GET / HTTP/1.1\r\n\r\n", "not-well-formed" },
	{ "<?xml version='1.0' encoding='ISO-8859-1'?><a/>", "unsupported-encoding" },
	{ "<!DOCTYPE x []><x/>", "restricted-xml" },
	{ "<!-- x --><x/>", "restricted-xml" },
};

START_TEST(bad_headers_get_a_header_and_an_error)
{
	char error[200];

	peer_send(peer, bad_headers[_i].header);
	peer_expect(peer, "<stream:stream xmlns='jabber:client'");
	snprintf(error, sizeof error, ERROR("%s"), bad_headers[_i].condition);
	peer_expect(peer, error);
	peer_expect(peer, "</stream:error></stream:stream>");
	peer_expect_end(peer);
}
END_TEST

START_TEST(white_space_is_no_harm)
{
	open_stream();
	peer_send(peer, " \n\t ");
	peer_quiet(peer);
	peer_send(peer, AUTH("X-TRUST", "YW5uYQ=="));
	peer_expect(peer, "<success");
}
END_TEST

START_TEST(closing_is_answered)
{
	open_stream();
	peer_send(peer, "</stream:stream>");
	peer_expect(peer, "</stream:stream>");
	peer_expect_end(peer);
}
END_TEST

/* --- before its time ------------------------------------------------------------------- */

static const struct {
	const char *element, *condition;
} early[] = {
	{ "<message to='a@b'/>", "not-authorized" },
	{ "<presence/>", "not-authorized" },
	{ "<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>", "not-authorized" },
	{ "<foo xmlns='urn:foo'/>", "unsupported-stanza-type" },
	{ "<foo/>", "unsupported-stanza-type" },
	{ "<enable xmlns='urn:xmpp:sm:3'/>", "unsupported-stanza-type" },
	{ "hello", "bad-format" },
	{ "<a><b></a>", "not-well-formed" },
	{ "<!-- x -->", "restricted-xml" },
	{ "<?x y?>", "restricted-xml" },
	{ "<a>&x;</a>", "restricted-xml" },
	{ "<message xmlns='jabber:server'/>", "invalid-namespace" },
};

START_TEST(nothing_passes_before_login)
{
	char error[200];

	open_stream();
	peer_send(peer, early[_i].element);
	snprintf(error, sizeof error, ERROR("%s"), early[_i].condition);
	peer_expect(peer, error);
	peer_expect_end(peer);
}
END_TEST

START_TEST(elements_are_small_before_login)
{
	static char big[20000];

	open_stream();
	memset(big, 'a', sizeof big - 1);
	peer_send(peer, "<auth xmlns='" SASL "' mechanism='X-TRUST'>");
	peer_send(peer, big);
	peer_expect(peer, ERROR("policy-violation"));
	peer_expect_end(peer);
}
END_TEST

START_TEST(few_bytes_pass_before_login)
{
	open_stream();
	for (int i = 0; i < 1000; i++) {
		peer_send(peer, "<iq type='get' id='1'><query xmlns='jabber:iq:auth'/></iq>");
		peer_expect(peer, "<not-allowed");
	}
	for (int i = 0; i < 8; i++) {
		for (int j = 0; j < 1000; j++)
			peer_send(peer, "          ");
		peer_send(peer, "<iq type='get' id='1'><query xmlns='jabber:iq:auth'/></iq>");
	}
	peer_expect(peer, ERROR("policy-violation"));
}
END_TEST

START_TEST(the_old_login_is_told_that_it_is_not_allowed)
{
	open_stream();
	peer_send(peer, "<iq type='get' id='x1'><query xmlns='jabber:iq:auth'/></iq>");
	peer_expect(peer, "<iq type='error' id='x1'><error type='cancel'><not-allowed");
}
END_TEST

START_TEST(time_to_log_in_ends)
{
	open_stream();
	clock_advance(29000);
	kit_turn();
	peer_quiet(peer);
	clock_advance(2000);
	peer_expect(peer, ERROR("connection-timeout"));
	peer_expect_end(peer);
}
END_TEST

/* --- SASL ------------------------------------------------------------------------------- */

static const struct {
	const char *auth, *answer;
} attempts[] = {
	{ AUTH("X-NONE", "YQ=="), FAILURE("invalid-mechanism") },
	{ "<auth xmlns='" SASL "'>YQ==</auth>", FAILURE("invalid-mechanism") },
	{ AUTH("PLAIN", "AGFubmEAc2VjcmV0"), FAILURE("encryption-required") },
	{ AUTH("SCRAM-SHA-1-PLUS", "YQ=="), FAILURE("encryption-required") },
	{ AUTH("X-TRUST", "YQ="), FAILURE("incorrect-encoding") },
	{ AUTH("X-TRUST", "Y Q=="), FAILURE("incorrect-encoding") },
	{ AUTH("X-TRUST", "Ym9i"), FAILURE("not-authorized") },
	{ AUTH("SCRAM-SHA-1", "YQ=="), FAILURE("malformed-request") },
	{ AUTH("X-TRUST", "") "<abort xmlns='" SASL "'/>", FAILURE("aborted") },
	{ AUTH("X-TRUST", "") AUTH("X-TRUST", ""), FAILURE("malformed-request") },
	{ "<response xmlns='" SASL "'>YQ==</response>", FAILURE("malformed-request") },
	{ "<abort xmlns='" SASL "'/>", FAILURE("aborted") },
};

START_TEST(failures_say_why_and_another_try_is_allowed)
{
	open_stream();
	peer_send(peer, attempts[_i].auth);
	peer_expect(peer, attempts[_i].answer);
	peer_send(peer, AUTH("X-TRUST", "YW5uYQ=="));
	peer_expect(peer, "<success xmlns='" SASL "'>aGVsbG8=</success>");
}
END_TEST

START_TEST(without_initial_response_there_is_an_empty_challenge)
{
	open_stream();
	peer_send(peer, AUTH("X-TRUST", ""));
	peer_expect(peer, "<challenge xmlns='" SASL "'></challenge>");
	peer_send(peer, "<response xmlns='" SASL "'>=</response>");
	peer_expect(peer, "<challenge xmlns='" SASL "'>d2hvPw==</challenge>");
	peer_send(peer, "<response xmlns='" SASL "'>YW5uYQ==</response>");
	peer_expect(peer, "<success");
}
END_TEST

START_TEST(five_failures_are_enough)
{
	open_stream();
	for (int i = 0; i < 5; i++) {
		peer_send(peer, AUTH("X-TRUST", "Ym9i"));
		peer_expect(peer, FAILURE("not-authorized"));
	}
	peer_expect(peer, ERROR("policy-violation"));
	peer_expect_end(peer);
}
END_TEST

START_TEST(an_address_that_failed_too_often_is_refused)
{
	kit_conf.login_per_address = (struct ln_rate){ 2, 60000 };
	kit_publish(true);
	open_stream();
	for (int i = 0; i < 2; i++) {
		peer_send(peer, AUTH("X-TRUST", "Ym9i"));
		peer_expect(peer, FAILURE("not-authorized"));
	}
	peer_send(peer, AUTH("X-TRUST", "YW5uYQ=="));
	peer_expect(peer, FAILURE("temporary-auth-failure"));
	clock_advance(29000);
	kit_turn();
	clock_advance(29000);
	peer_free(&peer);
	peer = peer_new(0);
	open_stream();
	peer_send(peer, AUTH("X-TRUST", "YW5uYQ=="));
	peer_expect(peer, "<success");
}
END_TEST

START_TEST(an_account_that_is_guessed_at_is_slow_for_everybody)
{
	kit_conf.login_per_account = (struct ln_rate){ 1, 20000 };
	kit_publish(true);
	open_stream();
	peer_send(peer, AUTH("X-TRUST", "Ym9i"));
	peer_expect(peer, FAILURE("not-authorized"));
	peer_send(peer, AUTH("X-TRUST", "Ym9i"));
	peer_quiet(peer);
	clock_advance(20100);
	peer_expect(peer, FAILURE("not-authorized"));
	kit_add_account("bob");
	peer_send(peer, AUTH("X-TRUST", "YW5uYQ=="));
	peer_expect(peer, "<success");
}
END_TEST

START_TEST(a_success_waits_as_well)
{
	kit_conf.login_per_account = (struct ln_rate){ 1, 20000 };
	kit_publish(true);
	open_stream();
	for (int i = 0; i < 2; i++) {
		peer_send(peer, AUTH("X-TRUST", "Ym9i"));
		clock_advance(i * 21000);
		peer_expect(peer, FAILURE("not-authorized"));
	}
	peer_send(peer, AUTH("X-TRUST", "Ym9i"));
	kit_add_account("bob");
	peer_free(&peer);
	peer = peer_new(0);
	open_stream();
	peer_send(peer, AUTH("X-TRUST", "Ym9i"));
	peer_quiet(peer);
	clock_advance(20100);
	peer_expect(peer, "<success");
}
END_TEST

START_TEST(what_is_pipelined_waits_for_its_time)
{
	peer_send(peer,
	    KIT_HEADER AUTH("X-TRUST", "YW5uYQ==") KIT_HEADER
	    "<iq type='set' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"
	    "<presence/><message id='m1'/>");
	peer_expect(peer, "<success");
	peer_expect(peer, "<stream:stream ");
	peer_expect(peer, "<iq type='result' id='b1'>");
	kit_turn();
	ck_assert_str_eq(kit_ups(),
	    "bind anna@example.org -\nstanza available -\nstanza normal m1\n");
}
END_TEST

/* --- binding ------------------------------------------------------------------------------- */

START_TEST(features_after_login)
{
	peer_send(peer, KIT_HEADER);
	peer_expect(peer, "</stream:features>");
	peer_send(peer, AUTH("X-TRUST", "YW5uYQ=="));
	peer_expect(peer, "<success");
	peer_send(peer, KIT_HEADER);
	peer_expect(peer, "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>");
	peer_expect(peer, "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/>");
	peer_expect(peer, "<sm xmlns='urn:xmpp:sm:3'/>");
	peer_expect(peer, "<ver xmlns='urn:xmpp:features:rosterver'/>");
	peer_expect(peer, "<max-bytes>262144</max-bytes>");
}
END_TEST

START_TEST(binding_gives_a_full_address)
{
	peer_login(peer, "anna");
	peer_send(peer,
	    "<iq type='set' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
	    "<resource>home</resource></bind></iq>");
	peer_expect(peer,
	    "<iq type='result' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
	    "<jid>anna@example.org/home</jid></bind></iq>");
	ck_assert_str_eq(kit_ups(), "bind anna@example.org home\n");
}
END_TEST

START_TEST(a_refused_binding_may_be_tried_again)
{
	kit_refuses = true;
	peer_login(peer, "anna");
	peer_send(peer,
	    "<iq type='set' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
	peer_expect(peer,
	    "<iq type='error' id='b1'><error type='cancel'><conflict "
	    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>");
	kit_refuses = false;
	peer_send(peer,
	    "<iq type='set' id='b2'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
	peer_expect(peer, "<iq type='result' id='b2'>");
}
END_TEST

static const struct {
	const char *element, *answer;
} before_binding[] = {
	{ "<message to='a@b'/>", ERROR("not-authorized") },
	{ "<presence/>", ERROR("not-authorized") },
	{ "<iq type='set' id='1'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>",
	    ERROR("not-authorized") },
	{ "<iq type='set' id='1' to='bob@example.org'>"
	  "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
	    ERROR("not-authorized") },
	{ "<iq type='get' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
	    "<iq type='error' id='1'><error type='modify'><bad-request" },
	{ "<enable xmlns='urn:xmpp:sm:3'/>", "<failed xmlns='urn:xmpp:sm:3'><unexpected-request" },
	{ "<resume xmlns='urn:xmpp:sm:3' h='x' previd='a'/>",
	    "<failed xmlns='urn:xmpp:sm:3'><bad-request" },
	{ AUTH("X-TRUST", "YW5uYQ=="), ERROR("unsupported-stanza-type") },
};

START_TEST(only_binding_comes_before_binding)
{
	peer_login(peer, "anna");
	peer_send(peer, before_binding[_i].element);
	peer_expect(peer, before_binding[_i].answer);
}
END_TEST

START_TEST(resuming_instead_of_binding)
{
	peer_login(peer, "anna");
	peer_send(peer, "<resume xmlns='urn:xmpp:sm:3' h='4' previd='sm1'/>");
	peer_expect(peer, "<resumed xmlns='urn:xmpp:sm:3' previd='sm1' h='5'/>");
	ck_assert_str_eq(kit_ups(), "resume sm1 4\n");
	peer_send(peer, "<a xmlns='urn:xmpp:sm:3' h='9'/>");
	for (int i = 0; i < 3; i++)
		kit_turn();
	ck_assert_str_eq(kit_ups(), "acked 9\n");
}
END_TEST

START_TEST(what_cannot_be_resumed_can_be_bound)
{
	kit_refuses = true;
	peer_login(peer, "anna");
	peer_send(peer, "<resume xmlns='urn:xmpp:sm:3' h='4' previd='sm1'/>");
	peer_expect(peer,
	    "<failed xmlns='urn:xmpp:sm:3' h='3'><item-not-found "
	    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>");
	kit_refuses = false;
	peer_send(peer,
	    "<iq type='set' id='b2'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
	peer_expect(peer, "<iq type='result' id='b2'>");
}
END_TEST

START_TEST(a_session_that_never_answers_ends_the_stream)
{
	kit_silent = true;
	peer_login(peer, "anna");
	peer_send(peer,
	    "<iq type='set' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
	peer_quiet(peer);
	clock_advance(61000);
	peer_expect(peer, ERROR("connection-timeout"));
}
END_TEST

START_TEST(a_header_of_somebody_else_after_login)
{
	open_stream();
	peer_send(peer, AUTH("X-TRUST", "YW5uYQ=="));
	peer_expect(peer, "<success");
	peer_send(peer,
	    HEADER("jabber:client", STREAMS,
		"to='example.org' from='bob@example.org' version='1.0'"));
	peer_expect(peer, ERROR("invalid-from"));
}
END_TEST

/* --- limits and ends -------------------------------------------------------------------------- */

START_TEST(connections_of_an_address_are_counted_until_login)
{
	struct peer *second, *third;

	peer_free(&peer);
	kit_conf.connections_per_address = 2;
	kit_publish(true);
	peer = peer_new(0);
	second = peer_new(0);
	third = peer_new(0);
	peer_expect(third, ERROR("policy-violation"));
	peer_free(&third);
	peer_login(second, "anna");
	third = peer_new(0);
	peer_send(third, KIT_HEADER);
	peer_expect(third, "</stream:features>");
	peer_free(&third);
	third = peer_new(0);
	peer_send(third, KIT_HEADER);
	peer_expect(third, "</stream:features>");
	peer_free(&third);
	peer_free(&second);
}
END_TEST

START_TEST(a_host_that_goes_ends_its_streams)
{
	open_stream();
	kit_publish(false);
	peer_expect(peer, ERROR("host-gone"));
	peer_expect_end(peer);
}
END_TEST

START_TEST(a_peer_that_breaks_off_at_any_step_leaves_nothing)
{
	static const char *const steps[] = {
		"<stream:str",
		KIT_HEADER,
		KIT_HEADER "<auth xmlns='" SASL "'",
		KIT_HEADER AUTH("X-TRUST", ""),
		KIT_HEADER AUTH("X-TRUST", "YW5uYQ=="),
		KIT_HEADER AUTH("X-TRUST", "YW5uYQ==") KIT_HEADER
		"<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
	};

	for (unsigned i = 0; i < sizeof steps / sizeof *steps; i++) {
		struct peer *brief = peer_new(0);

		peer_send(brief, steps[i]);
		peer_free(&brief);
	}
}
END_TEST

START_TEST(every_error_is_written_and_found_by_its_name)
{
	struct buf out = BUF_INIT;

	for (int i = 0; i < STREAM_ERROR_COUNT; i++) {
		const char *condition = stream_error_condition((enum stream_error)i);

		buf_reset(&out);
		stream_error_write(&out, (enum stream_error)i, NULL, NULL);
		ck_assert_ptr_nonnull(strstr(out.data, condition));
		ck_assert_int_eq(stream_error_of(condition), i);
	}
	buf_free(&out);
	ck_assert_int_eq(stream_error_of("nonsense"), STREAM_UNDEFINED_CONDITION);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

Suite *
suite(void)
{
	Suite *s = suite_create("negotiate");
	TCase *t = tcase_create("negotiate");

	tcase_add_checked_fixture(t, start, stop);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, our_header_answers_theirs);
	tcase_add_loop_test(t, bad_headers_get_a_header_and_an_error, 0, COUNT(bad_headers));
	tcase_add_test(t, white_space_is_no_harm);
	tcase_add_test(t, closing_is_answered);
	tcase_add_loop_test(t, nothing_passes_before_login, 0, COUNT(early));
	tcase_add_test(t, elements_are_small_before_login);
	tcase_add_test(t, few_bytes_pass_before_login);
	tcase_add_test(t, the_old_login_is_told_that_it_is_not_allowed);
	tcase_add_test(t, time_to_log_in_ends);
	tcase_add_loop_test(t, failures_say_why_and_another_try_is_allowed, 0, COUNT(attempts));
	tcase_add_test(t, without_initial_response_there_is_an_empty_challenge);
	tcase_add_test(t, five_failures_are_enough);
	tcase_add_test(t, an_address_that_failed_too_often_is_refused);
	tcase_add_test(t, an_account_that_is_guessed_at_is_slow_for_everybody);
	tcase_add_test(t, a_success_waits_as_well);
	tcase_add_test(t, what_is_pipelined_waits_for_its_time);
	tcase_add_test(t, features_after_login);
	tcase_add_test(t, binding_gives_a_full_address);
	tcase_add_test(t, a_refused_binding_may_be_tried_again);
	tcase_add_loop_test(t, only_binding_comes_before_binding, 0, COUNT(before_binding));
	tcase_add_test(t, resuming_instead_of_binding);
	tcase_add_test(t, what_cannot_be_resumed_can_be_bound);
	tcase_add_test(t, a_session_that_never_answers_ends_the_stream);
	tcase_add_test(t, a_header_of_somebody_else_after_login);
	tcase_add_test(t, connections_of_an_address_are_counted_until_login);
	tcase_add_test(t, a_host_that_goes_ends_its_streams);
	tcase_add_test(t, a_peer_that_breaks_off_at_any_step_leaves_nothing);
	tcase_add_test(t, every_error_is_written_and_found_by_its_name);
	suite_add_tcase(s, t);
	return s;
}
