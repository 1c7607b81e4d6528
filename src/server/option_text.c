/*
 * Rows as text: what is allowed, the default, what a field holds. See options.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/option_values.h"
#include "server/options.h"

/* ---- What is allowed ---- */

static void
add_words(struct buf *out, const struct ln_name *names, const char *last)
{
	for (const struct ln_name *name = names; name->name != NULL; name++) {
		if (name != names)
			buf_add_text(out, name[1].name == NULL ? last : ", ");
		buf_add_text(out, name->name);
	}
}

static void
add_from_to(struct buf *out, const struct ln_option *row)
{
	switch (row->type) {
	case LN_TYPE_SIZE:
		buf_add_text(out, "a size from ");
		value_add_size(out, row->min);
		buf_add_text(out, " to ");
		value_add_size(out, row->max);
		buf_add_text(out, ", such as 4096, 64k or 10M");
		return;
	case LN_TYPE_DURATION:
		buf_add_text(out, "a duration from ");
		value_add_duration(out, row->min);
		buf_add_text(out, " to ");
		value_add_duration(out, row->max);
		buf_add_text(out, ", such as 500ms, 30s, 15m, 12h or 30d");
		return;
	default:
		buf_printf(out, "a whole number from %" PRId64 " to %" PRId64, row->min, row->max);
	}
}

static void
add_struct_allowed(struct buf *out, const struct ln_option *row)
{
	char name[OPTION_NAME_MAX];

	if (row->flags & LN_SHORTHAND) {
		option_add_allowed(out, row->rows);
		buf_add_text(out, ", or ");
	}
	buf_add_text(out, "a map of ");
	for (const struct ln_option *inside = row->rows; inside->type != LN_TYPE_END; inside++)
		buf_printf(out, "%s%s", inside == row->rows ? "" : ", ", option_name(inside, name));
}

static const char *const type_texts[] = {
	[LN_TYPE_BOOL] = "yes or no (also: on, off, true, false)",
	[LN_TYPE_RATE] = "a rate, such as 20/1m",
	[LN_TYPE_STRING] = "a text",
	[LN_TYPE_DOMAIN] = "a domain, such as example.org",
	[LN_TYPE_URI] = "a URI, such as https://example.org/",
	[LN_TYPE_JID] = "a JID, such as anna@example.org",
	[LN_TYPE_PATH] = "a path",
	[LN_TYPE_SECRET] = "a text, or {file: PATH}",
};

static void
add_type_allowed(struct buf *out, const struct ln_option *row)
{
	switch (row->type) {
	case LN_TYPE_INT:
	case LN_TYPE_SIZE:
	case LN_TYPE_DURATION:
		add_from_to(out, row);
		return;
	case LN_TYPE_ENUM:
		add_words(out, row->names, " or ");
		return;
	case LN_TYPE_ADDRESS:
		buf_add_text(out,
		    row->number == 0
			? "HOST:PORT, such as \"*:5222\", \"127.0.0.1:5222\", \"[::1]:5222\""
			: "HOST or HOST:PORT, such as 127.0.0.1 or \"[::1]:53\"");
		return;
	case LN_TYPE_LIST:
		buf_add_text(out, "a list, [a, b], each ");
		option_add_allowed(out, row->item);
		return;
	case LN_TYPE_MAP:
		buf_add_text(out,
		    row->number == LN_TYPE_DOMAIN ? "a map of domains, each with "
						  : "a map of names, each with ");
		option_add_allowed(out, row->item);
		return;
	case LN_TYPE_STRUCT:
		add_struct_allowed(out, row);
		return;
	case LN_TYPE_OR:
		add_words(out, row->names, ", ");
		buf_add_text(out, ", or ");
		option_add_allowed(out, row->item);
		return;
	default:
		buf_add_text(out, type_texts[row->type]);
	}
}

void
option_add_allowed(struct buf *out, const struct ln_option *row)
{
	add_type_allowed(out, row);
	if (row->flags & LN_MAY_BE_OFF)
		buf_add_text(out, "; or off");
}

/* ---- What a field holds ---- */

/* Plain where the file could hold it plain, else quoted as JSON does it, which is YAML too. */
static void
add_yaml_text(struct buf *out, const char *text)
{
	size_t len = strlen(text);

	if (len > 0 &&
	    strspn(text,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789/._-@+$") == len &&
	    text[0] != '@' && text[0] != '-') {
		buf_add_text(out, text);
		return;
	}
	buf_add_char(out, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			buf_add_char(out, '\\');
		if ((unsigned char)*text < ' ')
			buf_printf(out, "\\x%02x", (unsigned char)*text);
		else
			buf_add_char(out, *text);
	}
	buf_add_char(out, '"');
}

static void add_value(struct buf *out, const struct ln_option *row, const void *conf, bool plain);

static void
add_number(struct buf *out, const struct ln_option *row, int64_t number)
{
	if (row->type == LN_TYPE_SIZE)
		value_add_size(out, number);
	else if (row->type == LN_TYPE_DURATION)
		value_add_duration(out, number);
	else if (number >= LN_OFF)
		buf_add_text(out, "off");
	else
		buf_printf(out, "%" PRId64, number);
}

static void
add_text(struct buf *out, const struct ln_option *row, const char *text, bool plain)
{
	if (text == NULL)
		buf_add_text(out, row->flags & LN_MAY_BE_OFF ? "off" : "(nothing)");
	else if (row->type == LN_TYPE_SECRET && !plain)
		buf_add_text(out, "(secret)");
	else
		add_yaml_text(out, text);
}

static void
add_list(struct buf *out, const struct ln_option *row, const struct ln_list *list, bool plain)
{
	const char *item = list->items;

	buf_add_char(out, '[');
	for (size_t i = 0; i < list->count; i++, item += row->item->size) {
		if (i > 0)
			buf_add_text(out, ", ");
		add_value(out, row->item, item, plain);
	}
	buf_add_char(out, ']');
}

static void
add_map(struct buf *out, const struct ln_option *row, const struct ln_map *map, bool plain)
{
	const char *item = map->items;

	buf_add_char(out, '{');
	for (size_t i = 0; i < map->count; i++, item += row->item->size) {
		if (i > 0)
			buf_add_text(out, ", ");
		add_yaml_text(out, map->keys[i]);
		buf_add_text(out, ": ");
		add_value(out, row->item, item, plain);
	}
	buf_add_char(out, '}');
}

static void
add_struct(struct buf *out, const struct ln_option *rows, const char *conf, bool plain)
{
	char name[OPTION_NAME_MAX];

	buf_add_char(out, '{');
	for (const struct ln_option *row = rows; row->type != LN_TYPE_END; row++) {
		buf_printf(out, "%s%s: ", row == rows ? "" : ", ", option_name(row, name));
		add_value(out, row, conf, plain);
	}
	buf_add_char(out, '}');
}

static void
add_or(struct buf *out, const struct ln_option *row, const void *conf, bool plain)
{
	int choice = *(const int *)((const char *)conf + row->offset);

	if (choice == LN_OTHER)
		add_value(out, row->item, conf, plain);
	else
		buf_add_text(out, value_name(row->names, choice));
}

static void
add_value(struct buf *out, const struct ln_option *row, const void *conf, bool plain)
{
	const void *field = (const char *)conf + row->offset;
	const struct ln_address *address = field;

	switch (row->type) {
	case LN_TYPE_BOOL:
		buf_add_text(out, *(const bool *)field ? "yes" : "no");
		return;
	case LN_TYPE_INT:
	case LN_TYPE_SIZE:
	case LN_TYPE_DURATION:
		add_number(out, row, *(const int64_t *)field);
		return;
	case LN_TYPE_RATE:
		value_add_rate(out, *(const struct ln_rate *)field);
		return;
	case LN_TYPE_ENUM:
		buf_add_text(out, value_name(row->names, *(const int *)field));
		return;
	case LN_TYPE_ADDRESS:
		add_text(out, row, address->text, plain);
		return;
	case LN_TYPE_LIST:
		add_list(out, row, field, plain);
		return;
	case LN_TYPE_MAP:
		add_map(out, row, field, plain);
		return;
	case LN_TYPE_STRUCT:
		add_struct(out, row->rows, field, plain);
		return;
	case LN_TYPE_OR:
		add_or(out, row, conf, plain);
		return;
	default:
		add_text(out, row, *(const char *const *)field, plain);
	}
}

void
option_add_value(struct buf *out, const struct ln_option *row, const void *conf)
{
	add_value(out, row, conf, false);
}

void
option_add_value_plain(struct buf *out, const struct ln_option *row, const void *conf)
{
	add_value(out, row, conf, true);
}

/* ---- Defaults ---- */

static void
add_text_default(struct buf *out, const struct ln_option *row)
{
	if (row->text != NULL && row->type != LN_TYPE_LIST && row->type != LN_TYPE_MAP)
		add_yaml_text(out, row->text);
	else if (row->text != NULL)
		buf_add_text(out, row->text);
	else if (row->type == LN_TYPE_LIST)
		buf_add_text(out, "[]");
	else if (row->type == LN_TYPE_MAP)
		buf_add_text(out, "{}");
	else
		add_text(out, row, NULL, false);
}

static void
add_struct_default(struct buf *out, const struct ln_option *rows)
{
	char name[OPTION_NAME_MAX];

	buf_add_char(out, '{');
	for (const struct ln_option *row = rows; row->type != LN_TYPE_END; row++) {
		buf_printf(out, "%s%s: ", row == rows ? "" : ", ", option_name(row, name));
		option_add_default(out, row);
	}
	buf_add_char(out, '}');
}

void
option_add_default(struct buf *out, const struct ln_option *row)
{
	struct ln_rate rate = { row->number, row->per_ms };

	if (row->flags & LN_REQUIRED) {
		buf_add_text(out, "(must be given)");
		return;
	}
	switch (row->type) {
	case LN_TYPE_BOOL:
		buf_add_text(out, row->number != 0 ? "yes" : "no");
		return;
	case LN_TYPE_INT:
	case LN_TYPE_SIZE:
	case LN_TYPE_DURATION:
		add_number(out, row, row->number);
		return;
	case LN_TYPE_RATE:
		value_add_rate(out, rate);
		return;
	case LN_TYPE_ENUM:
		buf_add_text(out, value_name(row->names, (int)row->number));
		return;
	case LN_TYPE_STRUCT:
		add_struct_default(out, row->rows);
		return;
	case LN_TYPE_OR:
		if (row->number == LN_OTHER)
			option_add_default(out, row->item);
		else
			buf_add_text(out, value_name(row->names, (int)row->number));
		return;
	default:
		add_text_default(out, row);
	}
}
