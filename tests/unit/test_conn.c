/*
 * Connections in the clear: over socket pairs, on workers that the test turns.
 *
 * SPDX-License-Identifier: MIT
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "net/conn.h"
#include "net/worker.h"

Suite *suite(void);

/* --- the owner of a connection ----------------------------------------------- */

struct owner {
	struct conn *conn;
	struct buf input;
	unsigned established, sent, ended, closed;
	enum conn_reason reason;
	int error;
};

static void
on_input(struct conn *conn, const char *bytes, size_t len)
{
	struct owner *owner = conn_owner(conn);

	buf_add(&owner->input, bytes, len);
	if (memchr(bytes, '|', len) != NULL)
		conn_pause(conn);
}

static void
on_established(struct conn *conn)
{
	((struct owner *)conn_owner(conn))->established++;
}

static void
on_sent(struct conn *conn)
{
	((struct owner *)conn_owner(conn))->sent++;
}

static void
on_ended(struct conn *conn)
{
	((struct owner *)conn_owner(conn))->ended++;
}

static void
on_closed(struct conn *conn, enum conn_reason reason)
{
	struct owner *owner = conn_owner(conn);

	owner->closed++;
	owner->reason = reason;
	owner->error = conn_errno(conn);
	owner->conn = NULL;
}

static const struct conn_ops ops = { on_input, on_established, on_sent, NULL, on_closed };
static const struct conn_ops half_ops = { on_input, on_established, on_sent, on_ended, on_closed };

static struct worker *worker;

static void
begin(void)
{
	workers_start_unthreaded(1);
	worker = worker_get(0);
	worker_enter(worker);
}

static void
end(void)
{
	worker_enter(worker_main());
	workers_stop();
	ck_assert_uint_eq(conn_unsent_total(), 0);
}

static void
turn(unsigned times)
{
	while (times-- > 0)
		worker_turn(worker, false);
}

static int
open_pair(struct owner *owner, int type)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, type, 0, fds), 0);
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	memset(owner, 0, sizeof *owner);
	owner->conn = conn_accept(fds[0], NULL, &ops, owner);
	return fds[1];
}

static void
assert_reads(int fd, const char *text)
{
	char bytes[1000];
	ssize_t got = recv(fd, bytes, sizeof bytes, 0);

	ck_assert_int_eq(got, (ssize_t)strlen(text));
	ck_assert_mem_eq(bytes, text, strlen(text));
}

static size_t
drain(int fd)
{
	static char bytes[1 << 16];
	size_t total = 0;
	ssize_t got;

	while ((got = recv(fd, bytes, sizeof bytes, 0)) > 0)
		total += (size_t)got;
	return total;
}

static void
flood(struct owner *owner, size_t len)
{
	char *bytes = calloc(1, len);

	conn_write(owner->conn, bytes, len);
	free(bytes);
}

/* --- bytes ------------------------------------------------------------------- */

/* A SOCK_SEQPACKET shows where one write ends and the next begins. */
START_TEST(what_a_turn_wrote_leaves_at_its_end_in_one_write)
{
	struct owner owner;
	int fd;

	begin();
	fd = open_pair(&owner, SOCK_SEQPACKET);
	for (int i = 0; i < 20; i++)
		conn_write(owner.conn, "<a/>", 4);
	ck_assert_int_lt(recv(fd, (char[1]){ 0 }, 1, 0), 0);
	ck_assert_uint_eq(conn_unsent(owner.conn), 80);
	turn(1);
	assert_reads(fd,
	    "<a/><a/><a/><a/><a/><a/><a/><a/><a/><a/>"
	    "<a/><a/><a/><a/><a/><a/><a/><a/><a/><a/>");
	ck_assert_uint_eq(conn_written(owner.conn), 80);
	ck_assert_uint_eq(owner.sent, 1);
	close(fd);
	end();
	buf_free(&owner.input);
}
END_TEST

START_TEST(what_may_wait_leaves_when_it_is_due)
{
	struct owner owner;
	int fd;

	begin();
	fd = open_pair(&owner, SOCK_SEQPACKET);
	conn_write_within(owner.conn, "<a/>", 4, 50);
	turn(3);
	ck_assert_int_lt(recv(fd, (char[1]){ 0 }, 1, 0), 0);
	conn_write_within(owner.conn, "<b/>", 4, 50);
	clock_advance(50);
	turn(2);
	assert_reads(fd, "<a/><b/>");
	ck_assert_uint_eq(owner.sent, 1);
	close(fd);
	end();
	buf_free(&owner.input);
}
END_TEST

START_TEST(what_may_wait_leaves_with_what_may_not)
{
	struct owner owner;
	int fd;

	begin();
	fd = open_pair(&owner, SOCK_SEQPACKET);
	conn_write_within(owner.conn, "<a/>", 4, 50);
	turn(1);
	conn_write(owner.conn, "<b/>", 4);
	turn(1);
	assert_reads(fd, "<a/><b/>");
	ck_assert_uint_eq(conn_unsent(owner.conn), 0);
	close(fd);
	end();
	buf_free(&owner.input);
}
END_TEST

START_TEST(much_does_not_wait)
{
	static const char text[3000];
	struct owner owner;
	int fd;

	begin();
	fd = open_pair(&owner, SOCK_STREAM);
	for (int i = 0; i < 2; i++)
		conn_write_within(owner.conn, text, sizeof text, 50);
	turn(1);
	ck_assert_uint_eq(conn_unsent(owner.conn), 2 * sizeof text);
	conn_write_within(owner.conn, text, sizeof text, 50);
	turn(1);
	ck_assert_uint_eq(conn_unsent(owner.conn), 0);
	close(fd);
	end();
	buf_free(&owner.input);
}
END_TEST

START_TEST(one_that_waits_may_end)
{
	struct owner owner;
	int fd;

	begin();
	fd = open_pair(&owner, SOCK_STREAM);
	conn_write_within(owner.conn, "<a/>", 4, 50);
	conn_close(owner.conn, CONN_FINISHED, true);
	turn(1);
	assert_reads(fd, "<a/>");
	close(fd);
	turn(3);
	ck_assert_uint_eq(owner.closed, 1);
	clock_advance(60);
	turn(2);
	end();
	buf_free(&owner.input);
}
END_TEST

START_TEST(input_comes_and_pausing_holds_it_back)
{
	struct owner owner;
	int fd;

	begin();
	fd = open_pair(&owner, SOCK_STREAM);
	ck_assert_int_eq(write(fd, "one|", 4), 4);
	turn(1);
	ck_assert_str_eq(owner.input.data, "one|");
	ck_assert(conn_is_paused(owner.conn));
	ck_assert_int_eq(write(fd, "two", 3), 3);
	turn(3);
	ck_assert_str_eq(owner.input.data, "one|");
	conn_resume(owner.conn);
	turn(1);
	ck_assert_str_eq(owner.input.data, "one|two");
	ck_assert_uint_eq(conn_received(owner.conn), 7);
	close(fd);
	turn(2);
	ck_assert_uint_eq(owner.closed, 1);
	ck_assert_int_eq(owner.reason, CONN_EOF);
	end();
	buf_free(&owner.input);
}
END_TEST

static void
count_release(void *arg)
{
	++*(unsigned *)arg;
}

START_TEST(referenced_bytes_are_released_once)
{
	static const char text[] = "long-lived";
	unsigned released = 0;
	struct owner owner;
	int fd;

	begin();
	fd = open_pair(&owner, SOCK_STREAM);
	conn_write_ref(owner.conn, text, 10, count_release, &released);
	turn(1);
	ck_assert_uint_eq(released, 1);
	assert_reads(fd, text);
	conn_write_ref(owner.conn, text, 10, count_release, &released);
	conn_close(owner.conn, CONN_POLICY, false);
	conn_write_ref(owner.conn, text, 10, count_release, &released);
	ck_assert_uint_eq(released, 2);
	turn(1);
	ck_assert_uint_eq(released, 3);
	ck_assert_int_eq(owner.reason, CONN_POLICY);
	close(fd);
	end();
}
END_TEST

/* --- ends -------------------------------------------------------------------- */

START_TEST(an_end_in_due_form_flushes_and_is_told_once)
{
	struct owner owner;
	int fd;

	begin();
	fd = open_pair(&owner, SOCK_STREAM);
	ck_assert_int_eq(write(fd, "late", 4), 4);
	conn_write(owner.conn, "</stream>", 9);
	conn_close(owner.conn, CONN_FINISHED, true);
	ck_assert_uint_eq(owner.closed, 0);
	conn_write(owner.conn, "ignored", 7);
	turn(1);
	ck_assert_uint_eq(owner.closed, 1);
	ck_assert_int_eq(owner.reason, CONN_FINISHED);
	ck_assert_uint_eq(owner.input.len, 0);
	assert_reads(fd, "</stream>");
	ck_assert_int_eq(recv(fd, (char[1]){ 0 }, 1, 0), 0);
	/* it lingers: what we still send meets no RST */
	ck_assert_int_eq(write(fd, "more", 4), 4);
	turn(1);
	ck_assert_int_eq(write(fd, "more", 4), 4);
	close(fd);
	turn(2);
	end();
}
END_TEST

START_TEST(a_peer_that_never_closes_does_not_linger_for_ever)
{
	struct owner owner;
	int fd;

	begin();
	fd = open_pair(&owner, SOCK_STREAM);
	conn_close(owner.conn, CONN_FINISHED, true);
	turn(2);
	ck_assert_uint_eq(owner.closed, 1);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	clock_advance(5000);
	turn(2);
	ck_assert_int_lt(send(fd, "x", 1, MSG_NOSIGNAL), 0);
	close(fd);
	end();
}
END_TEST

START_TEST(a_flush_that_does_not_come_to_its_end_is_cut)
{
	struct owner owner;
	int fd;

	begin();
	fd = open_pair(&owner, SOCK_STREAM);
	flood(&owner, 2 << 20);
	conn_close(owner.conn, CONN_FINISHED, true);
	turn(5);
	ck_assert_uint_eq(owner.closed, 0);
	clock_advance(6000);
	turn(2);
	ck_assert_uint_eq(owner.closed, 1);
	ck_assert_int_eq(owner.reason, CONN_FLUSH_TIMEOUT);
	close(fd);
	end();
}
END_TEST

START_TEST(a_peer_that_sends_no_more_may_still_read)
{
	struct owner owner;
	int fd;

	begin();
	fd = open_pair(&owner, SOCK_STREAM);
	conn_set_ops(owner.conn, &half_ops, &owner);
	ck_assert_int_eq(write(fd, "bye", 3), 3);
	shutdown(fd, SHUT_WR);
	turn(3);
	ck_assert_str_eq(owner.input.data, "bye");
	ck_assert_uint_eq(owner.ended, 1);
	ck_assert_uint_eq(owner.closed, 0);
	conn_write(owner.conn, "answer", 6);
	conn_close(owner.conn, CONN_FINISHED, true);
	turn(1);
	assert_reads(fd, "answer");
	ck_assert_uint_eq(owner.closed, 1);
	close(fd);
	end();
	buf_free(&owner.input);
}
END_TEST

START_TEST(workers_that_stop_close_what_is_left)
{
	struct owner owner, lingering;
	int fd, fd2;

	begin();
	fd = open_pair(&owner, SOCK_STREAM);
	fd2 = open_pair(&lingering, SOCK_STREAM);
	conn_close(lingering.conn, CONN_FINISHED, true);
	turn(1);
	end();
	ck_assert_uint_eq(owner.closed, 1);
	ck_assert_int_eq(owner.reason, CONN_SHUTDOWN);
	ck_assert_uint_eq(lingering.closed, 1);
	close(fd);
	close(fd2);
}
END_TEST

/* --- limits of unsent output ------------------------------------------------- */

START_TEST(too_much_unsent_output_ends_it)
{
	struct owner owner;
	int fd;

	begin();
	fd = open_pair(&owner, SOCK_STREAM);
	flood(&owner, 7 << 20);
	turn(2);
	ck_assert_uint_eq(owner.closed, 0);
	ck_assert_uint_gt(conn_unsent_total(), 6 << 20);
	flood(&owner, 3 << 20);
	turn(2);
	ck_assert_uint_eq(owner.closed, 1);
	ck_assert_int_eq(owner.reason, CONN_UNSENT_HIGH);
	ck_assert(conn_reason_is_overload(owner.reason));
	close(fd);
	end();
}
END_TEST

START_TEST(much_unsent_output_for_long_ends_it)
{
	struct owner owner, reads;
	int fd, fd2;

	begin();
	fd = open_pair(&owner, SOCK_STREAM);
	fd2 = open_pair(&reads, SOCK_STREAM);
	flood(&owner, 2 << 20);
	flood(&reads, 2 << 20);
	turn(2);
	clock_advance(29000);
	while (drain(fd2) > 0)
		turn(1);
	ck_assert_uint_eq(conn_unsent(reads.conn), 0);
	ck_assert_uint_eq(owner.closed, 0);
	clock_advance(2000);
	turn(2);
	ck_assert_uint_eq(owner.closed, 1);
	ck_assert_int_eq(owner.reason, CONN_UNSENT_LONG);
	ck_assert_uint_eq(reads.closed, 0);
	close(fd);
	close(fd2);
	end();
}
END_TEST

/* Of two workers, owners[1] alone on the second. */
START_TEST(when_all_together_is_too_much_the_largest_goes)
{
	struct conn_limits limits = CONN_LIMITS_DEFAULT;
	struct owner owners[3];
	int fds[3];

	workers_start_unthreaded(2);
	limits.unsent_total = 8 << 20;
	conn_set_limits(&limits);
	for (unsigned i = 0; i < 3; i++) {
		worker_enter(worker_get(i == 1));
		fds[i] = open_pair(&owners[i], SOCK_STREAM);
		flood(&owners[i], (int)i == _i ? 5 << 20 : 3 << 20);
	}
	for (unsigned turns = 0; turns < 8; turns++)
		workers_turn();
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(owners[i].closed, i == _i);
	ck_assert_int_eq(owners[_i].reason, CONN_UNSENT_TOTAL);
	ck_assert_uint_lt(conn_unsent_total(), 8 << 20);
	for (unsigned i = 0; i < 3; i++)
		close(fds[i]);
	end();
}
END_TEST

/* A connection for a worker that runs on its own thread; the main thread hears of its steps. */
struct crowd {
	struct owner owner;
	struct post post;
	size_t size;
	int fd;
};

static unsigned heard; /* steps */

static void
hear(struct worker *here, struct post *post)
{
	(void)here;
	(void)post;
	heard++;
}

static void
tell_main(struct worker *here, struct post *post)
{
	(void)here;
	post->run = hear;
	worker_post(worker_main(), post);
}

static void
left_crowd(struct conn *conn, enum conn_reason reason)
{
	struct crowd *one = (struct crowd *)conn_owner(conn);

	on_closed(conn, reason);
	if (reason == CONN_UNSENT_TOTAL)
		tell_main(NULL, &one->post);
}

/* It is told in the next turn: what is unsent has been counted then. */
static void
join_crowd(struct worker *here, struct post *post)
{
	static const struct conn_ops crowd_ops = { on_input, on_established, on_sent, NULL,
		left_crowd };
	struct crowd *one = (struct crowd *)((char *)post - offsetof(struct crowd, post));

	one->fd = open_pair(&one->owner, SOCK_STREAM);
	conn_set_ops(one->owner.conn, &crowd_ops, &one->owner);
	flood(&one->owner, one->size);
	post->run = tell_main;
	worker_post(here, post);
}

static void
await_heard(unsigned steps)
{
	while (heard < steps)
		worker_turn(worker_main(), true);
	heard = 0;
}

/* 1 to 6 MiB on three threads, 21 together; of 9 that are allowed the three largest take 15. */
START_TEST(threads_agree_on_the_largest)
{
	struct conn_limits limits = CONN_LIMITS_DEFAULT;
	struct crowd crowd[6] = { 0 };

	conn_set_limits(&limits);
	workers_start(3);
	for (unsigned i = 0; i < 6; i++) {
		crowd[i].post.run = join_crowd;
		crowd[i].size = (size_t)(i + 1) << 20;
		worker_post(worker_get(i % 3), &crowd[i].post);
	}
	await_heard(6);
	limits.unsent_total = 9 << 20;
	conn_set_limits(&limits);
	await_heard(3);
	workers_join();
	for (unsigned i = 0; i < 6; i++)
		ck_assert_uint_eq(crowd[i].owner.closed, i >= 3);
	for (unsigned i = 3; i < 6; i++)
		ck_assert_int_eq(crowd[i].owner.reason, CONN_UNSENT_TOTAL);
	workers_stop();
	for (unsigned i = 0; i < 6; i++)
		close(crowd[i].fd);
	ck_assert_uint_eq(conn_unsent_total(), 0);
}
END_TEST

/* --- TCP --------------------------------------------------------------------- */

static int
listen_tcp(struct netaddr *addr)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof addr->in;

	memset(addr, 0, sizeof *addr);
	addr->in.sin_family = AF_INET;
	addr->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, &addr->sa, len), 0);
	ck_assert_int_eq(getsockname(fd, &addr->sa, &len), 0);
	return fd;
}

START_TEST(it_connects_and_sends_what_was_queued_meanwhile)
{
	struct owner owner = { 0 };
	struct netaddr addr;
	int listening = listen_tcp(&addr), fd;

	begin();
	listen(listening, 1);
	owner.conn = conn_connect(&addr, NULL, &ops, &owner);
	conn_write(owner.conn, "hello", 5);
	turn(2);
	fd = accept(listening, NULL, NULL);
	ck_assert_uint_eq(owner.established, 1);
	assert_reads(fd, "hello");
	close(fd);
	close(listening);
	end();
	ck_assert_uint_eq(owner.closed, 1);
}
END_TEST

START_TEST(a_refused_connection_says_why)
{
	struct owner owner = { 0 };
	struct netaddr addr;
	int fd = listen_tcp(&addr);

	begin();
	owner.conn = conn_connect(&addr, NULL, &ops, &owner);
	turn(3);
	ck_assert_uint_eq(owner.established, 0);
	ck_assert_uint_eq(owner.closed, 1);
	ck_assert_int_eq(owner.reason, CONN_CONNECT);
	ck_assert_int_eq(owner.error, ECONNREFUSED);
	close(fd);
	end();
}
END_TEST

START_TEST(a_reset_is_told_as_such)
{
	struct linger now = { 1, 0 };
	struct owner owner = { 0 };
	struct netaddr addr;
	int listening = listen_tcp(&addr), fd = socket(AF_INET, SOCK_STREAM, 0);

	begin();
	listen(listening, 1);
	ck_assert_int_eq(connect(fd, &addr.sa, sizeof addr.in), 0);
	owner.conn = conn_accept(accept(listening, NULL, NULL), NULL, &ops, &owner);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(fd);
	turn(2);
	ck_assert_uint_eq(owner.closed, 1);
	ck_assert_int_eq(owner.reason, CONN_RESET);
	ck_assert_int_eq(owner.error, ECONNRESET);
	close(listening);
	end();
}
END_TEST

/* --- the move ---------------------------------------------------------------- */

START_TEST(it_moves_with_unsent_output)
{
	struct owner owner;
	struct worker *other;
	uint64_t id;
	int fd;

	workers_start_unthreaded(2);
	worker = worker_get(0);
	other = worker_get(1);
	worker_enter(worker);
	fd = open_pair(&owner, SOCK_STREAM);
	id = conn_id(owner.conn);
	flood(&owner, 3 << 20);
	turn(1);
	conn_write(owner.conn, "last", 4);
	ck_assert(conn_detach(owner.conn));
	ck_assert_ptr_null(conn_worker(owner.conn));
	ck_assert_int_eq(write(fd, "in flight", 9), 9);
	turn(2);
	ck_assert_uint_eq(owner.input.len, 0);
	worker_enter(other);
	conn_attach(owner.conn);
	ck_assert_ptr_eq(conn_worker(owner.conn), other);
	worker_turn(other, false);
	ck_assert_str_eq(owner.input.data, "in flight");
	ck_assert_uint_eq(conn_id(owner.conn), id);
	for (size_t total = 0; total < (3 << 20) + 4; total += drain(fd))
		worker_turn(other, false);
	ck_assert_uint_eq(conn_unsent(owner.conn), 0);
	close(fd);
	end();
	buf_free(&owner.input);
}
END_TEST

START_TEST(a_detached_one_can_be_thrown_away)
{
	struct owner owner;
	int fd;

	begin();
	fd = open_pair(&owner, SOCK_STREAM);
	flood(&owner, 1 << 20);
	turn(1);
	ck_assert(conn_detach(owner.conn));
	conn_free_detached(owner.conn);
	ck_assert_uint_eq(owner.closed, 0);
	close(fd);
	end();
}
END_TEST

START_TEST(every_reason_has_a_name_and_a_text)
{
	for (int i = 0; i < CONN_REASON_COUNT; i++) {
		ck_assert_ptr_nonnull(conn_reason_name((enum conn_reason)i));
		ck_assert_uint_gt(strlen(conn_reason_text((enum conn_reason)i)), 10);
	}
	ck_assert_str_eq(conn_reason_name(CONN_TLS_HANDSHAKE), "tls-handshake");
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("conn");
	TCase *tc = tcase_create("conn");

	tcase_add_test(tc, what_a_turn_wrote_leaves_at_its_end_in_one_write);

	tcase_add_test(tc, what_may_wait_leaves_when_it_is_due);

	tcase_add_test(tc, what_may_wait_leaves_with_what_may_not);

	tcase_add_test(tc, much_does_not_wait);

	tcase_add_test(tc, one_that_waits_may_end);
	tcase_add_test(tc, input_comes_and_pausing_holds_it_back);
	tcase_add_test(tc, referenced_bytes_are_released_once);
	tcase_add_test(tc, an_end_in_due_form_flushes_and_is_told_once);
	tcase_add_test(tc, a_peer_that_never_closes_does_not_linger_for_ever);
	tcase_add_test(tc, a_flush_that_does_not_come_to_its_end_is_cut);
	tcase_add_test(tc, a_peer_that_sends_no_more_may_still_read);
	tcase_add_test(tc, workers_that_stop_close_what_is_left);
	tcase_add_test(tc, too_much_unsent_output_ends_it);
	tcase_add_test(tc, much_unsent_output_for_long_ends_it);
	tcase_add_loop_test(tc, when_all_together_is_too_much_the_largest_goes, 0, 3);
	tcase_add_test(tc, threads_agree_on_the_largest);
	tcase_add_test(tc, it_connects_and_sends_what_was_queued_meanwhile);
	tcase_add_test(tc, a_refused_connection_says_why);
	tcase_add_test(tc, a_reset_is_told_as_such);
	tcase_add_test(tc, it_moves_with_unsent_output);
	tcase_add_test(tc, a_detached_one_can_be_thrown_away);
	tcase_add_test(tc, every_reason_has_a_name_and_a_text);
	suite_add_tcase(s, tc);
	return s;
}
