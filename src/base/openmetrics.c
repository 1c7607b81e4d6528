/*
 * The OpenMetrics text format, version 1.0: a block for each name, counters
 * without "_total" in its head, times in seconds.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/metrics.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

struct page {
	struct buf *out;
	char family[128]; /* whose head was written last */
};

static const char *const type_names[] = { "counter", "gauge", "histogram", "histogram" };

static void
write_help(struct buf *out, const char *help)
{
	for (; *help != '\0'; help++) {
		if (*help == '\n')
			buf_add_text(out, "\\n");
		else if (*help == '"' || *help == '\\')
			buf_printf(out, "\\%c", *help);
		else
			buf_add_char(out, *help);
	}
}

static void
write_head(struct page *page, const struct metric_sample *sample, const char *family)
{
	if (strcmp(page->family, family) == 0)
		return;
	snprintf(page->family, sizeof page->family, "%s", family);
	buf_printf(page->out, "# TYPE %s %s\n# HELP %s ", family, type_names[sample->type], family);
	write_help(page->out, sample->help);
	buf_add_char(page->out, '\n');
}

/* A bound or a sum, in seconds if it is a time. */
static void
write_number(struct buf *out, const struct metric_sample *sample, int64_t value)
{
	if (sample->type == METRIC_TIME)
		buf_printf(out, "%.9g", (double)value / 1e6);
	else
		buf_printf(out, "%lld", (long long)value);
}

static void
write_bucket(struct buf *out, const struct metric_sample *sample, const char *family, unsigned i)
{
	buf_printf(out, "%s_bucket{%s%sle=\"", family, sample->labels,
	    *sample->labels != '\0' ? "," : "");
	if (i < sample->buckets)
		write_number(out, sample, sample->bounds[i]);
	else
		buf_add_text(out, "+Inf");
	buf_printf(out, "\"} %lld\n",
	    (long long)(i < sample->buckets ? sample->below[i] : sample->value));
}

/* "family_suffix{labels} " */
static void
write_name(struct buf *out, const struct metric_sample *sample, const char *family,
    const char *suffix)
{
	buf_printf(out, "%s%s", family, suffix);
	if (*sample->labels != '\0')
		buf_printf(out, "{%s}", sample->labels);
	buf_add_char(out, ' ');
}

static void
write_sample(void *arg, const struct metric_sample *sample)
{
	struct page *page = arg;
	size_t len = strlen(sample->name);
	char family[128];

	if (sample->type == METRIC_COUNTER && len > 6 &&
	    strcmp(sample->name + len - 6, "_total") == 0)
		len -= 6;
	snprintf(family, sizeof family, "linnet_%s_%.*s", sample->prefix, (int)len, sample->name);
	write_head(page, sample, family);
	if (sample->buckets == 0) {
		write_name(page->out, sample, family,
		    sample->type == METRIC_COUNTER ? "_total" : "");
		buf_printf(page->out, "%lld\n", (long long)sample->value);
		return;
	}
	for (unsigned i = 0; i <= sample->buckets; i++)
		write_bucket(page->out, sample, family, i);
	write_name(page->out, sample, family, "_count");
	buf_printf(page->out, "%lld\n", (long long)sample->value);
	write_name(page->out, sample, family, "_sum");
	write_number(page->out, sample, sample->sum);
	buf_add_char(page->out, '\n');
}

void
metrics_write_openmetrics(struct buf *out)
{
	struct page page = { .out = out };

	metrics_each(write_sample, &page);
	buf_add_text(out, "# EOF\n");
}
