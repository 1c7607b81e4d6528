/*
 * What waits for each worker, for others to see: items in the inboxes of its
 * entities, and stanzas of fan-outs on their way to it. While a worker is behind,
 * who sends to many rests (entity.c): else what he sends would pile up there.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_CORE_LOAD_H
#define LN_CORE_LOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "net/worker.h"

/* One item more in an inbox of the current worker; one less. */
void load_waits(void);
void load_served(void);

/* Stanzas were posted to a worker; they have come to the current one. */
void load_coming(const struct worker *worker, size_t count);
void load_came(size_t count);

/* Has any worker more before it than it should? Any worker may ask. */
bool load_is_behind(void);

#endif
