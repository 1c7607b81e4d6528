/*
 * What the server keeps of a password: SCRAM keys (RFC 5802 §3), one set for
 * each hash, and never the password itself.
 *
 * Making keys is slow by intent, so that a stolen database is of little use:
 * ln_credentials_derive() and ln_scram_salt() belong on the crypto pool or in
 * a tool, never on a worker. A SCRAM login needs neither, since the client does
 * that work; only PLAIN does.
 *
 *	account created	ln_password_prepare(), ln_credentials_derive(), store
 *	SCRAM login	read the credentials; HMACs only
 *	PLAIN login	ln_scram_salt() on the crypto pool, ln_scram_keys_match()
 *	unknown user	ln_credentials_fake(), and the same path on
 *
 * Plain values: copy them, put them on the stack, ln_wipe() them afterwards.
 * All functions may be called on any thread.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_LINNET_CREDENTIALS_H
#define LN_LINNET_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LN_SCRAM_ITERATIONS 10000 /* default; RFC 7677 §4 asks for 4096 or more */
#define LN_SCRAM_ITERATIONS_MIN 4096
#define LN_SCRAM_ITERATIONS_MAX 1000000
#define LN_SCRAM_SALT_LEN 16 /* of the salts made here */
#define LN_SCRAM_SALT_MAX 64 /* of salts that came with an import */
#define LN_SCRAM_KEY_MAX 64
#define LN_PASSWORD_MAX 1023 /* bytes after preparation */
#define LN_FAKE_SECRET_LEN 32

/* From the weakest to the strongest. */
enum ln_scram_hash { LN_SCRAM_SHA_1, LN_SCRAM_SHA_256, LN_SCRAM_SHA_512, LN_SCRAM_HASHES };

struct ln_scram_keys {
	uint32_t iterations; /* 0: there are no keys of this hash */
	bool made_up;        /* nobody's: nothing matches them */
	uint32_t salt_len;
	uint8_t salt[LN_SCRAM_SALT_MAX];
	uint8_t stored_key[LN_SCRAM_KEY_MAX]; /* ln_scram_key_len() bytes */
	uint8_t server_key[LN_SCRAM_KEY_MAX];
};

struct ln_credentials {
	bool known; /* there is such an account */
	struct ln_scram_keys scram[LN_SCRAM_HASHES];
};

/* One run of PBKDF2, complete in itself so that it can be given to another thread. */
struct ln_scram_work {
	enum ln_scram_hash hash;
	uint32_t iterations;
	uint32_t salt_len;
	uint32_t password_len;
	uint8_t salt[LN_SCRAM_SALT_MAX];
	char password[LN_PASSWORD_MAX + 1]; /* prepared */
};

/* "SHA-1", "SHA-256", "SHA-512" */
const char *ln_scram_hash_name(enum ln_scram_hash hash);

/* Bytes of a key, a digest, a proof: 20, 32, 64. */
size_t ln_scram_key_len(enum ln_scram_hash hash);

/*
 * Keys of every hash from a prepared password, with fresh random salts. Slow:
 * tens of milliseconds at the default number of iterations.
 */
void ln_credentials_derive(struct ln_credentials *credentials, const char *password, size_t len,
    uint32_t iterations);

/* Keys of one hash with a given salt (import, tests). Slow. */
void ln_scram_keys_derive(struct ln_scram_keys *keys, enum ln_scram_hash hash, const char *password,
    size_t len, const uint8_t *salt, size_t salt_len, uint32_t iterations);

/*
 * Credentials of nobody, for a name that is no account: salts are an HMAC of
 * the name under a secret that the server keeps, so that asking twice shows
 * the same; the keys are random. `iterations` is what new accounts get.
 *
 * Whoever reads credentials begins with this and puts those of the account on
 * top, with `known`: so an account that lacks a hash shows no more than nobody.
 */
void ln_credentials_fake(struct ln_credentials *credentials,
    const uint8_t secret[LN_FAKE_SECRET_LEN], const char *bare_jid, uint32_t iterations);

/*
 * Describes the PBKDF2 run that tells whether this prepared password is the
 * one of the credentials, with the cheapest hash they have. Made-up
 * credentials cost the same run.
 */
void ln_scram_work_prepare(struct ln_scram_work *work, const struct ln_credentials *credentials,
    const char *password, size_t len);

/* Runs it: SaltedPassword of RFC 5802 §3. Slow. */
void ln_scram_salt(const struct ln_scram_work *work, uint8_t salted[LN_SCRAM_KEY_MAX]);

/* Does this salted password belong to the keys? Constant time. */
bool ln_scram_keys_match(const struct ln_scram_keys *keys, enum ln_scram_hash hash,
    const uint8_t salted[LN_SCRAM_KEY_MAX]);

/* The three above at once, for tools and the control socket. Slow. */
bool ln_credentials_check(const struct ln_credentials *credentials, const char *password,
    size_t len);

/* The two primitives that SCRAM is made of; both write ln_scram_key_len() bytes. */
void ln_scram_hmac(enum ln_scram_hash hash, const void *key, size_t key_len, const void *bytes,
    size_t len, uint8_t out[LN_SCRAM_KEY_MAX]);
void ln_scram_digest(enum ln_scram_hash hash, const void *bytes, size_t len,
    uint8_t out[LN_SCRAM_KEY_MAX]);

/* Random bytes from the operating system's generator. */
void ln_random(void *bytes, size_t len);

/* Comparison whose time does not depend on the contents. */
bool ln_equal(const void *a, const void *b, size_t len);

/* Zeroes that the compiler does not leave out. */
void ln_wipe(void *bytes, size_t len);

#endif
