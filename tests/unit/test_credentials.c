/*
 * SCRAM keys: the values of RFC 5802 §5 and RFC 7677 §3, passwords right and
 * wrong, users that do not exist.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <string.h>

#include "base/base64.h"
#include "linnet/credentials.h"

Suite *suite(void);

#define FEW 4096 /* iterations, so that the tests are quick */

/* StoredKey and ServerKey for "pencil", computed with Python's hashlib. */
static const struct {
	enum ln_scram_hash hash;
	const char *salt, *stored_key, *server_key;
} vectors[] = {
	{ LN_SCRAM_SHA_1, "QSXCR+Q6sek8bf92",
	    "6dlGYMOdZcOPutkcNY8U2g7vK9Y=", "D+CSWLOshSulAsxiupA+qs2/fTE=" },
	{ LN_SCRAM_SHA_256,
	    "W22ZaJ0SNY7soEsUEjb6gQ==", "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=",
	    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=" },
	{ LN_SCRAM_SHA_512, "W22ZaJ0SNY7soEsUEjb6gQ==",
	    "6AAub3065EYRmyFpM2RNwqK+eGnrkYuEWbXn19LsEmBqzu8QaCXNc1FwpnX9NhH2hK/60dzj9DoO5DvVkOHbvg==",
	    "jZHbYjC1aHh0/hKbxyBuGFjDrgjgKTT1esA7awWiKcRZ0o/0b1yWEebBeSVkkCFewf91nLDfKF24mvD5nmE6rA==" },
};

START_TEST(keys_of_the_rfcs)
{
	struct ln_scram_keys keys;
	uint8_t salt[LN_SCRAM_SALT_MAX];
	char text[BASE64_LEN(LN_SCRAM_KEY_MAX) + 1];
	enum ln_scram_hash hash = vectors[_i].hash;
	ssize_t salt_len = base64_decode(vectors[_i].salt, strlen(vectors[_i].salt), salt);

	ln_scram_keys_derive(&keys, hash, "pencil", 6, salt, (size_t)salt_len, 4096);
	base64_encode(keys.stored_key, ln_scram_key_len(hash), text);
	ck_assert_str_eq(text, vectors[_i].stored_key);
	base64_encode(keys.server_key, ln_scram_key_len(hash), text);
	ck_assert_str_eq(text, vectors[_i].server_key);
}
END_TEST

START_TEST(a_password_is_known_by_its_keys)
{
	struct ln_credentials credentials;

	ln_credentials_derive(&credentials, "pencil", 6, FEW);
	ck_assert(credentials.known);
	ck_assert(ln_credentials_check(&credentials, "pencil", 6));
	ck_assert(!ln_credentials_check(&credentials, "pencil ", 7));
	ck_assert(!ln_credentials_check(&credentials, "", 0));
	for (int hash = 0; hash < LN_SCRAM_HASHES; hash++) {
		ck_assert_uint_eq(credentials.scram[hash].iterations, FEW);
		ck_assert_uint_eq(credentials.scram[hash].salt_len, LN_SCRAM_SALT_LEN);
	}
	ck_assert_mem_ne(credentials.scram[0].salt, credentials.scram[1].salt, LN_SCRAM_SALT_LEN);
}
END_TEST

START_TEST(the_hashes_there_are_are_enough)
{
	struct ln_credentials credentials;
	struct ln_scram_work work;

	ln_credentials_derive(&credentials, "pencil", 6, FEW);
	memset(&credentials.scram[LN_SCRAM_SHA_1], 0, sizeof credentials.scram[0]);
	ln_scram_work_prepare(&work, &credentials, "pencil", 6);
	ck_assert_int_eq(work.hash, LN_SCRAM_SHA_256);
	ck_assert(ln_credentials_check(&credentials, "pencil", 6));
	ck_assert(!ln_credentials_check(&credentials, "stencil", 7));
}
END_TEST

START_TEST(an_account_without_keys_has_no_password)
{
	struct ln_credentials credentials = { .known = true };

	ck_assert(!ln_credentials_check(&credentials, "", 0));
	ck_assert(!ln_credentials_check(&credentials, "pencil", 6));
}
END_TEST

START_TEST(nobody_has_a_stable_salt_and_no_password)
{
	static const uint8_t secret[LN_FAKE_SECRET_LEN] = { 1, 2, 3 }, other[LN_FAKE_SECRET_LEN];
	struct ln_credentials a, b;

	ln_credentials_fake(&a, secret, "nobody@example.org", FEW);
	ln_credentials_fake(&b, secret, "nobody@example.org", FEW);
	ck_assert(!a.known);
	for (int hash = 0; hash < LN_SCRAM_HASHES; hash++) {
		ck_assert_uint_eq(a.scram[hash].iterations, FEW);
		ck_assert_uint_eq(a.scram[hash].salt_len, LN_SCRAM_SALT_LEN);
		ck_assert_mem_eq(a.scram[hash].salt, b.scram[hash].salt, LN_SCRAM_SALT_LEN);
	}
	ck_assert_mem_ne(a.scram[0].salt, a.scram[1].salt, LN_SCRAM_SALT_LEN);
	ck_assert(!ln_credentials_check(&a, "", 0));

	ln_credentials_fake(&b, secret, "noone@example.org", FEW);
	ck_assert_mem_ne(a.scram[0].salt, b.scram[0].salt, LN_SCRAM_SALT_LEN);
	ln_credentials_fake(&b, other, "nobody@example.org", FEW);
	ck_assert_mem_ne(a.scram[0].salt, b.scram[0].salt, LN_SCRAM_SALT_LEN);
}
END_TEST

START_TEST(comparison_and_wiping)
{
	char a[4] = "abc", b[4] = "abd";

	ck_assert(ln_equal(a, b, 2) && !ln_equal(a, b, 3));
	ln_wipe(a, sizeof a);
	ck_assert_mem_eq(a, "\0\0\0", 4);
	ck_assert_str_eq(ln_scram_hash_name(LN_SCRAM_SHA_512), "SHA-512");
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("credentials");
	TCase *t = tcase_create("keys");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, keys_of_the_rfcs, 0, 3);
	tcase_add_test(t, a_password_is_known_by_its_keys);
	tcase_add_test(t, the_hashes_there_are_are_enough);
	tcase_add_test(t, an_account_without_keys_has_no_password);
	tcase_add_test(t, nobody_has_a_stable_salt_and_no_password);
	tcase_add_test(t, comparison_and_wiping);
	suite_add_tcase(s, t);
	return s;
}
