/*
 * Dialback keys: the vectors of XEP-0185 and XEP-0220, and elements.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "xmpp/dialback.h"

Suite *suite(void);

static const struct {
	const char *secret;
	struct dialback_names names;
	const char *key;
} vectors[] = {
	{ "s3cr3tf0rd14lb4ck", { "xmpp.example.com", "example.org", "D60000229F" },
	    "37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643" },
	{ "s3cr3tf0rd14lb4ck", { "montague.example", "capulet.example", "417GAF25" }, NULL },
	{ "d14lb4ck43v3r", { "capulet.example", "montague.example", "417GAF25" },
	    "225cc5aa6a071133249d25fef42ae516fc7a86c523aa1c6980a7f73e784c972d" },
	{ "s3cr3tf0rd14lb4ck", { "montague.example", "capulet.example", "D60000229F" },
	    "b4835385f37fe2895af6c196b59097b16862406db80559900d96bf6fa7d23df3" },
};

START_TEST(vector)
{
	char key[DIALBACK_KEY_LEN + 1];

	dialback_key_of(vectors[_i].secret, &vectors[_i].names, key);
	ck_assert_uint_eq(strlen(key), DIALBACK_KEY_LEN);
	if (vectors[_i].key != NULL)
		ck_assert_str_eq(key, vectors[_i].key);
}
END_TEST

START_TEST(own_key_alone_is_known)
{
	const struct dialback_names names = { "a.example", "b.example", "1" };
	const struct dialback_names others[] = { { "b.example", "a.example", "1" },
		{ "a.example", "b.example", "2" }, { "a.example b.example", "1", "" } };
	char key[DIALBACK_KEY_LEN + 1], spaced[DIALBACK_KEY_LEN + 8];

	dialback_init(NULL);
	dialback_key(&names, key);
	snprintf(spaced, sizeof spaced, "\n  %s\t", key);
	ck_assert(dialback_is_key(&names, key));
	ck_assert(dialback_is_key(&names, spaced));
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		ck_assert(!dialback_is_key(&others[i], key));
	ck_assert(!dialback_is_key(&names, ""));
	ck_assert(!dialback_is_key(&names, "37c69b1c"));
	key[0] ^= 1;
	ck_assert(!dialback_is_key(&names, key));
}
END_TEST

static void
check_written(const struct dialback *dialback, const char *wanted)
{
	struct buf out = BUF_INIT;

	dialback_write(&out, dialback);
	ck_assert_str_eq(out.data, wanted);
	buf_free(&out);
}

START_TEST(elements)
{
	check_written(&(struct dialback){ .name = "result", .from = "a", .to = "b", .key = "k<" },
	    "<db:result from='a' to='b'>k&lt;</db:result>");
	check_written(&(struct dialback){ .name = "verify",
			  .from = "a",
			  .to = "b",
			  .id = "1",
			  .type = "valid" },
	    "<db:verify from='a' to='b' id='1' type='valid'></db:verify>");
	check_written(&(struct dialback){ .name = "result",
			  .from = "a",
			  .to = "b",
			  .type = "error",
			  .error = LN_ERR_ITEM_NOT_FOUND },
	    "<db:result from='a' to='b' type='error'><error type='cancel'><item-not-found "
	    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></db:result>");
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("dialback");
	TCase *tc = tcase_create("keys");

	tcase_add_loop_test(tc, vector, 0, sizeof vectors / sizeof *vectors);
	tcase_add_test(tc, own_key_alone_is_known);
	tcase_add_test(tc, elements);
	suite_add_tcase(s, tc);
	return s;
}
