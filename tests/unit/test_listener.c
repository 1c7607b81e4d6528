/*
 * Ways in and ways out of the workers: addresses, the PROXY header, listeners,
 * pools.
 *
 * SPDX-License-Identifier: MIT
 */
#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "net/listener.h"
#include "net/netaddr.h"
#include "net/pool.h"
#include "net/proxy.h"
#include "net/worker.h"

Suite *suite(void);

/* --- addresses --------------------------------------------------------------- */

static const struct {
	const char *text;
	bool good;
	const char *host;
} addresses[] = {
	{ "192.0.2.1:5222", true, "192.0.2.1" },
	{ "[2001:db8::1]:0", true, "2001:db8::1" },
	{ "[::ffff:192.0.2.1]:80", true, "192.0.2.1" },
	{ "192.0.2.1", false, NULL },
	{ "2001:db8::1", false, NULL },
	{ "[::1]", false, NULL },
	{ "[::1]:65536", false, NULL },
	{ "127.0.0.1:", false, NULL },
	{ "127.0.0.1:+1", false, NULL },
	{ "127.0.0.1:1x", false, NULL },
	{ "example.org:1", false, NULL },
	{ ":5222", false, NULL },
	{ "", false, NULL },
};

START_TEST(addresses_are_numbers_with_a_port)
{
	char text[NETADDR_TEXT_MAX];
	struct netaddr addr;

	ck_assert_int_eq(netaddr_parse(&addr, addresses[_i].text), addresses[_i].good);
	if (!addresses[_i].good)
		return;
	ck_assert_str_eq(netaddr_host_text(&addr, text), addresses[_i].host);
	if (strstr(addresses[_i].text, "ffff") == NULL)
		ck_assert_str_eq(netaddr_text(&addr, text), addresses[_i].text);
}
END_TEST

static size_t
key_of(const char *text, uint8_t key[NETADDR_KEY_MAX])
{
	struct netaddr addr;

	ck_assert(netaddr_parse(&addr, text));
	memset(key, 0, NETADDR_KEY_MAX);
	return netaddr_key(&addr, key);
}

START_TEST(limits_count_an_ipv6_network_as_one)
{
	uint8_t a[NETADDR_KEY_MAX], b[NETADDR_KEY_MAX];

	ck_assert_uint_eq(key_of("[2001:db8::1]:1", a), key_of("[2001:db8::ffff:2]:9", b));
	ck_assert_mem_eq(a, b, sizeof a);
	key_of("[2001:db8:0:1::1]:1", b);
	ck_assert_mem_ne(a, b, sizeof a);
	ck_assert_uint_eq(key_of("192.0.2.1:1", a), key_of("[::ffff:192.0.2.1]:2", b));
	ck_assert_mem_eq(a, b, sizeof a);
	key_of("192.0.2.2:1", b);
	ck_assert_mem_ne(a, b, sizeof a);
}
END_TEST

/* --- the PROXY header -------------------------------------------------------- */

#define V2 "\r\n\r\n\0\r\nQUIT\n"
#define BYTES(text) text, sizeof text - 1

static const struct {
	const char *bytes;
	size_t len;
	enum proxy_result result;
	const char *peer; /* NULL: not known */
} headers[] = {
	{ BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 40000 5222\r\n"), PROXY_DONE,
	    "192.0.2.1:40000" },
	{ BYTES("PROXY TCP6 2001:db8::1 ::1 40000 5222\r\n"), PROXY_DONE, "[2001:db8::1]:40000" },
	{ BYTES("PROXY UNKNOWN\r\n"), PROXY_DONE, NULL },
	{ BYTES("PROXY UNKNOWN ffff:: ffff:: 1 2\r\n"), PROXY_DONE, NULL },
	{ BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 40000\r\n"), PROXY_BAD, NULL },
	{ BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 40000 5222 6\r\n"), PROXY_BAD, NULL },
	{ BYTES("PROXY TCP4 192.0.2.1 198.51.100.1 40000 5222\n"), PROXY_BAD, NULL },
	{ BYTES("PROXY TCP4 ::1 ::1 1 2\r\n"), PROXY_BAD, NULL },
	{ BYTES("PROXY \r\n"), PROXY_BAD, NULL },
	{ BYTES("PROXY \n"), PROXY_BAD, NULL },
	{ BYTES("GET / HTTP/1.1\r\n"), PROXY_BAD, NULL },
	{ BYTES("<?xml version='1.0'?>"), PROXY_BAD, NULL },
	{ BYTES(V2 "\x21\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\1\x9c\x40\x14\x66"), PROXY_DONE,
	    "192.0.2.1:40000" },
	{ BYTES(V2 "\x21\x11\0\x0f\xc0\0\2\1\xc6\x33\x64\1\x9c\x40\x14\x66\4\0\0"), PROXY_DONE,
	    "192.0.2.1:40000" },
	{ BYTES(V2 "\x21\x21\0\x24"
		   "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
		   "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\2\x9c\x40\x14\x66"),
	    PROXY_DONE, "[2001:db8::1]:40000" },
	{ BYTES(V2 "\x20\0\0\0"), PROXY_DONE, NULL },
	{ BYTES(V2 "\x21\0\0\0"), PROXY_DONE, NULL },
	{ BYTES(V2 "\x21\x11\0\4\xc0\0\2\1"), PROXY_BAD, NULL },
	{ BYTES(V2 "\x11\x11\0\0"), PROXY_BAD, NULL },
	{ BYTES(V2 "\x22\x11\0\0"), PROXY_BAD, NULL },
	{ BYTES(V2 "\x21\x11\xff\xff"), PROXY_BAD, NULL },
};

START_TEST(proxy_headers_are_read_and_nothing_behind_them)
{
	char bytes[200], text[NETADDR_TEXT_MAX];
	struct proxy_header header;
	size_t used, len = headers[_i].len;

	memcpy(bytes, headers[_i].bytes, len);
	memcpy(bytes + len, "<stream>", 8);
	ck_assert_int_eq(proxy_parse(bytes, len + 8, &header, &used), headers[_i].result);
	if (headers[_i].result != PROXY_DONE)
		return;
	ck_assert_uint_eq(used, len);
	ck_assert_int_eq(header.known, headers[_i].peer != NULL);
	if (header.known)
		ck_assert_str_eq(netaddr_text(&header.peer, text), headers[_i].peer);
	for (size_t part = 0; part < len; part++)
		ck_assert_int_eq(proxy_parse(bytes, part, &header, &used), PROXY_MORE);
}
END_TEST

START_TEST(an_endless_proxy_header_is_refused)
{
	char bytes[PROXY_MAX];
	struct proxy_header header;
	size_t used;

	memset(bytes, ' ', sizeof bytes);
	memcpy(bytes, "PROXY TCP4", 10);
	ck_assert_int_eq(proxy_parse(bytes, sizeof bytes, &header, &used), PROXY_BAD);
}
END_TEST

/* --- listeners --------------------------------------------------------------- */

static struct {
	unsigned count;
	unsigned worker[16];
	int fd[16];
	struct netaddr peer;
} arrived;

static void
on_arrival(int fd, const struct netaddr *peer, void *arg)
{
	ck_assert_ptr_eq(arg, &arrived);
	arrived.worker[arrived.count] = worker_index(worker_current());
	arrived.fd[arrived.count++] = fd;
	arrived.peer = *peer;
}

static void
begin(void)
{
	memset(&arrived, 0, sizeof arrived);
	worker_main();
	workers_start_unthreaded(2);
}

static void
turn(unsigned times)
{
	while (times-- > 0) {
		worker_turn(worker_main(), false);
		worker_turn(worker_get(0), false);
		worker_turn(worker_get(1), false);
	}
}

static struct listener *
open_at(const char *address, const struct listener_options *options)
{
	char error[LISTENER_ERROR_MAX] = "";
	struct listener *listener = listener_open(address, options, on_arrival, &arrived, error);

	ck_assert_msg(listener != NULL, "%s", error);
	listener_start(listener);
	return listener;
}

static int
dial(struct listener *listener)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct netaddr addr = { .in.sin_family = AF_INET };

	addr.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	netaddr_set_port(&addr, listener_port(listener));
	ck_assert_int_eq(connect(fd, &addr.sa, netaddr_len(&addr)), 0);
	return fd;
}

static void
hang_up(int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		close(fds[i]);
	for (unsigned i = 0; i < arrived.count; i++)
		close(arrived.fd[i]);
}

START_TEST(descriptors_go_to_the_workers_in_turn)
{
	struct listener *listener;
	int fds[4];

	begin();
	listener = open_at("127.0.0.1:0", NULL);
	for (int i = 0; i < 4; i++)
		fds[i] = dial(listener);
	turn(3);
	ck_assert_uint_eq(arrived.count, 4);
	ck_assert_uint_eq(
	    arrived.worker[0] + arrived.worker[1] + arrived.worker[2] + arrived.worker[3], 2);
	ck_assert_uint_eq(listener_quota_used(), 4);
	for (int i = 0; i < 4; i++)
		listener_quota_release();
	hang_up(fds, 4);
	listener_close(&listener);
	ck_assert_ptr_null(listener);
	workers_stop();
}
END_TEST

START_TEST(a_full_quota_leaves_them_in_the_backlog)
{
	struct listener *listener;
	int fds[3];

	begin();
	listener_set_quota(2);
	listener = open_at("127.0.0.1:0", NULL);
	for (int i = 0; i < 3; i++)
		fds[i] = dial(listener);
	turn(3);
	ck_assert_uint_eq(arrived.count, 2);
	listener_quota_release();
	clock_advance(1000);
	turn(3);
	ck_assert_uint_eq(arrived.count, 3);
	listener_quota_release();
	listener_quota_release();
	hang_up(fds, 3);
	listener_close(&listener);
	workers_stop();
}
END_TEST

START_TEST(a_lack_of_descriptors_is_waited_for)
{
	struct rlimit old, none;
	struct listener *listener;
	int fd;

	begin();
	listener = open_at("127.0.0.1:0", NULL);
	fd = dial(listener);
	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &none);
	turn(3);
	ck_assert_uint_eq(arrived.count, 0);
	setrlimit(RLIMIT_NOFILE, &old);
	clock_advance(1000);
	turn(3);
	ck_assert_uint_eq(arrived.count, 1);
	listener_quota_release();
	hang_up(&fd, 1);
	listener_close(&listener);
	workers_stop();
}
END_TEST

START_TEST(a_proxy_header_names_the_peer_and_leaves_the_rest)
{
	struct listener_options options = { .proxy = true };
	struct listener *listener;
	char text[NETADDR_TEXT_MAX], rest[20];
	int fds[3];

	begin();
	listener = open_at("127.0.0.1:0", &options);
	fds[0] = dial(listener);
	turn(2);
	ck_assert_int_eq(write(fds[0], "PROXY TCP4 192.0.2.7 192", 24), 24);
	turn(3);
	ck_assert_uint_eq(arrived.count, 0);
	ck_assert_int_eq(write(fds[0], ".0.2.8 7 8\r\nrest", 16), 16);
	turn(3);
	ck_assert_uint_eq(arrived.count, 1);
	ck_assert_str_eq(netaddr_text(&arrived.peer, text), "192.0.2.7:7");
	ck_assert_int_eq(read(arrived.fd[0], rest, sizeof rest), 4);
	ck_assert_mem_eq(rest, "rest", 4);

	fds[1] = dial(listener);
	fds[2] = dial(listener);
	ck_assert_int_eq(write(fds[1], "<stream>", 8), 8);
	turn(3);
	ck_assert_uint_eq(listener_quota_used(), 2);
	clock_advance(6000);
	turn(3);
	ck_assert_uint_eq(listener_quota_used(), 1);
	ck_assert_uint_eq(arrived.count, 1);
	listener_quota_release();
	hang_up(fds, 3);
	listener_close(&listener);
	workers_stop();
}
END_TEST

START_TEST(an_address_for_all_takes_both_families_on_one_port)
{
	struct listener_options options = { .no_quota = true };
	struct listener *listener;
	int fd;

	begin();
	listener = open_at("*:0", &options);
	fd = dial(listener);
	turn(3);
	ck_assert_uint_eq(arrived.count, 1);
	ck_assert_uint_eq(listener_quota_used(), 0);
	hang_up(&fd, 1);
	listener_close(&listener);
	workers_stop();
}
END_TEST

START_TEST(what_cannot_be_listened_on_is_said)
{
	char error[LISTENER_ERROR_MAX], taken[40];
	struct listener *listener;

	begin();
	listener = open_at("127.0.0.1:0", NULL);
	snprintf(taken, sizeof taken, "127.0.0.1:%u", listener_port(listener));
	ck_assert_ptr_null(listener_open(taken, NULL, on_arrival, NULL, error));
	ck_assert_ptr_nonnull(strstr(error, "Address already in use"));
	ck_assert_ptr_nonnull(strstr(error, taken));
	ck_assert_ptr_null(listener_open("localhost:5222", NULL, on_arrival, NULL, error));
	ck_assert_ptr_nonnull(strstr(error, "\"localhost:5222\" is no address"));
	listener_close(&listener);
	workers_stop();
}
END_TEST

/* --- pools ------------------------------------------------------------------- */

static atomic_uint works;
static unsigned answers, skipped;

static void
work(struct pool_job *job)
{
	ck_assert_ptr_null(worker_current());
	atomic_fetch_add(&works, 1);
}

static void
done(struct pool_job *job)
{
	ck_assert_ptr_eq(worker_current(), worker_get(0));
	answers++;
	skipped += !job->worked;
	free(job);
}

static bool
submit(struct pool *pool, bool cancel)
{
	struct pool_job *job = xcalloc(1, sizeof *job);

	job->work = work;
	job->done = done;
	if (cancel)
		pool_cancel(job);
	if (pool_submit(pool, job))
		return true;
	free(job);
	return false;
}

START_TEST(jobs_are_answered_where_they_were_asked)
{
	struct pool *pool = pool_new("test", 3, 1000);

	answers = skipped = 0;
	begin();
	worker_enter(worker_get(0));
	for (int i = 0; i < 500; i++)
		ck_assert(submit(pool, i % 5 == 0));
	worker_enter(worker_main());
	pool_free(&pool);
	ck_assert_ptr_null(pool);
	turn(2);
	ck_assert_uint_eq(answers, 500);
	ck_assert_uint_eq(skipped, 100);
	ck_assert_uint_eq(works, 400);
	workers_stop();
}
END_TEST

static atomic_bool hold;

static void
work_slowly(struct pool_job *job)
{
	while (atomic_load(&hold))
		usleep(1000);
}

START_TEST(a_full_queue_refuses)
{
	struct pool *pool = pool_new("test", 1, 2);
	struct pool_job *slow = xcalloc(1, sizeof *slow);
	unsigned taken = 0;

	answers = 0;
	begin();
	worker_enter(worker_get(0));
	atomic_store(&hold, true);
	slow->work = work_slowly;
	slow->done = done;
	ck_assert(pool_submit(pool, slow));
	while (submit(pool, false))
		taken++;
	ck_assert_uint_ge(taken, 1);
	ck_assert_uint_le(taken, 2);
	atomic_store(&hold, false);
	worker_enter(worker_main());
	pool_free(&pool);
	turn(2);
	ck_assert_uint_eq(answers, taken + 1);
	workers_stop();
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof(table)[0]))

Suite *
suite(void)
{
	Suite *s = suite_create("listener");
	TCase *tc = tcase_create("listener");

	tcase_add_loop_test(tc, addresses_are_numbers_with_a_port, 0, COUNT(addresses));
	tcase_add_test(tc, limits_count_an_ipv6_network_as_one);
	tcase_add_loop_test(tc, proxy_headers_are_read_and_nothing_behind_them, 0, COUNT(headers));
	tcase_add_test(tc, an_endless_proxy_header_is_refused);
	tcase_add_test(tc, descriptors_go_to_the_workers_in_turn);
	tcase_add_test(tc, a_full_quota_leaves_them_in_the_backlog);
	tcase_add_test(tc, a_lack_of_descriptors_is_waited_for);
	tcase_add_test(tc, a_proxy_header_names_the_peer_and_leaves_the_rest);
	tcase_add_test(tc, an_address_for_all_takes_both_families_on_one_port);
	tcase_add_test(tc, what_cannot_be_listened_on_is_said);
	tcase_add_test(tc, jobs_are_answered_where_they_were_asked);
	tcase_add_test(tc, a_full_queue_refuses);
	suite_add_tcase(s, tc);
	return s;
}
