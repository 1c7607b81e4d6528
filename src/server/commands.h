/*
 * The server's own commands. See linnet/command.h.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_COMMANDS_H
#define LN_SERVER_COMMANDS_H

struct ln_command;

extern const struct ln_command s2s_commands[];
extern const struct ln_command user_commands[];
extern const struct ln_command show_commands[];
extern const struct ln_command server_commands[];
extern const struct ln_command dns_commands[];

/* Registers them. Main thread, before the workers start. */
void commands_init(void);

#endif
