/*
 * Data forms (XEP-0004) as a stranger may send them: everything that reads one
 * is asked for every field that is there, and for one that is not.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "linnet/form.h"
#include "linnet/ns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool truth)
{
	if (!truth)
		abort();
}

/* The values one by one are the lines, and the first of them is the text. */
static void
check_values(struct arena *arena, const struct ln_elem *form, const char *var)
{
	const struct ln_elem *field = ln_form_get(form, var);
	const char *lines = ln_form_lines(arena, form, var), *text = ln_form_text(form, var);
	const struct ln_elem *value;
	const char *at = lines;

	must((field == NULL) == (lines == NULL) && (field == NULL) == (text == NULL));
	if (field == NULL)
		return;
	must(strncmp(lines, text, strlen(text)) == 0);
	for (value = ln_form_first_value(field); value != NULL; value = ln_form_next_value(value)) {
		size_t len = strlen(ln_elem_text(value));

		must(strncmp(at, ln_elem_text(value), len) == 0);
		at += len;
		if (ln_form_next_value(value) != NULL)
			must(*at++ == '\n');
	}
	must(*at == '\0');
}

static void
check_form(struct arena *arena, const struct ln_elem *form)
{
	const char *type = ln_form_text(form, "FORM_TYPE");
	struct ln_elem *child;
	bool flag;

	must(type == NULL || ln_form_is(form, type));
	check_values(arena, form, "not there");
	ln_elem_foreach(child, form) {
		const char *var = ln_elem_attr(child, "var");

		if (var == NULL)
			continue;
		check_values(arena, form, var);
		if (ln_form_flag(form, var, &flag))
			must(strcmp(ln_form_text(form, var), flag ? "1" : "0") == 0 ||
			    strcmp(ln_form_text(form, var), flag ? "true" : "false") == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = { "submit", "form", "result", "cancel" };
	struct arena *arena = arena_new(4096);
	const char *error;
	struct ln_elem *elem = ln_elem_parse(arena, (const char *)data, size, &error);

	for (unsigned i = 0; elem != NULL && i < 4; i++) {
		const struct ln_elem *form = ln_form_find(elem, types[i]);

		if (form != NULL)
			check_form(arena, form);
	}
	arena_free(&arena);
	return 0;
}
