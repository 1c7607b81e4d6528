/*
 * Bodies to disk and files as answers: 256 KiB at a time by the file threads,
 * one job at a time a file, so that a request has two blocks in memory at most.
 * See linnet/http.h.
 *
 * A saving or sending outlives its request while a job of it is out; what it is
 * about is touched by the file thread while the job is out, and by the worker
 * while it is not.
 *
 * SPDX-License-Identifier: MIT
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "net/http_impl.h"
#include "net/pool.h"

#define BLOCK ((size_t)256 * 1024)

static struct pool *files;

void
http_init(struct pool *pool)
{
	files = pool;
}

/* --- saving ------------------------------------------------------------------------------- */

enum save_step { SAVE_OPEN, SAVE_WRITE, SAVE_FINISH, SAVE_GIVE_UP };

struct http_saving {
	struct pool_job job;
	struct ln_http *request; /* NULL: gone */
	char *path, *part;
	int fd;
	uint64_t max, received, keep_free, announced;
	struct buf filling, writing;
	enum save_step step; /* of the job that is out */
	int error;           /* errno of a step that failed: the file thread's while a job is out */
	bool failed;         /* the worker knows of it */
	bool out;            /* a job is */
	bool ended;          /* all of the body is here */
	bool too_long;
	void (*saved)(struct ln_http *request, enum ln_http_body how, void *arg);
	void *arg;
};

static void save_go_on(struct http_saving *s);

static void
saving_free(struct http_saving *s)
{
	assert(!s->out);
	buf_free(&s->filling);
	buf_free(&s->writing);
	free(s->path);
	free(s->part);
	free(s);
}

/* File thread: all of it, or errno. */
static int
write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t put = write(fd, bytes, len);

		if (put < 0 && errno != EINTR)
			return errno;
		if (put > 0) {
			bytes += put;
			len -= (size_t)put;
		}
	}
	return 0;
}

/* A name is on disk when its directory is. */
static int
sync_directory(const char *path)
{
	char *copy = xstrdup(path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error = fd < 0 || fsync(fd) != 0 ? errno : 0;

	if (fd >= 0)
		close(fd);
	free(copy);
	return error;
}

/* link() rather than rename(): an existing file is never replaced. */
static int
finish_file(struct http_saving *s)
{
	int error = fsync(s->fd) != 0 ? errno : 0;

	if (close(s->fd) != 0 && error == 0)
		error = errno;
	s->fd = -1;
	if (error == 0 && link(s->part, s->path) != 0)
		error = errno;
	unlink(s->part);
	return error != 0 ? error : sync_directory(s->path);
}

static void
give_up_file(struct http_saving *s)
{
	if (s->fd >= 0) {
		close(s->fd);
		unlink(s->part);
	}
	s->fd = -1;
}

static bool
has_room(const struct http_saving *s)
{
	struct statvfs fs;

	return s->keep_free == 0 || fstatvfs(s->fd, &fs) != 0 ||
	    (uint64_t)fs.f_bavail * fs.f_frsize >= s->keep_free + s->announced;
}

static void
open_part(struct http_saving *s)
{
	s->fd = open(s->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	s->error = s->fd < 0 ? errno : has_room(s) ? 0 : ENOSPC;
}

static void
save_work(struct pool_job *job)
{
	struct http_saving *s = (struct http_saving *)job;

	switch (s->step) {
	case SAVE_OPEN:
		open_part(s);
		break;
	case SAVE_WRITE:
		s->error = write_all(s->fd, s->writing.data, s->writing.len);
		break;
	case SAVE_FINISH:
		s->error = finish_file(s);
		break;
	case SAVE_GIVE_UP:
		give_up_file(s);
		break;
	}
}

static void
save_submit(struct http_saving *s, enum save_step step)
{
	s->step = step;
	s->out = true;
	if (files != NULL && pool_submit(files, &s->job))
		return;
	/* The queue of the file threads is full, or they have ended. Giving up must not fail:
	 * here, then. */
	s->out = false;
	s->error = EAGAIN;
	give_up_file(s);
}

static enum ln_http_body
save_outcome(const struct http_saving *s)
{
	if (s->too_long)
		return LN_HTTP_BODY_TOO_LONG;
	switch (s->error) {
	case 0:
		return LN_HTTP_BODY_DONE;
	case EEXIST:
		return LN_HTTP_BODY_EXISTS;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return LN_HTTP_BODY_NO_SPACE;
	default:
		return LN_HTTP_BODY_FAILED;
	}
}

static void
save_tell(struct http_saving *s)
{
	struct ln_http *request = s->request;

	s->request = NULL;
	if (request == NULL)
		return;
	request->saving = NULL;
	if (save_outcome(s) == LN_HTTP_BODY_FAILED)
		log_error("http", "file not written file=%s reason=%s", log_quote(s->path),
		    strerror(s->error));
	s->saved(request, save_outcome(s), s->arg);
}

static void
save_done(struct pool_job *job)
{
	struct http_saving *s = (struct http_saving *)job;
	bool finished = s->step == SAVE_FINISH && s->error == 0;

	s->out = false;
	if (!job->worked && s->error == 0)
		s->error = ECANCELED;
	s->failed = s->error != 0;
	buf_reset(&s->writing);
	/* Its client left while it was being finished: nobody knows of the file. */
	if (finished && s->request == NULL)
		ln_http_delete_file(s->path);
	if (s->step == SAVE_FINISH || s->step == SAVE_GIVE_UP) {
		save_tell(s);
		saving_free(s);
		return;
	}
	save_go_on(s);
}

static void
save_swap(struct http_saving *s)
{
	struct buf empty = s->writing;

	s->writing = s->filling;
	s->filling = empty;
}

/* The next step, if no job is out. */
static void
save_go_on(struct http_saving *s)
{
	bool was_full = s->filling.len >= BLOCK;

	if (s->out)
		return;
	if (s->error != 0 || s->too_long || s->request == NULL) {
		save_submit(s, SAVE_GIVE_UP);
	} else if (s->filling.len >= BLOCK || (s->ended && s->filling.len > 0)) {
		save_swap(s);
		save_submit(s, SAVE_WRITE);
	} else if (s->ended) {
		save_submit(s, SAVE_FINISH);
	} else {
		return;
	}
	if (!s->out) {
		save_tell(s);
		saving_free(s);
	} else if (was_full && s->request != NULL && s->request->read_paused && !s->failed) {
		http_read_resume(s->request);
	}
}

static void
save_piece(struct ln_http *request, const char *bytes, size_t len)
{
	struct http_saving *s = request->saving;

	if (s == NULL || s->too_long || s->failed)
		return;
	s->received += len;
	if (s->received > s->max) {
		s->too_long = true;
		http_read_pause(request);
		save_go_on(s);
		return;
	}
	buf_add(&s->filling, bytes, len);
	if (s->filling.len < BLOCK)
		return;
	if (s->out)
		http_read_pause(request);
	else
		save_go_on(s);
}

static void
save_end(struct ln_http *request)
{
	if (request->saving == NULL)
		return;
	request->saving->ended = true;
	save_go_on(request->saving);
}

static void
save_gone(struct ln_http *request)
{
	struct http_saving *s = request->saving;

	request->saving = NULL;
	if (s == NULL)
		return;
	s->request = NULL;
	save_go_on(s);
}

void
ln_http_save_body(struct ln_http *http, const char *path, uint64_t max, uint64_t keep_free,
    void (*saved)(struct ln_http *http, enum ln_http_body how, void *arg), void *arg)
{
	static const struct http_reader reader = { save_piece, save_end, save_gone };
	struct http_saving *s;

	if (http->head.length > 0 && (uint64_t)http->head.length > max) {
		saved(http, LN_HTTP_BODY_TOO_LONG, arg);
		return;
	}
	if (!http_read(http, &reader))
		return;
	s = xcalloc(1, sizeof *s);
	s->job.work = save_work;
	s->job.done = save_done;
	s->request = http;
	s->path = xstrdup(path);
	s->part = xasprintf("%s.part", path);
	s->fd = -1;
	s->max = max;
	s->keep_free = keep_free;
	s->announced = http->head.length > 0 ? (uint64_t)http->head.length : 0;
	s->saved = saved;
	s->arg = arg;
	s->ended = http->head.length == 0;
	http->saving = s;
	save_submit(s, SAVE_OPEN);
	if (!s->out) {
		save_tell(s);
		saving_free(s);
		return;
	}
	http_advance(http->http);
}

/* --- sending ------------------------------------------------------------------------------------ */

enum send_step { SEND_OPEN, SEND_READ, SEND_CLOSE };

struct http_sending {
	struct pool_job job;
	struct ln_http *request; /* NULL: gone */
	char *path, *type;
	int fd;
	int64_t size, mtime;
	int64_t from, left;
	enum send_step step;
	int error;
	bool out;
	size_t len; /* of what was read */
	char *block;
};

static void
sending_free(struct http_sending *s)
{
	if (s->fd >= 0)
		close(s->fd);
	free(s->path);
	free(s->type);
	free(s->block);
	free(s);
}

static void
open_file(struct http_sending *s)
{
	struct stat st;

	s->fd = open(s->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (s->fd < 0 || fstat(s->fd, &st) != 0) {
		s->error = errno;
		return;
	}
	if (!S_ISREG(st.st_mode))
		s->error = ENOENT;
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
		got = pread(s->fd, s->block, want, (off_t)s->from);
	while (got < 0 && errno == EINTR);
	s->error = got < 0 ? errno : got == 0 ? EIO : 0;
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
}

/* False: the file threads have too much to do. */
static bool
send_submit(struct http_sending *s, enum send_step step)
{
	s->step = step;
	s->out = files != NULL && pool_submit(files, &s->job);
	return s->out;
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

/* What the client has or insists on (RFC 9110 §13.2.2): 0, 304 or 412. */
static unsigned
check_conditions(const struct ln_http *request, const char *etag, const char *modified)
{
	const char *match = http_head_field(&request->head, "if-match");
	const char *none = http_head_field(&request->head, "if-none-match");
	const char *since = http_head_field(&request->head, "if-modified-since");

	if (match != NULL && !etag_listed(match, etag))
		return 412;
	if (none != NULL)
		return etag_listed(none, etag) ? 304 : 0;
	return since != NULL && strcmp(since, modified) == 0 ? 304 : 0;
}

/* The part that is asked for; a condition that fails asks for all of it (§13.1.5). */
static unsigned
choose_range(struct http_sending *s, const char *etag, const char *modified)
{
	const char *range = http_head_field(&s->request->head, "range");
	const char *condition = http_head_field(&s->request->head, "if-range");

	s->from = 0;
	s->left = s->size;
	if (range == NULL || s->request->head.method != LN_HTTP_GET)
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
	struct ln_http *request = s->request;

	request->sending = NULL;
	sending_free(s);
	if (text != NULL)
		ln_http_fail(request, status, text);
	else
		ln_http_reply(request, status, NULL, NULL, 0);
}

/* The block leaves with the connection's own free(). */
static void
write_block(struct http_sending *s)
{
	conn_write_ref(s->request->http->conn, s->block, s->len, free, s->block);
	s->block = NULL;
	s->from += (int64_t)s->len;
	s->left -= (int64_t)s->len;
}

static void
send_end(struct http_sending *s)
{
	struct ln_http *request = s->request;

	request->sending = NULL;
	sending_free(s);
	http_complete(request);
}

/* Too late for an error: what was promised by Content-Length does not come. */
static void
send_broken(struct http_sending *s)
{
	struct ln_http *request = s->request;
	struct conn *conn = request->http->conn;

	log_error("http", "file not read file=%s reason=%s", log_quote(s->path),
	    strerror(s->error));
	request->sending = NULL;
	sending_free(s);
	conn_close(conn, CONN_FINISHED, true);
}

void
http_sending_go_on(struct http_sending *s)
{
	if (s->out || !s->request->begun)
		return;
	if (s->left == 0) {
		send_end(s);
	} else if (conn_unsent(s->request->http->conn) < HTTP_UNSENT_HIGH &&
	    !send_submit(s, SEND_READ)) {
		s->error = EAGAIN;
		send_broken(s);
	}
}

static void
send_head(struct http_sending *s)
{
	struct ln_http *request = s->request;
	char etag[48], modified[40], range[80];
	unsigned status;

	snprintf(etag, sizeof etag, "\"%llx-%llx\"", (unsigned long long)s->size,
	    (unsigned long long)s->mtime);
	http_date(s->mtime, modified);
	ln_http_set(request, "ETag", etag);
	ln_http_set(request, "Last-Modified", modified);
	ln_http_set(request, "Accept-Ranges", "bytes");
	status = check_conditions(request, etag, modified);
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

	s->out = false;
	if (!job->worked)
		s->error = ECANCELED;
	if (s->request == NULL) {
		sending_free(s);
	} else if (s->step == SEND_OPEN) {
		if (s->error == 0)
			send_head(s);
		else
			send_whole(s, s->error == ENOENT || s->error == ELOOP ? 404 : 500,
			    s->error == ENOENT || s->error == ELOOP ? "There is no such file."
								    : "It cannot be read.");
	} else if (s->error != 0) {
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
	s->request = NULL;
	if (!s->out)
		sending_free(s);
}

void
ln_http_send_file(struct ln_http *http, const char *path, const char *type)
{
	struct http_sending *s;

	if (http->begun || http->sending != NULL)
		return;
	s = xcalloc(1, sizeof *s);
	s->job.work = send_work;
	s->job.done = send_done;
	s->request = http;
	s->path = xstrdup(path);
	s->type = type != NULL ? xstrdup(type) : NULL;
	s->fd = -1;
	http->sending = s;
	if (!send_submit(s, SEND_OPEN))
		send_whole(s, 503, "The server is busy.");
}

/* --- deleting ----------------------------------------------------------------------------------- */

struct deleting {
	struct pool_job job;
	char path[];
};

static void
delete_work(struct pool_job *job)
{
	unlink(((struct deleting *)job)->path);
}

static void
delete_done(struct pool_job *job)
{
	free(job);
}

void
ln_http_delete_file(const char *path)
{
	size_t len = strlen(path) + 1;
	struct deleting *deleting = xcalloc(1, sizeof *deleting + len);

	memcpy(deleting->path, path, len);
	deleting->job.work = delete_work;
	deleting->job.done = delete_done;
	if (files != NULL && pool_submit(files, &deleting->job))
		return;
	delete_work(&deleting->job);
	free(deleting);
}
