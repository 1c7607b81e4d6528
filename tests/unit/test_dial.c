/*
 * From a domain to a connection (RFC 8305): a fake answers for DNS; the
 * connections are real, on loopback.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/conn.h"
#include "net/dial.h"
#include "net/plan.h"
#include "net/worker.h"
#include "zone_kit.h"

Suite *suite(void);

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
	zone_until(&dialled->count, count);
	ck_assert_uint_eq(dialled->count, count);
}

static void
hang_up(struct dialled *dialled)
{
	if (dialled->conn != NULL)
		conn_close(dialled->conn, CONN_FINISHED, false);
	zone_turn();
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

	zone_begin();
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
	zone_end();
}
END_TEST

START_TEST(a_family_that_hangs_is_overtaken)
{
	uint16_t port = 0;
	int v6, v4, fillers[3];
	struct netaddr addr;
	struct dialled dialled;
	struct dial *d;

	zone_begin();
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
		zone_turn();
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
	zone_end();
}
END_TEST

START_TEST(ipv6_comes_first_but_is_not_waited_for_long)
{
	uint16_t port = 0;
	int v6, v4;
	struct dialled dialled;
	struct dial *d;

	zone_begin();
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
		zone_turn();
	ck_assert_uint_eq(dialled.count, 0);
	clock_advance(60);
	wait_for(&dialled, 1);
	ck_assert_int_eq(conn_peer(dialled.conn)->sa.sa_family, AF_INET);
	hang_up(&dialled);
	dial_free(&d);
	close(v6);
	close(v4);
	zone_end();
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

	zone_begin();
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
	zone_end();
}
END_TEST

START_TEST(why_there_is_no_way)
{
	struct dialled dialled;
	struct dial *d;

	zone_begin();
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
	zone_end();
}
END_TEST

START_TEST(a_route_needs_no_dns)
{
	struct dial_params params = { .domain = "example.org", .host = "127.0.0.1" };
	struct dialled dialled = { 0 };
	struct dial *d;
	int fd;

	zone_begin();
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
	zone_end();
}
END_TEST

START_TEST(it_can_be_dropped_at_any_time)
{
	uint16_t port = 0;
	int fd;

	zone_begin();
	fd = listen_at(AF_INET, 64, &port);
	zone_add(tcp, DNS_SRV, srv_text(1, 1, "a.example"));
	zone_add(tcp, DNS_SRV, srv_text(2, port, "a.example"));
	zone_add("a.example", DNS_A, "127.0.0.1");
	zone_add("a.example", DNS_AAAA, "::1");
	for (int turns = 0; turns < 20; turns++) {
		struct dialled dialled;
		struct dial *d = dial(&dialled, true);

		for (int i = 0; i < turns; i++)
			zone_turn();
		dial_free(&d);
		hang_up(&dialled);
	}
	close(fd);
	zone_end();
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("dial");
	TCase *tc = tcase_create("dial");

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
