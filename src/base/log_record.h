/*
 * Inside the log: a line before it is text, the ring it waits in, the sink it
 * ends in. Only log*.c include this.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_BASE_LOG_RECORD_H
#define LN_BASE_LOG_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/log.h"

enum log_text { LOG_COMPONENT, LOG_HOST, LOG_SESSION, LOG_MODULE, LOG_MESSAGE, LOG_TEXTS };

#define LOG_TEXT_MAX (LOG_LINE_MAX + 512)

struct log_record {
	int64_t wall_ms;
	uint64_t conn;
	uint32_t level, suppressed;
	uint32_t used;          /* bytes of text[] */
	uint32_t at[LOG_TEXTS]; /* where each text begins; absent ones are "" */
	char text[LOG_TEXT_MAX];
};

#define LOG_RECORD_HEAD offsetof(struct log_record, text)

static inline const char *
log_record_text(const struct log_record *record, enum log_text which)
{
	return record->text + record->at[which];
}

/* --- log_format.c: a record as one line without newline ---------------------- */

void log_format_text(struct buf *out, const struct log_record *record);
void log_format_json(struct buf *out, const struct log_record *record);

/* --- log_sink.c: where lines go; any thread ---------------------------------- */

void log_sink_write(const struct log_record *record);
/* The log thread writes many and flushes when it is through. */
void log_sink_add(const struct log_record *record);
void log_sink_flush(void);

/* --- log_ring.c: from one thread to the log thread --------------------------- */

/* Whether the log thread runs. */
bool log_ring_running(void);

/* False if this thread's ring is full. */
bool log_ring_put(const struct log_record *record);

#endif
