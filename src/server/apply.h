/*
 * From a configuration to the snapshot that the workers read (core/host.h).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_APPLY_H
#define LN_SERVER_APPLY_H

#include "core/host.h"
#include "server/config.h"

struct tls;

/*
 * Main thread. Builds the hosts, their modules' instances, hook chains and iq
 * tables; takes references of `config` and `tls` (may be NULL). NULL with a
 * sentence in *error_r (to be freed) where two modules claim the same iq.
 */
struct snapshot *apply_build(const struct config *config, struct tls *tls, char **error_r);

/* The certificates of a configuration; false: `report` says what is wrong. *tls_r is NULL where none is
 * configured and none is needed. */
/* At the very end: forgets the instances and their counters. */
void apply_close(void);

bool apply_load_tls(const struct config *config, struct report *report, struct tls **tls_r);

#endif
