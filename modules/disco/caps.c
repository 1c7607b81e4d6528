/*
 * The verification string. Identities, features, forms, fields and values are
 * lines; each list is sorted by octets. Where a line has parts that are sorted
 * one after the other they are kept apart by a byte below all others, which
 * becomes the separator of the XEP when the line is written.
 *
 * SPDX-License-Identifier: MIT
 */
#include "disco/caps.h"

#include <linnet/credentials.h>
#include <linnet/ns.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOW '\1'

struct lines {
	char **line;
	size_t count;
};

/* A text under construction. */
struct text {
	char *bytes;
	size_t len;
	FILE *out;
};

/* Out of memory ends the process, as everywhere. */
static void
need(const void *memory)
{
	if (memory == NULL)
		abort();
}

static void
text_begin(struct text *text)
{
	text->out = open_memstream(&text->bytes, &text->len);
	need(text->out);
}

static char *
text_end(struct text *text)
{
	fclose(text->out);
	need(text->bytes);
	return text->bytes;
}

static void
add_line(struct lines *lines, char *line)
{
	lines->line = realloc(lines->line, (lines->count + 1) * sizeof *lines->line);
	need(lines->line);
	lines->line[lines->count++] = line;
}

static int
by_octets(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorts the lines, writes them with their ends, frees them. */
static void
write_lines(struct lines *lines, FILE *out, char separator, const char *end)
{
	if (lines->count > 0)
		qsort(lines->line, lines->count, sizeof *lines->line, by_octets);
	for (size_t i = 0; i < lines->count; i++) {
		for (const char *at = lines->line[i]; *at != '\0'; at++)
			putc(*at == LOW ? separator : *at, out);
		fputs(end, out);
		free(lines->line[i]);
	}
	free(lines->line);
}

static const char *
attribute(const struct ln_elem *elem, const char *name)
{
	const char *value = ln_elem_attr(elem, name);

	return value != NULL ? value : "";
}

static char *
copy(const char *string)
{
	char *line = strdup(string);

	need(line);
	return line;
}

static char *
identity_line(const struct ln_elem *elem)
{
	struct text text;

	text_begin(&text);
	fprintf(text.out, "%s%c%s%c%s%c%s", attribute(elem, "category"), LOW,
	    attribute(elem, "type"), LOW, attribute(elem, "xml:lang"), LOW,
	    attribute(elem, "name"));
	return text_end(&text);
}

static void
write_values(const struct ln_elem *field, FILE *out)
{
	struct lines values = { NULL, 0 };
	struct ln_elem *value;

	ln_elem_foreach(value, field)
		if (ln_elem_is(value, "value", NS_DATA))
			add_line(&values, copy(ln_elem_text(value)));
	write_lines(&values, out, LOW, "<");
}

static char *
field_line(const struct ln_elem *field)
{
	struct text text;

	text_begin(&text);
	fprintf(text.out, "%s%c", attribute(field, "var"), LOW);
	write_values(field, text.out);
	return text_end(&text);
}

static char *
form_line(const struct ln_elem *form)
{
	struct lines fields = { NULL, 0 };
	struct ln_elem *field;
	const char *type = "";
	struct text text;

	ln_elem_foreach(field, form) {
		if (!ln_elem_is(field, "field", NS_DATA))
			continue;
		if (strcmp(attribute(field, "var"), "FORM_TYPE") == 0)
			type = ln_elem_child_text(field, "value", NS_DATA);
		else
			add_line(&fields, field_line(field));
	}
	text_begin(&text);
	fprintf(text.out, "%s%c", type != NULL ? type : "", LOW);
	write_lines(&fields, text.out, '<', "");
	return text_end(&text);
}

static char *
describe(const struct ln_elem *query)
{
	struct lines identities = { NULL, 0 }, features = { NULL, 0 }, forms = { NULL, 0 };
	struct ln_elem *elem;
	struct text text;

	ln_elem_foreach(elem, query) {
		if (ln_elem_is(elem, "identity", NULL))
			add_line(&identities, identity_line(elem));
		else if (ln_elem_is(elem, "feature", NULL))
			add_line(&features, copy(attribute(elem, "var")));
		else if (ln_elem_is(elem, "x", NS_DATA))
			add_line(&forms, form_line(elem));
	}
	text_begin(&text);
	write_lines(&identities, text.out, '/', "<");
	write_lines(&features, text.out, LOW, "<");
	write_lines(&forms, text.out, '<', "");
	return text_end(&text);
}

void
caps_ver(const struct ln_elem *query, char ver[CAPS_VER_LEN + 1])
{
	char *text = describe(query);
	uint8_t hash[LN_SCRAM_KEY_MAX];

	ln_scram_digest(LN_SCRAM_SHA_1, text, strlen(text), hash);
	free(text);
	ln_base64_encode(hash, CAPS_HASH_LEN, ver);
}
