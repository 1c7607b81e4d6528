/*
 * Stream errors.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "base/metrics.h"
#include "linnet/ns.h"
#include "xml/writer.h"
#include "xmpp/errors.h"

struct row {
	const char *condition;
	const char *sentence;
	enum conn_reason reason;
};

static const struct row table[] = {
#define STREAM_ERROR(name, condition, reason, text) { condition, text, CONN_##reason },
	STREAM_ERRORS(STREAM_ERROR)
#undef STREAM_ERROR
};

static const struct metric_row rows[] = {
#define STREAM_ERROR(name, condition, reason, text)                                          \
	{ "errors_total", METRIC_COUNTER, "Streams ended by an error of ours.", "condition", \
		condition },
	STREAM_ERRORS(STREAM_ERROR)
#undef STREAM_ERROR
};
METRICS(stream_errors, "stream", rows);

const char *
stream_error_condition(enum stream_error error)
{
	return table[error].condition;
}

const char *
stream_error_sentence(enum stream_error error)
{
	return table[error].sentence;
}

enum conn_reason
stream_error_reason(enum stream_error error)
{
	return table[error].reason;
}

enum stream_error
stream_error_of(const char *condition)
{
	for (unsigned i = 0; i < STREAM_ERROR_COUNT; i++)
		if (strcmp(table[i].condition, condition) == 0)
			return (enum stream_error)i;
	return STREAM_UNDEFINED_CONDITION;
}

void
stream_error_write(struct buf *out, enum stream_error error, const char *text, const char *extra)
{
	metric_inc(stream_errors, error);
	if (text == NULL)
		text = table[error].sentence;
	buf_printf(out, "<stream:error><%s xmlns='%s'/>", table[error].condition, NS_STREAMS);
	buf_printf(out, "<text xmlns='%s' xml:lang='en'>", NS_STREAMS);
	writer_text(out, text, strlen(text));
	buf_add_text(out, "</text>");
	if (extra != NULL)
		buf_add_text(out, extra);
	buf_add_text(out, "</stream:error>");
}
