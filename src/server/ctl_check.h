/*
 * `linnetctl check`: would the server start, and would others trust it? Each
 * part adds findings; one that is wrong fails the whole.
 *
 *	check_certificates(&findings, config, tls);
 *	check_ports(&findings, config, ctl);
 *	check_database(&findings, config);
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_CTL_CHECK_H
#define LN_SERVER_CTL_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "linnet/command.h"
#include "server/config.h"
#include "server/ctl.h"

struct tls;

enum verdict { VERDICT_OK, VERDICT_NOTE, VERDICT_WRONG };

/* A table of part, subject, verdict, finding, as the server's commands answer them. */
struct findings {
	struct arena *arena;
	struct ln_cell *cells;
	size_t count, room;
	unsigned notes, wrong;
};

/* Texts are copied; `finding` is a sentence. */
void finding_add(struct findings *findings, const char *part, const char *subject,
    enum verdict verdict, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* ctl_check_tls.c */
void check_certificates(struct findings *findings, const struct config *config,
    const struct tls *tls);

/* ctl_check_ports.c; `server`: the process of the one that runs, 0: none. */
void check_ports(struct findings *findings, const struct config *config, long server);

#endif
