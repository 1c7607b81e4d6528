/*
 * Sets of certificates: what is found, for which names, and what is said of
 * mistakes.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "net/tls.h"
#include "tls_kit.h"

Suite *suite(void);

static char folder[64];
static char reports[2000];
static unsigned n_reports;

static void
setup(void)
{
	snprintf(folder, sizeof folder, "%s", kit_folder());
	reports[0] = '\0';
	n_reports = 0;
}

static void
teardown(void)
{
	kit_remove(folder);
}

static void
report(const char *file, const char *reason, void *arg)
{
	size_t len = strlen(reports);

	n_reports++;
	snprintf(reports + len, sizeof reports - len, "%s: %s\n", file ? file : "", reason);
}

static struct tls *
load_folder(void)
{
	return tls_load(&(struct tls_config){ .directory = folder }, report, NULL);
}

static void
certificate(const char *crt, const char *key, const char *names, int days)
{
	kit_certificate(kit_path(folder, crt), kit_path(folder, key), "Test", names, days);
}

START_TEST(certificates_are_found_by_the_names_in_them)
{
	struct tls *tls;

	certificate("one.crt", "one.key", "DNS:example.org,DNS:*.example.org", 30);
	mkdir(kit_path(folder, "other"), 0700);
	certificate("other/fullchain.pem", "other/privkey.pem",
	    "otherName:1.3.6.1.5.5.7.8.5;UTF8:chat.example.net,"
	    "otherName:1.3.6.1.5.5.7.8.7;IA5:_xmpp-server.srv.example.net",
	    30);
	kit_write(kit_path(folder, "README"), "not a certificate");
	tls = load_folder();
	ck_assert_msg(tls != NULL, "%s", reports);
	ck_assert(tls_has_name(tls, "example.org"));
	ck_assert(tls_has_name(tls, "EXAMPLE.org."));
	ck_assert(tls_has_name(tls, "muc.example.org"));
	ck_assert(!tls_has_name(tls, "a.muc.example.org"));
	ck_assert(!tls_has_name(tls, "xample.org"));
	ck_assert(tls_has_name(tls, "chat.example.net"));
	ck_assert(tls_has_name(tls, "srv.example.net"));
	ck_assert(!tls_has_name(tls, "example.net"));
	ck_assert(!tls_has_name(tls, ""));
	ck_assert(!tls_has_name(tls, ".example.org"));
	ck_assert(!tls_has_name(tls, NULL));
	tls_unref(&tls);
	ck_assert_ptr_null(tls);
}
END_TEST

START_TEST(the_common_name_counts_only_alone)
{
	struct tls *tls;

	kit_certificate(kit_path(folder, "a.crt"), kit_path(folder, "a.key"), "cn.example.org",
	    NULL, 9);
	kit_certificate(kit_path(folder, "b.crt"), kit_path(folder, "b.key"), "no.example.org",
	    "DNS:yes.example.org", 9);
	tls = load_folder();
	ck_assert(tls_has_name(tls, "cn.example.org"));
	ck_assert(tls_has_name(tls, "yes.example.org"));
	ck_assert(!tls_has_name(tls, "no.example.org"));
	tls_unref(&tls);
}
END_TEST

static void
assert_refused(const char *word, const char *file)
{
	ck_assert_ptr_null(load_folder());
	ck_assert_uint_eq(n_reports, 1);
	ck_assert_msg(strstr(reports, word) != NULL, "%s", reports);
	ck_assert_msg(strstr(reports, file) != NULL, "%s", reports);
}

START_TEST(a_key_of_another_certificate_is_refused)
{
	certificate("one.crt", "one.key", "DNS:example.org", 30);
	certificate("spare.pem", "one.key", "DNS:example.org", 30);
	assert_refused("is not the key", "one.key");
}
END_TEST

START_TEST(a_missing_key_is_refused)
{
	certificate("one.crt", "elsewhere", "DNS:example.org", 30);
	assert_refused("No such file", "one.key");
}
END_TEST

START_TEST(a_file_that_is_no_certificate_is_refused)
{
	certificate("one.crt", "one.key", "DNS:example.org", 30);
	kit_write(kit_path(folder, "one.crt"), "hello");
	assert_refused("no usable PEM certificate", "one.crt");
}
END_TEST

START_TEST(a_file_that_is_no_key_is_refused)
{
	certificate("one.crt", "one.key", "DNS:example.org", 30);
	kit_write(kit_path(folder, "one.key"), "hello");
	assert_refused("no usable PEM key", "one.key");
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_refused)
{
	struct tls_config config = { .directory = "/nonexistent/certs", .minimum = "1.1" };

	ck_assert_ptr_null(tls_load(&config, report, NULL));
	ck_assert_uint_eq(n_reports, 2);
	ck_assert_ptr_nonnull(strstr(reports, "/nonexistent/certs: cannot be read"));
	ck_assert_ptr_nonnull(strstr(reports, "minimum"));
}
END_TEST

static void
collect(const struct tls_certificate *info, void *arg)
{
	struct tls_certificate *first = arg;

	if (first->not_after == 0)
		*first = *info;
	ck_assert_ptr_nonnull(info->names[0]);
	ck_assert_ptr_nonnull(strstr(info->subject, "Test"));
}

START_TEST(checks_say_what_there_is_to_say)
{
	struct tls_pair pair = { "example.org", NULL, NULL };
	struct tls_config config = { .pairs = &pair, .n_pairs = 1 };
	struct tls_certificate info = { 0 };
	struct tls *tls;

	certificate("one.crt", "one.key", "DNS:other.example", -3);
	pair.certificate = kit_path(folder, "one.crt");
	pair.key = kit_path(folder, "one.key");
	tls = tls_load(&config, report, NULL);
	ck_assert_msg(tls != NULL, "%s", reports);
	ck_assert(tls_has_name(tls, "example.org"));
	ck_assert(!tls_has_name(tls, "other.example"));
	tls_each(tls, collect, &info);
	ck_assert_int_lt(info.not_after, time(NULL));
	ck_assert_int_gt(info.not_after, time(NULL) - 4 * 86400);
	ck_assert_ptr_nonnull(info.chain_error);
	ck_assert_ptr_nonnull(strstr(info.chain_error, "self"));
	tls_unref(&tls);
}
END_TEST

START_TEST(a_certificate_that_its_authority_signed_stands)
{
	struct tls_certificate info = { 0 };
	struct tls_config config = { .directory = folder };
	struct tls *tls;

	certificate("one.crt", "one.key", "DNS:example.org", 30);
	config.authorities = kit_path(folder, "one.crt");
	tls = tls_load(&config, report, NULL);
	tls_each(tls, collect, &info);
	ck_assert_ptr_null(info.chain_error);
	tls_unref(&tls);
}
END_TEST

/* Verifying happens on workers: they must not read files. */
START_TEST(authorities_of_the_system_are_read_at_once)
{
	struct tls_certificate info = { 0 };
	struct tls_config config = { .directory = folder };
	struct tls *tls;

	certificate("one.crt", "one.key", "DNS:example.org", 30);
	setenv("SSL_CERT_FILE", "/nonexistent", 1);
	setenv("SSL_CERT_DIR", folder, 1);
	tls = tls_load(&config, report, NULL);
	ck_assert_int_eq(unlink(kit_path(folder, "one.crt")), 0);
	tls_each(tls, collect, &info);
	ck_assert_ptr_null(info.chain_error);
	tls_unref(&tls);
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("tls");
	TCase *tc = tcase_create("tls");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, certificates_are_found_by_the_names_in_them);
	tcase_add_test(tc, the_common_name_counts_only_alone);
	tcase_add_test(tc, a_key_of_another_certificate_is_refused);
	tcase_add_test(tc, a_missing_key_is_refused);
	tcase_add_test(tc, a_file_that_is_no_certificate_is_refused);
	tcase_add_test(tc, a_file_that_is_no_key_is_refused);
	tcase_add_test(tc, a_folder_that_is_not_there_is_refused);
	tcase_add_test(tc, checks_say_what_there_is_to_say);
	tcase_add_test(tc, a_certificate_that_its_authority_signed_stands);
	tcase_add_test(tc, authorities_of_the_system_are_read_at_once);
	suite_add_tcase(s, tc);
	return s;
}
