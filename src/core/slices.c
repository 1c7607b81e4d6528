/*
 * State of modules: a slice of each account and session, a piece of each worker
 * (linnet/module.h), opened and closed with what they belong to, and when a
 * reload switches modules on or off.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "core/entity.h"
#include "core/iq.h"
#include "core/module.h"
#include "core/router.h"
#include "core/work.h"
#include "net/worker.h"

static unsigned slot; /* worker slot: struct module_worker */

struct module_worker {
	void **state; /* by instance */
	unsigned count;
};

/* --- slices ------------------------------------------------------------------------------------ */

static void
slices_grow(struct slices *slices, unsigned count)
{
	if (count <= slices->count)
		return;
	slices->slot = xrealloc(slices->slot, count * sizeof(void *));
	memset(slices->slot + slices->count, 0, (count - slices->count) * sizeof(void *));
	slices->count = count;
}

static void *
slice_of(const struct slices *slices, const struct ln_mod *mod)
{
	return mod->slot < slices->count ? slices->slot[mod->slot] : NULL;
}

static void *
slice_new(struct slices *slices, const struct ln_mod *mod, size_t size)
{
	slices_grow(slices, mod->slot + 1);
	return slices->slot[mod->slot] = xcalloc(1, size);
}

static void
slices_free(struct slices *slices)
{
	for (unsigned i = 0; i < slices->count; i++)
		free(slices->slot[i]);
	free(slices->slot);
	slices->slot = NULL;
	slices->count = 0;
}

/* Debug builds: state is touched at home alone. */
static void
check_home(const struct ln_account *account)
{
#ifdef LN_DEBUG
	const struct entity *entity = account_entity(account);

	if (!router_is_home(&entity->jid)) {
		fprintf(stderr, "linnet: state of %s touched on worker %u, its home is %u\n",
		    entity->jid.full, worker_index(worker_current()),
		    worker_index(router_home(&entity->jid)));
		abort();
	}
#else
	(void)account;
#endif
}

void *
ln_account_state(const struct ln_mod *mod, const struct ln_account *account)
{
	check_home(account);
	return slice_of(account_slices(account), mod);
}

void *
ln_session_state(const struct ln_mod *mod, const struct ln_session *session)
{
	check_home(ln_session_account(session));
	return slice_of(session_slices(session), mod);
}

void *
ln_worker_state(const struct ln_mod *mod)
{
	const struct module_worker *mw = worker_slot(worker_current(), slot);

	return mod->instance < mw->count ? mw->state[mod->instance] : NULL;
}

static bool
has_account_part(const struct ln_mod *mod)
{
	return mod->def->account_size > 0 || mod->def->account_open != NULL;
}

static void
open_account_slice(const struct ln_mod *mod, struct ln_account *account)
{
	if (!has_account_part(mod))
		return;
	slice_new(account_slices(account), mod, mod->def->account_size);
	account_entity(account)->memory += mod->def->account_size;
	if (mod->def->account_open != NULL)
		mod->def->account_open(mod, account);
}

static void
open_session_slice(const struct ln_mod *mod, struct ln_session *session)
{
	if (mod->def->session_size == 0 && mod->def->session_open == NULL)
		return;
	slice_new(session_slices(session), mod, mod->def->session_size);
	if (mod->def->session_open != NULL)
		mod->def->session_open(mod, session);
}

void
module_account_open(struct ln_account *account)
{
	const struct ln_host *host = ln_account_host(account);

	for (unsigned i = 0; i < host->mod_count; i++)
		open_account_slice(host->mods[i], account);
}

static void
slice_free(struct slices *slices, const struct ln_mod *mod)
{
	free(slices->slot[mod->slot]);
	slices->slot[mod->slot] = NULL;
}

static void
close_account_slice(const struct ln_mod *mod, struct ln_account *account)
{
	if (slice_of(account_slices(account), mod) == NULL)
		return;
	if (mod->def->account_close != NULL)
		mod->def->account_close(mod, account);
	slice_free(account_slices(account), mod);
	account_entity(account)->memory -= mod->def->account_size;
}

static void
close_session_slice(const struct ln_mod *mod, struct ln_session *session)
{
	if (slice_of(session_slices(session), mod) == NULL)
		return;
	if (mod->def->session_close != NULL)
		mod->def->session_close(mod, session);
	slice_free(session_slices(session), mod);
}

bool
module_account_ready(const struct ln_mod *mod, const struct ln_account *account)
{
	return !has_account_part(mod) || slice_of(account_slices(account), mod) != NULL;
}

void
module_account_close(struct ln_account *account)
{
	const struct ln_host *host = ln_account_host(account);

	for (unsigned i = host->mod_count; i-- > 0;)
		close_account_slice(host->mods[i], account);
	slices_free(account_slices(account));
	values_free(account);
}

void
module_session_open(struct ln_session *session)
{
	const struct ln_host *host = ln_account_host(ln_session_account(session));

	for (unsigned i = 0; i < host->mod_count; i++)
		open_session_slice(host->mods[i], session);
}

void
module_session_close(struct ln_session *session)
{
	const struct ln_host *host = ln_account_host(ln_session_account(session));

	for (unsigned i = host->mod_count; i-- > 0;)
		close_session_slice(host->mods[i], session);
	ask_session_closed(session);
	slices_free(session_slices(session));
}

/* --- a new snapshot ------------------------------------------------------------------------------ */

bool
module_keeps(const struct snapshot *snapshot, unsigned instance)
{
	for (unsigned i = 0; snapshot != NULL && i < snapshot->mod_count; i++)
		if (snapshot->mods[i]->instance == instance)
			return true;
	return false;
}

static void
open_worker_state(struct module_worker *mw, const struct ln_mod *mod)
{
	unsigned old = mw->count;

	if (mod->def->worker_size == 0)
		return;
	if (mod->instance >= old) {
		mw->count = mod->instance + 1;
		mw->state = xrealloc(mw->state, mw->count * sizeof(void *));
		memset(mw->state + old, 0, (mw->count - old) * sizeof(void *));
	}
	if (mw->state[mod->instance] != NULL)
		return;
	mw->state[mod->instance] = xcalloc(1, mod->def->worker_size);
	if (mod->def->worker_open != NULL)
		mod->def->worker_open(mod);
}

static void
close_worker_state(struct module_worker *mw, const struct ln_mod *mod)
{
	if (mod->instance >= mw->count || mw->state[mod->instance] == NULL)
		return;
	if (mod->def->worker_close != NULL)
		mod->def->worker_close(mod);
	free(mw->state[mod->instance]);
	mw->state[mod->instance] = NULL;
}

static void
open_new_slices(const struct ln_host *host, struct ln_account *account)
{
	struct ln_session *session;

	for (unsigned i = 0; i < host->mod_count; i++)
		if (slice_of(account_slices(account), host->mods[i]) == NULL &&
		    values_ready(account, host->mods[i]))
			open_account_slice(host->mods[i], account);
	for (session = ln_session_first(account); session != NULL;
	     session = ln_session_next(session))
		for (unsigned i = 0; i < host->mod_count; i++)
			if (slice_of(session_slices(session), host->mods[i]) == NULL &&
			    values_ready(account, host->mods[i]))
				open_session_slice(host->mods[i], session);
}

/* A module that went with a reload: sessions first, as at the end. */
static void
close_module(const struct ln_mod *mod, struct ln_account *account)
{
	struct ln_session *session;

	for (session = ln_session_first(account); session != NULL;
	     session = ln_session_next(session)) {
		close_session_slice(mod, session);
		ask_module_gone(session, mod->slot);
	}
	close_account_slice(mod, account);
	values_forget(account, mod);
}

static void
close_gone_modules(const struct ln_host *old, struct ln_account *account)
{
	const struct ln_host *host = ln_account_host(account);

	for (unsigned i = old->mod_count; i-- > 0;)
		if (module_on(host, old->mods[i]->slot) == NULL)
			close_module(old->mods[i], account);
}

/*
 * Modules that came: slices are opened, where something is preloaded after that was read. Meanwhile
 * the inbox waits, but answers of the store and the end still reach the account: module_enter().
 */
void
module_account_changed(struct entity *entity)
{
	struct ln_account *account = account_of_entity(entity);

	if (entity->life == LIFE_DYING || entity->number == 0)
		return; /* nothing is open */
	if (entity->life == LIFE_ACTIVE)
		values_reload(account);
	work_begin(entity, NULL);
	open_new_slices(entity->host, account);
	work_end();
}

static bool
same_modules(const struct ln_host *a, const struct ln_host *b)
{
	for (unsigned i = 0; i < a->mod_count && a->mod_count == b->mod_count; i++)
		if (a->mods[i]->slot != b->mods[i]->slot)
			return false;
	return a->mod_count == b->mod_count;
}

static void
change_modules(struct entity *entity, struct ln_account *account, const struct ln_host *host)
{
	if (host != NULL) {
		work_begin(entity, NULL);
		close_gone_modules(host, account);
		work_end();
	}
	module_account_changed(entity);
}

static void
fire_reloaded(struct entity *entity, void *arg)
{
	struct ln_ev_account_reloaded ev = { 0 };

	(void)arg;
	if (entity == NULL)
		return;
	ev.account = account_of_entity(entity);
	if (ev.account != NULL)
		fire_account_reloaded(entity->host, &ev);
}

/* By way of the inbox: behind the reading of what a new module preloads. */
static void
tell_account(struct entity *entity, const struct ln_account *account)
{
	if (entity->host->chains[LN_EV_account_reloaded].count > 0 && entity->number != 0 &&
	    ln_session_first(account) != NULL)
		entity_call(&entity->jid, fire_reloaded, NULL);
}

static void
change_account(struct entity *entity, void *arg)
{
	const struct snapshot *old = arg;
	struct ln_account *account = account_of_entity(entity);
	struct ln_host *host;

	if (account == NULL)
		return;
	HASH_FIND(hh, old->hosts, entity->host->name, strlen(entity->host->name), host);
	if (host == NULL || !same_modules(host, entity->host)) {
		/* Whom nobody uses is loaded again when somebody does. */
		if (entity_evict(entity))
			return;
		change_modules(entity, account, host);
	}
	tell_account(entity, account);
}

static void
installed(const struct snapshot *old, const struct snapshot *now)
{
	struct module_worker *mw = worker_slot(worker_current(), slot);

	if (mw == NULL)
		return; /* the main thread runs no handlers */
	for (unsigned i = 0; i < now->mod_count; i++)
		open_worker_state(mw, now->mods[i]);
	if (old == NULL)
		return;
	entity_each(change_account, (void *)old);
	iq_modules_changed(now);
	for (unsigned i = 0; i < old->mod_count; i++)
		if (!module_keeps(now, old->mods[i]->instance))
			close_worker_state(mw, old->mods[i]);
}

/* --- the worker -------------------------------------------------------------------------------------------- */

static void
open_worker(struct worker *worker)
{
	worker_slot_set(worker, slot, xcalloc(1, sizeof(struct module_worker)));
}

static void
close_worker(struct worker *worker)
{
	struct module_worker *mw = worker_slot(worker, slot);
	const struct snapshot *snapshot = snapshot_current();

	for (unsigned i = 0; snapshot != NULL && i < snapshot->mod_count; i++)
		close_worker_state(mw, snapshot->mods[i]);
	free(mw->state);
	free(mw);
	worker_slot_set(worker, slot, NULL);
}

void
slices_init(void)
{
	slot = worker_slot_new();
	worker_on_open(open_worker);
	worker_on_close(close_worker);
	snapshot_on_install(installed);
}
