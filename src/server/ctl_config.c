/*
 * The verbs that look at the configuration without a server. See ctl.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/config.h"
#include "server/ctl.h"
#include "server/loader.h"

/* What every verb works with; `config` is NULL where the file has mistakes. */
struct look {
	const struct config_registry *registry;
	const struct config *config;
	struct report report;
	struct buf out;
};

static enum ctl_exit
check(struct look *look, char **words)
{
	report_print(&look->report, &look->out);
	if (look->config == NULL)
		return CTL_FAILED;
	buf_printf(&look->out, "%s: no mistakes\n", look->config->file);
	return CTL_OK;
}

static enum ctl_exit
explain(struct look *look, char **words)
{
	enum ctl_exit status = CTL_OK;

	if (*words == NULL)
		return CTL_USAGE;
	for (; *words != NULL; words++)
		if (!config_explain(look->config, look->registry, *words, &look->out))
			status = CTL_FAILED;
	if (look->config == NULL)
		fprintf(stderr,
		    "linnetctl: the configuration has mistakes (see `config check`), so "
		    "no values are shown\n");
	return status;
}

static enum ctl_exit
schema(struct look *look, char **words)
{
	config_schema(look->registry, &look->out);
	return CTL_OK;
}

static enum ctl_exit
reference(struct look *look, char **words)
{
	config_reference(look->registry, &look->out);
	return CTL_OK;
}

static const struct {
	const char *name;
	enum ctl_exit (*run)(struct look *look, char **words);
} verbs[] = {
	{ "check", check },
	{ "explain", explain },
	{ "schema", schema },
	{ "reference", reference },
};

enum ctl_exit
ctl_config(struct ctl *ctl, char **words)
{
	struct look look = { .registry = loader_registry() };
	enum ctl_exit status = CTL_USAGE;
	char *error = NULL;

	if (!loader_open(loader_directory(), &error)) {
		fprintf(stderr, "linnetctl: %s\n", error);
		free(error);
		return CTL_FAILED;
	}
	for (size_t i = 0; *words != NULL && i < sizeof verbs / sizeof *verbs; i++) {
		if (strcmp(verbs[i].name, *words) != 0)
			continue;
		look.config = config_load(ctl->file, look.registry, &look.report);
		status = verbs[i].run(&look, words + 1);
		break;
	}
	if (status == CTL_USAGE)
		fprintf(stderr,
		    "usage: linnetctl [-c FILE] config check | explain NAME... | schema | "
		    "reference\n");
	if (look.out.len > 0)
		fputs(look.out.data, stdout);
	config_unref(&look.config);
	report_free(&look.report);
	buf_free(&look.out);
	loader_close();
	return status;
}
