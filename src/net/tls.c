/*
 * Sets of TLS contexts: one SSL_CTX a certificate and one without. See tls.h;
 * reading the files is tls_load.c.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/tls.h"

#include <assert.h>
#include <ctype.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/xalloc.h"
#include "net/tls_impl.h"

#define NAME_MAX_LEN 255

/* RFC 9325 §4.2: forward secrecy and authenticated encryption, nothing else. */
static const char suites[] = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!SHA1";

/* --- finding ----------------------------------------------------------------- */

static struct certificate *
find_exact(const struct tls *tls, const char *name, size_t len)
{
	struct tls_name *found;

	HASH_FIND(hh, tls->names, name, (unsigned)len, found);
	return found == NULL ? NULL : found->certificate;
}

struct certificate *
tls_find(const struct tls *tls, const char *host)
{
	char name[NAME_MAX_LEN + 2];
	size_t len = host == NULL ? 0 : strlen(host);
	struct certificate *found;
	char *dot;

	if (len == 0 || len > NAME_MAX_LEN)
		return NULL;
	for (size_t i = 0; i <= len; i++)
		name[i] = (char)tolower((unsigned char)host[i]);
	if (name[len - 1] == '.')
		name[--len] = '\0';
	found = find_exact(tls, name, len);
	dot = strchr(name, '.');
	if (found != NULL || dot == NULL || dot == name)
		return found;
	dot[-1] = '*'; /* RFC 6125 §6.4.3: for one whole label */
	return find_exact(tls, dot - 1, len - (size_t)(dot - 1 - name));
}

bool
tls_has_name(const struct tls *tls, const char *host)
{
	return tls_find(tls, host) != NULL;
}

/* Of two that speak for a name: the one the configuration says, else the one that lasts longer. */
static bool
is_better(const struct certificate *new, const struct certificate *old)
{
	if ((new->host != NULL) != (old->host != NULL))
		return new->host != NULL;
	return ASN1_TIME_compare(X509_get0_notAfter(SSL_CTX_get0_certificate(new->ctx)),
		   X509_get0_notAfter(SSL_CTX_get0_certificate(old->ctx))) > 0;
}

void
tls_add_name(struct tls *tls, const char *text, struct certificate *certificate)
{
	size_t len = strlen(text);
	struct tls_name *name;

	HASH_FIND(hh, tls->names, text, (unsigned)len, name);
	if (name != NULL) {
		if (is_better(certificate, name->certificate))
			name->certificate = certificate;
		return;
	}
	name = xcalloc(1, sizeof *name + len + 1);
	memcpy(name->text, text, len);
	name->certificate = certificate;
	HASH_ADD_KEYPTR(hh, tls->names, name->text, (unsigned)len, name);
}

/* --- callbacks of the handshake ---------------------------------------------- */

static int
on_server_name(SSL *ssl, int *alert, void *arg)
{
	struct certificate *found =
	    tls_find(arg, SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));

	if (found == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	SSL_set_SSL_CTX(ssl, found->ctx);
	return SSL_TLSEXT_ERR_OK;
}

static bool
is_offered(const char *protocol, const unsigned char *offer, unsigned len)
{
	size_t want = strlen(protocol);

	for (unsigned at = 0; at < len && at + offer[at] < len; at += 1U + offer[at]) {
		if (offer[at] == want && memcmp(offer + at + 1, protocol, want) == 0)
			return true;
	}
	return false;
}

/* RFC 7301 §3.2: a client that offers protocols, none of them ours, is at the wrong door. */
static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *offer,
    unsigned len, void *arg)
{
	const char *const *ours = SSL_get_app_data(ssl);

	if (ours == NULL)
		return SSL_TLSEXT_ERR_NOACK;
	for (; *ours != NULL; ours++) {
		if (is_offered(*ours, offer, len)) {
			*out = (const unsigned char *)*ours;
			*out_len = (unsigned char)strlen(*ours);
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

bool
tls_offer_alpn(SSL *ssl, const char *const *protocols)
{
	unsigned char wire[256];
	unsigned len = 0;

	for (; protocols != NULL && *protocols != NULL; protocols++) {
		size_t one = strlen(*protocols);

		if (one == 0 || len + 1 + one > sizeof wire)
			return false;
		wire[len++] = (unsigned char)one;
		memcpy(wire + len, *protocols, one);
		len += (unsigned)one;
	}
	return len == 0 || SSL_set_alpn_protos(ssl, wire, len) == 0;
}

/* --- contexts ---------------------------------------------------------------- */

static int
no_password(char *buf, int size, int writing, void *arg)
{
	return 0; /* never ask at the terminal */
}

SSL_CTX *
tls_new_ctx(struct tls *tls)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());

	if (ctx == NULL)
		abort();
	SSL_CTX_set_min_proto_version(ctx, tls->minimum);
	SSL_CTX_set_cipher_list(ctx, suites);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ctx,
	    SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_dane_enable(ctx); /* costs nothing where no records are added: see tlsa.c */
	SSL_CTX_set_default_passwd_cb(ctx, no_password);
	SSL_CTX_set_tlsext_servername_callback(ctx, on_server_name);
	SSL_CTX_set_tlsext_servername_arg(ctx, tls);
	SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
	tls_use_tickets(ctx);
	if (tls->base != NULL)
		SSL_CTX_set1_cert_store(ctx, SSL_CTX_get_cert_store(tls->base));
	return ctx;
}

struct tls *
tls_new(int minimum)
{
	struct tls *tls = xcalloc(1, sizeof *tls);

	atomic_init(&tls->refs, 1);
	tls->minimum = minimum;
	tls->base = tls_new_ctx(tls);
	return tls;
}

struct tls *
tls_ref(struct tls *tls)
{
	atomic_fetch_add_explicit(&tls->refs, 1, memory_order_relaxed);
	return tls;
}

static void
free_certificate(struct certificate *certificate)
{
	SSL_CTX_free(certificate->ctx);
	tls_names_free(certificate->names);
	free(certificate->file);
	free(certificate->key_file);
	free(certificate->host);
	free(certificate);
}

void
tls_unref(struct tls **tls_p)
{
	struct tls *tls = *tls_p;
	struct tls_name *name, *next_name;
	struct certificate *next;

	*tls_p = NULL;
	if (tls == NULL || atomic_fetch_sub(&tls->refs, 1) != 1)
		return;
	HASH_ITER(hh, tls->names, name, next_name) {
		HASH_DEL(tls->names, name);
		free(name);
	}
	for (struct certificate *one = tls->certificates; one != NULL; one = next) {
		next = one->next;
		free_certificate(one);
	}
	SSL_CTX_free(tls->base);
	free(tls);
}

SSL *
tls_new_ssl(struct tls *tls, bool client, const char *host)
{
	struct certificate *certificate = tls_find(tls, host);
	SSL *ssl;

	/* a server that is asked for nothing we have shows the first rather than none */
	if (certificate == NULL && !client)
		certificate = tls->certificates;
	ssl = SSL_new(certificate != NULL ? certificate->ctx : tls->base);
	if (ssl == NULL)
		return NULL;
	if (client)
		SSL_set_connect_state(ssl);
	else
		SSL_set_accept_state(ssl);
	return ssl;
}
