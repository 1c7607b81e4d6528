/*
 * Results as tables for people or as JSON. See ctl.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "server/command.h"
#include "server/ctl.h"
#include "server/json.h"

static void
add_json_cell(struct buf *out, const struct ln_cell *cell)
{
	char stamp[CLOCK_STAMP_MAX];

	if (cell->type == LN_CELL_NONE)
		buf_add_text(out, "null");
	else if (cell->type == LN_CELL_TEXT)
		json_add_string(out, cell->text);
	else if (cell->type == LN_CELL_BOOL)
		buf_add_text(out, cell->number != 0 ? "true" : "false");
	else if (cell->type == LN_CELL_STAMP)
		json_add_string(out, clock_stamp(cell->number, stamp));
	else
		buf_printf(out, "%" PRId64, cell->number);
}

static void
print_json(const struct ln_result *result, struct buf *out)
{
	buf_printf(out, "{\"ok\":%s", result->failure == NULL ? "true" : "false");
	if (result->failure != NULL) {
		json_add_name(out, "error");
		json_add_string(out, result->failure);
	}
	if (result->said[0] != '\0') {
		json_add_name(out, "message");
		json_add_string(out, result->said);
	}
	json_add_name(out, "rows");
	buf_add_char(out, '[');
	for (size_t i = 0; result->column_count > 0 && i < result->cell_count; i++) {
		unsigned column = (unsigned)(i % result->column_count);

		if (column == 0) {
			json_next(out);
			buf_add_char(out, '{');
		}
		json_add_name(out, result->columns[column]);
		add_json_cell(out, &result->cells[i]);
		if (column + 1 == result->column_count)
			buf_add_char(out, '}');
	}
	buf_add_text(out, "]}\n");
}

/* Characters, not bytes: what a column is wide. */
static size_t
width_of(const char *text)
{
	size_t width = 0;

	for (; *text != '\0'; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

#define COLUMNS_MAX 64

static void
measure(const struct ln_result *result, size_t widths[COLUMNS_MAX])
{
	struct buf text = BUF_INIT;

	for (unsigned i = 0; i < result->column_count; i++)
		widths[i] = width_of(result->columns[i]);
	for (size_t i = 0; i < result->cell_count; i++) {
		size_t *width = &widths[i % result->column_count];

		buf_reset(&text);
		cell_add(&text, &result->cells[i]);
		if (text.len > 0 && width_of(text.data) > *width)
			*width = width_of(text.data);
	}
	buf_free(&text);
}

/* The last column is not filled up. */
static void
add_padded(struct buf *out, const char *text, size_t width, bool last)
{
	size_t own = width_of(text);

	buf_add_text(out, text);
	if (last)
		buf_add_char(out, '\n');
	else
		buf_printf(out, "%*s", (int)(width - own + 2), "");
}

static void
print_table(const struct ln_result *result, struct buf *out)
{
	size_t widths[COLUMNS_MAX];
	unsigned columns = result->column_count;
	struct buf text = BUF_INIT;

	if (columns == 0 || columns > COLUMNS_MAX || result->cell_count == 0)
		return;
	measure(result, widths);
	for (unsigned i = 0; i < columns; i++) {
		buf_reset(&text);
		for (const char *at = result->columns[i]; *at != '\0'; at++)
			buf_add_char(&text, (char)toupper((unsigned char)*at));
		add_padded(out, text.len > 0 ? text.data : "", widths[i], i + 1 == columns);
	}
	for (size_t i = 0; i < result->cell_count; i++) {
		buf_reset(&text);
		cell_add(&text, &result->cells[i]);
		add_padded(out, text.len > 0 ? text.data : "", widths[i % columns],
		    (i + 1) % columns == 0);
	}
	buf_free(&text);
}

void
ctl_print_result(const struct ln_result *result, bool json, struct buf *out)
{
	if (json) {
		print_json(result, out);
		return;
	}
	print_table(result, out);
	buf_add_text(out, result->said);
}
