/*
 * The rows of the server's own options.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_CONFIG_TABLES_H
#define LN_SERVER_CONFIG_TABLES_H

#include "server/options.h"

extern const struct ln_option config_rows[];      /* of struct config */
extern const struct ln_option config_host_rows[]; /* of struct config_host */

#endif
