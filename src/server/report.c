/*
 * Reports: an array that is sorted when printed. See report.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

void
report_truncate(struct report *report, size_t count)
{
	while (report->count > count) {
		struct report_entry *entry = &report->entries[--report->count];

		free((char *)entry->place.file);
		free(entry->message);
	}
}

void
report_free(struct report *report)
{
	report_truncate(report, 0);
	free(report->entries);
	*report = (struct report)REPORT_INIT;
}

/* Of the server and of a host, "c2s.tls: ..." and "hosts.example.org.c2s.tls: ..." are one mistake. */
static bool
ends_with(const char *message, const char *end)
{
	size_t len = strlen(message), end_len = strlen(end);

	return len >= end_len && strcmp(message + len - end_len, end) == 0;
}

static bool
report_has(const struct report *report, const struct place *place, const char *message)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct report_entry *entry = &report->entries[i];

		if (entry->place.line == place->line && entry->place.column == place->column &&
		    ends_with(message, entry->message) &&
		    strcmp(entry->place.file, place->file) == 0)
			return true;
	}
	return false;
}

void
report_add(struct report *report, struct place place, const char *format, ...)
{
	struct buf message = BUF_INIT;
	va_list args;

	if (report->count == REPORT_MAX) {
		report->dropped++;
		return;
	}
	va_start(args, format);
	buf_vprintf(&message, format, args);
	va_end(args);
	if (report_has(report, &place, message.data)) {
		buf_free(&message);
		return;
	}
	report->entries = xrealloc(report->entries, (report->count + 1) * sizeof *report->entries);
	place.file = xstrdup(place.file);
	report->entries[report->count++] =
	    (struct report_entry){ .place = place, .message = buf_take(&message) };
}

static int
compare_entries(const void *left, const void *right)
{
	const struct report_entry *a = left, *b = right;
	int order = strcmp(a->place.file, b->place.file);

	if (order != 0)
		return order;
	if (a->place.line != b->place.line)
		return a->place.line < b->place.line ? -1 : 1;
	if (a->place.column != b->place.column)
		return a->place.column < b->place.column ? -1 : 1;
	return strcmp(a->message, b->message);
}

static void
print_place(const struct place *place, struct buf *out)
{
	buf_add_text(out, place->file);
	if (place->line != 0)
		buf_printf(out, ":%u:%u", place->line, place->column);
}

void
report_print(struct report *report, struct buf *out)
{
	if (report->count != 0)
		qsort(report->entries, report->count, sizeof *report->entries, compare_entries);
	for (size_t i = 0; i < report->count; i++) {
		print_place(&report->entries[i].place, out);
		buf_printf(out, ": %s\n", report->entries[i].message);
	}
	if (report->dropped != 0)
		buf_printf(out, "... and %zu more\n", report->dropped);
}
