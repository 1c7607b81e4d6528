/*
 * The daemon: start, run, reload, stop. Main thread.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_DAEMON_H
#define LN_SERVER_DAEMON_H

#include <stdbool.h>

struct buf;
struct config;
struct pool;

/* Runs the server with this configuration file until it is told to stop; the exit status. */
int daemon_run(const char *file);

/* Reads the configuration and says on standard error what is wrong; the exit status. */
int daemon_check(const char *file);

/* Begins to stop: streams, sessions, store; daemon_run() returns when that is done. */
void daemon_stop(void);

/*
 * Reads the file again and gives it to the workers. True: `out` says what took
 * effect and what waits for a restart. False: `out` says what is wrong, and
 * nothing has changed.
 */
bool daemon_reload(struct buf *out);

/* The configuration in force, borrowed. */
const struct config *daemon_config(void);

#endif
