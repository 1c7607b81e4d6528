/*
 * Which commands there are. See command.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/command.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "core/host.h"

static const struct ln_command *tables[COMMAND_TABLES_MAX];
static unsigned table_count;

void
commands_add(const struct ln_command *rows)
{
	assert(table_count < COMMAND_TABLES_MAX);
	tables[table_count++] = rows;
}

/* A module is on at several hosts; its rows count at the first. */
static bool
is_first(const struct snapshot *snapshot, unsigned index)
{
	for (unsigned i = 0; i < index; i++)
		if (snapshot->mods[i]->def == snapshot->mods[index]->def)
			return false;
	return true;
}

void
ln_commands_each(void (*each)(const struct ln_command *command, const char *module, void *arg),
    void *arg)
{
	const struct snapshot *snapshot = snapshot_current();
	const struct ln_command *row;

	for (unsigned i = 0; i < table_count; i++)
		for (row = tables[i]; row->name != NULL; row++)
			each(row, NULL, arg);
	for (unsigned i = 0; snapshot != NULL && i < snapshot->mod_count; i++) {
		const struct ln_module *module = snapshot->mods[i]->def;

		if (module->commands == NULL || !is_first(snapshot, i))
			continue;
		for (row = module->commands; row->name != NULL; row++)
			each(row, module->name, arg);
	}
}

struct search {
	const char *name;
	const struct ln_command *row;
	const char *module;
};

static void
match_name(const struct ln_command *command, const char *module, void *arg)
{
	struct search *search = arg;

	if (search->row == NULL && command->preset == NULL &&
	    strcmp(command->name, search->name) == 0)
		search->row = command;
}

const struct ln_command *
ln_command_find(const char *name)
{
	struct search search = { .name = name };

	ln_commands_each(match_name, &search);
	return search.row;
}

static void
match_row(const struct ln_command *command, const char *module, void *arg)
{
	struct search *search = arg;

	if (command == search->row)
		search->module = module;
}

const char *
command_module(const struct ln_command *command)
{
	struct search search = { .row = command };

	ln_commands_each(match_row, &search);
	return search.module;
}

/* The host that a first argument (a JID or a domain) is of, or NULL. */
static const struct ln_host *
host_of_argument(const char *first)
{
	const struct ln_host *host;
	struct ln_jid jid;
	struct arena *arena;

	if (first == NULL)
		return NULL;
	arena = arena_new(256);
	host = ln_jid_parse(arena, first, strlen(first), &jid) == LN_JID_OK ? host_of(&jid) : NULL;
	arena_free(&arena);
	return host;
}

static bool
is_own(const struct ln_jid *who, const char *first)
{
	struct arena *arena = arena_new(256);
	struct ln_jid jid;
	bool own = first != NULL && ln_jid_parse(arena, first, strlen(first), &jid) == LN_JID_OK &&
	    ln_jid_same_bare(&jid, who);

	arena_free(&arena);
	return own;
}

bool
ln_command_allowed(const struct ln_command *command, const struct ln_jid *who, const char *first)
{
	const struct ln_host *host = host_of_argument(first);

	if (command->role == LN_ROLE_USER && is_own(who, first))
		return true;
	if (command->role == LN_ROLE_OPERATOR)
		return false;
	return host != NULL && ln_is_admin(host, who);
}

unsigned
command_arg_count(const struct ln_command *command)
{
	unsigned count = 0;

	while (command->args != NULL && command->args[count].type != LN_ARG_END)
		count++;
	return count;
}

void
command_add_usage(struct buf *out, const struct ln_command *command)
{
	buf_add_text(out, command->name);
	for (unsigned i = 0; i < command_arg_count(command); i++) {
		const struct ln_arg *arg = &command->args[i];
		bool optional = arg->flags & LN_ARG_OPTIONAL || arg->type == LN_ARG_FLAG ||
		    arg->type == LN_ARG_PASSWORD; /* which is asked for */

		buf_printf(out, " %s%s%s%s%s", optional ? "[" : "",
		    arg->type == LN_ARG_FLAG ? "--" : "", arg->name,
		    arg->flags & LN_ARG_REST ? "..." : "", optional ? "]" : "");
	}
}
