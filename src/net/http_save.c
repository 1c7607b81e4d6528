/*
 * Bodies to disk: 256 KiB at a time by the file threads, one job at a time a
 * file, so that a request has two blocks in memory at most. See linnet/http.h.
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
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "net/http_files.h"
#include "net/http_impl.h"

enum save_step { SAVE_OPEN, SAVE_WRITE, SAVE_FINISH, SAVE_GIVE_UP };

struct http_saving {
	struct http_file file;
	char *part;
	uint64_t max, received, keep_free, announced;
	struct buf filling, writing;
	enum save_step step; /* of the job that is out */
	bool failed;         /* the worker knows of it */
	bool ended;          /* all of the body is here */
	bool too_long;
	void (*saved)(struct ln_http *request, enum ln_http_body how, void *arg);
	void *arg;
};

static void save_go_on(struct http_saving *s);

static void
saving_free(struct http_saving *s)
{
	assert(!s->file.out);
	buf_free(&s->filling);
	buf_free(&s->writing);
	free(s->part);
	http_file_free(&s->file);
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
	int error = fsync(s->file.fd) != 0 ? errno : 0;

	if (error == 0 && link(s->part, s->file.path) != 0)
		error = errno;
	unlink(s->part);
	close(s->file.fd); /* what could fail, fsync() has said */
	s->file.fd = -1;
	if (error != 0)
		return error;
	error = sync_directory(s->file.path);
	if (error != 0)
		unlink(s->file.path);
	return error;
}

static void
give_up_file(struct http_saving *s)
{
	if (s->file.fd >= 0) {
		unlink(s->part);
		close(s->file.fd);
	}
	s->file.fd = -1;
}

static bool
has_room(const struct http_saving *s)
{
	struct statvfs fs;

	return s->keep_free == 0 || fstatvfs(s->file.fd, &fs) != 0 ||
	    (uint64_t)fs.f_bavail * fs.f_frsize >= s->keep_free + s->announced;
}

static bool
is_same_file(int fd, const char *path)
{
	struct stat ours, named;

	return fstat(fd, &ours) == 0 && stat(path, &named) == 0 && ours.st_dev == named.st_dev &&
	    ours.st_ino == named.st_ino;
}

/*
 * A part that is there is somebody's who has it locked, or what a crash has left of one: that is
 * begun anew. Whoever is done with a part takes its name away before the lock: a lock counts if
 * the name is still the same file's.
 */
static int
open_part(struct http_saving *s)
{
	int fd, error;

	if (access(s->file.path, F_OK) == 0)
		return EEXIST;
	fd = open(s->part, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
	if (fd < 0)
		return errno;
	if (flock(fd, LOCK_EX | LOCK_NB) != 0 || !is_same_file(fd, s->part)) {
		close(fd);
		return EEXIST;
	}
	error = ftruncate(fd, 0) != 0 ? errno : 0;
	s->file.fd = fd;
	return error != 0 ? error : has_room(s) ? 0 : ENOSPC;
}

static void
save_work(struct pool_job *job)
{
	struct http_saving *s = (struct http_saving *)job;

	switch (s->step) {
	case SAVE_OPEN:
		s->file.error = open_part(s);
		break;
	case SAVE_WRITE:
		s->file.error = write_all(s->file.fd, s->writing.data, s->writing.len);
		break;
	case SAVE_FINISH:
		s->file.error = finish_file(s);
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
	s->file.out =
	    step == SAVE_OPEN ? http_files_begin(&s->file.job) : http_files_go_on(&s->file.job);
	if (s->file.out)
		return;
	/* Nothing is open yet; or the threads have ended, and nobody waits for this one. */
	s->file.error = step == SAVE_OPEN ? EAGAIN : ECANCELED;
	give_up_file(s);
}

static enum ln_http_body
save_outcome(const struct http_saving *s)
{
	if (s->too_long)
		return LN_HTTP_BODY_TOO_LONG;
	switch (s->file.error) {
	case 0:
		return LN_HTTP_BODY_DONE;
	case EEXIST:
		return LN_HTTP_BODY_EXISTS;
	case EAGAIN:
		return LN_HTTP_BODY_BUSY;
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
	struct ln_http *request = s->file.request;

	s->file.request = NULL;
	if (request == NULL)
		return;
	request->saving = NULL;
	if (save_outcome(s) == LN_HTTP_BODY_FAILED)
		log_error("http", "file not written file=%s reason=%s", log_quote(s->file.path),
		    strerror(s->file.error));
	s->saved(request, save_outcome(s), s->arg);
}

static void
save_done(struct pool_job *job)
{
	struct http_saving *s = (struct http_saving *)job;
	bool finished = s->step == SAVE_FINISH && s->file.error == 0;

	s->file.out = false;
	if (!job->worked && s->file.error == 0)
		s->file.error = ECANCELED;
	s->failed = s->file.error != 0;
	buf_reset(&s->writing);
	/* Its client left while it was being finished: nobody knows of the file. */
	if (finished && s->file.request == NULL)
		ln_http_delete_file(s->file.path);
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

	if (s->file.out)
		return;
	if (s->file.error != 0 || s->too_long || s->file.request == NULL) {
		save_submit(s, SAVE_GIVE_UP);
	} else if (s->filling.len >= BLOCK || (s->ended && s->filling.len > 0)) {
		save_swap(s);
		save_submit(s, SAVE_WRITE);
	} else if (s->ended) {
		save_submit(s, SAVE_FINISH);
	} else {
		return;
	}
	if (!s->file.out) {
		save_tell(s);
		saving_free(s);
	} else if (was_full && s->file.request != NULL && s->file.request->read_paused &&
	    !s->failed) {
		http_read_resume(s->file.request);
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
	if (s->file.out)
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
	s->file.request = NULL;
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
	s = http_file_new(sizeof *s, http, path, save_work, save_done);
	s->part = xasprintf("%s.part", path);
	s->max = max;
	s->keep_free = keep_free;
	s->announced = http->head.length > 0 ? (uint64_t)http->head.length : 0;
	s->saved = saved;
	s->arg = arg;
	s->ended = http->head.length == 0;
	http->saving = s;
	save_submit(s, SAVE_OPEN);
	if (!s->file.out) {
		save_tell(s);
		saving_free(s);
		return;
	}
	http_advance(http->http);
}
