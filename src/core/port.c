/*
 * Ports and what goes up from them. See port.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/port.h"

#include <stdlib.h>
#include <string.h>

#include "base/handle.h"
#include "base/metrics.h"
#include "base/xalloc.h"
#include "core/router.h"
#include "core/work.h"
#include "net/worker.h"

void (*up_handler)(struct entity *entity, struct up *up);
void (*up_stanza_handler)(struct entity *entity, struct ln_stanza *st, uint64_t port);

enum { CROWDED };
static const struct metric_row rows[] = {
	[CROWDED] = { "crowded_total", METRIC_COUNTER,
	    "Times a stream was not read from since its account had not taken what it sent." },
};
METRICS(metrics, "port", rows);

static unsigned slot;

/* --- down ------------------------------------------------------------------------ */

static struct handles *
local(void)
{
	return worker_slot(worker_current(), slot);
}

void
port_open(struct port *port, const struct port_ops *ops)
{
	*port = (struct port){ .ops = ops };
	port->id = handle_new(local(), port);
}

void
port_close(struct port *port)
{
	handle_end(local(), port->id);
	port->id = 0;
}

struct port_ref
port_ref(const struct port *port)
{
	return (struct port_ref){ port->id, worker_index(worker_current()) };
}

struct port *
port_find(struct port_ref ref)
{
	if (ref.id == 0 || ref.worker != worker_index(worker_current()))
		return NULL;
	return handle_get(local(), ref.id);
}

void
port_answer(struct ln_stanza *st)
{
	struct port *port = handle_get(local(), st->port);

	if (port != NULL && port->ops->answer != NULL)
		port->ops->answer(port, st);
	ln_stanza_free(&st);
}

static void
open_worker(struct worker *worker)
{
	worker_slot_set(worker, slot, xcalloc(1, sizeof(struct handles)));
}

static void
close_worker(struct worker *worker)
{
	struct handles *handles = worker_slot(worker, slot);

	handles_free(handles);
	free(handles);
	worker_slot_set(worker, slot, NULL);
}

void
port_init(void)
{
	slot = worker_slot_new();
	worker_on_open(open_worker);
	worker_on_close(close_worker);
}

/* --- what waits ---------------------------------------------------------------------- */

static void
more_waits(struct port *port, uint32_t weight)
{
	port->waiting++;
	port->waiting_bytes += weight;
	if (port->crowded ||
	    (port->waiting < PORT_WAITING_MAX && port->waiting_bytes < PORT_WAITING_BYTES))
		return;
	port->crowded = true;
	metric_inc(metrics, CROWDED);
	if (port->ops->crowded != NULL)
		port->ops->crowded(port, true);
}

/* The account took it; the port may be gone, or be another one. */
static void
less_waits(uint64_t id, uint32_t weight)
{
	struct port *port = handle_get(local(), id);

	if (port == NULL)
		return;
	port->waiting--;
	port->waiting_bytes -= weight;
	if (!port->crowded || port->waiting > PORT_WAITING_MAX / 2 ||
	    port->waiting_bytes > PORT_WAITING_BYTES / 2)
		return;
	port->crowded = false;
	if (port->ops->crowded != NULL)
		port->ops->crowded(port, false);
}

/* --- up ---------------------------------------------------------------------------- */

static void
done(struct up *up)
{
	uint64_t port = up->port.id;
	uint32_t weight = up->item.weight;

	up_free(&up);
	less_waits(port, weight);
}

static void
up_run(struct entity *entity, struct item *item)
{
	struct up *up = (struct up *)item;

	work_begin(entity, NULL);
	up_handler(entity, up);
	work_end();
	done(up);
}

/* No such account. Only who waits for an answer needs one: the stream gives up. */
static void
up_drop(struct item *item, enum item_drop why)
{
	struct up *up = (struct up *)item;
	struct port *port = port_find(up->port);
	const struct port_bound refused = {
		.error = why == DROP_ABSENT ? LN_ERR_NOT_AUTHORIZED : LN_ERR_RESOURCE_CONSTRAINT
	};

	if (port != NULL && up->kind == UP_BIND)
		port->ops->bound(port, &refused);
	else if (port != NULL && up->kind == UP_RESUME)
		port->ops->failed(port, LN_ERR_ITEM_NOT_FOUND, false, 0);
	done(up);
}

struct up *
up_new(enum up_kind kind, const struct ln_jid *account)
{
	size_t len = ln_jid_bare_len(account);
	struct up *up = xcalloc(1, sizeof *up + len + 1);
	char *name = (char *)(up + 1);

	memcpy(name, account->full, len);
	up->account = *account;
	up->account.full = name;
	up->account.resource_len = 0;
	up->kind = kind;
	up->item.run = up_run;
	up->item.drop = up_drop;
	up->item.class = ITEM_CONTROL;
	up->item.weight = (uint32_t)(sizeof *up + len);
	return up;
}

struct arena *
up_arena(struct up *up)
{
	if (up->arena == NULL)
		up->arena = arena_new(256);
	return up->arena;
}

static size_t
contents_weight(const struct up *up)
{
	size_t weight = up->arena != NULL ? arena_size(up->arena) : 0;

	if (up->kind != UP_ANSWERED)
		return weight;
	if (up->answered.stanza != NULL)
		weight += stanza_weight(up->answered.stanza);
	return up->answered.reply != NULL ? weight + stanza_weight(up->answered.reply) : weight;
}

void
up_post(struct up **up)
{
	struct up *posted = *up;
	struct port *port = port_find(posted->port);

	*up = NULL;
	posted->item.weight += (uint32_t)contents_weight(posted);
	if (port != NULL)
		more_waits(port, posted->item.weight);
	router_item(&posted->account, &posted->item);
}

void
up_free(struct up **up)
{
	if (*up == NULL)
		return;
	if ((*up)->kind == UP_ANSWERED) {
		ln_stanza_free(&(*up)->answered.stanza);
		ln_stanza_free(&(*up)->answered.reply);
	}
	arena_free(&(*up)->arena);
	free(*up);
	*up = NULL;
}

static void
submitted(struct entity *entity, struct item *item)
{
	struct ln_stanza *st = (struct ln_stanza *)item;
	uint64_t port = st->from_port;
	uint32_t weight = item->weight;

	st->from_port = 0;
	up_stanza_handler(entity, st, port);
	less_waits(port, weight);
}

/* The session is gone, and with it whoever could be answered. */
static void
not_submitted(struct item *item, enum item_drop why)
{
	struct ln_stanza *st = (struct ln_stanza *)item;

	(void)why;
	less_waits(st->from_port, item->weight);
	ln_stanza_free(&st);
}

void
up_stanza(struct port *port, const struct ln_jid *account, uint64_t session, struct ln_stanza *st)
{
	struct entity *entity = entity_find(account);

	st->session = session;
	st->from_port = port->id;
	st->item.run = submitted;
	st->item.drop = not_submitted;
	st->item.class = ITEM_CONTROL; /* bounded by more_waits() */
	st->item.weight = (uint32_t)stanza_weight(st);
	if (entity == NULL) {
		ln_stanza_free(&st);
		return;
	}
	entity_put(entity, &st->item);
	more_waits(port, st->item.weight);
}
