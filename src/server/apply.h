/*
 * From a configuration to the snapshot that the workers read (core/host.h),
 * and from one snapshot to the next. Main thread.
 *
 *	apply_load_tls(config, &report, &tls)		certificates
 *	apply(config, tls, &error)			start, and each reload
 *	...
 *	apply_close();					after workers_stop()
 *
 * Whatever fails, everything is as it was before: what was begun is on a
 * ledger (server/ledger.h) and is taken back, newest first.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_APPLY_H
#define LN_SERVER_APPLY_H

#include <stdbool.h>

#include "core/host.h"
#include "server/config.h"

struct tls;

/*
 * Builds the hosts, their modules' instances, hook chains and iq tables; starts
 * the modules that are new; gives the whole to every worker. Modules that are
 * on no more are stopped when the last worker has left them. Takes references of
 * `config` and `tls` (may be NULL). False with a sentence in *error_r (to be
 * freed): nothing has changed.
 */
bool apply(const struct config *config, struct tls *tls, char **error_r);

/* Would it fit together? Builds all of it and throws it away; starts nothing. */
bool apply_check(const struct config *config, char **error_r);

/* What is in force; NULL before the first apply(). */
const struct snapshot *apply_current(void);

/* At the very end, when the workers are gone: stops the modules, forgets their instances. */
void apply_close(void);

/*
 * The certificates of a configuration; false: `report` says what is wrong, such as a host without
 * one that needs it. *tls_r is NULL where none is configured and none is needed (apply_tls.c).
 */
struct report;
bool apply_load_tls(const struct config *config, struct report *report, struct tls **tls_r);

/* A domain as certificates and SNI spell it, in `arena`. */
const char *apply_ascii_name(struct arena *arena, const char *host);

#endif
