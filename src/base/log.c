/*
 * The log's front: levels, contexts, limits; makes a record and hands it to the
 * thread's ring, or to the sink. See log.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/log.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log_record.h"
#include "base/metrics.h"
#include "base/utf8.h"

#define COMPONENTS_MAX 64
#define QUOTES 8
#define QUOTE_MAX 512

enum { LINES_ERROR, LINES_WARNING, LINES_INFO, LINES_DEBUG, DROPPED, SUPPRESSED };

static const struct metric_row rows[] = {
	[LINES_ERROR] = { "lines_total", METRIC_COUNTER, "Lines logged.", "level", "error" },
	[LINES_WARNING] = { "lines_total", METRIC_COUNTER, "Lines logged.", "level", "warning" },
	[LINES_INFO] = { "lines_total", METRIC_COUNTER, "Lines logged.", "level", "info" },
	[LINES_DEBUG] = { "lines_total", METRIC_COUNTER, "Lines logged.", "level", "debug" },
	[DROPPED] = { "dropped_total", METRIC_COUNTER, "Lines dropped because a ring was full." },
	[SUPPRESSED] = { "suppressed_total", METRIC_COUNTER, "Lines left out by a rate limit." },
};

METRICS(log_metrics, "log", rows);

const char *const log_components[] = { "accounts", "c2s", "control", "core", "dns", "http", "log",
	"module", "net", "s2s", "server", "store", "stream", NULL };

static const char *const level_names[] = { "error", "warning", "info", "debug" };

/* Rows are only ever added; readers see those that `components` counts. */
static struct component {
	char name[24];
	_Atomic int level; /* -1: that of all others */
} components[COMPONENTS_MAX];
static _Atomic int component_count;
static _Atomic int default_level = LOG_LEVEL_INFO;
static pthread_mutex_t level_lock = PTHREAD_MUTEX_INITIALIZER;
_Atomic int log_loudest = LOG_LEVEL_INFO;

static __thread const struct log_context *context;

const char *
log_level_name(enum log_level level)
{
	return level_names[level];
}

int
log_level_parse(const char *name)
{
	for (int i = 0; i < 4; i++)
		if (strcmp(name, level_names[i]) == 0)
			return i;
	return -1;
}

bool
log_is_component(const char *name)
{
	for (const char *const *at = log_components; *at != NULL; at++)
		if (strcmp(*at, name) == 0)
			return true;
	return false;
}

static struct component *
find_component(const char *name)
{
	int count = atomic_load_explicit(&component_count, memory_order_acquire);

	for (int i = 0; i < count; i++)
		if (strcmp(components[i].name, name) == 0)
			return &components[i];
	return NULL;
}

enum log_level
log_level_of(const char *name)
{
	struct component *row = name != NULL ? find_component(name) : NULL;
	int level = row != NULL ? atomic_load_explicit(&row->level, memory_order_relaxed) : -1;

	if (level < 0)
		level = atomic_load_explicit(&default_level, memory_order_relaxed);
	return (enum log_level)level;
}

bool
log_component_enabled(enum log_level level, const char *name)
{
	return level <= log_level_of(name);
}

static void
find_loudest(void)
{
	int loudest = atomic_load(&default_level);

	for (int i = 0; i < atomic_load(&component_count); i++)
		if (atomic_load(&components[i].level) > loudest)
			loudest = atomic_load(&components[i].level);
	atomic_store(&log_loudest, loudest);
}

/* The table is full after 64 names: more components than there are. */
static struct component *
add_component(const char *name)
{
	int count = atomic_load(&component_count);

	if (count == COMPONENTS_MAX)
		return NULL;
	snprintf(components[count].name, sizeof components[count].name, "%s", name);
	atomic_store(&components[count].level, -1);
	atomic_store_explicit(&component_count, count + 1, memory_order_release);
	return &components[count];
}

void
log_set_level(const char *name, enum log_level level)
{
	struct component *row;

	pthread_mutex_lock(&level_lock);
	if (name == NULL) {
		atomic_store(&default_level, level);
	} else {
		row = find_component(name);
		if (row == NULL)
			row = add_component(name);
		if (row != NULL)
			atomic_store(&row->level, level);
	}
	find_loudest();
	pthread_mutex_unlock(&level_lock);
}

void
log_reset_levels(void)
{
	pthread_mutex_lock(&level_lock);
	for (int i = 0; i < atomic_load(&component_count); i++)
		atomic_store(&components[i].level, -1);
	find_loudest();
	pthread_mutex_unlock(&level_lock);
}

const struct log_context *
log_enter(const struct log_context *here)
{
	const struct log_context *outer = context;

	context = here;
	return outer;
}

void
log_leave(const struct log_context *outer)
{
	context = outer;
}

const struct log_context *
log_current(void)
{
	return context;
}

static bool
harmless(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] <= ' ' || strchr("\"\\=\x7f", text[i]) != NULL)
			return false;
	return len > 0 && utf8_valid(text, len);
}

/* One character, escaped as JSON does, so that a quoted value is valid there too. */
static size_t
quote_char(char *out, const char *p, const char *end, size_t *step_r)
{
	uint32_t code = 0xfffd;
	size_t step = utf8_next(p, end, &code);

	*step_r = step == 0 ? 1 : step;
	if (step > 1) {
		memcpy(out, p, step);
		return step;
	}
	if (step == 0 || code < ' ' || code == 0x7f)
		return (size_t)sprintf(out, "\\u%04x", (unsigned)code);
	if (code == '"' || code == '\\')
		return (size_t)sprintf(out, "\\%c", *p);
	*out = *p;
	return 1;
}

const char *
log_quote(const char *text)
{
	static __thread char texts[QUOTES][QUOTE_MAX];
	static __thread unsigned turn;
	size_t len, step;
	char *out, *at;

	if (text == NULL)
		return "-";
	len = strlen(text);
	if (len < QUOTE_MAX && harmless(text, len))
		return text;
	out = at = texts[turn++ % QUOTES];
	*at++ = '"';
	for (const char *p = text; p < text + len; p += step) {
		if (at - out > QUOTE_MAX - 12) {
			at = stpcpy(at, "...");
			break;
		}
		at += quote_char(at, p, text + len, &step);
	}
	memcpy(at, "\"", 2);
	return out;
}

bool
log_limit_take(struct log_limit *limit, unsigned count, int64_t interval_ms, unsigned *suppressed_r)
{
	int64_t now = clock_ms(), since = atomic_load_explicit(&limit->since, memory_order_relaxed);

	*suppressed_r = 0;
	if ((since == 0 || now - since >= interval_ms) &&
	    atomic_compare_exchange_strong(&limit->since, &since, now)) {
		atomic_store_explicit(&limit->used, 0, memory_order_relaxed);
		*suppressed_r = atomic_exchange(&limit->suppressed, 0);
	}
	if (atomic_fetch_add(&limit->used, 1) < count)
		return true;
	atomic_fetch_add(&limit->suppressed, 1 + *suppressed_r);
	metric_inc(log_metrics, SUPPRESSED);
	return false;
}

static void
add_text(struct log_record *record, enum log_text which, const char *text)
{
	size_t room = LOG_TEXT_MAX - LOG_LINE_MAX - record->used,
	       len = text != NULL ? strlen(text) : 0;

	if (len >= room / 2)
		len = room / 2 - 1;
	record->at[which] = record->used;
	if (len > 0)
		memcpy(record->text + record->used, text, len);
	record->text[record->used + len] = '\0';
	record->used += (uint32_t)len + 1;
}

static void __attribute__((format(printf, 2, 0)))
add_message(struct log_record *record, const char *format, va_list args)
{
	char *text = record->text + record->used;
	int len = vsnprintf(text, LOG_LINE_MAX, format, args);

	record->at[LOG_MESSAGE] = record->used;
	if (len >= LOG_LINE_MAX) {
		memcpy(text + LOG_LINE_MAX - 4, "...", 4);
		len = LOG_LINE_MAX - 1;
	}
	record->used += (uint32_t)(len < 0 ? 0 : len) + 1;
}

void
log_vwrite(enum log_level level, const char *component, unsigned suppressed, const char *format,
    va_list args)
{
	static const struct log_context nothing;
	const struct log_context *here = context != NULL ? context : &nothing;
	struct log_record record;

	record.wall_ms = clock_wall_ms();
	record.conn = here->conn;
	record.level = level;
	record.suppressed = suppressed;
	record.used = 0;
	add_text(&record, LOG_COMPONENT, component);
	add_text(&record, LOG_HOST, here->host);
	add_text(&record, LOG_SESSION, here->session);
	add_text(&record, LOG_MODULE, here->module);
	add_message(&record, format, args);
	metric_inc(log_metrics, LINES_ERROR + level);

	if (log_ring_running() && log_ring_put(&record))
		return;
	if (log_ring_running() && level >= LOG_LEVEL_INFO)
		metric_inc(log_metrics, DROPPED);
	else
		log_sink_write(&record);
}

void
log_vwrite_in(const struct log_context *own, enum log_level level, const char *component,
    const char *format, va_list args)
{
	const struct log_context *outer;

	if (!log_enabled(level, component))
		return;
	outer = log_enter(own);
	log_vwrite(level, component, 0, format, args);
	log_leave(outer);
}

void
log_write(enum log_level level, const char *component, unsigned suppressed, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_vwrite(level, component, suppressed, format, args);
	va_end(args);
}
