/*
 * user add, import, passwd, del, exists, list; session list, kick.
 *
 * Passwords become SCRAM keys on the crypto pool. An import is taken a batch
 * of lines at a time; each account is a job of its own, so one that exists is
 * no hindrance to the others, and the writer commits them together.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "core/entity.h"
#include "core/host.h"
#include "core/router.h"
#include "core/work.h"
#include "im/account.h"
#include "im/session.h"
#include "linnet/command.h"
#include "linnet/credentials.h"
#include "net/pool.h"
#include "server/commands.h"
#include "server/daemon.h"
#include "store/entity.h"

#define BATCH 64 /* accounts of an import that are hashed before they are stored */

/* --- making accounts ------------------------------------------------------------------------- */

struct candidate {
	const char *jid;      /* normalised, bare; in the call's arena */
	const char *password; /* prepared */
	struct ln_credentials credentials;
	enum store_outcome outcome;
};

/* An import, or one account. On the main thread but for `work`. */
struct making {
	struct pool_job job;
	struct ln_call *call;
	const char *next, *end; /* of the lines that are left */
	unsigned line, made, kept, refused;
	uint32_t iterations;
	bool import;
	bool change; /* a new password for an account that is there */
	int64_t number;
	unsigned count, stored;
	struct candidate candidates[BATCH];
};

static void
wipe_candidates(struct making *making)
{
	for (unsigned i = 0; i < making->count; i++) {
		const char *password = making->candidates[i].password;

		ln_wipe((char *)password, strlen(password));
		ln_wipe(&making->candidates[i].credentials,
		    sizeof making->candidates[i].credentials);
	}
	making->count = 0;
}

static void
hash_all(struct pool_job *job)
{
	struct making *making = (struct making *)job;

	for (unsigned i = 0; i < making->count; i++) {
		struct candidate *candidate = &making->candidates[i];

		ln_credentials_derive(&candidate->credentials, candidate->password,
		    strlen(candidate->password), making->iterations);
	}
}

static void
add_credentials(struct store_job *job, struct store_arg number,
    const struct ln_credentials *credentials)
{
	for (int hash = 0; hash < LN_SCRAM_HASHES; hash++) {
		const struct ln_scram_keys *keys = &credentials->scram[hash];
		struct store_credential row = { .hash =
						    ln_scram_hash_name((enum ln_scram_hash)hash),
			.iterations = keys->iterations,
			.salt = keys->salt,
			.salt_len = keys->salt_len,
			.stored_key = keys->stored_key,
			.server_key = keys->server_key,
			.key_len = ln_scram_key_len((enum ln_scram_hash)hash) };

		if (keys->iterations > 0)
			store_credential_set(job, number, &row);
	}
}

/* Tells the home of a new account that the name exists now. */
struct news {
	struct post post;
	struct ln_jid jid;
	char name[];
};

static void
exists_now(struct worker *worker, struct post *post)
{
	struct news *news = (struct news *)post;

	(void)worker;
	entity_forget_absent(&news->jid);
	free(news);
}

static void
announce(const char *name)
{
	struct arena *arena = arena_new(128);
	size_t len = strlen(name);
	struct news *news = xcalloc(1, sizeof *news + len + 1);
	struct ln_jid jid;

	if (ln_jid_parse(arena, name, len, &jid) == LN_JID_OK) {
		news->jid = jid;
		memcpy(news->name, jid.full, ln_jid_len(&jid));
		news->jid.full = news->name;
		news->post.run = exists_now;
		worker_post(router_home(&jid), &news->post);
	} else {
		free(news);
	}
	arena_free(&arena);
}

static void next_batch(struct making *making);

static void
finish(struct making *making)
{
	struct ln_call *call = making->call;

	if (making->import)
		ln_call_say(call, "%u accounts made, %u exist already, %u refused.", making->made,
		    making->kept, making->refused);
	if (making->import && making->refused > 0)
		ln_call_fail(call, "%u of the lines were refused", making->refused);
	free(making);
	ln_call_done(call);
}

static void
account_stored(struct store_job *job, void *arg)
{
	struct making *making = *(struct making **)arg;
	struct candidate *candidate = &making->candidates[making->stored++];
	enum store_outcome outcome = store_job_outcome(job);

	if (outcome == STORE_OK) {
		making->made++;
		announce(candidate->jid);
	} else if (outcome == STORE_CONSTRAINT && making->import) {
		making->kept++; /* as it is: an import that broke off can be run again */
	} else {
		making->refused++;
		if (making->import)
			ln_call_say(making->call, "%s: %s", candidate->jid, store_job_error(job));
		else
			ln_call_fail(making->call, "%s",
			    outcome == STORE_CONSTRAINT ? "this account exists already"
							: store_job_error(job));
	}
	if (making->stored < making->count)
		return;
	wipe_candidates(making);
	next_batch(making);
}

static void
store_one(struct making *making, const struct candidate *candidate)
{
	struct store_job *job = store_job_new(work_store(), "user");
	struct making **arg = store_job_alloc(job, sizeof *arg);

	*arg = making;
	if (making->change) {
		store_credential_clear(job, making->number);
		add_credentials(job, store_int(making->number), &candidate->credentials);
	} else {
		unsigned step = store_entity_create(job, STORE_ACCOUNT, candidate->jid, 0);

		add_credentials(job, store_from(step, 0), &candidate->credentials);
	}
	store_write(job, account_stored, arg);
}

static void
hashed(struct pool_job *job)
{
	struct making *making = (struct making *)job;

	making->stored = 0;
	for (unsigned i = 0; i < making->count; i++)
		store_one(making, &making->candidates[i]);
}

static void
submit(struct making *making)
{
	making->job = (struct pool_job){ .work = hash_all, .done = hashed };
	if (pool_submit(daemon_crypto(), &making->job))
		return;
	ln_call_fail(making->call, "too much is being hashed just now");
	wipe_candidates(making);
	making->next = making->end;
	finish(making);
}

/* A bare JID at one of our hosts and a password; NULL, or why it is refused. */
static const char *
add_candidate(struct making *making, const char *jid_text, size_t jid_len, const char *password,
    size_t password_len)
{
	struct candidate *candidate = &making->candidates[making->count];
	struct arena *arena = ln_call_arena(making->call);
	struct ln_jid jid;
	enum ln_jid_error error = ln_jid_parse(arena, jid_text, jid_len, &jid);

	if (error != LN_JID_OK)
		return ln_jid_reason(error);
	if (!ln_jid_has_local(&jid) || !ln_jid_is_bare(&jid) ||
	    host_with_accounts(ln_jid_domain(&jid), jid.domain_len) == NULL)
		return "not an account at one of our hosts";
	if (!ln_password_prepare(arena, password, password_len, &candidate->password))
		return "no password, or one with characters that none has";
	candidate->jid = jid.full;
	making->count++;
	return NULL;
}

static void
read_line(struct making *making)
{
	const char *line = making->next;
	const char *end = memchr(line, '\n', (size_t)(making->end - line));
	const char *space, *why;

	making->next = end != NULL ? end + 1 : making->end;
	if (end == NULL)
		end = making->end;
	making->line++;
	if (end > line && end[-1] == '\r')
		end--;
	if (end == line)
		return;
	space = memchr(line, ' ', (size_t)(end - line));
	why = space == NULL ? "no password"
			    : add_candidate(making, line, (size_t)(space - line), space + 1,
				  (size_t)(end - space - 1));
	if (why == NULL)
		return;
	making->refused++;
	ln_call_say(making->call, "line %u: %s", making->line, why);
}

static void
next_batch(struct making *making)
{
	while (making->next < making->end && making->count < BATCH)
		read_line(making);
	if (making->count == 0)
		finish(making);
	else
		submit(making);
}

static struct making *
making_new(struct ln_call *call)
{
	struct making *making = xcalloc(1, sizeof *making);

	making->call = call;
	making->iterations = (uint32_t)snapshot_current()->core.scram_iterations;
	making->next = making->end = "";
	return making;
}

static void
user_add(const struct ln_mod *mod, struct ln_call *call)
{
	struct making *making = making_new(call);
	const struct ln_jid *jid = ln_call_jid(call, 0);
	const char *password = ln_call_text(call, 1), *why;

	(void)mod;
	why = add_candidate(making, jid->full, ln_jid_len(jid), password, strlen(password));
	if (why != NULL) {
		ln_call_fail(call, "%s", why);
		free(making);
		return;
	}
	ln_call_later(call);
	submit(making);
}

static void
user_import(const struct ln_mod *mod, struct ln_call *call)
{
	struct making *making = making_new(call);
	size_t len;

	(void)mod;
	making->import = true;
	making->next = ln_call_bytes(call, 0, &len);
	making->end = making->next + len;
	ln_call_later(call);
	next_batch(making);
}

/* --- looking up ---------------------------------------------------------------------------------- */

static void
password_found(struct store_job *job, void *arg)
{
	struct making *making = arg;
	const struct store_row *row = store_rows(job, 0);

	if (row == NULL || row->cell[2].integer != STORE_ACTIVE) {
		ln_call_fail(making->call, "there is no such account");
		wipe_candidates(making);
		finish(making);
		return;
	}
	making->number = row->cell[0].integer;
	submit(making);
}

static void
user_passwd(const struct ln_mod *mod, struct ln_call *call)
{
	struct making *making = making_new(call);
	const struct ln_jid *jid = ln_call_jid(call, 0);
	const char *password = ln_call_text(call, 1), *why;
	struct store_job *job;

	(void)mod;
	making->change = true;
	why = add_candidate(making, jid->full, ln_jid_len(jid), password, strlen(password));
	if (why != NULL) {
		ln_call_fail(call, "%s", why);
		free(making);
		return;
	}
	ln_call_later(call);
	job = store_job_new(work_store(), "user passwd");
	store_entity_find(job, making->candidates[0].jid);
	store_read(job, 0, password_found, making);
}

static void
existence_known(struct store_job *job, void *arg)
{
	struct ln_call *call = arg;
	const struct store_row *row = store_rows(job, 0);

	if (row == NULL || row->cell[2].integer != STORE_ACTIVE)
		ln_call_fail(call, "there is no such account");
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

static void
users_listed(struct store_job *job, void *arg)
{
	struct ln_call *call = arg;
	const struct store_row *row = store_rows(job, 0);

	for (; row != NULL; row = row->next)
		if (row->cell[2].integer == STORE_ACTIVE)
			ln_call_cell(call, row->cell[0].bytes);
	ln_call_done(call);
}

static void
user_list(const struct ln_mod *mod, struct ln_call *call)
{
	struct store_job *job = store_job_new(work_store(), "user list");
	const char *after = ln_call_given(call, 1) ? ln_call_text(call, 1) : "";

	(void)mod;
	ln_call_columns(call, "jid", NULL);
	store_entity_list(job, STORE_ACCOUNT, ln_call_given(call, 0) ? ln_call_text(call, 0) : NULL,
	    after, 10000);
	ln_call_later(call);
	store_read(job, 0, users_listed, call);
}

/* --- deletion (DESIGN section 4): dying, then the rows in slices, the number last ------------------ */

struct deletion {
	struct ln_call *call;
	struct worker *home;
	struct ln_jid jid;
	int64_t number;
	char name[LN_JID_MAX + 1];
};

static void
erased(void *arg, enum store_outcome outcome, int64_t total)
{
	struct deletion *deletion = arg;
	struct entity *entity = entity_find(&deletion->jid);

	(void)total;
	if (entity != NULL && entity->life == LIFE_DYING)
		entity_remove(entity);
	if (outcome != STORE_OK)
		ln_call_fail(deletion->call, "its rows could not all be deleted: %s",
		    store_outcome_name(outcome));
	ln_call_done(deletion->call);
	free(deletion);
}

static void
died(struct entity *entity, void *arg, bool ok)
{
	struct deletion *deletion = arg;

	(void)entity;
	if (!ok) {
		ln_call_fail(deletion->call, "it could not be marked as dying");
		ln_call_done(deletion->call);
		free(deletion);
		return;
	}
	store_erase(work_store(), deletion->number, clock_wall_ms() + INT64_C(30) * 86400000,
	    erased, deletion);
}

static void
user_del(const struct ln_mod *mod, struct ln_call *call)
{
	struct ln_account *account = ln_call_account(call);
	struct deletion *deletion = xcalloc(1, sizeof *deletion);

	(void)mod;
	deletion->call = call;
	deletion->number = account->entity.number;
	deletion->jid = account->entity.jid;
	memcpy(deletion->name, deletion->jid.full, ln_jid_len(&deletion->jid));
	deletion->jid.full = deletion->name;
	ln_call_later(call);
	account_gone(account);
	store_entity_die(work_job(), deletion->number);
	work_when_durable(died, deletion);
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
	struct ln_session *session, *next;
	unsigned count = 0;

	(void)mod;
	for (session = TAILQ_FIRST(&account->sessions); session != NULL; session = next) {
		next = TAILQ_NEXT(session, link);
		if (ln_call_given(call, 1) &&
		    strcmp(ln_jid_resource(&session->jid), ln_call_text(call, 1)) != 0)
			continue;
		session_end(session, "policy-violation", "ended by an administrator");
		count++;
	}
	ln_call_say(call, "%u sessions ended.", count);
}

/* --- rows -------------------------------------------------------------------------------------------- */

static const struct ln_arg account_arg[] = { { LN_ARG_ACCOUNT, "jid", "The account.", 0, NULL },
	LN_ARG_ROWS_END };
static const struct ln_arg password_args[] = { { LN_ARG_ACCOUNT, "jid", "The account.", 0, NULL },
	{ LN_ARG_PASSWORD, "password", "Its password.", 0, NULL }, LN_ARG_ROWS_END };
static const struct ln_arg import_args[] = {
	{ LN_ARG_FILE, "file", "Lines of JID and PASSWORD.", 0, NULL }, LN_ARG_ROWS_END
};
static const struct ln_arg list_args[] = { { LN_ARG_HOST, "host", "Of this host alone.",
					       LN_ARG_OPTIONAL, NULL },
	{ LN_ARG_TEXT, "after", "Only names behind this one.", LN_ARG_OPTIONAL, NULL },
	LN_ARG_ROWS_END };
static const struct ln_arg host_arg[] = {
	{ LN_ARG_HOST, "host", "Of this host alone.", LN_ARG_OPTIONAL, NULL }, LN_ARG_ROWS_END
};
static const struct ln_arg kick_args[] = { { LN_ARG_ACCOUNT, "jid", "Whose sessions to end.", 0,
					       NULL },
	{ LN_ARG_TEXT, "resource", "Only this one.", LN_ARG_OPTIONAL, NULL }, LN_ARG_ROWS_END };

#define ADMIN_NODE "http://jabber.org/protocol/admin#"

const struct ln_command user_commands[] = { { "user add", "Make an account.", LN_ROLE_ADMIN,
						LN_HOME_MAIN, password_args, user_add,
						ADMIN_NODE "add-user" },
	{ "user import", "Make accounts from a file.", LN_ROLE_OPERATOR, LN_HOME_MAIN, import_args,
	    user_import, NULL },
	{ "user passwd", "Give an account a new password.", LN_ROLE_ADMIN, LN_HOME_MAIN,
	    password_args, user_passwd, ADMIN_NODE "change-user-password" },
	{ "user del", "Delete an account with all it has.", LN_ROLE_ADMIN, LN_HOME_ACCOUNT,
	    account_arg, user_del, ADMIN_NODE "delete-user" },
	{ "user exists", "Tell whether an account exists.", LN_ROLE_ADMIN, LN_HOME_MAIN,
	    account_arg, user_exists, NULL },
	{ "user list", "List accounts.", LN_ROLE_ADMIN, LN_HOME_MAIN, list_args, user_list,
	    ADMIN_NODE "get-registered-users-list" },
	{ "session list", "List sessions.", LN_ROLE_ADMIN, LN_HOME_EACH, host_arg, session_list,
	    ADMIN_NODE "get-online-users-list" },
	{ "session kick", "End sessions of an account.", LN_ROLE_ADMIN, LN_HOME_ACCOUNT, kick_args,
	    session_kick, ADMIN_NODE "end-user-session" },
	LN_COMMAND_END };
