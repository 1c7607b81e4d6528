/*
 * The tables of the database: the core's, and those of all modules there are,
 * on or off, so that a reload makes none.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_TABLES_H
#define LN_SERVER_TABLES_H

#include <stddef.h>

#include "store/schema.h"

/* How many; the list stays. Main thread, after loader_open(). */
size_t tables_all(const struct store_schema *const **list_r);

#endif
