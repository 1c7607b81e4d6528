/*
 * Cells of results as text.
 *
 * SPDX-License-Identifier: MIT
 */
#include <inttypes.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "server/command.h"
#include "server/option_values.h"

void
cell_add(struct buf *out, const struct ln_cell *cell)
{
	char stamp[CLOCK_STAMP_MAX];

	switch (cell->type) {
	case LN_CELL_NONE:
		buf_add_char(out, '-');
		return;
	case LN_CELL_TEXT:
		buf_add_text(out, cell->text);
		return;
	case LN_CELL_NUMBER:
		buf_printf(out, "%" PRId64, cell->number);
		return;
	case LN_CELL_BOOL:
		buf_add_text(out, cell->number != 0 ? "yes" : "no");
		return;
	case LN_CELL_SIZE:
		value_add_size(out, cell->number);
		return;
	case LN_CELL_DURATION:
		value_add_duration(out, cell->number);
		return;
	case LN_CELL_STAMP:
		buf_add_text(out, clock_stamp(cell->number, stamp));
		return;
	}
}

const char *
ln_cell_text(struct arena *arena, const struct ln_cell *cell)
{
	struct buf text = BUF_INIT;
	const char *copy;

	cell_add(&text, cell);
	copy = arena_strndup(arena, text.data, text.len);
	buf_free(&text);
	return copy;
}
