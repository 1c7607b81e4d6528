/*
 * The option tables as a JSON Schema (draft 2020-12), for editors.
 *
 * Editors read YAML with its guesses, so a word like `off` may reach the
 * schema as a text or as a truth value; both are allowed for.
 *
 * SPDX-License-Identifier: MIT
 */
#include <inttypes.h>
#include <string.h>

#include "server/config.h"
#include "server/config_tables.h"
#include "server/json.h"

static void add_schema(struct buf *out, const struct ln_option *row);

static void
add_member(struct buf *out, const char *name, const char *text)
{
	json_add_name(out, name);
	json_add_string(out, text);
}

static void
add_raw(struct buf *out, const char *name, const char *json)
{
	json_add_name(out, name);
	buf_add_text(out, json);
}

/* A word as a member of an enum, with what YAML 1.1 makes of it. */
static void
add_word(struct buf *out, const char *word)
{
	json_next(out);
	json_add_string(out, word);
	if (strcmp(word, "on") == 0 || strcmp(word, "yes") == 0)
		buf_add_text(out, ",true");
	else if (strcmp(word, "off") == 0 || strcmp(word, "no") == 0)
		buf_add_text(out, ",false");
	else if (strspn(word, "0123456789.") == strlen(word))
		buf_printf(out, ",%s", word);
}

static void
add_words(struct buf *out, const struct ln_name *names)
{
	json_add_name(out, "enum");
	buf_add_char(out, '[');
	for (; names->name != NULL; names++)
		add_word(out, names->name);
	buf_add_char(out, ']');
}

static void
add_object(struct buf *out, const struct ln_option *rows)
{
	char name[OPTION_NAME_MAX];
	struct buf required = BUF_INIT;

	add_raw(out, "type", "[\"object\",\"null\"]");
	add_raw(out, "additionalProperties", "false");
	json_add_name(out, "properties");
	buf_add_char(out, '{');
	for (const struct ln_option *row = rows; row->type != LN_TYPE_END; row++) {
		if (row->flags & OPTION_ELSEWHERE)
			continue;
		json_add_name(out, option_name(row, name));
		add_schema(out, row);
		if (row->flags & LN_REQUIRED) {
			buf_add_text(&required, required.len > 0 ? "," : "");
			json_add_string(&required, name);
		}
	}
	buf_add_char(out, '}');
	if (required.len > 0) {
		json_add_name(out, "required");
		buf_printf(out, "[%s]", required.data);
	}
	buf_free(&required);
}

/* The members that say what a value looks like. */
static void
add_type(struct buf *out, const struct ln_option *row)
{
	switch (row->type) {
	case LN_TYPE_BOOL:
		add_raw(out, "enum",
		    "[true,false,\"yes\",\"no\",\"on\",\"off\",\"true\",\"false\"]");
		return;
	case LN_TYPE_INT:
		add_raw(out, "type", "\"integer\"");
		json_add_name(out, "minimum");
		buf_printf(out, "%" PRId64 ",\"maximum\":%" PRId64, row->min, row->max);
		return;
	case LN_TYPE_SIZE:
		add_raw(out, "type", "[\"integer\",\"string\"]");
		add_member(out, "pattern", "^[0-9]+[kMGT]?$");
		return;
	case LN_TYPE_DURATION:
		add_raw(out, "type", "\"string\"");
		add_member(out, "pattern", "^[0-9]+(ms|s|m|h|d)$");
		return;
	case LN_TYPE_RATE:
		add_raw(out, "type", "\"string\"");
		add_member(out, "pattern", "^[0-9]+/[0-9]+(ms|s|m|h|d)$");
		return;
	case LN_TYPE_ENUM:
		add_words(out, row->names);
		return;
	case LN_TYPE_LIST:
		add_raw(out, "type", "[\"array\",\"null\"]");
		json_add_name(out, "items");
		add_schema(out, row->item);
		return;
	case LN_TYPE_MAP:
		add_raw(out, "type", "[\"object\",\"null\"]");
		json_add_name(out, "additionalProperties");
		add_schema(out, row->item);
		return;
	case LN_TYPE_STRUCT:
		add_object(out, row->rows);
		return;
	default:
		add_raw(out, "type", "\"string\"");
	}
}

static void
add_alternative(struct buf *out, const struct ln_option *row)
{
	json_next(out);
	buf_add_char(out, '{');
	add_type(out, row);
	buf_add_char(out, '}');
}

/* What else may stand there, after the first alternative. */
static void
add_others(struct buf *out, const struct ln_option *row)
{
	if (row->type == LN_TYPE_OR) {
		buf_add_text(out, ",{");
		add_words(out, row->names);
		buf_add_char(out, '}');
	}
	if (row->type == LN_TYPE_STRUCT && row->flags & LN_SHORTHAND)
		add_alternative(out, row->rows);
	if (row->type == LN_TYPE_SECRET)
		buf_add_text(out,
		    ",{\"type\":\"object\",\"properties\":{\"file\":{\"type\":"
		    "\"string\"}},\"required\":[\"file\"],"
		    "\"additionalProperties\":false}");
	if (row->flags & LN_MAY_BE_OFF)
		buf_add_text(out, ",{\"enum\":[\"off\",false]}");
}

static void
add_default(struct buf *out, const struct ln_option *row)
{
	struct buf text = BUF_INIT;

	if (row->type == LN_TYPE_STRUCT || option_inner(row)->name == NULL ||
	    row->flags & LN_REQUIRED)
		return;
	option_add_default(&text, row);
	if (text.data[0] != '(')
		add_member(out, "default", text.data);
	buf_free(&text);
}

static void
add_schema(struct buf *out, const struct ln_option *row)
{
	const struct ln_option *inner = option_inner(row);
	struct buf others = BUF_INIT;

	buf_add_char(out, '{');
	if (inner->help != NULL)
		add_member(out, "description", inner->help);
	add_default(out, row);
	add_others(&others, row);
	if (others.len == 0) {
		add_type(out, inner);
	} else {
		json_add_name(out, "anyOf");
		buf_add_char(out, '[');
		add_alternative(out, inner);
		buf_add_text(out, others.data[0] == ',' ? "" : ",");
		buf_printf(out, "%s]", others.data);
	}
	buf_add_char(out, '}');
	buf_free(&others);
}

static void
add_modules(struct buf *out, const struct config_registry *registry, bool in_host)
{
	static const struct ln_option none[] = { LN_OPTION_END };

	json_add_name(out, "modules");
	buf_add_text(out,
	    "{\"type\":[\"object\",\"null\"],\"additionalProperties\":false,"
	    "\"properties\":{");
	for (size_t i = 0; i < registry->count; i++) {
		const struct ln_module *module = registry->modules[i];

		if (in_host && module->scope == LN_SCOPE_GLOBAL)
			continue;
		json_add_name(out, module->name);
		buf_add_char(out, '{');
		if (module->summary != NULL)
			add_member(out, "description", module->summary);
		json_add_name(out, "anyOf");
		buf_add_text(out, "[{");
		add_object(out, module->options != NULL ? module->options : none);
		buf_add_text(out, "},{\"enum\":[\"on\",\"off\",true,false]}]}");
	}
	buf_add_text(out, "}}");
}

/* An object of the rows and, as one property more, the modules. */
static void
open_properties(struct buf *out, const struct ln_option *rows)
{
	add_object(out, rows);
	out->len--; /* the brace that closes the properties: none is required here */
	out->data[out->len] = '\0';
}

void
config_schema(const struct config_registry *registry, struct buf *out)
{
	buf_add_char(out, '{');
	add_member(out, "$schema", "https://json-schema.org/draft/2020-12/schema");
	add_member(out, "title", "Configuration of Linnet");
	open_properties(out, config_rows);
	add_modules(out, registry, false);
	json_add_name(out, "hosts");
	buf_add_text(out, "{\"type\":[\"object\",\"null\"],\"additionalProperties\":{");
	open_properties(out, config_host_rows);
	add_modules(out, registry, true);
	buf_add_text(out, "}}}}}\n");
}
