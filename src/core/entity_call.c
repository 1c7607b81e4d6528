/*
 * Calls in an entity's turn. See entity.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "base/xalloc.h"
#include "core/entity.h"
#include "core/router.h"
#include "core/work.h"

struct call {
	struct item item;
	struct ln_jid jid;
	void (*run)(struct entity *entity, void *arg);
	void *arg;
	char name[];
};

static void
call_run(struct entity *entity, struct item *item)
{
	struct call *call = (struct call *)item;

	work_begin(entity, NULL);
	call->run(entity, call->arg);
	work_end();
	free(call);
}

static void
call_drop(struct item *item, enum item_drop why)
{
	struct call *call = (struct call *)item;

	(void)why;
	call->run(NULL, call->arg);
	free(call);
}

void
entity_call(const struct ln_jid *bare, void (*run)(struct entity *entity, void *arg), void *arg)
{
	size_t len = ln_jid_bare_len(bare);
	struct call *call = xcalloc(1, sizeof *call + len + 1);

	memcpy(call->name, bare->full, len);
	call->jid = *bare;
	call->jid.full = call->name;
	call->jid.resource_len = 0;
	call->run = run;
	call->arg = arg;
	call->item.run = call_run;
	call->item.drop = call_drop;
	call->item.class = ITEM_CONTROL;
	call->item.weight = (uint32_t)(sizeof *call + len);
	router_item(&call->jid, &call->item);
}
