/*
 * Results of commands as forms (XEP-0004) and notes (XEP-0050 §4.3).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_COMMANDS_RESULT_H
#define LN_COMMANDS_RESULT_H

#include <linnet/command.h>
#include <linnet/module.h>

#define RESULT_ROWS_MAX 1000 /* of one answer; a note says how many there are */

/*
 * Adds to <command/> what a command answered, at most `*rows_left` rows, which
 * are counted down. `about` is its first argument.
 */
void result_add(struct ln_elem *parent, const struct ln_command *command,
    const struct ln_result *result, const char *about, size_t *rows_left);

#endif
