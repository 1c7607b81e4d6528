/*
 * What a server has written: well-formed whatever came, or the target aborts.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_TESTS_FUZZ_OUTPUT_H
#define LN_TESTS_FUZZ_OUTPUT_H

#include <stdbool.h>

#include "base/buf.h"

/* Aborts if it is not so. */
void must(bool truth);

/* All streams of a connection, one behind the other; each begins with <?xml?>. */
void check_output(const struct buf *out);

#endif
