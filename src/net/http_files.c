/*
 * Jobs of the file threads, and files that are deleted. See http_files.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/http_files.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "linnet/http.h"
#include "net/http.h"
#include "net/pool.h"

static struct pool *files;

void
http_init(struct pool *pool)
{
	files = pool;
}

bool
http_files_begin(struct pool_job *job)
{
	return files != NULL && pool_submit(files, job);
}

bool
http_files_go_on(struct pool_job *job)
{
	if (files == NULL)
		return false;
	pool_submit_always(files, job);
	return true;
}

void *
http_file_new(size_t size, struct ln_http *request, const char *path,
    void (*work)(struct pool_job *job), void (*done)(struct pool_job *job))
{
	struct http_file *file = xcalloc(1, size);

	file->job.work = work;
	file->job.done = done;
	file->request = request;
	file->path = xstrdup(path);
	file->fd = -1;
	return file;
}

void
http_file_free(struct http_file *file)
{
	free(file->path);
	free(file);
}

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
	if (http_files_go_on(&deleting->job))
		return;
	delete_work(&deleting->job);
	free(deleting);
}
