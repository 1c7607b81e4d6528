/*
 * Forms of commands: made from the rows of their arguments, and read again.
 *
 * What the server can fill in itself is not asked for: the host that was asked,
 * the asker's own account where he may run the command for himself alone, and
 * flags that have a node of their own.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_COMMANDS_FORM_H
#define LN_COMMANDS_FORM_H

#include <linnet/command.h>
#include <linnet/form.h>
#include <linnet/module.h>

#define FORM_MANY_MAX 100 /* accounts that one form may name */

bool form_fills_in(const struct ln_command *command, const struct ln_arg *arg);

/* Does the argument take several values, the command running for each? */
bool form_takes_many(const struct ln_arg *arg);

/* Is there anything to be asked? */
bool form_asks(const struct ln_command *command);

/* The <actions/> and the form; `text` stands in its first field (NULL: nothing). */
void form_add(struct ln_elem *parent, const struct ln_command *command, const char *text);

/* A form that came back: NULL, or what is wrong with it, in `arena`. */
const char *form_check(struct arena *arena, const struct ln_elem *form,
    const struct ln_command *command);

/* The values that the command runs for, one after the other; NULL: it takes no more than one. */
const struct ln_elem *form_many(const struct ln_elem *form, const struct ln_command *command);

/* What the form says for an argument, its own or in `arena`; NULL: nothing. `form` may be NULL. */
const char *form_value(struct arena *arena, const struct ln_elem *form, const struct ln_arg *arg);

/* Does a password stand in it? */
bool form_is_secret(const struct ln_command *command);

#endif
