/*
 * The ledger: what was begun, and how it is undone if a later step fails.
 *
 *	struct ledger ledger = LEDGER_INIT;
 *
 *	if (!ledger_step(&ledger) || !begin_this(this))
 *		goto failed;
 *	ledger_add(&ledger, end_this, this);
 *	...
 *	ledger_keep(&ledger);		all went well: nothing is undone
 *	return true;
 * failed:
 *	ledger_unwind(&ledger);		newest first
 *
 * Main thread.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_LEDGER_H
#define LN_SERVER_LEDGER_H

#include <stdbool.h>

typedef void ledger_undo(void *arg);

struct ledger_entry {
	ledger_undo *undo;
	void *arg;
};

struct ledger {
	struct ledger_entry *entries;
	unsigned count;
	unsigned steps;
};

#define LEDGER_INIT        \
	{                  \
		NULL, 0, 0 \
	}

/* Before each step that can fail: false when a test wants this one to fail. */
bool ledger_step(struct ledger *ledger);

void ledger_add(struct ledger *ledger, ledger_undo *undo, void *arg);
void ledger_unwind(struct ledger *ledger);
void ledger_keep(struct ledger *ledger);

/* Tests: the step, counted from 1, that fails; 0: none. */
extern unsigned ledger_fail_at;

#endif
