/*
 * mod_commands - ad-hoc commands (XEP-0050), with the nodes of XEP-0133.
 *
 * All is made from the rows in linnet/command.h. A command whose arguments the
 * server can fill in itself (the host that is asked; the asker's own account) is run
 * at once; any other is two steps, a form and its submission. What waits
 * between the two is kept at the host's home.
 *
 * SPDX-License-Identifier: MIT
 */
#include <linnet/command.h>
#include <linnet/form.h>
#include <linnet/module.h>

#include <stdio.h>
#include <string.h>

#include "desk.h"
#include "form.h"
#include "run.h"

#define NODE_MAX 128

/* --- which there are ------------------------------------------------------------------------ */

static const char *
node_of(const struct ln_command *command, char node[NODE_MAX])
{
	if (command->node != NULL)
		return command->node;
	snprintf(node, NODE_MAX, "%s", command->name);
	for (char *c = node; *c != '\0'; c++)
		if (*c == ' ')
			*c = '-';
	return node;
}

/* May he run it for this host, as far as can be said before its arguments are known? */
static bool
may_run(const struct ln_command *command, const struct ln_host *host, const struct ln_jid *who)
{
	const struct ln_arg *arg = command->args;
	bool own = command->role == LN_ROLE_USER && arg != NULL && arg->type == LN_ARG_ACCOUNT;

	return (own && ln_host_has(host, who)) ||
	    ln_command_allowed(command, who, ln_host_name(host));
}

struct search {
	const struct ln_host *host;
	const struct ln_jid *asker;
	const char *node;
	const struct ln_command *found;
	struct ln_elem *query; /* items are added to it */
};

/* A service has its own commands, and none of its host's (XEP-0133 §3). `module` NULL: the server's. */
static bool
is_here(const struct ln_host *host, const char *module)
{
	const struct ln_host *parent = ln_host_parent(host);

	if (module == NULL)
		return parent == NULL;
	return ln_host_mod(host, module) != NULL &&
	    (parent == NULL || ln_host_mod(parent, module) == NULL);
}

static void
match_node(const struct ln_command *command, const char *module, void *arg)
{
	struct search *search = arg;
	char node[NODE_MAX];

	if (search->found == NULL && strcmp(node_of(command, node), search->node) == 0 &&
	    is_here(search->host, module))
		search->found = command;
}

static const struct ln_command *
find_node(const struct ln_host *host, const char *node)
{
	struct search search = { .host = host, .node = node };

	ln_commands_each(match_node, &search);
	return search.found;
}

/* "Make an account." is a title without its full stop. */
static void
set_title(struct ln_elem *elem, const struct ln_command *command)
{
	ln_set_attrf(elem, "name", "%.*s", (int)strcspn(command->help, "."), command->help);
}

static void
list_one(const struct ln_command *command, const char *module, void *arg)
{
	struct search *search = arg;
	struct ln_elem *item;
	char node[NODE_MAX];

	if (!may_run(command, search->host, search->asker) || !is_here(search->host, module))
		return;
	item = ln_elem_add(search->query, "item", NS_DISCO_ITEMS);
	ln_set_attr(item, "jid", ln_host_name(search->host));
	ln_set_attr(item, "node", node_of(command, node));
	set_title(item, command);
}

static void
commands_items(const struct ln_mod *mod, struct ln_ev_disco *ev)
{
	struct search search = { .host = ev->host, .asker = ev->asker, .query = ev->query };

	(void)mod;
	if (ev->account != NULL || ev->node == NULL || ev->asker == NULL ||
	    strcmp(ev->node, NS_COMMANDS) != 0)
		return;
	ev->found = true;
	ln_commands_each(list_one, &search);
}

static struct ln_elem *
add_identity(struct ln_elem *query, const char *type)
{
	struct ln_elem *identity = ln_elem_add(query, "identity", NS_DISCO_INFO);

	ln_set_attr(identity, "category", "automation");
	ln_set_attr(identity, "type", type);
	return identity;
}

static void
add_feature(struct ln_elem *query, const char *var)
{
	ln_set_attr(ln_elem_add(query, "feature", NS_DISCO_INFO), "var", var);
}

/* XEP-0050 §2.3. */
static void
commands_info(const struct ln_mod *mod, struct ln_ev_disco *ev)
{
	const struct ln_command *command;

	(void)mod;
	if (ev->account != NULL || ev->node == NULL || ev->asker == NULL)
		return;
	if (strcmp(ev->node, NS_COMMANDS) == 0) {
		ev->found = true;
		add_identity(ev->query, "command-list");
		add_feature(ev->query, NS_COMMANDS);
		return;
	}
	command = find_node(ev->host, ev->node);
	if (command == NULL)
		return;
	ev->found = true;
	ev->forbidden = !may_run(command, ev->host, ev->asker);
	set_title(add_identity(ev->query, "command-node"), command);
	add_feature(ev->query, NS_COMMANDS);
	add_feature(ev->query, NS_DATA);
}

/* --- asked ----------------------------------------------------------------------------------------- */

static enum ln_verdict
refuse(struct ln_ev_iq *ev, enum ln_error error, const char *own, const char *text)
{
	return ln_answer(ev, run_error(ev->stanza, error, own, text));
}

static bool
is_known_action(const char *action)
{
	static const char *const known[] = { "execute", "complete", "cancel", "next", "prev" };

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strcmp(known[i], action) == 0)
			return true;
	return false;
}

static enum ln_verdict
show_form(const struct ln_mod *mod, struct ln_ev_iq *ev, const struct ln_command *command)
{
	struct waiting *waiting = desk_wait(ln_worker_state(mod), command, ln_from(ev->stanza));
	const struct ln_command *before =
	    command->before != NULL ? ln_command_find(command->before) : NULL;
	struct ln_stanza *result;

	if (before != NULL) {
		run_before(mod, ev, command, waiting->id, before);
		return LN_DONE;
	}
	result = ln_iq_result(ev->stanza);
	form_add(run_elem(result, ln_elem_attr(ev->query, "node"), waiting->id, "executing"),
	    command, NULL);
	return ln_answer(ev, result);
}

static enum ln_verdict
submit(const struct ln_mod *mod, struct ln_ev_iq *ev, struct waiting *waiting)
{
	/* "Responders SHOULD consider any cancel to be submit" (§3.4). */
	const struct ln_elem *form = ln_form_find(ev->query, "submit");
	const char *wrong;

	if (form == NULL)
		form = ln_form_find(ev->query, "cancel");
	if (form_is_secret(waiting->command))
		ln_stanza_secret(ev->stanza);
	wrong = form != NULL ? form_check(ln_stanza_arena(ev->stanza), form, waiting->command)
			     : "The form is missing.";
	if (wrong != NULL)
		return refuse(ev, LN_ERR_BAD_REQUEST, "bad-payload", wrong);
	waiting->ended = run_start(mod, ev, waiting->command, waiting->id, form);
	return LN_DONE;
}

static enum ln_verdict
cancel(struct ln_ev_iq *ev, struct waiting *waiting)
{
	struct ln_stanza *result = ln_iq_result(ev->stanza);

	run_elem(result, ln_elem_attr(ev->query, "node"), waiting->id, "canceled");
	waiting->ended = true;
	return ln_answer(ev, result);
}

static enum ln_verdict
go_on(const struct ln_mod *mod, struct ln_ev_iq *ev, const struct ln_command *command,
    const char *session, const char *action)
{
	struct waiting *waiting = desk_find(ln_worker_state(mod), session, ln_from(ev->stanza));

	if (waiting == NULL || waiting->command != command)
		return refuse(ev, LN_ERR_BAD_REQUEST, "bad-sessionid", "There is no such session.");
	if (waiting->ended)
		return refuse(ev, LN_ERR_NOT_ALLOWED, "session-expired", "It has ended.");
	if (strcmp(action, "cancel") == 0)
		return cancel(ev, waiting);
	if (strcmp(action, "next") == 0 || strcmp(action, "prev") == 0)
		return refuse(ev, LN_ERR_BAD_REQUEST, "bad-action", "There is one step.");
	return submit(mod, ev, waiting);
}

static enum ln_verdict
execute(const struct ln_mod *mod, struct ln_ev_iq *ev, const struct ln_command *command)
{
	char session[DESK_ID_MAX];

	if (form_asks(command))
		return show_form(mod, ev, command);
	desk_make_id(session);
	run_start(mod, ev, command, session, NULL);
	return LN_DONE;
}

/* XEP-0133 §6: what it has and we have not is told from what nobody knows. */
static enum ln_verdict
refuse_unknown(struct ln_ev_iq *ev, const char *node)
{
	static const char *const left_out[] = { "edit-admin", "edit-blacklist", "edit-blacklist-in",
		"edit-blacklist-out", "edit-whitelist", "add-to-whitelist", "add-to-whitelist-in",
		"add-to-whitelist-out", "get-user-password", "restart", "shutdown" };
	static const char prefix[] = "http://jabber.org/protocol/admin#";
	const char *name = node + sizeof prefix - 1;

	if (strncmp(node, prefix, sizeof prefix - 1) == 0)
		for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++)
			if (strcmp(name, left_out[i]) == 0)
				return ln_refuse(ev->stanza, LN_ERR_FEATURE_NOT_IMPLEMENTED,
				    "This server does not do that by commands of clients.");
	return ln_refuse(ev->stanza, LN_ERR_ITEM_NOT_FOUND, "There is no such command.");
}

static enum ln_verdict
commands_set(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	const char *node = ln_elem_attr(ev->query, "node");
	const char *action = ln_elem_attr(ev->query, "action");
	const char *session = ln_elem_attr(ev->query, "sessionid");
	const struct ln_command *command = node != NULL ? find_node(ev->host, node) : NULL;

	if (node == NULL)
		return ln_refuse(ev->stanza, LN_ERR_BAD_REQUEST, "Which command?");
	if (command == NULL)
		return refuse_unknown(ev, node);
	if (ln_from(ev->stanza) == NULL || !may_run(command, ev->host, ln_from(ev->stanza)))
		return ln_refuse(ev->stanza, LN_ERR_FORBIDDEN, "That is for administrators.");
	action = action != NULL ? action : "execute";
	if (!is_known_action(action))
		return refuse(ev, LN_ERR_BAD_REQUEST, "malformed-action",
		    "There is no such action.");
	if (session != NULL)
		return go_on(mod, ev, command, session, action);
	if (strcmp(action, "execute") != 0)
		return refuse(ev, LN_ERR_BAD_REQUEST, "bad-action", "Begin with execute.");
	return execute(mod, ev, command);
}

static void
commands_worker_close(const struct ln_mod *mod)
{
	desk_close(ln_worker_state(mod));
}

static const struct ln_hook hooks[] = { LN_ON(disco_info, LN_PRIO_DEFAULT, commands_info),
	LN_ON(disco_items, LN_PRIO_DEFAULT, commands_items), LN_HOOK_END };

static const struct ln_iq_handler iq_handlers[] = { { LN_IQ_SET, LN_TO_HOST_HOME,
							"http://jabber.org/protocol/commands",
							"command", commands_set, false },
	LN_IQ_END };

LN_MODULE(commands, .summary = "XEP-0050: Ad-Hoc Commands, XEP-0133: Service Administration",
    .needs = LN_NAMES("disco"), .hooks = hooks, .iq_handlers = iq_handlers,
    .features = LN_FEATURES("http://jabber.org/protocol/commands"),
    .worker_size = sizeof(struct desk), .worker_close = commands_worker_close,
    .for_components = true, );
