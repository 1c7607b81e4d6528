/*
 * user roster, stats, count; session count, users: what there is, for administrators.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "core/entity.h"
#include "core/host.h"
#include "core/work.h"
#include "im/account.h"
#include "im/roster.h"
#include "im/session.h"
#include "linnet/command.h"
#include "net/worker.h"
#include "server/commands.h"
#include "store/entity.h"

/* A user is idle when no session of his has sent a message or presence for so long: what clients
 * ask and acknowledge by themselves does not count. */
#define IDLE_MS (10 * 60 * 1000)

/* --- one account --------------------------------------------------------------------------------- */

static const char *
subscription_of(const struct ln_roster_item *item)
{
	if (ln_roster_to(item))
		return ln_roster_from(item) ? "both" : "to";
	return ln_roster_from(item) ? "from" : "none";
}

/* A contact that is in several groups has a row for each. */
static void
add_contact(struct ln_call *call, const struct ln_roster_item *item, const char *group)
{
	ln_call_cell(call, item->jid.full);
	ln_call_cell(call, item->name);
	ln_call_cell(call, subscription_of(item));
	ln_call_cell(call, group);
}

static void
user_roster(const struct ln_mod *mod, struct ln_call *call)
{
	const struct ln_roster_item *item = ln_roster_first(ln_call_account(call));

	(void)mod;
	ln_call_columns(call, "jid", "name", "subscription", "group", NULL);
	for (; item != NULL; item = ln_roster_next(item)) {
		const char *group = item->groups;

		if (!(item->state & ROSTER_SHOWN))
			continue;
		if (group == NULL || group[0] == '\0')
			add_contact(call, item, NULL);
		for (; group != NULL && group[0] != '\0'; group += strlen(group) + 1)
			add_contact(call, item, group);
	}
}

static void
add_fact(struct ln_call *call, const char *name, const char *value)
{
	ln_call_cell(call, name);
	ln_call_cell(call, value);
}

static void
add_count(struct ln_call *call, const char *name, int64_t count)
{
	ln_call_cell(call, name);
	ln_call_cell_number(call, count);
}

/* The names are those of XEP-0133 §4.12 as far as it has them. */
static void
user_stats(const struct ln_mod *mod, struct ln_call *call)
{
	const struct ln_account *account = ln_call_account(call);
	const struct ln_roster_item *item = ln_roster_first(account);
	const struct ln_session *session;
	int64_t contacts = 0;

	(void)mod;
	ln_call_columns(call, "name", "value", NULL);
	TAILQ_FOREACH(session, &account->sessions, link)
		add_fact(call, "ipaddresses", session->address);
	for (; item != NULL; item = ln_roster_next(item))
		contacts += (item->state & ROSTER_SHOWN) != 0;
	add_count(call, "rostersize", contacts);
	TAILQ_FOREACH(session, &account->sessions, link)
		add_fact(call, "onlineresources", ln_jid_resource(&session->jid));
	add_count(call, "storedmessages", ln_account_stored(account));
}

/* --- how many --------------------------------------------------------------------------------------- */

static void
counted(struct store_job *job, void *arg)
{
	const struct store_row *row = store_rows(job, 0);
	struct ln_call *call = arg;

	if (store_job_outcome(job) == STORE_OK && row != NULL)
		ln_call_cell_number(call, row->cell[0].integer);
	else
		ln_call_fail(call, "%s", store_job_error(job));
	ln_call_done(call);
}

static void
user_count(const struct ln_mod *mod, struct ln_call *call)
{
	struct store_job *job = store_job_new(work_store(), "user count");

	(void)mod;
	ln_call_columns(call, "users", NULL);
	if (ln_call_given(call, 1))
		store_disabled_count(job, ln_call_text(call, 0));
	else
		store_entity_count(job, STORE_ACCOUNT, ln_call_text(call, 0));
	ln_call_later(call);
	store_read(job, 0, counted, call);
}

/* --- who is there: online, which is active or idle (XEP-0133 §4.15 to §4.17) ----------------------- */

/* How long the user has done nothing that others see, in any of his sessions. */
static int64_t
idle_ms(struct ln_account *account)
{
	const struct ln_session *session;
	int64_t last = 0;

	TAILQ_FOREACH(session, &account->sessions, link)
		if (session->active > last)
			last = session->active;
	return worker_now_ms() - last;
}

/* An account that is logged in, of the kind that the call asks for; else NULL. */
static struct ln_account *
wanted(struct entity *entity, const struct ln_call *call)
{
	bool active = ln_call_given(call, 1), idle = ln_call_given(call, 2);
	struct ln_account *account;

	if (entity->ops != &account_ops || TAILQ_EMPTY(&account_of(entity)->sessions))
		return NULL;
	if (ln_call_given(call, 0) && !ln_jid_in_domain(&entity->jid, ln_call_text(call, 0)))
		return NULL;
	account = account_of(entity);
	if (active != idle && idle != (idle_ms(account) >= IDLE_MS))
		return NULL;
	return account;
}

static void
list_user(struct entity *entity, void *arg)
{
	struct ln_call *call = arg;
	struct ln_account *account = wanted(entity, call);

	if (account == NULL)
		return;
	ln_call_cell(call, entity->jid.full);
	ln_call_cell_number(call, account->session_count);
	ln_call_cell_duration(call, idle_ms(account));
}

static void
session_users(const struct ln_mod *mod, struct ln_call *call)
{
	(void)mod;
	ln_call_columns(call, "jid", "sessions", "idle", NULL);
	entity_each(list_user, call);
}

static void
count_user(struct entity *entity, void *arg)
{
	struct ln_call *call = arg;

	if (wanted(entity, call) != NULL)
		ln_call_sum(call, 1);
}

static void
session_count(const struct ln_mod *mod, struct ln_call *call)
{
	(void)mod;
	ln_call_columns(call, "users", NULL);
	ln_call_sum(call, 0);
	entity_each(count_user, call);
}

/* --- rows -------------------------------------------------------------------------------------------- */

static const struct ln_arg roster_arg[] = {
	{ LN_ARG_ACCOUNT, "jid", "Whose.", 0, NULL, "accountjids" }, LN_ARG_ROWS_END
};
static const struct ln_arg stats_arg[] = {
	{ LN_ARG_ACCOUNT, "jid", "Whose.", 0, NULL, "accountjid" }, LN_ARG_ROWS_END
};
static const struct ln_arg count_args[] = { { LN_ARG_HOST, "host", "At this host alone.",
						LN_ARG_OPTIONAL },
	{ LN_ARG_FLAG, "disabled", "Those that are disabled alone.", LN_ARG_UNASKED },
	LN_ARG_ROWS_END };
static const struct ln_arg online_args[] = { { LN_ARG_HOST, "host", "At this host alone.",
						 LN_ARG_OPTIONAL },
	{ LN_ARG_FLAG, "active", "Those alone who sent something lately.", LN_ARG_UNASKED },
	{ LN_ARG_FLAG, "idle", "Those alone who have not, for ten minutes.", LN_ARG_UNASKED },
	LN_ARG_ROWS_END };

#define ADMIN_NODE "http://jabber.org/protocol/admin#"

const struct ln_command show_commands[] = {
	{ .name = "user roster",
	    .help = "Show an account's contacts.",
	    .role = LN_ROLE_ADMIN,
	    .home = LN_HOME_ACCOUNT,
	    .args = roster_arg,
	    .run = user_roster,
	    .node = ADMIN_NODE "get-user-roster",
	    .result_as = LN_RESULT_ROSTER },
	{ .name = "user stats",
	    .help = "Show figures of an account.",
	    .role = LN_ROLE_ADMIN,
	    .home = LN_HOME_ACCOUNT,
	    .args = stats_arg,
	    .run = user_stats,
	    .node = ADMIN_NODE "user-stats",
	    .result_as = LN_RESULT_FACTS },
	{ .name = "user count",
	    .help = "Count accounts.",
	    .role = LN_ROLE_ADMIN,
	    .home = LN_HOME_MAIN,
	    .args = count_args,
	    .run = user_count,
	    .node = ADMIN_NODE "get-registered-users-num",
	    .result_var = "registeredusersnum" },
	{ .name = "user count",
	    .help = "Count disabled accounts.",
	    .role = LN_ROLE_ADMIN,
	    .home = LN_HOME_MAIN,
	    .args = count_args,
	    .run = user_count,
	    .node = ADMIN_NODE "get-disabled-users-num",
	    .result_var = "disabledusersnum",
	    .preset = "disabled" },
	{ .name = "session count",
	    .help = "Count accounts that are logged in.",
	    .role = LN_ROLE_ADMIN,
	    .home = LN_HOME_EACH,
	    .args = online_args,
	    .run = session_count,
	    .node = ADMIN_NODE "get-online-users-num",
	    .result_var = "onlineusersnum" },
	{ .name = "session count",
	    .help = "Count users who are active.",
	    .role = LN_ROLE_ADMIN,
	    .home = LN_HOME_EACH,
	    .args = online_args,
	    .run = session_count,
	    .node = ADMIN_NODE "get-active-users-num",
	    .result_var = "activeusersnum",
	    .preset = "active" },
	{ .name = "session count",
	    .help = "Count users who are idle.",
	    .role = LN_ROLE_ADMIN,
	    .home = LN_HOME_EACH,
	    .args = online_args,
	    .run = session_count,
	    .node = ADMIN_NODE "get-idle-users-num",
	    .result_var = "idleusersnum",
	    .preset = "idle" },
	{ .name = "session users",
	    .help = "List accounts that are logged in.",
	    .role = LN_ROLE_ADMIN,
	    .home = LN_HOME_EACH,
	    .args = online_args,
	    .run = session_users },
	{ .name = "session users",
	    .help = "List users who are active.",
	    .role = LN_ROLE_ADMIN,
	    .home = LN_HOME_EACH,
	    .args = online_args,
	    .run = session_users,
	    .node = ADMIN_NODE "get-active-users",
	    .result_var = "activeuserjids",
	    .preset = "active" },
	/* The XEP has no field for those who are idle: its example takes that of the active. */
	{ .name = "session users",
	    .help = "List users who are idle.",
	    .role = LN_ROLE_ADMIN,
	    .home = LN_HOME_EACH,
	    .args = online_args,
	    .run = session_users,
	    .node = ADMIN_NODE "get-idle-users",
	    .result_var = "activeuserjids",
	    .preset = "idle" },
	LN_COMMAND_END,
};
