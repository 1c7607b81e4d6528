/*
 * SCRAM against a client that is written here: the examples of RFC 5802 §5, RFC
 * 7677 §3, XEP-0474 and XEP-0515, then every way to be wrong.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <string.h>

#include "base/arena.h"
#include "base/base64.h"
#include "sasl_kit.h"
#include "sasl_scram/scram.h"

Suite *suite(void);

/* --- the examples of the specifications -------------------------------------------------- */

static const struct {
	enum ln_scram_hash hash;
	const char *salt, *first, *server_nonce, *server_first, *final, *server_final;
	const char *binding; /* data, where there is any */
	uint16_t tls_version;
	bool offer;
} examples[] = {
	{ /* RFC 5802 §5 */
	    LN_SCRAM_SHA_1, "QSXCR+Q6sek8bf92", "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
	    "fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
	    "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
	    "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
	    "rmF9pqV8S7suAoZWja4dJRkFsKQ=", NULL, 0, false },
	{ /* RFC 7677 §3 */
	    LN_SCRAM_SHA_256, "W22ZaJ0SNY7soEsUEjb6gQ==", "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
	    "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
	    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ=="
	    ",i=4096",
	    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p="
	    "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
	    "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", NULL, 0, false },
	{ /* XEP-0474 §4.3 */
	    LN_SCRAM_SHA_1, "QSXCR+Q6sek8bf92",
	    "p=tls-exporter,,n=user,r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6",
	    "12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6a09117a6-ac50-4f2f-93f1-93799c2bddf6",
	    "r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6a09117a6-ac50-4f2f-93f1-93799c2bddf6,"
	    "s=QSXCR+Q6sek8bf92,i=4096,h=G6k/rBLDqgOhRRaCuuatSDFkJ08=",
	    "c=cD10bHMtZXhwb3J0ZXIsLFRISVMgSVMgRkFLRSBDQiBEQVRB,"
	    "r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6a09117a6-ac50-4f2f-93f1-93799c2bddf6,"
	    "x=19C6532F-1CF4-4A27-A18D-DC9CEA41BBB3,p=M/SIDjT+dfcxUh89jZEypRvFxB4=",
	    "MQrMPvv7yv4x4Cq4W4Ih25EqS2c=", "THIS IS FAKE CB DATA", 0, true },
	{ /* XEP-0515 §4.3 */
	    LN_SCRAM_SHA_1, "QSXCR+Q6sek8bf92",
	    "p=tls-exporter,,n=user,r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6",
	    "12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6a09117a6-ac50-4f2f-93f1-93799c2bddf6",
	    "r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6a09117a6-ac50-4f2f-93f1-93799c2bddf6,"
	    "s=QSXCR+Q6sek8bf92,i=4096,h=G6k/rBLDqgOhRRaCuuatSDFkJ08=,t=0304",
	    "c=cD10bHMtZXhwb3J0ZXIsLFRISVMgSVMgRkFLRSBDQiBEQVRB,"
	    "r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6a09117a6-ac50-4f2f-93f1-93799c2bddf6,"
	    "p=KHUfN8dSy1K95crT4D5y1ItLJfs=",
	    "3w34ZIMVRkx2f2Ozb3/ecRPVdv4=", "THIS IS FAKE CB DATA", 0x0304, true },
};

START_TEST(examples_of_the_specifications)
{
	static const char *const mechanisms[] = { "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", NULL };
	const char *first_text = examples[_i].first, *final_text = examples[_i].final;
	enum ln_scram_hash hash = examples[_i].hash;
	struct ln_sasl_binding data[] = { { "tls-server-end-point", NULL, 0 },
		{ "tls-exporter", (const uint8_t *)examples[_i].binding, 20 } };
	struct ln_sasl_context example = { .host = "example.org", .bindings = data };
	struct scram_text nonce = { examples[_i].server_nonce, strlen(examples[_i].server_nonce) };
	const struct ln_sasl_binding *binding;
	struct ln_scram_keys keys;
	struct scram_first first;
	struct scram_final final;
	uint8_t salt[LN_SCRAM_SALT_MAX], signature[LN_SCRAM_KEY_MAX];
	char room[200], server_first[600];
	const char *message;
	size_t len;

	example.tls_version = examples[_i].tls_version;
	example.binding_count = examples[_i].binding != NULL ? 2 : 0;
	example.mechanisms = examples[_i].offer ? mechanisms : NULL;
	example.bindings_advertised = examples[_i].offer;
	len = (size_t)base64_decode(examples[_i].salt, strlen(examples[_i].salt), salt);
	ln_scram_keys_derive(&keys, hash, "pencil", 6, salt, len, 4096);

	ck_assert_int_eq(scram_parse_first(first_text, strlen(first_text), room, &first), SCRAM_OK);
	ck_assert_mem_eq(first.username.at, "user", first.username.len);
	ck_assert_int_eq(scram_check_flag(&first, example.binding_count > 0, &example, &binding),
	    SCRAM_OK);
	ck_assert_uint_lt(scram_first_room(nonce.len), sizeof server_first);
	len = scram_print_first(server_first, nonce, hash, &keys, &example);
	ck_assert_str_eq(server_first, examples[_i].server_first);
	ck_assert_uint_eq(len, strlen(server_first));

	ck_assert_int_eq(scram_parse_final(final_text, strlen(final_text), &final), SCRAM_OK);
	ck_assert_int_eq(scram_check_binding(&final, first.header, binding), SCRAM_OK);
	message = arena_printf(arena, "%.*s,%s,%.*s", (int)first.bare.len, first.bare.at,
	    server_first, (int) final.without_proof.len, final.without_proof.at);
	ck_assert_int_eq(
	    scram_check_proof(&final, hash, &keys, message, strlen(message), signature), SCRAM_OK);
	ck_assert_str_eq(base64_text(arena, signature, ln_scram_key_len(hash)),
	    examples[_i].server_final);
}
END_TEST

/* --- SCRAM, right ---------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum ln_scram_hash hash;
	const char *header;
	const uint8_t *binding;
	size_t binding_len;
} logins[] = {
	{ "SCRAM-SHA-1", LN_SCRAM_SHA_1, "n,,", NULL, 0 },
	{ "SCRAM-SHA-256", LN_SCRAM_SHA_256, "n,,", NULL, 0 },
	{ "SCRAM-SHA-512", LN_SCRAM_SHA_512, "n,,", NULL, 0 },
	{ "SCRAM-SHA-1", LN_SCRAM_SHA_1, "n,a=juliet@example.org,", NULL, 0 },
	{ "SCRAM-SHA-1", LN_SCRAM_SHA_1, "n,a=JULIET@EXAMPLE.ORG,", NULL, 0 },
	{ "SCRAM-SHA-1-PLUS", LN_SCRAM_SHA_1, "p=tls-exporter,,", exporter, sizeof exporter },
	{ "SCRAM-SHA-256-PLUS", LN_SCRAM_SHA_256, "p=tls-exporter,,", exporter, sizeof exporter },
	{ "SCRAM-SHA-512-PLUS", LN_SCRAM_SHA_512, "p=tls-server-end-point,a=juliet@example.org,",
	    end_point, sizeof end_point },
};

START_TEST(a_right_password_logs_in)
{
	struct client client = { .hash = logins[_i].hash,
		.header = logins[_i].header,
		.bare = "n=juliet,r=fyko,x=ignored",
		.binding = logins[_i].binding,
		.binding_len = logins[_i].binding_len };
	const char *final;

	begin(logins[_i].name);
	ck_assert_int_eq(say(client_first(&client)), LN_SASL_CHALLENGE);
	client_challenged(&client, "pencil");
	final = client_final(&client);
	ck_assert_int_eq(say(final), LN_SASL_SUCCESS);
	ck_assert_str_eq(sasl.username, "juliet");
	ck_assert_str_eq(sasl.data, server_signature(&client, final));
}
END_TEST

START_TEST(the_challenge_says_what_was_offered)
{
	struct client client = challenged();
	char hash[SCRAM_OFFER_MAX];

	scram_offer_hash(&context, LN_SCRAM_SHA_1, hash);
	ck_assert_str_eq(value_of(client.server_first, 'h'), hash);
	ck_assert_str_eq(value_of(client.server_first, 't'), "0304");
	ck_assert_int_eq(strncmp(client.nonce, "fyko", 4), 0);
	ck_assert_uint_ge(strlen(client.nonce), 4 + 24);
	ck_assert_str_ne(challenged().nonce, client.nonce);
}
END_TEST

START_TEST(y_passes_where_no_binding_was_offered)
{
	static const char *const weak[] = { "SCRAM-SHA-1", NULL };
	struct client client = plain_client(LN_SCRAM_SHA_1);

	context.mechanisms = weak;
	client.header = "y,,";
	begin("SCRAM-SHA-1");
	ck_assert_int_eq(say(client_first(&client)), LN_SASL_CHALLENGE);
	client_challenged(&client, "pencil");
	ck_assert_int_eq(say(client_final(&client)), LN_SASL_SUCCESS);
}
END_TEST

/* --- SCRAM, wrong: the first message ----------------------------------------------------------- */

static const struct {
	const char *mechanism, *text;
	enum ln_sasl_condition condition;
} wrong_first[] = {
	{ "SCRAM-SHA-1", "", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1", ",", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1", "n", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1", "n,", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1", "n,,", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1", "x,,n=juliet,r=a", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1", "nn,,n=juliet,r=a", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1", "n=juliet,r=a", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1", "n,juliet,n=juliet,r=a", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1", "n,a=,n=juliet,r=a", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1", "n,a=a=b,n=juliet,r=a", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1", "n,,r=a", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1", "n,,n=,r=a", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1", "n,,n=juliet", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1", "n,,n=juliet,r=", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1", "n,,n=juliet,r=a b", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1", "n,,n=juliet,r=\xc3\xa9", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1", "n,,n=juliet,x=1,r=a", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1", "n,,n=juliet,r=a,", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1", "n,,n=juliet,r=a,x", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1", "n,,n=juliet,r=a,xx=1", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1", "n,,n=juliet,r=a,1=1", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1", "n,,n=juliet,r=a,m=1", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1", "n,,m=tasty,n=juliet,r=a", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1", "n,,n=jul=iet,r=a", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1", "n,,n=juliet=,r=a", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1", "n,,n=juliet=2,r=a", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1", "n,,n=juliet=2c,r=a", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1", "p=tls-exporter,,n=juliet,r=a", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1-PLUS", "p=,,n=juliet,r=a", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1-PLUS", "p,,n=juliet,r=a", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1-PLUS", "p=tls_exporter,,n=juliet,r=a", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1-PLUS", "p=tls-unique,,n=juliet,r=a", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1-PLUS", "p=tls-export,,n=juliet,r=a", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1-PLUS", "n,,n=juliet,r=a", LN_SASL_MALFORMED_REQUEST },
	{ "SCRAM-SHA-1-PLUS", "y,,n=juliet,r=a", LN_SASL_MALFORMED_REQUEST },
	/* somebody took the -PLUS mechanisms out of our list */
	{ "SCRAM-SHA-1", "y,,n=juliet,r=a", LN_SASL_NOT_AUTHORIZED },
	/* acting for others, or for a full JID */
	{ "SCRAM-SHA-1", "n,a=romeo@example.org,n=juliet,r=a", LN_SASL_INVALID_AUTHZID },
	{ "SCRAM-SHA-1", "n,a=juliet@example.net,n=juliet,r=a", LN_SASL_INVALID_AUTHZID },
	{ "SCRAM-SHA-1", "n,a=juliet,n=juliet,r=a", LN_SASL_INVALID_AUTHZID },
	{ "SCRAM-SHA-1", "n,a=juliet@example.org/x,n=juliet,r=a", LN_SASL_INVALID_AUTHZID },
	{ "SCRAM-SHA-1", "n,a=@,n=juliet,r=a", LN_SASL_INVALID_AUTHZID },
	/* names that are no localparts */
	{ "SCRAM-SHA-1", "n,,n=juliet@example.org,r=a", LN_SASL_NOT_AUTHORIZED },
	{ "SCRAM-SHA-1", "n,,n=a b,r=a", LN_SASL_NOT_AUTHORIZED },
	{ "SCRAM-SHA-1", "n,,n=\xff,r=a", LN_SASL_NOT_AUTHORIZED },
};

START_TEST(wrong_first_messages_are_refused)
{
	begin(wrong_first[_i].mechanism);
	refused(say(wrong_first[_i].text), wrong_first[_i].condition);
}
END_TEST

START_TEST(a_first_message_has_no_zero_bytes_and_an_end)
{
	static const char first[] = "n,,n=juliet,r=";
	static char filler[LN_SASL_INPUT_MAX + 1];
	const char *text;

	begin("SCRAM-SHA-1");
	refused(say_bytes("n,,n=jul\0iet,r=a", 16), LN_SASL_MALFORMED_REQUEST);
	refused(say_bytes("n,,n=juliet,r=a\0", 16), LN_SASL_MALFORMED_REQUEST);
	memset(filler, 'a', sizeof filler - 1);
	text = arena_printf(arena, "%s%s", first, filler);
	refused(say_bytes(text, LN_SASL_INPUT_MAX + 1), LN_SASL_MALFORMED_REQUEST);
	ck_assert_int_eq(say_bytes(text, LN_SASL_INPUT_MAX), LN_SASL_CHALLENGE);
}
END_TEST

START_TEST(names_are_decoded)
{
	begin("SCRAM-SHA-1");
	ck_assert_int_eq(say("n,,n=a=2Cb=3Dc,r=a"), LN_SASL_CHALLENGE);
	ck_assert_str_eq(sasl.username, "a,b=c");
	begin("SCRAM-SHA-1");
	ck_assert_int_eq(say("n,a=a=2Cb=3Dc@example.org,n=a=2Cb=3Dc,r=a"), LN_SASL_CHALLENGE);
}
END_TEST

/* --- SCRAM, wrong: the final message ----------------------------------------------------------- */

/* What is left of a right message: %c is c=, %r the nonce, %p the proof of what precedes. */
static const struct {
	const char *format;
	enum ln_sasl_condition condition;
} wrong_final[] = {
	{ "", LN_SASL_MALFORMED_REQUEST },
	{ "p", LN_SASL_MALFORMED_REQUEST },
	{ "c=%c,r=%r", LN_SASL_MALFORMED_REQUEST },
	{ "c=%c,r=%r,p=", LN_SASL_MALFORMED_REQUEST },
	{ "c=%c,r=%r,p=!!!!", LN_SASL_MALFORMED_REQUEST },
	{ "c=%c,r=%r,p=AAAA", LN_SASL_MALFORMED_REQUEST },
	{ "c=%c,r=%r,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Tt=", LN_SASL_MALFORMED_REQUEST },
	{ "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", LN_SASL_MALFORMED_REQUEST },
	{ "c=%c,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", LN_SASL_MALFORMED_REQUEST },
	{ "c=%c%p", LN_SASL_MALFORMED_REQUEST },
	{ "r=%r%p", LN_SASL_MALFORMED_REQUEST },
	{ "r=%r,c=%c%p", LN_SASL_MALFORMED_REQUEST },
	{ "c=,r=%r%p", LN_SASL_MALFORMED_REQUEST },
	{ "m=%c,c=%c,r=%r%p", LN_SASL_MALFORMED_REQUEST },
	{ "c=%c,r=%r,m=1%p", LN_SASL_MALFORMED_REQUEST },
	{ "c=%c,r=%r,%p", LN_SASL_MALFORMED_REQUEST },
	{ "c=%c,r=%r,xy%p", LN_SASL_MALFORMED_REQUEST },
	{ "c=%c,r=%r%p,x=1", LN_SASL_MALFORMED_REQUEST },
	{ "n,,n=juliet,r=fyko", LN_SASL_MALFORMED_REQUEST },
	/* not the nonce, not the header */
	{ "c=%c,r=%rx%p", LN_SASL_NOT_AUTHORIZED },
	{ "c=%c,r=fyko%p", LN_SASL_NOT_AUTHORIZED },
	{ "c=biwt,r=%r%p", LN_SASL_NOT_AUTHORIZED },
	{ "c=eSws,r=%r%p", LN_SASL_NOT_AUTHORIZED },
	{ "c=biwsAAAA,r=%r%p", LN_SASL_NOT_AUTHORIZED },
	{ "c=b,r=%r%p", LN_SASL_NOT_AUTHORIZED },
	/* well-formed, and not the proof */
	{ "c=%c,r=%r,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", LN_SASL_NOT_AUTHORIZED },
};

/* Fills in a format of the table. */
static const char *
filled(const struct client *client, const char *format)
{
	const char *text = "", *proof;

	for (; *format != '\0'; format++) {
		if (format[0] != '%') {
			text = arena_printf(arena, "%s%c", text, format[0]);
			continue;
		}
		format++;
		if (*format == 'c')
			text = arena_printf(arena, "%s%s", text, client_binding(client));
		if (*format == 'r')
			text = arena_printf(arena, "%s%s", text, client->nonce);
		if (*format == 'p') {
			proof = client_prove(client, text);
			text = proof;
		}
	}
	return text;
}

START_TEST(wrong_final_messages_are_refused)
{
	struct client client = challenged();

	refused(say(filled(&client, wrong_final[_i].format)), wrong_final[_i].condition);
}
END_TEST

START_TEST(a_right_final_message_passes_the_same_way)
{
	struct client client = challenged();

	ck_assert_int_eq(say(filled(&client, "c=%c,r=%r,x=1%p")), LN_SASL_SUCCESS);
}
END_TEST

START_TEST(a_wrong_password_and_nobody_fail_alike)
{
	struct client client = plain_client(LN_SCRAM_SHA_1);
	const char *reason, *first;

	begin("SCRAM-SHA-1");
	ck_assert_int_eq(say(client_first(&client)), LN_SASL_CHALLENGE);
	client_challenged(&client, "stencil");
	refused(say(client_final(&client)), LN_SASL_NOT_AUTHORIZED);
	reason = sasl.reason;

	client.bare = "n=nobody,r=fyko";
	begin("SCRAM-SHA-1");
	ck_assert_int_eq(say(client_first(&client)), LN_SASL_CHALLENGE);
	client_challenged(&client, "pencil");
	first = value_of(sasl.data, 's');
	ck_assert_str_eq(value_of(sasl.data, 'i'), "4096");
	refused(say(client_final(&client)), LN_SASL_NOT_AUTHORIZED);
	ck_assert_str_eq(sasl.reason, reason);

	/* and asking again shows the same salt */
	begin("SCRAM-SHA-1");
	ck_assert_int_eq(say(client_first(&client)), LN_SASL_CHALLENGE);
	ck_assert_str_eq(value_of(sasl.data, 's'), first);
}
END_TEST

START_TEST(another_connection_is_noticed)
{
	static const uint8_t theirs[32] = "exporter of whoever is between";
	struct client client = { .hash = LN_SCRAM_SHA_1,
		.header = "p=tls-exporter,,",
		.bare = "n=juliet,r=fyko",
		.binding = theirs,
		.binding_len = sizeof theirs };

	begin("SCRAM-SHA-1-PLUS");
	ck_assert_int_eq(say(client_first(&client)), LN_SASL_CHALLENGE);
	client_challenged(&client, "pencil");
	refused(say(client_final(&client)), LN_SASL_NOT_AUTHORIZED);
	ck_assert_ptr_nonnull(strstr(sasl.reason, "in between"));

	client.binding_len = 0;
	begin("SCRAM-SHA-1-PLUS");
	ck_assert_int_eq(say(client_first(&client)), LN_SASL_CHALLENGE);
	client_challenged(&client, "pencil");
	refused(say(client_final(&client)), LN_SASL_NOT_AUTHORIZED);
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("scram");
	TCase *t = tcase_create("scram");

	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, kit_once, NULL);
	tcase_add_checked_fixture(t, kit_setup, kit_teardown);
	tcase_add_loop_test(t, examples_of_the_specifications, 0, COUNT(examples));
	tcase_add_loop_test(t, a_right_password_logs_in, 0, COUNT(logins));
	tcase_add_test(t, the_challenge_says_what_was_offered);
	tcase_add_test(t, y_passes_where_no_binding_was_offered);
	tcase_add_loop_test(t, wrong_first_messages_are_refused, 0, COUNT(wrong_first));
	tcase_add_test(t, a_first_message_has_no_zero_bytes_and_an_end);
	tcase_add_test(t, names_are_decoded);
	tcase_add_loop_test(t, wrong_final_messages_are_refused, 0, COUNT(wrong_final));
	tcase_add_test(t, a_right_final_message_passes_the_same_way);
	tcase_add_test(t, a_wrong_password_and_nobody_fail_alike);
	tcase_add_test(t, another_connection_is_noticed);
	suite_add_tcase(s, t);
	return s;
}
