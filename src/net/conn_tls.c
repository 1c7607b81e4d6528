/*
 * TLS on a connection: OpenSSL on the socket itself, without libevent's
 * filter (which cannot change its base).
 *
 * Reading runs ahead, so a turn needs one read() instead of two a record; in
 * exchange SSL_has_pending() must be asked whenever poll cannot know.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <event2/buffer.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/metrics.h"
#include "base/xalloc.h"
#include "net/conn_impl.h"
#include "net/tls.h"

enum { HANDSHAKES, RESUMED, FAILED };

static const struct metric_row rows[] = {
	[HANDSHAKES] = { "tls_handshakes_total", METRIC_COUNTER, "TLS handshakes done.", "kind",
	    "full" },
	[RESUMED] = { "tls_handshakes_total", METRIC_COUNTER, "TLS handshakes done.", "kind",
	    "resumed" },
	[FAILED] = { "tls_failed_total", METRIC_COUNTER, "TLS handshakes that failed." },
};
METRICS(net_metrics, "net", rows);

#define RECORD_MAX ((size_t)16 * 1024)
#define READ_MAX ((size_t)32 * 1024)

/* --- beginning and end ------------------------------------------------------- */

static int
accept_any_certificate(int ok, X509_STORE_CTX *store)
{
	return 1;
}

/*
 * A certificate is asked for, judged, and the judgement kept for later. Public
 * authorities have stopped to certify servers as clients, so any purpose will do.
 */
static void
ask_certificate(SSL *ssl)
{
	SSL_set_verify(ssl, SSL_VERIFY_PEER, accept_any_certificate);
	X509_VERIFY_PARAM_set_purpose(SSL_get0_param(ssl), X509_PURPOSE_ANY);
}

static SSL *
new_ssl(int fd, struct tls *set, const struct conn_tls_params *params)
{
	SSL *ssl = tls_new_ssl(set, params->client, params->host);

	if (ssl == NULL)
		return NULL;
	SSL_set_app_data(ssl, (void *)(uintptr_t)params->alpn);
	if (params->ask_certificate)
		ask_certificate(ssl);
	if (params->full) {
		SSL_set_options(ssl, SSL_OP_NO_TICKET);
		SSL_set_num_tickets(ssl, 0);
	}
	if (SSL_set_fd(ssl, fd) != 1 ||
	    (params->client && params->sni != NULL &&
		SSL_set_tlsext_host_name(ssl, params->sni) != 1) ||
	    (params->client && !tls_offer_alpn(ssl, params->alpn))) {
		SSL_free(ssl);
		return NULL;
	}
	return ssl;
}

bool
conn_start_tls(struct conn *conn, struct tls *set, const struct conn_tls_params *params)
{
	SSL *ssl;

	conn_check_home(conn);
	if (conn->tls != NULL || conn->state > CONN_OPEN)
		return false;
	ERR_clear_error();
	ssl = new_ssl(conn->fd, set, params);
	if (ssl == NULL) {
		conn_fail(conn, CONN_TLS_HANDSHAKE, 0);
		return false;
	}
	conn->tls = xcalloc(1, sizeof *conn->tls);
	conn->tls->ssl = ssl;
	conn->tls->set = tls_ref(set);
	conn->tls->client = params->client;
	conn->tls->clear = conn->state == CONN_CONNECTING ? 0 : conn_unsent(conn);
	conn->paused = false;
	if (conn->state == CONN_OPEN)
		conn->state = CONN_HANDSHAKE;
	conn_watch(conn);
	conn_mark_dirty(conn);
	return true;
}

void
conn_tls_free(struct conn *conn)
{
	struct conn_tls *tls = conn->tls;

	if (tls == NULL)
		return;
	conn->tls = NULL;
	SSL_free(tls->ssl);
	tls_unref(&tls->set);
	free(tls);
}

/* Says close_notify, if nothing half-written is in the way. One way is enough: we do not read on. */
void
conn_tls_shutdown(struct conn *conn)
{
	struct conn_tls *tls = conn->tls;

	if (tls == NULL || !tls->done || tls->broken || conn->blocked)
		return;
	ERR_clear_error();
	SSL_shutdown(tls->ssl);
}

/* --- errors ------------------------------------------------------------------ */

static enum conn_reason
failure_reason(const struct conn *conn, int ssl_error)
{
	unsigned long error = ERR_peek_error();

	if (!conn->tls->done) {
		metric_inc(net_metrics, FAILED);
		return CONN_TLS_HANDSHAKE;
	}
	if (ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		return CONN_TRUNCATED;
	return ssl_error == SSL_ERROR_SYSCALL ? CONN_RESET : CONN_TLS_ERROR;
}

/* What SSL_read(), SSL_write() or the handshake could not do. */
static void
trouble(struct conn *conn, int rc, bool writing)
{
	int saved = errno, error = SSL_get_error(conn->tls->ssl, rc);
	enum conn_reason reason;

	switch (error) {
	case SSL_ERROR_WANT_READ:
		break;
	case SSL_ERROR_WANT_WRITE:
		if (writing)
			conn->blocked = true;
		else
			conn->wants_write = true;
		break;
	case SSL_ERROR_ZERO_RETURN:
		conn_peer_ended(conn, CONN_EOF);
		return;
	default:
		conn->tls->broken = true;
		reason = failure_reason(conn, error);
		if (reason == CONN_TRUNCATED && !writing)
			conn_peer_ended(conn, reason);
		else
			conn_fail(conn, reason, error == SSL_ERROR_SYSCALL ? saved : 0);
		return;
	}
	conn_watch(conn);
}

/* --- bytes ------------------------------------------------------------------- */

void
conn_tls_handshake(struct conn *conn)
{
	int rc;

	ERR_clear_error();
	rc = SSL_do_handshake(conn->tls->ssl);
	if (rc != 1) {
		trouble(conn, rc, false);
		return;
	}
	metric_inc(net_metrics, SSL_session_reused(conn->tls->ssl) ? RESUMED : HANDSHAKES);
	conn->tls->done = true;
	conn->state = CONN_OPEN;
	conn_watch(conn);
	conn_mark_dirty(conn);
	if (SSL_has_pending(conn->tls->ssl)) {
		conn->readable = true;
		conn_mark_ready(conn);
	}
	if (conn->ops->established != NULL)
		conn->ops->established(conn);
}

bool
conn_tls_pending(const struct conn *conn)
{
	return conn->tls != NULL && conn->tls->done && SSL_has_pending(conn->tls->ssl);
}

void
conn_tls_read(struct conn *conn)
{
	SSL *ssl = conn->tls->ssl;
	size_t budget = READ_MAX;
	int got;

	do {
		ERR_clear_error();
		got = SSL_read(ssl, conn->worker->scratch, (int)RECORD_MAX);
		if (got <= 0) {
			trouble(conn, got, false);
			return;
		}
		if (!conn_deliver(conn, (size_t)got))
			return;
		budget -= (size_t)got < budget ? (size_t)got : budget;
	} while (SSL_has_pending(ssl) && budget > 0);
	if (SSL_has_pending(ssl)) {
		conn->readable = true;
		conn_mark_ready(conn);
	}
}

/* The first `len` bytes of the output in one piece. */
static const void *
first_bytes(struct conn *conn, size_t len)
{
	struct evbuffer_iovec first;

	if (evbuffer_peek(conn->out, -1, NULL, &first, 1) >= 1 && first.iov_len >= len)
		return first.iov_base;
	evbuffer_copyout(conn->out, conn->worker->scratch, len);
	return conn->worker->scratch;
}

bool
conn_tls_write(struct conn *conn)
{
	size_t len = evbuffer_get_length(conn->out);
	int put;

	/* a write that blocked is tried again with at least as many bytes: output only grows */
	if (len > RECORD_MAX)
		len = RECORD_MAX;
	ERR_clear_error();
	put = SSL_write(conn->tls->ssl, first_bytes(conn, len), (int)len);
	if (put <= 0) {
		trouble(conn, put, true);
		return false;
	}
	evbuffer_drain(conn->out, (size_t)put);
	conn->written += (size_t)put;
	return true;
}

/* --- looking ----------------------------------------------------------------- */

bool
conn_has_tls(const struct conn *conn)
{
	return conn->tls != NULL && conn->tls->done;
}

SSL *
conn_ssl(const struct conn *conn)
{
	return conn->tls != NULL ? conn->tls->ssl : NULL;
}

bool
conn_tls_info(const struct conn *conn, struct conn_tls_info *info_r)
{
	const unsigned char *alpn;
	unsigned len;
	SSL *ssl;

	if (!conn_has_tls(conn))
		return false;
	ssl = conn->tls->ssl;
	memset(info_r, 0, sizeof *info_r);
	info_r->version = SSL_get_version(ssl);
	info_r->cipher = SSL_get_cipher_name(ssl);
	info_r->resumed = SSL_session_reused(ssl);
	info_r->sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	SSL_get0_alpn_selected(ssl, &alpn, &len);
	if (len > 0 && len < sizeof info_r->alpn)
		memcpy(info_r->alpn, alpn, len);
	return true;
}

X509 *
conn_peer_certificate(const struct conn *conn)
{
	return conn_has_tls(conn) ? SSL_get0_peer_certificate(conn->tls->ssl) : NULL;
}

long
conn_verify_result(const struct conn *conn)
{
	if (conn_peer_certificate(conn) == NULL)
		return X509_V_ERR_UNSPECIFIED;
	return SSL_get_verify_result(conn->tls->ssl);
}

/* RFC 9266 §2: the context is there and empty. Without extended master secret it binds nothing. */
bool
conn_tls_exporter(const struct conn *conn, uint8_t out[CONN_EXPORTER_LEN])
{
	static const char label[] = "EXPORTER-Channel-Binding";
	SSL *ssl;

	if (!conn_has_tls(conn))
		return false;
	ssl = conn->tls->ssl;
	if (SSL_version(ssl) < TLS1_3_VERSION && SSL_get_extms_support(ssl) != 1)
		return false;
	return SSL_export_keying_material(ssl, out, CONN_EXPORTER_LEN, label, sizeof label - 1,
		   (const unsigned char *)"", 0, 1) == 1;
}

/* RFC 5929 §4.1: the signature's own hash, but SHA-256 for MD5 and SHA-1; none: undefined. */
size_t
conn_tls_server_end_point(const struct conn *conn, uint8_t out[CONN_END_POINT_MAX])
{
	int digest = NID_undef;
	unsigned len = 0;
	X509 *certificate;

	if (!conn_has_tls(conn))
		return 0;
	certificate = conn->tls->client ? SSL_get0_peer_certificate(conn->tls->ssl)
					: SSL_get_certificate(conn->tls->ssl);
	if (certificate == NULL ||
	    X509_get_signature_info(certificate, &digest, NULL, NULL, NULL) != 1 ||
	    digest == NID_undef)
		return 0;
	if (digest == NID_md5 || digest == NID_sha1)
		digest = NID_sha256;
	if (X509_digest(certificate, EVP_get_digestbynid(digest), out, &len) != 1)
		return 0;
	return len;
}
