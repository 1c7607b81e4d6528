/*
 * Files as answers: 256 KiB at a time by the file threads, one job at a time a
 * file, so that a request has two blocks in memory at most. See linnet/http.h.
 *
 * A sending outlives its request while a job of it is out, and until a file
 * thread has closed its file.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "net/http_files.h"
#include "net/http_impl.h"

enum send_step { SEND_OPEN, SEND_READ, SEND_CLOSE };

struct http_sending {
	struct http_file file;
	char *type;
	int64_t size, mtime;
	int64_t from, left;
	enum send_step step;
	size_t len; /* of what was read */
	char *block;
};

static void
sending_free(struct http_sending *s)
{
	free(s->type);
	free(s->block);
	http_file_free(&s->file);
}

static void
open_file(struct http_sending *s)
{
	struct stat st;

	s->file.fd = open(s->file.path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (s->file.fd < 0 || fstat(s->file.fd, &st) != 0) {
		s->file.error = errno;
		return;
	}
	if (!S_ISREG(st.st_mode))
		s->file.error = ENOENT;
	s->size = st.st_size;
	s->mtime = st.st_mtime;
}

static void
read_block(struct http_sending *s)
{
	size_t want = s->left < (int64_t)BLOCK ? (size_t)s->left : BLOCK;
	ssize_t got;

	if (s->block == NULL)
		s->block = xmalloc(BLOCK);
	do
		got = pread(s->file.fd, s->block, want, (off_t)s->from);
	while (got < 0 && errno == EINTR);
	s->file.error = got < 0 ? errno : got == 0 ? EIO : 0;
	s->len = got > 0 ? (size_t)got : 0;
}

static void
send_work(struct pool_job *job)
{
	struct http_sending *s = (struct http_sending *)job;

	if (s->step == SEND_OPEN)
		open_file(s);
	else if (s->step == SEND_READ)
		read_block(s);
	else
		close(s->file.fd);
}

/* No job of it is out, and no request has it: a file thread closes the file. */
static void
sending_close(struct http_sending *s)
{
	s->file.request = NULL;
	s->step = SEND_CLOSE;
	if (s->file.fd >= 0) {
		s->file.out = http_files_go_on(&s->file.job);
		if (s->file.out)
			return;
		close(s->file.fd);
	}
	sending_free(s);
}

static void
sending_end(struct http_sending *s)
{
	s->file.request->sending = NULL;
	sending_close(s);
}

static void
http_date(int64_t seconds, char text[40])
{
	time_t when = (time_t)seconds;
	struct tm tm;

	gmtime_r(&when, &tm);
	strftime(text, 40, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

/* Is `etag` in a list like `"a", W/"b"`, or is the list "*"? Weak comparison (RFC 9110 §8.8.3.2). */
static bool
etag_listed(const char *list, const char *etag)
{
	return strcmp(list, "*") == 0 || strstr(list, etag) != NULL;
}

/* The date in a field; -1: there is none, or it is none, which counts for nothing. */
static int64_t
date_in(const struct ln_http *request, const char *name)
{
	const char *date = http_head_field(&request->head, name);
	struct tm tm = { 0 };
	const char *rest = date != NULL ? strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &tm) : NULL;

	return rest != NULL && *rest == '\0' ? (int64_t)timegm(&tm) : -1;
}

/* What the client has or insists on (RFC 9110 §13.2.2): 0, 304 or 412. */
static unsigned
check_conditions(const struct ln_http *request, const char *etag, int64_t mtime)
{
	const char *match = http_head_field(&request->head, "if-match");
	const char *none = http_head_field(&request->head, "if-none-match");
	int64_t since = date_in(request, "if-modified-since");
	int64_t until = date_in(request, "if-unmodified-since");

	if (match != NULL ? !etag_listed(match, etag) : until >= 0 && mtime > until)
		return 412;
	if (none != NULL)
		return etag_listed(none, etag) ? 304 : 0;
	return mtime <= since ? 304 : 0;
}

/* The part that is asked for; a condition that fails asks for all of it (§13.1.5). */
static unsigned
choose_range(struct http_sending *s, const char *etag, const char *modified)
{
	const char *range = http_head_field(&s->file.request->head, "range");
	const char *condition = http_head_field(&s->file.request->head, "if-range");

	s->from = 0;
	s->left = s->size;
	if (range == NULL || s->file.request->head.method != LN_HTTP_GET)
		return 200;
	if (condition != NULL && strcmp(condition, etag) != 0 && strcmp(condition, modified) != 0)
		return 200;
	switch (http_range_parse(range, s->size, &s->from, &s->left)) {
	case HTTP_RANGE_ONE:
		return 206;
	case HTTP_RANGE_BAD:
		return 416;
	default:
		return 200;
	}
}

static void
send_whole(struct http_sending *s, unsigned status, const char *text)
{
	struct ln_http *request = s->file.request;

	sending_end(s);
	if (text != NULL)
		ln_http_fail(request, status, text);
	else
		ln_http_reply(request, status, NULL, NULL, 0);
}

/* The block leaves with the connection's own free(). */
static void
write_block(struct http_sending *s)
{
	conn_write_ref(s->file.request->http->conn, s->block, s->len, free, s->block);
	s->block = NULL;
	s->from += (int64_t)s->len;
	s->left -= (int64_t)s->len;
}

static void
send_end(struct http_sending *s)
{
	struct ln_http *request = s->file.request;

	sending_end(s);
	http_complete(request);
}

/* Too late for an error: what was promised by Content-Length does not come. */
static void
send_broken(struct http_sending *s)
{
	struct ln_http *request = s->file.request;
	struct conn *conn = request->http->conn;

	log_error("http", "file not read file=%s reason=%s", log_quote(s->file.path),
	    strerror(s->file.error));
	sending_end(s);
	conn_close(conn, CONN_FINISHED, true);
}

void
http_sending_go_on(struct http_sending *s)
{
	if (s->file.out || !s->file.request->begun)
		return;
	if (s->left == 0) {
		send_end(s);
		return;
	}
	if (conn_unsent(s->file.request->http->conn) >= HTTP_UNSENT_HIGH)
		return;
	s->step = SEND_READ;
	s->file.out = http_files_go_on(&s->file.job);
	if (!s->file.out) {
		s->file.error = ECANCELED;
		send_broken(s);
	}
}

static void
send_head(struct http_sending *s)
{
	struct ln_http *request = s->file.request;
	char etag[48], modified[40], range[80];
	unsigned status;

	snprintf(etag, sizeof etag, "\"%llx-%llx\"", (unsigned long long)s->size,
	    (unsigned long long)s->mtime);
	http_date(s->mtime, modified);
	ln_http_set(request, "ETag", etag);
	ln_http_set(request, "Last-Modified", modified);
	ln_http_set(request, "Accept-Ranges", "bytes");
	status = check_conditions(request, etag, s->mtime);
	if (status != 0) {
		send_whole(s, status, status == 412 ? "It has changed." : NULL);
		return;
	}
	status = choose_range(s, etag, modified);
	if (status == 416) {
		snprintf(range, sizeof range, "bytes */%lld", (long long)s->size);
		ln_http_set(request, "Content-Range", range);
		send_whole(s, 416, "There is no such part of it.");
		return;
	}
	if (status == 206) {
		snprintf(range, sizeof range, "bytes %lld-%lld/%lld", (long long)s->from,
		    (long long)(s->from + s->left - 1), (long long)s->size);
		ln_http_set(request, "Content-Range", range);
	}
	http_begin(request, status, s->type, s->left);
	if (request->head.method == LN_HTTP_HEAD)
		s->left = 0;
	http_sending_go_on(s);
}

static void
send_done(struct pool_job *job)
{
	struct http_sending *s = (struct http_sending *)job;

	s->file.out = false;
	if (!job->worked)
		s->file.error = ECANCELED;
	if (s->step == SEND_CLOSE) {
		sending_free(s);
	} else if (s->file.request == NULL) {
		sending_close(s);
	} else if (s->step == SEND_OPEN) {
		if (s->file.error == 0)
			send_head(s);
		else
			send_whole(s, s->file.error == ENOENT || s->file.error == ELOOP ? 404 : 500,
			    s->file.error == ENOENT || s->file.error == ELOOP
				? "There is no such file."
				: "It cannot be read.");
	} else if (s->file.error != 0) {
		send_broken(s);
	} else {
		write_block(s);
		http_sending_go_on(s);
	}
}

void
http_sending_gone(struct http_sending **sending)
{
	struct http_sending *s = *sending;

	*sending = NULL;
	s->file.request = NULL;
	if (!s->file.out)
		sending_close(s);
}

void
ln_http_send_file(struct ln_http *http, const char *path, const char *type)
{
	struct http_sending *s;

	if (http->begun || http->sending != NULL)
		return;
	s = http_file_new(sizeof *s, http, path, send_work, send_done);
	s->type = type != NULL ? xstrdup(type) : NULL;
	http->sending = s;
	s->step = SEND_OPEN;
	s->file.out = http_files_begin(&s->file.job);
	if (!s->file.out)
		send_whole(s, 503, "The server is busy.");
}
