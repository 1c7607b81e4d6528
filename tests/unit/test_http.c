/*
 * HTTP connections: requests and answers over a socket pair, on a worker that the test turns.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "net/conn.h"
#include "net/http.h"
#include "net/pool.h"
#include "net/worker.h"

Suite *suite(void);

#define HEAD_MS 10000
#define IDLE_MS 60000
#define STALL_MS 30000

static struct worker *worker;
static struct pool *files;
static struct ln_http *kept; /* a request that is answered later */
static int gone;
static uint64_t keep_free;
static char folder[] = "/tmp/linnet-http-XXXXXX";
static char path[64];

/* --- a service ---------------------------------------------------------------------------- */

static void
read_all(struct ln_http *http, enum ln_http_body how, const char *bytes, size_t len, void *arg)
{
	if (how == LN_HTTP_BODY_DONE)
		ln_http_reply(http, 200, "text/plain", bytes, len);
	else
		ln_http_fail(http, 413, "too long");
}

static void
was_saved(struct ln_http *http, enum ln_http_body how, void *arg)
{
	static const unsigned statuses[] = { [LN_HTTP_BODY_DONE] = 201,
		[LN_HTTP_BODY_TOO_LONG] = 413,
		[LN_HTTP_BODY_EXISTS] = 409,
		[LN_HTTP_BODY_NO_SPACE] = 507,
		[LN_HTTP_BODY_BUSY] = 503,
		[LN_HTTP_BODY_FAILED] = 500 };

	ln_http_reply(http, statuses[how], NULL, NULL, 0);
}

static void
is_gone(void *arg)
{
	gone++;
}

static void
serve(struct ln_http *http)
{
	const char *what = ln_http_path(http);

	if (strcmp(what, "/echo") == 0) {
		ln_http_read_body(http, 20, read_all, NULL);
	} else if (strcmp(what, "/later") == 0) {
		kept = http;
		ln_http_on_gone(http, is_gone, NULL);
	} else if (strcmp(what, "/split") == 0) {
		ck_assert(!ln_http_set(http, "X", "a\r\nSet-Cookie: b"));
		ck_assert(!ln_http_set(http, "X: y\r\nZ", "a"));
		ck_assert(ln_http_set(http, "X-Fine", "yes"));
		ln_http_reply(http, 200, NULL, "s", 1);
	} else if (strcmp(what, "/who") == 0) {
		ln_http_reply(http, 200, NULL, ln_http_client(http), strlen(ln_http_client(http)));
	} else if (strcmp(what, "/file") == 0 && ln_http_method(http) == LN_HTTP_PUT) {
		ln_http_save_body(http, path, 1 << 20, keep_free, was_saved, NULL);
	} else if (strcmp(what, "/file") == 0) {
		ln_http_send_file(http, path, "text/x-test");
	} else {
		ln_http_fail(http, 404, "nothing");
	}
}

static bool
trust_all(const struct netaddr *peer)
{
	return true;
}

static struct http_times
times(void)
{
	return (struct http_times){ .head = HEAD_MS, .idle = IDLE_MS, .stall = STALL_MS };
}

static const struct http_service service = { .request = serve, .times = times };
static const struct http_service trusting = { .request = serve,
	.trusts = trust_all,
	.times = times };

/* --- a client ------------------------------------------------------------------------------ */

static void
begin(void)
{
	workers_start_unthreaded(1);
	worker = worker_get(0);
	worker_enter(worker);
	files = pool_new("file", 1, 10);
	http_init(files);
	memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/f", folder);
	kept = NULL;
	gone = 0;
}

static void
end(void)
{
	pool_free(&files);
	http_init(NULL);
	worker_enter(worker_main());
	workers_stop();
	unlink(path);
	ck_assert_int_eq(rmdir(folder), 0); /* no part was left behind */
}

static int
dial(const struct http_service *to)
{
	struct netaddr peer = { 0 };
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	ck_assert(netaddr_parse(&peer, "192.0.2.7:99"));
	http_accept(fds[0], &peer, NULL, to);
	return fds[1];
}

static void
say(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), 0), (ssize_t)strlen(text));
}

/* All that has come by now, behind what `got` has; false: the other side has closed. */
static bool
take(int fd, char *got, size_t room, size_t *len)
{
	ssize_t n;

	while ((n = recv(fd, got + *len, room - *len, 0)) > 0)
		*len += (size_t)n;
	got[*len] = '\0';
	return n < 0;
}

/* Turns until `what` has come ("": the end); then all that has come. Whatever it waits for, a file
 * thread too, wakes the worker (the first turn is for what the test did itself); what never comes is
 * ended by Check's own clock. */
static char *
hear(int fd, const char *what)
{
	static char got[4 << 20];
	size_t len = 0;

	for (bool block = false;; block = true) {
		bool open;

		worker_turn(worker, block);
		open = take(fd, got, sizeof got - 1, &len);
		if (*what == '\0' ? !open : strstr(got, what) != NULL)
			return got;
		ck_assert_msg(open, "closed after: %s", got);
	}
}

#define hear_end(fd) hear((fd), "")

START_TEST(requests_are_answered_one_after_another)
{
	int fd;

	begin();
	fd = dial(&service);
	say(fd,
	    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\noneGET /x HTTP/1.1\r\n"
	    "Host: a\r\n\r\nPOST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "2\r\ntw\r\n1\r\no\r\n0\r\n\r\n");
	{
		const char *one = strstr(hear(fd, "\r\n\r\ntwo"), "one");

		ck_assert_ptr_nonnull(one);
		ck_assert_ptr_nonnull(strstr(one, "404 Not Found"));
	}
	close(fd);
	end();
}
END_TEST

START_TEST(byte_by_byte_is_the_same)
{
	static const char text[] =
	    "\r\nPOST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "3;x\r\nabc\r\n0\r\nT: x\r\n\r\nGET /split HTTP/1.1\r\nHost: a\r\n\r\n";
	int fd;

	begin();
	fd = dial(&service);
	for (size_t i = 0; i + 1 < sizeof text; i++) {
		ck_assert_int_eq(send(fd, text + i, 1, 0), 1);
		worker_turn(worker, false);
	}
	ck_assert_ptr_nonnull(strstr(hear(fd, "X-Fine: yes"), "\r\n\r\nabcHTTP/1.1 200 OK"));
	close(fd);
	end();
}
END_TEST

/* What is pipelined behind an unanswered request waits, however long it is. */
START_TEST(a_late_answer_holds_back_the_next_request)
{
	int fd;

	begin();
	fd = dial(&service);
	say(fd, "GET /later HTTP/1.1\r\nHost: a\r\n\r\nGET /split HTTP/1.1\r\nHost: a\r\n\r\n");
	for (int i = 0; i < 5; i++)
		worker_turn(worker, false);
	ck_assert_ptr_nonnull(kept);
	ck_assert_int_lt(recv(fd, (char[1]){ 0 }, 1, 0), 0);
	clock_advance(1000);
	worker_turn(worker, false);
	ln_http_reply(kept, 204, NULL, NULL, 0);
	ck_assert_ptr_nonnull(strstr(hear(fd, "X-Fine: yes"), "204 No Content"));
	close(fd);
	end();
	ck_assert_int_eq(gone, 0);
}
END_TEST

START_TEST(one_who_waits_for_an_answer_hears_that_its_client_left)
{
	int fd;

	begin();
	fd = dial(&service);
	say(fd, "GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
	for (int i = 0; i < 5; i++)
		worker_turn(worker, false);
	ck_assert_ptr_nonnull(kept);
	close(fd);
	end();
	ck_assert_int_eq(gone, 1);
}
END_TEST

START_TEST(a_body_is_waited_for_with_100_and_refused_without_reading)
{
	int fd;

	begin();
	fd = dial(&service);
	say(fd,
	    "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
	hear(fd, "100 Continue\r\n\r\n");
	say(fd, "abc");
	hear(fd, "\r\n\r\nabc");
	say(fd,
	    "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 21\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(hear(fd, "413 "), "Connection: close"));
	say(fd, "GET /split HTTP/1.1\r\nHost: a\r\n\r\n");
	clock_advance(6000);
	ck_assert_ptr_null(strstr(hear_end(fd), "X-Fine"));
	close(fd);
	end();
}
END_TEST

START_TEST(what_is_not_http_is_refused_and_closed)
{
	static const char *const texts[] = { "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\r\n\r\n",
		"GET / HTTP/1.1\nHost: a\n\n\r\n\r\n",
		"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\rXab\r\n" };
	int fd;

	begin();
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		fd = dial(&service);
		say(fd, texts[i]);
		ck_assert_ptr_nonnull(strstr(hear(fd, "\r\n\r\n"), "400 Bad Request"));
		shutdown(fd, SHUT_WR);
		hear_end(fd);
		close(fd);
	}
	end();
}
END_TEST

START_TEST(an_endless_head_is_refused)
{
	char *head = calloc(1, 20001);
	int fd;

	begin();
	fd = dial(&service);
	memset(head, 'a', 20000);
	memcpy(head, "GET /", 5);
	say(fd, head);
	hear(fd, "431 ");
	close(fd);
	end();
	free(head);
}
END_TEST

START_TEST(slow_heads_and_bodies_are_timed_out)
{
	int fd;

	begin();
	fd = dial(&service);
	say(fd, "GET / HTTP/1.1\r\nHo");
	worker_turn(worker, false);
	clock_advance(HEAD_MS + 10);
	hear_end(fd);
	close(fd);
	fd = dial(&service);
	say(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc");
	for (int i = 0; i < 5; i++)
		worker_turn(worker, false);
	clock_advance(STALL_MS + 10);
	ck_assert_ptr_nonnull(strstr(hear_end(fd), "408 "));
	close(fd);
	end();
}
END_TEST

/* A byte now and then does not keep a connection for ever. */
START_TEST(drops_do_not_make_a_body)
{
	char part[80];
	int fd;

	begin();
	fd = dial(&service);
	say(fd, "PUT /file HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\n");
	for (int i = 0; i < 4; i++) {
		say(fd, "x");
		for (int turn = 0; turn < 5; turn++)
			worker_turn(worker, false);
		clock_advance(STALL_MS / 3);
	}
	ck_assert_ptr_nonnull(strstr(hear_end(fd), "408 "));
	close(fd);
	snprintf(part, sizeof part, "%s.part", path);
	while (access(part, F_OK) == 0)
		worker_turn(worker, false);
	end();
}
END_TEST

START_TEST(a_proxy_says_who_it_is_if_it_is_trusted)
{
	static const char request[] = "GET /who HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
				      "X-Forwarded-For: 198.51.100.1, 203.0.113.5\r\n\r\n";
	int fd;

	begin();
	fd = dial(&service);
	say(fd, request);
	ck_assert_ptr_nonnull(strstr(hear_end(fd), "\r\n\r\n192.0.2.7"));
	close(fd);
	fd = dial(&trusting);
	say(fd, request);
	ck_assert_ptr_nonnull(strstr(hear_end(fd), "\r\n\r\n203.0.113.5"));
	close(fd);
	end();
}
END_TEST

/* --- files ------------------------------------------------------------------------------------ */

static void
put(const char *size, const char *body, const char *status)
{
	int fd = dial(&service);
	char head[200];

	snprintf(head, sizeof head, "PUT /file HTTP/1.1\r\nHost: a\r\nContent-Length: %s\r\n\r\n",
	    size);
	say(fd, head);
	say(fd, body);
	hear(fd, status);
	close(fd);
}

START_TEST(a_body_becomes_a_file_once)
{
	int fd;

	begin();
	keep_free = (uint64_t)1 << 62;
	put("3", "abc", "507 ");
	keep_free = 0;
	put("10", "0123456789", "201 Created");
	put("3", "abc", "409 Conflict");
	put("2000000", "", "413 ");
	fd = dial(&service);
	say(fd, "GET /file HTTP/1.1\r\nHost: a\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(hear(fd, "0123456789"), "Content-Type: text/x-test"));
	say(fd, "GET /file HTTP/1.1\r\nHost: a\r\nRange: bytes=-3\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(hear(fd, "\r\n\r\n789"), "Content-Range: bytes 7-9/10"));
	say(fd, "GET /file HTTP/1.1\r\nHost: a\r\nRange: bytes=10-\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(hear(fd, "416 "), "Content-Range: bytes */10"));
	say(fd, "HEAD /file HTTP/1.1\r\nHost: a\r\n\r\n");
	ck_assert_ptr_nonnull(strstr(hear(fd, "\r\n\r\n"), "Content-Length: 10"));
	say(fd, "GET /file HTTP/1.1\r\nHost: a\r\nIf-None-Match: *\r\n\r\n");
	hear(fd, "304 Not Modified");
	close(fd);
	end();
}
END_TEST

START_TEST(an_upload_that_breaks_off_leaves_nothing)
{
	char part[80];
	int fd;

	begin();
	fd = dial(&service);
	say(fd, "PUT /file HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123");
	snprintf(part, sizeof part, "%s.part", path);
	while (access(part, F_OK) != 0)
		worker_turn(worker, false);
	close(fd);
	while (access(part, F_OK) == 0)
		worker_turn(worker, false);
	ck_assert_int_ne(access(path, F_OK), 0);
	end();
}
END_TEST

/* Somebody else's, which hold the queue. */
static void
nothing(struct pool_job *job)
{
	(void)job;
}

static sem_t released;

static void
hold(struct pool_job *job)
{
	(void)job;
	while (sem_wait(&released) != 0)
		;
	sem_post(&released); /* for the next */
}

START_TEST(a_full_queue_refuses_what_begins_and_lets_the_rest_go_on)
{
	struct pool_job jobs[11];
	char part[80];
	int fd, other;

	begin();
	fd = dial(&service);
	say(fd, "PUT /file HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123");
	snprintf(part, sizeof part, "%s.part", path);
	while (access(part, F_OK) != 0)
		worker_turn(worker, false);
	memset(jobs, 0, sizeof jobs);
	sem_init(&released, 0, 0);
	for (int i = 0; i < 11; i++) {
		jobs[i].work = hold;
		jobs[i].done = nothing;
		pool_submit_always(files, &jobs[i]);
	}
	other = dial(&service);
	say(other, "PUT /file HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
	hear(other, "503 ");
	close(other);
	other = dial(&service);
	say(other, "GET /file HTTP/1.1\r\nHost: a\r\n\r\n");
	hear(other, "503 ");
	close(other);
	say(fd, "456789");
	for (int i = 0; i < 5; i++)
		worker_turn(worker, false);
	sem_post(&released);
	hear(fd, "201 Created");
	close(fd);
	end();
}
END_TEST

/* More than what is kept unsent, both ways. */
START_TEST(long_files_stream)
{
	size_t len = 1 << 20, sent = 0, got = 0;
	char *bytes = malloc(len), *answer;
	int fd;

	begin();
	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(' ' + (i * 7 + i / 1000) % 90);
	fd = dial(&service);
	say(fd, "PUT /file HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n");
	while (sent < len) {
		ssize_t n = send(fd, bytes + sent, len - sent, 0);

		if (n > 0)
			sent += (size_t)n;
		worker_turn(worker, false);
	}
	hear(fd, "201 Created");
	say(fd, "GET /file HTTP/1.0\r\n\r\n");
	answer = hear_end(fd);
	answer = strstr(answer, "\r\n\r\n") + 4;
	got = strlen(answer);
	ck_assert_uint_eq(got, len);
	ck_assert_int_eq(memcmp(answer, bytes, len), 0);
	close(fd);
	free(bytes);
	end();
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("http");
	TCase *tc = tcase_create("http");

	tcase_add_test(tc, requests_are_answered_one_after_another);
	tcase_add_test(tc, byte_by_byte_is_the_same);
	tcase_add_test(tc, a_late_answer_holds_back_the_next_request);
	tcase_add_test(tc, one_who_waits_for_an_answer_hears_that_its_client_left);
	tcase_add_test(tc, a_body_is_waited_for_with_100_and_refused_without_reading);
	tcase_add_test(tc, what_is_not_http_is_refused_and_closed);
	tcase_add_test(tc, an_endless_head_is_refused);
	tcase_add_test(tc, slow_heads_and_bodies_are_timed_out);
	tcase_add_test(tc, drops_do_not_make_a_body);
	tcase_add_test(tc, a_proxy_says_who_it_is_if_it_is_trusted);
	tcase_add_test(tc, a_body_becomes_a_file_once);
	tcase_add_test(tc, an_upload_that_breaks_off_leaves_nothing);
	tcase_add_test(tc, a_full_queue_refuses_what_begins_and_lets_the_rest_go_on);
	tcase_add_test(tc, long_files_stream);
	suite_add_tcase(s, tc);
	return s;
}
