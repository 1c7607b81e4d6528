/*
 * Fuzz target: the configuration, from bytes to a struct or a report.
 *
 * Files that the text names are opened for reading if they are regular.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stddef.h>
#include <stdint.h>

#include "server/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct flood_conf {
	int64_t burst;
	ln_msec refill;
	const char *host;
};

static const struct ln_option options[] = {
	LN_OPTION_INT(flood_conf, burst, 20, 1, 10000, "Messages in one go."),
	LN_OPTION_DURATION(flood_conf, refill, 500, 10, 3600000, "Time until one more.",
	    .flags = LN_MAY_BE_OFF),
	LN_OPTION_DOMAIN(flood_conf, host, "flood.$host", "Where."),
	LN_OPTION_END,
};

static const struct ln_module flood = {
	.name = "flood",
	.conf_size = sizeof(struct flood_conf),
	.options = options,
};

static const struct ln_module scram = { .name = "sasl_scram" };

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const struct ln_module *const modules[] = { &flood, &scram };
	const struct config_registry registry = { modules, 2 };
	struct report report = REPORT_INIT;
	struct buf out = BUF_INIT;
	const struct config *config =
	    config_parse("fuzz.yaml", (const char *)bytes, len, &registry, &report);

	report_print(&report, &out);
	if (config != NULL) {
		config_explain(config, &registry, "s2s", &out);
		config_explain(config, &registry, "flood", &out);
		config_diff(config, config, &out);
	}
	config_unref(&config);
	report_free(&report);
	buf_free(&out);
	return 0;
}
