/*
 * Words of the command line made arguments. See ctl.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/arena.h"
#include "server/command.h"
#include "server/control_wire.h"
#include "server/ctl.h"

/* How many words of the name the words begin with; 0: they do not. */
static unsigned
match(const char *name, char **words)
{
	unsigned used = 0;

	for (;;) {
		size_t len = strcspn(name, " ");

		if (words[used] == NULL || strlen(words[used]) != len ||
		    memcmp(words[used], name, len) != 0)
			return 0;
		used++;
		if (name[len] == '\0')
			return used;
		name += len + 1;
	}
}

const struct ln_command *
ctl_find(const struct ln_command *commands, char **words, unsigned *used_r)
{
	const struct ln_command *best = NULL;

	*used_r = 0;
	for (; commands->name != NULL; commands++) {
		unsigned used = match(commands->name, words);

		if (used > *used_r) {
			*used_r = used;
			best = commands;
		}
	}
	return best;
}

static bool
complain(const struct ln_command *command, const char *before, const char *word, const char *after)
{
	struct buf usage = BUF_INIT;

	fprintf(stderr, "linnetctl: %s%s%s", before, word, after);
	command_add_usage(&usage, command);
	fprintf(stderr, "\nusage: linnetctl [-c FILE] %s\n", usage.data);
	buf_free(&usage);
	return false;
}

/* ---- Values that are not on the command line ---- */

static bool
read_line(FILE *stream, struct buf *line)
{
	int c;

	while ((c = getc(stream)) != EOF && c != '\n')
		buf_add_char(line, (char)c);
	return line->len > 0;
}

/* Asks at the terminal, unseen, or takes the next line of standard input. */
static bool
read_password(struct buf *password)
{
	struct termios seen, unseen;
	bool terminal = tcgetattr(STDIN_FILENO, &seen) == 0, good;

	if (!terminal)
		return read_line(stdin, password);
	unseen = seen;
	unseen.c_lflag &= ~(tcflag_t)ECHO;
	/* Whoever answers the question is not seen, and nothing of his answer is thrown away. */
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &unseen);
	fprintf(stderr, "Password: ");
	good = read_line(stdin, password);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &seen);
	fprintf(stderr, "\n");
	return good;
}

static bool
read_file(const char *name, struct buf *bytes)
{
	bool is_stdin = strcmp(name, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	ssize_t got = -1;

	while (fd >= 0 && bytes->len < WIRE_FRAME_MAX &&
	    (got = read(fd, buf_grow(bytes, 65536), 65536)) > 0)
		bytes->len += (size_t)got;
	if (fd >= 0 && !is_stdin)
		close(fd);
	if (got < 0)
		fprintf(stderr, "linnetctl: %s: %s\n", name, strerror(errno));
	else if (got > 0)
		fprintf(stderr, "linnetctl: %s is too large\n", name);
	return got == 0;
}

/* ---- Words ---- */

#define ARGS_MAX 32

struct given {
	const struct ln_command *command;
	const char *words[ARGS_MAX]; /* NULL: not given */
	unsigned count;              /* of rows */
};

static int
find_arg(const struct given *given, const char *name, size_t len)
{
	for (unsigned i = 0; i < given->count; i++)
		if (strlen(given->command->args[i].name) == len &&
		    memcmp(given->command->args[i].name, name, len) == 0)
			return (int)i;
	return -1;
}

/* `--flag`, `--name value` or `--name=value`. */
static bool
take_named(struct given *given, char ***words)
{
	const char *word = **words + 2;
	size_t len = strcspn(word, "=");
	int i = find_arg(given, word, len);

	if (i < 0)
		return complain(given->command, "there is no option --", word, "");
	if (given->command->args[i].type == LN_ARG_FLAG)
		given->words[i] = "yes";
	else if (word[len] == '=')
		given->words[i] = word + len + 1;
	else if ((*words)[1] != NULL)
		given->words[i] = *++*words;
	else
		return complain(given->command, "--", word, " needs a value");
	return true;
}

static bool
take_positional(struct ctl *ctl, struct given *given, unsigned *next, const char *word)
{
	const struct ln_arg *args = given->command->args;
	unsigned i = *next;

	while (i < given->count &&
	    (args[i].type == LN_ARG_FLAG ||
		(given->words[i] != NULL && !(args[i].flags & LN_ARG_REST))))
		i++;
	if (i == given->count)
		return complain(given->command, "", word, " is one argument too many");
	if (given->words[i] != NULL) {
		given->words[i] = arena_printf(ctl->arena, "%s %s", given->words[i], word);
		return true;
	}
	given->words[i] = word;
	*next = i;
	return true;
}

static bool
take_words(struct ctl *ctl, struct given *given, char **words)
{
	bool named = true;
	unsigned next = 0;

	for (; *words != NULL; words++) {
		if (named && strcmp(*words, "--") == 0)
			named = false;
		else if (named && strncmp(*words, "--", 2) == 0) {
			if (!take_named(given, &words))
				return false;
		} else if (!take_positional(ctl, given, &next, *words)) {
			return false;
		}
	}
	return true;
}

static bool
add_argument(struct buf *frame, const struct given *given, unsigned i)
{
	const struct ln_arg *arg = &given->command->args[i];
	const char *word = given->words[i];
	struct buf value = BUF_INIT;
	bool good = true;

	if (word == NULL && (arg->flags & LN_ARG_OPTIONAL || arg->type == LN_ARG_FLAG))
		return true;
	if (word == NULL && arg->type == LN_ARG_PASSWORD)
		good = read_password(&value);
	else if (word != NULL && arg->type == LN_ARG_FILE)
		good = read_file(word, &value);
	else if (word != NULL)
		buf_add_text(&value, word);
	else
		good = false;
	if (!good && arg->type != LN_ARG_FILE)
		complain(given->command, "", arg->name, " is missing");
	if (good) {
		wire_add_text(frame, arg->name);
		wire_add(frame, value.data != NULL ? value.data : "", value.len);
	}
	buf_free(&value);
	return good;
}

bool
ctl_add_arguments(struct ctl *ctl, struct buf *frame, const struct ln_command *command,
    char **words)
{
	struct given given = { .command = command, .count = command_arg_count(command) };

	if (given.count > ARGS_MAX || !take_words(ctl, &given, words))
		return false;
	for (unsigned i = 0; i < given.count; i++)
		if (!add_argument(frame, &given, i))
			return false;
	return true;
}
