/*
 * From the configuration to what the workers read of other servers and of
 * components (core/federation.h). For apply.c.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_APPLY_S2S_H
#define LN_SERVER_APPLY_S2S_H

#include "core/host.h"
#include "server/config.h"

/* What a host, or the server, is told of others; texts and lists stay the configuration's. */
const struct s2s_conf *apply_s2s(struct arena *arena, const struct config_s2s *conf);

/* Fills in the part of the core's settings. */
void apply_federation(struct arena *arena, const struct config *config, struct core_conf *core);

#endif
