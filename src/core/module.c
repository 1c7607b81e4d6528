/*
 * The run time behind linnet/module.h: configuration, state, verdicts. Values
 * are in value.c, questions and timers in ask.c, iq and tokens in iq.c.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/module.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/xalloc.h"
#include "core/iq.h"
#include "core/limit.h"
#include "core/router.h"
#include "core/stanza.h"
#include "core/stanza_names.h"
#include "core/work.h"
#include "net/worker.h"

#define SLOW_US 50000 /* a handler that holds its worker up for longer is logged by name */

enum { DROPPED, SLOW };
static const struct metric_row rows[] = {
	[DROPPED] = { "dropped_total", METRIC_COUNTER, "Stanzas that modules dropped." },
	[SLOW] = { "slow_handlers_total", METRIC_COUNTER, "Handlers that took more than 50 ms." },
};
METRICS(metrics, "module", rows);

static unsigned slot; /* worker slot: struct module_worker */

struct module_worker {
	void **state; /* by instance */
	unsigned count;
};

/* --- configuration and host ---------------------------------------------------------------- */

const void *
ln_conf(const struct ln_mod *mod)
{
	return mod->conf;
}

const struct ln_host *
ln_mod_host(const struct ln_mod *mod)
{
	return mod->host;
}

const char *
ln_host_name(const struct ln_host *host)
{
	return host->name;
}

const struct ln_jid *
ln_host_jid(const struct ln_host *host)
{
	return &host->jid;
}

unsigned
ln_host_generation(const struct ln_host *host)
{
	return host->snapshot->generation;
}

const struct ln_mod *
ln_host_mod(const struct ln_host *host, const char *module)
{
	for (unsigned i = 0; i < host->mod_count; i++)
		if (strcmp(host->mods[i]->def->name, module) == 0)
			return host->mods[i];
	return NULL;
}

const struct ln_host *
ln_host_parent(const struct ln_host *host)
{
	return host->parent;
}

const struct ln_host *
ln_host_component_at(const struct ln_host *host, unsigned i)
{
	return i < host->component_count ? host->components[i] : NULL;
}

const struct ln_mod *
ln_host_mod_at(const struct ln_host *host, unsigned i)
{
	return i < host->mod_count ? host->mods[i] : NULL;
}

const struct ln_module *
ln_mod_module(const struct ln_mod *mod)
{
	return mod->def;
}

void
ln_fire_disco(struct ln_ev_disco *ev, bool items)
{
	if (items)
		fire_disco_items(ev->host, ev);
	else
		fire_disco_info(ev->host, ev);
}

void
ln_fire_host_meta(struct ln_ev_host_meta *ev)
{
	fire_host_meta(ev->host, ev);
}

enum ln_verdict
ln_fire_room(const struct ln_host *host, enum ln_event event, struct ln_ev_room *ev)
{
	switch (event) {
	case LN_EV_room_joining:
		return fire_room_joining(host, ev);
	case LN_EV_room_message:
		return fire_room_message(host, ev);
	case LN_EV_room_created:
		fire_room_created(host, ev);
		break;
	case LN_EV_room_joined:
		fire_room_joined(host, ev);
		break;
	case LN_EV_room_left:
		fire_room_left(host, ev);
		break;
	default:
		fire_room_destroyed(host, ev);
	}
	return LN_PASS;
}

const struct ln_mod *
module_on(const struct ln_host *host, unsigned wanted)
{
	for (unsigned i = 0; i < host->mod_count; i++)
		if (host->mods[i]->slot == wanted)
			return host->mods[i];
	return NULL;
}

bool
ln_is_admin(const struct ln_host *host, const struct ln_jid *jid)
{
	for (unsigned i = 0; i < host->admin_count; i++)
		if (ln_jid_same_bare(&host->admins[i], jid))
			return true;
	return false;
}

bool
ln_is_local(const struct ln_jid *jid)
{
	return host_with_accounts(ln_jid_domain(jid), jid->domain_len) != NULL;
}

bool
ln_host_has(const struct ln_host *host, const struct ln_jid *jid)
{
	return ln_jid_same_domain(jid, host->parent != NULL ? &host->parent->jid : &host->jid);
}

/* --- state ------------------------------------------------------------------------------------ */

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
change_account(struct entity *entity, void *arg)
{
	const struct snapshot *old = arg;
	struct ln_account *account = account_of_entity(entity);
	struct ln_host *host;

	if (account == NULL)
		return;
	HASH_FIND(hh, old->hosts, entity->host->name, strlen(entity->host->name), host);
	if (host != NULL && same_modules(host, entity->host))
		return;
	/* Whom nobody uses is loaded again when somebody does. */
	if (entity_evict(entity))
		return;
	if (host != NULL) {
		work_begin(entity, NULL);
		close_gone_modules(host, account);
		work_end();
	}
	module_account_changed(entity);
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

/* --- verdicts --------------------------------------------------------------------------------------- */

static enum ln_verdict __attribute__((format(printf, 4, 0))) refuse(struct ln_stanza *st,
    enum ln_error error, enum ln_error_type type, const char *format, va_list args)
{
	char text[512] = "";
	struct ln_stanza *reply;

	if (st->flags & (STANZA_REFUSED | STANZA_ANSWERED | STANZA_NO_BOUNCE))
		return LN_DONE;
	st->flags |= STANZA_REFUSED;
	if (ln_from(st) == NULL && st->port == 0)
		return LN_DONE;
	if (format != NULL)
		vsnprintf(text, sizeof text, format, args);
	reply = ln_error_reply(st, error, type, text[0] != '\0' ? text : NULL);
	if (reply != NULL)
		router_route(reply);
	return LN_DONE;
}

enum ln_verdict
ln_refuse(struct ln_stanza *st, enum ln_error error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	refuse(st, error, ln_error_type(error), format, args);
	va_end(args);
	return LN_DONE;
}

enum ln_verdict
ln_refuse_as(struct ln_stanza *st, enum ln_error error, enum ln_error_type type, const char *format,
    ...)
{
	va_list args;

	va_start(args, format);
	refuse(st, error, type, format, args);
	va_end(args);
	return LN_DONE;
}

enum ln_verdict
ln_drop(struct ln_stanza *st, const char *reason)
{
	metric_inc(metrics, DROPPED);
	log_debug("module", "stanza dropped from=%s reason=%s",
	    log_quote(ln_from(st) != NULL ? ln_from(st)->full : NULL), reason);
	return LN_DONE;
}

struct ln_stanza *
ln_take(struct ln_ev_head *head)
{
	struct ln_stanza *st = head->stanza;

	head->stanza = NULL;
	return st;
}

/* --- time, counters, limits, log -------------------------------------------------------------------- */

int64_t
ln_now(void)
{
	return worker_now_ms();
}

int64_t
ln_wall(void)
{
	return clock_wall_ms();
}

const char *
ln_version(void)
{
	return LN_VERSION;
}

static const char *data;

const char *
ln_data(void)
{
	return data;
}

void
module_set_data(const char *folder)
{
	data = folder;
}

static int64_t started;

int64_t
ln_uptime(void)
{
	return (clock_ms() - started) / 1000;
}

void
ln_count(const struct ln_mod *mod, unsigned metric)
{
	if (mod->metrics != NULL)
		metric_inc(mod->metrics, metric);
}

bool
ln_limit(const struct ln_mod *mod, const char *key, struct ln_rate rate, int64_t cost)
{
	char whole[LIMIT_KEY_MAX * 2];
	int len = snprintf(whole, sizeof whole, "%s %u %s", mod->def->name, mod->instance, key);

	if (len >= (int)sizeof whole)
		len = sizeof whole - 1;
	return limit_take(whole, (size_t)len, rate, cost);
}

void
ln_log(const struct ln_mod *mod, enum ln_level level, const char *format, ...)
{
	struct log_context here = { .host = mod->host != NULL ? mod->host->name : NULL,
		.module = mod->def->name };
	const struct log_context *outer;
	va_list args;

	if (!log_enabled((enum log_level)level, "module"))
		return;
	outer = log_enter(&here);
	va_start(args, format);
	log_vwrite((enum log_level)level, "module", 0, format, args);
	va_end(args);
	log_leave(outer);
}

/* --- around each handler -------------------------------------------------------------------------------- */

_Thread_local struct breadcrumb breadcrumb;

static bool
is_ready(const struct ln_mod *mod)
{
	struct entity *entity = work_entity();
	struct ln_account *account;

	if (entity == NULL || entity->life != LIFE_LOADING)
		return true;
	account = account_of_entity(entity);
	return account == NULL || values_ready(account, mod);
}

bool
module_enter(const struct ln_mod *mod, enum ln_event event)
{
	if (!is_ready(mod))
		return false;
	breadcrumb.module = mod->def->name;
	breadcrumb.event = event;
	breadcrumb.entered_us = clock_us();
	return true;
}

void
module_leave(const struct ln_mod *mod)
{
	int64_t took = clock_us() - breadcrumb.entered_us;

	breadcrumb.module = NULL;
	if (took < SLOW_US)
		return;
	metric_inc(metrics, SLOW);
	log_limited(LOG_LEVEL_WARNING, "module", 5, 60000,
	    "handler held up its worker module=%s ms=%lld", mod->def->name,
	    (long long)(took / 1000));
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
module_init(void)
{
	slot = worker_slot_new();
	started = clock_ms();
	worker_on_open(open_worker);
	worker_on_close(close_worker);
	snapshot_on_install(installed);
	iq_init();
}
