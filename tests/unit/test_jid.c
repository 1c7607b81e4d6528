/*
 * Addresses: the tables of RFC 7622 §3.5, limits, the profiles of RFC 8265,
 * domain names, and that the short way for ASCII agrees with the long one.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/hash.h"
#include "core/idna.h"
#include "core/precis.h"
#include "linnet/jid.h"

Suite *suite(void);

static struct arena *arena;

static void
setup(void)
{
	arena = arena_new(1024);
}

static void
teardown(void)
{
	arena_free(&arena);
}

static struct ln_jid
parsed(const char *text)
{
	struct ln_jid jid;
	enum ln_jid_error error = ln_jid_parse(arena, text, strlen(text), &jid);

	ck_assert_msg(error == LN_JID_OK, "%s: %s", text, ln_jid_reason(error));
	return jid;
}

static enum ln_jid_error
error_of(const char *text)
{
	struct ln_jid jid;

	return ln_jid_parse(arena, text, strlen(text), &jid);
}

/* {what is written, what it is} */
struct row {
	const char *text;
	const char *normal;
};

static const struct row valid[] = {
	/* RFC 7622 §3.5, table 1 */
	{ "juliet@example.com", "juliet@example.com" },
	{ "juliet@example.com/foo", "juliet@example.com/foo" },
	{ "juliet@example.com/foo bar", "juliet@example.com/foo bar" },
	{ "juliet@example.com/foo@bar", "juliet@example.com/foo@bar" },
	{ "foo\\20bar@example.com", "foo\\20bar@example.com" },
	{ "fussball@example.com", "fussball@example.com" },
	{ "fußball@example.com", "fußball@example.com" },
	{ "π@example.com", "π@example.com" },
	{ "Σ@example.com/foo", "σ@example.com/foo" },
	{ "σ@example.com/foo", "σ@example.com/foo" },
	{ "ς@example.com/foo", "ς@example.com/foo" },
	{ "king@example.com/♚", "king@example.com/♚" },
	{ "example.com", "example.com" },
	{ "example.com/foobar", "example.com/foobar" },
	{ "a.example.com/b@example.net", "a.example.com/b@example.net" },
	/* table 2 lists this one as invalid, erratum 4560 takes it out */
	{ "juliet@example.com/ foo", "juliet@example.com/ foo" },
	/* case and width of a localpart, never of a resource */
	{ "JULIET@EXAMPLE.COM/Balcony", "juliet@example.com/Balcony" },
	{ "ｊｕｌｉｅｔ@example.com", "juliet@example.com" },
	{ "ＪＵＬＩＥＴ@example.com/Ａ", "juliet@example.com/Ａ" },
	{ "ｶﾞ@example.com", "ガ@example.com" },
	{ "İ@example.com", "i̇@example.com" },
	{ "ı@example.com", "ı@example.com" },
	{ "I@example.com", "i@example.com" },
	{ "ΑΣ@example.com", "ας@example.com" },
	/* composed: e + acute, and a mark order that NFC puts right */
	{ "e\u0301@example.com/e\u0301", "\u00e9@example.com/\u00e9" },
	{ "a\u0323\u0307@example.com", "\u1ea1\u0307@example.com" },
	{ "A\u030a@example.com", "\u00e5@example.com" },
	/* spaces and symbols in a resource */
	{ "a@example.com/foo\u00a0bar", "a@example.com/foo bar" },
	{ "a@example.com/\u3000", "a@example.com/ " },
	{ "a@example.com/😀", "a@example.com/😀" },
	{ "a@example.com/Ⅳ", "a@example.com/Ⅳ" },
	{ "a@example.com/abאב", "a@example.com/abאב" },
	{ "a@example.com///", "a@example.com///" },
	{ "example.com/a@b/c", "example.com/a@b/c" },
	/* writing from right to left */
	{ "אבג@example.com", "אבג@example.com" },
	{ "אב1@example.com", "אב1@example.com" },
	{ "مرحبا@example.com", "مرحبا@example.com" },
	/* in their context */
	{ "col·la@example.com", "col·la@example.com" },
	{ "COL·LA@example.com", "col·la@example.com" },
	{ "\u0375α@example.com", "\u0375α@example.com" },
	{ "א׳@example.com", "א׳@example.com" },
	{ "ア・ア@example.com", "ア・ア@example.com" },
	{ "क्\u200dष@example.com", "क्\u200dष@example.com" },
	{ "क्\u200cष@example.com", "क्\u200cष@example.com" },
	{ "نامه\u200cای@example.com", "نامه\u200cای@example.com" },
	/* domains */
	{ "example.com.", "example.com" },
	{ "localhost", "localhost" },
	{ "a@192.0.2.1", "a@192.0.2.1" },
	{ "a@[2001:DB8:0::1]/r", "a@[2001:db8::1]/r" },
	{ "[::1]", "[::1]" },
	{ "münchen.example", "münchen.example" },
	{ "MÜNCHEN.example", "münchen.example" },
	{ "xn--mnchen-3ya.example", "münchen.example" },
	{ "XN--MNCHEN-3YA.example", "münchen.example" },
	{ "straße.example", "straße.example" },
	{ "xn--strae-oqa.example", "straße.example" },
	{ "βόλος.com", "βόλος.com" },
	{ "example。com", "example.com" },
	{ "ｅｘａｍｐｌｅ.com", "example.com" },
	{ "пример.рф", "пример.рф" },
	{ "דוגמה.example", "דוגמה.example" },
};

START_TEST(valid_addresses_become_normal)
{
	const struct row *row = &valid[_i];
	struct ln_jid jid = parsed(row->text), again;

	ck_assert_str_eq(jid.full, row->normal);
	ck_assert_uint_eq(ln_jid_len(&jid), strlen(row->normal));
	again = parsed(jid.full);
	ck_assert(ln_jid_same(&jid, &again));
	ck_assert_int_eq(ln_jid_compare(&jid, &again), 0);
}
END_TEST

static const struct {
	const char *text;
	enum ln_jid_error error;
} invalid[] = {
	/* RFC 7622 §3.5, table 2 */
	{ "\"juliet\"@example.com", LN_JID_LOCAL_CHARACTER },
	{ "foo bar@example.com", LN_JID_LOCAL_CHARACTER },
	{ "@example.com/", LN_JID_LOCAL_EMPTY },
	{ "henryⅣ@example.com", LN_JID_LOCAL_CHARACTER },
	{ "♚@example.com", LN_JID_LOCAL_CHARACTER },
	{ "juliet@", LN_JID_DOMAIN_EMPTY },
	{ "/foobar", LN_JID_DOMAIN_EMPTY },
	/* parts that are not there */
	{ "", LN_JID_DOMAIN_EMPTY },
	{ "@", LN_JID_LOCAL_EMPTY },
	{ "@/", LN_JID_LOCAL_EMPTY },
	{ "@example.com", LN_JID_LOCAL_EMPTY },
	{ "example.com/", LN_JID_RESOURCE_EMPTY },
	{ "a@example.com/", LN_JID_RESOURCE_EMPTY },
	{ ".", LN_JID_DOMAIN_EMPTY },
	{ "a@b@example.com", LN_JID_DOMAIN_INVALID },
	/* exclusions, also behind a mapping */
	{ "a&b@example.com", LN_JID_LOCAL_CHARACTER },
	{ "a'b@example.com", LN_JID_LOCAL_CHARACTER },
	{ "a:b@example.com", LN_JID_LOCAL_CHARACTER },
	{ "a<b@example.com", LN_JID_LOCAL_CHARACTER },
	{ "a>b@example.com", LN_JID_LOCAL_CHARACTER },
	{ "a：b@example.com", LN_JID_LOCAL_CHARACTER },
	{ "a＠b@example.com", LN_JID_LOCAL_CHARACTER },
	{ "a／b@example.com", LN_JID_LOCAL_CHARACTER },
	/* disallowed */
	{ "a\tb@example.com", LN_JID_LOCAL_CHARACTER },
	{ "a\x7f@example.com", LN_JID_LOCAL_CHARACTER },
	{ "a@example.com/\x01", LN_JID_RESOURCE_CHARACTER },
	{ "a@example.com/\xc2\x85", LN_JID_RESOURCE_CHARACTER },
	{ "a@example.com/\u2028", LN_JID_RESOURCE_CHARACTER },
	{ "a@example.com/a\u00adb", LN_JID_RESOURCE_CHARACTER },
	{ "a@example.com/\ufe0f", LN_JID_RESOURCE_CHARACTER },
	{ "a@example.com/\ue000", LN_JID_RESOURCE_CHARACTER },
	{ "a@example.com/\u0378", LN_JID_RESOURCE_CHARACTER },
	{ "a@example.com/\U0010ffff", LN_JID_RESOURCE_CHARACTER },
	{ "a\u0640@example.com", LN_JID_LOCAL_CHARACTER },
	{ "\u1100@example.com", LN_JID_LOCAL_CHARACTER },
	{ "\u212a@example.com", LN_JID_LOCAL_CHARACTER },
	{ "ﬁ@example.com", LN_JID_LOCAL_CHARACTER },
	{ "😀@example.com", LN_JID_LOCAL_CHARACTER },
	/* out of their context */
	{ "co·lla@example.com", LN_JID_LOCAL_CHARACTER },
	{ "a\u200db@example.com", LN_JID_LOCAL_CHARACTER },
	{ "a\u200cb@example.com", LN_JID_LOCAL_CHARACTER },
	{ "\u0375a@example.com", LN_JID_LOCAL_CHARACTER },
	{ "׳a@example.com", LN_JID_LOCAL_BIDI },
	{ "a@example.com/a׳", LN_JID_RESOURCE_CHARACTER },
	{ "a・b@example.com", LN_JID_LOCAL_CHARACTER },
	{ "a@example.com/ا٠۰", LN_JID_RESOURCE_CHARACTER },
	{ "a@example.com/👩\u200d💻", LN_JID_RESOURCE_CHARACTER },
	/* directions */
	{ "aא@example.com", LN_JID_LOCAL_BIDI },
	{ "אa@example.com", LN_JID_LOCAL_BIDI },
	{ "אa1@example.com", LN_JID_LOCAL_BIDI },
	{ "1א@example.com", LN_JID_LOCAL_BIDI },
	{ "א1٠@example.com", LN_JID_LOCAL_BIDI },
	{ "א.@example.com", LN_JID_LOCAL_BIDI },
	/* UTF-8 */
	{ "\xff@example.com", LN_JID_NOT_UTF8 },
	{ "a@example.com/\xc3", LN_JID_NOT_UTF8 },
	{ "a@example.com/\xed\xa0\x80", LN_JID_NOT_UTF8 },
	{ "a@example.com/\xc0\x80", LN_JID_NOT_UTF8 },
	{ "\xff.com", LN_JID_DOMAIN_INVALID },
	/* domains */
	{ "a..b", LN_JID_DOMAIN_INVALID },
	{ "example.com..", LN_JID_DOMAIN_INVALID },
	{ ".example.com", LN_JID_DOMAIN_INVALID },
	{ "-a.com", LN_JID_DOMAIN_INVALID },
	{ "a-.com", LN_JID_DOMAIN_INVALID },
	{ "ab--c.com", LN_JID_DOMAIN_INVALID },
	{ "a_b.com", LN_JID_DOMAIN_INVALID },
	{ "a b.com", LN_JID_DOMAIN_INVALID },
	{ "exa mple", LN_JID_DOMAIN_INVALID },
	{ "♚.com", LN_JID_DOMAIN_INVALID },
	{ "xn--a.com", LN_JID_DOMAIN_INVALID },
	{ "xn--.com", LN_JID_DOMAIN_INVALID },
	{ "1.אa", LN_JID_DOMAIN_INVALID },
	{ "[::1", LN_JID_DOMAIN_INVALID },
	{ "[]", LN_JID_DOMAIN_INVALID },
	{ "[::g]", LN_JID_DOMAIN_INVALID },
	{ "[192.0.2.1]", LN_JID_DOMAIN_INVALID },
	{ "::1", LN_JID_DOMAIN_INVALID },
	{ "example.com:5222", LN_JID_DOMAIN_INVALID },
};

START_TEST(invalid_addresses_say_why)
{
	enum ln_jid_error error = error_of(invalid[_i].text);

	ck_assert_msg(error == invalid[_i].error, "%s: %s, not %s", invalid[_i].text,
	    ln_jid_reason(error), ln_jid_reason(invalid[_i].error));
}
END_TEST

START_TEST(a_zero_byte_is_never_part_of_an_address)
{
	struct ln_jid jid;

	ck_assert_int_eq(ln_jid_parse(arena, "a\0b@c", 5, &jid), LN_JID_LOCAL_CHARACTER);
	ck_assert_int_eq(ln_jid_parse(arena, "a@c\0d", 5, &jid), LN_JID_DOMAIN_INVALID);
	ck_assert_int_eq(ln_jid_parse(arena, "a@c/\0", 5, &jid), LN_JID_RESOURCE_CHARACTER);
	ck_assert_int_eq(ln_jid_parse(arena, "é\0@c", 5, &jid), LN_JID_LOCAL_CHARACTER);
	ck_assert_int_eq(ln_jid_parse(arena, "a@c/é\0", 7, &jid), LN_JID_RESOURCE_CHARACTER);
	ck_assert_int_eq(ln_jid_parse(arena, "[::1\0]", 6, &jid), LN_JID_DOMAIN_INVALID);
}
END_TEST

/* --- limits ------------------------------------------------------------------ */

/* `count` times `unit`, with something before and behind. */
static const char *
stretched(const char *head, const char *unit, size_t count, const char *tail)
{
	size_t len = strlen(unit);
	char *text = arena_alloc(arena, strlen(head) + len * count + strlen(tail) + 1);
	char *at = stpcpy(text, head);

	for (; count > 0; count--)
		at = stpcpy(at, unit);
	memcpy(at, tail, strlen(tail) + 1);
	return text;
}

START_TEST(parts_hold_1023_bytes_after_preparation)
{
	struct ln_jid jid = parsed(stretched("", "a", 1023, "@example.com"));

	ck_assert_uint_eq(jid.local_len, 1023);
	ck_assert_int_eq(error_of(stretched("", "a", 1024, "@example.com")), LN_JID_LOCAL_LONG);
	ck_assert_int_eq(error_of(stretched("", "a", 9999, "@example.com")), LN_JID_LOCAL_LONG);
	ck_assert_uint_eq(parsed(stretched("", "ａ", 1023, "@example.com")).local_len, 1023);
	ck_assert_int_eq(error_of(stretched("", "ａ", 1024, "@example.com")), LN_JID_LOCAL_LONG);
	ck_assert_int_eq(error_of(stretched("é", "e", 1022, "@example.com")), LN_JID_LOCAL_LONG);
	ck_assert_uint_eq(parsed(stretched("a@b/", "é", 511, "")).resource_len, 1022);
	ck_assert_int_eq(error_of(stretched("a@b/", "é", 512, "")), LN_JID_RESOURCE_LONG);
	ck_assert_uint_eq(parsed(stretched("a@b/", "x", 1023, "")).resource_len, 1023);
	ck_assert_int_eq(error_of(stretched("a@b/", "x", 1024, "")), LN_JID_RESOURCE_LONG);
}
END_TEST

START_TEST(labels_hold_63_bytes_as_dns_writes_them)
{
	ck_assert_uint_eq(parsed(stretched("", "a", 63, ".example")).domain_len, 71);
	ck_assert_int_eq(error_of(stretched("", "a", 64, ".example")), LN_JID_DOMAIN_LONG);
	ck_assert_int_eq(error_of(stretched("", "ü", 60, ".example")), LN_JID_DOMAIN_LONG);
	ck_assert_uint_eq(parsed(stretched("", "a.", 511, "b")).domain_len, 1023);
	ck_assert_int_eq(error_of(stretched("", "a.", 512, "b")), LN_JID_DOMAIN_LONG);
	ck_assert_int_eq(error_of(stretched("", "ü.", 400, "b")), LN_JID_DOMAIN_LONG);
}
END_TEST

/* --- values -------------------------------------------------------------------- */

START_TEST(parts_are_found)
{
	struct ln_jid jid = parsed("juliet@example.com/balcony"), host = parsed("example.com");

	ck_assert(ln_jid_has_local(&jid) && !ln_jid_is_bare(&jid));
	ck_assert(memcmp(ln_jid_local(&jid), "juliet", jid.local_len) == 0);
	ck_assert(memcmp(ln_jid_domain(&jid), "example.com", jid.domain_len) == 0);
	ck_assert_str_eq(ln_jid_resource(&jid), "balcony");
	ck_assert(ln_jid_in_domain(&jid, "example.com") && !ln_jid_in_domain(&jid, "example.co"));
	ck_assert(!ln_jid_has_local(&host) && ln_jid_is_bare(&host));
	ck_assert_str_eq(ln_jid_resource(&host), "");
	ck_assert(ln_jid_same_domain(&jid, &host));
}
END_TEST

START_TEST(bare_and_host_and_resource_are_made)
{
	struct ln_jid jid = parsed("juliet@example.com/balcony"), bare, host, other;

	bare = ln_jid_bare(arena, &jid);
	ck_assert_str_eq(bare.full, "juliet@example.com");
	ck_assert_uint_eq(bare.hash, jid.hash);
	ck_assert_uint_eq(bare.hash, hash_bytes(bare.full, strlen(bare.full)));
	ck_assert(ln_jid_same_bare(&bare, &jid) && !ln_jid_same(&bare, &jid));
	ck_assert_ptr_eq(ln_jid_bare(arena, &bare).full, bare.full);

	host = ln_jid_host(arena, &jid);
	other = parsed("example.com");
	ck_assert(ln_jid_same(&host, &other));
	other = parsed("example.com/x");
	other = ln_jid_host(arena, &other);
	ck_assert(ln_jid_same(&host, &other));

	ck_assert_int_eq(ln_jid_with_resource(arena, &jid, "e\u0301", 3, &other), LN_JID_OK);
	ck_assert_str_eq(other.full, "juliet@example.com/é");
	ck_assert(ln_jid_same_bare(&jid, &other));
	ck_assert_int_eq(ln_jid_with_resource(arena, &jid, "", 0, &other), LN_JID_RESOURCE_EMPTY);
}
END_TEST

START_TEST(made_of_parts)
{
	struct ln_jid jid;

	ck_assert_int_eq(ln_jid_make(arena, "Juliet", "Example.com", "R", &jid), LN_JID_OK);
	ck_assert_str_eq(jid.full, "juliet@example.com/R");
	ck_assert_int_eq(ln_jid_make(arena, NULL, "example.com", NULL, &jid), LN_JID_OK);
	ck_assert_str_eq(jid.full, "example.com");
	ck_assert_int_eq(ln_jid_make(arena, "a/b", "c", NULL, &jid), LN_JID_LOCAL_CHARACTER);
	ck_assert_int_eq(ln_jid_make(arena, "", "c", NULL, &jid), LN_JID_LOCAL_EMPTY);
	ck_assert_int_eq(ln_jid_make(arena, "a", "b/c", NULL, &jid), LN_JID_DOMAIN_INVALID);
}
END_TEST

START_TEST(copies_outlive_the_arena)
{
	struct ln_jid jid = parsed("juliet@example.com/balcony"), copy, clone;
	struct arena *other = arena_new(64);

	clone = ln_jid_clone(other, &jid);
	ck_assert(clone.full != jid.full && ln_jid_same(&jid, &clone));
	ln_jid_copy(&copy, &clone);
	arena_free(&other);
	ck_assert(ln_jid_same(&jid, &copy));
	ln_jid_free(&copy);
	ck_assert_ptr_null(copy.full);
}
END_TEST

START_TEST(parts_alone_are_prepared)
{
	const char *text;

	ck_assert_int_eq(ln_jid_prepare_local(arena, "ANNA", 4, &text), LN_JID_OK);
	ck_assert_str_eq(text, "anna");
	ck_assert_int_eq(ln_jid_prepare_local(arena, "an@a", 4, &text), LN_JID_LOCAL_CHARACTER);
	ck_assert_int_eq(ln_jid_prepare_domain(arena, "EX.org.", 7, &text), LN_JID_OK);
	ck_assert_str_eq(text, "ex.org");
}
END_TEST

static const struct row passwords[] = {
	/* RFC 8265 §4.3, table 4 */
	{ "correct horse battery staple", "correct horse battery staple" },
	{ "Correct Horse Battery Staple", "Correct Horse Battery Staple" },
	{ "πß\u00e5", "πß\u00e5" },
	{ "Jack of ♦s", "Jack of ♦s" },
	{ "foo\u1680bar", "foo bar" },
	{ "", NULL },
	{ "my cat is a \x09by", NULL },
	{ " spaced ", " spaced " },
};

START_TEST(passwords_are_opaque_strings)
{
	const struct row *row = &passwords[_i];
	const char *password;
	bool ok = ln_password_prepare(arena, row->text, strlen(row->text), &password);

	ck_assert_int_eq(ok, row->normal != NULL);
	if (ok)
		ck_assert_str_eq(password, row->normal);
}
END_TEST

/* --- the short way and the long way ------------------------------------------ */

static unsigned seed;

static size_t
random_text(char *text, size_t room, const char *alphabet)
{
	size_t len = 1 + (size_t)rand_r(&seed) % (room - 1), count = strlen(alphabet);

	for (size_t i = 0; i < len; i++)
		text[i] = alphabet != NULL && count > 0 ? alphabet[(size_t)rand_r(&seed) % count]
							: (char)(rand_r(&seed) & 0x7f);
	return len;
}

START_TEST(ascii_localparts_agree_with_the_profile)
{
	char text[24], out[PRECIS_OUT_MAX + 1];
	const char *local;
	size_t out_len;

	seed = (unsigned)_i + 1;
	for (int i = 0; i < 2000; i++) {
		size_t len = random_text(text, i % 2 != 0 ? 3 : sizeof text, "");
		enum ln_jid_error error = ln_jid_prepare_local(arena, text, len, &local);
		enum precis_result result = precis_username(text, len, out, &out_len);

		if (result == PRECIS_OK && strpbrk(out, "\"&'/:<>@") != NULL)
			result = PRECIS_CHARACTER;
		ck_assert_msg((error == LN_JID_OK) == (result == PRECIS_OK), "%.*s", (int)len,
		    text);
		if (error == LN_JID_OK)
			ck_assert_str_eq(local, out);
	}
}
END_TEST

START_TEST(ascii_resources_agree_with_the_profile)
{
	char text[24], out[PRECIS_OUT_MAX + 1];
	const char *password;
	size_t out_len;

	seed = (unsigned)_i + 1;
	for (int i = 0; i < 2000; i++) {
		size_t len = random_text(text, i % 2 != 0 ? 3 : sizeof text, "");
		bool ok = ln_password_prepare(arena, text, len, &password);

		ck_assert_int_eq(ok, precis_opaque(text, len, out, &out_len) == PRECIS_OK);
		if (ok)
			ck_assert_str_eq(password, out);
	}
}
END_TEST

START_TEST(ascii_domains_agree_with_uts46)
{
	char text[24], one[IDNA_OUT_MAX + 1], other[IDNA_OUT_MAX + 1];
	size_t one_len, other_len;

	seed = (unsigned)_i + 1;
	for (int i = 0; i < 4000; i++) {
		size_t len = random_text(text, sizeof text, i % 2 != 0 ? "aB1-." : "xn-.-3A_");
		enum idna_result a = idna_domain(text, len, one, &one_len);
		enum idna_result b = idna_domain_unicode(text, len, other, &other_len);

		ck_assert_msg((a == IDNA_OK) == (b == IDNA_OK), "%.*s: %d %d", (int)len, text, a,
		    b);
		if (a == IDNA_OK)
			ck_assert_str_eq(one, other);
	}
}
END_TEST

static void
put_utf8(char utf8[5], unsigned c)
{
	if (c < 0x800) {
		*utf8++ = (char)(0xc0 | c >> 6);
	} else if (c < 0x10000) {
		*utf8++ = (char)(0xe0 | c >> 12);
		*utf8++ = (char)(0x80 | (c >> 6 & 0x3f));
	} else {
		*utf8++ = (char)(0xf0 | c >> 18);
		*utf8++ = (char)(0x80 | (c >> 12 & 0x3f));
		*utf8++ = (char)(0x80 | (c >> 6 & 0x3f));
	}
	*utf8++ = (char)(0x80 | (c & 0x3f));
	*utf8 = '\0';
}

/* What comes out as an address goes in again unchanged. */
static void
check_stable(const char *head, const char *middle, const char *tail)
{
	struct arena *a = arena_new(256);
	const char *text = arena_printf(a, "%s%s%s", head, middle, tail);
	struct ln_jid jid, again;

	if (ln_jid_parse(a, text, strlen(text), &jid) == LN_JID_OK) {
		ck_assert_msg(ln_jid_parse(a, jid.full, ln_jid_len(&jid), &again) == LN_JID_OK,
		    "%s", text);
		ck_assert_msg(ln_jid_same(&jid, &again), "%s", text);
	}
	arena_free(&a);
}

START_TEST(every_code_point_is_stable)
{
	char utf8[5];

	for (unsigned c = 0x80; c < 0x20000; c++) {
		if (c >= 0xd800 && c < 0xe000)
			continue;
		put_utf8(utf8, c);
		check_stable("", utf8, "@example.com");
		check_stable("a", utf8, "b@example.com");
		check_stable("a@example.com/", utf8, "");
		check_stable("", utf8, ".example");
	}
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

Suite *
suite(void)
{
	Suite *s = suite_create("jid");
	TCase *t = tcase_create("addresses");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, valid_addresses_become_normal, 0, COUNT(valid));
	tcase_add_loop_test(t, invalid_addresses_say_why, 0, COUNT(invalid));
	tcase_add_test(t, a_zero_byte_is_never_part_of_an_address);
	tcase_add_test(t, parts_hold_1023_bytes_after_preparation);
	tcase_add_test(t, labels_hold_63_bytes_as_dns_writes_them);
	tcase_add_test(t, parts_are_found);
	tcase_add_test(t, bare_and_host_and_resource_are_made);
	tcase_add_test(t, made_of_parts);
	tcase_add_test(t, copies_outlive_the_arena);
	tcase_add_test(t, parts_alone_are_prepared);
	tcase_add_loop_test(t, passwords_are_opaque_strings, 0, COUNT(passwords));
	tcase_add_loop_test(t, ascii_localparts_agree_with_the_profile, 0, 4);
	tcase_add_loop_test(t, ascii_resources_agree_with_the_profile, 0, 4);
	tcase_add_loop_test(t, ascii_domains_agree_with_uts46, 0, 4);
	tcase_add_test(t, every_code_point_is_stable);
	suite_add_tcase(s, t);
	return s;
}
