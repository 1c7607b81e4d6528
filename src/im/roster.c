/*
 * The roster. See roster.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "im/roster.h"

#include "core/stanza.h"
#include "core/work.h"

void
roster_open(struct ln_account *account, const struct store_row *items)
{
	(void)account;
	(void)items;
}

void
roster_close(struct ln_account *account)
{
	(void)account;
}

void
roster_iq(struct ln_account *account, struct ln_stanza *st)
{
	struct ln_stanza *result = ln_iq_result(st);

	(void)account;
	ln_add(result, "query", NS_ROSTER);
	work_result(result);
	ln_stanza_free(&st);
}
