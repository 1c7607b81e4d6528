/*
 * Values of hosts, as the daemon sets them up; modules use ln_host_value_get()
 * and ln_host_value_set() of linnet/module.h.
 *
 *	host_values_load(store);	what is stored, before the workers start
 *	host_values_init();
 *	...
 *	host_values_close();
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_CORE_HOSTVALUE_H
#define LN_CORE_HOSTVALUE_H

#include <stdbool.h>

struct store;

/* Main thread, waits for the store; false: it could not be read. */
bool host_values_load(struct store *store);

void host_values_init(void);
void host_values_close(void);

#endif
