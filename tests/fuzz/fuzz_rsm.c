/*
 * Result sets (XEP-0059) as strangers send them: what is taken keeps the promises of linnet/rsm.h,
 * and a page that is given is one that can be asked for.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "linnet/ns.h"
#include "linnet/rsm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool truth)
{
	if (!truth)
		abort();
}

static bool
same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static void
check(const struct ln_rsm *rsm, bool taken)
{
	must(rsm->index >= -1 && rsm->index <= LN_RSM_NUMBER);
	must(rsm->max >= -1 && rsm->max <= LN_RSM_NUMBER);
	must(rsm->index < 0 || (rsm->after == NULL && rsm->before == NULL));
	must(ln_rsm_max(rsm, 50, 100) <= 100);
	if (!taken || !rsm->given)
		must(rsm->after == NULL && rsm->before == NULL && rsm->index < 0 && rsm->max < 0);
}

/* Asks again in our own words. */
static void
check_again(struct arena *arena, const struct ln_rsm *rsm)
{
	struct ln_elem *query = ln_elem_new(arena, "query", NS_MAM);
	struct ln_elem *set = ln_elem_add(query, "set", NS_RSM);
	struct ln_rsm again;

	if (rsm->after != NULL)
		ln_add_text(set, "after", rsm->after);
	if (rsm->before != NULL)
		ln_add_text(set, "before", rsm->before);
	if (rsm->index >= 0)
		ln_add_textf(set, "index", "%lld", (long long)rsm->index);
	if (rsm->max >= 0)
		ln_add_textf(set, "max", "%lld", (long long)rsm->max);
	must(ln_rsm_read(query, &again) && again.given);
	must(same(rsm->after, again.after) && same(rsm->before, again.before));
	must(rsm->index == again.index && rsm->max == again.max);
}

/* What was asked for as a page that is given. */
static void
check_given(struct arena *arena, const struct ln_rsm *rsm)
{
	struct ln_rsm_page page = { rsm->after, rsm->before, rsm->index, rsm->max };
	struct ln_elem *set = ln_rsm_add(ln_elem_new(arena, "fin", NS_MAM), &page);
	const char *text = ln_elem_print(arena, set), *error;
	struct ln_elem *read = ln_elem_parse(arena, text, strlen(text), &error);
	bool whole = rsm->after != NULL && rsm->before != NULL;

	must(read != NULL && ln_elem_is(read, "set", NS_RSM));
	must(same(ln_elem_child_text(read, "first", NS_RSM), whole ? rsm->after : NULL));
	must(same(ln_elem_child_text(read, "last", NS_RSM), whole ? rsm->before : NULL));
	must((ln_elem_child(read, "count", NS_RSM) != NULL) == (rsm->max >= 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(4096);
	const char *error;
	struct ln_elem *query = ln_elem_parse(arena, (const char *)data, size, &error);
	struct ln_rsm rsm;
	bool taken;

	if (query != NULL) {
		taken = ln_rsm_read(query, &rsm);
		check(&rsm, taken);
		if (taken && rsm.given) {
			check_again(arena, &rsm);
			check_given(arena, &rsm);
		}
	}
	arena_free(&arena);
	return 0;
}
