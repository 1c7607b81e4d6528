/*
 * mod_announce - announcements, and a message of the day (XEP-0133 §4.23 to §4.26).
 *
 * An announcement is a headline to all who are available. The message of the day
 * is a document of the host, which every worker has; a user who becomes
 * available is sent it once. Its number tells which one he was sent last.
 *
 * SPDX-License-Identifier: MIT
 */
#include <linnet/module.h>

#include <string.h>

#define NS_MOTD "urn:linnet:motd"

enum { MOTD, SEEN };
static const struct ln_value values
    [] = { [MOTD] = LN_VALUE("motd", 0), [SEEN] = LN_VALUE("seen", LN_PRELOAD), LN_VALUE_END };

enum { ANNOUNCED, SHOWN };
static const struct ln_metric metrics[] = { [ANNOUNCED] = { "announced_total",
						"Announcements made." },
	[SHOWN] = { "motd_total", "Users who were sent the message of the day." },
	LN_METRIC_END };

/* --- the message of the day -------------------------------------------------------------- */

static bool
was_shown(const struct ln_mod *mod, struct ln_account *account, const char *id)
{
	const struct ln_elem *seen = ln_value_get(mod, account, SEEN, "");
	const char *last = seen != NULL ? ln_elem_attr(seen, "id") : NULL;

	return last != NULL && strcmp(last, id) == 0;
}

static void
announce_available(const struct ln_mod *mod, struct ln_ev_presence_available *ev)
{
	const struct ln_jid *host = ln_host_jid(ln_mod_host(mod));
	struct ln_stanza *message =
	    ln_stanza_new(LN_MESSAGE, LN_NORMAL, host, ln_session_jid(ev->session));
	struct arena *arena = ln_stanza_arena(message);
	const struct ln_elem *motd = ln_host_value_get(mod, MOTD, "", arena);
	const char *id = motd != NULL ? ln_elem_attr(motd, "id") : NULL;
	struct ln_elem *seen;

	if (id == NULL || was_shown(mod, ev->account, id)) {
		ln_stanza_free(&message);
		return;
	}
	seen = ln_elem_new(arena, "seen", NS_MOTD);
	ln_set_attr(seen, "id", id);
	ln_value_set(mod, ev->account, SEEN, "", seen);
	ln_append_text(ln_add(message, "body", NS_CLIENT), ln_elem_text(motd));
	ln_make_id(message);
	ln_count(mod, SHOWN);
	ln_send(message);
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
motd_stored(void *arg, bool ok)
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
	ln_host_value_set(mod, MOTD, "", motd, motd_stored, call);
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
	ln_host_value_set(mod, MOTD, "", NULL, motd_stored, call);
}

static void
motd_show(const struct ln_mod *mod, struct ln_call *call)
{
	const struct ln_elem *motd = ln_host_value_get(mod, MOTD, "", ln_call_arena(call));

	if (motd != NULL)
		ln_call_say(call, "%s", ln_elem_text(motd));
}

static const struct ln_arg host_arg[] = { { LN_ARG_HOST, "host", "Whose.", 0, NULL },
	LN_ARG_ROWS_END };
static const struct ln_arg text_args[] = { { LN_ARG_HOST, "host", "Whose users.", 0, NULL },
	{ LN_ARG_TEXT, "text", "What to say.", LN_ARG_REST, NULL, "announcement" },
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
	{ "motd show", "Show the message of the day.", LN_ROLE_ADMIN, LN_HOME_NAME, host_arg,
	    motd_show, NULL },
	LN_COMMAND_END
};

static const struct ln_hook hooks[] = {
	LN_ON(presence_available, LN_PRIO_DEFAULT, announce_available), LN_HOOK_END
};

LN_MODULE(announce, .summary = "Announcements and a message of the day (XEP-0133)",
    .after = LN_NAMES("offline"), .hooks = hooks, .values = values, .metrics = metrics,
    .commands = commands, );
