/*
 * What libyaml could not read, said in our words. See yaml.h.
 *
 * libyaml speaks of simple keys and block mappings; the operator forgot a
 * space or a quote. Each hint below looks at libyaml's complaint and at the
 * lines in question; the first that recognises its mistake gives place and
 * sentence. What nobody recognises is passed on as libyaml put it.
 *
 * SPDX-License-Identifier: MIT
 */
#include <ctype.h>
#include <stdarg.h>
#include <string.h>
#include <yaml.h>

#include "server/yaml.h"

struct complaint {
	const yaml_parser_t *parser;
	const char *problem; /* libyaml's, never NULL */
	struct place place;  /* of the problem */
	struct place start;  /* of the construct it is in; line 0: none */
	const char *text;    /* the whole file */
	const char *end;
	struct report *report;
};

struct line {
	const char *text;
	size_t len;
	unsigned number; /* 0: there is none */
};

static struct line
get_line(const struct complaint *complaint, unsigned number)
{
	const char *at = complaint->text, *newline;
	struct line line = { 0 };

	if (number == 0 || at == NULL)
		return line;
	for (unsigned i = 1; i < number; i++) {
		newline = memchr(at, '\n', (size_t)(complaint->end - at));
		if (newline == NULL)
			return line;
		at = newline + 1;
	}
	newline = memchr(at, '\n', (size_t)(complaint->end - at));
	line.text = at;
	line.len = (size_t)((newline != NULL ? newline : complaint->end) - at);
	line.number = number;
	return line;
}

__attribute__((format(printf, 4, 5))) static bool
say(const struct complaint *complaint, unsigned line, size_t column, const char *format, ...)
{
	struct place place = { complaint->place.file, line, (unsigned)column + 1 };
	struct buf message = BUF_INIT;
	va_list args;

	va_start(args, format);
	buf_vprintf(&message, format, args);
	va_end(args);
	report_add(complaint->report, place, "%s", message.data);
	buf_free(&message);
	return true;
}

static bool
problem_has(const struct complaint *complaint, const char *words)
{
	return strstr(complaint->problem, words) != NULL;
}

static size_t
indent_of(struct line line)
{
	size_t i = 0;

	while (i < line.len && (line.text[i] == ' ' || line.text[i] == '\t'))
		i++;
	return i;
}

/* The lines that may hold the mistake: that of the problem, of its start, and those before. */
#define SUSPECTS 4

static void
get_suspects(const struct complaint *complaint, struct line suspects[SUSPECTS])
{
	unsigned line = complaint->place.line, start = complaint->start.line;

	suspects[0] = get_line(complaint, start);
	suspects[1] = get_line(complaint, line);
	suspects[2] = get_line(complaint, line > 1 ? line - 1 : 0);
	suspects[3] = get_line(complaint, start > 1 ? start - 1 : 0);
}

/* Bytes that are no UTF-8, or control characters. */
static bool
hint_bytes(const struct complaint *complaint)
{
	const yaml_parser_t *parser = complaint->parser;
	const char *at = complaint->text;
	size_t left = parser->problem_offset;
	unsigned line = 1;
	size_t column = 0;

	if (parser->error != YAML_READER_ERROR)
		return false;
	for (; left > 0 && at < complaint->end; left--, at++) {
		column++;
		if (*at == '\n') {
			line++;
			column = 0;
		}
	}
	if (problem_has(complaint, "control characters"))
		return say(complaint, line, column, "a control character (0x%02x) is not allowed",
		    (unsigned)parser->problem_value);
	return say(complaint, line, column,
	    "this is not UTF-8; the file must be text in UTF-8 (byte 0x%02x)",
	    (unsigned char)parser->problem_value);
}

static bool
hint_tab(const struct complaint *complaint)
{
	struct line suspects[SUSPECTS];

	get_suspects(complaint, suspects);
	for (int i = 0; i < 2; i++) {
		struct line line = suspects[i];
		const char *tab = line.number ? memchr(line.text, '\t', indent_of(line)) : NULL;

		if (tab != NULL)
			return say(complaint, line.number, (size_t)(tab - line.text),
			    "a tab; indent with spaces");
	}
	return false;
}

/* Position of `*:`, `*.x` or `]:5` where no quote stands before it, or -1. */
static long
find_address(struct line line)
{
	char quote = '\0';

	for (size_t i = 0; i < line.len; i++) {
		char c = line.text[i], next = i + 1 < line.len ? line.text[i + 1] : '\0';

		if (quote != '\0')
			quote = c == quote ? '\0' : quote;
		else if (c == '#')
			return -1;
		else if (c == '"' || c == '\'')
			quote = c;
		else if (c == '*' && (next == ':' || next == '.' || next == ','))
			return (long)i;
		else if (c == ':' && next == ':')
			return (long)i;
		else if (c == ']' && next == ':')
			return (long)i;
	}
	return -1;
}

static bool
hint_address(const struct complaint *complaint)
{
	struct line suspects[SUSPECTS];

	get_suspects(complaint, suspects);
	for (int i = 0; i < 3; i++) {
		long at = suspects[i].number ? find_address(suspects[i]) : -1;

		if (at >= 0 && strchr(".,", suspects[i].text[at + 1]) != NULL)
			return say(complaint, suspects[i].number, (size_t)at,
			    "quote texts that begin with *: \"*.example.org\"");
		if (at >= 0)
			return say(complaint, suspects[i].number, (size_t)at,
			    "quote addresses: \"*:5222\", \"[::1]:5222\"");
	}
	return false;
}

static bool
hint_special_character(const struct complaint *complaint)
{
	struct line line = get_line(complaint, complaint->place.line);
	size_t column = complaint->place.column - 1;

	if (problem_has(complaint, "did not find expected alphabetic or numeric"))
		return say(complaint, complaint->start.line, complaint->start.column - 1,
		    "quote texts that begin with * or &");
	if (!problem_has(complaint, "cannot start any token") || column >= line.len)
		return false;
	if (line.text[column] == '\t')
		return say(complaint, line.number, column, "a tab; use spaces");
	return say(complaint, line.number, column, "quote texts that begin with %c",
	    line.text[column]);
}

/* The column behind the colon of `name:value`, where a space is missing; 0: it is not that. */
static size_t
find_missing_space(struct line line)
{
	size_t i = indent_of(line), begin;

	while (i + 1 < line.len && line.text[i] == '-' && line.text[i + 1] == ' ')
		i += 2;
	begin = i;
	while (i < line.len &&
	    (isalnum((unsigned char)line.text[i]) || line.text[i] == '-' || line.text[i] == '_' ||
		line.text[i] == '.'))
		i++;
	if (i == begin || i + 1 >= line.len || line.text[i] != ':')
		return 0;
	return line.text[i + 1] == ' ' || line.text[i + 1] == '\r' ? 0 : i + 1;
}

static bool
hint_missing_space(const struct complaint *complaint)
{
	struct line suspects[SUSPECTS];

	get_suspects(complaint, suspects);
	for (int i = 0; i < SUSPECTS; i++) {
		size_t at = suspects[i].number ? find_missing_space(suspects[i]) : 0;

		if (at != 0)
			return say(complaint, suspects[i].number, at,
			    "a space is missing after the colon");
	}
	return false;
}

static bool
hint_unclosed(const struct complaint *complaint)
{
	struct line line = get_line(complaint, complaint->start.line);
	size_t column = complaint->start.column - 1;
	char opened;

	if (line.number == 0 || column >= line.len)
		return false;
	opened = line.text[column];
	if (problem_has(complaint, "unexpected end of stream") ||
	    problem_has(complaint, "unexpected document indicator"))
		return say(complaint, line.number, column, "this quote (%c) is never closed",
		    opened);
	if (problem_has(complaint, "did not find expected ',' or"))
		return say(complaint, line.number, column,
		    "this %c is not closed with %c, or a comma is missing before line %u column %u",
		    opened, opened == '[' ? ']' : '}', complaint->place.line,
		    complaint->place.column);
	return false;
}

static bool
hint_second_colon(const struct complaint *complaint)
{
	struct line line = get_line(complaint, complaint->place.line);
	size_t column = complaint->place.column - 1;

	if (!problem_has(complaint, "mapping values are not allowed") || line.number == 0 ||
	    column > line.len)
		return false;
	for (size_t i = indent_of(line); i + 1 < column; i++)
		if (line.text[i] == ':' && line.text[i + 1] == ' ')
			return say(complaint, line.number, column,
			    "a second `: ` in one line; quote the text, or put it in {braces}");
	return say(complaint, line.number, indent_of(line),
	    "this line is indented deeper than the one before it, which is complete");
}

static bool
hint_no_colon(const struct complaint *complaint)
{
	struct line line = get_line(complaint, complaint->start.line);

	if (!problem_has(complaint, "could not find expected ':'") || line.number == 0)
		return false;
	return say(complaint, line.number, complaint->start.column - 1,
	    "a colon and a value are missing: `name: value`");
}

static bool
hint_list_item(const struct complaint *complaint)
{
	if (!problem_has(complaint, "block sequence entries are not allowed"))
		return false;
	return say(complaint, complaint->place.line, complaint->place.column - 1,
	    "a list item begins its own line: `name: [a, b]`, or `- a` on the lines below `name:`");
}

static bool
hint_indentation(const struct complaint *complaint)
{
	if (problem_has(complaint, "did not find expected '-' indicator"))
		return say(complaint, complaint->place.line, complaint->place.column - 1,
		    "this should be a further list item (`- ...`), or be indented otherwise");
	if (problem_has(complaint, "did not find expected node content"))
		return say(complaint, complaint->place.line, complaint->place.column - 1,
		    "a value is missing here, or a ] or } that closes what was opened before");
	if (problem_has(complaint, "did not find expected key"))
		return say(complaint, complaint->place.line, complaint->place.column - 1,
		    "this fits nothing above it; options of one section begin in the same column");
	return false;
}

static bool (*const hints[])(const struct complaint *) = {
	hint_bytes,
	hint_tab,
	hint_address,
	hint_special_character,
	hint_missing_space,
	hint_unclosed,
	hint_second_colon,
	hint_no_colon,
	hint_list_item,
	hint_indentation,
};

void
yaml_syntax_error(const struct yaml_parser_s *parser, const char *file, const char *bytes,
    size_t len, struct report *report)
{
	struct complaint complaint = {
		.parser = parser,
		.problem = parser->problem != NULL ? parser->problem : "it cannot be read",
		.place = { file, (unsigned)parser->problem_mark.line + 1,
		    (unsigned)parser->problem_mark.column + 1 },
		.start = { file, 0, 0 },
		.text = bytes,
		.end = bytes + len,
		.report = report,
	};

	if (parser->context != NULL) {
		complaint.start.line = (unsigned)parser->context_mark.line + 1;
		complaint.start.column = (unsigned)parser->context_mark.column + 1;
	}
	for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
		if (hints[i](&complaint))
			return;
	report_add(report, complaint.place, "not YAML: %s", complaint.problem);
}
