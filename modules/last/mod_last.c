/*
 * mod_last - when a user was here last; how long the server runs (XEP-0012).
 *
 * When the last available session of an account goes, its time and status are
 * stored. Who may see the user's presence may ask; others are told nothing, not even by
 * a client that would answer (§4).
 *
 * SPDX-License-Identifier: MIT
 */
#include <linnet/module.h>

#include <stdlib.h>

enum { SEEN };
#define NS_SEEN "urn:linnet:last"

static const struct ln_value values[] = { [SEEN] = LN_VALUE("seen", 0), LN_VALUE_END };

static bool
somebody_available(const struct ln_account *account)
{
	struct ln_session *session = ln_session_first(account);

	while (session != NULL && !ln_session_available(session))
		session = ln_session_next(session);
	return session != NULL;
}

/* Wall-clock ms of the newest login among its sessions; 0: there are none. */
static int64_t
last_login(const struct ln_account *account)
{
	const struct ln_session *session = ln_session_first(account);
	int64_t newest = 0;

	for (; session != NULL; session = ln_session_next(session))
		if (ln_session_since(session) > newest)
			newest = ln_session_since(session);
	return newest;
}

static void
last_gone(const struct ln_mod *mod, struct ln_ev_presence_unavailable *ev)
{
	struct ln_stanza *scratch;
	struct ln_elem *doc;

	if (somebody_available(ev->account))
		return;
	scratch = ln_stanza_new(LN_PRESENCE, LN_UNAVAILABLE, NULL, NULL);
	doc = ln_add(scratch, "seen", NS_SEEN);
	ln_set_attrf(doc, "at", "%lld", (long long)(ln_wall() / 1000));
	ln_set_attrf(doc, "login", "%lld", (long long)(last_login(ev->account) / 1000));
	if (ev->head.stanza != NULL && ln_child(ev->head.stanza, "status", NS_CLIENT) != NULL)
		ln_append_text(doc, ln_elem_text(ln_child(ev->head.stanza, "status", NS_CLIENT)));
	ln_value_set(mod, ev->account, SEEN, "", doc);
	ln_stanza_free(&scratch);
}

static struct ln_stanza *
answer(const struct ln_stanza *request, int64_t seconds, const char *status)
{
	struct ln_stanza *result = ln_iq_result(request);
	struct ln_elem *query = ln_add(result, "query", NS_LAST);

	ln_set_attrf(query, "seconds", "%lld", (long long)(seconds > 0 ? seconds : 0));
	if (status != NULL)
		ln_append_text(query, status);
	return result;
}

static enum ln_verdict
last_of_host(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	(void)mod;
	return ln_answer(ev, answer(ev->stanza, ln_uptime(), NULL));
}

static void
last_read(const struct ln_mod *mod, struct ln_account *account, struct ln_token *token,
    const struct ln_elem *doc)
{
	const struct ln_stanza *request = ln_token_request(token);
	const char *at = doc != NULL ? ln_elem_attr(doc, "at") : NULL;

	(void)mod;
	(void)account;
	if (at == NULL || request == NULL)
		ln_token_refuse(&token, LN_ERR_ITEM_NOT_FOUND, "This user was never here.");
	else
		ln_token_answer(&token,
		    answer(request, ln_wall() / 1000 - strtoll(at, NULL, 10), ln_elem_text(doc)));
}

static enum ln_verdict
last_of_account(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	struct ln_token *token;

	if (ln_from(ev->stanza) == NULL || !ln_may_see_presence(ev->account, ln_from(ev->stanza)))
		return ln_refuse(ev->stanza, LN_ERR_FORBIDDEN,
		    "You may not see this user's presence.");
	if (somebody_available(ev->account))
		return ln_answer(ev, answer(ev->stanza, 0, NULL));
	ln_later(ev, mod, &token);
	ln_value_read(mod, ev->account, SEEN, "", token, last_read);
	return LN_DONE;
}

/* A query to a full JID passes only to who may know. */
static enum ln_verdict
last_to_session(const struct ln_mod *mod, struct ln_ev_iq_received *ev)
{
	const struct ln_elem *query = ln_first(ev->stanza);

	(void)mod;
	if (ev->session == NULL || ln_type(ev->stanza) != LN_GET || query == NULL ||
	    !ln_elem_is(query, "query", NS_LAST))
		return LN_PASS;
	if (ln_from(ev->stanza) != NULL && ln_may_see_presence(ev->account, ln_from(ev->stanza)))
		return LN_PASS;
	return ln_refuse(ev->stanza, LN_ERR_FORBIDDEN, "You may not see this user's presence.");
}

/* --- when a user logged in last (XEP-0133 §4.9) ------------------------------------------------ */

static void
answer_login(struct ln_call *call, int64_t wall_ms)
{
	ln_call_cell(call, "accountjids");
	ln_call_cell(call, ln_call_text(call, 0));
	if (wall_ms == 0) {
		ln_call_say(call, "This user was never here.");
		return;
	}
	ln_call_cell(call, "lastlogin");
	ln_call_cell_stamp(call, wall_ms);
}

static void
seen_known(void *arg, bool ok, const struct ln_elem *doc)
{
	const char *at = doc != NULL ? ln_elem_attr(doc, "login") : NULL;
	struct ln_call *call = arg;

	if (at == NULL && doc != NULL)
		at = ln_elem_attr(doc, "at");
	if (ok)
		answer_login(call, at != NULL ? strtoll(at, NULL, 10) * 1000 : 0);
	else
		ln_call_fail(call, "it could not be read");
	ln_call_done(call);
}

static void
user_last(const struct ln_mod *mod, struct ln_call *call)
{
	int64_t newest = last_login(ln_call_account(call));

	ln_call_columns(call, "name", "value", NULL);
	if (newest != 0) {
		answer_login(call, newest);
		return;
	}
	ln_call_later(call);
	ln_value_fetch(mod, ln_call_account(call), SEEN, "", seen_known, call);
}

static const struct ln_arg last_args[] = {
	{ LN_ARG_ACCOUNT, "jid", "Whose.", 0, NULL, "accountjids" }, LN_ARG_ROWS_END
};

static const struct ln_command commands[] = {
	{ .name = "user last",
	    .help = "Tell when a user logged in last.",
	    .role = LN_ROLE_ADMIN,
	    .home = LN_HOME_ACCOUNT,
	    .args = last_args,
	    .run = user_last,
	    .node = "http://jabber.org/protocol/admin#get-user-lastlogin",
	    .result_as = LN_RESULT_FACTS },
	LN_COMMAND_END,
};

static const struct ln_hook hooks[] = { LN_ON(presence_unavailable, LN_PRIO_DEFAULT, last_gone),
	LN_ON(iq_received, LN_PRIO_POLICY, last_to_session), LN_HOOK_END };

static const struct ln_iq_handler iq_handlers[] = {
	{ LN_IQ_GET, LN_TO_HOST, "jabber:iq:last", "query", last_of_host, false },
	{ LN_IQ_GET, LN_TO_ACCOUNT, "jabber:iq:last", "query", last_of_account, false }, LN_IQ_END
};

LN_MODULE(last, .summary = "XEP-0012: Last Activity", .hooks = hooks, .iq_handlers = iq_handlers,
    .features = LN_FEATURES("jabber:iq:last"), .account_features = LN_FEATURES("jabber:iq:last"),
    .values = values, .commands = commands, .for_components = true, );
