/*
 * mod_announce - announcements, a message of the day, a welcome (XEP-0133 §4.23
 * to §4.28).
 *
 * An announcement is a headline to all who are available. The message of the day
 * and the welcome are documents of the host, which every worker has. A user who
 * becomes available is sent the first once: its number tells which one he was sent
 * last. The second he is sent if his account was made while there was one.
 *
 * SPDX-License-Identifier: MIT
 */
#include <linnet/module.h>

#include <string.h>

#define NS_MOTD "urn:linnet:motd"

enum { MOTD, WELCOME, SEEN, NEW };
static const struct ln_value values[] = { [MOTD] = LN_VALUE("motd", 0),
	[WELCOME] = LN_VALUE("welcome", 0),
	[SEEN] = LN_VALUE("seen", LN_PRELOAD),
	[NEW] = LN_VALUE("new", LN_PRELOAD),
	LN_VALUE_END };

enum { ANNOUNCED, SHOWN, WELCOMED };
static const struct ln_metric metrics[] = { [ANNOUNCED] = { "announced_total",
						"Announcements made." },
	[SHOWN] = { "motd_total", "Users who were sent the message of the day." },
	[WELCOMED] = { "welcome_total", "New users who were welcomed." },
	LN_METRIC_END };

/* --- the message of the day -------------------------------------------------------------- */

static bool
was_shown(const struct ln_mod *mod, struct ln_account *account, const char *id)
{
	const struct ln_elem *seen = ln_value_get(mod, account, SEEN, "");
	const char *last = seen != NULL ? ln_elem_attr(seen, "id") : NULL;

	return last != NULL && strcmp(last, id) == 0;
}

/* A message of the host to one session, not sent yet. */
static struct ln_stanza *
message_to(const struct ln_mod *mod, const struct ln_session *session)
{
	struct ln_stanza *message = ln_stanza_new(LN_MESSAGE, LN_NORMAL,
	    ln_host_jid(ln_mod_host(mod)), ln_session_jid(session));

	ln_make_id(message);
	return message;
}

static void
show_motd(const struct ln_mod *mod, struct ln_account *account, struct ln_session *session)
{
	struct ln_stanza *message = message_to(mod, session);
	struct arena *arena = ln_stanza_arena(message);
	const struct ln_elem *motd = ln_host_value_get(mod, MOTD, "", arena);
	const char *id = motd != NULL ? ln_elem_attr(motd, "id") : NULL;
	struct ln_elem *seen;

	if (id == NULL || was_shown(mod, account, id)) {
		ln_stanza_free(&message);
		return;
	}
	seen = ln_elem_new(arena, "seen", NS_MOTD);
	ln_set_attr(seen, "id", id);
	ln_value_set(mod, account, SEEN, "", seen);
	ln_append_text(ln_add(message, "body", NS_CLIENT), ln_elem_text(motd));
	ln_count(mod, SHOWN);
	ln_send(message);
}

/* --- the welcome ---------------------------------------------------------------------------- */

static void
announce_created(const struct ln_mod *mod, struct ln_ev_account_created *ev)
{
	struct ln_stanza *scratch = ln_stanza_new(LN_MESSAGE, LN_NORMAL, NULL, NULL);
	struct arena *arena = ln_stanza_arena(scratch);

	if (ln_host_value_get(mod, WELCOME, "", arena) != NULL)
		ln_value_set(mod, ev->account, NEW, "", ln_elem_new(arena, "new", NS_MOTD));
	ln_stanza_free(&scratch);
}

static void
welcome(const struct ln_mod *mod, struct ln_account *account, struct ln_session *session)
{
	const struct ln_elem *text;
	struct ln_stanza *message;

	if (ln_value_get(mod, account, NEW, "") == NULL)
		return;
	ln_value_set(mod, account, NEW, "", NULL);
	message = message_to(mod, session);
	text = ln_host_value_get(mod, WELCOME, "", ln_stanza_arena(message));
	if (text == NULL) {
		ln_stanza_free(&message);
		return;
	}
	ln_append_text(ln_add(message, "body", NS_CLIENT), ln_elem_text(text));
	ln_count(mod, WELCOMED);
	ln_send(message);
}

static void
announce_available(const struct ln_mod *mod, struct ln_ev_presence_available *ev)
{
	welcome(mod, ev->account, ev->session);
	show_motd(mod, ev->account, ev->session);
}

/* --- commands -------------------------------------------------------------------------------- */

enum { HOST, TEXT };

static void
announce(const struct ln_mod *mod, struct ln_call *call)
{
	struct ln_stanza *message =
	    ln_stanza_new(LN_MESSAGE, LN_HEADLINE, ln_host_jid(ln_mod_host(mod)), NULL);

	ln_append_text(ln_add(message, "body", NS_CLIENT), ln_call_text(call, TEXT));
	ln_make_id(message);
	ln_count(mod, ANNOUNCED);
	ln_broadcast(ln_mod_host(mod), message);
	ln_call_say(call, "Announced to all who are available.");
}

static void
text_stored(void *arg, bool ok)
{
	struct ln_call *call = arg;

	if (!ok)
		ln_call_refuse(call, LN_ERR_INTERNAL_SERVER_ERROR, "it could not be stored");
	ln_call_done(call);
}

/* With the number of the one before it (edit), or a new one (set): then all are sent it. */
static void
store_motd(const struct ln_mod *mod, struct ln_call *call, const char *id)
{
	struct ln_elem *motd = ln_elem_new(ln_call_arena(call), "motd", NS_MOTD);

	ln_append_text(motd, ln_call_text(call, TEXT));
	if (id != NULL)
		ln_set_attr(motd, "id", id);
	else
		ln_set_attrf(motd, "id", "%lld", (long long)ln_wall());
	ln_call_later(call);
	ln_host_value_set(mod, MOTD, "", motd, text_stored, call);
}

static void
motd_set(const struct ln_mod *mod, struct ln_call *call)
{
	store_motd(mod, call, NULL);
}

static void
motd_edit(const struct ln_mod *mod, struct ln_call *call)
{
	const struct ln_elem *motd = ln_host_value_get(mod, MOTD, "", ln_call_arena(call));

	store_motd(mod, call, motd != NULL ? ln_elem_attr(motd, "id") : NULL);
}

static void
motd_delete(const struct ln_mod *mod, struct ln_call *call)
{
	ln_call_later(call);
	ln_host_value_set(mod, MOTD, "", NULL, text_stored, call);
}

static void
welcome_set(const struct ln_mod *mod, struct ln_call *call)
{
	struct ln_elem *text = ln_elem_new(ln_call_arena(call), "welcome", NS_MOTD);

	ln_append_text(text, ln_call_text(call, TEXT));
	ln_call_later(call);
	ln_host_value_set(mod, WELCOME, "", text, text_stored, call);
}

static void
welcome_delete(const struct ln_mod *mod, struct ln_call *call)
{
	ln_call_later(call);
	ln_host_value_set(mod, WELCOME, "", NULL, text_stored, call);
}

static void
say(struct ln_call *call, const struct ln_elem *text)
{
	if (text != NULL)
		ln_call_say(call, "%s", ln_elem_text(text));
}

static void
welcome_show(const struct ln_mod *mod, struct ln_call *call)
{
	say(call, ln_host_value_get(mod, WELCOME, "", ln_call_arena(call)));
}

static void
motd_show(const struct ln_mod *mod, struct ln_call *call)
{
	say(call, ln_host_value_get(mod, MOTD, "", ln_call_arena(call)));
}

static const struct ln_arg host_arg[] = { { LN_ARG_HOST, "host", "Whose.", 0, NULL },
	LN_ARG_ROWS_END };
static const struct ln_arg text_args[] = { { LN_ARG_HOST, "host", "Whose users.", 0, NULL },
	{ LN_ARG_TEXT, "text", "What to say.", LN_ARG_REST, NULL, "announcement" },
	LN_ARG_ROWS_END };
static const struct ln_arg welcome_args[] = { { LN_ARG_HOST, "host", "Whose users.", 0, NULL },
	{ LN_ARG_TEXT, "text", "Welcome message.", LN_ARG_REST, NULL, "welcome" },
	LN_ARG_ROWS_END };
static const struct ln_arg motd_args[] = { { LN_ARG_HOST, "host", "Whose users.", 0, NULL },
	{ LN_ARG_TEXT, "text", "Message of the day.", LN_ARG_REST, NULL, "motd" },
	LN_ARG_ROWS_END };

#define ADMIN_NODE "http://jabber.org/protocol/admin#"

static const struct ln_command commands[] = {
	{ "announce", "Send a message to all who are available.", LN_ROLE_ADMIN, LN_HOME_NAME,
	    text_args, announce, ADMIN_NODE "announce" },
	{ "motd set", "Set the message of the day; every user gets it once.", LN_ROLE_ADMIN,
	    LN_HOME_NAME, motd_args, motd_set, ADMIN_NODE "set-motd" },
	{ "motd edit", "Change the message of the day; who has had it does not get it again.",
	    LN_ROLE_ADMIN, LN_HOME_NAME, motd_args, motd_edit, ADMIN_NODE "edit-motd",
	    .before = "motd show" },
	{ "motd delete", "Delete the message of the day.", LN_ROLE_ADMIN, LN_HOME_NAME, host_arg,
	    motd_delete, ADMIN_NODE "delete-motd" },
	{ "welcome set", "Set the message that new users get when they are first here.",
	    LN_ROLE_ADMIN, LN_HOME_NAME, welcome_args, welcome_set, ADMIN_NODE "set-welcome",
	    .before = "welcome show" },
	{ "welcome delete", "Delete the welcome message.", LN_ROLE_ADMIN, LN_HOME_NAME, host_arg,
	    welcome_delete, ADMIN_NODE "delete-welcome" },
	{ "welcome show", "Show the welcome message.", LN_ROLE_ADMIN, LN_HOME_NAME, host_arg,
	    welcome_show, NULL },
	{ "motd show", "Show the message of the day.", LN_ROLE_ADMIN, LN_HOME_NAME, host_arg,
	    motd_show, NULL },
	LN_COMMAND_END
};

static const struct ln_hook hooks[] = { LN_ON(presence_available, LN_PRIO_DEFAULT,
					    announce_available),
	LN_ON(account_created, LN_PRIO_DEFAULT, announce_created), LN_HOOK_END };

LN_MODULE(announce, .summary = "Announcements, message of the day, welcome (XEP-0133)",
    .after = LN_NAMES("offline"), .hooks = hooks, .values = values, .metrics = metrics,
    .commands = commands, );
