/*
 * TLS on connections: handshakes, what is known of them, resumption, the move.
 * The other side is OpenSSL on the bare socket.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "net/conn.h"
#include "net/tls.h"
#include "net/worker.h"
#include "tls_kit.h"

Suite *suite(void);

static char folder[64];
static struct tls *set;
static struct worker *worker;

struct owner {
	struct conn *conn;
	struct buf input;
	unsigned inputs, established, closed;
	enum conn_reason reason;
};

static void
on_input(struct conn *conn, const char *bytes, size_t len)
{
	struct owner *owner = conn_owner(conn);

	owner->inputs++;
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
on_closed(struct conn *conn, enum conn_reason reason)
{
	struct owner *owner = conn_owner(conn);

	owner->closed++;
	owner->reason = reason;
	owner->conn = NULL;
}

static const struct conn_ops ops = { on_input, on_established, NULL, NULL, on_closed };

static void
load_set(void)
{
	set = tls_load(&(struct tls_config){ .directory = folder }, NULL, NULL);
	ck_assert_ptr_nonnull(set);
}

static void
setup(void)
{
	snprintf(folder, sizeof folder, "%s", kit_folder());
	kit_certificate(kit_path(folder, "a.crt"), kit_path(folder, "a.key"), "a", "DNS:a.example",
	    30);
	kit_certificate(kit_path(folder, "b.crt"), kit_path(folder, "b.key"), "b", "DNS:b.example",
	    30);
	load_set();
	workers_start_unthreaded(2);
	worker = worker_get(0);
	worker_enter(worker);
}

static void
teardown(void)
{
	worker_enter(worker_main());
	workers_stop();
	tls_unref(&set);
	kit_remove(folder);
}

/* --- the other side ---------------------------------------------------------- */

struct peer {
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
};

static void
peer_free(struct peer *peer)
{
	SSL_free(peer->ssl);
	SSL_CTX_free(peer->ctx);
	if (peer->fd >= 0)
		close(peer->fd);
}

static void
open_pair(struct owner *owner, struct peer *peer)
{
	int fds[2];

	memset(owner, 0, sizeof *owner);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	owner->conn = conn_accept(fds[0], NULL, &ops, owner);
	peer->fd = fds[1];
	peer->ctx = SSL_CTX_new(TLS_client_method());
	peer->ssl = SSL_new(peer->ctx);
	SSL_set_fd(peer->ssl, fds[1]);
	SSL_set_connect_state(peer->ssl);
}

static bool
shake(struct owner *owner, struct peer *peer)
{
	for (int i = 0; i < 30 && owner->closed == 0; i++) {
		ERR_clear_error();
		if (SSL_do_handshake(peer->ssl) == 1 && owner->established > 0)
			return true;
		worker_turn(worker, false);
	}
	return false;
}

static void
start(struct owner *owner, struct peer *peer, const struct conn_tls_params *params)
{
	open_pair(owner, peer);
	ck_assert(conn_start_tls(owner->conn, set, params));
}

static void
start_plainly(struct owner *owner, struct peer *peer)
{
	start(owner, peer, &(struct conn_tls_params){ .host = "a.example" });
	ck_assert(shake(owner, peer));
}

static void
turn(unsigned times)
{
	while (times-- > 0)
		worker_turn(worker, false);
}

static void
finish(struct owner *owner, struct peer *peer)
{
	peer_free(peer);
	turn(3);
	ck_assert_uint_eq(owner->closed, 1);
	buf_free(&owner->input);
}

/* --- handshakes -------------------------------------------------------------- */

START_TEST(starttls_writes_in_the_clear_first_and_discards_what_came_before)
{
	struct owner owner;
	struct peer peer;
	char answer[100];

	open_pair(&owner, &peer);
	ck_assert_int_eq(write(peer.fd, "<starttls/>", 11), 11);
	turn(1);
	conn_write(owner.conn, "<proceed/>", 10);
	ck_assert(conn_start_tls(owner.conn, set, &(struct conn_tls_params){ 0 }));
	conn_write(owner.conn, "secret", 6);
	ck_assert_str_eq(owner.input.data, "<starttls/>");
	turn(2);
	ck_assert_int_eq(read(peer.fd, answer, sizeof answer), 10);
	ck_assert_mem_eq(answer, "<proceed/>", 10);
	ck_assert(shake(&owner, &peer));
	turn(1);
	ck_assert_int_eq(SSL_read(peer.ssl, answer, sizeof answer), 6);
	ck_assert_mem_eq(answer, "secret", 6);
	ck_assert_int_eq(SSL_write(peer.ssl, "x", 1), 1);
	turn(1);
	ck_assert_str_eq(owner.input.data, "<starttls/>x");
	finish(&owner, &peer);
}
END_TEST

START_TEST(bytes_pipelined_behind_starttls_never_become_input)
{
	struct owner owner;
	struct peer peer;

	open_pair(&owner, &peer);
	ck_assert(conn_start_tls(owner.conn, set, &(struct conn_tls_params){ 0 }));
	ck_assert_int_eq(write(peer.fd, "<message>evil</message>", 23), 23);
	turn(3);
	ck_assert_uint_eq(owner.inputs, 0);
	ck_assert_uint_eq(owner.closed, 1);
	ck_assert_int_eq(owner.reason, CONN_TLS_HANDSHAKE);
	peer_free(&peer);
}
END_TEST

static void
assert_certificate(struct peer *peer, const char *name)
{
	X509 *x509 = SSL_get0_peer_certificate(peer->ssl);
	char text[64];

	X509_NAME_get_text_by_NID(X509_get_subject_name(x509), NID_commonName, text, sizeof text);
	ck_assert_str_eq(text, name);
}

START_TEST(sni_chooses_the_certificate_and_alpn_the_protocol)
{
	static const char *const ours[] = { "xmpp-client", NULL };
	struct conn_tls_params params = { .host = "a.example", .alpn = ours };
	struct conn_tls_info info;
	struct owner owner;
	struct peer peer;

	start(&owner, &peer, &params);
	SSL_set_tlsext_host_name(peer.ssl, "b.example");
	SSL_set_alpn_protos(peer.ssl, (const unsigned char *)"\002h2\013xmpp-client", 15);
	ck_assert(shake(&owner, &peer));
	assert_certificate(&peer, "b");
	ck_assert(conn_tls_info(owner.conn, &info));
	ck_assert_str_eq(info.version, "TLSv1.3");
	ck_assert_str_eq(info.alpn, "xmpp-client");
	ck_assert_str_eq(info.sni, "b.example");
	ck_assert(!info.resumed);
	finish(&owner, &peer);

	start_plainly(&owner, &peer);
	assert_certificate(&peer, "a");
	finish(&owner, &peer);

	start(&owner, &peer, &params);
	SSL_set_alpn_protos(peer.ssl, (const unsigned char *)"\002h2", 3);
	ck_assert(!shake(&owner, &peer));
	ck_assert_int_eq(owner.reason, CONN_TLS_HANDSHAKE);
	peer_free(&peer);
}
END_TEST

START_TEST(channel_bindings_are_those_of_the_client)
{
	uint8_t ours[64], theirs[64];
	unsigned len = 0;
	struct owner owner;
	struct peer peer;

	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		start(&owner, &peer, &(struct conn_tls_params){ .host = "a.example" });
		SSL_set_max_proto_version(peer.ssl, version);
		ck_assert(!conn_tls_exporter(owner.conn, ours));
		ck_assert(shake(&owner, &peer));
		ck_assert(conn_tls_exporter(owner.conn, ours));
		SSL_export_keying_material(peer.ssl, theirs, 32, "EXPORTER-Channel-Binding", 24,
		    (const unsigned char *)"", 0, 1);
		ck_assert_mem_eq(ours, theirs, 32);
		X509_digest(SSL_get0_peer_certificate(peer.ssl), EVP_sha256(), theirs, &len);
		ck_assert_uint_eq(conn_tls_server_end_point(owner.conn, ours), 32);
		ck_assert_mem_eq(ours, theirs, 32);
		finish(&owner, &peer);
	}
}
END_TEST

START_TEST(a_certificate_is_asked_for_and_no_answer_is_fine)
{
	struct conn_tls_params params = { .ask_certificate = true };
	struct owner owner;
	struct peer peer;

	start(&owner, &peer, &params);
	ck_assert(shake(&owner, &peer));
	ck_assert_ptr_null(conn_peer_certificate(owner.conn));
	ck_assert_int_ne(conn_verify_result(owner.conn), X509_V_OK);
	finish(&owner, &peer);

	start(&owner, &peer, &params);
	SSL_use_certificate_file(peer.ssl, kit_path(folder, "a.crt"), SSL_FILETYPE_PEM);
	SSL_use_PrivateKey_file(peer.ssl, kit_path(folder, "a.key"), SSL_FILETYPE_PEM);
	ck_assert(shake(&owner, &peer));
	turn(1);
	ck_assert_ptr_nonnull(conn_peer_certificate(owner.conn));
	ck_assert_int_ne(conn_verify_result(owner.conn), X509_V_OK);
	finish(&owner, &peer);
}
END_TEST

START_TEST(tls_1_1_is_refused)
{
	struct owner owner;
	struct peer peer;

	start(&owner, &peer, &(struct conn_tls_params){ 0 });
	SSL_set_security_level(peer.ssl, 0);
	SSL_set_min_proto_version(peer.ssl, TLS1_1_VERSION);
	SSL_set_max_proto_version(peer.ssl, TLS1_1_VERSION);
	ck_assert(!shake(&owner, &peer));
	ck_assert_int_eq(owner.reason, CONN_TLS_HANDSHAKE);
	peer_free(&peer);
}
END_TEST

static SSL_SESSION *kept;

static int
keep_session(SSL *ssl, SSL_SESSION *session)
{
	SSL_SESSION_free(kept);
	kept = session;
	return 1;
}

/* A client that comes back saves the handshake, also after a reload and with another worker. */
static void
resume(int version)
{
	struct conn_tls_info info;
	struct owner owner;
	struct peer peer;
	char byte;

	for (int round = 0; round < 3; round++) {
		open_pair(&owner, &peer);
		SSL_CTX_set_session_cache_mode(peer.ctx,
		    SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
		SSL_CTX_sess_set_new_cb(peer.ctx, keep_session);
		SSL_set_max_proto_version(peer.ssl, version);
		SSL_set_tlsext_host_name(peer.ssl, "b.example");
		if (kept != NULL)
			SSL_set_session(peer.ssl, kept);
		conn_start_tls(owner.conn, set, &(struct conn_tls_params){ 0 });
		ck_assert(shake(&owner, &peer));
		conn_write(owner.conn, "x", 1);
		turn(1);
		ck_assert_int_eq(SSL_read(peer.ssl, &byte, 1), 1);
		ck_assert(conn_tls_info(owner.conn, &info));
		ck_assert_msg(info.resumed == (round > 0), "version %x round %d", version, round);
		SSL_shutdown(peer.ssl);
		finish(&owner, &peer);
		tls_unref(&set);
		load_set();
	}
	SSL_SESSION_free(kept);
	kept = NULL;
}

START_TEST(sessions_are_resumed_even_after_a_reload)
{
	resume(TLS1_2_VERSION);
	resume(TLS1_3_VERSION);
}
END_TEST

START_TEST(two_connections_speak_tls_with_each_other)
{
	static const char *const protocols[] = { "xmpp-server", NULL };
	struct owner server = { 0 }, client = { 0 };
	struct conn_tls_info info;
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	server.conn = conn_accept(fds[0], NULL, &ops, &server);
	client.conn = conn_accept(fds[1], NULL, &ops, &client);
	conn_start_tls(server.conn, set,
	    &(struct conn_tls_params){ .ask_certificate = true, .alpn = protocols });
	conn_start_tls(client.conn, set,
	    &(struct conn_tls_params){ .client = true,
		.host = "a.example",
		.sni = "b.example",
		.alpn = protocols });
	conn_write(client.conn, "early", 5);
	turn(8);
	ck_assert_uint_eq(server.established, 1);
	ck_assert_uint_eq(client.established, 1);
	ck_assert_str_eq(server.input.data, "early");
	ck_assert_ptr_nonnull(conn_peer_certificate(server.conn));
	ck_assert(conn_tls_info(client.conn, &info));
	ck_assert_str_eq(info.alpn, "xmpp-server");
	conn_close(server.conn, CONN_FINISHED, true);
	turn(5);
	ck_assert_int_eq(client.reason, CONN_EOF);
	buf_free(&server.input);
}
END_TEST

/* --- bytes ------------------------------------------------------------------- */

START_TEST(many_small_writes_become_one_record)
{
	struct owner owner;
	struct peer peer;
	char bytes[20000];

	start_plainly(&owner, &peer);
	turn(1);
	for (int i = 0; i < 100; i++)
		conn_write(owner.conn, "<presence/>", 11);
	turn(1);
	ck_assert_int_eq(SSL_read(peer.ssl, bytes, sizeof bytes), 1100);
	finish(&owner, &peer);
}
END_TEST

START_TEST(a_record_may_come_byte_by_byte)
{
	struct owner owner;
	struct peer peer;
	unsigned char record[500];
	BIO *wire = BIO_new(BIO_s_mem());
	int len;

	start_plainly(&owner, &peer);
	SSL_set0_wbio(peer.ssl, wire);
	ck_assert_int_eq(SSL_write(peer.ssl, "piecemeal", 9), 9);
	len = BIO_read(wire, record, sizeof record);
	for (int i = 0; i < len; i++) {
		ck_assert_uint_eq(owner.inputs, 0);
		ck_assert_int_eq(write(peer.fd, record + i, 1), 1);
		turn(2);
	}
	ck_assert_str_eq(owner.input.data, "piecemeal");
	finish(&owner, &peer);
}
END_TEST

START_TEST(what_openssl_holds_is_read_on_resuming)
{
	struct owner owner;
	struct peer peer;

	start_plainly(&owner, &peer);
	SSL_write(peer.ssl, "one|", 4);
	SSL_write(peer.ssl, "two", 3);
	turn(3);
	ck_assert_str_eq(owner.input.data, "one|");
	conn_resume(owner.conn);
	turn(1);
	ck_assert_str_eq(owner.input.data, "one|two");
	finish(&owner, &peer);
}
END_TEST

START_TEST(large_output_arrives_whole_through_a_narrow_socket)
{
	size_t total = 3 << 20, got = 0;
	char *bytes = xcalloc(1, total);
	struct owner owner;
	struct peer peer;
	int n;

	start_plainly(&owner, &peer);
	for (size_t i = 0; i < total; i++)
		bytes[i] = (char)(i * 7 >> 3);
	conn_write(owner.conn, bytes, total / 2);
	turn(1);
	conn_write(owner.conn, bytes + total / 2, total / 2);
	while (got < total) {
		char piece[5000];

		turn(1);
		while ((n = SSL_read(peer.ssl, piece, sizeof piece)) > 0) {
			ck_assert_mem_eq(piece, bytes + got, n);
			got += (size_t)n;
		}
	}
	ck_assert_uint_eq(conn_unsent(owner.conn), 0);
	free(bytes);
	finish(&owner, &peer);
}
END_TEST

/* --- ends -------------------------------------------------------------------- */

START_TEST(ends_say_close_notify_and_know_when_it_is_missing)
{
	struct owner owner;
	struct peer peer;
	char byte;

	start_plainly(&owner, &peer);
	turn(1);
	conn_write(owner.conn, "z", 1);
	conn_close(owner.conn, CONN_FINISHED, true);
	turn(1);
	ck_assert_int_eq(SSL_read(peer.ssl, &byte, 1), 1);
	ck_assert_int_eq(SSL_get_error(peer.ssl, SSL_read(peer.ssl, &byte, 1)),
	    SSL_ERROR_ZERO_RETURN);
	ck_assert_int_eq(owner.reason, CONN_FINISHED);
	finish(&owner, &peer);

	start_plainly(&owner, &peer);
	SSL_shutdown(peer.ssl);
	finish(&owner, &peer);
	ck_assert_int_eq(owner.reason, CONN_EOF);

	start_plainly(&owner, &peer);
	turn(1);
	SSL_read(peer.ssl, &byte, 1); /* the ticket: what is left unread makes a reset of it */
	finish(&owner, &peer);
	ck_assert_int_eq(owner.reason, CONN_TRUNCATED);
}
END_TEST

START_TEST(garbage_after_the_handshake_ends_it)
{
	struct owner owner;
	struct peer peer;

	start_plainly(&owner, &peer);
	ck_assert_int_eq(write(peer.fd, "no record at all, this", 22), 22);
	turn(2);
	ck_assert_uint_eq(owner.closed, 1);
	ck_assert_int_eq(owner.reason, CONN_TLS_ERROR);
	ck_assert_uint_eq(owner.inputs, 0);
	finish(&owner, &peer);
}
END_TEST

/* --- the move ---------------------------------------------------------------- */

static void
move_on_input(struct conn *conn, const char *bytes, size_t len)
{
	on_input(conn, bytes, len);
	ck_assert(conn_detach(conn));
}

static const struct conn_ops moving_ops = { move_on_input, on_established, NULL, NULL, on_closed };

START_TEST(it_moves_in_the_middle_of_its_input)
{
	struct owner owner;
	struct peer peer;
	char bytes[100];

	start_plainly(&owner, &peer);
	ck_assert(conn_detach(owner.conn));
	conn_attach(owner.conn);
	SSL_write(peer.ssl, "one", 3);
	SSL_write(peer.ssl, "two", 3);
	conn_set_ops(owner.conn, &moving_ops, &owner);
	turn(2);
	ck_assert_str_eq(owner.input.data, "one");
	conn_set_ops(owner.conn, &ops, &owner);
	worker = worker_get(1);
	worker_enter(worker);
	conn_attach(owner.conn);
	conn_write(owner.conn, "three", 5);
	turn(1);
	ck_assert_str_eq(owner.input.data, "onetwo");
	ck_assert_int_eq(SSL_read(peer.ssl, bytes, sizeof bytes), 5);
	finish(&owner, &peer);
}
END_TEST

START_TEST(it_does_not_move_during_a_handshake)
{
	struct owner owner;
	struct peer peer;

	start(&owner, &peer, &(struct conn_tls_params){ 0 });
	ck_assert(!conn_detach(owner.conn));
	ck_assert(shake(&owner, &peer));
	peer_free(&peer);
	turn(2);
}
END_TEST

/*
 * Echoes that change their worker after every few inputs, with threads: what
 * comes back must be what was sent.
 */
#define MOVERS 6
#define MOVER_BYTES 200000
#define MOVER_AHEAD 60000

struct mover {
	struct post post;
	struct conn *conn;
	unsigned inputs;
	int fd;
};

static atomic_uint movers_left;

static void arrive(struct worker *to, struct post *post);

static void
mover_input(struct conn *conn, const char *bytes, size_t len)
{
	struct mover *mover = conn_owner(conn);
	unsigned next = (worker_index(worker_current()) + 1) % worker_count();

	conn_write(conn, bytes, len);
	if (++mover->inputs % 3 != 0 || !conn_detach(conn))
		return;
	mover->post.run = arrive;
	worker_post(worker_get(next), &mover->post);
}

static void
mover_closed(struct conn *conn, enum conn_reason reason)
{
	free(conn_owner(conn));
	if (atomic_fetch_sub(&movers_left, 1) == 1)
		worker_main_stop();
}

static const struct conn_ops mover_ops = { mover_input, NULL, NULL, NULL, mover_closed };

static void
arrive(struct worker *to, struct post *post)
{
	struct mover *mover = (struct mover *)post;

	if (mover->conn != NULL) {
		conn_attach(mover->conn);
		return;
	}
	mover->conn = conn_accept(mover->fd, NULL, &mover_ops, mover);
	conn_start_tls(mover->conn, set, &(struct conn_tls_params){ 0 });
}

static size_t
client_write(SSL *ssl, size_t sent, size_t got)
{
	char bytes[997];
	size_t len = MOVER_BYTES - sent < sizeof bytes ? MOVER_BYTES - sent : sizeof bytes;

	if (len == 0 || sent - got > MOVER_AHEAD)
		return 0;
	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)((sent + i) * 31 >> 4);
	return SSL_write(ssl, bytes, (int)len) > 0 ? len : 0;
}

/* Reads what has come, at least once something was sent far enough ahead. */
static size_t
client_read(SSL *ssl, size_t got)
{
	char bytes[4000];
	int n = SSL_read(ssl, bytes, sizeof bytes);

	for (int i = 0; i < n; i++) {
		if (bytes[i] != (char)((got + (size_t)i) * 31 >> 4))
			abort();
	}
	return n > 0 ? (size_t)n : 0;
}

static void *
run_client(void *arg)
{
	int fd = (int)(intptr_t)arg;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);
	size_t sent = 0, got = 0;

	SSL_set_fd(ssl, fd);
	if (SSL_connect(ssl) != 1)
		abort();
	while (got < MOVER_BYTES) {
		size_t put = client_write(ssl, sent, got);

		sent += put;
		if (put == 0)
			got += client_read(ssl, got);
	}
	SSL_shutdown(ssl);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(fd);
	return NULL;
}

static void
start_mover(pthread_t *thread, unsigned i)
{
	struct mover *mover = xcalloc(1, sizeof *mover);
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	mover->fd = fds[0];
	mover->post.run = arrive;
	pthread_create(thread, NULL, run_client, (void *)(intptr_t)fds[1]);
	worker_post(worker_get(i % worker_count()), &mover->post);
}

START_TEST(connections_move_among_threads_with_bytes_in_flight)
{
	pthread_t clients[MOVERS];

	worker_enter(worker_main());
	workers_stop();
	worker_main();
	workers_start(3);
	movers_left = MOVERS;
	for (unsigned i = 0; i < MOVERS; i++)
		start_mover(&clients[i], i);
	worker_main_run();
	for (unsigned i = 0; i < MOVERS; i++)
		pthread_join(clients[i], NULL);
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("conn tls");
	TCase *tc = tcase_create("conn tls");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, starttls_writes_in_the_clear_first_and_discards_what_came_before);
	tcase_add_test(tc, bytes_pipelined_behind_starttls_never_become_input);
	tcase_add_test(tc, sni_chooses_the_certificate_and_alpn_the_protocol);
	tcase_add_test(tc, channel_bindings_are_those_of_the_client);
	tcase_add_test(tc, a_certificate_is_asked_for_and_no_answer_is_fine);
	tcase_add_test(tc, tls_1_1_is_refused);
	tcase_add_test(tc, sessions_are_resumed_even_after_a_reload);
	tcase_add_test(tc, two_connections_speak_tls_with_each_other);
	tcase_add_test(tc, many_small_writes_become_one_record);
	tcase_add_test(tc, a_record_may_come_byte_by_byte);
	tcase_add_test(tc, what_openssl_holds_is_read_on_resuming);
	tcase_add_test(tc, large_output_arrives_whole_through_a_narrow_socket);
	tcase_add_test(tc, ends_say_close_notify_and_know_when_it_is_missing);
	tcase_add_test(tc, garbage_after_the_handshake_ends_it);
	tcase_add_test(tc, it_moves_in_the_middle_of_its_input);
	tcase_add_test(tc, it_does_not_move_during_a_handshake);
	tcase_add_test(tc, connections_move_among_threads_with_bytes_in_flight);
	suite_add_tcase(s, tc);
	return s;
}
