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

/* On a worker. Gives the job away until done(); false: there is too much to do, answer 503. */
bool http_files_begin(struct pool_job *job);

/* The same, never refused; false: the threads have ended, and the server with them. */
bool http_files_go_on(struct pool_job *job);

#endif
