/*
 * The entity behind a bare domain of ours: answers iqs to the host, and tells
 * modules at its home when the host begins to be served, and when a new
 * configuration is in force.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_HOSTENT_H
#define LN_SERVER_HOSTENT_H

#include "core/entity.h"

extern const struct entity_ops host_ops;

/* At start, before the workers run. */
void hostent_init(void);

#endif
