/*
 * What a client sends: hooks, then the way to whoever it is for (RFC 6120 §10,
 * RFC 6121 §4, §5).
 *
 * SPDX-License-Identifier: MIT
 */
#include "im/submit.h"

#include "core/iq.h"
#include "core/module.h"
#include "core/router.h"
#include "core/work.h"
#include "im/deliver.h"
#include "im/drain.h"
#include "im/presence.h"

static void
submit_message(struct ln_session *session, struct ln_stanza *st)
{
	struct ln_account *account = session->account;
	struct ln_ev_message_sent ev = { .stanza = st, .account = account, .session = session };

	if (ln_to(st) == NULL) /* RFC 6120 §10.3.1 */
		ln_set_to(st, &account->entity.jid);
	deliver_strip_ids(account, st);
	if (fire_message_sent(account->entity.host, &ev) == LN_DONE) {
		ln_stanza_free(&ev.stanza);
		return;
	}
	router_route(ev.stanza);
}

static bool
for_own_account(const struct ln_account *account, const struct ln_stanza *st)
{
	const struct ln_jid *to = ln_to(st);

	return to == NULL || (ln_jid_is_bare(to) && ln_jid_same_bare(to, &account->entity.jid));
}

static void
submit_iq(struct ln_session *session, struct ln_stanza *st)
{
	struct ln_account *account = session->account;
	const struct ln_host *host = account->entity.host, *asked;
	struct ln_ev_iq_sent ev = { .stanza = st, .account = account, .session = session };

	if (fire_iq_sent(host, &ev) == LN_DONE) {
		ln_stanza_free(&ev.stanza);
		return;
	}
	if ((st->type == LN_RESULT || st->type == LN_TYPE_ERROR) && ask_answered(session, st))
		return;
	if (for_own_account(account, st)) {
		deliver_iq_to_account(account, st);
		return;
	}
	/* Rows that need no host state are answered right here. */
	asked = host_of(&st->to);
	if (asked != NULL && ln_jid_is_bare(&st->to) && !ln_jid_has_local(&st->to) &&
	    (st->type == LN_GET || st->type == LN_SET) && iq_dispatch(asked, NULL, st, true))
		return;
	router_route(st);
}

static void
submit_presence(struct ln_session *session, struct ln_stanza *st)
{
	presence_from_session(session->account, session, st);
	if (session->priority < 0) { /* XEP-0160 §3 */
		session->drained = false;
		drain_leave(session);
	}
	if (session->presence == NULL || session->priority < 0 || session->drained)
		return;
	session->drained = true;
	drain_begin(session);
}

void
submit(struct ln_session *session, struct ln_stanza *st)
{
	if (work_refuses(st)) {
		router_bounce(st, LN_ERR_RESOURCE_CONSTRAINT,
		    "The server's disk fails. Try again.");
		return;
	}
	switch (st->kind) {
	case LN_MESSAGE:
		submit_message(session, st);
		break;
	case LN_PRESENCE:
		submit_presence(session, st);
		break;
	default:
		submit_iq(session, st);
		break;
	}
}
