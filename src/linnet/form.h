/*
 * Data forms (XEP-0004), with typed fields (XEP-0068).
 *
 *	form = ln_form_add(command, "form", NS_ADMIN);
 *	ln_form_title(form, "Add a user");
 *	field = ln_form_field(form, "accountjid", "jid-single", "The account's address");
 *	ln_form_value(field, "juliet@example.org");
 *	ln_form_require(field);
 *
 *	form = ln_form_find(command, "submit");
 *	jid = ln_form_text(form, "accountjid");		NULL: not there
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LINNET_FORM_H
#define LINNET_FORM_H

#include "linnet/elem.h"

/* --- making ---------------------------------------------------------------------------- */

/* <x xmlns='jabber:x:data' type='form|result|submit'/>; `form_type` NULL: none. */
struct ln_elem *ln_form_add(struct ln_elem *parent, const char *type, const char *form_type);

void ln_form_title(struct ln_elem *form, const char *title);
void ln_form_instructions(struct ln_elem *form, const char *text);

/* A field without values; `type` ("text-single") and `label` may be NULL. */
struct ln_elem *ln_form_field(struct ln_elem *form, const char *var, const char *type,
    const char *label);

/* One more value; NULL: nothing. */
void ln_form_value(struct ln_elem *field, const char *value);
void ln_form_bool(struct ln_elem *field, bool value);
void ln_form_option(struct ln_elem *field, const char *label, const char *value);
void ln_form_require(struct ln_elem *field);

/* The columns of a result with several items, NULL at the end; then its items. */
struct ln_elem *ln_form_report(struct ln_elem *form, const char *const *columns, unsigned count);
struct ln_elem *ln_form_item(struct ln_elem *form);

/* --- reading ----------------------------------------------------------------------------- */

/* The first form of this type in `parent`; NULL: none. */
const struct ln_elem *ln_form_find(const struct ln_elem *parent, const char *type);

/* Is its FORM_TYPE this one? One without counts as it too. */
bool ln_form_is(const struct ln_elem *form, const char *form_type);

/* A field; NULL: not there. Of two with one name the first. */
const struct ln_elem *ln_form_get(const struct ln_elem *form, const char *var);

/* A field's first value; NULL: no such field; "": without value. */
const char *ln_form_text(const struct ln_elem *form, const char *var);

/* All its values as lines, in `arena`; NULL: no such field. */
const char *ln_form_lines(struct arena *arena, const struct ln_elem *form, const char *var);

/* "1" and "true", "0" and "false" (XEP-0004 §3.3); false if it is neither, or not there. */
bool ln_form_flag(const struct ln_elem *form, const char *var, bool *value_r);

/* Its values one by one: the first, and the one behind `value`; NULL: no more. */
const struct ln_elem *ln_form_first_value(const struct ln_elem *field);
const struct ln_elem *ln_form_next_value(const struct ln_elem *value);

#endif
