/*
 * The addresses that the daemon listens on, by service: opened at start, and
 * made to follow the configuration at each reload. Main thread.
 *
 *	listeners_prepare(config, &error)	opens what is new; nothing accepts yet
 *	listeners_commit()			what is new accepts, what is gone is closed
 *	listeners_abandon()			or: as if nothing had been prepared
 *	listeners_close()
 *
 * At the first call the sockets that systemd hands over (sd_listen_fds(3)) are
 * taken where their address is one of the configuration's, so a port below 1024
 * needs no privilege. One that is not named in `listen` is closed with a word.
 *
 * An address that stays keeps its socket and what waits in the kernel's
 * backlog, even if another service has it from now on.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_LISTENERS_H
#define LN_SERVER_LISTENERS_H

#include <stdbool.h>

struct config;

/* False: an address cannot be had; *error_r says why (free() it), and nothing has changed. */
bool listeners_prepare(const struct config *config, char **error_r);

void listeners_commit(void);
void listeners_abandon(void);

/* Stops accepting. What was prepared is given up too. */
void listeners_close(void);

#endif
