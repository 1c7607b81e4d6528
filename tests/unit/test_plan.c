/*
 * From a domain to a connection without a network of names: plans (RFC 2782,
 * XEP-0368), the resolver's bookkeeping, dialling (RFC 8305). A fake answers
 * for DNS; the connections are real, on loopback.
 *
 * SPDX-License-Identifier: MIT
 */
#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "dns_kit.h"
#include "net/conn.h"
#include "net/dial.h"
#include "net/plan.h"
#include "net/resolver.h"
#include "net/worker.h"

Suite *suite(void);

/* --- a fake of DNS -------------------------------------------------------------------------- */

/* `text`: an address; "PRIORITY WEIGHT PORT TARGET"; "tlsa"; "!" and a status. */
struct row {
	const char *name;
	enum dns_type type;
	const char *text;
};

static struct {
	struct row rows[64];
	unsigned count, asked;
	bool secure;
} zone;

static void
zone_add(const char *name, enum dns_type type, const char *text)
{
	zone.rows[zone.count++] = (struct row){ name, type, text };
}

static void
add_record(struct dns_message *m, const struct row *row)
{
	unsigned long numbers[3]; /* priority, weight, port */
	uint8_t address[16];

	if (row->type == DNS_SRV) {
		const char *at = row->text;

		for (int i = 0; i < 3; i++) {
			char *end;

			numbers[i] = strtoul(at, &end, 10);
			ck_assert_ptr_ne(end, at);
			at = end;
		}
		dns_message_srv(m, row->name, (unsigned)numbers[0], (unsigned)numbers[1],
		    (unsigned)numbers[2], *at == ' ' ? at + 1 : at);
	} else if (row->type == DNS_TLSA) {
		dns_message_add(m, row->name, DNS_TLSA, 60, "\3\1\1\253\315", 5);
	} else {
		inet_pton(row->type == DNS_A ? AF_INET : AF_INET6, row->text, address);
		dns_message_add(m, row->name, row->type, 60, address, row->type == DNS_A ? 4 : 16);
	}
}

static struct dns_answer *
failure(const struct row *row)
{
	static const struct {
		const char *text;
		enum dns_status status;
	} words[] = { { "!failed", DNS_FAILED }, { "!bogus", DNS_BOGUS },
		{ "!silent", DNS_TIMEOUT } };

	for (unsigned i = 0; i < 3; i++)
		if (strcmp(row->text, words[i].text) == 0)
			return words[i].status == DNS_TIMEOUT
			    ? NULL
			    : dns_answer_new(row->name, row->type, words[i].status, NULL);
	ck_abort();
}

static struct dns_answer *
fake(const char *name, enum dns_type type)
{
	struct dns_message m = dns_message(name, type, 0);
	struct dns_answer *answer;

	zone.asked++;
	for (unsigned i = 0; i < zone.count; i++) {
		const struct row *row = &zone.rows[i];

		if (row->type != type || strcmp(row->name, name) != 0)
			continue;
		if (row->text[0] == '!') {
			buf_free(&m.bytes);
			return failure(row);
		}
		add_record(&m, row);
	}
	answer = dns_decode(name, type, m.bytes.data, m.bytes.len, zone.secure);
	buf_free(&m.bytes);
	return answer;
}

static struct worker *worker;

static void
begin(void)
{
	memset(&zone, 0, sizeof zone);
	zone.secure = true;
	resolver_init();
	resolver_set_fake(fake);
	workers_start_unthreaded(1);
	worker = worker_get(0);
	worker_enter(worker);
}

static void
turn(void)
{
	worker_enter(worker_main());
	worker_turn(worker_main(), false);
	worker_enter(worker);
	worker_turn(worker, false);
}

static void
end(void)
{
	worker_enter(worker_main());
	resolver_close();
	worker_enter(worker);
	for (int i = 0; i < 5; i++)
		turn();
	worker_enter(worker_main());
	resolver_free();
	workers_stop();
	resolver_set_fake(NULL);
}

/* --- the resolver ------------------------------------------------------------------------------ */

struct asked {
	unsigned count;
	enum dns_status status;
	bool secure;
};

static void
on_answer(void *arg, const struct dns_answer *answer)
{
	struct asked *asked = arg;

	asked->count++;
	asked->status = answer->status;
	asked->secure = answer->secure;
}

START_TEST(equal_questions_are_one)
{
	struct asked a = { 0 }, b = { 0 }, c = { 0 };

	begin();
	zone_add("host.example", DNS_A, "!silent");
	resolver_ask("host.example", DNS_A, on_answer, &a);
	resolver_ask("HOST.example.", DNS_A, on_answer, &b);
	resolver_ask("host.example", DNS_AAAA, on_answer, &c);
	ck_assert_uint_eq(a.count + b.count + c.count, 0);
	turn();
	turn();
	ck_assert_uint_eq(zone.asked, 2);
	ck_assert_uint_eq(c.count, 1);
	ck_assert_int_eq(c.status, DNS_NONE);
	ck_assert(c.secure);
	end();
}
END_TEST

START_TEST(each_waits_five_seconds_at_most)
{
	struct asked first = { 0 }, second = { 0 };

	begin();
	zone_add("host.example", DNS_A, "!silent");
	resolver_ask("host.example", DNS_A, on_answer, &first);
	turn();
	clock_advance(3000);
	turn();
	resolver_ask("host.example", DNS_A, on_answer, &second);
	turn();
	clock_advance(2100);
	turn();
	turn();
	ck_assert_uint_eq(first.count, 1);
	ck_assert_int_eq(first.status, DNS_TIMEOUT);
	ck_assert_uint_eq(second.count, 0);
	clock_advance(3000);
	turn();
	turn();
	ck_assert_uint_eq(second.count, 1);
	ck_assert_int_eq(second.status, DNS_TIMEOUT);
	end();
}
END_TEST

START_TEST(who_cancels_hears_nothing)
{
	struct asked asked = { 0 };
	uint64_t id;

	begin();
	zone_add("host.example", DNS_A, "192.0.2.1");
	id = resolver_ask("host.example", DNS_A, on_answer, &asked);
	resolver_cancel(id);
	turn();
	turn();
	ck_assert_uint_eq(asked.count, 0);
	resolver_cancel(id);
	resolver_cancel(0);
	end();
}
END_TEST

START_TEST(what_is_no_name_fails)
{
	struct asked asked = { 0 };
	char name[400];

	begin();
	memset(name, 'a', sizeof name);
	name[sizeof name - 1] = '\0';
	resolver_ask(name, DNS_A, on_answer, &asked);
	resolver_ask("", DNS_A, on_answer, &asked);
	resolver_ask(".", DNS_A, on_answer, &asked);
	resolver_ask("a..example", DNS_A, on_answer, &asked);
	resolver_ask(".example", DNS_A, on_answer, &asked);
	name[64] = '\0';
	resolver_ask(name, DNS_A, on_answer, &asked);
	turn();
	turn();
	ck_assert_uint_eq(asked.count, 6);
	ck_assert_int_eq(asked.status, DNS_FAILED);
	end();
}
END_TEST

START_TEST(names_at_a_time_are_bounded)
{
	struct asked waiting = { 0 }, refused = { 0 };
	static char names[RESOLVER_NAMES_MAX][32];

	begin();
	for (int i = 0; i < RESOLVER_NAMES_MAX; i++) {
		snprintf(names[i], sizeof names[i], "n%d.example", i);
		zone.count = 0;
		zone_add(names[i], DNS_A, "!silent");
		resolver_ask(names[i], DNS_A, on_answer, &waiting);
		worker_turn(worker, false);
		worker_enter(worker_main());
		worker_turn(worker_main(), false);
		worker_enter(worker);
	}
	resolver_ask("one.more.example", DNS_A, on_answer, &refused);
	turn();
	turn();
	ck_assert_uint_eq(refused.count, 1);
	ck_assert_int_eq(refused.status, DNS_BUSY);
	ck_assert_uint_eq(waiting.count, 0);
	clock_advance(RESOLVER_DEADLINE_MS);
	turn();
	turn();
	ck_assert_uint_eq(waiting.count, RESOLVER_NAMES_MAX);
	end();
}
END_TEST

/* --- plans --------------------------------------------------------------------------------------- */

static const struct dns_answer *
srv_answer(const char *service, const char *const *texts)
{
	char name[64];

	snprintf(name, sizeof name, "%s._tcp.example.org", service);
	zone.count = 0;
	for (; *texts != NULL; texts++)
		zone_add(name, DNS_SRV, *texts);
	return fake(name, DNS_SRV);
}

static void
make_plan(struct plan *plan, const char *const *xmpps, const char *const *xmpp)
{
	const struct dns_answer *a, *b;

	zone.secure = true;
	a = srv_answer("_xmpps-server", xmpps);
	b = srv_answer("_xmpp-server", xmpp);
	plan_make(plan, "example.org", a, b, NULL);
	dns_answer_unref(&a);
	dns_answer_unref(&b);
}

#define LIST(...) ((const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

START_TEST(both_services_are_one_set)
{
	struct plan plan;

	make_plan(&plan, LIST("20 0 443 c.example"),
	    LIST("10 0 5269 b.example", "5 0 5270 a.example", "30 0 5271 d.example"));
	ck_assert_int_eq(plan.status, PLAN_TARGETS);
	ck_assert_uint_eq(plan.count, 4);
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_int_eq(plan.targets[i].host[0], "abcd"[i]);
		ck_assert_int_eq(plan.targets[i].direct_tls, i == 2);
		ck_assert(plan.targets[i].srv && plan.targets[i].secure);
	}
	ck_assert_uint_eq(plan.targets[2].port, 443);
}
END_TEST

static const struct {
	const char *xmpps, *xmpp; /* NULL: none */
	enum plan_status status;
	unsigned count;
	bool srv;
} outcomes[] = {
	{ NULL, NULL, PLAN_TARGETS, 1, false },
	{ NULL, "1 1 5269 a.example", PLAN_TARGETS, 1, true },
	{ "1 1 443 a.example", NULL, PLAN_TARGETS, 1, true },
	/* "." is no service, and no reason to try the domain itself (XEP-0368 §4) */
	{ NULL, "0 0 0", PLAN_NO_SERVICE, 0, false },
	{ "0 0 0", NULL, PLAN_NO_SERVICE, 0, false },
	{ "0 0 0", "0 0 0", PLAN_NO_SERVICE, 0, false },
	{ "0 0 0", "1 1 5269 a.example", PLAN_TARGETS, 1, true },
	{ NULL, "1 1 0 a.example", PLAN_NO_SERVICE, 0, false },
	/* a failure is never "no record" */
	{ "!failed", NULL, PLAN_FAILED, 0, false },
	{ NULL, "!bogus", PLAN_FAILED, 0, false },
	{ "!failed", "0 0 0", PLAN_FAILED, 0, false },
	{ "!bogus", "!bogus", PLAN_FAILED, 0, false },
	{ "!failed", "1 1 5269 a.example", PLAN_TARGETS, 1, true },
};

START_TEST(what_two_look_ups_come_to)
{
	struct plan plan;

	make_plan(&plan, LIST(outcomes[_i].xmpps), LIST(outcomes[_i].xmpp));
	ck_assert_int_eq(plan.status, outcomes[_i].status);
	ck_assert_uint_eq(plan.count, outcomes[_i].count);
	ck_assert_int_ne(plan.reason[0], '\0');
	if (plan.count == 0)
		return;
	ck_assert_int_eq(plan.targets[0].srv, outcomes[_i].srv);
	if (!plan.targets[0].srv) {
		ck_assert_str_eq(plan.targets[0].host, "example.org");
		ck_assert_uint_eq(plan.targets[0].port, 5269);
	}
}
END_TEST

#define ROUNDS 20000

/* How often each of a, b, c comes first, in percent. */
START_TEST(chance_follows_the_weights)
{
	unsigned first[3] = { 0 }, second[3] = { 0 };
	struct plan plan;

	for (int i = 0; i < ROUNDS; i++) {
		make_plan(&plan, LIST("1 10 443 a.example"),
		    LIST("1 30 1 b.example", "1 60 1 c.example"));
		first[plan.targets[0].host[0] - 'a']++;
		second[plan.targets[1].host[0] - 'a']++;
	}
	ck_assert_int_lt(abs((int)first[0] - ROUNDS / 10), ROUNDS / 50);
	ck_assert_int_lt(abs((int)first[1] - ROUNDS * 3 / 10), ROUNDS / 50);
	ck_assert_int_lt(abs((int)first[2] - ROUNDS * 6 / 10), ROUNDS / 50);
	/* behind c (6/10) comes b in 3 of 4, behind a (1/10) in 1 of 3: 48.3 % */
	ck_assert_int_lt(abs((int)second[1] - ROUNDS * 483 / 1000), ROUNDS / 50);
}
END_TEST

START_TEST(weight_nothing_is_a_small_chance)
{
	unsigned zero_first = 0;
	struct plan plan;

	for (int i = 0; i < ROUNDS; i++) {
		make_plan(&plan, LIST(NULL), LIST("1 0 1 z.example", "1 9 1 a.example"));
		zero_first += plan.targets[0].host[0] == 'z';
	}
	ck_assert_int_lt(abs((int)zero_first - ROUNDS / 10), ROUNDS / 50);
}
END_TEST

START_TEST(all_weights_nothing_take_turns)
{
	unsigned a_last = 0;
	struct plan plan;

	for (int i = 0; i < 1000; i++) {
		make_plan(&plan, LIST(NULL), LIST("1 0 1 a.example", "1 0 1 b.example"));
		ck_assert_uint_eq(plan.count, 2);
		a_last += plan.targets[1].host[0] == 'a';
	}
	ck_assert_uint_le(a_last, 1000);
}
END_TEST

START_TEST(targets_are_bounded)
{
	const char *texts[61];
	char lines[60][64];
	struct plan plan;

	for (int i = 0; i < 60; i++) {
		snprintf(lines[i], sizeof lines[i], "%d 0 1 h%d.example", i, i);
		texts[i] = lines[i];
	}
	texts[60] = NULL;
	make_plan(&plan, LIST(NULL), texts);
	ck_assert_uint_eq(plan.count, PLAN_TARGETS_MAX);
	ck_assert_str_eq(plan.targets[PLAN_TARGETS_MAX - 1].host, "h15.example");
}
END_TEST

/* --- dialling -------------------------------------------------------------------------------------- */

/* What a dial told, last. */
struct dialled {
	unsigned count;
	struct conn *conn;
	struct plan_target target;
	bool tlsa;
	enum dial_failure failure;
	char reason[2000];
	bool closed;
};

static void
got(struct conn *conn, const char *bytes, size_t len)
{
	(void)conn;
	(void)bytes;
	(void)len;
}

static void
conn_over(struct conn *conn, enum conn_reason reason)
{
	struct dialled *dialled = conn_owner(conn);

	(void)reason;
	dialled->conn = NULL;
	dialled->closed = true;
}

static const struct conn_ops ops = { .input = got, .closed = conn_over };

static void
on_dialled(void *arg, const struct dial_result *result)
{
	struct dialled *dialled = arg;

	dialled->count++;
	dialled->conn = result->conn;
	dialled->tlsa = result->tlsa != NULL;
	dialled->failure = result->failure;
	snprintf(dialled->reason, sizeof dialled->reason, "%s",
	    result->reason != NULL ? result->reason : "");
	if (result->conn == NULL)
		return;
	dialled->target = *result->target;
	conn_set_ops(result->conn, &ops, dialled);
}

/* -1: the port is somebody's. */
static int
try_listen(int family, int backlog, uint16_t *port)
{
	struct netaddr addr;
	socklen_t len = sizeof addr;
	int fd = socket(family, SOCK_STREAM, 0), on = 1;

	ck_assert(netaddr_parse(&addr, family == AF_INET ? "127.0.0.1:0" : "[::1]:0"));
	netaddr_set_port(&addr, *port);
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	if (bind(fd, &addr.sa, netaddr_len(&addr)) != 0) {
		close(fd);
		return -1;
	}
	ck_assert_int_eq(listen(fd, backlog), 0);
	ck_assert_int_eq(getsockname(fd, &addr.sa, &len), 0);
	*port = netaddr_port(&addr);
	return fd;
}

static int
listen_at(int family, int backlog, uint16_t *port)
{
	int fd = try_listen(family, backlog, port);

	ck_assert_int_ge(fd, 0);
	return fd;
}

/* One port for both families: another program may have what one of them gave. */
static uint16_t
listen_at_both(int v6_backlog, int *v6_r, int *v4_r)
{
	uint16_t port;

	do {
		port = 0;
		*v6_r = listen_at(AF_INET6, v6_backlog, &port);
		*v4_r = try_listen(AF_INET, 8, &port);
		if (*v4_r < 0)
			close(*v6_r);
	} while (*v4_r < 0);
	return port;
}

static void
wait_for(struct dialled *dialled, unsigned count)
{
	for (int i = 0; i < 2000 && dialled->count < count; i++) {
		turn();
		usleep(100);
	}
	ck_assert_uint_eq(dialled->count, count);
}

static void
hang_up(struct dialled *dialled)
{
	if (dialled->conn != NULL)
		conn_close(dialled->conn, CONN_FINISHED, false);
	turn();
}

static const char *
srv_text(unsigned priority, uint16_t port, const char *host)
{
	static char texts[8][64];
	static unsigned next;
	char *text = texts[next++ % 8];

	snprintf(text, 64, "%u 0 %u %s", priority, port, host);
	return text;
}

static const char tcp[] = "_xmpp-server._tcp.example.org";

static struct dial *
dial(struct dialled *dialled, bool dane)
{
	const struct dial_params params = { .domain = "example.org", .dane = dane };

	memset(dialled, 0, sizeof *dialled);
	return dial_start(&params, on_dialled, dialled);
}

START_TEST(the_next_target_follows_one_that_fails)
{
	uint16_t port = 0, dead = 0;
	int fd, dead_fd;
	struct dialled dialled;
	struct dial *d;

	begin();
	fd = listen_at(AF_INET, 8, &port);
	dead_fd = listen_at(AF_INET, 8, &dead);
	close(dead_fd);
	zone_add(tcp, DNS_SRV, srv_text(1, dead, "a.example"));
	zone_add(tcp, DNS_SRV, srv_text(2, 5269, "nowhere.example"));
	zone_add(tcp, DNS_SRV, srv_text(3, 5269, "lost.example"));
	zone_add(tcp, DNS_SRV, srv_text(4, port, "b.example"));
	zone_add("a.example", DNS_A, "127.0.0.1");
	zone_add("b.example", DNS_A, "127.0.0.1");
	zone_add("lost.example", DNS_A, "!failed");
	d = dial(&dialled, false);
	ck_assert_uint_eq(dialled.count, 0);
	wait_for(&dialled, 1);
	ck_assert_ptr_nonnull(dialled.conn);
	ck_assert_str_eq(dialled.target.host, "b.example");
	ck_assert_ptr_nonnull(strstr(dialled.reason, "refused"));
	ck_assert_ptr_nonnull(strstr(dialled.reason, "nowhere.example has no address"));
	hang_up(&dialled);
	dial_next(d, "the certificate is not for it");
	wait_for(&dialled, 2);
	ck_assert_ptr_null(dialled.conn);
	ck_assert_int_eq(dialled.failure, DIAL_UNREACHABLE);
	ck_assert_ptr_nonnull(strstr(dialled.reason, "b.example port"));
	dial_free(&d);
	ck_assert_ptr_null(d);
	close(fd);
	end();
}
END_TEST

START_TEST(a_family_that_hangs_is_overtaken)
{
	uint16_t port = 0;
	int v6, v4, fillers[3];
	struct netaddr addr;
	struct dialled dialled;
	struct dial *d;

	begin();
	port = listen_at_both(0, &v6, &v4);
	ck_assert(netaddr_parse(&addr, "[::1]:1"));
	netaddr_set_port(&addr, port);
	for (int i = 0; i < 3; i++) { /* nobody accepts: the queue is full, further ones hang */
		fillers[i] = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(fillers[i], &addr.sa, netaddr_len(&addr));
	}
	zone_add(tcp, DNS_SRV, srv_text(1, port, "a.example"));
	zone_add("a.example", DNS_AAAA, "::1");
	zone_add("a.example", DNS_A, "127.0.0.1");
	d = dial(&dialled, false);
	for (int i = 0; i < 20; i++)
		turn();
	ck_assert_uint_eq(dialled.count, 0);
	clock_advance(DIAL_STAGGER_MS);
	wait_for(&dialled, 1);
	ck_assert_ptr_nonnull(dialled.conn);
	ck_assert_int_eq(conn_peer(dialled.conn)->sa.sa_family, AF_INET);
	hang_up(&dialled);
	dial_free(&d);
	for (int i = 0; i < 3; i++)
		close(fillers[i]);
	close(v6);
	close(v4);
	end();
}
END_TEST

START_TEST(ipv6_comes_first_but_is_not_waited_for_long)
{
	uint16_t port = 0;
	int v6, v4;
	struct dialled dialled;
	struct dial *d;

	begin();
	port = listen_at_both(8, &v6, &v4);
	zone_add(tcp, DNS_SRV, srv_text(1, port, "a.example"));
	zone_add("a.example", DNS_AAAA, "::1");
	zone_add("a.example", DNS_A, "127.0.0.1");
	d = dial(&dialled, false);
	wait_for(&dialled, 1);
	ck_assert_int_eq(conn_peer(dialled.conn)->sa.sa_family, AF_INET6);
	hang_up(&dialled);
	dial_free(&d);
	zone.rows[1].text = "!silent";
	d = dial(&dialled, false);
	for (int i = 0; i < 20; i++)
		turn();
	ck_assert_uint_eq(dialled.count, 0);
	clock_advance(60);
	wait_for(&dialled, 1);
	ck_assert_int_eq(conn_peer(dialled.conn)->sa.sa_family, AF_INET);
	hang_up(&dialled);
	dial_free(&d);
	close(v6);
	close(v4);
	end();
}
END_TEST

/* What DNS and DNSSEC say about TLSA, and whether it reaches who dials. */
static const struct {
	bool dane, secure;
	const char *tlsa;
	bool connected, handed;
} dane_cases[] = {
	{ true, true, "tlsa", true, true },
	{ true, true, NULL, true, false },
	{ true, false, "tlsa", true, false },
	{ false, true, "tlsa", true, false },
	{ true, true, "!failed", false, false },
	{ true, true, "!bogus", false, false },
	{ true, false, "!failed", true, false },
};

START_TEST(tlsa_counts_where_dnssec_proves_the_way)
{
	char name[64];
	uint16_t port = 0;
	int fd;
	struct dialled dialled;
	struct dial *d;

	begin();
	fd = listen_at(AF_INET, 8, &port);
	zone.secure = dane_cases[_i].secure;
	snprintf(name, sizeof name, "_%u._tcp.a.example", port);
	zone_add(tcp, DNS_SRV, srv_text(1, port, "a.example"));
	zone_add("a.example", DNS_A, "127.0.0.1");
	if (dane_cases[_i].tlsa != NULL)
		zone_add(name, DNS_TLSA, dane_cases[_i].tlsa);
	d = dial(&dialled, dane_cases[_i].dane);
	wait_for(&dialled, 1);
	ck_assert_int_eq(dialled.conn != NULL, dane_cases[_i].connected);
	ck_assert_int_eq(dialled.tlsa, dane_cases[_i].handed);
	ck_assert_int_eq(dial_tlsa(d) != NULL, dane_cases[_i].handed);
	if (!dane_cases[_i].connected)
		ck_assert_int_eq(dialled.failure, DIAL_DNS);
	hang_up(&dialled);
	dial_free(&d);
	close(fd);
	end();
}
END_TEST

START_TEST(why_there_is_no_way)
{
	struct dialled dialled;
	struct dial *d;

	begin();
	zone_add(tcp, DNS_SRV, "0 0 0");
	d = dial(&dialled, false);
	wait_for(&dialled, 1);
	ck_assert_int_eq(dialled.failure, DIAL_NOT_FOUND);
	dial_free(&d);
	zone.count = 0;
	d = dial(&dialled, false);
	wait_for(&dialled, 1);
	ck_assert_int_eq(dialled.failure, DIAL_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(dialled.reason, "example.org has no address"));
	dial_free(&d);
	zone_add(tcp, DNS_SRV, "!bogus");
	d = dial(&dialled, false);
	wait_for(&dialled, 1);
	ck_assert_int_eq(dialled.failure, DIAL_DNS);
	dial_free(&d);
	end();
}
END_TEST

START_TEST(a_route_needs_no_dns)
{
	struct dial_params params = { .domain = "example.org", .host = "127.0.0.1" };
	struct dialled dialled = { 0 };
	struct dial *d;
	int fd;

	begin();
	fd = listen_at(AF_INET, 8, &params.port);
	params.direct_tls = true;
	d = dial_start(&params, on_dialled, &dialled);
	ck_assert_uint_eq(dialled.count, 0);
	wait_for(&dialled, 1);
	ck_assert_ptr_nonnull(dialled.conn);
	ck_assert(dialled.target.direct_tls);
	ck_assert_uint_eq(zone.asked, 0);
	hang_up(&dialled);
	dial_free(&d);
	close(fd);
	end();
}
END_TEST

START_TEST(it_can_be_dropped_at_any_time)
{
	uint16_t port = 0;
	int fd;

	begin();
	fd = listen_at(AF_INET, 64, &port);
	zone_add(tcp, DNS_SRV, srv_text(1, 1, "a.example"));
	zone_add(tcp, DNS_SRV, srv_text(2, port, "a.example"));
	zone_add("a.example", DNS_A, "127.0.0.1");
	zone_add("a.example", DNS_AAAA, "::1");
	for (int turns = 0; turns < 20; turns++) {
		struct dialled dialled;
		struct dial *d = dial(&dialled, true);

		for (int i = 0; i < turns; i++)
			turn();
		dial_free(&d);
		hang_up(&dialled);
	}
	close(fd);
	end();
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("plan");
	TCase *tc = tcase_create("resolver");

	tcase_add_test(tc, equal_questions_are_one);
	tcase_add_test(tc, each_waits_five_seconds_at_most);
	tcase_add_test(tc, who_cancels_hears_nothing);
	tcase_add_test(tc, what_is_no_name_fails);
	tcase_add_test(tc, names_at_a_time_are_bounded);
	suite_add_tcase(s, tc);
	tc = tcase_create("plan");
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, both_services_are_one_set);
	tcase_add_loop_test(tc, what_two_look_ups_come_to, 0,
	    (int)(sizeof outcomes / sizeof *outcomes));
	tcase_add_test(tc, chance_follows_the_weights);
	tcase_add_test(tc, weight_nothing_is_a_small_chance);
	tcase_add_test(tc, all_weights_nothing_take_turns);
	tcase_add_test(tc, targets_are_bounded);
	suite_add_tcase(s, tc);
	tc = tcase_create("dial");
	tcase_add_test(tc, the_next_target_follows_one_that_fails);
	tcase_add_test(tc, a_family_that_hangs_is_overtaken);
	tcase_add_test(tc, ipv6_comes_first_but_is_not_waited_for_long);
	tcase_add_loop_test(tc, tlsa_counts_where_dnssec_proves_the_way, 0,
	    (int)(sizeof dane_cases / sizeof *dane_cases));
	tcase_add_test(tc, why_there_is_no_way);
	tcase_add_test(tc, a_route_needs_no_dns);
	tcase_add_test(tc, it_can_be_dropped_at_any_time);
	suite_add_tcase(s, tc);
	return s;
}
