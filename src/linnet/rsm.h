/*
 * Result sets, page by page (XEP-0059).
 *
 *	struct ln_rsm rsm;
 *
 *	if (!ln_rsm_read(query, &rsm))
 *		return ln_refuse(st, LN_ERR_BAD_REQUEST, "%s", LN_RSM_WRONG);
 *	most = ln_rsm_max(&rsm, PAGE, PAGE_MAX);
 *	...
 *	ln_rsm_add(fin, &(struct ln_rsm_page){ first, last, index, count });
 *
 * What the ids are, and whether one is there, is known to the list alone.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LINNET_RSM_H
#define LINNET_RSM_H

#include <stdint.h>

#include "linnet/elem.h"

#define LN_RSM_NUMBER INT32_MAX /* xs:int: a larger number counts as this one */
#define LN_RSM_WRONG "The page that is asked for is no page."

/* Which page is asked for. */
struct ln_rsm {
	const char *after, *before; /* ids; NULL: none. `before` "": the last page (§2.5) */
	int64_t index;              /* of the first item (§2.6); -1: none */
	int64_t max;                /* items, at most; 0: the count alone (§2.7); -1: not said */
	bool given;                 /* there was a set */
};

/*
 * Reads the set in `query`; without one everything is none. False, and everything is none too: a
 * number is none, something is there twice, or `index` beside an id.
 * The ids live as long as `query`.
 */
bool ln_rsm_read(const struct ln_elem *query, struct ln_rsm *rsm_r);

/* How many items a page has: what was asked for, else `usual`; never above `most`. */
unsigned ln_rsm_max(const struct ln_rsm *rsm, unsigned usual, unsigned most);

/* Which page is given. */
struct ln_rsm_page {
	const char *first, *last; /* ids; NULL: the page is empty */
	int64_t index;            /* of the first; -1: not known */
	int64_t count;            /* of all pages; -1: not known */
};

/* Adds the set that says so to `parent`. */
struct ln_elem *ln_rsm_add(struct ln_elem *parent, const struct ln_rsm_page *page);

#endif
