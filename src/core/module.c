/*
 * The run time behind linnet/module.h: hosts, verdicts, what is around each handler.
 * State is in slices.c, values are in value.c, questions and timers in ask.c, iq and
 * tokens in iq.c.
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

static char *data;

const char *
ln_data(void)
{
	return data;
}

void
module_set_data(const char *folder)
{
	free(data);
	data = xstrdup(folder);
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

/* --- at start ---------------------------------------------------------------------------------------------- */

void
module_init(void)
{
	started = clock_ms();
	slices_init();
	iq_init();
}
