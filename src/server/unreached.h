/*
 * What is configured and cannot be reached: no mistake, since any part of a
 * configuration may be left out, but seldom what was meant. Main thread.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_UNREACHED_H
#define LN_SERVER_UNREACHED_H

#include "core/host.h"
#include "server/config.h"

/* After the start and each reload: a warning a line, in the log. */
void unreached_warn(const struct config *config, const struct snapshot *snapshot);

#endif
