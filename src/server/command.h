/*
 * The server's side of commands: which there are, and calls on their way.
 *
 *	commands_add(status_commands);		start-up, main thread
 *
 * Modules' commands need no registration: they are found in the snapshot.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_COMMAND_H
#define LN_SERVER_COMMAND_H

#include "linnet/command.h"

#define COMMAND_TABLES_MAX 16

/* Rows of the server itself, static. Main thread, before the workers start. */
void commands_add(const struct ln_command *rows);

/* The name of the module a command belongs to; NULL: the server's own, or none. */
const char *command_module(const struct ln_command *command);

/* "user add JID [PASSWORD]", for usage and help. */
struct buf;
void command_add_usage(struct buf *out, const struct ln_command *command);

/* A cell as people read it; "-" for nothing. */
void cell_add(struct buf *out, const struct ln_cell *cell);

unsigned command_arg_count(const struct ln_command *command);

#endif
