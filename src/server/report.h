/*
 * A report: the mistakes found in the configuration, each with its place.
 *
 *	report_add(&report, node->place, "unknown option %s; did you mean %s?", ...);
 *	report_print(&report, &out);	// sorted, one "FILE:LINE:COLUMN: message" a line
 *
 * The same message at the same place is kept once, in its shortest form, since
 * what stands at the top is looked at again for every host. Beyond REPORT_MAX only a count is kept.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_REPORT_H
#define LN_SERVER_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define REPORT_MAX 200

/* A place in a file; lines and columns start at 1, 0: unknown. */
struct place {
	const char *file;
	unsigned line;
	unsigned column;
};

struct report_entry {
	struct place place; /* the file's name is a copy */
	char *message;
};

struct report {
	struct report_entry *entries;
	size_t count;
	size_t dropped;
};

#define REPORT_INIT        \
	{                  \
		NULL, 0, 0 \
	}

void report_free(struct report *report);

void report_add(struct report *report, struct place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Forgets all but the first `count` entries. */
void report_truncate(struct report *report, size_t count);

static inline bool
report_is_empty(const struct report *report)
{
	return report->count == 0;
}

/* Sorted by file, line and column. */
void report_print(struct report *report, struct buf *out);

#endif
