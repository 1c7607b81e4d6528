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
#include <linnet/credentials.h>
#include <linnet/form.h>
#include <linnet/module.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_ADMIN "http://jabber.org/protocol/admin"
#define WAITING_MAX 256
#define WAITING_EACH 8
#define WAITING_MS (10 * 60 * 1000)
#define NODE_MAX 128
#define RUNS_MAX 100 /* accounts that one form may name */

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

static bool
is_at(const struct ln_jid *who, const struct ln_host *host)
{
	const char *name = ln_host_name(host);

	return who->domain_len == strlen(name) &&
	    memcmp(ln_jid_domain(who), name, who->domain_len) == 0;
}

/* May he run it for this host, as far as can be said before its arguments are known? */
static bool
may_run(const struct ln_command *command, const struct ln_host *host, const struct ln_jid *who)
{
	const struct ln_arg *arg = command->args;
	bool own = command->role == LN_ROLE_USER && arg != NULL && arg->type == LN_ARG_ACCOUNT;

	return (own && is_at(who, host)) || ln_command_allowed(command, who, ln_host_name(host));
}

struct search {
	const struct ln_host *host;
	const struct ln_jid *asker;
	const char *node;
	const struct ln_command *found;
	struct ln_elem *query; /* items are added to it */
};

static void
match_node(const struct ln_command *command, const char *module, void *arg)
{
	struct search *search = arg;
	char node[NODE_MAX];

	if (search->found == NULL && strcmp(node_of(command, node), search->node) == 0 &&
	    (module == NULL || ln_host_mod(search->host, module) != NULL))
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

	if (!may_run(command, search->host, search->asker) ||
	    (module != NULL && ln_host_mod(search->host, module) == NULL))
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
		return;
	}
	command = find_node(ev->host, ev->node);
	if (command == NULL || !may_run(command, ev->host, ev->asker))
		return;
	ev->found = true;
	set_title(add_identity(ev->query, "command-node"), command);
	add_feature(ev->query, NS_COMMANDS);
	add_feature(ev->query, NS_DATA);
}

#define ID_MAX 20

static void
make_id(char id[ID_MAX])
{
	unsigned char bytes[8];

	ln_random(bytes, sizeof bytes);
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
}

/* --- what waits for a form --------------------------------------------------------------------- */

struct waiting {
	struct waiting *next;
	const struct ln_command *command;
	int64_t until; /* ln_now() */
	char id[ID_MAX];
	char asker[]; /* full JID */
};

/* At the host's home. */
struct desk {
	struct waiting *first; /* newest first */
	unsigned count;
};

static void
forget(struct desk *desk, struct waiting **place)
{
	struct waiting *waiting = *place;

	*place = waiting->next;
	desk->count--;
	free(waiting);
}

static void
forget_expired(struct desk *desk)
{
	struct waiting **place = &desk->first;

	while (*place != NULL)
		if ((*place)->until <= ln_now())
			forget(desk, place);
		else
			place = &(*place)->next;
}

/* The list is newest first, so the last that fits is the oldest. `asker` NULL: of anybody. */
static void
forget_beyond(struct desk *desk, const char *asker, unsigned keep)
{
	struct waiting **place = &desk->first;
	unsigned seen = 0;

	while (*place != NULL)
		if ((asker == NULL || strcmp((*place)->asker, asker) == 0) && ++seen > keep)
			forget(desk, place);
		else
			place = &(*place)->next;
}

static const char *
wait_for_form(struct desk *desk, const struct ln_command *command, const struct ln_jid *asker)
{
	size_t len = ln_jid_len(asker);
	struct waiting *waiting = calloc(1, sizeof *waiting + len + 1);

	if (waiting == NULL)
		abort();
	memcpy(waiting->asker, asker->full, len);
	waiting->command = command;
	waiting->until = ln_now() + WAITING_MS;
	make_id(waiting->id);
	waiting->next = desk->first;
	desk->first = waiting;
	desk->count++;
	forget_beyond(desk, waiting->asker, WAITING_EACH);
	forget_beyond(desk, NULL, WAITING_MAX);
	return waiting->id;
}

static struct waiting **
find_waiting(struct desk *desk, const char *id, const struct ln_jid *asker)
{
	struct waiting **place = &desk->first;

	while (*place != NULL &&
	    (strcmp((*place)->id, id) != 0 || strcmp((*place)->asker, asker->full) != 0))
		place = &(*place)->next;
	return *place != NULL ? place : NULL;
}

static void
commands_worker_close(const struct ln_mod *mod)
{
	struct desk *desk = ln_worker_state(mod);

	while (desk->first != NULL)
		forget(desk, &desk->first);
}

/* --- forms --------------------------------------------------------------------------------------- */

static const char *
var_of(const struct ln_arg *arg)
{
	return arg->var != NULL ? arg->var : arg->name;
}

/* Takes several values: the command is run for each. */
static bool
takes_many(const struct ln_arg *arg)
{
	const char *var = var_of(arg);

	return strlen(var) > 4 && strcmp(var + strlen(var) - 4, "jids") == 0;
}

/* The host that is asked, and the asker himself where he may do it for himself alone. */
static bool
is_filled_in(const struct ln_command *command, const struct ln_arg *arg)
{
	return arg == command->args &&
	    (arg->type == LN_ARG_HOST ||
		(arg->type == LN_ARG_ACCOUNT && command->role == LN_ROLE_USER));
}

static bool
has_form(const struct ln_command *command)
{
	const struct ln_arg *arg = command->args;

	for (; arg != NULL && arg->type != LN_ARG_END; arg++)
		if (!is_filled_in(command, arg))
			return true;
	return false;
}

static const char *
field_type(const struct ln_arg *arg)
{
	switch (arg->type) {
	case LN_ARG_ACCOUNT:
	case LN_ARG_JID:
		return takes_many(arg) ? "jid-multi" : "jid-single";
	case LN_ARG_PASSWORD:
		return "text-private";
	case LN_ARG_WORD:
		return "list-single";
	case LN_ARG_FLAG:
		return "boolean";
	case LN_ARG_FILE:
		return "text-multi";
	case LN_ARG_TEXT:
		return arg->flags & LN_ARG_REST ? "text-multi" : "text-single";
	default:
		return "text-single";
	}
}

static void
add_field(struct ln_elem *form, const struct ln_arg *arg)
{
	struct ln_elem *field = ln_form_field(form, var_of(arg), field_type(arg), arg->help);

	if (arg->type == LN_ARG_WORD)
		for (const struct ln_name *name = arg->names; name->name != NULL; name++)
			ln_form_option(field, NULL, name->name);
	if (!(arg->flags & LN_ARG_OPTIONAL) && arg->type != LN_ARG_FLAG)
		ln_form_require(field);
}

static struct ln_elem *
add_command(struct ln_stanza *result, const char *node, const char *session, const char *status)
{
	struct ln_elem *elem = ln_add(result, "command", NS_COMMANDS);

	ln_set_attr(elem, "node", node);
	ln_set_attr(elem, "sessionid", session);
	ln_set_attr(elem, "status", status);
	return elem;
}

static enum ln_verdict
show_form(const struct ln_mod *mod, struct ln_ev_iq *ev, const struct ln_command *command)
{
	struct ln_stanza *result = ln_iq_result(ev->stanza);
	const char *session = wait_for_form(ln_worker_state(mod), command, ln_from(ev->stanza));
	struct ln_elem *elem =
	    add_command(result, ln_elem_attr(ev->query, "node"), session, "executing");
	struct ln_elem *actions = ln_elem_add(elem, "actions", NS_COMMANDS), *form;

	ln_set_attr(actions, "execute", "complete");
	ln_elem_add(actions, "complete", NS_COMMANDS);
	form = ln_form_add(elem, "form", command->node != NULL ? NS_ADMIN : NULL);
	ln_form_title(form, command->help);
	for (const struct ln_arg *arg = command->args; arg->type != LN_ARG_END; arg++)
		if (!is_filled_in(command, arg))
			add_field(form, arg);
	return ln_answer(ev, result);
}

/* --- running ------------------------------------------------------------------------------------- */

/* A form that is being carried out: one call after another. */
struct run {
	struct ln_token *token;
	const struct ln_command *command;
	struct ln_stanza *result;
	struct ln_elem *elem;       /* <command/> in it */
	const struct ln_elem *form; /* of the request, which the token has; NULL: none */
	const struct ln_elem *many; /* the value whose turn it is; NULL: the command takes none */
	unsigned runs;
	const char *own; /* what is filled in */
};

static void
add_note(struct ln_elem *elem, const char *type, const char *text)
{
	size_t len = strlen(text);

	while (len > 0 && text[len - 1] == '\n')
		len--;
	ln_set_attr(ln_add_textf(elem, "note", "%.*s", (int)len, text), "type", type);
}

static void
add_cell(struct ln_elem *field, const struct ln_cell *cell)
{
	if (cell->type != LN_CELL_NONE)
		ln_form_value(field, ln_cell_text(ln_elem_arena(field), cell));
}

/* What XEP-0133 has a field for: a list of the first column. */
static void
add_list(struct ln_elem *form, const char *var, const struct ln_result *result)
{
	struct ln_elem *field = ln_form_field(form, var, "text-multi", NULL);

	for (size_t i = 0; i < result->cell_count; i += result->column_count)
		add_cell(field, &result->cells[i]);
}

static void
add_table(struct ln_elem *form, const struct ln_result *result)
{
	ln_form_report(form, result->columns, result->column_count);
	for (size_t i = 0; i < result->cell_count; i += result->column_count) {
		struct ln_elem *item = ln_form_item(form);

		for (unsigned c = 0; c < result->column_count; c++)
			add_cell(ln_form_field(item, result->columns[c], NULL, NULL),
			    &result->cells[i + c]);
	}
}

static void
add_result(struct run *run, const struct ln_result *result)
{
	const struct ln_command *command = run->command;

	if (result->column_count > 0) {
		struct ln_elem *form =
		    ln_form_add(run->elem, "result", command->node != NULL ? NS_ADMIN : NULL);

		if (command->result_var != NULL)
			add_list(form, command->result_var, result);
		else
			add_table(form, result);
	}
	if (*result->said != '\0')
		add_note(run->elem, "info", result->said);
	if (result->failure != NULL)
		add_note(run->elem, "error", result->failure);
}

static void run_next(struct run *run);

static void
run_done(struct ln_call *call, const struct ln_result *result, void *arg)
{
	struct run *run = arg;

	(void)call;
	add_result(run, result);
	if (run->many != NULL)
		run->many = ln_form_next_value(run->many);
	if (run->many != NULL && ++run->runs < RUNS_MAX) {
		run_next(run);
		return;
	}
	ln_token_answer(&run->token, run->result);
	free(run);
}

/* An empty field is one that was left out; XEP-0133 says "none" for no bound. */
static bool
is_left_out(const struct ln_arg *arg, const char *text)
{
	return text == NULL || (*text == '\0' && arg->type != LN_ARG_PASSWORD) ||
	    (arg->type == LN_ARG_INT && strcmp(text, "none") == 0);
}

static const char *
text_for(const struct run *run, const struct ln_arg *arg)
{
	if (is_filled_in(run->command, arg))
		return run->own;
	if (run->form == NULL)
		return NULL;
	if (run->many != NULL && takes_many(arg))
		return ln_elem_text(run->many);
	if (strcmp(field_type(arg), "text-multi") == 0)
		return ln_form_lines(ln_stanza_arena(run->result), run->form, var_of(arg));
	return ln_form_text(run->form, var_of(arg));
}

static void
give(struct run *run, struct ln_call *call, const struct ln_arg *arg)
{
	const char *text = text_for(run, arg);
	bool set;

	if (is_left_out(arg, text))
		return;
	if (arg->type != LN_ARG_FLAG)
		ln_call_give(call, arg->name, text, strlen(text));
	else if (ln_form_flag(run->form, var_of(arg), &set) && set)
		ln_call_give(call, arg->name, "", 0);
}

static void
run_next(struct run *run)
{
	const struct ln_arg *arg = run->command->args;
	const struct ln_jid *who = ln_from(ln_token_request(run->token));
	struct ln_call *call = ln_call_new(run->command, run_done, run);

	/* Now that the first argument is known: is it one of his? */
	if (arg == NULL || !ln_command_allowed(run->command, who, text_for(run, arg)))
		ln_call_fail(call, "Forbidden.");
	for (; arg != NULL && arg->type != LN_ARG_END; arg++)
		give(run, call, arg);
	ln_call_start(call);
}

static enum ln_verdict
start(const struct ln_mod *mod, struct ln_ev_iq *ev, const struct ln_command *command,
    const char *session, const struct ln_elem *form)
{
	struct run *run = calloc(1, sizeof *run);
	const struct ln_elem *field = NULL;
	char id[ID_MAX];

	if (run == NULL)
		abort();
	make_id(id);
	run->command = command;
	run->form = form;
	run->result = ln_iq_result(ev->stanza);
	run->elem = add_command(run->result, ln_elem_attr(ev->query, "node"),
	    session != NULL ? session : id, "completed");
	if (command->role == LN_ROLE_USER && command->args != NULL &&
	    command->args->type == LN_ARG_ACCOUNT)
		run->own = ln_jid_bare(ln_stanza_arena(run->result), ln_from(ev->stanza)).full;
	else
		run->own = ln_host_name(ev->host);
	if (form != NULL && command->args != NULL && takes_many(command->args))
		field = ln_form_get(form, var_of(command->args));
	run->many = field != NULL ? ln_form_first_value(field) : NULL;
	ln_later(ev, mod, &run->token);
	run_next(run);
	return LN_DONE;
}

/* --- asked ----------------------------------------------------------------------------------------- */

/* XEP-0050 §4.5: the RFC's condition, and one of its own. */
static enum ln_verdict
refuse(struct ln_ev_iq *ev, enum ln_error error, const char *condition, const char *text)
{
	struct ln_stanza *reply = ln_error_reply(ev->stanza, error, ln_error_type(error), text);

	if (reply == NULL)
		return LN_DONE;
	ln_elem_add(ln_error_elem(reply), condition, NS_COMMANDS);
	return ln_answer(ev, reply);
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

/* The first argument that must be there and is not. */
static const struct ln_arg *
find_missing(const struct ln_command *command, const struct ln_elem *form)
{
	for (const struct ln_arg *arg = command->args; arg->type != LN_ARG_END; arg++) {
		const char *text = form != NULL ? ln_form_text(form, var_of(arg)) : NULL;

		if (!is_filled_in(command, arg) && !(arg->flags & LN_ARG_OPTIONAL) &&
		    arg->type != LN_ARG_FLAG && is_left_out(arg, text))
			return arg;
	}
	return NULL;
}

static enum ln_verdict
submit(const struct ln_mod *mod, struct ln_ev_iq *ev, struct waiting **place)
{
	const struct ln_command *command = (*place)->command;
	/* "Responders SHOULD consider any cancel to be submit" (§3.4). */
	const struct ln_elem *form = ln_form_find(ev->query, "submit");
	const struct ln_arg *missing;
	char session[ID_MAX], text[200];

	if (form == NULL)
		form = ln_form_find(ev->query, "cancel");
	missing = find_missing(command, form);
	if (missing != NULL) {
		snprintf(text, sizeof text, "The field %s is missing.", var_of(missing));
		return refuse(ev, LN_ERR_BAD_REQUEST, "bad-payload", text);
	}
	memcpy(session, (*place)->id, sizeof session);
	forget(ln_worker_state(mod), place);
	return start(mod, ev, command, session, form);
}

static enum ln_verdict
cancel(const struct ln_mod *mod, struct ln_ev_iq *ev, struct waiting **place)
{
	struct ln_stanza *result = ln_iq_result(ev->stanza);

	add_command(result, ln_elem_attr(ev->query, "node"), (*place)->id, "canceled");
	forget(ln_worker_state(mod), place);
	return ln_answer(ev, result);
}

static enum ln_verdict
go_on(const struct ln_mod *mod, struct ln_ev_iq *ev, const struct ln_command *command,
    const char *session, const char *action)
{
	struct waiting **place = find_waiting(ln_worker_state(mod), session, ln_from(ev->stanza));

	if (place == NULL || (*place)->command != command)
		return refuse(ev, LN_ERR_BAD_REQUEST, "bad-sessionid", "There is no such session.");
	if (strcmp(action, "cancel") == 0)
		return cancel(mod, ev, place);
	if (strcmp(action, "next") == 0 || strcmp(action, "prev") == 0)
		return refuse(ev, LN_ERR_BAD_REQUEST, "bad-action", "There is one step.");
	return submit(mod, ev, place);
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
		return ln_refuse(ev->stanza, LN_ERR_ITEM_NOT_FOUND, "There is no such command.");
	if (ln_from(ev->stanza) == NULL || !may_run(command, ev->host, ln_from(ev->stanza)))
		return ln_refuse(ev->stanza, LN_ERR_FORBIDDEN, "That is for administrators.");
	action = action != NULL ? action : "execute";
	if (!is_known_action(action))
		return refuse(ev, LN_ERR_BAD_REQUEST, "malformed-action",
		    "There is no such action.");
	forget_expired(ln_worker_state(mod));
	if (session != NULL)
		return go_on(mod, ev, command, session, action);
	if (strcmp(action, "execute") != 0)
		return refuse(ev, LN_ERR_BAD_REQUEST, "bad-action", "Begin with execute.");
	return has_form(command) ? show_form(mod, ev, command)
				 : start(mod, ev, command, NULL, NULL);
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
    .worker_size = sizeof(struct desk), .worker_close = commands_worker_close, );
