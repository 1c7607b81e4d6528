/*
 * SCRAM keys: RFC 5802 §3 over OpenSSL.
 *
 *	SaltedPassword	PBKDF2(password, salt, iterations)
 *	ClientKey	HMAC(SaltedPassword, "Client Key")
 *	StoredKey	H(ClientKey)
 *	ServerKey	HMAC(SaltedPassword, "Server Key")
 *
 * SPDX-License-Identifier: MIT
 */
#include "linnet/credentials.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

static const struct {
	const char *name;
	size_t len;
	const EVP_MD *(*md)(void);
} hashes[] = {
	[LN_SCRAM_SHA_1] = { "SHA-1", 20, EVP_sha1 },
	[LN_SCRAM_SHA_256] = { "SHA-256", 32, EVP_sha256 },
	[LN_SCRAM_SHA_512] = { "SHA-512", 64, EVP_sha512 },
};

/* OpenSSL fails here only where it was built or set up without these hashes. */
static void
need(int ok, const char *what)
{
	if (ok == 1)
		return;
	fprintf(stderr, "linnet: OpenSSL can't do %s\n", what);
	abort();
}

const char *
ln_scram_hash_name(enum ln_scram_hash hash)
{
	return hashes[hash].name;
}

size_t
ln_scram_key_len(enum ln_scram_hash hash)
{
	return hashes[hash].len;
}

/* --- primitives ---------------------------------------------------------------- */

void
ln_scram_hmac(enum ln_scram_hash hash, const void *key, size_t key_len, const void *bytes,
    size_t len, uint8_t out[LN_SCRAM_KEY_MAX])
{
	unsigned out_len;

	need(HMAC(hashes[hash].md(), key, (int)key_len, bytes, len, out, &out_len) != NULL, "HMAC");
}

void
ln_scram_digest(enum ln_scram_hash hash, const void *bytes, size_t len,
    uint8_t out[LN_SCRAM_KEY_MAX])
{
	unsigned out_len;

	need(EVP_Digest(bytes, len, out, &out_len, hashes[hash].md(), NULL), hashes[hash].name);
}

void
ln_random(void *bytes, size_t len)
{
	need(RAND_bytes(bytes, (int)len), "random numbers");
}

bool
ln_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

void
ln_wipe(void *bytes, size_t len)
{
	OPENSSL_cleanse(bytes, len);
}

/* --- keys ---------------------------------------------------------------------- */

static void
salt_password(enum ln_scram_hash hash, const char *password, size_t len, const uint8_t *salt,
    size_t salt_len, uint32_t iterations, uint8_t salted[LN_SCRAM_KEY_MAX])
{
	need(PKCS5_PBKDF2_HMAC(password, (int)len, salt, (int)salt_len, (int)iterations,
		 hashes[hash].md(), (int)hashes[hash].len, salted),
	    "PBKDF2");
}

static void
stored_key_of(enum ln_scram_hash hash, const uint8_t salted[LN_SCRAM_KEY_MAX],
    uint8_t stored_key[LN_SCRAM_KEY_MAX])
{
	uint8_t client_key[LN_SCRAM_KEY_MAX];
	size_t len = hashes[hash].len;

	ln_scram_hmac(hash, salted, len, "Client Key", 10, client_key);
	ln_scram_digest(hash, client_key, len, stored_key);
	ln_wipe(client_key, sizeof client_key);
}

void
ln_scram_keys_derive(struct ln_scram_keys *keys, enum ln_scram_hash hash, const char *password,
    size_t len, const uint8_t *salt, size_t salt_len, uint32_t iterations)
{
	uint8_t salted[LN_SCRAM_KEY_MAX];

	assert(salt_len <= LN_SCRAM_SALT_MAX);
	memset(keys, 0, sizeof *keys);
	keys->iterations = iterations;
	keys->salt_len = (uint32_t)salt_len;
	memcpy(keys->salt, salt, salt_len);
	salt_password(hash, password, len, salt, salt_len, iterations, salted);
	stored_key_of(hash, salted, keys->stored_key);
	ln_scram_hmac(hash, salted, hashes[hash].len, "Server Key", 10, keys->server_key);
	ln_wipe(salted, sizeof salted);
}

void
ln_credentials_derive(struct ln_credentials *credentials, const char *password, size_t len,
    uint32_t iterations)
{
	uint8_t salt[LN_SCRAM_SALT_LEN];

	credentials->known = true;
	for (int hash = 0; hash < LN_SCRAM_HASHES; hash++) {
		ln_random(salt, sizeof salt);
		ln_scram_keys_derive(&credentials->scram[hash], (enum ln_scram_hash)hash, password,
		    len, salt, sizeof salt, iterations);
	}
}

void
ln_credentials_fake(struct ln_credentials *credentials, const uint8_t secret[LN_FAKE_SECRET_LEN],
    const char *bare_jid, uint32_t iterations)
{
	uint8_t salt[LN_SCRAM_KEY_MAX];

	memset(credentials, 0, sizeof *credentials);
	for (int hash = 0; hash < LN_SCRAM_HASHES; hash++) {
		struct ln_scram_keys *keys = &credentials->scram[hash];

		/* A hash of its own for each mechanism, as real salts differ too. */
		ln_scram_hmac((enum ln_scram_hash)hash, secret, LN_FAKE_SECRET_LEN, bare_jid,
		    strlen(bare_jid), salt);
		keys->iterations = iterations;
		keys->made_up = true;
		keys->salt_len = LN_SCRAM_SALT_LEN;
		memcpy(keys->salt, salt, LN_SCRAM_SALT_LEN);
		ln_random(keys->stored_key, sizeof keys->stored_key);
		ln_random(keys->server_key, sizeof keys->server_key);
	}
}

/* --- passwords against keys ----------------------------------------------------- */

static bool
usable(const struct ln_scram_keys *keys)
{
	return keys->iterations > 0 && !keys->made_up;
}

void
ln_scram_work_prepare(struct ln_scram_work *work, const struct ln_credentials *credentials,
    const char *password, size_t len)
{
	int hash = 0;

	while (hash < LN_SCRAM_HASHES && !usable(&credentials->scram[hash]))
		hash++;
	if (hash == LN_SCRAM_HASHES)
		hash = 0;
	memset(work, 0, sizeof *work);
	work->hash = (enum ln_scram_hash)hash;
	work->iterations = credentials->scram[hash].iterations;
	work->salt_len = credentials->scram[hash].salt_len;
	memcpy(work->salt, credentials->scram[hash].salt, sizeof work->salt);
	work->password_len = (uint32_t)(len < LN_PASSWORD_MAX ? len : LN_PASSWORD_MAX);
	memcpy(work->password, password, work->password_len);
}

void
ln_scram_salt(const struct ln_scram_work *work, uint8_t salted[LN_SCRAM_KEY_MAX])
{
	/* An account without any keys has no password: cost the time, match nothing. */
	uint32_t iterations = work->iterations > 0 ? work->iterations : LN_SCRAM_ITERATIONS;

	memset(salted, 0, LN_SCRAM_KEY_MAX);
	salt_password(work->hash, work->password, work->password_len, work->salt, work->salt_len,
	    iterations, salted);
}

bool
ln_scram_keys_match(const struct ln_scram_keys *keys, enum ln_scram_hash hash,
    const uint8_t salted[LN_SCRAM_KEY_MAX])
{
	uint8_t stored_key[LN_SCRAM_KEY_MAX];
	bool equal;

	stored_key_of(hash, salted, stored_key);
	equal = ln_equal(stored_key, keys->stored_key, hashes[hash].len);
	ln_wipe(stored_key, sizeof stored_key);
	return equal && usable(keys);
}

bool
ln_credentials_check(const struct ln_credentials *credentials, const char *password, size_t len)
{
	struct ln_scram_work work;
	uint8_t salted[LN_SCRAM_KEY_MAX];
	bool match;

	ln_scram_work_prepare(&work, credentials, password, len);
	ln_scram_salt(&work, salted);
	match = ln_scram_keys_match(&credentials->scram[work.hash], work.hash, salted);
	ln_wipe(&work, sizeof work);
	ln_wipe(salted, sizeof salted);
	return match && credentials->known && len <= LN_PASSWORD_MAX;
}
