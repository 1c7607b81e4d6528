/*
 * s2s list, s2s close.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "base/arena.h"
#include "linnet/command.h"
#include "linnet/jid.h"
#include "server/commands.h"
#include "xmpp/s2s.h"

static void
list_one(const struct s2s_info *info, void *arg)
{
	struct ln_call *call = arg;
	const char *domain = ln_call_text(call, 0);

	if (domain != NULL && (info->remote == NULL || strcmp(info->remote, domain) != 0) &&
	    (info->local == NULL || strcmp(info->local, domain) != 0))
		return;
	ln_call_cell(call, info->direction);
	ln_call_cell(call, info->local);
	ln_call_cell(call, info->remote);
	ln_call_cell(call, info->state);
	ln_call_cell(call, info->auth);
	ln_call_cell(call, info->dane);
	ln_call_cell(call, info->tls);
	ln_call_cell(call, info->cipher);
	ln_call_cell(call, info->address);
	ln_call_cell_number(call, info->pairs);
	ln_call_cell_bool(call, info->bidi);
	ln_call_cell_bool(call, info->acks);
	ln_call_cell_number(call, info->waiting);
	ln_call_cell_number(call, info->unacked);
	ln_call_cell_duration(call, info->age_ms);
}

static void
s2s_list(const struct ln_mod *mod, struct ln_call *call)
{
	(void)mod;
	ln_call_columns(call, "direction", "local", "remote", "state", "auth", "dane", "tls",
	    "cipher", "address", "pairs", "bidi", "acks", "waiting", "unacked", "age", NULL);
	s2s_each(list_one, call);
}

static void
s2s_close_all(const struct ln_mod *mod, struct ln_call *call)
{
	const char *text = ln_call_text(call, 0), *domain;
	unsigned count;

	(void)mod;
	if (ln_jid_prepare_domain(ln_call_arena(call), text, strlen(text), &domain) != LN_JID_OK) {
		ln_call_fail(call, "%s is no domain", text);
		return;
	}
	count = s2s_close(domain);
	if (count > 0)
		ln_call_say(call, "%u streams with %s are being closed.", count, domain);
}

static const struct ln_arg list_args[] = {
	{ LN_ARG_TEXT, "domain", "Only what has to do with this domain.", LN_ARG_OPTIONAL, NULL },
	LN_ARG_ROWS_END,
};

static const struct ln_arg close_args[] = {
	{ LN_ARG_TEXT, "domain", "The other server's, or a component's.", 0, NULL },
	LN_ARG_ROWS_END,
};

const struct ln_command s2s_commands[] = {
	{ "s2s list", "List streams with other servers and components, and what waits for them.",
	    LN_ROLE_OPERATOR, LN_HOME_EACH, list_args, s2s_list, NULL },
	{ "s2s close", "Close the streams with a domain; a link dials again when it is needed.",
	    LN_ROLE_OPERATOR, LN_HOME_EACH, close_args, s2s_close_all, NULL },
	LN_COMMAND_END,
};
