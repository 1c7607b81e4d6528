/*
 * Results of commands. See result.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "result.h"

#include <linnet/form.h>
#include <string.h>

struct table {
	const struct ln_result *result;
	size_t rows; /* that are shown */
};

static const struct ln_cell *
row_at(const struct table *table, size_t row)
{
	return &table->result->cells[row * table->result->column_count];
}

static const char *
text_of(const struct ln_cell *cell)
{
	return cell->type == LN_CELL_TEXT ? cell->text : "";
}

static void
add_cell(struct ln_elem *field, const struct ln_cell *cell)
{
	if (cell->type != LN_CELL_NONE)
		ln_form_value(field, ln_cell_text(ln_elem_arena(field), cell));
}

static void
add_table(struct ln_elem *form, const struct table *table)
{
	const struct ln_result *result = table->result;

	ln_form_report(form, result->columns, result->column_count);
	for (size_t at = 0; at < table->rows; at++) {
		struct ln_elem *item = ln_form_item(form);

		for (unsigned c = 0; c < result->column_count; c++)
			add_cell(ln_form_field(item, result->columns[c], NULL, NULL),
			    &row_at(table, at)[c]);
	}
}

/* What XEP-0133 has a field for: a list of the first column. Full JIDs are told without their
 * resources (§4.20); those of one account come one behind the other. */
static void
add_list(struct ln_elem *form, const char *var, const struct table *table)
{
	bool jids = strlen(var) > 4 && strcmp(var + strlen(var) - 4, "jids") == 0;
	struct ln_elem *field = ln_form_field(form, var, "text-multi", NULL);
	const char *last = "";
	size_t last_len = 0;

	for (size_t at = 0; at < table->rows; at++) {
		const char *text = text_of(row_at(table, at));
		size_t len = strcspn(text, "/");

		if (!jids)
			add_cell(field, row_at(table, at));
		else if (len != last_len || memcmp(text, last, len) != 0)
			ln_add_textf(field, "value", "%.*s", (int)len, text);
		last = text;
		last_len = len;
	}
}

/* A field for each name, with the values of the rows that begin with it. */
static void
add_facts(struct ln_elem *form, const struct table *table)
{
	struct ln_elem *field = NULL;
	const char *last = "";

	for (size_t at = 0; at < table->rows; at++) {
		const struct ln_cell *row = row_at(table, at);

		if (field == NULL || strcmp(last, text_of(row)) != 0)
			field = ln_form_field(form, text_of(row), NULL, NULL);
		add_cell(field, row + 1);
		last = text_of(row);
	}
}

/* XEP-0133 §4.8: as clients know it, from rows of jid, name, subscription, group. */
static void
add_roster(struct ln_elem *form, const struct table *table, const char *about)
{
	struct ln_elem *query, *item = NULL;
	const char *last = "";

	ln_form_value(ln_form_field(form, "accountjids", NULL, NULL), about);
	query = ln_elem_add(form, "query", NS_ROSTER);
	for (size_t at = 0; at < table->rows; at++) {
		const struct ln_cell *row = row_at(table, at);

		if (item == NULL || strcmp(last, text_of(row)) != 0) {
			item = ln_elem_add(query, "item", NS_ROSTER);
			ln_set_attr(item, "jid", text_of(row));
			ln_set_attr(item, "name", row[1].text);
			ln_set_attr(item, "subscription", text_of(row + 2));
		}
		if (row[3].type == LN_CELL_TEXT)
			ln_add_text(item, "group", row[3].text);
		last = text_of(row);
	}
}

static void
add_form(struct ln_elem *parent, const struct ln_command *command, const struct table *table,
    const char *about)
{
	struct ln_elem *form =
	    ln_form_add(parent, "result", command->node != NULL ? NS_ADMIN : NULL);

	if (command->result_as == LN_RESULT_FACTS)
		add_facts(form, table);
	else if (command->result_as == LN_RESULT_ROSTER)
		add_roster(form, table, about);
	else if (command->result_var != NULL)
		add_list(form, command->result_var, table);
	else
		add_table(form, table);
}

static void
add_note(struct ln_elem *parent, const char *type, const char *text)
{
	size_t len = strlen(text);

	while (len > 0 && text[len - 1] == '\n')
		len--;
	ln_set_attr(ln_add_textf(parent, "note", "%.*s", (int)len, text), "type", type);
}

void
result_add(struct ln_elem *parent, const struct ln_command *command, const struct ln_result *result,
    const char *about, size_t *rows_left)
{
	size_t all = result->column_count > 0 ? result->cell_count / result->column_count : 0;
	struct table table = { result, all < *rows_left ? all : *rows_left };

	*rows_left -= table.rows;
	if (result->column_count > 0)
		add_form(parent, command, &table, about);
	if (table.rows < all)
		ln_set_attr(ln_add_textf(parent, "note", "%zu of %zu are shown.", table.rows, all),
		    "type", "warn");
	if (*result->said != '\0')
		add_note(parent, "info", result->said);
	if (result->failure != NULL)
		add_note(parent, "error", result->failure);
}
