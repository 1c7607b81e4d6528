/*
 * The control socket. See control.h.
 *
 * A connection is read only while it has no command under way, so what a
 * client sends ahead waits in the kernel. The answer of a command finds its
 * connection by number: it may have gone away meanwhile.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/control.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "net/worker.h"
#include "server/command.h"
#include "server/control_wire.h"

#define READ_SIZE ((size_t)64 * 1024)

struct client {
	LIST_ENTRY(client) link;
	struct control *control;
	uint64_t id;
	int fd;
	struct event *readable;
	struct event *writable;
	struct buf in;
	struct buf out;
	bool busy; /* a command is under way */
	bool done; /* the peer has closed its side */
};

LIST_HEAD(client_list, client);

struct control {
	char *path;
	uid_t uid;
	int fd;
	struct event *acceptable;
	struct client_list clients;
	unsigned count;
	uint64_t last_id;
};

/* There is one in a process; answers look for their connection here. */
static struct control *the_control;

/* ---- Connections ---- */

static void
client_free(struct client *client)
{
	LIST_REMOVE(client, link);
	client->control->count--;
	event_free(client->readable);
	event_free(client->writable);
	close(client->fd);
	if (client->in.len > 0)
		explicit_bzero(client->in.data, client->in.len);
	buf_free(&client->in);
	buf_free(&client->out);
	free(client);
}

static struct client *
client_find(uint64_t id)
{
	struct client *client;

	if (the_control == NULL)
		return NULL;
	LIST_FOREACH(client, &the_control->clients, link)
		if (client->id == id)
			return client;
	return NULL;
}

/* Writes what it can; false: the client is gone and freed. */
static bool
client_flush(struct client *client)
{
	ssize_t sent = 0;

	while (client->out.len > 0) {
		sent = send(client->fd, client->out.data, client->out.len,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent <= 0)
			break;
		buf_consume(&client->out, (size_t)sent);
	}
	if (client->out.len == 0) {
		buf_free(&client->out);
		return true;
	}
	if (errno == EAGAIN || errno == EINTR) {
		event_add(client->writable, NULL);
		return true;
	}
	client_free(client);
	return false;
}

/* ---- Answers ---- */

static void
add_arg(struct buf *out, const struct ln_arg *arg)
{
	unsigned words = 0;

	wire_add_number(out, arg->type);
	wire_add_text(out, arg->name);
	wire_add_text(out, arg->help != NULL ? arg->help : "");
	wire_add_number(out, arg->flags);
	while (arg->names != NULL && arg->names[words].name != NULL)
		words++;
	wire_add_number(out, words);
	for (unsigned i = 0; i < words; i++)
		wire_add_text(out, arg->names[i].name);
}

static void
add_command(const struct ln_command *command, const char *module, void *arg)
{
	struct buf *out = arg;
	unsigned count = command_arg_count(command);

	if (command->preset != NULL)
		return;
	wire_add_text(out, command->name);
	wire_add_text(out, command->help);
	wire_add_number(out, count);
	for (unsigned i = 0; i < count; i++)
		add_arg(out, &command->args[i]);
}

static void
describe(struct buf *out)
{
	size_t begun = wire_begin(out);

	wire_add_text(out, "commands");
	ln_commands_each(add_command, out);
	wire_end(out, begun);
}

static void
add_result(struct buf *out, const struct ln_result *result)
{
	size_t begun = wire_begin(out);

	wire_add_text(out, "result");
	wire_add_number(out, result->failure == NULL);
	wire_add_text(out, result->failure != NULL ? result->failure : "");
	wire_add_text(out, result->said);
	wire_add_number(out, result->column_count);
	for (unsigned i = 0; i < result->column_count; i++)
		wire_add_text(out, result->columns[i]);
	wire_add_number(out, (int64_t)result->cell_count);
	for (size_t i = 0; i < result->cell_count; i++) {
		wire_add_number(out, result->cells[i].type);
		if (result->cells[i].type == LN_CELL_TEXT)
			wire_add_text(out, result->cells[i].text);
		else
			wire_add_number(out, result->cells[i].number);
	}
	wire_end(out, begun);
}

static void
add_failure(struct buf *out, const char *failure)
{
	const struct ln_result result = { .failure = failure, .said = "" };

	add_result(out, &result);
}

/* ---- Requests ---- */

static void client_go_on(struct client *client);

static void
call_ended(struct ln_call *call, const struct ln_result *result, void *arg)
{
	uint64_t *id = arg;
	struct client *client = client_find(*id);

	free(id);
	if (client == NULL)
		return;
	client->busy = false;
	add_result(&client->out, result);
	if (client_flush(client))
		client_go_on(client);
}

static void
start_call(struct client *client, struct wire_reader *reader)
{
	const char *name = wire_next(reader, NULL), *arg, *value;
	const struct ln_command *command = name != NULL ? ln_command_find(name) : NULL;
	struct ln_call *call;
	uint64_t *id;
	size_t len;

	if (command == NULL) {
		add_failure(&client->out, "the server has no such command");
		return;
	}
	id = xmalloc(sizeof *id);
	*id = client->id;
	call = ln_call_new(command, call_ended, id);
	while (!wire_at_end(reader)) {
		arg = wire_next(reader, NULL);
		value = wire_next(reader, &len);
		if (value != NULL)
			ln_call_give(call, arg, value, len);
	}
	client->busy = true;
	ln_call_start(call);
}

static void
answer(struct client *client, size_t whole)
{
	struct wire_reader reader = wire_open(&client->in, whole);
	const char *verb = wire_next(&reader, NULL);

	if (verb != NULL && strcmp(verb, "describe") == 0)
		describe(&client->out);
	else if (verb != NULL && strcmp(verb, "call") == 0)
		start_call(client, &reader);
	else
		add_failure(&client->out, "linnetctl and the server are of different versions");
	explicit_bzero(client->in.data, whole);
	buf_consume(&client->in, whole);
}

/* Handles what has come, up to the first command that takes its time. */
static void
client_go_on(struct client *client)
{
	size_t whole;

	while (!client->busy && (whole = wire_whole(&client->in)) != 0) {
		answer(client, whole);
		if (!client_flush(client))
			return;
	}
	if (client->busy)
		event_del(client->readable);
	else if (client->done)
		client_free(client);
	else
		event_add(client->readable, NULL);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct client *client = arg;
	ssize_t got = recv(fd, buf_grow(&client->in, READ_SIZE), READ_SIZE, MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got > 0)
		client->in.len += (size_t)got;
	client->done = got <= 0;
	if (!wire_is_sane(&client->in)) {
		client_free(client);
		return;
	}
	client_go_on(client);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	client_flush(arg);
}

/* ---- Accepting ---- */

static bool
may_connect(const struct control *control, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return false;
	if (peer.uid == 0 || peer.uid == geteuid() || peer.uid == control->uid)
		return true;
	log_warning("control", "connection refused uid=%u", (unsigned)peer.uid);
	return false;
}

static void
client_new(struct control *control, int fd)
{
	struct client *client = xcalloc(1, sizeof *client);
	struct event_base *base = worker_base(worker_main());

	client->control = control;
	client->id = ++control->last_id;
	client->fd = fd;
	client->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, client);
	client->writable = event_new(base, fd, EV_WRITE, on_writable, client);
	if (client->readable == NULL || client->writable == NULL)
		abort();
	LIST_INSERT_HEAD(&control->clients, client, link);
	control->count++;
	event_add(client->readable, NULL);
}

static void
on_acceptable(evutil_socket_t listening, short what, void *arg)
{
	struct control *control = arg;
	int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (control->count < CONTROL_CONNECTIONS_MAX && may_connect(control, fd))
		client_new(control, fd);
	else
		close(fd);
}

/* ---- The socket ---- */

/* Whether a server answers there. */
static bool
is_alive(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool alive = fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;

	if (fd >= 0)
		close(fd);
	return alive;
}

/* Makes the last directory of the path if it is missing. */
static void
make_directory(const char *path, uid_t uid, gid_t gid)
{
	const char *slash = strrchr(path, '/');
	char *directory;

	if (slash == NULL || slash == path)
		return;
	directory = xstrndup(path, (size_t)(slash - path));
	if (mkdir(directory, 0755) == 0 && geteuid() == 0 && chown(directory, uid, gid) != 0)
		log_warning("control", "cannot give directory away path=%s reason=%s", directory,
		    strerror(errno));
	free(directory);
}

static bool
bind_socket(int fd, const struct sockaddr_un *address, uid_t uid, gid_t gid)
{
	mode_t mask = umask(0177);
	bool bound = bind(fd, (const struct sockaddr *)address, sizeof *address) == 0;

	umask(mask);
	if (!bound || (geteuid() == 0 && chown(address->sun_path, uid, gid) != 0))
		return false;
	return listen(fd, CONTROL_CONNECTIONS_MAX) == 0;
}

struct control *
control_open(const char *path, uid_t uid, gid_t gid, char error[CONTROL_ERROR_MAX])
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct control *control;
	struct stat status;
	int fd;

	if (strlen(path) >= sizeof address.sun_path) {
		snprintf(error, CONTROL_ERROR_MAX,
		    "control: the path is too long; a socket's may have %zu bytes",
		    sizeof address.sun_path - 1);
		return NULL;
	}
	memcpy(address.sun_path, path, strlen(path));
	if (is_alive(&address)) {
		snprintf(error, CONTROL_ERROR_MAX, "control: another server answers at %s", path);
		return NULL;
	}
	if (lstat(path, &status) == 0 && S_ISSOCK(status.st_mode))
		unlink(path);
	make_directory(path, uid, gid);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || !bind_socket(fd, &address, uid, gid)) {
		snprintf(error, CONTROL_ERROR_MAX, "control: %s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	control = xcalloc(1, sizeof *control);
	control->path = xstrdup(path);
	control->uid = uid;
	control->fd = fd;
	LIST_INIT(&control->clients);
	return control;
}

void
control_start(struct control *control)
{
	assert(the_control == NULL);
	the_control = control;
	control->acceptable = event_new(worker_base(worker_main()), control->fd,
	    EV_READ | EV_PERSIST, on_acceptable, control);
	if (control->acceptable == NULL || event_add(control->acceptable, NULL) != 0)
		abort();
}

void
control_close(struct control **control_p)
{
	struct control *control = *control_p;

	*control_p = NULL;
	if (control == NULL)
		return;
	while (!LIST_EMPTY(&control->clients))
		client_free(LIST_FIRST(&control->clients));
	if (control->acceptable != NULL)
		event_free(control->acceptable);
	close(control->fd);
	unlink(control->path);
	free(control->path);
	free(control);
	the_control = NULL;
}
