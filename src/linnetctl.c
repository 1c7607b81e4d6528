/*
 * linnetctl - the control tool.
 *
 * Verbs that only look at the configuration work without a server; everything
 * else is a command that the server declares and runs.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "server/command.h"
#include "server/control_wire.h"
#include "server/ctl.h"

#define DEFAULT_FILE LN_SYSCONF_DIR "/linnet/linnet.yaml"

static const char usage_text[] =
    "usage: linnetctl [-c FILE] [--json] VERB ...\n"
    "\n"
    "  -c FILE   the server's configuration, else " DEFAULT_FILE "\n"
    "  --json    answers for scripts\n"
    "\n"
    "Without a server:\n"
    "  config check               all mistakes of the configuration\n"
    "  config explain NAME...     help, range, default, value and where it was set\n"
    "  config schema              a JSON Schema of the configuration, for editors\n"
    "  config reference           all options, as in linnet.yaml(5)\n"
    "  check                      configuration, certificates, ports, database\n"
    "  module show NAME           what a module does, its options and commands\n"
    "  version                    the version of linnetctl\n"
    "  help [VERB...]             this, or how a verb is used\n"
    "  complete [WORD...]         what may follow, for a shell's completion\n";

static const char *const own_verbs[] = { "config", "check", "version", "help", "complete" };

/* ---- Help ---- */

static void
print_line(const struct ln_command *command, FILE *to)
{
	struct buf usage = BUF_INIT;

	command_add_usage(&usage, command);
	fprintf(to, "  %-40s %s\n", usage.data, command->help);
	buf_free(&usage);
}

static void
print_commands(const struct ln_command *commands)
{
	printf("\nOf the server:\n");
	for (; commands->name != NULL; commands++)
		print_line(commands, stdout);
}

static void
print_command(const struct ln_command *command)
{
	struct buf usage = BUF_INIT;

	command_add_usage(&usage, command);
	printf("usage: linnetctl [-c FILE] [--json] %s\n\n%s\n", usage.data, command->help);
	for (const struct ln_arg *arg = command->args; arg->type != LN_ARG_END; arg++) {
		printf("  %-12s %s", arg->name, arg->help);
		for (const struct ln_name *name = arg->names; name->name != NULL; name++)
			printf("%s%s", name == arg->names ? " One of: " : ", ", name->name);
		printf("\n");
	}
	buf_free(&usage);
}

/* "user" for "user add": the first words of longer names. */
static bool
begins_with(const char *name, char **words)
{
	for (; *words != NULL; words++) {
		size_t len = strlen(*words);

		if (strncmp(name, *words, len) != 0 || name[len] != ' ')
			return false;
		name += len + 1;
	}
	return true;
}

/* The verbs that begin so; false: none does. */
static bool
print_group(const struct ln_command *commands, char **words, FILE *to)
{
	bool any = false;

	for (; commands->name != NULL; commands++) {
		if (!begins_with(commands->name, words))
			continue;
		print_line(commands, to);
		any = true;
	}
	return any;
}

static const struct ln_command *
describe_if_there(struct ctl *ctl)
{
	const char *error;

	return ctl_connect(ctl, &error) ? ctl_describe(ctl) : NULL;
}

static enum ctl_exit
help(struct ctl *ctl, char **words)
{
	const struct ln_command *commands = describe_if_there(ctl), *command = NULL;
	unsigned used;

	if (commands != NULL && *words != NULL)
		command = ctl_find(commands, words, &used);
	if (command != NULL) {
		print_command(command);
		return CTL_OK;
	}
	if (commands != NULL && *words != NULL && print_group(commands, words, stdout))
		return CTL_OK;
	fputs(usage_text, stdout);
	if (commands != NULL)
		print_commands(commands);
	else
		printf("\nThe server is not running; with it, its own verbs are listed here.\n");
	return CTL_OK;
}

/* ---- Completion ---- */

/* Prints the word of a name that follows the words given, if it begins with them. */
static void
complete_name(const char *name, char **words)
{
	size_t len = strcspn(name, " ");

	for (; *words != NULL; words++) {
		if (strlen(*words) != len || memcmp(*words, name, len) != 0 || name[len] == '\0')
			return;
		name += len + 1;
		len = strcspn(name, " ");
	}
	printf("%.*s\n", (int)len, name);
}

static enum ctl_exit
complete(struct ctl *ctl, char **words)
{
	const struct ln_command *commands = describe_if_there(ctl);
	static const char *const config_verbs[] = { "config check", "config explain",
		"config schema", "config reference", "module show" };

	for (size_t i = 1; i < sizeof own_verbs / sizeof *own_verbs; i++)
		complete_name(own_verbs[i], words);
	for (size_t i = 0; i < sizeof config_verbs / sizeof *config_verbs; i++)
		complete_name(config_verbs[i], words);
	for (; commands != NULL && commands->name != NULL; commands++)
		complete_name(commands->name, words);
	return CTL_OK;
}

/* ---- Commands of the server ---- */

static enum ctl_exit
unreachable(struct ctl *ctl, const char *verb, const char *error)
{
	/* Scripts wait with `status`: to them a server that is not there is one that is not ready. */
	bool status = strcmp(verb, "status") == 0;

	if (ctl->json)
		printf("{\"ok\":false,\"error\":\"the server is not running\",\"rows\":[]}\n");
	fprintf(stderr, "linnetctl: %s\n", error);
	return status ? CTL_FAILED : CTL_UNREACHABLE;
}

static enum ctl_exit
call(struct ctl *ctl, const struct ln_command *command, char **words)
{
	struct ln_result result = { 0 };
	struct buf frame = BUF_INIT, out = BUF_INIT;
	size_t begun = wire_begin(&frame);
	enum ctl_exit status = CTL_USAGE;

	wire_add_text(&frame, "call");
	wire_add_text(&frame, command->name);
	if (ctl_add_arguments(ctl, &frame, command, words)) {
		wire_end(&frame, begun);
		status = CTL_UNREACHABLE;
		if (ctl_ask(ctl, &frame, &result))
			status = result.failure == NULL ? CTL_OK : CTL_FAILED;
		else
			fprintf(stderr, "linnetctl: the server closed the connection\n");
	}
	if (status == CTL_OK || status == CTL_FAILED)
		ctl_print_result(&result, ctl->json, &out);
	if (out.len > 0)
		fputs(out.data, stdout);
	if (status == CTL_FAILED)
		fprintf(stderr, "linnetctl: %s\n", result.failure);
	explicit_bzero(frame.data, frame.len);
	buf_free(&frame);
	buf_free(&out);
	return status;
}

static enum ctl_exit
ask_server(struct ctl *ctl, char **words)
{
	const struct ln_command *commands, *command;
	const char *error;
	unsigned used;

	if (!ctl_connect(ctl, &error))
		return unreachable(ctl, words[0], error);
	commands = ctl_describe(ctl);
	if (commands == NULL)
		return unreachable(ctl, words[0], "the server closed the connection");
	command = ctl_find(commands, words, &used);
	if (command == NULL && print_group(commands, words, stderr))
		return CTL_USAGE;
	if (command == NULL) {
		fprintf(stderr, "linnetctl: there is no verb %s%s%s; see `linnetctl help`\n",
		    words[0], words[1] != NULL ? " " : "", words[1] != NULL ? words[1] : "");
		return CTL_USAGE;
	}
	return call(ctl, command, words + used);
}

static enum ctl_exit
version(const struct ctl *ctl)
{
	if (ctl->json)
		printf("{\"ok\":true,\"rows\":[{\"version\":\"%s\"}]}\n", LN_VERSION);
	else
		printf("linnetctl %s\n", LN_VERSION);
	return CTL_OK;
}

static enum ctl_exit
run(struct ctl *ctl, char **words)
{
	if (words[0] == NULL) {
		fputs(usage_text, stderr);
		return CTL_USAGE;
	}
	if (strcmp(words[0], "config") == 0)
		return ctl_config(ctl, words + 1);
	if (strcmp(words[0], "module") == 0 && words[1] != NULL && strcmp(words[1], "show") == 0)
		return ctl_module_show(ctl, words + 2);
	if (strcmp(words[0], "check") == 0 && words[1] == NULL)
		return ctl_check(ctl);
	if (strcmp(words[0], "version") == 0 || strcmp(words[0], "--version") == 0)
		return version(ctl);
	if (strcmp(words[0], "help") == 0 || strcmp(words[0], "--help") == 0 ||
	    strcmp(words[0], "-h") == 0)
		return help(ctl, words + 1);
	if (strcmp(words[0], "complete") == 0)
		return complete(ctl, words + 1);
	return ask_server(ctl, words);
}

/* Takes --json out of the words, wherever it stands. */
static bool
take_json(char **words)
{
	char **kept = words;
	bool found = false;

	for (; *words != NULL; words++)
		if (strcmp(*words, "--json") == 0)
			found = true;
		else
			*kept++ = *words;
	*kept = NULL;
	return found;
}

int
main(int argc, char **argv)
{
	struct ctl ctl = { .file = DEFAULT_FILE, .fd = -1 };
	enum ctl_exit status;

	(void)argc;
	ctl.arena = arena_new(4096);
	ctl.json = take_json(++argv);
	for (; argv[0] != NULL && argv[1] != NULL && strcmp(argv[0], "-c") == 0; argv += 2)
		ctl.file = argv[1];
	status = run(&ctl, argv);
	ctl_disconnect(&ctl);
	arena_free(&ctl.arena);
	return status;
}
