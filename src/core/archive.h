/*
 * Archives from the inside: the table, and the key of ids. See linnet/archive.h.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_CORE_ARCHIVE_H
#define LN_CORE_ARCHIVE_H

#include <stdbool.h>

#include "linnet/archive.h"
#include "store/store.h"

/* For store_open(). */
extern const struct store_schema archive_schema;

/* At start, before the workers run; false: the database refuses the key. */
bool archive_init(struct store *store);

#endif
