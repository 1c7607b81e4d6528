/*
 * DNS messages and the answers they make.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "dns_kit.h"

Suite *suite(void);

static const struct dns_answer *
decode(struct dns_message *m, const char *name, enum dns_type type)
{
	const struct dns_answer *answer = dns_decode(name, type, m->bytes.data, m->bytes.len, true);

	buf_free(&m->bytes);
	return answer;
}

#define expect_failure(answer, status_)                        \
	do {                                                   \
		ck_assert_int_eq((answer)->status, (status_)); \
		ck_assert_ptr_nonnull((answer)->reason);       \
		ck_assert(!(answer)->secure);                  \
		ck_assert_uint_eq((answer)->count, 0);         \
		dns_answer_unref(&(answer));                   \
	} while (0)

/* --- what is there ---------------------------------------------------------------------- */

START_TEST(addresses_of_the_name_alone)
{
	struct dns_message m = dns_message("host.example", DNS_A, 0);
	const struct dns_answer *answer;
	char text[NETADDR_TEXT_MAX];

	dns_message_add(&m, "host.example", DNS_A, 300, "\300\0\2\1", 4);
	dns_message_add(&m, "HOST.Example", DNS_A, 60, "\300\0\2\2", 4);
	dns_message_add(&m, "other.example", DNS_A, 5, "\300\0\2\3", 4);
	answer = decode(&m, "host.example", DNS_A);
	ck_assert_int_eq(answer->status, DNS_FOUND);
	ck_assert(answer->secure);
	ck_assert_uint_eq(answer->count, 2);
	ck_assert_uint_eq(answer->ttl, 60);
	ck_assert_str_eq(netaddr_host_text(&answer->addresses[1], text), "192.0.2.2");
	dns_answer_unref(&answer);
	ck_assert_ptr_null(answer);
}
END_TEST

START_TEST(ipv6_addresses)
{
	struct dns_message m = dns_message("host.example", DNS_AAAA, 0);
	const struct dns_answer *answer;
	char text[NETADDR_TEXT_MAX];

	dns_message_add(&m, "host.example", DNS_AAAA, 300, " \1\r\270\0\0\0\0\0\0\0\0\0\0\0\7", 16);
	answer = decode(&m, "host.example", DNS_AAAA);
	ck_assert_uint_eq(answer->count, 1);
	ck_assert_str_eq(netaddr_host_text(&answer->addresses[0], text), "2001:db8::7");
	dns_answer_unref(&answer);
}
END_TEST

START_TEST(srv_records)
{
	static const char name[] = "_xmpp-server._tcp.example";
	struct dns_message m = dns_message(name, DNS_SRV, 0);
	const struct dns_answer *answer;

	dns_message_srv(&m, name, 10, 20, 5269, "XMPP.example");
	dns_message_srv(&m, name, 0, 0, 0, "");
	dns_message_srv(&m, name, 1, 1, 5269, "bad name.example");
	dns_message_srv(&m, name, 1, 1, 5269, "evil\nline.example");
	answer = decode(&m, name, DNS_SRV);
	ck_assert_uint_eq(answer->count, 2);
	ck_assert_str_eq(answer->srv[0].target, "xmpp.example");
	ck_assert_uint_eq(answer->srv[0].priority, 10);
	ck_assert_uint_eq(answer->srv[0].weight, 20);
	ck_assert_uint_eq(answer->srv[0].port, 5269);
	ck_assert_str_eq(answer->srv[1].target, "");
	dns_answer_unref(&answer);
}
END_TEST

START_TEST(tlsa_records)
{
	static const char name[] = "_5269._tcp.xmpp.example";
	struct dns_message m = dns_message(name, DNS_TLSA, 0);
	const struct dns_answer *answer;

	dns_message_add(&m, name, DNS_TLSA, 300, "\3\1\1\253\315", 5);
	answer = decode(&m, name, DNS_TLSA);
	ck_assert_uint_eq(answer->count, 1);
	ck_assert_uint_eq(answer->tlsa[0].usage, 3);
	ck_assert_uint_eq(answer->tlsa[0].selector, 1);
	ck_assert_uint_eq(answer->tlsa[0].matching, 1);
	ck_assert_uint_eq(answer->tlsa[0].len, 2);
	ck_assert_mem_eq(answer->tlsa[0].data, "\253\315", 2);
	dns_answer_unref(&answer);
}
END_TEST

START_TEST(aliases_lead_to_the_records)
{
	struct dns_message m = dns_message("a.example", DNS_A, 0);
	const struct dns_answer *answer;

	dns_message_add(&m, "c.example", DNS_A, 300, "\300\0\2\1", 4);
	dns_message_cname(&m, "b.example", "c.example");
	dns_message_cname(&m, "a.example", "B.example");
	answer = decode(&m, "a.example", DNS_A);
	ck_assert_int_eq(answer->status, DNS_FOUND);
	ck_assert_str_eq(answer->name, "a.example");
	ck_assert_str_eq(answer->owner, "c.example");
	ck_assert_uint_eq(answer->ttl, 60);
	dns_answer_unref(&answer);
}
END_TEST

/* --- what is not ------------------------------------------------------------------------------ */

START_TEST(nothing_is_no_failure)
{
	struct dns_message m = dns_message("host.example", DNS_AAAA, 0);
	const struct dns_answer *answer = decode(&m, "host.example", DNS_AAAA);

	ck_assert_int_eq(answer->status, DNS_NONE);
	ck_assert(answer->secure);
	ck_assert(!answer->no_domain);
	ck_assert_ptr_null(answer->reason);
	dns_answer_unref(&answer);
	m = dns_message("nobody.example", DNS_A, 3);
	answer = decode(&m, "nobody.example", DNS_A);
	ck_assert_int_eq(answer->status, DNS_NONE);
	ck_assert(answer->no_domain);
	dns_answer_unref(&answer);
}
END_TEST

START_TEST(servers_that_cannot_say_are_a_failure)
{
	static const unsigned rcodes[] = { 1, 2, 4, 5 };
	struct dns_message m = dns_message("host.example", DNS_A, rcodes[_i]);
	const struct dns_answer *answer = decode(&m, "host.example", DNS_A);

	expect_failure(answer, DNS_FAILED);
}
END_TEST

START_TEST(aliases_that_go_round_are_a_failure)
{
	struct dns_message m = dns_message("a.example", DNS_A, 0);
	const struct dns_answer *answer;

	dns_message_cname(&m, "a.example", "b.example");
	dns_message_cname(&m, "b.example", "a.example");
	answer = decode(&m, "a.example", DNS_A);
	expect_failure(answer, DNS_MALFORMED);
}
END_TEST

START_TEST(records_that_make_no_sense_are_a_failure)
{
	struct dns_message m = dns_message("host.example", DNS_A, 0);
	const struct dns_answer *answer;

	dns_message_add(&m, "host.example", DNS_A, 300, "\300\0\2", 3);
	answer = decode(&m, "host.example", DNS_A);
	expect_failure(answer, DNS_MALFORMED);
	m = dns_message("x", DNS_TLSA, 0);
	dns_message_add(&m, "x", DNS_TLSA, 300, "\3\1", 2);
	answer = decode(&m, "x", DNS_TLSA);
	expect_failure(answer, DNS_MALFORMED);
}
END_TEST

START_TEST(a_message_cut_anywhere_is_survived)
{
	struct dns_message m = dns_message("host.example", DNS_SRV, 0);

	dns_message_srv(&m, "host.example", 1, 2, 3, "target.example");
	for (size_t len = 0; len < m.bytes.len; len++) {
		char *copy = malloc(len + 1);
		const struct dns_answer *answer;

		memcpy(copy, m.bytes.data, len);
		answer = dns_decode("host.example", DNS_SRV, copy, len, true);
		ck_assert(dns_failed(answer->status));
		dns_answer_unref(&answer);
		free(copy);
	}
	buf_free(&m.bytes);
}
END_TEST

START_TEST(many_records_are_cut)
{
	struct dns_message m = dns_message("host.example", DNS_A, 0);
	const struct dns_answer *answer;

	for (int i = 0; i < 100; i++)
		dns_message_add(&m, "host.example", DNS_A, 300, "\300\0\2\1", 4);
	answer = decode(&m, "host.example", DNS_A);
	ck_assert_uint_eq(answer->count, DNS_RECORDS_MAX);
	dns_answer_unref(&answer);
}
END_TEST

START_TEST(answers_are_shared)
{
	const struct dns_answer *answer = dns_answer_new("host.example", DNS_A, DNS_TIMEOUT, NULL);
	const struct dns_answer *other = dns_answer_ref(answer);

	dns_answer_unref(&answer);
	ck_assert_str_eq(other->name, "host.example");
	ck_assert_str_eq(other->reason, dns_status_text(DNS_TIMEOUT));
	dns_answer_unref(&other);
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("dns");
	TCase *tc = tcase_create("answers");

	tcase_add_test(tc, addresses_of_the_name_alone);
	tcase_add_test(tc, ipv6_addresses);
	tcase_add_test(tc, srv_records);
	tcase_add_test(tc, tlsa_records);
	tcase_add_test(tc, aliases_lead_to_the_records);
	tcase_add_test(tc, nothing_is_no_failure);
	tcase_add_loop_test(tc, servers_that_cannot_say_are_a_failure, 0, 4);
	tcase_add_test(tc, aliases_that_go_round_are_a_failure);
	tcase_add_test(tc, records_that_make_no_sense_are_a_failure);
	tcase_add_test(tc, a_message_cut_anywhere_is_survived);
	tcase_add_test(tc, many_records_are_cut);
	tcase_add_test(tc, answers_are_shared);
	suite_add_tcase(s, tc);
	return s;
}
