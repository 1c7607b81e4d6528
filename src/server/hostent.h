/*
 * The entity behind a bare domain of ours: answers iqs to the host.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_HOSTENT_H
#define LN_SERVER_HOSTENT_H

#include "core/entity.h"

extern const struct entity_ops host_ops;

#endif
