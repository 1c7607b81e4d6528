/*
 * The ledger. See ledger.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/ledger.h"

#include <stdlib.h>

#include "base/xalloc.h"

unsigned ledger_fail_at;

bool
ledger_step(struct ledger *ledger)
{
	return ++ledger->steps != ledger_fail_at;
}

void
ledger_add(struct ledger *ledger, ledger_undo *undo, void *arg)
{
	ledger->entries = xrealloc(ledger->entries, (ledger->count + 1) * sizeof *ledger->entries);
	ledger->entries[ledger->count++] = (struct ledger_entry){ undo, arg };
}

void
ledger_unwind(struct ledger *ledger)
{
	while (ledger->count > 0) {
		struct ledger_entry *entry = &ledger->entries[--ledger->count];

		entry->undo(entry->arg);
	}
	ledger_keep(ledger);
}

void
ledger_keep(struct ledger *ledger)
{
	free(ledger->entries);
	*ledger = (struct ledger)LEDGER_INIT;
}
