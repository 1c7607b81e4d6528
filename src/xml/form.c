/*
 * Data forms. See linnet/form.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "linnet/form.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "linnet/ns.h"

struct ln_elem *
ln_form_add(struct ln_elem *parent, const char *type, const char *form_type)
{
	struct ln_elem *form = ln_elem_add(parent, "x", NS_DATA);

	ln_set_attr(form, "type", type);
	if (form_type != NULL)
		ln_form_value(ln_form_field(form, "FORM_TYPE", "hidden", NULL), form_type);
	return form;
}

/* The schema wants these before all fields (XEP-0004 §8), and FORM_TYPE is there already. */
static void
add_before_fields(struct ln_elem *form, const char *name, const char *text)
{
	struct ln_elem *made = ln_add_text(form, name, text), *before, *next;

	for (before = ln_elem_first(form); before != made; before = next) {
		next = ln_elem_next(before);
		if (!ln_elem_is(before, "field", NS_DATA))
			continue;
		ln_elem_remove(before);
		ln_elem_append(form, before);
	}
}

void
ln_form_title(struct ln_elem *form, const char *title)
{
	add_before_fields(form, "title", title);
}

void
ln_form_instructions(struct ln_elem *form, const char *text)
{
	add_before_fields(form, "instructions", text);
}

struct ln_elem *
ln_form_field(struct ln_elem *form, const char *var, const char *type, const char *label)
{
	struct ln_elem *field = ln_elem_add(form, "field", NS_DATA);

	ln_set_attr(field, "var", var);
	ln_set_attr(field, "type", type);
	ln_set_attr(field, "label", label);
	return field;
}

void
ln_form_value(struct ln_elem *field, const char *value)
{
	if (value != NULL)
		ln_add_text(field, "value", value);
}

void
ln_form_bool(struct ln_elem *field, bool value)
{
	ln_add_text(field, "value", value ? "1" : "0");
}

void
ln_form_option(struct ln_elem *field, const char *label, const char *value)
{
	struct ln_elem *option = ln_elem_add(field, "option", NS_DATA);

	ln_set_attr(option, "label", label);
	ln_add_text(option, "value", value);
}

void
ln_form_require(struct ln_elem *field)
{
	ln_elem_add(field, "required", NS_DATA);
}

struct ln_elem *
ln_form_report(struct ln_elem *form, const char *const *columns, unsigned count)
{
	struct ln_elem *reported = ln_elem_add(form, "reported", NS_DATA);

	for (unsigned i = 0; i < count; i++)
		ln_form_field(reported, columns[i], NULL, columns[i]);
	return reported;
}

struct ln_elem *
ln_form_item(struct ln_elem *form)
{
	return ln_elem_add(form, "item", NS_DATA);
}

/* --- reading ----------------------------------------------------------------------------- */

const struct ln_elem *
ln_form_find(const struct ln_elem *parent, const char *type)
{
	const struct ln_elem *form = ln_elem_child(parent, "x", NS_DATA);

	for (; form != NULL; form = ln_elem_next_is(form, "x", NS_DATA)) {
		const char *its = ln_elem_attr(form, "type");

		if (its != NULL && strcmp(its, type) == 0)
			return form;
	}
	return NULL;
}

bool
ln_form_is(const struct ln_elem *form, const char *form_type)
{
	const char *its = ln_form_text(form, "FORM_TYPE");

	return its == NULL || strcmp(its, form_type) == 0;
}

const struct ln_elem *
ln_form_get(const struct ln_elem *form, const char *var)
{
	const struct ln_elem *field = ln_elem_child(form, "field", NS_DATA);

	for (; field != NULL; field = ln_elem_next_is(field, "field", NS_DATA)) {
		const char *its = ln_elem_attr(field, "var");

		if (its != NULL && strcmp(its, var) == 0)
			return field;
	}
	return NULL;
}

const struct ln_elem *
ln_form_first_value(const struct ln_elem *field)
{
	return ln_elem_child(field, "value", NS_DATA);
}

const struct ln_elem *
ln_form_next_value(const struct ln_elem *value)
{
	return ln_elem_next_is(value, "value", NS_DATA);
}

const char *
ln_form_text(const struct ln_elem *form, const char *var)
{
	const struct ln_elem *field = ln_form_get(form, var);
	const struct ln_elem *value = field != NULL ? ln_form_first_value(field) : NULL;

	if (field == NULL)
		return NULL;
	return value != NULL ? ln_elem_text(value) : "";
}

const char *
ln_form_lines(struct arena *arena, const struct ln_elem *form, const char *var)
{
	const struct ln_elem *field = ln_form_get(form, var), *value;
	struct buf lines = BUF_INIT;
	const char *text;

	if (field == NULL)
		return NULL;
	for (value = ln_form_first_value(field); value != NULL; value = ln_form_next_value(value)) {
		buf_add_text(&lines, ln_elem_text(value));
		buf_add_char(&lines, '\n');
	}
	text = arena_strndup(arena, lines.len > 0 ? lines.data : "",
	    lines.len > 0 ? lines.len - 1 : 0);
	buf_free(&lines);
	return text;
}

bool
ln_form_flag(const struct ln_elem *form, const char *var, bool *value_r)
{
	const char *text = ln_form_text(form, var);

	if (text == NULL)
		return false;
	*value_r = strcmp(text, "1") == 0 || strcmp(text, "true") == 0;
	return *value_r || strcmp(text, "0") == 0 || strcmp(text, "false") == 0;
}
