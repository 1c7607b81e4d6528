/*
 * Commands that run. See run.h.
 *
 * A request that waits for longer than a minute is answered in our place and
 * gone (linnet/events.h), so whatever is needed of it is copied into the answer.
 *
 * SPDX-License-Identifier: MIT
 */
#include "run.h"

#include <stdlib.h>
#include <string.h>

#include "form.h"
#include "result.h"

struct run {
	const struct ln_command *command;
	struct ln_token *token;
	struct ln_stanza *answer;
	struct ln_elem *elem;       /* <command/> in it */
	const struct ln_elem *form; /* a copy; NULL: none */
	const struct ln_elem *many; /* the value whose turn it is; NULL: the command takes none */
	struct ln_jid asker;
	const char *own; /* what is filled in */
	size_t rows_left;
	bool several; /* the form names more than one account */
	bool wrong;   /* an argument was */
};

struct ln_elem *
run_elem(struct ln_stanza *answer, const char *node, const char *session, const char *status)
{
	struct ln_elem *elem = ln_add(answer, "command", NS_COMMANDS);

	ln_set_attr(elem, "node", node);
	ln_set_attr(elem, "sessionid", session);
	ln_set_attr(elem, "status", status);
	return elem;
}

/* XEP-0050 §4.5: the RFC's condition, and one of its own. */
struct ln_stanza *
run_error(const struct ln_stanza *request, enum ln_error error, const char *own, const char *text)
{
	struct ln_stanza *reply = ln_error_reply(request, error, ln_error_type(error), text);

	if (reply != NULL && own != NULL)
		ln_elem_add(ln_error_elem(reply), own, NS_COMMANDS);
	return reply;
}

static struct run *
run_new(const struct ln_mod *mod, struct ln_ev_iq *ev, const struct ln_command *command,
    const char *session, const char *status)
{
	struct run *run = calloc(1, sizeof *run);
	struct arena *arena;

	if (run == NULL)
		abort();
	run->command = command;
	run->rows_left = RESULT_ROWS_MAX;
	run->answer = ln_iq_result(ev->stanza);
	run->elem = run_elem(run->answer, ln_elem_attr(ev->query, "node"), session, status);
	arena = ln_stanza_arena(run->answer);
	run->asker = ln_jid_clone(arena, ln_from(ev->stanza));
	run->own = ln_host_name(ev->host);
	if (command->role == LN_ROLE_USER && command->args != NULL &&
	    command->args->type == LN_ARG_ACCOUNT)
		run->own = ln_jid_bare(arena, &run->asker).full;
	ln_later(ev, mod, &run->token);
	return run;
}

static void
run_end(struct run *run)
{
	ln_token_answer(&run->token, run->answer);
	free(run);
}

/* An error in place of the answer; the request may be gone, then nobody waits for it. */
static void
run_refuse(struct run *run, enum ln_error error, const char *own, const char *text)
{
	const struct ln_stanza *request = ln_token_request(run->token);

	if (request != NULL) {
		ln_stanza_free(&run->answer);
		run->answer = run_error(request, error, own, text);
	}
	run_end(run);
}

/* --- one call after the other --------------------------------------------------------------- */

static const char *
text_for(const struct run *run, const struct ln_arg *arg)
{
	const char *preset = run->command->preset;

	if (arg->flags & LN_ARG_UNASKED)
		return preset != NULL && strcmp(preset, arg->name) == 0 ? "" : NULL;
	if (form_fills_in(run->command, arg))
		return run->own;
	if (run->many != NULL && form_takes_many(arg))
		return ln_elem_text(run->many);
	return form_value(ln_stanza_arena(run->answer), run->form, arg);
}

static void run_next(struct run *run);

/* XEP-0133 §6: what has a condition is an error; whatever else fails is told in a note. */
static void
run_done(struct ln_call *call, const struct ln_result *result, void *arg)
{
	struct run *run = arg;
	const char *about = run->command->args != NULL ? text_for(run, run->command->args) : NULL;

	(void)call;
	if (!run->several && result->failure != NULL && result->error != LN_ERR_COUNT) {
		run_refuse(run, result->error, NULL, result->failure);
		return;
	}
	if (!run->several && run->wrong) {
		run_refuse(run, LN_ERR_BAD_REQUEST, "bad-payload", result->failure);
		return;
	}
	result_add(run->elem, run->command, result, about, &run->rows_left);
	if (run->many != NULL)
		run->many = ln_form_next_value(run->many);
	if (run->many != NULL)
		run_next(run);
	else
		run_end(run);
}

static void
run_next(struct run *run)
{
	const struct ln_arg *arg = run->command->args;
	struct ln_call *call = ln_call_new(run->command, run_done, run);
	const char *first = arg != NULL ? text_for(run, arg) : NULL;

	for (; arg != NULL && arg->type != LN_ARG_END; arg++) {
		const char *text = text_for(run, arg);

		if (text != NULL)
			ln_call_give(call, arg->name, text, strlen(text));
	}
	/* Now that the first argument is known: is it one of his? */
	if (!ln_command_allowed(run->command, &run->asker, first))
		ln_call_refuse(call, LN_ERR_FORBIDDEN, "Forbidden.");
	run->wrong = !ln_call_start(call);
}

bool
run_start(const struct ln_mod *mod, struct ln_ev_iq *ev, const struct ln_command *command,
    const char *session, const struct ln_elem *form)
{
	struct run *run = run_new(mod, ev, command, session, "completed");

	if (form != NULL) {
		if (form_is_secret(command))
			ln_stanza_secret(run->answer);
		run->form = ln_elem_copy(ln_stanza_arena(run->answer), form);
	}
	run->many = form_many(run->form, command);
	run->several = run->many != NULL && ln_form_next_value(run->many) != NULL;
	run_next(run);
	return run->several || !run->wrong;
}

/* --- what stands in a form at first ----------------------------------------------------------- */

static void
before_done(struct ln_call *call, const struct ln_result *result, void *arg)
{
	struct run *run = arg;

	(void)call;
	form_add(run->elem, run->command, result->failure == NULL ? result->said : NULL);
	run_end(run);
}

void
run_before(const struct ln_mod *mod, struct ln_ev_iq *ev, const struct ln_command *command,
    const char *session, const struct ln_command *before)
{
	struct run *run = run_new(mod, ev, command, session, "executing");
	struct ln_call *call = ln_call_new(before, before_done, run);

	ln_call_give(call, before->args[0].name, run->own, strlen(run->own));
	ln_call_start(call);
}
