/*
 * The talk with the server. See ctl.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/arena.h"
#include "server/config_source.h"
#include "server/config_tables.h"
#include "server/control_wire.h"
#include "server/ctl.h"
#include "server/option_files.h"

/* Where the socket is. The rest of the file is not looked at, so that this is quick and works
 * with a file that is being edited. */
static const char *
control_path(struct ctl *ctl)
{
	struct report report = REPORT_INIT;
	const struct yaml_node *root = config_read_files(ctl->arena, ctl->file, &report);
	const struct yaml_node *node = yaml_get(root, "control");

	report_free(&report);
	if (node != NULL && node->kind == YAML_TEXT)
		return option_file_path(ctl->arena, node->place.file, node->text);
	return option_find(config_rows, "control", strlen("control"))->text;
}

bool
ctl_connect(struct ctl *ctl, const char **error_r)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = control_path(ctl);

	if (strlen(path) < sizeof address.sun_path) {
		memcpy(address.sun_path, path, strlen(path));
		ctl->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (ctl->fd >= 0 &&
		    connect(ctl->fd, (struct sockaddr *)&address, sizeof address) == 0)
			return true;
	}
	*error_r = arena_printf(ctl->arena, "no server answers at %s: %s", path, strerror(errno));
	ctl_disconnect(ctl);
	return false;
}

void
ctl_disconnect(struct ctl *ctl)
{
	if (ctl->fd >= 0)
		close(ctl->fd);
	ctl->fd = -1;
	buf_free(&ctl->in);
}

static bool
send_all(int fd, const struct buf *frame)
{
	size_t sent = 0;
	ssize_t got;

	while (sent < frame->len) {
		got = send(fd, frame->data + sent, frame->len - sent, MSG_NOSIGNAL);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		sent += (size_t)got;
	}
	return true;
}

/* Sends a frame and reads one; 0: the connection broke. */
static size_t
exchange(struct ctl *ctl, const struct buf *frame)
{
	size_t whole;
	ssize_t got;

	if (!send_all(ctl->fd, frame))
		return 0;
	buf_reset(&ctl->in);
	while ((whole = wire_whole(&ctl->in)) == 0) {
		got = recv(ctl->fd, buf_grow(&ctl->in, 65536), 65536, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return 0;
		ctl->in.len += (size_t)got;
	}
	return whole;
}

static const char *
keep(struct ctl *ctl, struct wire_reader *reader)
{
	const char *text = wire_next(reader, NULL);

	return arena_strdup(ctl->arena, text != NULL ? text : "");
}

/* A count that is followed by at least so many texts. */
static size_t
next_count(struct wire_reader *reader)
{
	int64_t count = wire_next_number(reader);

	if (count < 0 || count > reader->end - reader->at)
		reader->bad = true;
	return reader->bad ? 0 : (size_t)count;
}

static void
read_arg(struct ctl *ctl, struct wire_reader *reader, struct ln_arg *arg)
{
	struct ln_name *names;
	size_t count;

	arg->type = (enum ln_arg_type)wire_next_number(reader);
	arg->name = keep(ctl, reader);
	arg->help = keep(ctl, reader);
	arg->flags = (unsigned)wire_next_number(reader);
	count = next_count(reader);
	names = arena_zalloc(ctl->arena, (count + 1) * sizeof *names);
	for (size_t i = 0; i < count; i++)
		names[i].name = keep(ctl, reader);
	arg->names = names;
}

static void
read_command(struct ctl *ctl, struct wire_reader *reader, struct ln_command *command)
{
	struct ln_arg *args;
	size_t count;

	command->name = keep(ctl, reader);
	command->help = keep(ctl, reader);
	count = next_count(reader);
	args = arena_zalloc(ctl->arena, (count + 1) * sizeof *args);
	for (size_t i = 0; i < count; i++)
		read_arg(ctl, reader, &args[i]);
	command->args = args;
}

#define COMMANDS_MAX 1000

struct ln_command *
ctl_describe(struct ctl *ctl)
{
	struct ln_command *commands =
	    arena_zalloc(ctl->arena, (COMMANDS_MAX + 1) * sizeof *commands);
	struct buf frame = BUF_INIT;
	struct wire_reader reader;
	size_t begun = wire_begin(&frame), whole, count = 0;

	wire_add_text(&frame, "describe");
	wire_end(&frame, begun);
	whole = exchange(ctl, &frame);
	buf_free(&frame);
	if (whole == 0)
		return NULL;
	reader = wire_open(&ctl->in, whole);
	wire_next(&reader, NULL);
	while (!wire_at_end(&reader) && count < COMMANDS_MAX)
		read_command(ctl, &reader, &commands[count++]);
	return reader.bad ? NULL : commands;
}

bool
ctl_ask(struct ctl *ctl, const struct buf *frame, struct ln_result *result_r)
{
	size_t whole = exchange(ctl, frame), count;
	struct wire_reader reader;
	const char **columns;
	struct ln_cell *cells;
	bool ok;

	if (whole == 0)
		return false;
	reader = wire_open(&ctl->in, whole);
	wire_next(&reader, NULL);
	ok = wire_next_number(&reader) != 0;
	result_r->failure = keep(ctl, &reader);
	if (ok)
		result_r->failure = NULL;
	result_r->said = keep(ctl, &reader);
	count = next_count(&reader);
	result_r->column_count = (unsigned)count;
	result_r->columns = columns = arena_zalloc(ctl->arena, (count + 1) * sizeof *columns);
	for (size_t i = 0; i < count; i++)
		columns[i] = keep(ctl, &reader);
	count = next_count(&reader);
	result_r->cell_count = count;
	result_r->cells = cells = arena_zalloc(ctl->arena, (count + 1) * sizeof *cells);
	for (size_t i = 0; i < count; i++) {
		cells[i].type = (enum ln_cell_type)wire_next_number(&reader);
		if (cells[i].type == LN_CELL_TEXT)
			cells[i].text = keep(ctl, &reader);
		else
			cells[i].number = wire_next_number(&reader);
	}
	return !reader.bad;
}
