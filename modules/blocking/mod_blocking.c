/*
 * mod_blocking - nothing from, and nothing to, whom the user blocked (XEP-0191).
 *
 * The list is one stored document; the account's slice holds its addresses
 * parsed, for every stanza is held against them. Blocking is polite: whoever is
 * blocked sees the user go offline, and subscriptions stay as they are. A user's
 * own account and server are never cut off, whatever the list says.
 *
 * SPDX-License-Identifier: MIT
 */
#include <linnet/module.h>

#include <stdlib.h>
#include <string.h>

enum { LIST };

struct blocking_conf {
	int64_t max;
};

struct blocking_list {
	struct ln_jid *jid;
	size_t count;
};

struct blocking_session {
	bool asked; /* for the list: is told of changes (§3.3) */
};

static const struct ln_option options[] = { LN_OPTION_INT(blocking_conf, max, 1000, 1, 10000,
						"The most addresses that an account blocks."),
	LN_OPTION_END };

static const struct ln_value values[] = { [LIST] = LN_VALUE("list", LN_PRELOAD), LN_VALUE_END };

/* --- the list --------------------------------------------------------------- */

static struct blocking_list
list_new(size_t room)
{
	struct blocking_list list = { .jid = calloc(room + 1, sizeof(struct ln_jid)) };

	if (list.jid == NULL)
		abort();
	return list;
}

static void
list_add(struct blocking_list *list, const struct ln_jid *jid)
{
	ln_jid_copy(&list->jid[list->count++], jid);
}

static void
list_free(struct blocking_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		ln_jid_free(&list->jid[i]);
	free(list->jid);
	*list = (struct blocking_list){ .count = 0 };
}

static bool
list_has(const struct blocking_list *list, const struct ln_jid *jid)
{
	for (size_t i = 0; i < list->count; i++)
		if (ln_jid_same(&list->jid[i], jid))
			return true;
	return false;
}

/* What is no address in it is left out: that was refused when it was stored. */
static struct blocking_list
list_of(const struct ln_elem *doc, struct arena *arena)
{
	struct blocking_list list = list_new(ln_elem_count(doc));
	struct ln_elem *item;
	struct ln_jid jid;

	ln_elem_foreach(item, doc) {
		const char *text = ln_elem_attr(item, "jid");

		if (text != NULL && ln_jid_parse(arena, text, strlen(text), &jid) == LN_JID_OK)
			list_add(&list, &jid);
	}
	return list;
}

static void
list_print(const struct blocking_list *list, struct ln_elem *elem)
{
	for (size_t i = 0; i < list->count; i++)
		ln_set_attr(ln_elem_add(elem, "item", NS_BLOCKING), "jid", list->jid[i].full);
}

/* --- matching (§5) ----------------------------------------------------------- */

static bool
matches(const struct ln_jid *item, const struct ln_jid *jid)
{
	if (!ln_jid_is_bare(item))
		return ln_jid_same(item, jid);
	if (ln_jid_has_local(item))
		return ln_jid_same_bare(item, jid);
	return ln_jid_same_domain(item, jid);
}

/* XEP-0016: never between a user's own resources; nor does it cut off the own server. */
static bool
never_blocked(const struct ln_account *account, const struct ln_jid *jid)
{
	const struct ln_jid *own = ln_account_jid(account);

	return ln_jid_same_bare(own, jid) ||
	    (!ln_jid_has_local(jid) && ln_jid_same_domain(own, jid));
}

static bool
list_blocks(const struct blocking_list *list, const struct ln_account *account,
    const struct ln_jid *jid)
{
	for (size_t i = 0; jid != NULL && i < list->count; i++)
		if (matches(&list->jid[i], jid))
			return !never_blocked(account, jid);
	return false;
}

static bool
blocks(const struct ln_mod *mod, const struct ln_account *account, const struct ln_jid *jid)
{
	return list_blocks(ln_account_state(mod, account), account, jid);
}

/* --- what comes ---------------------------------------------------------------- */

static enum ln_verdict
blocking_message_received(const struct ln_mod *mod, struct ln_ev_message_received *ev)
{
	enum ln_type type = ln_type(ev->stanza);

	if (!blocks(mod, ev->account, ln_from(ev->stanza)))
		return LN_PASS;
	if (type == LN_GROUPCHAT || type == LN_HEADLINE || type == LN_TYPE_ERROR)
		return ln_drop(ev->stanza, "blocked");
	return ln_refuse(ev->stanza, LN_ERR_SERVICE_UNAVAILABLE, NULL);
}

static enum ln_verdict
blocking_iq_received(const struct ln_mod *mod, struct ln_ev_iq_received *ev)
{
	enum ln_type type = ln_type(ev->stanza);

	if (!blocks(mod, ev->account, ln_from(ev->stanza)))
		return LN_PASS;
	if (type != LN_GET && type != LN_SET)
		return ln_drop(ev->stanza, "blocked");
	return ln_refuse(ev->stanza, LN_ERR_SERVICE_UNAVAILABLE, NULL);
}

static enum ln_verdict
blocking_presence_received(const struct ln_mod *mod, struct ln_ev_presence_received *ev)
{
	if (!blocks(mod, ev->account, ln_from(ev->stanza)))
		return LN_PASS;
	return ln_drop(ev->stanza, "blocked");
}

/* --- what goes ------------------------------------------------------------------ */

/* What was stored, or asked, before its sender was blocked. */
static enum ln_verdict
blocking_out(const struct ln_mod *mod, struct ln_ev_stanza_out *ev)
{
	if (!blocks(mod, ev->account, ln_from(ev->stanza)))
		return LN_PASS;
	return ln_drop(ev->stanza, "blocked");
}

/* The error has the blocked address in its `from`, so it must not come by way of the guards above. */
static enum ln_verdict
guard_sent(const struct ln_mod *mod, struct ln_ev_stanza *ev)
{
	struct ln_stanza *reply;
	struct ln_elem *error;

	if (!blocks(mod, ev->account, ln_to(ev->stanza)))
		return LN_PASS;
	reply = ln_error_reply(ev->stanza, LN_ERR_NOT_ACCEPTABLE, LN_ETYPE_CANCEL, NULL);
	if (reply != NULL) {
		/* a plain pointer to what is ours, as from strchr() */
		error = (struct ln_elem *)(uintptr_t)ln_child(reply, "error", NS_CLIENT);
		ln_elem_add(error, "blocked", NS_BLOCKING_ERRORS);
		ln_session_send_held(ev->session, reply);
	}
	return ln_drop(ev->stanza, "blocked");
}

static enum ln_verdict
blocking_shown(const struct ln_mod *mod, struct ln_ev_presence_shown *ev)
{
	return blocks(mod, ev->account, ev->contact) ? LN_DONE : LN_PASS;
}

/* --- changes ---------------------------------------------------------------------- */

/* §3.3, §3.4: who may see us sees us go, or come. The roster knows bare addresses; a single
 * resource that was blocked or unblocked is told by its own. */
static void
show_resources(struct ln_account *account, const struct blocking_list *from,
    const struct blocking_list *in, void (*tell)(struct ln_account *, const struct ln_jid *))
{
	for (size_t i = 0; i < from->count; i++) {
		const struct ln_jid *jid = &from->jid[i];

		if (!ln_jid_is_bare(jid) && !list_has(in, jid) && !never_blocked(account, jid) &&
		    ln_may_see_presence(account, jid))
			tell(account, jid);
	}
}

static bool
is_blocked(const struct ln_account *account, const struct ln_jid *to, void *arg)
{
	return list_blocks(arg, account, to);
}

static void
show_change(struct ln_account *account, const struct blocking_list *before,
    const struct blocking_list *now)
{
	const struct ln_roster_item *item = ln_roster_first(account);

	for (; item != NULL; item = ln_roster_next(item)) {
		const struct ln_jid *jid = ln_roster_jid(item);
		bool was, is;

		if (!ln_roster_from(item))
			continue;
		was = list_blocks(before, account, jid);
		is = list_blocks(now, account, jid);
		if (is && !was)
			ln_presence_hide(account, jid);
		else if (was && !is)
			ln_presence_show(account, jid);
	}
	ln_presence_withdraw(account, is_blocked, (void *)(uintptr_t)now);
	show_resources(account, now, before, ln_presence_hide);
	show_resources(account, before, now, ln_presence_show);
}

static void
push(const struct ln_mod *mod, struct ln_ev_iq *ev, const struct blocking_list *given)
{
	struct ln_session *session = ln_session_first(ev->account);

	for (; session != NULL; session = ln_session_next(session)) {
		const struct blocking_session *state = ln_session_state(mod, session);
		struct ln_stanza *iq;

		if (state == NULL || !state->asked)
			continue;
		iq = ln_stanza_new(LN_IQ, LN_SET, ln_account_jid(ev->account),
		    ln_session_jid(session));
		ln_make_id(iq);
		list_print(given, ln_add(iq, ln_elem_name(ev->query), NS_BLOCKING));
		ln_session_send(session, iq);
	}
}

/* Takes `now` over. */
static enum ln_verdict
change(const struct ln_mod *mod, struct ln_ev_iq *ev, const struct blocking_list *given,
    struct blocking_list now)
{
	struct blocking_list *list = ln_account_state(mod, ev->account), before = *list;
	struct ln_elem *doc = ln_elem_new(ln_stanza_arena(ev->stanza), "blocklist", NS_BLOCKING);

	*list = now;
	list_print(list, doc);
	ln_value_set(mod, ev->account, LIST, "", list->count > 0 ? doc : NULL);
	show_change(ev->account, &before, list);
	list_free(&before);
	push(mod, ev, given);
	return ln_answer(ev, ln_iq_result(ev->stanza));
}

/* LN_PASS: `given` holds the items' addresses and is the caller's. */
static enum ln_verdict
items(const struct ln_mod *mod, struct ln_ev_iq *ev, struct blocking_list *given)
{
	const struct blocking_conf *conf = ln_conf(mod);
	struct ln_elem *item;
	enum ln_jid_error error;
	struct ln_jid jid;

	if (!ev->own)
		return ln_refuse(ev->stanza, LN_ERR_FORBIDDEN, "This is somebody else's.");
	if ((int64_t)ln_elem_count(ev->query) > conf->max)
		return ln_refuse(ev->stanza, LN_ERR_NOT_ACCEPTABLE, "Too many at once.");
	ln_elem_foreach(item, ev->query) {
		const char *text = ln_elem_attr(item, "jid");

		if (!ln_elem_is(item, "item", NS_BLOCKING) || text == NULL)
			return ln_refuse(ev->stanza, LN_ERR_BAD_REQUEST,
			    "An item with jid, please.");
		error = ln_jid_parse(ln_stanza_arena(ev->stanza), text, strlen(text), &jid);
		if (error != LN_JID_OK)
			return ln_refuse(ev->stanza, LN_ERR_JID_MALFORMED, "%s",
			    ln_jid_reason(error));
	}
	*given = list_of(ev->query, ln_stanza_arena(ev->stanza));
	return LN_PASS;
}

static enum ln_verdict
blocking_block(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	const struct blocking_conf *conf = ln_conf(mod);
	const struct blocking_list *list = ln_account_state(mod, ev->account);
	struct blocking_list given = { 0 }, now;
	enum ln_verdict verdict;

	if (items(mod, ev, &given) == LN_DONE)
		return LN_DONE;
	now = list_new(list->count + given.count);
	for (size_t i = 0; i < list->count; i++)
		list_add(&now, &list->jid[i]);
	for (size_t i = 0; i < given.count; i++)
		if (!list_has(&now, &given.jid[i]))
			list_add(&now, &given.jid[i]);
	if (given.count > 0 && (int64_t)now.count <= conf->max) {
		verdict = change(mod, ev, &given, now);
	} else {
		list_free(&now);
		verdict = given.count == 0
		    ? ln_refuse(ev->stanza, LN_ERR_BAD_REQUEST, "Block whom?")
		    : ln_refuse(ev->stanza, LN_ERR_NOT_ACCEPTABLE,
			  "At most %lld addresses are blocked here.", (long long)conf->max);
	}
	list_free(&given);
	return verdict;
}

/* Without items: all (§3.5). */
static enum ln_verdict
blocking_unblock(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	const struct blocking_list *list = ln_account_state(mod, ev->account);
	struct blocking_list given = { 0 }, now;
	enum ln_verdict verdict;

	if (items(mod, ev, &given) == LN_DONE)
		return LN_DONE;
	now = list_new(list->count);
	for (size_t i = 0; given.count > 0 && i < list->count; i++)
		if (!list_has(&given, &list->jid[i]))
			list_add(&now, &list->jid[i]);
	verdict = change(mod, ev, &given, now);
	list_free(&given);
	return verdict;
}

static enum ln_verdict
blocking_get(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	struct ln_session *session =
	    ev->own ? ln_session_find(ev->account, ln_jid_resource(ln_from(ev->stanza))) : NULL;
	struct blocking_session *state;
	struct ln_stanza *result;

	if (!ev->own)
		return ln_refuse(ev->stanza, LN_ERR_FORBIDDEN, "This is somebody else's.");
	state = session != NULL ? ln_session_state(mod, session) : NULL;
	if (state != NULL)
		state->asked = true;
	result = ln_iq_result(ev->stanza);
	list_print(ln_account_state(mod, ev->account), ln_add(result, "blocklist", NS_BLOCKING));
	return ln_answer(ev, result);
}

static void
blocking_open(const struct ln_mod *mod, struct ln_account *account)
{
	struct blocking_list *list = ln_account_state(mod, account);
	const struct ln_elem *doc = ln_value_get(mod, account, LIST, "");

	if (doc != NULL)
		*list = list_of(doc, ln_elem_arena(doc));
}

static void
blocking_close(const struct ln_mod *mod, struct ln_account *account)
{
	list_free(ln_account_state(mod, account));
}

static const struct ln_hook hooks[] = { LN_ON(message_received, LN_PRIO_GUARD,
					    blocking_message_received),
	LN_ON(iq_received, LN_PRIO_GUARD, blocking_iq_received),
	LN_ON(presence_received, LN_PRIO_GUARD, blocking_presence_received),
	LN_ON(message_sent, LN_PRIO_GUARD, guard_sent), LN_ON(iq_sent, LN_PRIO_GUARD, guard_sent),
	LN_ON(presence_sent, LN_PRIO_GUARD, guard_sent),
	LN_ON(stanza_out, LN_PRIO_GUARD, blocking_out),
	LN_ON(presence_shown, LN_PRIO_GUARD, blocking_shown), LN_HOOK_END };

static const struct ln_iq_handler iq_handlers[] = { { LN_IQ_GET, LN_TO_ACCOUNT, "urn:xmpp:blocking",
							"blocklist", blocking_get, false },
	{ LN_IQ_SET, LN_TO_ACCOUNT, "urn:xmpp:blocking", "block", blocking_block, true },
	{ LN_IQ_SET, LN_TO_ACCOUNT, "urn:xmpp:blocking", "unblock", blocking_unblock, true },
	LN_IQ_END };

LN_MODULE(blocking, .summary = "XEP-0191: Blocking Command",
    .conf_size = sizeof(struct blocking_conf), .options = options, .hooks = hooks,
    .iq_handlers = iq_handlers, .features = LN_FEATURES("urn:xmpp:blocking"), .values = values,
    .account_size = sizeof(struct blocking_list), .account_open = blocking_open,
    .account_close = blocking_close, .session_size = sizeof(struct blocking_session), );
