/*
 * Names in certificates against domains (RFC 6125, RFC 6120 §13.7.1), and TLSA
 * records against certificates (RFC 6698, RFC 7671).
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "net/certname.h"
#include "net/tlsa.h"

Suite *suite(void);

/* --- certificates, made on the spot ------------------------------------------------------ */

struct made {
	X509 *x509;
	EVP_PKEY *key;
};

static void
set_name(X509 *x509, const char *name)
{
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8,
	    (const unsigned char *)name, -1, -1, 0);
}

static void
add_extension(X509 *x509, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	ck_assert_ptr_nonnull(extension);
	X509_add_ext(x509, extension, -1);
	X509_EXTENSION_free(extension);
}

/* `names` as openssl.cnf writes them; `issuer` NULL: signed by itself. `days` from now, negative: over. */
static struct made
make(const char *common_name, const char *names, const struct made *issuer, int days)
{
	struct made made = { X509_new(), EVP_EC_gen("P-256") };
	static long serial;

	X509_set_version(made.x509, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(made.x509), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(made.x509), -90 * 86400L);
	X509_gmtime_adj(X509_getm_notAfter(made.x509), days * 86400L);
	set_name(made.x509, common_name);
	X509_set_issuer_name(made.x509,
	    X509_get_subject_name(issuer != NULL ? issuer->x509 : made.x509));
	X509_set_pubkey(made.x509, made.key);
	if (names == NULL)
		add_extension(made.x509, NID_basic_constraints, "critical,CA:TRUE");
	else if (*names != '\0')
		add_extension(made.x509, NID_subject_alt_name, names);
	ck_assert_int_gt(
	    X509_sign(made.x509, issuer != NULL ? issuer->key : made.key, EVP_sha256()), 0);
	return made;
}

static void
unmake(struct made *made)
{
	X509_free(made->x509);
	EVP_PKEY_free(made->key);
}

/* --- names -------------------------------------------------------------------------------- */

#define SRV(name) "otherName:1.3.6.1.5.5.7.8.7;IA5STRING:" name
#define XMPP(name) "otherName:1.3.6.1.5.5.7.8.5;UTF8:" name

static const struct {
	const char *names, *domain, *unicode;
	enum certname_kind kind;
} matches[] = {
	{ "DNS:example.org", "example.org", NULL, CERTNAME_DNS },
	{ "DNS:EXAMPLE.org", "example.ORG", NULL, CERTNAME_DNS },
	{ "DNS:other.org,DNS:example.org", "example.org", NULL, CERTNAME_DNS },
	{ "DNS:example.org", "example.org.evil.net", NULL, CERTNAME_NONE },
	{ "DNS:example.org", "xmpp.example.org", NULL, CERTNAME_NONE },
	{ "DNS:xn--bcher-kva.example", "xn--bcher-kva.example", "b\303\274cher.example",
	    CERTNAME_DNS },
	/* wildcards: the whole leftmost label and no more */
	{ "DNS:*.example.org", "xmpp.example.org", NULL, CERTNAME_DNS },
	{ "DNS:*.example.org", "example.org", NULL, CERTNAME_NONE },
	{ "DNS:*.example.org", "a.b.example.org", NULL, CERTNAME_NONE },
	{ "DNS:*.example.org", ".example.org", NULL, CERTNAME_NONE },
	{ "DNS:x*.example.org", "xmpp.example.org", NULL, CERTNAME_NONE },
	{ "DNS:*mpp.example.org", "xmpp.example.org", NULL, CERTNAME_NONE },
	{ "DNS:xmpp.*.org", "xmpp.example.org", NULL, CERTNAME_NONE },
	{ "DNS:*.*.org", "xmpp.example.org", NULL, CERTNAME_NONE },
	{ "DNS:*", "localhost", NULL, CERTNAME_NONE },
	{ "DNS:*.0.2.1", "192.0.2.1", NULL, CERTNAME_NONE },
	{ "DNS:*.xn--bcher-kva.example", "chat.xn--bcher-kva.example", NULL, CERTNAME_DNS },
	{ "DNS:*.example.org", "[2001:db8::1]", NULL, CERTNAME_NONE },
	/* SRVName, RFC 4985 */
	{ SRV("_xmpp-server.example.org"), "example.org", NULL, CERTNAME_SRV },
	{ SRV("_XMPP-Server.Example.org"), "example.org", NULL, CERTNAME_SRV },
	{ SRV("_xmpp-client.example.org"), "example.org", NULL, CERTNAME_NONE },
	{ SRV("_xmpp-server.*.org"), "example.org", NULL, CERTNAME_NONE },
	{ SRV("example.org"), "example.org", NULL, CERTNAME_NONE },
	/* id-on-xmppAddr, RFC 6120 §13.7.1.4 */
	{ XMPP("example.org"), "example.org", NULL, CERTNAME_XMPP },
	{ XMPP("as-unicode.example"), "xn--bcher-kva.example", "as-unicode.example",
	    CERTNAME_XMPP },
	{ XMPP("anna@example.org"), "example.org", NULL, CERTNAME_NONE },
	{ XMPP("*.example.org"), "xmpp.example.org", NULL, CERTNAME_NONE },
	{ XMPP("other.org") ",DNS:example.org", "example.org", NULL, CERTNAME_DNS },
	/* no alternative names: the common name counts for nothing (RFC 9525 §2) */
	{ "", "example.org", NULL, CERTNAME_NONE },
	{ "email:anna@example.org,URI:https://example.org,IP:192.0.2.1", "192.0.2.1", NULL,
	    CERTNAME_NONE },
};

START_TEST(a_certificate_speaks_for_the_names_in_it)
{
	struct made made = make("example.org", matches[_i].names, NULL, 30);
	struct certname domain = { matches[_i].domain, matches[_i].unicode };

	ck_assert_int_eq(certname_match(made.x509, &domain), matches[_i].kind);
	unmake(&made);
}
END_TEST

START_TEST(a_name_with_a_nul_is_none)
{
	struct made made = make("x", "DNS:example.org", NULL, 30);
	GENERAL_NAMES *all = GENERAL_NAMES_new();
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();
	struct certname domain = { "example.org", NULL };

	ASN1_STRING_set(text, "example.org\0.evil.net", 21);
	GENERAL_NAME_set0_value(name, GEN_DNS, text);
	sk_GENERAL_NAME_push(all, name);
	X509_add1_ext_i2d(made.x509, NID_subject_alt_name, all, 0, X509V3_ADD_REPLACE);
	ck_assert_int_eq(certname_match(made.x509, &domain), CERTNAME_NONE);
	GENERAL_NAMES_free(all);
	unmake(&made);
}
END_TEST

START_TEST(names_are_listed_for_people)
{
	struct made made =
	    make("x", "DNS:a.example," XMPP("b.example") "," SRV("_xmpp-server.c"), NULL, 30);
	char *list = certname_list(made.x509);

	ck_assert_str_eq(list, "a.example, xmpp:b.example, _xmpp-server.c");
	ck_assert_int_eq(certname_match(NULL, &(struct certname){ "x", NULL }), CERTNAME_NONE);
	free(list);
	unmake(&made);
}
END_TEST

/* --- TLSA -------------------------------------------------------------------------------------- */

enum who { LEAF, AUTHORITY, STRANGER };

/* `usage selector matching` of whose certificate, and what comes of it for whom. */
static const struct {
	unsigned usage, selector, matching;
	enum who who;
	const char *leaf_names;
	int days;
	bool trusted; /* the authority is one of the configured */
	enum tlsa_result result;
} checks[] = {
	/* 3, DANE-EE: the certificate or its key, whatever names and dates say */
	{ 3, 0, 1, LEAF, "DNS:example.org", 30, false, TLSA_MATCH },
	{ 3, 0, 0, LEAF, "DNS:example.org", 30, false, TLSA_MATCH },
	{ 3, 1, 0, LEAF, "DNS:example.org", 30, false, TLSA_MATCH },
	{ 3, 1, 1, LEAF, "DNS:example.org", 30, false, TLSA_MATCH },
	{ 3, 1, 2, LEAF, "DNS:example.org", 30, false, TLSA_MATCH },
	{ 3, 1, 1, LEAF, "DNS:other.net", 30, false, TLSA_MATCH },
	{ 3, 1, 1, LEAF, "DNS:example.org", -1, false, TLSA_MATCH },
	{ 3, 1, 1, STRANGER, "DNS:example.org", 30, false, TLSA_MISMATCH },
	{ 3, 1, 1, STRANGER, "DNS:example.org", 30, true, TLSA_MISMATCH },
	{ 3, 1, 1, AUTHORITY, "DNS:example.org", 30, false, TLSA_MISMATCH },
	/* 2, DANE-TA: an authority of its own; names and dates count */
	{ 2, 0, 1, AUTHORITY, "DNS:example.org", 30, false, TLSA_MATCH },
	{ 2, 1, 1, AUTHORITY, "DNS:host.example.org", 30, false, TLSA_MATCH },
	{ 2, 0, 1, AUTHORITY, SRV("_xmpp-server.example.org"), 30, false, TLSA_MATCH },
	{ 2, 0, 1, AUTHORITY, "DNS:other.net", 30, false, TLSA_MISMATCH },
	{ 2, 0, 1, AUTHORITY, "DNS:example.org", -1, false, TLSA_MISMATCH },
	{ 2, 0, 1, STRANGER, "DNS:example.org", 30, false, TLSA_MISMATCH },
	/* 1 and 0, PKIX-EE and PKIX-TA: beside a chain that is valid without */
	{ 1, 1, 1, LEAF, "DNS:example.org", 30, true, TLSA_MATCH },
	{ 1, 1, 1, LEAF, "DNS:example.org", 30, false, TLSA_MISMATCH },
	{ 1, 1, 1, LEAF, "DNS:other.net", 30, true, TLSA_MISMATCH },
	{ 1, 1, 1, STRANGER, "DNS:example.org", 30, true, TLSA_MISMATCH },
	{ 0, 0, 1, AUTHORITY, "DNS:example.org", 30, true, TLSA_MATCH },
	{ 0, 0, 1, AUTHORITY, "DNS:example.org", 30, false, TLSA_MISMATCH },
	{ 0, 0, 1, STRANGER, "DNS:example.org", 30, true, TLSA_MISMATCH },
	/* not usable: as if there were none */
	{ 7, 1, 1, LEAF, "DNS:example.org", 30, false, TLSA_NONE },
	{ 3, 9, 1, LEAF, "DNS:example.org", 30, false, TLSA_NONE },
	{ 3, 1, 9, LEAF, "DNS:example.org", 30, false, TLSA_NONE },
};

static uint16_t
record_data(X509 *x509, unsigned selector, unsigned matching, uint8_t out[2048])
{
	uint8_t *der = NULL;
	int len = selector == 0 ? i2d_X509(x509, &der) : i2d_PUBKEY(X509_get0_pubkey(x509), &der);
	unsigned out_len = (unsigned)len;

	ck_assert_int_lt(len, 2048);
	if (matching == 0)
		memcpy(out, der, (size_t)len);
	else
		EVP_Digest(der, (size_t)len, out, &out_len,
		    matching == 2 ? EVP_sha512() : EVP_sha256(), NULL);
	OPENSSL_free(der);
	return (uint16_t)out_len;
}

struct scene {
	struct made authority, leaf, stranger;
	STACK_OF(X509) * chain;
	SSL_CTX *ctx;
	SSL *ssl;
};

static void
scene_open(struct scene *scene, const char *names, int days, bool trusted)
{
	scene->authority = make("The Authority", NULL, NULL, 100);
	scene->leaf = make("leaf", names, &scene->authority, days);
	scene->stranger = make("stranger", "DNS:example.org", NULL, 30);
	scene->chain = sk_X509_new_null();
	sk_X509_push(scene->chain, scene->leaf.x509);
	sk_X509_push(scene->chain, scene->authority.x509);
	scene->ctx = SSL_CTX_new(TLS_method());
	SSL_CTX_dane_enable(scene->ctx);
	if (trusted)
		X509_STORE_add_cert(SSL_CTX_get_cert_store(scene->ctx), scene->authority.x509);
	scene->ssl = SSL_new(scene->ctx);
}

static void
scene_close(struct scene *scene)
{
	SSL_free(scene->ssl);
	SSL_CTX_free(scene->ctx);
	sk_X509_free(scene->chain);
	unmake(&scene->authority);
	unmake(&scene->leaf);
	unmake(&scene->stranger);
}

static X509 *
whose(const struct scene *scene, enum who who)
{
	if (who == STRANGER)
		return scene->stranger.x509;
	return who == LEAF ? scene->leaf.x509 : scene->authority.x509;
}

static const struct certname names[] = { { "example.org", NULL }, { "host.example.org", NULL } };

static enum tlsa_result
judge(struct scene *scene, const struct dns_tlsa *records, unsigned count, bool secure)
{
	struct dns_answer answer = {
		.status = DNS_FOUND,
		.type = DNS_TLSA,
		.secure = secure,
		.count = count,
		.tlsa = records,
	};
	const char *reason = NULL;
	enum tlsa_result result = tlsa_check_chain(scene->ssl, scene->leaf.x509, scene->chain,
	    &answer, names, 2, &reason);

	ck_assert_ptr_nonnull(reason);
	return result;
}

START_TEST(tlsa_records_decide)
{
	struct scene scene;
	uint8_t data[2048];
	struct dns_tlsa record = { (uint8_t)checks[_i].usage, (uint8_t)checks[_i].selector,
		(uint8_t)checks[_i].matching, 0, data };

	scene_open(&scene, checks[_i].leaf_names, checks[_i].days, checks[_i].trusted);
	record.len =
	    record_data(whose(&scene, checks[_i].who), record.selector, record.matching, data);
	ck_assert_int_eq(judge(&scene, &record, 1, true), checks[_i].result);
	scene_close(&scene);
}
END_TEST

START_TEST(one_of_several_is_enough)
{
	struct scene scene;
	uint8_t wrong[2048], right[2048];
	struct dns_tlsa records[] = { { 3, 1, 1, 0, wrong }, { 9, 1, 1, 0, wrong },
		{ 2, 0, 1, 0, right } };

	scene_open(&scene, "DNS:example.org", 30, false);
	records[0].len = records[1].len = record_data(scene.stranger.x509, 1, 1, wrong);
	records[2].len = record_data(scene.authority.x509, 0, 1, right);
	ck_assert_int_eq(judge(&scene, records, 3, true), TLSA_MATCH);
	ck_assert_int_eq(judge(&scene, records, 2, true), TLSA_MISMATCH);
	ck_assert_int_eq(judge(&scene, records + 1, 1, true), TLSA_NONE);
	scene_close(&scene);
}
END_TEST

START_TEST(what_is_not_validated_proves_nothing)
{
	struct scene scene;
	uint8_t data[2048];
	struct dns_tlsa record = { 3, 1, 1, 0, data };
	const char *reason;

	scene_open(&scene, "DNS:example.org", 30, false);
	record.len = record_data(scene.leaf.x509, 1, 1, data);
	ck_assert_int_eq(judge(&scene, &record, 1, false), TLSA_NONE);
	ck_assert_int_eq(
	    tlsa_check_chain(scene.ssl, scene.leaf.x509, scene.chain, NULL, names, 2, &reason),
	    TLSA_NONE);
	scene_close(&scene);
}
END_TEST

START_TEST(a_record_is_shown_to_people)
{
	const uint8_t data[32] = { 0xab, 0xcd };
	struct dns_tlsa record = { 3, 1, 1, 32, data };
	char text[TLSA_TEXT_MAX];

	ck_assert_str_eq(tlsa_text(&record, text), "3 1 1 abcd0000000000000000000000000000...");
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("certname");
	TCase *tc = tcase_create("names");

	tcase_add_loop_test(tc, a_certificate_speaks_for_the_names_in_it, 0,
	    (int)(sizeof matches / sizeof *matches));
	tcase_add_test(tc, a_name_with_a_nul_is_none);
	tcase_add_test(tc, names_are_listed_for_people);
	suite_add_tcase(s, tc);
	tc = tcase_create("tlsa");
	tcase_add_loop_test(tc, tlsa_records_decide, 0, (int)(sizeof checks / sizeof *checks));
	tcase_add_test(tc, one_of_several_is_enough);
	tcase_add_test(tc, what_is_not_validated_proves_nothing);
	tcase_add_test(tc, a_record_is_shown_to_people);
	suite_add_tcase(s, tc);
	return s;
}
