/*
 * The option tables as the body of linnet.yaml(5), in mdoc. See config.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "server/config.h"
#include "server/config_tables.h"

/* Text of a line: nothing in it is a macro or an escape. */
static void
add_roff(struct buf *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		buf_add_text(out, "\\&");
	for (; *text != '\0'; text++) {
		if (*text == '\\')
			buf_add_text(out, "\\e");
		else if (*text == '-')
			buf_add_text(out, "\\-");
		else
			buf_add_char(out, *text);
	}
}

static void
add_row(struct buf *out, const char *path, const struct ln_option *row)
{
	const struct ln_option *inner = option_inner(row);
	struct buf allowed = BUF_INIT, standard = BUF_INIT;

	buf_printf(out, ".It Ic ");
	add_roff(out, path);
	buf_add_char(out, '\n');
	add_roff(out, inner->help != NULL ? inner->help : "");
	option_add_allowed(&allowed, row);
	option_add_default(&standard, row);
	buf_add_text(out, "\nAllowed: ");
	add_roff(out, allowed.data);
	buf_add_text(out, ".\nDefault: ");
	add_roff(out, standard.data);
	buf_add_text(out, ".\n");
	if ((row->flags | inner->flags) & LN_RESTART)
		buf_add_text(out, "A change waits for a restart.\n");
	buf_free(&allowed);
	buf_free(&standard);
}

static void
add_rows(struct buf *out, const char *prefix, const struct ln_option *rows)
{
	char own[OPTION_NAME_MAX];
	struct buf path = BUF_INIT;

	for (const struct ln_option *row = rows; row->type != LN_TYPE_END; row++) {
		if (row->flags & OPTION_ELSEWHERE)
			continue;
		buf_reset(&path);
		buf_printf(&path, "%s%s%s", prefix, *prefix != '\0' ? "." : "",
		    option_name(row, own));
		if (row->type == LN_TYPE_STRUCT)
			add_rows(out, path.data, row->rows);
		else
			add_row(out, path.data, row);
	}
	buf_free(&path);
}

static void
add_section(struct buf *out, const char *title, const char *prefix, const struct ln_option *rows)
{
	buf_printf(out, ".Ss %s\n.Bl -tag -width Ds\n", title);
	add_rows(out, prefix, rows);
	buf_add_text(out, ".El\n");
}

void
config_reference(const struct config_registry *registry, struct buf *out)
{
	add_section(out, "The server", "", config_rows);
	add_section(out, "Hosts", "hosts.DOMAIN", config_host_rows);
	for (size_t i = 0; i < registry->count; i++) {
		const struct ln_module *module = registry->modules[i];

		if (module->options != NULL && module->options->type != LN_TYPE_END)
			add_section(out, module->name, module->name, module->options);
	}
}
