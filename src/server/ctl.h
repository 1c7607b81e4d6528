/*
 * linnetctl from the inside: the verbs that need no server, the talk with one
 * that runs, and how answers are shown.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_CTL_H
#define LN_SERVER_CTL_H

#include <stdbool.h>

#include "base/buf.h"
#include "linnet/command.h"

struct arena;

enum ctl_exit {
	CTL_OK = 0,
	CTL_FAILED = 1,
	CTL_USAGE = 2,
	CTL_UNREACHABLE = 3,
};

struct ctl {
	const char *file; /* configuration */
	bool json;
	struct arena *arena;
	int fd;        /* of the control socket, -1: none yet */
	struct buf in; /* the answer */
};

/* ---- ctl_client.c ---- */

/* Connects; false: there is no server, and `error_r` says where it was looked for. */
bool ctl_connect(struct ctl *ctl, const char **error_r);
void ctl_disconnect(struct ctl *ctl);

/* The server's commands, rows as the server declared them, without functions; NULL: the
 * connection broke. They end in LN_COMMAND_END. */
struct ln_command *ctl_describe(struct ctl *ctl);

/* Sends a frame made with control_wire.h and reads the result; false: the connection broke. */
bool ctl_ask(struct ctl *ctl, const struct buf *frame, struct ln_result *result_r);

/* ---- ctl_args.c ---- */

/* The command that words begin with, and how many of them are its name; NULL: none. */
const struct ln_command *ctl_find(const struct ln_command *commands, char **words,
    unsigned *used_r);

/* Puts arguments into a call's frame; false: they are wrong, and it was said why. */
bool ctl_add_arguments(struct ctl *ctl, struct buf *frame, const struct ln_command *command,
    char **words);

/* ---- ctl_print.c ---- */

void ctl_print_result(const struct ln_result *result, bool json, struct buf *out);

/* ---- ctl_config.c ---- */

/* config check|explain|schema|reference. */
enum ctl_exit ctl_config(struct ctl *ctl, char **words);

/* The modules' tables, which the configuration is checked against; loader_close() at the end.
 * False: it was said why not. */
bool ctl_open_modules(void);

/* What a module says of itself: module show NAME. */
enum ctl_exit ctl_module_show(struct ctl *ctl, char **words);

/* ---- ctl_check.c ---- */

/* Configuration, certificates, ports, database: CTL_FAILED if anything is wrong. */
enum ctl_exit ctl_check(struct ctl *ctl);

#endif
