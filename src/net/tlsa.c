/*
 * DANE after the handshake. See tlsa.h.
 *
 * OpenSSL matches records while it verifies a chain, so the chain is verified
 * once more, with the records, in a context of its own: that serves both
 * directions of a connection, and answers that come after the handshake.
 * Names are ours to compare (certname.h), for OpenSSL knows no SRVName.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/tlsa.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define USAGE_DANE_EE 3

char *
tlsa_text(const struct dns_tlsa *tlsa, char out[TLSA_TEXT_MAX])
{
	int at =
	    snprintf(out, TLSA_TEXT_MAX, "%u %u %u ", tlsa->usage, tlsa->selector, tlsa->matching);

	for (unsigned i = 0; i < tlsa->len && i < 16; i++)
		at += snprintf(out + at, TLSA_TEXT_MAX - (size_t)at, "%02x", tlsa->data[i]);
	if (tlsa->len > 16)
		snprintf(out + at, TLSA_TEXT_MAX - (size_t)at, "...");
	return out;
}

/* How many of the records OpenSSL can make use of. */
static unsigned
add_records(SSL *dane, const struct dns_answer *answer)
{
	unsigned usable = 0;

	for (unsigned i = 0; i < answer->count; i++) {
		const struct dns_tlsa *tlsa = &answer->tlsa[i];

		if (SSL_dane_tlsa_add(dane, tlsa->usage, tlsa->selector, tlsa->matching, tlsa->data,
			tlsa->len) > 0)
			usable++;
	}
	return usable;
}

static bool
has_name(X509 *leaf, const struct certname *names, size_t n_names)
{
	for (size_t i = 0; i < n_names; i++)
		if (certname_match(leaf, &names[i]) != CERTNAME_NONE)
			return true;
	return false;
}

/* RFC 7671 §5.1: with usage 3 names and dates are the record's business. */
static enum tlsa_result
check_name(SSL *dane, X509 *leaf, const struct certname *names, size_t n_names,
    const char **reason_r)
{
	uint8_t usage = 0;

	SSL_get0_dane_tlsa(dane, &usage, NULL, NULL, NULL, NULL);
	*reason_r = "a TLSA record matches";
	if (usage == USAGE_DANE_EE || has_name(leaf, names, n_names))
		return TLSA_MATCH;
	*reason_r = "a TLSA record matches, but the certificate is for other names";
	return TLSA_MISMATCH;
}

static enum tlsa_result
verify(SSL *dane, X509 *leaf, STACK_OF(X509) * chain, const struct certname *names, size_t n_names,
    const char **reason_r)
{
	X509_STORE *authorities = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(dane));
	X509_STORE_CTX *store = X509_STORE_CTX_new();
	enum tlsa_result result = TLSA_MISMATCH;

	if (store == NULL || X509_STORE_CTX_init(store, authorities, leaf, chain) != 1)
		abort();
	X509_STORE_CTX_set_purpose(store, X509_PURPOSE_ANY);
	X509_STORE_CTX_set0_dane(store, SSL_get0_dane(dane));
	if (X509_verify_cert(store) == 1)
		result = check_name(dane, leaf, names, n_names, reason_r);
	else if (X509_STORE_CTX_get_error(store) == X509_V_ERR_DANE_NO_MATCH)
		*reason_r = "no TLSA record matches the certificate";
	else
		*reason_r = X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
	X509_STORE_CTX_free(store);
	return result;
}

enum tlsa_result
tlsa_check_chain(SSL *ssl, X509 *leaf, STACK_OF(X509) * chain, const struct dns_answer *answer,
    const struct certname *names, size_t n_names, const char **reason_r)
{
	enum tlsa_result result = TLSA_NONE;
	SSL *dane;

	*reason_r = "there are no validated TLSA records";
	if (answer == NULL || answer->status != DNS_FOUND || !answer->secure || leaf == NULL)
		return TLSA_NONE;
	dane = SSL_new(SSL_get_SSL_CTX(ssl));
	if (dane == NULL || SSL_dane_enable(dane, n_names > 0 ? names[0].ascii : "invalid") != 1)
		abort();
	*reason_r = "none of the TLSA records can be used";
	if (add_records(dane, answer) > 0)
		result = verify(dane, leaf, chain, names, n_names, reason_r);
	SSL_free(dane);
	ERR_clear_error();
	return result;
}

enum tlsa_result
tlsa_check(SSL *ssl, const struct dns_answer *answer, const struct certname *names, size_t n_names,
    const char **reason_r)
{
	return tlsa_check_chain(ssl, SSL_get0_peer_certificate(ssl), SSL_get_peer_cert_chain(ssl),
	    answer, names, n_names, reason_r);
}
