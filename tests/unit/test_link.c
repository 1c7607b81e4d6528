/*
 * Links whose server is not there: what goes back, how long they rest.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "core/host.h"
#include "core/port.h"
#include "core/router.h"
#include "linnet/module.h"
#include "net/worker.h"
#include "entity_kit.h"
#include "s2s_kit.h"
#include "xmpp/link.h"
#include "xmpp/s2s.h"

Suite *suite(void);

static unsigned returned;
static enum ln_error last_error;

static void
delivered(struct ln_stanza *st)
{
	ck_assert_int_eq(ln_type(st), LN_TYPE_ERROR);
	last_error = ln_stanza_error(st);
	returned++;
}

static void
setup(void)
{
	entity_kit_delivered = delivered;
	returned = 0;
	s2s_kit_start();
}

static void
turns(void)
{
	for (int i = 0; i < 20; i++)
		s2s_kit_turn();
}

static void
advance(int64_t ms)
{
	clock_advance(ms);
	turns();
}

static void
submit(enum ln_kind kind, enum ln_type type, const char *to_text)
{
	struct arena *arena = arena_new(256);
	struct ln_stanza *st;
	struct ln_jid from, to;

	ck_assert_int_eq(ln_jid_make(arena, "anna", S2S_KIT_HOST, "x", &from), LN_JID_OK);
	ck_assert_int_eq(ln_jid_parse(arena, to_text, strlen(to_text), &to), LN_JID_OK);
	st = ln_stanza_new(kind, type, &from, &to);
	ln_set_id(st, "1");
	ln_add_text(ln_add(st, "body", NS_CLIENT), "x", "x");
	worker_enter(worker_get(0));
	router_route(st);
	arena_free(&arena);
	turns();
}

static struct link *
link_of(const char *remote)
{
	worker_enter(worker_get(0));
	return link_find(S2S_KIT_HOST, strlen(S2S_KIT_HOST), remote, strlen(remote));
}

START_TEST(returned_once_then_at_once)
{
	struct link *link;

	submit(LN_MESSAGE, LN_CHAT, "r@nowhere.example");
	ck_assert_uint_eq(returned, 1);
	ck_assert_int_eq(last_error, LN_ERR_REMOTE_SERVER_NOT_FOUND);
	link = link_of("nowhere.example");
	ck_assert_ptr_nonnull(link);
	ck_assert_int_eq(link->state, LINK_RESTS);
	ck_assert_uint_eq(link->failures, 1);
	submit(LN_MESSAGE, LN_CHAT, "s@nowhere.example");
	ck_assert_uint_eq(returned, 2);
	ck_assert_uint_eq(link->failures, 1); /* nobody was asked */
}
END_TEST

/* RFC 6120 §8.3.1: no error answers an error; and availability is not worth one. */
START_TEST(not_returned)
{
	submit(LN_MESSAGE, LN_TYPE_ERROR, "r@nowhere.example");
	submit(LN_IQ, LN_RESULT, "r@nowhere.example/x");
	submit(LN_PRESENCE, LN_UNAVAILABLE, "r@nowhere.example");
	submit(LN_PRESENCE, LN_PROBE, "r@nowhere.example");
	ck_assert_uint_eq(returned, 0);
	submit(LN_PRESENCE, LN_SUBSCRIBE, "r@nowhere.example");
	ck_assert_uint_eq(returned, 1);
}
END_TEST

START_TEST(rests_longer_each_time)
{
	int64_t rest = 0;

	for (unsigned i = 1; i <= 8; i++) {
		struct link *link;
		int64_t now_rests;

		submit(LN_MESSAGE, LN_CHAT, "r@nowhere.example");
		link = link_of("nowhere.example");
		ck_assert_uint_eq(link->failures, i);
		now_rests = link->rests_until - worker_now_ms();
		ck_assert_int_le(now_rests, 75000); /* a minute, and a quarter of jitter */
		if (i > 1 && i < 6)
			ck_assert_int_gt(now_rests, rest);
		rest = now_rests;
		advance(rest + 10);
	}
}
END_TEST

START_TEST(forgotten_in_the_end)
{
	submit(LN_MESSAGE, LN_CHAT, "r@nowhere.example");
	advance(2000);
	ck_assert_ptr_nonnull(link_of("nowhere.example"));
	advance(400000);
	ck_assert_ptr_null(link_of("nowhere.example"));
}
END_TEST

/* --- what was sent to a stream that broke --------------------------------------------------- */

static void
give_back(const char *remote, enum ln_type type, int64_t age)
{
	struct arena *arena = arena_new(256);
	struct ln_jid from, to;
	struct sending *sending;

	ck_assert_int_eq(ln_jid_make(arena, "anna", S2S_KIT_HOST, "x", &from), LN_JID_OK);
	ck_assert_int_eq(ln_jid_make(arena, "r", remote, "y", &to), LN_JID_OK);
	worker_enter(worker_get(0));
	sending = sending_new(ln_stanza_new(LN_IQ, type, &from, &to));
	sending->stamp -= age;
	link_return(sending);
	arena_free(&arena);
}

/* Who asked does not wait any more: he is told, and nothing is dialled for it. */
START_TEST(old_requests_are_returned)
{
	give_back("nowhere.example", LN_GET, 31000);
	give_back("nowhere.example", LN_SET, 31000);
	turns();
	ck_assert_uint_eq(returned, 2);
	ck_assert_int_eq(last_error, LN_ERR_REMOTE_SERVER_TIMEOUT);
	ck_assert_uint_eq(link_of("nowhere.example")->failures, 0);
	give_back("nowhere.example", LN_RESULT, 31000);
	give_back("nowhere.example", LN_GET, 1000);
	ck_assert_uint_eq(link_of("nowhere.example")->count, 2);
	turns();
}
END_TEST

/* --- too much --------------------------------------------------------------------------------- */

static unsigned said;

static void
hear(void *arg, const char *line)
{
	(void)arg;
	said += strstr(line, "too much waits") != NULL;
}

START_TEST(too_much_is_returned_and_said_once)
{
	struct link *link;

	worker_enter(worker_get(0));
	link = link_named(S2S_KIT_HOST, "nowhere.example");
	link->bytes += LINK_QUEUE_MAX + 1;
	log_capture(hear, NULL);
	log_set_level("s2s", LOG_LEVEL_WARNING);
	submit(LN_MESSAGE, LN_CHAT, "r@nowhere.example");
	submit(LN_IQ, LN_GET, "r@nowhere.example");
	log_capture(NULL, NULL);
	ck_assert_uint_eq(returned, 2);
	ck_assert_int_eq(last_error, LN_ERR_RESOURCE_CONSTRAINT);
	ck_assert_uint_eq(said, 1);
	link->bytes -= LINK_QUEUE_MAX + 1;
}
END_TEST

/* --- one that broke -------------------------------------------------------------------------- */

/* It is dialled again though nothing waits: are those who were seen there still there? */
START_TEST(a_broken_one_is_looked_for)
{
	struct link *link;

	worker_enter(worker_get(0));
	link = link_named(S2S_KIT_HOST, "nowhere.example");
	link_up(link, (struct port_ref){ 0 }, true);
	link_lost(link, "closed", false);
	turns();
	ck_assert_int_eq(link->state, LINK_IDLE);
	advance(60000);
	link_up(link, (struct port_ref){ 0 }, true);
	clock_advance(20000); /* it was steady: the next dial need not wait */
	link_lost(link, "eof", true);
	turns();
	ck_assert_int_eq(link->state, LINK_RESTS);
	ck_assert(!link->broken);
}
END_TEST

/* --- what a module sees --------------------------------------------------------------------- */

static const struct ln_module watch_module = { .name = "watch" };
static const struct ln_mod watch = { .def = &watch_module };
static unsigned calls, proofs;

static enum ln_verdict
forbids(const struct ln_mod *mod, struct ln_ev_server *ev)
{
	ck_assert_ptr_eq(mod, &watch);
	ck_assert_str_eq(ev->remote, "one.example");
	calls++;
	return LN_DONE;
}

static void
sees(const struct ln_mod *mod, struct ln_ev_server *ev)
{
	ck_assert_ptr_eq(mod, &watch);
	ck_assert_ptr_eq(ev->host, s2s_kit_host());
	ck_assert_str_eq(ev->remote, "two.example");
	ck_assert_str_eq(ev->how, "dialback");
	ck_assert(!ev->outgoing && !ev->secure);
	proofs++;
}

static const struct hook_entry forbidding = { &watch, { .server_out_connecting = forbids } };
static const struct hook_entry seeing = { &watch, { .server_authenticated = sees } };

START_TEST(a_module_forbids_to_call)
{
	s2s_kit_host()->chains[LN_EV_server_out_connecting] = (struct hook_chain){ 1, &forbidding };
	submit(LN_MESSAGE, LN_CHAT, "romeo@one.example");
	turns();
	ck_assert_uint_eq(calls, 1);
	ck_assert_uint_eq(returned, 1);
	ck_assert_int_eq(last_error, LN_ERR_NOT_ALLOWED);
}
END_TEST

/* A stream that two.example opened; `fds[1]` is its end. */
static struct peer *
accept_peer(int fds[2])
{
	struct netaddr from;
	struct peer *peer;

	ck_assert(netaddr_parse(&from, "127.0.0.1:5269"));
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	worker_enter(worker_get(0));
	s2s_accept(fds[0], &from, NULL);
	peer = peer_of(streams_first());
	peer_set_names(peer, S2S_KIT_HOST, "two.example");
	return peer;
}

START_TEST(a_module_sees_who_has_proven_himself)
{
	struct peer *peer;
	int fds[2];

	s2s_kit_host()->chains[LN_EV_server_authenticated] = (struct hook_chain){ 1, &seeing };
	peer = accept_peer(fds);
	pair_prove(peer, pair_add(peer, S2S_KIT_HOST, "two.example", PAIR_ASKED), "dialback");
	ck_assert_uint_eq(proofs, 1);
	close(fds[1]);
	turns();
}
END_TEST

/* --- routes of others (XEP-0288) ------------------------------------------------------------ */

/* What comes back to a link that has a route, as rows that are read after a start do, leaves. */
START_TEST(what_comes_back_while_it_is_up_leaves)
{
	struct peer *peer;
	int fds[2];

	peer = accept_peer(fds);
	link_offer(S2S_KIT_HOST, "two.example", port_ref(&peer->port));
	turns();
	ck_assert_int_eq(link_of("two.example")->state, LINK_UP);
	give_back("two.example", LN_RESULT, 0);
	ck_assert_uint_eq(link_of("two.example")->count, 1);
	turns();
	ck_assert_uint_eq(link_of("two.example")->count, 0);
	ck_assert_uint_eq(peer->count.sent, 1);
	close(fds[1]);
	turns();
}
END_TEST

/* The next route is used once all that the one before may give back is there, and not sooner. */
START_TEST(another_route_waits_for_the_fence)
{
	struct link *link;
	struct peer *peer;
	int fds[2];

	peer = accept_peer(fds);
	link_offer(S2S_KIT_HOST, "two.example", port_ref(&peer->port));
	turns();
	link = link_of("two.example");
	link_withdraw(S2S_KIT_HOST, "two.example", port_ref(&peer->port));
	link_offer(S2S_KIT_HOST, "two.example", port_ref(&peer->port));
	for (int i = 0; i < 20 && link->state == LINK_UP; i++)
		s2s_kit_turn();
	ck_assert_int_eq(link->state, LINK_IDLE);
	ck_assert_uint_eq(link->fences, 1);
	s2s_kit_turn();
	turns();
	ck_assert_uint_eq(link->fences, 0);
	ck_assert_int_eq(link->state, LINK_UP);
	close(fds[1]);
	turns();
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("link");
	TCase *tc = tcase_create("without a server");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, returned_once_then_at_once);
	tcase_add_test(tc, not_returned);
	tcase_add_test(tc, rests_longer_each_time);
	tcase_add_test(tc, forgotten_in_the_end);
	tcase_add_test(tc, old_requests_are_returned);
	tcase_add_test(tc, too_much_is_returned_and_said_once);
	tcase_add_test(tc, a_broken_one_is_looked_for);
	tcase_add_test(tc, what_comes_back_while_it_is_up_leaves);
	tcase_add_test(tc, another_route_waits_for_the_fence);
	tcase_add_test(tc, a_module_forbids_to_call);
	tcase_add_test(tc, a_module_sees_who_has_proven_himself);
	suite_add_tcase(s, tc);
	return s;
}
