/*
 * Where log lines end: standard error, a file, syslog, or a test's function.
 * One lock; the log thread collects a burst of lines into one write().
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/log_record.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/metrics.h"
#include "base/xalloc.h"

#define FLUSH_AT ((size_t)64 * 1024)

enum { LOST };

static const struct metric_row rows[] = {
	[LOST] = { "lost_total", METRIC_COUNTER, "Writes to the log's target that failed." },
};

METRICS(sink_metrics, "log", rows);

/* All under the lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static enum { TO_FD, TO_SYSLOG } kind = TO_FD;
static _Atomic int target = STDERR_FILENO; /* read without it by log_write_raw() */
static char *path;                         /* NULL: not a file */
static _Atomic enum log_format form = LOG_FORMAT_TEXT;
static struct buf pending = BUF_INIT;
static void (*capture)(void *arg, const char *line);
static void *capture_arg;

static void
write_out(void)
{
	const char *p = pending.data;
	size_t left = pending.len;

	while (left > 0) {
		ssize_t wrote = write(target, p, left);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0) {
			metric_inc(sink_metrics, LOST);
			break;
		}
		p += wrote;
		left -= (size_t)wrote;
	}
	buf_reset(&pending);
}

static void
add_locked(const struct log_record *record)
{
	static const int priorities[] = { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
	size_t start = pending.len;

	if (form == LOG_FORMAT_JSON)
		log_format_json(&pending, record);
	else
		log_format_text(&pending, record);
	if (capture != NULL)
		capture(capture_arg, pending.data + start);
	else if (kind == TO_SYSLOG)
		syslog(priorities[record->level], "%s", pending.data + start);
	else
		buf_add_char(&pending, '\n');
	if (capture != NULL || kind == TO_SYSLOG)
		pending.len = start;
	if (pending.len > FLUSH_AT)
		write_out();
}

void
log_sink_add(const struct log_record *record)
{
	pthread_mutex_lock(&lock);
	add_locked(record);
	pthread_mutex_unlock(&lock);
}

void
log_sink_flush(void)
{
	pthread_mutex_lock(&lock);
	write_out();
	pthread_mutex_unlock(&lock);
}

void
log_sink_write(const struct log_record *record)
{
	pthread_mutex_lock(&lock);
	add_locked(record);
	write_out();
	pthread_mutex_unlock(&lock);
}

static int
open_file(const char *name)
{
	return open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);
}

static void
set_target(int fd, char *name, int kind_new)
{
	pthread_mutex_lock(&lock);
	write_out();
	if (path != NULL)
		close(target);
	free(path);
	path = name;
	target = fd;
	kind = kind_new;
	pthread_mutex_unlock(&lock);
}

bool
log_to(const char *name, const char **error_r)
{
	int fd = STDERR_FILENO;

	if (strcmp(name, "stderr") == 0) {
		set_target(fd, NULL, TO_FD);
		return true;
	}
	if (strcmp(name, "syslog") == 0) {
		openlog("linnetd", LOG_PID, LOG_DAEMON);
		set_target(fd, NULL, TO_SYSLOG);
		return true;
	}
	fd = open_file(name);
	if (fd < 0) {
		*error_r = strerror(errno);
		return false;
	}
	set_target(fd, xstrdup(name), TO_FD);
	return true;
}

void
log_reopen(void)
{
	pthread_mutex_lock(&lock);
	if (path != NULL) {
		int fd = open_file(path);

		write_out();
		if (fd >= 0) {
			close(target);
			target = fd;
		}
	}
	pthread_mutex_unlock(&lock);
}

void
log_set_format(enum log_format format)
{
	pthread_mutex_lock(&lock);
	form = format;
	pthread_mutex_unlock(&lock);
}

void
log_write_raw(const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t wrote = write(target, bytes, len);

		if (wrote <= 0)
			return;
		bytes += wrote;
		len -= (size_t)wrote;
	}
}

bool
log_is_json(void)
{
	return form == LOG_FORMAT_JSON;
}

void
log_capture(void (*sink)(void *arg, const char *line), void *arg)
{
	pthread_mutex_lock(&lock);
	write_out();
	capture = sink;
	capture_arg = arg;
	pthread_mutex_unlock(&lock);
}
