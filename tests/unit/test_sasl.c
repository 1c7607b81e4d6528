/*
 * The mechanisms that are not SCRAM, and what all have in common: who is offered
 * them, and that nothing is left behind.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <string.h>

#include "base/arena.h"
#include "linnet/jid.h"
#include "sasl_kit.h"

Suite *suite(void);

/* --- PLAIN ---------------------------------------------------------------------------------------- */

#define PLAIN(text) text, sizeof(text) - 1

static const struct {
	const char *text;
	size_t len;
	enum ln_sasl_verdict verdict;
	enum ln_sasl_condition condition;
} plain[] = {
	{ PLAIN("\0juliet\0pencil"), LN_SASL_SUCCESS, 0 },
	{ PLAIN("juliet@example.org\0juliet\0pencil"), LN_SASL_SUCCESS, 0 },
	{ PLAIN("\0JULIET\0pencil"), LN_SASL_SUCCESS, 0 },
	{ PLAIN("\0juliet\0Pencil"), LN_SASL_FAILURE, LN_SASL_NOT_AUTHORIZED },
	{ PLAIN("\0nobody\0pencil"), LN_SASL_FAILURE, LN_SASL_NOT_AUTHORIZED },
	{ PLAIN("\0juliet@example.org\0pencil"), LN_SASL_FAILURE, LN_SASL_NOT_AUTHORIZED },
	{ PLAIN("\0juliet\0pen\tcil"), LN_SASL_FAILURE, LN_SASL_NOT_AUTHORIZED },
	{ PLAIN("\0juliet\0\xff"), LN_SASL_FAILURE, LN_SASL_NOT_AUTHORIZED },
	{ PLAIN("romeo@example.org\0juliet\0pencil"), LN_SASL_FAILURE, LN_SASL_INVALID_AUTHZID },
	{ PLAIN("juliet\0juliet\0pencil"), LN_SASL_FAILURE, LN_SASL_INVALID_AUTHZID },
	{ PLAIN("juliet@example.org/r\0juliet\0pencil"), LN_SASL_FAILURE, LN_SASL_INVALID_AUTHZID },
	{ PLAIN(""), LN_SASL_FAILURE, LN_SASL_MALFORMED_REQUEST },
	{ PLAIN("\0"), LN_SASL_FAILURE, LN_SASL_MALFORMED_REQUEST },
	{ PLAIN("\0\0"), LN_SASL_FAILURE, LN_SASL_MALFORMED_REQUEST },
	{ PLAIN("juliet pencil"), LN_SASL_FAILURE, LN_SASL_MALFORMED_REQUEST },
	{ PLAIN("juliet\0pencil"), LN_SASL_FAILURE, LN_SASL_MALFORMED_REQUEST },
	{ PLAIN("\0\0pencil"), LN_SASL_FAILURE, LN_SASL_MALFORMED_REQUEST },
	{ PLAIN("\0juliet\0"), LN_SASL_FAILURE, LN_SASL_MALFORMED_REQUEST },
	{ PLAIN("\0juliet\0pencil\0"), LN_SASL_FAILURE, LN_SASL_MALFORMED_REQUEST },
	{ PLAIN("\0juliet\0pen\0cil"), LN_SASL_FAILURE, LN_SASL_MALFORMED_REQUEST },
};

START_TEST(plain_messages)
{
	enum ln_sasl_verdict verdict;

	begin("PLAIN");
	verdict = say_bytes(plain[_i].text, plain[_i].len);
	if (plain[_i].verdict == LN_SASL_FAILURE) {
		refused(verdict, plain[_i].condition);
		return;
	}
	ck_assert_int_eq(verdict, LN_SASL_SUCCESS);
	ck_assert_str_eq(sasl.username, "juliet");
	ck_assert_ptr_null(sasl.data);
}
END_TEST

START_TEST(plain_bounds_the_password)
{
	char *text = arena_alloc(arena, LN_SASL_INPUT_MAX + 1);

	memset(text, 'a', LN_SASL_INPUT_MAX + 1);
	memcpy(text, "\0juliet", 8);
	begin("PLAIN");
	refused(say_bytes(text, 8 + 1024), LN_SASL_NOT_AUTHORIZED);
	refused(say_bytes(text, LN_SASL_INPUT_MAX + 1), LN_SASL_MALFORMED_REQUEST);
	begin("PLAIN");
	refused(say_bytes(text, 8 + 1023), LN_SASL_NOT_AUTHORIZED);
}
END_TEST

START_TEST(plain_reads_passwords_as_accounts_are_given_them)
{
	struct ln_credentials before = juliet;
	const char *password;

	ck_assert(ln_password_prepare(arena, "pe\u0301ncil\u00a0x", 10 + 1, &password));
	ln_credentials_derive(&juliet, password, strlen(password), FEW);
	begin("PLAIN");
	ck_assert_int_eq(say_bytes(PLAIN("\0juliet\0p\u00e9ncil x")), LN_SASL_SUCCESS);
	juliet = before;
}
END_TEST

START_TEST(keys_of_one_hash_are_enough_for_plain)
{
	struct ln_credentials before = juliet;
	struct client client = plain_client(LN_SCRAM_SHA_1);

	ln_credentials_fake(&juliet, secret, "juliet@example.org", FEW);
	juliet.known = true;
	juliet.scram[LN_SCRAM_SHA_512] = before.scram[LN_SCRAM_SHA_512];
	begin("PLAIN");
	ck_assert_int_eq(say_bytes(PLAIN("\0juliet\0pencil")), LN_SASL_SUCCESS);
	begin("SCRAM-SHA-1");
	ck_assert_int_eq(say(client_first(&client)), LN_SASL_CHALLENGE);
	client_challenged(&client, "pencil");
	refused(say(client_final(&client)), LN_SASL_NOT_AUTHORIZED);
	juliet = before;
}
END_TEST

/* --- EXTERNAL ---------------------------------------------------------------------------------------- */

static const struct {
	const char *addresses[4];
	const char *authzid;
	enum ln_sasl_verdict verdict;
	enum ln_sasl_condition condition;
} external[] = {
	{ { "juliet@example.org" }, "", LN_SASL_SUCCESS, 0 },
	{ { "Juliet@Example.org" }, "", LN_SASL_SUCCESS, 0 },
	{ { "juliet@example.org" }, "juliet@example.org", LN_SASL_SUCCESS, 0 },
	{ { "juliet@example.org", "romeo@example.org" }, "juliet@example.org", LN_SASL_SUCCESS, 0 },
	{ { "juliet@example.net", "juliet@example.org" }, "", LN_SASL_SUCCESS, 0 },
	{ { "juliet@example.org", "JULIET@example.org" }, "", LN_SASL_SUCCESS, 0 },
	{ { "juliet@example.org", "romeo@example.org" }, "", LN_SASL_FAILURE,
	    LN_SASL_INVALID_AUTHZID },
	{ { "juliet@example.org" }, "romeo@example.org", LN_SASL_FAILURE, LN_SASL_INVALID_AUTHZID },
	{ { "juliet@example.org" }, "juliet@example.org/x", LN_SASL_FAILURE,
	    LN_SASL_INVALID_AUTHZID },
	{ { "juliet@example.org" }, "example.org", LN_SASL_FAILURE, LN_SASL_INVALID_AUTHZID },
	{ { "juliet@example.org" }, "\xff", LN_SASL_FAILURE, LN_SASL_INVALID_AUTHZID },
	{ { "juliet@example.net" }, "juliet@example.net", LN_SASL_FAILURE,
	    LN_SASL_INVALID_AUTHZID },
	{ { "juliet@example.net" }, "", LN_SASL_FAILURE, LN_SASL_NOT_AUTHORIZED },
	{ { "juliet@example.org/balcony" }, "", LN_SASL_FAILURE, LN_SASL_NOT_AUTHORIZED },
	{ { "example.org" }, "", LN_SASL_FAILURE, LN_SASL_NOT_AUTHORIZED },
	{ { "@", "juliet" }, "", LN_SASL_FAILURE, LN_SASL_NOT_AUTHORIZED },
	{ { NULL }, "", LN_SASL_FAILURE, LN_SASL_NOT_AUTHORIZED },
	{ { "nobody@example.org" }, "", LN_SASL_FAILURE, LN_SASL_NOT_AUTHORIZED },
};

START_TEST(certificates_name_accounts)
{
	static const char *const none[] = { NULL };
	struct ln_sasl_certificate certificate = { external[_i].addresses, none };
	enum ln_sasl_verdict verdict;

	context.certificate = &certificate;
	begin("EXTERNAL");
	verdict = say(external[_i].authzid);
	if (external[_i].verdict == LN_SASL_FAILURE) {
		refused(verdict, external[_i].condition);
		return;
	}
	ck_assert_int_eq(verdict, LN_SASL_SUCCESS);
	ck_assert_str_eq(sasl.username, "juliet");
}
END_TEST

START_TEST(without_a_certificate_nobody_is_external)
{
	begin("EXTERNAL");
	refused(say("juliet@example.org"), LN_SASL_NOT_AUTHORIZED);
}
END_TEST

/* --- what is offered ----------------------------------------------------------------------------------- */

START_TEST(mechanisms_are_offered_where_they_can_work)
{
	static const char *const none[] = { NULL };
	struct ln_sasl_certificate certificate = { none, none };

	ck_assert(ln_sasl_offered(mechanism("PLAIN"), &context));
	ck_assert(ln_sasl_offered(mechanism("SCRAM-SHA-1-PLUS"), &context));
	ck_assert(!ln_sasl_offered(mechanism("EXTERNAL"), &context));
	context.certificate = &certificate;
	ck_assert(ln_sasl_offered(mechanism("EXTERNAL"), &context));
	context.binding_count = 0;
	ck_assert(!ln_sasl_offered(mechanism("SCRAM-SHA-1-PLUS"), &context));
	context.tls = false;
	ck_assert(!ln_sasl_offered(mechanism("PLAIN"), &context));
	ck_assert(ln_sasl_offered(mechanism("SCRAM-SHA-1"), &context));
	ck_assert_int_gt(mechanism("SCRAM-SHA-1-PLUS")->strength,
	    mechanism("SCRAM-SHA-512")->strength);
}
END_TEST

START_TEST(an_exchange_leaves_nothing_behind)
{
	static const uint8_t zero[64];
	uint8_t *state;

	begin("PLAIN");
	ck_assert_int_eq(say_bytes(PLAIN("\0juliet\0pencil")), LN_SASL_SUCCESS);
	state = sasl.state;
	ln_sasl_end(&sasl);
	ck_assert_mem_eq(state + mechanism("PLAIN")->state_size - 64, zero, 64);
	ck_assert_mem_eq(sasl.work.password, zero, 64);
	ln_sasl_end(&sasl);
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("sasl");
	TCase *t = tcase_create("sasl");

	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, kit_once, NULL);
	tcase_add_checked_fixture(t, kit_setup, kit_teardown);
	tcase_add_loop_test(t, plain_messages, 0, COUNT(plain));
	tcase_add_test(t, plain_bounds_the_password);
	tcase_add_test(t, plain_reads_passwords_as_accounts_are_given_them);
	tcase_add_test(t, keys_of_one_hash_are_enough_for_plain);
	tcase_add_loop_test(t, certificates_name_accounts, 0, COUNT(external));
	tcase_add_test(t, without_a_certificate_nobody_is_external);
	tcase_add_test(t, mechanisms_are_offered_where_they_can_work);
	tcase_add_test(t, an_exchange_leaves_nothing_behind);
	suite_add_tcase(s, t);
	return s;
}
