/*
 * From the configuration to the resolver (net/resolver.h).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_APPLY_DNS_H
#define LN_SERVER_APPLY_DNS_H

#include "server/config.h"

/* Main thread, workers running: start, and each reload. Finds out about DNSSEC at once if other
 * servers can reach us. */
void apply_dns(const struct config *config);

#endif
