/*
 * Modules that exist only for tests of the configuration.
 *
 * SPDX-License-Identifier: MIT
 */
#include "config_fakes.h"

static const struct ln_name modes[] = {
	{ "gentle", 1, NULL },
	{ "strict", 2, NULL },
	LN_NAME_END,
};

static const struct ln_option flood_options[] = {
	LN_OPTION_INT(flood_conf, burst, 20, 1, 10000, "Messages in one go."),
	LN_OPTION_DURATION(flood_conf, refill, 500, 10, 3600000, "Time until one more.",
	    .flags = LN_MAY_BE_OFF),
	LN_OPTION_RATE(flood_conf, rate, 20, 60000, "How many.", .flags = LN_MAY_BE_OFF),
	LN_OPTION_SIZE(flood_conf, size, 65536, 1024, 1048576, "How large."),
	LN_OPTION_BOOL(flood_conf, loud, false, "Say so."),
	LN_OPTION_ENUM(flood_conf, mode, modes, 1, "How hard.", .flags = LN_RESTART),
	LN_OPTION_DOMAIN(flood_conf, host, "flood.$host", "Where."),
	LN_OPTION_URI(flood_conf, url, "https://$host/flood", "Page."),
	LN_OPTION_SECRET(flood_conf, secret, "Secret."),
	LN_MAP_OF(flood_conf, contacts, LN_ITEM_LIST(LN_ITEM_URI), "Whom to ask."),
	LN_LIST_OF(flood_conf, admins, LN_ITEM_JID, "Who may.", .text = "[\"root@$host\"]"),
	LN_LIST_OF(flood_conf, numbers, LN_ITEM_INT(1, 9), "Lucky ones."),
	LN_OPTION_END,
};

static void
flood_check(const void *data, struct ln_check *check)
{
	const struct flood_conf *conf = data;

	if (conf->burst == 13)
		ln_check_error(check, "burst", "13 is unlucky for %s", ln_check_host(check));
}

static const struct ln_module flood = {
	.name = "flood",
	.summary = "Limit the rate of messages",
	.conf_size = sizeof(struct flood_conf),
	.options = flood_options,
	.check = flood_check,
};

struct turn_conf {
	const char *secret;
};

static const struct ln_option turn_options[] = {
	LN_OPTION_SECRET(turn_conf, secret, "Shared with the relay.", .flags = LN_REQUIRED),
	LN_OPTION_END,
};

static const struct ln_module turn = {
	.name = "turn",
	.summary = "Relays",
	.conf_size = sizeof(struct turn_conf),
	.options = turn_options,
};

static const struct ln_module disco = { .name = "disco", .summary = "Discovery" };

static const struct ln_module muc = {
	.name = "muc",
	.summary = "Rooms",
	.needs = LN_NAMES("disco"),
	.conflicts = LN_NAMES("turn"),
};

struct metrics_conf {
	const char *path;
};

static const struct ln_option metrics_options[] = {
	LN_OPTION_STRING(metrics_conf, path, "/metrics", "Path of the page."),
	LN_OPTION_END,
};

static const struct ln_module metrics = {
	.name = "metrics",
	.summary = "A page of figures",
	.scope = LN_SCOPE_GLOBAL,
	.conf_size = sizeof(struct metrics_conf),
	.options = metrics_options,
};

static const struct ln_module *const modules[] = { &disco, &flood, &metrics, &muc, &turn };

const struct config_registry fake_registry = { modules, sizeof modules / sizeof *modules };
