/*
 * Readers of single values. See option_readers.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/option_readers.h"

#include <string.h>

#include "base/arena.h"
#include "server/option_files.h"
#include "server/option_values.h"

const char option_reported[] = "";

/* ---- Texts ---- */

/* A copy with $host replaced; NULL: there is no host here. */
const char *
option_expand(struct option_reading *reading, const char *text)
{
	struct buf out = BUF_INIT;
	const char *at;
	char *copy;

	if (strstr(text, "$host") == NULL)
		return arena_strdup(reading->arena, text);
	if (reading->host == NULL)
		return NULL;
	while ((at = strstr(text, "$host")) != NULL) {
		buf_add(&out, text, (size_t)(at - text));
		buf_add_text(&out, reading->host);
		text = at + strlen("$host");
	}
	buf_add_text(&out, text);
	copy = arena_strdup(reading->arena, out.data);
	buf_free(&out);
	return copy;
}

const char *
option_kind_problem(const struct yaml_node *node)
{
	switch (node->kind) {
	case YAML_EMPTY:
		return "has no value";
	case YAML_TEXT:
		return "is a text";
	case YAML_LIST:
		return "is a list";
	default:
		return "is a map";
	}
}

static const char *
read_text(struct option_reading *reading, const struct yaml_node *node, const char **text_r)
{
	if (node->kind != YAML_TEXT)
		return option_kind_problem(node);
	*text_r = option_expand(reading, node->text);
	if (*text_r == NULL)
		return "uses $host, which only has a meaning in options of a host or its modules";
	return NULL;
}

/* ---- Readers of single values ---- */

static const char *
check_range(const struct ln_option *row, int64_t number)
{
	if (number < row->min)
		return "is too small";
	if (number > row->max)
		return "is too large";
	return NULL;
}

static const char *
read_bool(struct option_reading *reading, const struct ln_option *row, const struct yaml_node *node,
    void *field)
{
	const char *text, *problem = read_text(reading, node, &text);

	return problem != NULL ? problem : value_read_bool(text, field);
}

static const char *
read_number(struct option_reading *reading, const struct ln_option *row,
    const struct yaml_node *node, void *field)
{
	const char *text, *problem = read_text(reading, node, &text);
	int64_t *number = field;

	if (problem != NULL)
		return problem;
	if (row->type == LN_TYPE_INT)
		problem = value_read_int(text, number);
	else if (row->type == LN_TYPE_SIZE)
		problem = value_read_size(text, number);
	else
		problem = value_read_duration(text, number);
	return problem != NULL ? problem : check_range(row, *number);
}

static const char *
read_rate(struct option_reading *reading, const struct ln_option *row, const struct yaml_node *node,
    void *field)
{
	const char *text, *problem = read_text(reading, node, &text);
	struct ln_rate *rate = field;

	if (problem == NULL)
		problem = value_read_rate(text, rate);
	return problem != NULL ? problem : check_range(row, rate->count);
}

static const char *
read_enum(struct option_reading *reading, const struct ln_option *row, const struct yaml_node *node,
    void *field)
{
	const char *text, *problem = read_text(reading, node, &text);

	return problem != NULL ? problem : value_read_name(text, row->names, field);
}

static const char *
read_string(struct option_reading *reading, const struct ln_option *row,
    const struct yaml_node *node, void *field)
{
	return read_text(reading, node, field);
}

const char *
option_normalise_domain(struct option_reading *reading, const char **text)
{
	const char *problem;
	char *lower;

	if (reading->domain != NULL) {
		*text = reading->domain(reading->arena, *text);
		return *text != NULL ? NULL : "is not a domain";
	}
	problem = value_check_domain(*text);
	lower = arena_strdup(reading->arena, *text);
	for (char *at = lower; *at != '\0'; at++)
		if (*at >= 'A' && *at <= 'Z')
			*at = (char)(*at + ('a' - 'A'));
	*text = lower;
	return problem;
}

static const char *
read_domain(struct option_reading *reading, const struct ln_option *row,
    const struct yaml_node *node, void *field)
{
	const char **text = field, *problem = read_text(reading, node, text);

	return problem != NULL ? problem : option_normalise_domain(reading, text);
}

static const char *
read_jid(struct option_reading *reading, const struct ln_option *row, const struct yaml_node *node,
    void *field)
{
	const char **text = field, *problem = read_text(reading, node, text), *at;

	if (problem != NULL)
		return problem;
	if (reading->jid != NULL) {
		*text = reading->jid(reading->arena, *text);
		return *text != NULL ? NULL : "is not a JID";
	}
	at = strchr(*text, '@');
	if (at == *text || value_check_domain(at != NULL ? at + 1 : *text) != NULL)
		return "is not a JID";
	return NULL;
}

static const char *
read_uri(struct option_reading *reading, const struct ln_option *row, const struct yaml_node *node,
    void *field)
{
	const char **text = field, *problem = read_text(reading, node, text);

	return problem != NULL ? problem : value_check_uri(*text);
}

static const char *
read_address(struct option_reading *reading, const struct ln_option *row,
    const struct yaml_node *node, void *field)
{
	const char *text, *problem = read_text(reading, node, &text);

	if (problem != NULL)
		return problem;
	return value_read_address(text, (int)row->number, reading->arena, field);
}

static const char *
read_path(struct option_reading *reading, const struct ln_option *row, const struct yaml_node *node,
    void *field)
{
	const char **text = field, *problem = read_text(reading, node, text);

	if (problem != NULL)
		return problem;
	if (**text == '\0')
		return "is not a path";
	*text = option_file_path(reading->arena, node->place.file, *text);
	return NULL;
}

static const char *
read_secret_file(struct option_reading *reading, const struct yaml_node *node, const char **text)
{
	const struct yaml_node *file = yaml_get(node, "file");
	const char *path, *problem;

	if (file == NULL || node->count != 1)
		return "is a map";
	problem = read_text(reading, file, &path);
	if (problem != NULL)
		return problem;
	path = option_file_path(reading->arena, node->place.file, path);
	problem = option_file_secret(reading->arena, path, text);
	if (problem == NULL)
		return NULL;
	report_add(reading->report, file->place, "the secret's file %s %s", path, problem);
	return OPTION_REPORTED;
}

static const char *
read_secret(struct option_reading *reading, const struct ln_option *row,
    const struct yaml_node *node, void *field)
{
	const char **text = field, *problem;

	if (node->kind == YAML_MAP)
		return read_secret_file(reading, node, text);
	problem = read_text(reading, node, text);
	if (problem == NULL && **text == '\0')
		return "is empty";
	return problem;
}

option_reader_fn *
option_reader(enum ln_option_type type)
{
	static option_reader_fn *const readers[] = {
		[LN_TYPE_BOOL] = read_bool,
		[LN_TYPE_INT] = read_number,
		[LN_TYPE_SIZE] = read_number,
		[LN_TYPE_DURATION] = read_number,
		[LN_TYPE_RATE] = read_rate,
		[LN_TYPE_STRING] = read_string,
		[LN_TYPE_ENUM] = read_enum,
		[LN_TYPE_DOMAIN] = read_domain,
		[LN_TYPE_ADDRESS] = read_address,
		[LN_TYPE_URI] = read_uri,
		[LN_TYPE_JID] = read_jid,
		[LN_TYPE_PATH] = read_path,
		[LN_TYPE_SECRET] = read_secret,
		[LN_TYPE_OR] = NULL,
	};

	return readers[type];
}
