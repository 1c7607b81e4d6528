/*
 * Commands that run for a client: from the request to its answer.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_COMMANDS_RUN_H
#define LN_COMMANDS_RUN_H

#include <linnet/command.h>
#include <linnet/module.h>

/*
 * Takes the request and answers it when the command has run, for one account
 * after the other where the form names several. `form` may be NULL. False: an
 * argument is wrong, so the form can be mended and sent again.
 */
bool run_start(const struct ln_mod *mod, struct ln_ev_iq *ev, const struct ln_command *command,
    const char *session, const struct ln_elem *form);

/* Takes the request and answers it with the command's form, in whose first field stands what
 * another command says now. */
void run_before(const struct ln_mod *mod, struct ln_ev_iq *ev, const struct ln_command *command,
    const char *session, const struct ln_command *before);

/* <command/> with its attributes, in an answer. */
struct ln_elem *run_elem(struct ln_stanza *answer, const char *node, const char *session,
    const char *status);

/* The error that answers a request, with the XEP's own condition (NULL: none); NULL for what is
 * never answered. */
struct ln_stanza *run_error(const struct ln_stanza *request, enum ln_error error, const char *own,
    const char *text);

#endif
