/*
 * Making, changing and deleting accounts. See registry.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "im/registry.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/xalloc.h"
#include "core/entity.h"
#include "core/iq.h"
#include "core/module.h"
#include "core/router.h"
#include "core/work.h"
#include "im/account.h"
#include "im/session.h"
#include "linnet/credentials.h"
#include "net/pool.h"
#include "store/entity.h"

enum { CREATED, CHANGED, REMOVED, POOL_FULL };
static const struct metric_row rows[] = {
	[CREATED] = { "created_total", METRIC_COUNTER, "Accounts made." },
	[CHANGED] = { "passwords_changed_total", METRIC_COUNTER, "Passwords replaced." },
	[REMOVED] = { "removed_total", METRIC_COUNTER, "Accounts deleted." },
	[POOL_FULL] = { "pool_full_total", METRIC_COUNTER,
	    "Passwords refused since too many were being hashed." },
};
METRICS(metrics, "accounts", rows);

#define DYING_PAGE 100 /* accounts of an interrupted deletion that are read at once */

static struct pool *crypto;

void
registry_init(struct pool *pool)
{
	crypto = pool;
}

const char *
ln_registry_reason(enum ln_registry_outcome outcome)
{
	static const char *const reasons[] = {
#define X(name, text) text,
		LN_REGISTRY_OUTCOMES(X)
#undef X
	};

	return reasons[outcome];
}

/* --- the home learns of it ------------------------------------------------------------------- */

/* A new account, or a new password; freed when its home has been told. */
struct news {
	struct post post;
	struct ln_jid jid;
	enum ln_event event;
	char name[];
};

static void
fire(struct entity *entity, void *arg)
{
	struct news *news = arg;
	struct ln_ev_account ev = { .account = entity != NULL ? account_of_entity(entity) : NULL };

	if (ev.account != NULL && news->event == LN_EV_account_created)
		fire_account_created(entity->host, &ev);
	else if (ev.account != NULL)
		fire_password_changed(entity->host, &ev);
	free(news);
}

static bool
somebody_listens(const struct news *news)
{
	const struct ln_host *host = host_of(&news->jid);

	return host != NULL && host->chains[news->event].count > 0;
}

static void
at_home(struct worker *worker, struct post *post)
{
	struct news *news = (struct news *)post;

	(void)worker;
	entity_forget_absent(&news->jid);
	if (somebody_listens(news))
		entity_call(&news->jid, fire, news);
	else
		free(news);
}

static void
tell_home(const struct ln_jid *jid, enum ln_event event)
{
	size_t len = ln_jid_bare_len(jid);
	struct news *news = xcalloc(1, sizeof *news + len + 1);

	news->jid = *jid;
	memcpy(news->name, jid->full, len);
	news->jid.full = news->name;
	news->event = event;
	news->post.run = at_home;
	worker_post(router_home(jid), &news->post);
}

/* --- a password on its way to the store -------------------------------------------------------- */

struct order {
	struct pool_job job;
	struct ln_jid jid;
	bool change;
	int64_t released_before; /* wall-clock ms: as store_entity_create() has it */
	uint32_t iterations;
	struct ln_credentials credentials;
	registry_done *done;
	void *arg;
	char password[LN_PASSWORD_MAX + 1];
	char name[];
};

static void
order_end(struct order *order, enum ln_registry_outcome outcome, const char *error)
{
	registry_done *done = order->done;
	void *arg = order->arg;

	ln_wipe(order, sizeof *order);
	free(order);
	done(arg, outcome, error);
}

static enum ln_registry_outcome
outcome_of(const struct order *order, enum store_outcome outcome)
{
	switch (outcome) {
	case STORE_OK:
		return LN_REGISTRY_OK;
	case STORE_CONSTRAINT:
		return order->change ? LN_REGISTRY_FAILED : LN_REGISTRY_TAKEN;
	case STORE_UNMET:
		return order->change ? LN_REGISTRY_ABSENT : LN_REGISTRY_RESERVED;
	case STORE_LATE:
		return LN_REGISTRY_ABSENT;
	default:
		return LN_REGISTRY_FAILED;
	}
}

static void
stored(struct store_job *job, void *arg)
{
	struct order *order = *(struct order **)arg;
	enum ln_registry_outcome outcome = outcome_of(order, store_job_outcome(job));

	if (outcome == LN_REGISTRY_OK) {
		metric_inc(metrics, order->change ? CHANGED : CREATED);
		tell_home(&order->jid,
		    order->change ? LN_EV_password_changed : LN_EV_account_created);
	}
	order_end(order, outcome,
	    outcome == LN_REGISTRY_FAILED ? store_job_error(job) : ln_registry_reason(outcome));
}

static void
add_credentials(struct store_job *job, struct store_arg number,
    const struct ln_credentials *credentials)
{
	for (int hash = 0; hash < LN_SCRAM_HASHES; hash++) {
		const struct ln_scram_keys *keys = &credentials->scram[hash];
		struct store_credential row = {
			.hash = ln_scram_hash_name((enum ln_scram_hash)hash),
			.iterations = keys->iterations,
			.salt = keys->salt,
			.salt_len = keys->salt_len,
			.stored_key = keys->stored_key,
			.server_key = keys->server_key,
			.key_len = ln_scram_key_len((enum ln_scram_hash)hash),
		};

		if (keys->iterations > 0)
			store_credential_set(job, number, &row);
	}
}

static void
store(struct order *order)
{
	struct store_job *job = store_job_new(work_store(), "account");
	struct order **arg = store_job_alloc(job, sizeof *arg);
	struct store_arg number;

	*arg = order;
	if (order->change) {
		number = store_from(store_entity_active(job, order->jid.full), 0);
		store_credential_clear(job, number);
	} else {
		number = store_from(store_entity_create(job, STORE_ACCOUNT, order->jid.full,
					order->released_before),
		    0);
	}
	add_credentials(job, number, &order->credentials);
	store_write(job, stored, arg);
}

static void
hash(struct pool_job *job)
{
	struct order *order = (struct order *)job;

	ln_credentials_derive(&order->credentials, order->password, strlen(order->password),
	    order->iterations);
}

static void
hashed(struct pool_job *job)
{
	struct order *order = (struct order *)job;

	ln_wipe(order->password, sizeof order->password);
	if (job->worked)
		store(order);
	else
		order_end(order, LN_REGISTRY_FAILED, "the pool stopped");
}

static struct order *
order_new(const struct ln_jid *jid, const char *password, registry_done *done, void *arg)
{
	size_t len = ln_jid_bare_len(jid);
	struct order *order = xcalloc(1, sizeof *order + len + 1);

	order->job = (struct pool_job){ .work = hash, .done = hashed };
	order->jid = *jid;
	order->jid.resource_len = 0;
	memcpy(order->name, jid->full, len);
	order->jid.full = order->name;
	strncpy(order->password, password, LN_PASSWORD_MAX);
	order->iterations = (uint32_t)snapshot_current()->core.scram_iterations;
	order->done = done;
	order->arg = arg;
	return order;
}

static bool
submit(struct order *order)
{
	if (pool_submit(crypto, &order->job))
		return true;
	metric_inc(metrics, POOL_FULL);
	ln_wipe(order, sizeof *order);
	free(order);
	return false;
}

bool
registry_create(const struct ln_jid *account, const char *password, int64_t reserved_ms,
    registry_done *done, void *arg)
{
	struct order *order = order_new(account, password, done, arg);

	/* A name is kept with the end of its longest reservation. */
	if (reserved_ms > 0)
		order->released_before = clock_wall_ms() + LN_REGISTRY_RESERVED_MS - reserved_ms;
	return submit(order);
}

bool
registry_set_password(const struct ln_jid *account, const char *password, registry_done *done,
    void *arg)
{
	struct order *order = order_new(account, password, done, arg);

	order->change = true;
	return submit(order);
}

/* --- deletion ------------------------------------------------------------------------------------ */

struct removal {
	struct ln_jid jid;
	int64_t number;
	registry_dies *dies;
	void (*erased)(void *arg, enum ln_registry_outcome outcome);
	void *arg;
	char name[];
};

static void
erased(void *arg, enum store_outcome outcome, int64_t total)
{
	struct removal *removal = arg;
	struct entity *entity = entity_find(&removal->jid);

	(void)total;
	if (entity != NULL && entity->life == LIFE_DYING)
		entity_remove(entity);
	if (removal->erased != NULL)
		removal->erased(removal->arg,
		    outcome == STORE_OK ? LN_REGISTRY_OK : LN_REGISTRY_FAILED);
	free(removal);
}

/* In the account's turn, when its end is on disk. */
static void
bury(struct entity *entity, void *arg)
{
	struct removal *removal = arg;
	struct ln_account *account = entity != NULL ? account_of_entity(entity) : NULL;

	metric_inc(metrics, REMOVED);
	if (removal->dies != NULL)
		removal->dies(account, removal->arg, true);
	if (account != NULL)
		account_gone(account);
	store_erase(work_store(), removal->number, clock_wall_ms() + LN_REGISTRY_RESERVED_MS,
	    erased, removal);
}

static void
doomed(struct entity *entity, void *arg, bool ok)
{
	struct removal *removal = arg;

	if (ok) {
		entity_call(&removal->jid, bury, removal);
		return;
	}
	if (entity != NULL && account_of_entity(entity) != NULL)
		account_of_entity(entity)->doomed = false;
	if (removal->dies != NULL)
		removal->dies(NULL, removal->arg, false);
	free(removal);
}

static struct removal *
removal_new(const struct entity *entity)
{
	size_t len = ln_jid_len(&entity->jid);
	struct removal *removal = xcalloc(1, sizeof *removal + len + 1);

	removal->number = entity->number;
	removal->jid = entity->jid;
	memcpy(removal->name, entity->jid.full, len);
	removal->jid.full = removal->name;
	return removal;
}

bool
registry_remove(struct ln_account *account, registry_dies *dies,
    void (*erased_fn)(void *arg, enum ln_registry_outcome outcome), void *arg)
{
	struct removal *removal;

	if (account->doomed)
		return false;
	account->doomed = true;
	removal = removal_new(&account->entity);
	removal->dies = dies;
	removal->erased = erased_fn;
	removal->arg = arg;
	store_entity_die(work_job(), removal->number);
	work_when_durable(doomed, removal);
	return true;
}

/* --- after a start ---------------------------------------------------------------------------------- */

/* Its contacts may not have been told: they are told (again), then its rows go. */
void
registry_bury(struct ln_account *account)
{
	struct removal *removal = removal_new(&account->entity);

	account->doomed = true;
	work_begin(&account->entity, NULL);
	bury(&account->entity, removal);
	work_end();
}

/* Loading it was all: that is how it comes to registry_bury(). */
static void
loaded(struct entity *entity, void *arg)
{
	(void)entity;
	(void)arg;
}

static void
go_on_deleting(const struct store_row *row)
{
	struct arena *arena = arena_new(256);
	const char *name = row->cell[2].bytes;
	bool account = row->cell[1].integer == STORE_ACCOUNT;
	struct ln_jid jid;

	if (account && ln_jid_parse(arena, name, row->cell[2].len, &jid) == LN_JID_OK &&
	    host_of(&jid) != NULL)
		entity_call(&jid, loaded, NULL);
	else
		store_erase(work_store(), row->cell[0].integer,
		    account ? clock_wall_ms() + LN_REGISTRY_RESERVED_MS : 0, NULL, NULL);
	arena_free(&arena);
}

static void look_for_dying(int64_t after);

static void
dying_found(struct store_job *job, void *arg)
{
	const struct store_row *row = store_rows(job, 0);
	int64_t last = 0;
	unsigned count = 0;

	(void)arg;
	for (; row != NULL; row = row->next, count++) {
		last = row->cell[0].integer;
		go_on_deleting(row);
	}
	if (count > 0)
		log_info("accounts", "deletions go on count=%u", count);
	if (count == DYING_PAGE)
		look_for_dying(last);
}

static void
look_for_dying(int64_t after)
{
	struct store_job *job = store_job_new(work_store(), "dying");

	store_entity_dying(job, after, DYING_PAGE);
	store_read(job, 0, dying_found, NULL);
}

void
registry_recover(void)
{
	look_for_dying(0);
}

/* --- for modules -------------------------------------------------------------------------------------- */

/* What a module waits for; it may be switched off meanwhile. */
struct wish {
	unsigned slot;
	struct ln_token *token;
	ln_registry_done *done;
	struct ln_jid jid;
	char name[];
};

static void
wish_end(struct wish *wish, enum ln_registry_outcome outcome)
{
	const struct ln_host *host = host_of(&wish->jid);
	const struct ln_mod *mod = host != NULL ? module_on(host, wish->slot) : NULL;

	if (mod != NULL)
		wish->done(mod, wish->token, outcome);
	else if (wish->token != NULL)
		ln_token_refuse(&wish->token, LN_ERR_INTERNAL_SERVER_ERROR, NULL);
	free(wish);
}

static void
wish_done(void *arg, enum ln_registry_outcome outcome, const char *error)
{
	struct wish *wish = arg;

	if (outcome == LN_REGISTRY_FAILED)
		log_error("accounts", "account not stored jid=%s reason=%s", wish->jid.full, error);
	wish_end(wish, outcome);
}

static struct wish *
wish_new(const struct ln_mod *mod, const struct ln_jid *account, struct ln_token *token,
    ln_registry_done *done)
{
	size_t len = ln_jid_bare_len(account);
	struct wish *wish = xcalloc(1, sizeof *wish + len + 1);

	wish->slot = mod->slot;
	wish->token = token;
	wish->done = done;
	wish->jid = *account;
	wish->jid.resource_len = 0;
	memcpy(wish->name, account->full, len);
	wish->jid.full = wish->name;
	return wish;
}

void
ln_registry_create(const struct ln_mod *mod, const struct ln_jid *account, const char *password,
    int64_t reserved_ms, struct ln_token *token, ln_registry_done *done)
{
	struct wish *wish = wish_new(mod, account, token, done);

	if (!registry_create(account, password, reserved_ms, wish_done, wish))
		wish_end(wish, LN_REGISTRY_BUSY);
}

void
ln_registry_set_password(const struct ln_mod *mod, const struct ln_jid *account,
    const char *password, struct ln_token *token, ln_registry_done *done)
{
	struct wish *wish = wish_new(mod, account, token, done);

	if (!registry_set_password(account, password, wish_done, wish))
		wish_end(wish, LN_REGISTRY_BUSY);
}

/* The result goes straight to the session that asked: the account's inbox is about to be closed. */
static void
farewell(struct ln_account *account, void *arg, bool ok)
{
	struct ln_token *token = arg;
	struct ln_session *session = NULL;
	struct ln_stanza *result;

	if (!ok || account == NULL) {
		ln_token_refuse(&token, LN_ERR_INTERNAL_SERVER_ERROR, NULL);
		return;
	}
	result = iq_token_result(&token);
	if (result != NULL && ln_jid_same_bare(&result->to, &account->entity.jid))
		session = account_session_by_resource(account, ln_jid_resource(&result->to));
	if (session != NULL)
		session_send(session, result);
	else
		ln_stanza_free(&result);
}

void
ln_registry_remove(struct ln_account *account, struct ln_token *token)
{
	if (!registry_remove(account, token != NULL ? farewell : NULL, NULL, token) &&
	    token != NULL)
		ln_token_refuse(&token, LN_ERR_REGISTRATION_REQUIRED,
		    "the account is being deleted already");
}
