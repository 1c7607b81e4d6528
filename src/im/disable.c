/*
 * Disabled accounts. See disable.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "im/disable.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "core/module.h"
#include "core/work.h"
#include "store/entity.h"

struct change {
	bool before, after;
	void (*done)(void *arg, bool ok);
	void *arg;
};

static void
stored(struct entity *entity, void *arg, bool ok)
{
	struct change *change = arg;
	struct ln_account *account = entity != NULL ? account_of_entity(entity) : NULL;

	if (ok && account != NULL)
		log_info("accounts", "%s jid=%s", change->after ? "disabled" : "enabled",
		    log_quote(entity->jid.full));
	else if (account != NULL && account->disabled == change->after)
		account->disabled = change->before;
	change->done(change->arg, ok);
	free(change);
}

void
account_disable(struct ln_account *account, bool disabled, void (*done)(void *arg, bool ok),
    void *arg)
{
	struct change *change = xcalloc(1, sizeof *change);

	*change = (struct change){ account->disabled, disabled, done, arg };
	account->disabled = disabled;
	store_entity_disable(work_job(), account->entity.number, disabled ? clock_wall_ms() : 0);
	work_when_durable(stored, change);
	if (disabled)
		account_end_sessions(account, "not-authorized", "the account was disabled");
}
