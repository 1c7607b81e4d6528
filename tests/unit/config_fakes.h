/*
 * Modules that exist only for tests of the configuration.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_TESTS_CONFIG_FAKES_H
#define LN_TESTS_CONFIG_FAKES_H

#include "server/config.h"

struct flood_conf {
	int64_t burst;
	ln_msec refill;
	struct ln_rate rate;
	int64_t size;
	bool loud;
	int mode;
	const char *host;
	const char *url;
	const char *secret;
	struct ln_map contacts;
	struct ln_list admins;
	struct ln_list numbers;
};

extern const struct config_registry fake_registry;

#endif
