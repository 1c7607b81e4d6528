/*
 * The log: structured lines, one a fact.
 *
 *	time level component host session event key=value ... reason=...
 *
 * The format of a call is the event in words, then `key=value` pairs. A value
 * that a peer or a user chose is passed through log_quote(), so that it cannot
 * forge a pair; `reason=` comes last and takes the rest of the line. Host,
 * session, connection and module come from the thread's context, so that no
 * call has to repeat them:
 *
 *	struct log_context here = { .host = "example.org", .session = jid, .conn = 42 };
 *	const struct log_context *outer = log_enter(&here);
 *	log_info("c2s", "session opened resource=%s", log_quote(resource));
 *	log_leave(outer);
 *
 * Who writes: once log_start() has run, each thread puts its lines into a ring
 * of its own and the log thread writes them; a full ring drops info and debug
 * (counted in "log_dropped") and writes errors and warnings itself. Before
 * log_start(), after log_stop() and in unit tests lines go to the sink at once,
 * standard error unless log_to() says otherwise.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_BASE_LOG_H
#define LN_BASE_LOG_H

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/* Whom a line is about; absent: NULL or 0. The texts are borrowed until log_leave(). */
struct log_context {
	const char *host;    /* virtual host */
	const char *session; /* full JID, or the peer's address before login */
	const char *module;
	uint64_t conn; /* connection id */
};

/* Longest line; the rest is cut and marked with "...". */
#define LOG_LINE_MAX 2048

/* The parts of the server, NULL at the end; each line names one. */
extern const char *const log_components[];
bool log_is_component(const char *name);

/* The call sites. `component` is one of these, written out. */
#define log_error(component, ...) log_at(LOG_LEVEL_ERROR, component, __VA_ARGS__)
#define log_warning(component, ...) log_at(LOG_LEVEL_WARNING, component, __VA_ARGS__)
#define log_info(component, ...) log_at(LOG_LEVEL_INFO, component, __VA_ARGS__)
#define log_debug(component, ...) log_at(LOG_LEVEL_DEBUG, component, __VA_ARGS__)

#define log_at(level, component, ...)                                \
	do {                                                         \
		if (log_enabled(level, component))                   \
			log_write(level, component, 0, __VA_ARGS__); \
	} while (0)

/*
 * At most `count` lines in `interval_ms` from this call site, all threads
 * together; the first line after some were left out says suppressed=N.
 */
#define log_limited(level, component, count, interval_ms, ...)                 \
	do {                                                                   \
		static struct log_limit limit_;                                \
		unsigned suppressed_;                                          \
		if (log_enabled(level, component) &&                           \
		    log_limit_take(&limit_, count, interval_ms, &suppressed_)) \
			log_write(level, component, suppressed_, __VA_ARGS__); \
	} while (0)

/* Sets the calling thread's context and returns the one before, for log_leave(). */
const struct log_context *log_enter(const struct log_context *context);
void log_leave(const struct log_context *outer);
/* A line with a context of its own, if the component's level lets it pass. */
void log_vwrite_in(const struct log_context *context, enum log_level level, const char *component,
    const char *format, va_list args) __attribute__((format(printf, 4, 0)));
const struct log_context *log_current(void);

/*
 * Text of a peer as one value: as it is if harmless, else in double quotes with
 * control characters, quotes and backslashes escaped. Valid until the eighth
 * next call on this thread; NULL gives "-".
 */
const char *log_quote(const char *text);

/* --- set up: main thread ------------------------------------------------- */

/* "stderr", "syslog" or a file's path. False with *error_r set; then nothing changed. */
bool log_to(const char *target, const char **error_r);
void log_set_format(enum log_format format);

/* The level of a component, or of all others (NULL). Any thread, at any time. */
void log_set_level(const char *component, enum log_level level);
/* Back to the level of all others, for every component. */
void log_reset_levels(void);
enum log_level log_level_of(const char *component);

/* "error", "warning", "info", "debug"; -1 for another word. */
int log_level_parse(const char *name);
const char *log_level_name(enum log_level level);

/* Starts the log thread. log_stop() writes what is in the rings and ends it. */
void log_start(void);
void log_stop(void);

/* Closes the log file and opens it again by name, after a rotation. */
void log_reopen(void);

/*
 * From the handler of a fatal signal, without a lock: finished bytes go to the
 * log's file (with syslog, to standard error). What is in the rings is lost.
 */
void log_write_raw(const char *bytes, size_t len);
bool log_is_json(void);

/* Tests: every finished line, without its newline, goes to `sink` instead; NULL ends it. */
void log_capture(void (*sink)(void *arg, const char *line), void *arg);

/* --- what the macros use -------------------------------------------------- */

struct log_limit {
	_Atomic int64_t since;
	_Atomic unsigned used;
	_Atomic unsigned suppressed;
};

/* The most talkative level of any component: lets a debug line cost one load. */
extern _Atomic int log_loudest;
bool log_component_enabled(enum log_level level, const char *component);

static inline bool
log_enabled(enum log_level level, const char *component)
{
	return (int)level <= atomic_load_explicit(&log_loudest, memory_order_relaxed) &&
	    log_component_enabled(level, component);
}

bool log_limit_take(struct log_limit *limit, unsigned count, int64_t interval_ms,
    unsigned *suppressed_r);
void log_write(enum log_level level, const char *component, unsigned suppressed, const char *format,
    ...) __attribute__((format(printf, 4, 5)));
void log_vwrite(enum log_level level, const char *component, unsigned suppressed,
    const char *format, va_list args) __attribute__((format(printf, 4, 0)));

#endif
