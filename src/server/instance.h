/*
 * Instances: a module on a host, as it outlives configurations. Each has a
 * number (the index of its state on workers), its counters, and was started
 * or not. Main thread.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_INSTANCE_H
#define LN_SERVER_INSTANCE_H

#include <stdbool.h>

#include "core/host.h"
#include "server/ledger.h"

/*
 * The instance's number; a new one is made and put on the ledger, its counters
 * are opened. `host` is "" for the server as a whole. False: a test's failure.
 */
bool instance_get(const struct ln_module *module, const char *host, struct ledger *ledger,
    unsigned *number_r);

/* Its counters; NULL: it has none. */
struct metrics *instance_metrics(unsigned number);

/* Calls the module's start() once; put on the ledger. False with a sentence to be freed. */
bool instance_start(const struct ln_mod *mod, struct ledger *ledger, char **error_r);

/* It is off, and no worker runs it any more: stop(), counters closed. Its number stays its own. */
void instance_stop(const struct ln_mod *mod);

/* At the very end. */
void instances_close(void);

/* Tests: how many there are; how many are started. */
unsigned instances_count(void);
unsigned instances_started(void);

#endif
