/*
 * Commands from rows to answers: arguments, homes, results, the control socket.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/arena.h"
#include "core/host.h"
#include "net/worker.h"
#include "server/command.h"
#include "server/control.h"
#include "server/control_wire.h"
#include "server/ctl.h"

static const struct ln_name colours[] = {
	{ "red", 1, NULL },
	{ "blue", 2, NULL },
	LN_NAME_END,
};

static const struct ln_arg paint_args[] = {
	{ LN_ARG_TEXT, "what", "What to paint." },
	{ LN_ARG_WORD, "colour", "In which colour.", 0, colours },
	{ LN_ARG_INT, "coats", "How often.", LN_ARG_OPTIONAL },
	{ LN_ARG_FLAG, "dry", "Only say it." },
	LN_ARG_ROWS_END,
};

static void
paint(const struct ln_mod *mod, struct ln_call *call)
{
	ck_assert_ptr_null(mod);
	ln_call_columns(call, "what", "colour", "coats", "dry", NULL);
	ln_call_cell(call, ln_call_text(call, 0));
	ln_call_cell_number(call, ln_call_number(call, 1));
	if (ln_call_given(call, 2))
		ln_call_cell_number(call, ln_call_number(call, 2));
	else
		ln_call_cell(call, NULL);
	ln_call_cell_bool(call, ln_call_given(call, 3));
	ln_call_say(call, "Painted.");
}

static void
be_unlucky(const struct ln_mod *mod, struct ln_call *call)
{
	ln_call_fail(call, "no %s", "luck");
	ln_call_fail(call, "not said");
}

static void
each(const struct ln_mod *mod, struct ln_call *call)
{
	ln_call_columns(call, "worker", NULL);
	ln_call_cell_number(call, worker_index(worker_current()));
}

static void
count(const struct ln_mod *mod, struct ln_call *call)
{
	ln_call_columns(call, "all", NULL);
	ln_call_sum(call, 1 + worker_index(worker_current()));
}

static void
refuse(const struct ln_mod *mod, struct ln_call *call)
{
	ln_call_refuse(call, LN_ERR_CONFLICT, "there is one");
	ln_call_fail(call, "not said");
}

static struct ln_call *held;

static void
later(const struct ln_mod *mod, struct ln_call *call)
{
	ln_call_later(call);
	held = call;
}

/* Of clients alone: neither found by its name nor described to linnetctl. */
static const struct ln_command presets[] = {
	{ .name = "paint", .args = paint_args, .run = refuse, .preset = "dry" },
	LN_COMMAND_END,
};

static const struct ln_command rows[] = {
	{ "paint", "Paint something.", LN_ROLE_OPERATOR, LN_HOME_MAIN, paint_args, paint },
	{ "paint badly", "Fail.", LN_ROLE_OPERATOR, LN_HOME_MAIN, NULL, be_unlucky },
	{ "workers", "All of them.", LN_ROLE_OPERATOR, LN_HOME_EACH, NULL, each },
	{ "count", "Add up.", LN_ROLE_OPERATOR, LN_HOME_EACH, NULL, count },
	{ "refuse", "Refuse.", LN_ROLE_OPERATOR, LN_HOME_MAIN, NULL, refuse },
	{ "later", "Not now.", LN_ROLE_OPERATOR, LN_HOME_MAIN, NULL, later },
	LN_COMMAND_END,
};

/* ---- The kit ---- */

static char answer[1000];
static unsigned answers;
static enum ln_error condition;

static void
done(struct ln_call *call, const struct ln_result *result, void *arg)
{
	struct buf out = BUF_INIT;

	answers++;
	condition = result->error;
	ctl_print_result(result, true, &out);
	snprintf(answer, sizeof answer, "%s", out.data);
	buf_free(&out);
}

/* Enough turns for whatever is on its way between two workers and the main thread. */
static void
turn_all(void)
{
	for (unsigned round = 0; round < 6; round++) {
		worker_turn(worker_main(), false);
		for (unsigned i = 0; i < worker_count(); i++)
			worker_turn(worker_get(i), false);
	}
	worker_enter(worker_main());
}

static void
start(void)
{
	host_init();
	commands_add(presets);
	commands_add(rows);
	workers_start_unthreaded(2);
	worker_enter(worker_main());
	answers = 0;
}

static bool started;

static const char *
call(const char *name, const char *const *args)
{
	struct ln_call *new = ln_call_new(ln_command_find(name), done, NULL);

	for (; args != NULL && *args != NULL; args += 2)
		ln_call_give(new, args[0], args[1], strlen(args[1]));
	started = ln_call_start(new);
	turn_all();
	return answer;
}

#define ARGS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* ---- Calls ---- */

START_TEST(arguments_are_read_by_their_types)
{
	ck_assert_str_eq(call("paint", ARGS("what", "a \"wall\"", "colour", "blue", "coats", "3")),
	    "{\"ok\":true,\"message\":\"Painted.\\n\",\"rows\":[{\"what\":\"a \\\"wall\\\"\","
	    "\"colour\":2,\"coats\":3,\"dry\":false}]}\n");
	ck_assert_ptr_nonnull(
	    strstr(call("paint", ARGS("what", "it", "colour", "red", "dry", "yes")),
		"\"coats\":null,\"dry\":true"));
}
END_TEST

START_TEST(wrong_arguments_fail_before_the_command)
{
	ck_assert_ptr_nonnull(strstr(call("paint", ARGS("what", "it", "colour", "green")),
	    "colour: `green` is not allowed; allowed: red, blue"));
	ck_assert_ptr_nonnull(strstr(
	    call("paint", ARGS("what", "it", "colour", "red", "coats", "x")), "is not a whole"));
	ck_assert_ptr_nonnull(strstr(call("paint", ARGS("what", "it")), "colour is missing"));
	ck_assert_ptr_nonnull(strstr(call("paint", ARGS("who", "me")), "has no argument who"));
	ck_assert_uint_eq(answers, 4);
	ck_assert(!started);
}
END_TEST

START_TEST(a_failure_may_have_a_condition)
{
	ck_assert_ptr_nonnull(strstr(call("refuse", NULL), "\"error\":\"there is one\""));
	ck_assert_int_eq(condition, LN_ERR_CONFLICT);
	ck_assert(started);
	call("paint badly", NULL);
	ck_assert_int_eq(condition, LN_ERR_COUNT);
}
END_TEST

START_TEST(workers_add_to_one_number)
{
	ck_assert_ptr_nonnull(strstr(call("count", NULL), "[{\"all\":3}]"));
}
END_TEST

START_TEST(the_first_reason_stays)
{
	ck_assert_ptr_nonnull(
	    strstr(call("paint badly", NULL), "\"ok\":false,\"error\":\"no luck\""));
}
END_TEST

START_TEST(each_worker_adds_its_row)
{
	ck_assert_ptr_nonnull(strstr(call("workers", NULL), "[{\"worker\":0},{\"worker\":1}]"));
}
END_TEST

START_TEST(a_call_may_end_later)
{
	call("later", NULL);
	ck_assert_uint_eq(answers, 0);
	ln_call_say(held, "now");
	ln_call_done(held);
	turn_all();
	ck_assert_uint_eq(answers, 1);
	ck_assert_ptr_nonnull(strstr(answer, "now"));
}
END_TEST

/* ---- Words ---- */

#define WORDS(...) ((char **)(const char *[]){ __VA_ARGS__ })

START_TEST(the_longest_name_wins)
{
	unsigned used;

	ck_assert_str_eq(ctl_find(rows, WORDS("paint", "badly", NULL), &used)->name, "paint badly");
	ck_assert_uint_eq(used, 2);
	ck_assert_str_eq(ctl_find(rows, WORDS("paint", "wall", NULL), &used)->name, "paint");
	ck_assert_uint_eq(used, 1);
	ck_assert_ptr_null(ctl_find(rows, WORDS("pain", NULL), &used));
}
END_TEST

START_TEST(words_become_arguments)
{
	struct ctl ctl = { .fd = -1, .arena = arena_new(1000) };
	char **words = WORDS("--dry", "wall", "--colour=red", "2", NULL);
	struct buf frame = BUF_INIT;
	struct wire_reader reader;
	size_t begun = wire_begin(&frame);
	static const char *const expected[] = { "what", "wall", "colour", "red", "coats", "2",
		"dry", "yes" };

	ck_assert(ctl_add_arguments(&ctl, &frame, &rows[0], words));
	wire_end(&frame, begun);
	ck_assert_uint_eq(wire_whole(&frame), frame.len);
	reader = wire_open(&frame, frame.len);
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
		ck_assert_str_eq(wire_next(&reader, NULL), expected[i]);
	ck_assert(wire_at_end(&reader));
	buf_free(&frame);
	arena_free(&ctl.arena);
}
END_TEST

START_TEST(frames_cannot_lie_about_their_length)
{
	struct buf frame = BUF_INIT;
	struct wire_reader reader;
	size_t begun = wire_begin(&frame);
	uint32_t large = 1000;

	wire_add_text(&frame, "abc");
	wire_end(&frame, begun);
	memcpy(frame.data + 4, &large, sizeof large);
	reader = wire_open(&frame, frame.len);
	ck_assert_ptr_null(wire_next(&reader, NULL));
	ck_assert(reader.bad);
	large = (uint32_t)WIRE_FRAME_MAX + 1;
	memcpy(frame.data, &large, sizeof large);
	ck_assert(!wire_is_sane(&frame));
	buf_free(&frame);
}
END_TEST

START_TEST(tables_are_for_people)
{
	const struct ln_cell cells[] = {
		{ LN_CELL_TEXT, "an\xc3\xa4", 0 },
		{ LN_CELL_SIZE, NULL, 65536 },
		{ LN_CELL_TEXT, "bartholomew", 0 },
		{ LN_CELL_NONE, NULL, 0 },
	};
	const char *const columns[] = { "name", "size" };
	const struct ln_result result = { .said = "2 users\n",
		.columns = columns,
		.column_count = 2,
		.cells = cells,
		.cell_count = 4 };
	struct buf out = BUF_INIT;

	ctl_print_result(&result, false, &out);
	ck_assert_str_eq(out.data,
	    "NAME         SIZE\n"
	    "an\xc3\xa4          64k\n"
	    "bartholomew  -\n"
	    "2 users\n");
	buf_free(&out);
}
END_TEST

/* ---- The socket ---- */

static char socket_path[] = "/tmp/linnet-control-XXXXXX/c.sock";
#define DIRECTORY_LEN (sizeof "/tmp/linnet-control-XXXXXX" - 1)

static void
make_directory(void)
{
	socket_path[DIRECTORY_LEN] = '\0';
	ck_assert_ptr_nonnull(mkdtemp(socket_path));
	socket_path[DIRECTORY_LEN] = '/';
	start();
}

static void
remove_directory(void)
{
	unlink(socket_path);
	socket_path[DIRECTORY_LEN] = '\0';
	rmdir(socket_path);
}

static int
connect_client(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s", socket_path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

static void
send_request(int fd, const char *verb, const char *name)
{
	struct buf frame = BUF_INIT;
	size_t begun = wire_begin(&frame);

	wire_add_text(&frame, verb);
	if (name != NULL)
		wire_add_text(&frame, name);
	wire_end(&frame, begun);
	ck_assert_int_eq(send(fd, frame.data, frame.len, 0), (ssize_t)frame.len);
	buf_free(&frame);
}

/* Turns until a whole answer is there; returns its first text. */
static const char *
receive(int fd, struct buf *in, struct wire_reader *reader)
{
	size_t whole = 0;

	buf_reset(in);
	for (int i = 0; i < 1000 && whole == 0; i++) {
		ssize_t got;

		turn_all();
		got = recv(fd, buf_grow(in, 4096), 4096, MSG_DONTWAIT);
		in->len += got > 0 ? (size_t)got : 0;
		whole = wire_whole(in);
	}
	ck_assert_uint_ne(whole, 0);
	*reader = wire_open(in, whole);
	return wire_next(reader, NULL);
}

START_TEST(the_socket_answers)
{
	char error[CONTROL_ERROR_MAX];
	struct control *control = control_open(socket_path, getuid(), getgid(), error);
	struct buf in = BUF_INIT;
	struct wire_reader reader;
	struct stat status;
	int fd;

	ck_assert_msg(control != NULL, "%s", error);
	ck_assert_int_eq(stat(socket_path, &status), 0);
	ck_assert_uint_eq(status.st_mode & 0777, 0600);
	control_start(control);
	fd = connect_client();
	send_request(fd, "describe", NULL);
	ck_assert_str_eq(receive(fd, &in, &reader), "commands");
	ck_assert_str_eq(wire_next(&reader, NULL), "paint");
	send_request(fd, "call", "paint badly");
	ck_assert_str_eq(receive(fd, &in, &reader), "result");
	ck_assert_str_eq(wire_next(&reader, NULL), "0");
	ck_assert_str_eq(wire_next(&reader, NULL), "no luck");
	send_request(fd, "call", "nothing");
	ck_assert_str_eq(receive(fd, &in, &reader), "result");
	send_request(fd, "dance", NULL);
	ck_assert_str_eq(receive(fd, &in, &reader), "result");

	/* A client that leaves while its command is under way is not missed. */
	send_request(fd, "call", "later");
	for (int i = 0; i < 100; i++)
		turn_all();
	close(fd);
	ln_call_done(held);
	turn_all();

	ck_assert_ptr_null(control_open(socket_path, getuid(), getgid(), error));
	ck_assert_ptr_nonnull(strstr(error, "another server answers"));
	control_close(&control);
	ck_assert_int_ne(stat(socket_path, &status), 0);
	buf_free(&in);
}
END_TEST

START_TEST(a_dead_servers_socket_is_replaced)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char error[CONTROL_ERROR_MAX];
	struct control *control;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s", socket_path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	close(fd);
	control = control_open(socket_path, getuid(), getgid(), error);
	ck_assert_msg(control != NULL, "%s", error);
	control_close(&control);

	/* What is no socket is not touched. */
	fd = open(socket_path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	ck_assert_ptr_null(control_open(socket_path, getuid(), getgid(), error));
	ck_assert_int_eq(access(socket_path, F_OK), 0);
}
END_TEST

Suite *suite(void);

Suite *
suite(void)
{
	Suite *s = suite_create("command");
	TCase *tc = tcase_create("calls");

	tcase_add_checked_fixture(tc, start, NULL);
	tcase_add_test(tc, arguments_are_read_by_their_types);
	tcase_add_test(tc, wrong_arguments_fail_before_the_command);
	tcase_add_test(tc, the_first_reason_stays);
	tcase_add_test(tc, a_failure_may_have_a_condition);
	tcase_add_test(tc, each_worker_adds_its_row);
	tcase_add_test(tc, workers_add_to_one_number);
	tcase_add_test(tc, a_call_may_end_later);
	suite_add_tcase(s, tc);
	tc = tcase_create("words");
	tcase_add_test(tc, the_longest_name_wins);
	tcase_add_test(tc, words_become_arguments);
	tcase_add_test(tc, frames_cannot_lie_about_their_length);
	tcase_add_test(tc, tables_are_for_people);
	suite_add_tcase(s, tc);
	tc = tcase_create("socket");
	tcase_add_checked_fixture(tc, make_directory, remove_directory);
	tcase_add_test(tc, the_socket_answers);
	tcase_add_test(tc, a_dead_servers_socket_is_replaced);
	suite_add_tcase(s, tc);
	return s;
}
