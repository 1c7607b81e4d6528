/*
 * mod_carbons - every client of a user sees every conversation (XEP-0280).
 *
 * A session that enabled carbons gets a copy of each eligible message that
 * another of the user's sessions sent, and of each that was delivered to others
 * but not to it. Copies are forwarded messages from the user's own bare JID;
 * they never wait in `pending`: the message itself does.
 *
 * SPDX-License-Identifier: MIT
 */
#include <linnet/module.h>

#include <string.h>

struct carbons_session {
	bool enabled;
};

/* XEP-0280 §6.1: chat, what carries a body, receipts, markers and chat states; never what is of a
 * room or private. */
static bool
eligible(const struct ln_stanza *st)
{
	enum ln_type type = ln_type(st);

	if (type == LN_GROUPCHAT || type == LN_HEADLINE)
		return false;
	if (ln_child(st, "private", NS_CARBONS) != NULL || ln_has_hint(st, "no-copy") ||
	    ln_child(st, "x", NS_MUC_USER) != NULL)
		return false;
	if (ln_child(st, "received", NS_CARBONS) != NULL ||
	    ln_child(st, "sent", NS_CARBONS) != NULL)
		return false;
	return type == LN_CHAT || type == LN_TYPE_ERROR ||
	    ln_child(st, "body", NS_CLIENT) != NULL || ln_child(st, NULL, NS_RECEIPTS) != NULL ||
	    ln_child(st, NULL, NS_MARKERS) != NULL || ln_child(st, NULL, NS_CHATSTATES) != NULL ||
	    ln_child(st, "x", NS_CONFERENCE) != NULL;
}

static void
send_copy(struct ln_session *session, const struct ln_stanza *st, const char *direction)
{
	const struct ln_jid *own = ln_account_jid(ln_session_account(session));
	struct ln_stanza *copy =
	    ln_stanza_new(LN_MESSAGE, ln_type(st), own, ln_session_jid(session));
	struct ln_elem *forwarded =
	    ln_elem_add(ln_add(copy, direction, NS_CARBONS), "forwarded", NS_FORWARD);

	ln_elem_append(forwarded, ln_stanza_elem(st, ln_stanza_arena(copy)));
	ln_session_send(session, copy);
}

static bool
wants(const struct ln_mod *mod, const struct ln_session *session)
{
	const struct carbons_session *state = ln_session_state(mod, session);

	return state != NULL && state->enabled;
}

static bool
was_given(const struct ln_ev_message_delivered *ev, const struct ln_session *session)
{
	for (size_t i = 0; i < ev->count; i++)
		if (ev->sessions[i] == session)
			return true;
	return false;
}

static enum ln_verdict
carbons_sent(const struct ln_mod *mod, struct ln_ev_message_sent *ev)
{
	struct ln_session *session = ln_session_first(ev->account);
	bool copy = eligible(ev->stanza) && ln_session_next(session) != NULL;

	for (; copy && session != NULL; session = ln_session_next(session))
		if (session != ev->session && wants(mod, session))
			send_copy(session, ev->stanza, "sent");
	return LN_PASS;
}

static void
carbons_delivered(const struct ln_mod *mod, struct ln_ev_message_delivered *ev)
{
	struct ln_session *session = ln_session_first(ev->account);

	if (!eligible(ev->stanza))
		return;
	for (; session != NULL; session = ln_session_next(session))
		if (wants(mod, session) && !was_given(ev, session))
			send_copy(session, ev->stanza, "received");
}

static enum ln_verdict
carbons_switch(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	struct ln_session *session =
	    ev->own ? ln_session_find(ev->account, ln_jid_resource(ln_from(ev->stanza))) : NULL;
	struct carbons_session *state;

	if (session == NULL)
		return ln_refuse(ev->stanza, LN_ERR_FORBIDDEN, "Carbons are for your own account.");
	state = ln_session_state(mod, session);
	state->enabled = strcmp(ln_elem_name(ev->query), "enable") == 0;
	return ln_answer(ev, ln_iq_result(ev->stanza));
}

static const struct ln_hook hooks[] = { LN_ON(message_sent, LN_PRIO_ARCHIVE, carbons_sent),
	LN_ON(message_delivered, LN_PRIO_DEFAULT, carbons_delivered), LN_HOOK_END };

static const struct ln_iq_handler iq_handlers[] = {
	{ LN_IQ_SET, LN_TO_ACCOUNT, "urn:xmpp:carbons:2", "enable", carbons_switch, false },
	{ LN_IQ_SET, LN_TO_ACCOUNT, "urn:xmpp:carbons:2", "disable", carbons_switch, false },
	LN_IQ_END
};

LN_MODULE(carbons, .summary = "XEP-0280: Message Carbons",
    .session_size = sizeof(struct carbons_session), .hooks = hooks, .iq_handlers = iq_handlers,
    .features = LN_FEATURES("urn:xmpp:carbons:2", "urn:xmpp:carbons:rules:0"), );
