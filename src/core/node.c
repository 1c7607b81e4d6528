/*
 * Nodes: loading, serving, timers; their rows are in node_rows.c. See linnet/node.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/node.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "core/fanout.h"
#include "core/router.h"
#include "core/work.h"
#include "store/entity.h"

#define INBOX_BYTES ((size_t)40 << 20) /* DESIGN section 4 */
#define WAIT_MAX_MS 45000 /* less than a hold may be out: a busy room ends nobody's session */
#define PRELOADS_MAX 32

static struct ln_node *
as_node(struct entity *entity)
{
	return (struct ln_node *)entity;
}

const struct ln_mod *
node_mod(const struct ln_node *node)
{
	return node->entity.host->own;
}

struct ln_node *
node_of(struct entity *entity)
{
	if (entity == NULL || entity->ops != &node_ops || as_node(entity)->state == NULL)
		return NULL;
	return as_node(entity);
}

const struct ln_jid *
ln_node_jid(const struct ln_node *node)
{
	return &node->entity.jid;
}

const struct ln_host *
ln_node_host(const struct ln_node *node)
{
	return node->entity.host;
}

void *
ln_node_state(const struct ln_node *node)
{
	return node->state;
}

void
ln_node_memory(struct ln_node *node, int64_t bytes)
{
	node->entity.memory += (size_t)bytes;
}

/* --- loading ------------------------------------------------------------------------ */

void
node_named_set(struct node_named *named, const struct entity *entity)
{
	memcpy(named->name, entity->jid.full, ln_jid_len(&entity->jid));
	named->jid = entity->jid;
	named->jid.full = named->name;
}

/* What the module wants at hand; returns how many, in the order of its values. */
static size_t
preloads(const struct ln_module *module, struct store_preload list[PRELOADS_MAX])
{
	size_t count = 0;

	for (const struct ln_value *value = module->values; value != NULL && value->name != NULL;
	     value++)
		if ((value->flags & LN_PRELOAD) && count < PRELOADS_MAX)
			list[count++] = (struct store_preload){ module->name, value->name };
	return count;
}

static void
open_node(struct ln_node *node, const struct store_loaded *loaded)
{
	if (loaded->status == STORE_ACTIVE && loaded->kind == STORE_ROOM)
		node->entity.number = loaded->number;
	node->kind = node_mod(node)->def->nodes;
	node->state = xcalloc(1, node->kind->size);
	node->entity.memory += node->kind->size;
	node->loaded = loaded;
	work_begin(&node->entity, NULL);
	node->kind->open(node_mod(node), node);
	work_end();
	node->loaded = NULL;
}

static void
node_loaded(struct store_job *job, const struct store_loaded *loaded, void *arg)
{
	struct node_named *named = arg;
	struct entity *entity = entity_find(&named->jid);

	(void)job;
	free(named);
	if (entity == NULL || entity->ops != &node_ops || entity->life != LIFE_LOADING ||
	    as_node(entity)->state != NULL)
		return;
	if (loaded->outcome != STORE_OK)
		entity_failed(entity);
	else
		open_node(as_node(entity), loaded);
}

static void
node_fires(void *arg)
{
	struct ln_node *node = arg;

	if (node->fire != NULL)
		ln_node_call(&node->entity.jid, NULL, NULL);
}

static void
node_load(struct entity *entity)
{
	struct store_preload list[PRELOADS_MAX];
	struct node_named *named = xcalloc(1, sizeof *named);
	size_t count = preloads(entity->host->own->def, list);

	timer_init(&as_node(entity)->timer, node_fires, entity);
	node_named_set(named, entity);
	store_load(work_store(), entity->last_write, named->name, list, count, 0, node_loaded,
	    named);
}

void
ln_node_ready(struct ln_node *node)
{
	if (node->entity.life == LIFE_LOADING && !node->creating)
		entity_loaded(&node->entity);
}

static bool
node_loads(const struct ln_stanza *st)
{
	const struct ln_host *host = host_of(ln_to(st));

	return host->own->def->nodes->loads(st);
}

static bool
node_idle(const struct entity *entity)
{
	const struct ln_node *node = (const struct ln_node *)entity;

	return !timer_is_set(&node->timer) && node->kind->idle(node_mod(node), node);
}

static void
node_unload(struct entity *entity)
{
	struct ln_node *node = as_node(entity);

	timer_cancel(&node->timer);
	if (node->state != NULL)
		node->kind->close(node);
	free(node->state);
	free(node);
}

/* --- serving ------------------------------------------------------------------------- */

static void
answer_request(struct ln_node *node, struct ln_stanza *st)
{
	struct ln_ev_iq ev = { .stanza = st, .host = node->entity.host };
	bool refused;

	ev.query = ln_first(st);
	module_enter(node_mod(node), LN_EV_COUNT);
	node->kind->iq(node_mod(node), node, &ev);
	module_leave(node_mod(node));
	if (ev.stanza == NULL)
		return;
	refused = (ev.stanza->flags & (STANZA_ANSWERED | STANZA_REFUSED)) == 0;
	if (refused)
		router_bounce(ev.stanza, LN_ERR_SERVICE_UNAVAILABLE, NULL);
	else
		ln_stanza_free(&ev.stanza);
}

static void
serve_node(struct ln_node *node, struct ln_stanza *st)
{
	struct ln_ev_node ev = { .stanza = st };

	if (st->kind == LN_IQ && (st->type == LN_GET || st->type == LN_SET) &&
	    ln_jid_is_bare(&st->to)) {
		answer_request(node, st);
		return;
	}
	module_enter(node_mod(node), LN_EV_COUNT);
	node->kind->stanza(node_mod(node), node, &ev);
	module_leave(node_mod(node));
	ln_stanza_free(&ev.stanza);
}

/* While the store fails: what would be kept, and requests that change something, by kind. */
static bool
is_refused(const struct ln_stanza *st)
{
	if (st->kind == LN_IQ)
		return st->type == LN_SET && ln_jid_is_bare(&st->to) && store_stalled(work_store());
	return work_refuses(st);
}

static void
node_deliver(struct entity *entity, struct ln_stanza *st)
{
	if (is_refused(st)) { /* before anything is shown that would not be kept */
		router_bounce(st, LN_ERR_RESOURCE_CONSTRAINT, NULL);
		return;
	}
	work_begin(entity, st);
	serve_node(as_node(entity), st);
	work_end();
}

static void
end_node(struct ln_node *node, enum ln_node_end why)
{
	work_begin(&node->entity, NULL);
	node->kind->ending(node_mod(node), node, why);
	work_end();
}

static void
node_host_gone(struct entity *entity)
{
	struct ln_node *node = as_node(entity);

	if (node->state != NULL)
		end_node(node, LN_NODE_HOST_GONE);
}

const struct entity_ops node_ops = {
	.kind = "node",
	.size = sizeof(struct ln_node),
	.inbox_max = INBOX_BYTES,
	.wait_max = WAIT_MAX_MS,
	.loads = node_loads,
	.load = node_load,
	.deliver = node_deliver,
	.idle = node_idle,
	.host_gone = node_host_gone,
	.unload = node_unload,
};

static void
shut_down(struct entity *entity, void *arg)
{
	(void)arg;
	if (node_of(entity) != NULL)
		end_node(as_node(entity), LN_NODE_SHUTDOWN);
}

void
nodes_shutdown(void)
{
	entity_each(shut_down, NULL);
}

static void
look_for_unsent(struct entity *entity, void *arg)
{
	bool *sent = arg;

	if (entity->ops == &node_ops && entity->fanout != NULL)
		*sent = false;
}

bool
nodes_sent(void)
{
	bool sent = true;

	entity_each(look_for_unsent, &sent);
	return sent;
}

/* --- sending ------------------------------------------------------------------------------- */

struct fanout *
ln_fan_out_new(struct ln_stanza *st)
{
	return fanout_new(st);
}

struct fanout *
ln_fan_in_new(const struct ln_jid *to)
{
	return fanout_new_list(to);
}

void
ln_fan_in_add(struct fanout *fanout, const struct ln_stanza *st)
{
	fanout_list(fanout, st);
}

void
ln_fan_out_add(struct fanout *fanout, const struct ln_jid *to)
{
	fanout_add(fanout, to);
}

void
ln_fan_out_send(struct ln_node *node, struct fanout *fanout)
{
	fanout_send(&node->entity, fanout);
}

void
ln_node_send(struct ln_node *node, struct ln_stanza *st)
{
	struct fanout *fanout;

	if (node->entity.fanout == NULL) {
		node->entity.fanned++;
		router_route(st);
		return;
	}
	fanout = fanout_new(st);
	fanout_add(fanout, ln_to(st));
	fanout_send(&node->entity, fanout);
}

/* --- time and place ---------------------------------------------------------------------------- */

void
ln_node_timer(struct ln_node *node, int64_t ms,
    void (*fire)(const struct ln_mod *mod, struct ln_node *node))
{
	node->fire = fire;
	if (ms > 0)
		timer_set(&node->timer, ms);
	else
		timer_cancel(&node->timer);
}

struct node_call {
	void (*run)(const struct ln_mod *mod, struct ln_node *node, void *arg);
	void *arg;
};

static void
run_node_call(struct entity *entity, void *arg)
{
	struct node_call *call = arg;
	struct ln_node *node = node_of(entity);

	if (call->run != NULL)
		call->run(node != NULL ? node_mod(node) : NULL, node, call->arg);
	else if (node != NULL && node->fire != NULL && !timer_is_set(&node->timer))
		node->fire(node_mod(node), node);
	free(call);
}

void
ln_node_call(const struct ln_jid *jid,
    void (*run)(const struct ln_mod *mod, struct ln_node *node, void *arg), void *arg)
{
	struct node_call *call = xcalloc(1, sizeof *call);

	call->run = run;
	call->arg = arg;
	entity_call(jid, run_node_call, call);
}

struct component_call {
	void (*run)(const struct ln_mod *mod, void *arg);
	void *arg;
};

static void
run_component_call(struct entity *entity, void *arg)
{
	struct component_call *call = arg;

	call->run(entity != NULL ? entity->host->own : NULL, call->arg);
	free(call);
}

void
ln_component_call(const struct ln_jid *domain, void (*run)(const struct ln_mod *mod, void *arg),
    void *arg)
{
	struct component_call *call = xcalloc(1, sizeof *call);

	call->run = run;
	call->arg = arg;
	entity_call(domain, run_component_call, call);
}

/* --- all of a component ------------------------------------------------------------------------- */

struct listing {
	struct node_named host;
	void (*each)(const struct ln_mod *mod, const char *jid, void *arg);
	void *arg;
};

static void
listed(struct store_job *job, void *arg)
{
	const struct listing *listing = arg;
	const struct ln_host *host = host_of(&listing->host.jid);
	const struct ln_mod *mod = host != NULL ? host->own : NULL;

	for (const struct store_row *row = store_rows(job, 0); row != NULL; row = row->next)
		if (row->cell[2].integer == STORE_ACTIVE)
			listing->each(mod, row->cell[0].bytes, listing->arg);
	listing->each(mod, NULL, listing->arg);
}

void
ln_node_list(const struct ln_mod *mod, const char *after, unsigned limit,
    void (*each)(const struct ln_mod *mod, const char *jid, void *arg), void *arg)
{
	struct store_job *job = store_job_new(work_store(), "node");
	struct listing *listing = store_job_alloc(job, sizeof *listing);
	const struct ln_jid *jid = &mod->host->jid;

	memcpy(listing->host.name, jid->full, ln_jid_len(jid));
	listing->host.jid = *jid;
	listing->host.jid.full = listing->host.name;
	listing->each = each;
	listing->arg = arg;
	store_entity_list(job, STORE_ROOM, mod->host->name, after, limit);
	store_read(job, 0, listed, listing);
}
