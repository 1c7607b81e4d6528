/*
 * Session tickets (RFC 5077, RFC 8446 §2.2): so that a client that comes back
 * saves the expensive half of the handshake, on whatever worker and after a
 * reload. A key is used for six hours and accepted for twelve more; then it is
 * forgotten, and what was protected by it alone is safe from whoever takes
 * over the server later.
 *
 * The keys are the one thing here that all threads share: a mutex, held for
 * the copying of a key, once a handshake.
 *
 * SPDX-License-Identifier: MIT
 */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "net/tls_impl.h"

#define KEYS 3
#define ROTATE_MS ((int64_t)6 * 3600 * 1000)

struct ticket_key {
	unsigned char name[16];
	unsigned char aes[32];
	unsigned char mac[32];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct ticket_key keys[KEYS]; /* newest first */
static unsigned n_keys;
static int64_t rotated_ms;

static bool
rotate(int64_t now)
{
	struct ticket_key fresh;

	if (n_keys > 0 && now - rotated_ms < ROTATE_MS)
		return true;
	if (RAND_bytes((unsigned char *)&fresh, sizeof fresh) != 1)
		return false;
	/* nobody came for so long that the older ones are too old as well */
	if (now - rotated_ms >= KEYS * ROTATE_MS)
		n_keys = 0;
	memmove(keys + 1, keys, sizeof keys - sizeof keys[0]);
	keys[0] = fresh;
	n_keys += n_keys < KEYS;
	rotated_ms = now;
	return true;
}

static bool
newest_key(struct ticket_key *key_r)
{
	bool ok;

	pthread_mutex_lock(&lock);
	ok = rotate(clock_ms());
	*key_r = keys[0];
	pthread_mutex_unlock(&lock);
	return ok;
}

/* Its place among the keys, 0 the newest; -1 if it is forgotten or none of ours. */
static int
find_key(const unsigned char name[16], struct ticket_key *key_r)
{
	int found = -1;

	pthread_mutex_lock(&lock);
	rotate(clock_ms());
	for (unsigned i = 0; i < n_keys && found < 0; i++) {
		if (memcmp(keys[i].name, name, sizeof keys[i].name) == 0) {
			*key_r = keys[i];
			found = (int)i;
		}
	}
	pthread_mutex_unlock(&lock);
	return found;
}

static bool
set_mac(EVP_MAC_CTX *mac, struct ticket_key *key)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = { OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac,
				    sizeof key->mac),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end() };

	return EVP_MAC_CTX_set_params(mac, params) == 1;
}

static int
seal(struct ticket_key *key, unsigned char name[16], unsigned char *iv, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac)
{
	if (!newest_key(key) || RAND_bytes(iv, 16) != 1)
		return -1;
	memcpy(name, key->name, sizeof key->name);
	if (EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->aes, iv) != 1 ||
	    !set_mac(mac, key))
		return -1;
	return 1;
}

static int
unseal(SSL *ssl, struct ticket_key *key, unsigned char name[16], unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
	int found = find_key(name, key);

	if (found < 0)
		return 0; /* a full handshake, then */
	if (!set_mac(mac, key) ||
	    EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->aes, iv) != 1)
		return -1;
	/* 2: give it a new one; in TLS 1.3 a client uses each but once */
	return found == 0 && SSL_version(ssl) < TLS1_3_VERSION ? 1 : 2;
}

static int
on_ticket(SSL *ssl, unsigned char name[16], unsigned char *iv, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac, int sealing)
{
	struct ticket_key key;
	int result =
	    sealing ? seal(&key, name, iv, cipher, mac) : unseal(ssl, &key, name, iv, cipher, mac);

	OPENSSL_cleanse(&key, sizeof key);
	return result;
}

void
tls_use_tickets(SSL_CTX *ctx)
{
	static const unsigned char id[] = "linnet";

	/* stateless: nothing is kept for clients that do not come back */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_id_context(ctx, id, sizeof id - 1);
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_timeout(ctx, 2 * ROTATE_MS / 1000);
	SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket);
}
