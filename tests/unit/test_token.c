/*
 * Answers that come later: when they come too late, and before login.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lnt.h"

Suite *suite(void);

#define NS_TEST "urn:example:test"
#define KEEP "<iq type='get' id='k' to='" LNT_HOST "'><keep xmlns='" NS_TEST "'/></iq>"
#define TELL "<iq type='get' id='t' to='" LNT_HOST "'><tell xmlns='" NS_TEST "'/></iq>"

static struct ln_token *kept;

static enum ln_verdict
keep(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	return ln_later(ev, mod, &kept);
}

/* Answers what was kept, then itself. */
static enum ln_verdict
tell(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	(void)mod;
	ck_assert_str_eq(ln_id(ln_token_request(kept)), "k");
	ln_token_answer(&kept, ln_iq_result(ln_token_request(kept)));
	return ln_answer(ev, ln_iq_result(ev->stanza));
}

/* Whoever asks before login has no address, and is asked back nothing. */
static enum ln_verdict
early(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	(void)mod;
	ck_assert_ptr_null(ln_from(ev->stanza));
	ck_assert_ptr_null(ev->session);
	ck_assert_str_eq(ev->early->address, "192.0.2.1");
	return ln_refuse(ev->stanza, LN_ERR_FORBIDDEN, "not %s", "you");
}

static const struct ln_iq_handler rows[] = { { LN_IQ_GET, LN_TO_HOST, NS_TEST, "keep", keep,
						 false },
	{ LN_IQ_GET, LN_TO_HOST, NS_TEST, "tell", tell, false },
	{ LN_IQ_GET, LN_BEFORE_LOGIN, NS_TEST, "early", early, false }, LN_IQ_END };
LN_MODULE(tester, .summary = "Answers later", .iq_handlers = rows);
const struct ln_module *const lnt_modules[] = { &ln_module_tester, NULL };

static struct lnt *t;

static void
start(void)
{
	t = lnt_new("tester: {}");
}

static void
stop(void)
{
	lnt_free(&t);
}

START_TEST(later)
{
	lnt_send(t, LNT_ROMEO, KEEP);
	lnt_expect_nothing(t, LNT_ROMEO);
	lnt_send(t, LNT_JULIET, TELL);
	lnt_expect_result(t, LNT_ROMEO, "k");
	lnt_expect_result(t, LNT_JULIET, "t");
}
END_TEST

/* The module was off for a moment, so the request was answered in its place. */
START_TEST(too_late)
{
	lnt_send(t, LNT_ROMEO, KEEP);
	lnt_reload(t, "");
	lnt_expect_error(t, LNT_ROMEO, "cancel", "internal-server-error");
	lnt_reload(t, "tester: {}");
	lnt_send(t, LNT_JULIET, TELL);
	lnt_expect_result(t, LNT_JULIET, "t");
	lnt_expect_nothing(t, LNT_ROMEO);
	lnt_expect_metric(t, "linnet_iq_late_total", 1);
}
END_TEST

START_TEST(refused_before_login)
{
	const struct ln_elem *answer =
	    lnt_ask_before_login(t, "<iq type='get' id='e'><early xmlns='" NS_TEST "'/></iq>");

	ck_assert_str_eq(ln_elem_attr(answer, "id"), "e");
	ck_assert_ptr_nonnull(
	    ln_elem_child(ln_elem_child(answer, "error", NULL), "forbidden", NULL));
	ck_assert_ptr_null(lnt_ask_before_login(t, TELL));
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("token");
	TCase *tc = tcase_create("token");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, later);
	tcase_add_test(tc, too_late);
	tcase_add_test(tc, refused_before_login);
	suite_add_tcase(s, tc);
	return s;
}
