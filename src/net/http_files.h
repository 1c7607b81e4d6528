/*
 * The file threads, as http_save.c and http_send.c use them: regular files are
 * opened, read, written, synced, closed and deleted there alone.
 *
 * A file is begun where the queue has room; what was begun goes on whatever
 * waits, one job at a time, so that the queue is bounded by the files that are open.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_NET_HTTP_FILES_H
#define LN_NET_HTTP_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "net/pool.h"

#define BLOCK ((size_t)256 * 1024)

struct ln_http;

/*
 * A file that a request reads or becomes; the first member of its kind. It outlives its request
 * while a job is out: what a job needs is touched by the file thread then, and by the worker
 * while none is out.
 */
struct http_file {
	struct pool_job job;
	struct ln_http *request; /* NULL: gone */
	char *path;
	int fd;
	int error; /* errno of a step that failed: the file thread's while a job is out */
	bool out;  /* a job is */
};

/* `size` bytes, zero but for the file at their beginning, which is not open. */
void *http_file_new(size_t size, struct ln_http *request, const char *path,
    void (*work)(struct pool_job *job), void (*done)(struct pool_job *job));
void http_file_free(struct http_file *file);

/* On a worker. Gives the job away until done(); false: there is too much to do, answer 503. */
bool http_files_begin(struct pool_job *job);

/* The same, never refused; false: the threads have ended, and the server with them. */
bool http_files_go_on(struct pool_job *job);

#endif
