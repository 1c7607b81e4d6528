/*
 * The verbs that look at the configuration without a server. See ctl.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/tls.h"
#include "server/apply.h"
#include "server/config.h"
#include "server/ctl.h"
#include "server/json.h"
#include "server/loader.h"

bool
ctl_open_modules(void)
{
	char *error = NULL;

	if (loader_open(loader_directory(), &error))
		return true;
	fprintf(stderr, "linnetctl: %s\n", error);
	free(error);
	return false;
}

/* What every verb works with; `config` is NULL where the file has mistakes. */
struct look {
	const struct config_registry *registry;
	const struct config *config;
	struct report report;
	struct buf out;
	bool json;
};

/* The same as rows: file, line, column, message. */
static void
print_json(const struct look *look, struct buf *out)
{
	buf_printf(out, "{\"ok\":%s", look->config != NULL ? "true" : "false");
	json_add_name(out, "rows");
	buf_add_char(out, '[');
	for (size_t i = 0; i < look->report.count; i++) {
		const struct report_entry *entry = &look->report.entries[i];

		json_next(out);
		buf_add_char(out, '{');
		json_add_name(out, "file");
		json_add_string(out, entry->place.file);
		json_add_name(out, "line");
		buf_printf(out, "%u", entry->place.line);
		json_add_name(out, "column");
		buf_printf(out, "%u", entry->place.column);
		json_add_name(out, "message");
		json_add_string(out, entry->message);
		buf_add_char(out, '}');
	}
	buf_add_text(out, "]}\n");
}

/* What the daemon looks at besides: do modules fit together, do certificates and keys? */
static void
look_closer(struct look *look)
{
	struct tls *tls = NULL;
	char *error = NULL;

	if (!apply_check(look->config, &error))
		report_add(&look->report, (struct place){ .file = look->config->file }, "%s",
		    error);
	free(error);
	apply_load_tls(look->config, &look->report, &tls);
	tls_unref(&tls);
	if (!report_is_empty(&look->report))
		config_unref(&look->config);
}

static enum ctl_exit
check(struct look *look, char **words)
{
	if (look->config != NULL)
		look_closer(look);
	if (look->json) {
		print_json(look, &look->out);
		return look->config != NULL ? CTL_OK : CTL_FAILED;
	}
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
	struct look look = { .registry = loader_registry(), .json = ctl->json };
	enum ctl_exit status = CTL_USAGE;

	if (!ctl_open_modules())
		return CTL_FAILED;
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

/* ---- module show ---- */

static void
add_names(struct buf *out, const char *title, const char *const *names)
{
	if (names == NULL || *names == NULL)
		return;
	buf_printf(out, "\n%s:", title);
	for (; *names != NULL; names++)
		buf_printf(out, " %s", *names);
	buf_add_char(out, '\n');
}

static void
add_module(struct buf *out, const struct ln_module *module)
{
	buf_printf(out, "%s\n    %s\n", module->name, module->summary);
	add_names(out, "Needs", module->needs);
	add_names(out, "Cannot be on with", module->conflicts);
	add_names(out, "Features", module->features);
	add_names(out, "Features of accounts", module->account_features);
	if (module->commands != NULL && module->commands->name != NULL)
		buf_add_text(out, "\nCommands:\n");
	for (const struct ln_command *row = module->commands; row != NULL && row->name != NULL;
	     row++)
		buf_printf(out, "    %s: %s\n", row->name, row->help);
}

enum ctl_exit
ctl_module_show(struct ctl *ctl, char **words)
{
	const struct config_registry *registry = loader_registry();
	struct buf out = BUF_INIT;
	enum ctl_exit status;

	if (*words == NULL) {
		fprintf(stderr, "usage: linnetctl module show NAME\n");
		return CTL_USAGE;
	}
	if (!ctl_open_modules())
		return CTL_FAILED;
	for (size_t i = 0; i < registry->count; i++) {
		const struct ln_module *module = registry->modules[i];

		if (strcmp(module->name, *words) != 0)
			continue;
		add_module(&out, module);
		if (module->options != NULL && module->options->type != LN_TYPE_END) {
			buf_add_text(&out, "\nOptions:\n");
			config_explain_options(module, &out);
		}
	}
	if (out.len > 0)
		fputs(out.data, stdout);
	else
		fprintf(stderr, "linnetctl: there is no module %s\n", *words);
	loader_close();
	status = out.len > 0 ? CTL_OK : CTL_FAILED;
	buf_free(&out);
	return status;
}
