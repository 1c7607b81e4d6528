/*
 * Result sets. See linnet/rsm.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "linnet/rsm.h"

#include <string.h>

#include "linnet/ns.h"

static const struct ln_rsm nothing = { .index = -1, .max = -1 };

/* The text of a child; NULL: not there. False: it is there twice. */
static bool
read_id(const struct ln_elem *set, const char *name, const char **id_r)
{
	const struct ln_elem *child = ln_elem_child(set, name, NS_RSM);

	*id_r = child != NULL ? ln_elem_text(child) : NULL;
	return child == NULL || ln_elem_next_is(child, name, NS_RSM) == NULL;
}

/* An xs:int that is not negative, with white space around it. */
static bool
read_number(const struct ln_elem *set, const char *name, int64_t *number_r)
{
	static const char space[] = " \t\r\n";
	const char *text;
	size_t digits;

	if (!read_id(set, name, &text))
		return false;
	if (text == NULL)
		return true;
	text += strspn(text, space);
	text += *text == '+';
	digits = strspn(text, "0123456789");
	if (digits == 0 || text[digits + strspn(text + digits, space)] != '\0')
		return false;
	for (*number_r = 0; digits > 0 && *number_r < LN_RSM_NUMBER; digits--)
		*number_r = *number_r * 10 + *text++ - '0';
	if (*number_r > LN_RSM_NUMBER)
		*number_r = LN_RSM_NUMBER;
	return true;
}

static bool
read_set(const struct ln_elem *set, struct ln_rsm *rsm)
{
	rsm->given = true;
	if (ln_elem_next_is(set, "set", NS_RSM) != NULL)
		return false;
	if (!read_id(set, "after", &rsm->after) || !read_id(set, "before", &rsm->before) ||
	    !read_number(set, "index", &rsm->index) || !read_number(set, "max", &rsm->max))
		return false;
	return rsm->index < 0 || (rsm->after == NULL && rsm->before == NULL);
}

bool
ln_rsm_read(const struct ln_elem *query, struct ln_rsm *rsm_r)
{
	const struct ln_elem *set = ln_elem_child(query, "set", NS_RSM);

	*rsm_r = nothing;
	if (set == NULL || read_set(set, rsm_r))
		return true;
	*rsm_r = nothing;
	return false;
}

unsigned
ln_rsm_max(const struct ln_rsm *rsm, unsigned usual, unsigned most)
{
	if (rsm->max < 0)
		return usual < most ? usual : most;
	return rsm->max < most ? (unsigned)rsm->max : most;
}

struct ln_elem *
ln_rsm_add(struct ln_elem *parent, const struct ln_rsm_page *page)
{
	struct ln_elem *set = ln_elem_add(parent, "set", NS_RSM), *first;

	if (page->first != NULL && page->last != NULL) {
		first = ln_add_text(set, "first", page->first);
		if (page->index >= 0)
			ln_set_attrf(first, "index", "%lld", (long long)page->index);
		ln_add_text(set, "last", page->last);
	}
	if (page->count >= 0)
		ln_add_textf(set, "count", "%lld", (long long)page->count);
	return set;
}
