/*
 * Looking at a database without opening it as the server does: for `linnetctl
 * check`, beside a running server or without one. Nothing is changed.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_STORE_EXAMINE_H
#define LN_STORE_EXAMINE_H

#include <stddef.h>
#include <stdint.h>

#include "store/schema.h"

struct store_examined {
	char *path;     /* of the file; to be freed, after an error too */
	int64_t bytes;  /* of the file and its WAL */
	unsigned steps; /* of tables that the next start will apply */
};

/*
 * Is it a database of ours, sound (SQLite's quick_check), and no newer than this
 * program? NULL, or a sentence that says what is wrong, to be freed. It reads the whole
 * file, so a large one takes its time.
 */
char *store_examine(const char *dir, const struct store_schema *const *schemas, size_t count,
    struct store_examined *out);

#endif
