/*
 * Commands about users, at their homes: who is active or idle, by a clock that is
 * turned; who is disabled.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "linnet/command.h"
#include "lnt.h"
#include "net/worker.h"
#include "server/command.h"
#include "server/commands.h"
#include "server/ctl.h"

Suite *suite(void);

const struct ln_module *const lnt_modules[] = { NULL };

#define CHAMBER "juliet@example.org/chamber"
#define MINUTE 60000

static struct lnt *t;
static char answer[1000];
static bool answered;

static void
start(void)
{
	commands_add(user_commands);
	commands_add(show_commands);
	t = lnt_new("");
	lnt_login(t, LNT_JULIET);
	lnt_login(t, CHAMBER);
	lnt_login(t, LNT_ROMEO);
}

static void
stop(void)
{
	lnt_free(&t);
}

static void
done(struct ln_call *call, const struct ln_result *result, void *arg)
{
	struct buf out = BUF_INIT;

	(void)call;
	(void)arg;
	answered = true;
	if (result->failure != NULL)
		snprintf(answer, sizeof answer, "%s", result->failure);
	else
		for (size_t i = 0; i < result->cell_count; i++) {
			cell_add(&out, &result->cells[i]);
			buf_add_char(&out, ' ');
		}
	if (out.len > 0)
		snprintf(answer, sizeof answer, "%s", out.data);
	buf_free(&out);
}

/* What the command answers: its cells, or why it failed; "" where it says nothing. */
static const char *
run(const char *name, const char *arg, const char *value)
{
	struct worker *before = worker_enter(worker_main());
	struct ln_call *call = ln_call_new(ln_command_find(name), done, NULL);

	answer[0] = '\0';
	answered = false;
	ln_call_give(call, arg, value, strlen(value));
	ln_call_start(call);
	worker_enter(before);
	/* The store's threads may take a moment. */
	for (int i = 0; !answered && i < 3000; i++) {
		lnt_advance(t, 0);
		usleep(1000);
	}
	ck_assert(answered);
	return answer;
}

START_TEST(who_has_just_come_is_active)
{
	ck_assert_str_eq(run("session count", "active", ""), "2 ");
	ck_assert_str_eq(run("session count", "idle", ""), "0 ");
	ck_assert_str_eq(run("session count", "host", LNT_HOST), "2 ");
}
END_TEST

START_TEST(who_does_nothing_is_idle_after_ten_minutes)
{
	lnt_advance(t, 9 * MINUTE);
	ck_assert_str_eq(run("session count", "active", ""), "2 ");
	lnt_advance(t, MINUTE);
	ck_assert_str_eq(run("session count", "active", ""), "0 ");
	ck_assert_str_eq(run("session count", "idle", ""), "2 ");
}
END_TEST

START_TEST(one_session_makes_its_user_active)
{
	lnt_advance(t, 10 * MINUTE);
	lnt_send(t, CHAMBER, LNT_CHAT(LNT_ROMEO, "Romeo!"));
	ck_assert_str_eq(run("session count", "active", ""), "1 ");
	ck_assert_ptr_nonnull(strstr(run("session users", "active", ""), "juliet@example.org 2 "));
	ck_assert_ptr_nonnull(strstr(run("session users", "idle", ""), "romeo@example.org 1 "));
}
END_TEST

START_TEST(what_a_client_asks_by_itself_does_not_count)
{
	lnt_advance(t, 10 * MINUTE);
	lnt_send(t, LNT_ROMEO, "<iq type='get' id='q'><query xmlns='jabber:iq:roster'/></iq>");
	ck_assert_str_eq(run("session count", "active", ""), "0 ");
	lnt_send(t, LNT_ROMEO, "<presence/>");
	ck_assert_str_eq(run("session count", "active", ""), "1 ");
}
END_TEST

START_TEST(a_disabled_account_has_no_sessions)
{
	ck_assert_str_eq(run("user disable", "jid", "juliet@example.org"), "");
	lnt_expect_closed(t, LNT_JULIET, "not-authorized");
	lnt_expect_closed(t, CHAMBER, "not-authorized");
	ck_assert_str_eq(run("session count", "host", LNT_HOST), "1 ");
	ck_assert_str_eq(run("user count", "disabled", ""), "1 ");
	ck_assert_str_eq(run("user enable", "jid", "juliet@example.org"), "");
	ck_assert_str_eq(run("user count", "disabled", ""), "0 ");
	lnt_login(t, "juliet@example.org/again");
}
END_TEST

START_TEST(nobody_is_not_disabled)
{
	ck_assert_str_eq(run("user disable", "jid", "nobody@example.org"),
	    "there is no account nobody@example.org");
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("users");
	TCase *tc = tcase_create("users");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, who_has_just_come_is_active);
	tcase_add_test(tc, who_does_nothing_is_idle_after_ten_minutes);
	tcase_add_test(tc, one_session_makes_its_user_active);
	tcase_add_test(tc, what_a_client_asks_by_itself_does_not_count);
	tcase_add_test(tc, a_disabled_account_has_no_sessions);
	tcase_add_test(tc, nobody_is_not_disabled);
	suite_add_tcase(s, tc);
	return s;
}
