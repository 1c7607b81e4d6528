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

/* Bytes of one stanza; `off` is the most that the option allows, for nothing is without a bound. */
#define APPLY_STANZA_MAX (16 * 1024 * 1024)

static inline size_t
apply_stanza_max(int64_t option)
{
	return option < APPLY_STANZA_MAX ? (size_t)option : APPLY_STANZA_MAX;
}

/* Fills in the part of the core's settings. */
void apply_federation(struct arena *arena, const struct config *config, struct core_conf *core);

#endif
