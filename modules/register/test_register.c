/*
 * Registration (XEP-0077): the hooks that it fires, names that stay reserved,
 * limits by the clock. The dialogues are in tests/functional/m30_register.py.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lnt.h"

Suite *suite(void);

/* Counts what happens to accounts. */
enum { CREATED, CHANGED, DELETED };
static const struct ln_metric witness_metrics[] = { [CREATED] = { "created_total", "Seen." },
	[CHANGED] = { "changed_total", "Seen." },
	[DELETED] = { "deleted_total", "Seen." },
	LN_METRIC_END };

static void
saw_created(const struct ln_mod *mod, struct ln_ev_account_created *ev)
{
	ck_assert_ptr_nonnull(ev->account);
	ln_count(mod, CREATED);
}

static void
saw_changed(const struct ln_mod *mod, struct ln_ev_password_changed *ev)
{
	ck_assert_ptr_nonnull(ev->account);
	ln_count(mod, CHANGED);
}

static void
saw_deleted(const struct ln_mod *mod, struct ln_ev_account_deleted *ev)
{
	ck_assert_ptr_nonnull(ev->account);
	ln_count(mod, DELETED);
}

static const struct ln_hook witness_hooks[] = { LN_ON(account_created, 0, saw_created),
	LN_ON(password_changed, 0, saw_changed), LN_ON(account_deleted, 0, saw_deleted),
	LN_HOOK_END };
LN_MODULE(witness, .summary = "Counts what happens to accounts", .hooks = witness_hooks,
    .metrics = witness_metrics);

extern const struct ln_module ln_module_register;
const struct ln_module *const lnt_modules[] = { &ln_module_register, &ln_module_witness, NULL };

#define NS "jabber:iq:register"
#define SET(inner) "<iq type='set' id='r'><query xmlns='" NS "'>" inner "</query></iq>"
#define NEW(name) SET("<username>" name "</username><password>secret</password>")
#define REMOVE SET("<remove/>")
#define DAY ((int64_t)86400000)

static struct lnt *t;

static void
start(void)
{
	t = lnt_new("register: {allow: on, per-address: 3/1h}, witness: {}");
}

static void
stop(void)
{
	lnt_free(&t);
}

/* The condition of the error that answers, or "result". */
static const char *
ask(const char *xml)
{
	const struct ln_elem *answer = lnt_ask_before_login(t, xml);
	const struct ln_elem *error;

	ck_assert_ptr_nonnull(answer);
	ck_assert_str_eq(ln_elem_attr(answer, "id"), "r");
	error = ln_elem_child(answer, "error", NULL);
	return error != NULL ? ln_elem_name(ln_elem_first(error)) : ln_elem_attr(answer, "type");
}

START_TEST(hooks_are_fired)
{
	ck_assert_str_eq(ask(NEW("romeo")), "result");
	lnt_expect_metric(t, "linnet_witness_created_total", 1);
	lnt_send(t, LNT_ROMEO, SET("<password>other</password>"));
	lnt_expect_result(t, LNT_ROMEO, "r");
	lnt_expect_nothing(t, LNT_ROMEO);
	lnt_expect_metric(t, "linnet_witness_changed_total", 1);
	lnt_send(t, LNT_ROMEO, REMOVE);
	lnt_expect_result(t, LNT_ROMEO, "r");
	lnt_expect_closed(t, LNT_ROMEO, "not-authorized");
	lnt_expect_metric(t, "linnet_witness_deleted_total", 1);
}
END_TEST

START_TEST(a_name_stays_reserved)
{
	lnt_send(t, LNT_ROMEO, REMOVE);
	lnt_expect_result(t, LNT_ROMEO, "r");
	lnt_advance(t, 29 * DAY);
	ck_assert_str_eq(ask(NEW("romeo")), "conflict");
	lnt_advance(t, 2 * DAY);
	ck_assert_str_eq(ask(NEW("romeo")), "result");
}
END_TEST

START_TEST(a_name_may_be_reserved_for_less)
{
	lnt_reload(t, "register: {allow: on, keep-names: 2d}");
	lnt_send(t, LNT_ROMEO, REMOVE);
	lnt_expect_result(t, LNT_ROMEO, "r");
	lnt_advance(t, DAY);
	ck_assert_str_eq(ask(NEW("romeo")), "conflict");
	lnt_advance(t, DAY + 1000);
	ck_assert_str_eq(ask(NEW("romeo")), "result");
}
END_TEST

START_TEST(attempts_are_counted)
{
	lnt_login(t, LNT_ROMEO);
	for (int i = 0; i < 3; i++)
		ck_assert_str_eq(ask(NEW("romeo")), "conflict");
	ck_assert_str_eq(ask(NEW("romeo")), "not-acceptable");
	ck_assert_str_eq(ask(NEW("paris")), "not-acceptable");
	lnt_advance(t, DAY);
	ck_assert_str_eq(ask(NEW("paris")), "result");
	lnt_expect_metric(t, "linnet_register_registered_total", 1);
	lnt_expect_metric(t, "linnet_register_refused_total", 5);
}
END_TEST

START_TEST(off_is_off)
{
	lnt_reload(t, "register: {}");
	ck_assert_str_eq(ask(NEW("romeo")), "service-unavailable");
	lnt_reload(t, "");
	ck_assert_ptr_null(lnt_ask_before_login(t, NEW("romeo")));
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("register");
	TCase *tc = tcase_create("register");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, hooks_are_fired);
	tcase_add_test(tc, a_name_stays_reserved);
	tcase_add_test(tc, a_name_may_be_reserved_for_less);
	tcase_add_test(tc, attempts_are_counted);
	tcase_add_test(tc, off_is_off);
	suite_add_tcase(s, tc);
	return s;
}
