/*
 * user add, import, passwd, del, disable, enable, exists, list; session list, kick.
 *
 * An import keeps a number of accounts under way at a time; each is a job of
 * its own, so one that exists is no hindrance to the others, and the writer
 * commits them together. A list of any length is read page by page.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "core/entity.h"
#include "core/host.h"
#include "core/work.h"
#include "im/account.h"
#include "im/disable.h"
#include "im/registry.h"
#include "im/session.h"
#include "linnet/command.h"
#include "linnet/credentials.h"
#include "server/commands.h"
#include "store/entity.h"

#define BATCH 64  /* accounts of an import that are under way */
#define PAGE 1000 /* names of a list that are read at once */

/* --- making accounts ------------------------------------------------------------------------- */

/* A bare JID at one of our hosts and a password; NULL, or why they are refused. */
static const char *
check_account(struct arena *arena, const char *text, size_t len, struct ln_jid *jid_r)
{
	enum ln_jid_error error = ln_jid_parse(arena, text, len, jid_r);

	if (error != LN_JID_OK)
		return ln_jid_reason(error);
	if (!ln_jid_has_local(jid_r) || !ln_jid_is_bare(jid_r) || host_of(jid_r) == NULL)
		return "not an account at one of our hosts";
	return NULL;
}

static const char *
prepare_password(struct arena *arena, const char *text, size_t len, const char **password_r)
{
	return ln_password_prepare(arena, text, len, password_r)
	    ? NULL
	    : "no password, or one with characters that none has";
}

static void
registered(void *arg, enum ln_registry_outcome outcome, const char *error)
{
	struct ln_call *call = arg;

	if (outcome == LN_REGISTRY_TAKEN)
		ln_call_refuse(call, LN_ERR_CONFLICT, "%s", error);
	else if (outcome == LN_REGISTRY_ABSENT)
		ln_call_refuse(call, LN_ERR_ITEM_NOT_FOUND, "%s", error);
	else if (outcome != LN_REGISTRY_OK)
		ln_call_fail(call, "%s", error);
	ln_call_done(call);
}

/* user add and user passwd. */
static void
with_password(struct ln_call *call, bool change)
{
	struct arena *arena = ln_call_arena(call);
	const struct ln_jid *given = ln_call_jid(call, 0);
	const char *text = ln_call_text(call, 1), *password = NULL, *why;
	struct ln_jid jid;
	bool taken;

	why = check_account(arena, given->full, ln_jid_len(given), &jid);
	if (why == NULL)
		why = prepare_password(arena, text, strlen(text), &password);
	if (why != NULL) {
		ln_call_fail(call, "%s", why);
		return;
	}
	taken = change ? registry_set_password(&jid, password, registered, call)
		       : registry_create(&jid, password, 0, registered, call);
	ln_wipe((char *)password, strlen(password));
	if (taken)
		ln_call_later(call);
	else
		ln_call_fail(call, "%s", ln_registry_reason(LN_REGISTRY_BUSY));
}

static void
user_add(const struct ln_mod *mod, struct ln_call *call)
{
	(void)mod;
	with_password(call, false);
}

static void
user_passwd(const struct ln_mod *mod, struct ln_call *call)
{
	(void)mod;
	with_password(call, true);
}

/* --- an import ---------------------------------------------------------------------------------- */

struct import {
	struct ln_call *call;
	const char *next, *end; /* of the lines that are left */
	unsigned line, made, kept, refused;
	unsigned under_way;
};

/* A line that was read, until its account is stored. */
struct import_line {
	struct import *import;
	unsigned number;
};

static void go_on(struct import *import);

static void
refuse_line(struct import *import, unsigned line, const char *why)
{
	import->refused++;
	ln_call_say(import->call, "line %u: %s", line, why);
}

static void
line_done(void *arg, enum ln_registry_outcome outcome, const char *error)
{
	struct import_line *line = arg;
	struct import *import = line->import;

	import->under_way--;
	if (outcome == LN_REGISTRY_OK)
		import->made++;
	else if (outcome == LN_REGISTRY_TAKEN)
		import->kept++; /* as it is: an import that broke off can be run again */
	else
		refuse_line(import, line->number, error);
	free(line);
	go_on(import);
}

/* The next line without its end; false: there are no more. */
static bool
next_line(struct import *import, const char **line_r, size_t *len_r)
{
	const char *line = import->next;
	const char *end = memchr(line, '\n', (size_t)(import->end - line));

	if (line == import->end)
		return false;
	import->next = end != NULL ? end + 1 : import->end;
	import->line++;
	if (end == NULL)
		end = import->end;
	if (end > line && end[-1] == '\r')
		end--;
	*line_r = line;
	*len_r = (size_t)(end - line);
	return true;
}

/* Begins to make the account of a line; NULL, or why not. */
static const char *
import_line(struct import *import, struct arena *arena, const char *text, size_t len)
{
	const char *space = memchr(text, ' ', len), *password, *why;
	struct import_line *line;
	struct ln_jid jid;
	bool taken;

	if (space == NULL)
		return "no password";
	why = check_account(arena, text, (size_t)(space - text), &jid);
	if (why == NULL)
		why =
		    prepare_password(arena, space + 1, (size_t)(text + len - space - 1), &password);
	if (why != NULL)
		return why;
	line = xcalloc(1, sizeof *line);
	line->import = import;
	line->number = import->line;
	taken = registry_create(&jid, password, 0, line_done, line);
	ln_wipe((char *)password, strlen(password));
	if (taken) {
		import->under_way++;
		return NULL;
	}
	free(line);
	return ln_registry_reason(LN_REGISTRY_BUSY);
}

static void
import_end(struct import *import)
{
	struct ln_call *call = import->call;

	ln_call_say(call, "%u accounts made, %u exist already, %u refused.", import->made,
	    import->kept, import->refused);
	if (import->refused > 0)
		ln_call_fail(call, "%u of the lines were refused", import->refused);
	free(import);
	ln_call_done(call);
}

static void
go_on(struct import *import)
{
	const char *text, *why;
	size_t len;

	while (import->under_way < BATCH && next_line(import, &text, &len)) {
		struct arena *arena;

		if (len == 0)
			continue;
		arena = arena_new(512);
		why = import_line(import, arena, text, len);
		arena_free(&arena);
		if (why != NULL)
			refuse_line(import, import->line, why);
	}
	if (import->under_way == 0)
		import_end(import);
}

static void
user_import(const struct ln_mod *mod, struct ln_call *call)
{
	struct import *import = xcalloc(1, sizeof *import);
	size_t len;

	(void)mod;
	import->call = call;
	import->next = ln_call_bytes(call, 0, &len);
	import->end = import->next + len;
	ln_call_later(call);
	go_on(import);
}

/* --- looking up ---------------------------------------------------------------------------------- */

static void
existence_known(struct store_job *job, void *arg)
{
	struct ln_call *call = arg;
	const struct store_row *row = store_rows(job, 0);

	if (row == NULL || row->cell[2].integer != STORE_ACTIVE)
		ln_call_refuse(call, LN_ERR_ITEM_NOT_FOUND, "there is no such account");
	ln_call_done(call);
}

static void
user_exists(const struct ln_mod *mod, struct ln_call *call)
{
	struct store_job *job = store_job_new(work_store(), "user exists");

	(void)mod;
	store_entity_find(job, ln_call_jid(call, 0)->full);
	ln_call_later(call);
	store_read(job, 0, existence_known, call);
}

/* A list, read a page at a time. */
struct listing {
	struct ln_call *call;
	int64_t left; /* names that are still wanted */
	unsigned asked;
	bool disabled; /* those alone, with their time */
};

static void read_page(struct listing *listing, const char *after);

static void
add_listed(const struct listing *listing, const struct store_row *row)
{
	ln_call_cell(listing->call, row->cell[0].bytes);
	if (listing->disabled)
		ln_call_cell_stamp(listing->call, row->cell[3].integer);
}

static void
page_read(struct store_job *job, void *arg)
{
	struct listing *listing = arg;
	const struct store_row *row = store_rows(job, 0), *last = NULL;
	struct ln_call *call = listing->call;
	unsigned count = 0;

	for (; row != NULL; last = row, row = row->next, count++)
		if (row->cell[2].integer == STORE_ACTIVE && listing->left-- > 0)
			add_listed(listing, row);
	if (store_job_outcome(job) != STORE_OK) {
		ln_call_fail(call, "%s", store_job_error(job));
	} else if (count == listing->asked && listing->left > 0) {
		read_page(listing, last->cell[0].bytes);
		return;
	}
	free(listing);
	ln_call_done(call);
}

static void
read_page(struct listing *listing, const char *after)
{
	struct ln_call *call = listing->call;
	const char *host = ln_call_text(call, 0);
	struct store_job *job = store_job_new(work_store(), "user list");

	listing->asked = listing->left < PAGE ? (unsigned)listing->left : PAGE;
	if (listing->disabled)
		store_disabled_list(job, host, after, listing->asked);
	else
		store_entity_list(job, STORE_ACCOUNT, host, after, listing->asked);
	store_read(job, 0, page_read, listing);
}

static void
user_list(const struct ln_mod *mod, struct ln_call *call)
{
	struct listing *listing = xcalloc(1, sizeof *listing);

	(void)mod;
	listing->disabled = ln_call_given(call, 3);
	if (listing->disabled)
		ln_call_columns(call, "jid", "disabled", NULL);
	else
		ln_call_columns(call, "jid", NULL);
	listing->call = call;
	listing->left = ln_call_given(call, 2) ? ln_call_number(call, 2) : INT64_MAX;
	ln_call_later(call);
	read_page(listing, ln_call_given(call, 1) ? ln_call_text(call, 1) : "");
}

/* --- deletion ------------------------------------------------------------------------------------ */

static void
account_dies(struct ln_account *account, void *arg, bool ok)
{
	struct ln_call *call = arg;

	(void)account;
	if (ok)
		return;
	ln_call_fail(call, "it could not be marked as dying");
	ln_call_done(call);
}

static void
account_erased(void *arg, enum ln_registry_outcome outcome)
{
	struct ln_call *call = arg;

	if (outcome != LN_REGISTRY_OK)
		ln_call_fail(call, "its rows could not all be deleted");
	ln_call_done(call);
}

static void
user_del(const struct ln_mod *mod, struct ln_call *call)
{
	(void)mod;
	if (registry_remove(ln_call_account(call), account_dies, account_erased, call))
		ln_call_later(call);
	else
		ln_call_fail(call, "it is being deleted already");
}

/* --- disabling ------------------------------------------------------------------------------------ */

static void
ability_stored(void *arg, bool ok)
{
	struct ln_call *call = arg;

	if (!ok)
		ln_call_fail(call, "it could not be stored");
	ln_call_done(call);
}

static void
user_disable(const struct ln_mod *mod, struct ln_call *call)
{
	(void)mod;
	ln_call_later(call);
	account_disable(ln_call_account(call), true, ability_stored, call);
}

static void
user_enable(const struct ln_mod *mod, struct ln_call *call)
{
	(void)mod;
	ln_call_later(call);
	account_disable(ln_call_account(call), false, ability_stored, call);
}

/* --- sessions --------------------------------------------------------------------------------------- */

static void
list_sessions(struct entity *entity, void *arg)
{
	struct ln_call *call = arg;
	const struct ln_session *session;

	if (entity->ops != &account_ops || !account_of(entity)->open)
		return;
	TAILQ_FOREACH(session, &account_of(entity)->sessions, link) {
		if (ln_call_given(call, 0) &&
		    !ln_jid_in_domain(&session->jid, ln_call_text(call, 0)))
			continue;
		ln_call_cell(call, session->jid.full);
		ln_call_cell(call, session->address);
		ln_call_cell_bool(call, session->secure);
		ln_call_cell(call, session->port.id != 0 ? "connected" : "hibernates");
		ln_call_cell(call, session->presence != NULL ? "available" : "unavailable");
		ln_call_cell_number(call, session->priority);
		ln_call_cell_number(call, session->unacked_count);
		ln_call_cell_stamp(call, session->since);
	}
}

static void
session_list(const struct ln_mod *mod, struct ln_call *call)
{
	(void)mod;
	ln_call_columns(call, "jid", "address", "tls", "state", "presence", "priority", "unacked",
	    "since", NULL);
	entity_each(list_sessions, call);
}

static void
session_kick(const struct ln_mod *mod, struct ln_call *call)
{
	struct ln_account *account = ln_call_account(call);
	const char *resource = ln_call_resource(call, 0);
	struct ln_session *session, *next;
	unsigned count = 0;

	(void)mod;
	if (resource == NULL)
		resource = ln_call_text(call, 1);
	for (session = TAILQ_FIRST(&account->sessions); session != NULL; session = next) {
		next = TAILQ_NEXT(session, link);
		if (resource != NULL && strcmp(ln_jid_resource(&session->jid), resource) != 0)
			continue;
		session_end(session, "policy-violation", "ended by an administrator");
		count++;
	}
	ln_call_say(call, "%u sessions ended.", count);
}

/* --- rows -------------------------------------------------------------------------------------------- */

static const struct ln_arg account_arg[] = {
	{ LN_ARG_ACCOUNT, "jid", "The account.", 0, NULL, "accountjids" }, LN_ARG_ROWS_END
};
static const struct ln_arg password_args[] = { { LN_ARG_ACCOUNT, "jid", "The account.", 0, NULL,
						   "accountjid" },
	{ LN_ARG_PASSWORD, "password", "Its password.", 0, NULL }, LN_ARG_ROWS_END };
static const struct ln_arg add_args[] = { { LN_ARG_ACCOUNT, "jid", "The account.", 0, NULL,
					      "accountjid" },
	{ LN_ARG_PASSWORD, "password", "Its password.", LN_ARG_TWICE, NULL }, LN_ARG_ROWS_END };
static const struct ln_arg import_args[] = {
	{ LN_ARG_FILE, "file", "Lines of JID and PASSWORD.", 0, NULL }, LN_ARG_ROWS_END
};
static const struct ln_arg list_args[] = { { LN_ARG_HOST, "host", "Of this host alone.",
					       LN_ARG_OPTIONAL, NULL },
	{ LN_ARG_TEXT, "after", "Only names behind this one.", LN_ARG_OPTIONAL, NULL },
	{ LN_ARG_INT, "limit", "At most so many.", LN_ARG_OPTIONAL, NULL, "max_items" },
	{ LN_ARG_FLAG, "disabled", "Those that are disabled alone.", LN_ARG_UNASKED },
	LN_ARG_ROWS_END };
static const struct ln_arg host_arg[] = {
	{ LN_ARG_HOST, "host", "Of this host alone.", LN_ARG_OPTIONAL, NULL }, LN_ARG_ROWS_END
};
static const struct ln_arg kick_args[] = { { LN_ARG_ACCOUNT, "jid", "Whose sessions to end.",
					       LN_ARG_RESOURCE, NULL, "accountjids" },
	{ LN_ARG_TEXT, "resource", "Only this one.", LN_ARG_OPTIONAL, NULL }, LN_ARG_ROWS_END };

#define ADMIN_NODE "http://jabber.org/protocol/admin#"

const struct ln_command user_commands[] = { { "user add", "Make an account.", LN_ROLE_ADMIN,
						LN_HOME_MAIN, add_args, user_add,
						ADMIN_NODE "add-user" },
	{ "user import", "Make accounts from a file.", LN_ROLE_OPERATOR, LN_HOME_MAIN, import_args,
	    user_import, NULL },
	{ "user passwd", "Give an account a new password.", LN_ROLE_ADMIN, LN_HOME_MAIN,
	    password_args, user_passwd, ADMIN_NODE "change-user-password" },
	{ "user del", "Delete an account with all it has.", LN_ROLE_ADMIN, LN_HOME_ACCOUNT,
	    account_arg, user_del, ADMIN_NODE "delete-user" },
	{ "user disable", "Let nobody log in to an account, and keep all it has.", LN_ROLE_ADMIN,
	    LN_HOME_ACCOUNT, account_arg, user_disable, ADMIN_NODE "disable-user" },
	{ "user enable", "Let the user of a disabled account log in again.", LN_ROLE_ADMIN,
	    LN_HOME_ACCOUNT, account_arg, user_enable, ADMIN_NODE "reenable-user" },
	{ "user exists", "Tell whether an account exists.", LN_ROLE_ADMIN, LN_HOME_MAIN,
	    account_arg, user_exists, NULL },
	{ "user list", "List accounts.", LN_ROLE_ADMIN, LN_HOME_MAIN, list_args, user_list,
	    ADMIN_NODE "get-registered-users-list", "registereduserjids" },
	{ .name = "user list",
	    .help = "List disabled accounts.",
	    .role = LN_ROLE_ADMIN,
	    .home = LN_HOME_MAIN,
	    .args = list_args,
	    .run = user_list,
	    .node = ADMIN_NODE "get-disabled-users-list",
	    .result_var = "disableduserjids",
	    .preset = "disabled" },
	{ "session list", "List sessions.", LN_ROLE_ADMIN, LN_HOME_EACH, host_arg, session_list,
	    ADMIN_NODE "get-online-users-list", "onlineuserjids" },
	{ "session kick", "End sessions of an account.", LN_ROLE_ADMIN, LN_HOME_ACCOUNT, kick_args,
	    session_kick, ADMIN_NODE "end-user-session" },
	LN_COMMAND_END };
