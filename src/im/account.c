/*
 * Accounts: loading, unloading, and what arrives in their inboxes.
 *
 * SPDX-License-Identifier: MIT
 */
#include "im/account.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "core/module.h"
#include "core/port.h"
#include "core/router.h"
#include "core/work.h"
#include "im/deliver.h"
#include "im/manage.h"
#include "im/pending.h"
#include "im/presence.h"
#include "im/registry.h"
#include "im/roster.h"
#include "im/session.h"
#include "im/sweep.h"
#include "store/entity.h"

#define INBOX_BYTES ((size_t)4 << 20) /* DESIGN section 4 */
#define PRELOADS_MAX 256

/* --- finding sessions --------------------------------------------------------------------- */

struct ln_session *
account_session(struct ln_account *account, uint64_t id)
{
	struct ln_session *session = session_find(id);

	return session != NULL && session->account == account ? session : NULL;
}

struct ln_session *
account_session_by_resource(struct ln_account *account, const char *resource)
{
	struct ln_session *session;

	TAILQ_FOREACH(session, &account->sessions, link)
		if (strcmp(ln_jid_resource(&session->jid), resource) == 0)
			return session;
	return NULL;
}

/* --- loading ------------------------------------------------------------------------------- */

struct loading {
	struct ln_jid jid;
	unsigned generation; /* of the snapshot whose modules were asked what to load */
	char name[LN_JID_MAX + 1];
};

static void
open_slices(struct ln_account *account, const struct store_loaded *loaded)
{
	account->entity.number = loaded->number;
	account->disabled = loaded->disabled != 0;
	account->stored_count = loaded->pending_count;
	account->stored_bytes = loaded->pending_bytes;
	roster_open(account, loaded->values[0], loaded->values[1]);
	module_values_loaded(account, loaded->values + 2, loaded->value_count - 2);
	work_begin(&account->entity, NULL);
	module_account_open(account);
	work_end();
	account->open = true;
}

static void
open_account(struct ln_account *account, const struct store_loaded *loaded)
{
	open_slices(account, loaded);
	if (loaded->status == STORE_DYING)
		registry_bury(account);
	else
		entity_loaded(&account->entity);
}

static void read_account(struct entity *entity);

static void
account_loaded(struct store_job *job, const struct store_loaded *loaded, void *arg)
{
	struct loading *loading = arg;
	struct entity *entity = entity_find(&loading->jid);
	bool outdated = loading->generation != snapshot_current()->generation;

	(void)job;
	free(loading);
	if (entity == NULL || entity->life != LIFE_LOADING)
		return;
	if (outdated)
		read_account(entity);
	else if (loaded->outcome != STORE_OK)
		entity_failed(entity);
	else if (loaded->status == STORE_ABSENT || loaded->kind != STORE_ACCOUNT)
		entity_absent(entity);
	else
		open_account(account_of(entity), loaded);
}

static void
read_account(struct entity *entity)
{
	struct store_preload preloads[PRELOADS_MAX] = { { ROSTER_MODULE, ROSTER_VALUE },
		{ ROSTER_MODULE, ROSTER_VERSION } };
	size_t count = 2 + module_preloads(entity->host, preloads + 2, PRELOADS_MAX - 2);
	struct loading *loading = xcalloc(1, sizeof *loading);

	loading->generation = snapshot_current()->generation;
	loading->jid = entity->jid;
	memcpy(loading->name, entity->jid.full, ln_jid_len(&entity->jid));
	loading->jid.full = loading->name;
	store_load(work_store(), entity->last_write, loading->name, preloads, count, 0,
	    account_loaded, loading);
}

static void
account_load(struct entity *entity)
{
	struct ln_account *account = account_of(entity);

	TAILQ_INIT(&account->sessions);
	TAILQ_INIT(&account->waiting);
	STAILQ_INIT(&account->behind);
	read_account(entity);
}

static bool
account_loads(const struct ln_stanza *st)
{
	return presence_loads(st);
}

static bool
account_idle(const struct entity *entity)
{
	const struct ln_account *account = (const struct ln_account *)entity;

	return account->session_count == 0 && TAILQ_EMPTY(&account->waiting);
}

static void
account_unload(struct entity *entity)
{
	struct ln_account *account = account_of(entity);

	pending_close(account);
	if (account->open) {
		module_account_close(account);
		roster_close(account);
	}
	for (int i = 0; account->ended != NULL && i < ENDED_MAX; i++)
		free(account->ended[i].sm_id);
	free(account->ended);
	free(account);
}

static void
account_deliver(struct entity *entity, struct ln_stanza *st)
{
	work_begin(entity, st);
	deliver(account_of(entity), st);
	work_end();
}

void
account_end_sessions(struct ln_account *account, const char *condition, const char *reason)
{
	struct ln_session *session;

	while ((session = TAILQ_FIRST(&account->sessions)) != NULL)
		session_end(session, condition, reason);
}

static void
account_host_gone(struct entity *entity)
{
	if (!account_of(entity)->open)
		return;
	work_begin(entity, NULL);
	account_end_sessions(account_of(entity), "host-gone", "the host is not served any more");
	work_end();
}

const struct entity_ops account_ops = {
	.kind = "account",
	.size = sizeof(struct ln_account),
	.inbox_max = INBOX_BYTES,
	.loads = account_loads,
	.load = account_load,
	.deliver = account_deliver,
	.idle = account_idle,
	.host_gone = account_host_gone,
	.unload = account_unload,
};

/* --- from streams ------------------------------------------------------------------------------ */

static void
send_nonza_event(struct ln_session *session, const struct up *up)
{
	struct ln_account *account = session->account;
	struct ln_ev_session_nonza ev = { .account = account,
		.session = session,
		.elem = up->nonza.elem };

	/* What no module knows is not for us to refuse: it may be a feature switched off by a
	 * reload. */
	fire_session_nonza(account->entity.host, &ev);
}

static void
session_up(struct ln_session *session, struct up *up)
{
	switch (up->kind) {
	case UP_ENABLE:
		manage_enable(session, up);
		break;
	case UP_ACKED:
		session_acked(session, up->acked.h, up->acked.by_kernel);
		break;
	case UP_ASKED:
		manage_asked(session);
		break;
	case UP_ANSWERED:
		session_answered(session, up->answered.stanza, up->answered.reply);
		up->answered.stanza = NULL;
		up->answered.reply = NULL;
		break;
	case UP_NONZA:
		send_nonza_event(session, up);
		break;
	case UP_DETACH:
		session_detach(session, up->detach.closed, up->detach.reason);
		break;
	default:
		break;
	}
}

/* An account that is dying or disabled takes no new session. */
static void
refuse(const struct up *up)
{
	const struct port_bound refused = { .error = LN_ERR_NOT_AUTHORIZED };
	struct port *port = port_find(up->port);

	if (port != NULL && up->kind == UP_BIND)
		port->ops->bound(port, &refused);
	else if (port != NULL && up->kind == UP_RESUME)
		port->ops->failed(port, LN_ERR_ITEM_NOT_FOUND, false, 0);
}

static void
account_up(struct entity *entity, struct up *up)
{
	struct ln_account *account = account_of(entity);
	struct ln_session *session;

	if (entity->life == LIFE_DYING) {
		refuse(up);
		return;
	}
	if (up->kind == UP_BIND || up->kind == UP_RESUME) {
		if (account->disabled)
			refuse(up);
		else if (up->kind == UP_BIND)
			session_bind(account, up);
		else
			manage_resume(account, up);
		return;
	}
	/* A session that was taken over by another stream does not listen to the old one. */
	session = account_session(account, up->session);
	if (session != NULL && session->port.id == up->port.id)
		session_up(session, up);
}

static void
account_up_stanza(struct entity *entity, struct ln_stanza *st, uint64_t port)
{
	struct ln_session *session = account_session(account_of(entity), st->session);

	/* What an old stream still had to say its client sends again on the one that has resumed. */
	if (session == NULL || (session->port.id != 0 && session->port.id != port))
		ln_stanza_free(&st);
	else
		session_submit(session, st);
}

/* --- the end ----------------------------------------------------------------------------------------- */

void
account_gone(struct ln_account *account)
{
	const struct ln_host *host = account->entity.host;
	struct ln_ev_account_deleted ev = { .account = account };

	presence_account_gone(account);
	account_end_sessions(account, "not-authorized", "the account was deleted");
	fire_account_deleted(host, &ev);
	for (unsigned i = 0; i < host->component_count; i++)
		fire_account_deleted(host->components[i], &ev);
	pending_close(account);
	entity_die(&account->entity);
}

static void
shut_down(struct entity *entity, void *arg)
{
	(void)arg;
	if (entity->ops != &account_ops || !account_of(entity)->open)
		return;
	work_begin(entity, NULL);
	account_end_sessions(account_of(entity), "system-shutdown", "the server is shut down");
	work_end();
}

static atomic_bool stopping;

bool
im_stopping(void)
{
	return atomic_load_explicit(&stopping, memory_order_relaxed);
}

void
im_shutdown(void)
{
	atomic_store(&stopping, true);
	entity_each(shut_down, NULL);
}

struct domain_gone {
	const char *local, *remote;
};

static void
tell_domain_gone(struct entity *entity, void *arg)
{
	const struct domain_gone *gone = arg;

	if (entity->ops != &account_ops || !account_of(entity)->open ||
	    TAILQ_EMPTY(&account_of(entity)->sessions) ||
	    !ln_jid_in_domain(&entity->jid, gone->local))
		return;
	work_begin(entity, NULL);
	presence_domain_gone(account_of(entity), gone->remote);
	work_end();
}

static void
domain_gone(const char *local, const char *remote)
{
	struct domain_gone gone = { local, remote };

	entity_each(tell_domain_gone, &gone);
}

void
im_init(void)
{
	router_set_domain_gone(domain_gone);
	up_handler = account_up;
	up_stanza_handler = account_up_stanza;
	session_init();
	pending_init();
	sweep_init();
}
