/*
 * Presence. See presence.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "im/presence.h"

#include "core/stanza.h"
#include "im/session.h"

bool
presence_loads(const struct ln_stanza *st)
{
	return st->kind != LN_PRESENCE || (st->type >= LN_SUBSCRIBE && st->type <= LN_UNSUBSCRIBED);
}

void
presence_from_session(struct ln_account *account, struct ln_session *session, struct ln_stanza *st)
{
	struct ln_session *other;

	ln_stanza_free(&session->presence);
	if (st->type == LN_AVAILABLE)
		session->presence = ln_stanza_copy(st);
	TAILQ_FOREACH(other, &account->sessions, link)
		if (other->presence != NULL)
			session_send(other, ln_stanza_copy(st));
	ln_stanza_free(&st);
}

void
presence_to_account(struct ln_account *account, struct ln_stanza *st)
{
	(void)account;
	ln_stanza_free(&st);
}

void
presence_session_closed(struct ln_account *account, struct ln_session *session)
{
	(void)account;
	ln_stanza_free(&session->presence);
}

void
presence_account_gone(struct ln_account *account)
{
	(void)account;
}
