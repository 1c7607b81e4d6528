/*
 * Forms of commands. See form.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "form.h"

#include <string.h>

static const char *
var_of(const struct ln_arg *arg)
{
	return arg->var != NULL ? arg->var : arg->name;
}

bool
form_takes_many(const struct ln_arg *arg)
{
	const char *var = var_of(arg);

	return strlen(var) > 4 && strcmp(var + strlen(var) - 4, "jids") == 0;
}

bool
form_fills_in(const struct ln_command *command, const struct ln_arg *arg)
{
	if (arg->flags & LN_ARG_UNASKED)
		return true;
	return arg == command->args &&
	    (arg->type == LN_ARG_HOST ||
		(arg->type == LN_ARG_ACCOUNT && command->role == LN_ROLE_USER));
}

bool
form_asks(const struct ln_command *command)
{
	const struct ln_arg *arg = command->args;

	for (; arg != NULL && arg->type != LN_ARG_END; arg++)
		if (!form_fills_in(command, arg))
			return true;
	return false;
}

/* --- making one ------------------------------------------------------------------------ */

static const char *
field_type(const struct ln_arg *arg)
{
	switch (arg->type) {
	case LN_ARG_ACCOUNT:
	case LN_ARG_JID:
		return form_takes_many(arg) ? "jid-multi" : "jid-single";
	case LN_ARG_PASSWORD:
		return "text-private";
	case LN_ARG_WORD:
		return "list-single";
	case LN_ARG_FLAG:
		return "boolean";
	case LN_ARG_FILE:
		return "text-multi";
	case LN_ARG_TEXT:
		return arg->flags & LN_ARG_REST ? "text-multi" : "text-single";
	default:
		return "text-single";
	}
}

/* The password's twin, in which it is typed again (XEP-0133 §4.1). */
static const char *
twin_of(const struct ln_arg *arg, struct arena *arena)
{
	struct ln_elem *name = ln_elem_new(arena, "name", NS_NONE);

	ln_append_text(name, var_of(arg));
	ln_append_text(name, "-verify");
	return ln_elem_text(name);
}

/* A line is a value of its own (XEP-0004 §3.3). */
static void
add_lines(struct ln_elem *field, const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		ln_add_textf(field, "value", "%.*s", (int)len, text);
		text += text[len] == '\n' ? len + 1 : len;
	}
}

static struct ln_elem *
add_field(struct ln_elem *form, const struct ln_arg *arg)
{
	struct ln_elem *field = ln_form_field(form, var_of(arg), field_type(arg), arg->help);

	if (arg->type == LN_ARG_WORD)
		for (const struct ln_name *name = arg->names; name->name != NULL; name++)
			ln_form_option(field, NULL, name->name);
	if (!(arg->flags & LN_ARG_OPTIONAL) && arg->type != LN_ARG_FLAG)
		ln_form_require(field);
	if (arg->flags & LN_ARG_TWICE)
		ln_form_field(form, twin_of(arg, ln_elem_arena(form)), field_type(arg),
		    "The same once more.");
	return field;
}

void
form_add(struct ln_elem *parent, const struct ln_command *command, const char *text)
{
	struct ln_elem *actions = ln_elem_add(parent, "actions", NS_COMMANDS), *form, *field;

	ln_set_attr(actions, "execute", "complete");
	ln_elem_add(actions, "complete", NS_COMMANDS);
	form = ln_form_add(parent, "form", command->node != NULL ? NS_ADMIN : NULL);
	ln_form_title(form, command->help);
	for (const struct ln_arg *arg = command->args; arg->type != LN_ARG_END; arg++) {
		if (form_fills_in(command, arg))
			continue;
		field = add_field(form, arg);
		if (text != NULL)
			add_lines(field, text);
		text = NULL;
	}
}

/* --- reading one ------------------------------------------------------------------------- */

/* An empty field is one that was left out; XEP-0133 says "none" for no bound. */
static bool
is_left_out(const struct ln_arg *arg, const char *text)
{
	return text == NULL || *text == '\0' ||
	    (arg->type == LN_ARG_INT && strcmp(text, "none") == 0);
}

const char *
form_value(struct arena *arena, const struct ln_elem *form, const struct ln_arg *arg)
{
	const char *text;
	bool set;

	if (form == NULL)
		return NULL;
	if (arg->type == LN_ARG_FLAG)
		return ln_form_flag(form, var_of(arg), &set) && set ? "" : NULL;
	if (strcmp(field_type(arg), "text-multi") == 0)
		text = ln_form_lines(arena, form, var_of(arg));
	else
		text = ln_form_text(form, var_of(arg));
	return is_left_out(arg, text) ? NULL : text;
}

const struct ln_elem *
form_many(const struct ln_elem *form, const struct ln_command *command)
{
	const struct ln_elem *field = NULL;

	if (form != NULL && command->args != NULL && form_takes_many(command->args))
		field = ln_form_get(form, var_of(command->args));
	return field != NULL ? ln_form_first_value(field) : NULL;
}

static bool
differs(struct arena *arena, const struct ln_elem *form, const struct ln_arg *arg)
{
	const char *twin = ln_form_text(form, twin_of(arg, arena));
	const char *text = form_value(arena, form, arg);

	return twin != NULL && text != NULL && strcmp(twin, text) != 0;
}

static const char *
sentence(struct arena *arena, const char *begin, const char *var, const char *end)
{
	struct ln_elem *text = ln_elem_new(arena, "text", NS_NONE);

	ln_append_text(text, begin);
	ln_append_text(text, var);
	ln_append_text(text, end);
	return ln_elem_text(text);
}

const char *
form_check(struct arena *arena, const struct ln_elem *form, const struct ln_command *command)
{
	const struct ln_elem *value = form_many(form, command);
	unsigned count = 0;

	for (const struct ln_arg *arg = command->args; arg->type != LN_ARG_END; arg++) {
		bool needed = !form_fills_in(command, arg) && arg->type != LN_ARG_FLAG &&
		    !(arg->flags & LN_ARG_OPTIONAL);

		if (needed && form_value(arena, form, arg) == NULL)
			return sentence(arena, "The field ", var_of(arg), " is missing.");
		if (arg->flags & LN_ARG_TWICE && differs(arena, form, arg))
			return sentence(arena, "The two values of ", var_of(arg), " differ.");
	}
	for (; value != NULL; value = ln_form_next_value(value))
		count++;
	return count > FORM_MANY_MAX ? "These are too many accounts for one form." : NULL;
}

bool
form_is_secret(const struct ln_command *command)
{
	for (const struct ln_arg *arg = command->args; arg->type != LN_ARG_END; arg++)
		if (arg->type == LN_ARG_PASSWORD)
			return true;
	return false;
}
