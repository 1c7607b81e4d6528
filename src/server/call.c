/*
 * Calls of commands: arguments, the way to where they run and back, results.
 *
 * A call belongs to one thread at a time. It is over when nobody holds it: the
 * function that runs is one holder, and ln_call_later() makes another. Whoever
 * lets go last posts it back to the worker it came from.
 *
 * SPDX-License-Identifier: MIT
 */
#include <assert.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/host.h"
#include "core/module.h"
#include "core/router.h"
#include "core/work.h"
#include "net/worker.h"
#include "server/command.h"
#include "server/option_values.h"

struct value {
	bool given;
	const char *bytes;
	size_t len;
	int64_t number;
	struct ln_jid jid;
	const char *resource; /* behind it; NULL: none */
};

struct ln_call {
	struct post post;
	struct item item;
	const struct ln_command *command;
	const char *module; /* NULL: the server's own */
	struct arena *arena;
	struct value *values;
	unsigned value_count;
	struct worker *origin;
	void (*done)(struct ln_call *call, const struct ln_result *result, void *arg);
	void *arg;

	atomic_uint holders;
	unsigned each; /* LN_HOME_EACH: the worker it is at */
	struct ln_account *account;

	const char *failure;
	enum ln_error error;
	struct buf said;
	const char **columns;
	unsigned column_count;
	struct ln_cell *cells;
	size_t cell_count, cell_room;
};

/* ---- What commands see ---- */

bool
ln_call_given(const struct ln_call *call, unsigned arg)
{
	assert(arg < call->value_count);
	return call->values[arg].given;
}

const char *
ln_call_text(const struct ln_call *call, unsigned arg)
{
	assert(arg < call->value_count);
	return call->values[arg].bytes;
}

const char *
ln_call_bytes(const struct ln_call *call, unsigned arg, size_t *len_r)
{
	assert(arg < call->value_count);
	*len_r = call->values[arg].len;
	return call->values[arg].bytes;
}

const struct ln_jid *
ln_call_jid(const struct ln_call *call, unsigned arg)
{
	assert(arg < call->value_count);
	return call->values[arg].jid.full != NULL ? &call->values[arg].jid : NULL;
}

const char *
ln_call_resource(const struct ln_call *call, unsigned arg)
{
	assert(arg < call->value_count);
	return call->values[arg].resource;
}

int64_t
ln_call_number(const struct ln_call *call, unsigned arg)
{
	assert(arg < call->value_count);
	return call->values[arg].number;
}

struct ln_account *
ln_call_account(const struct ln_call *call)
{
	return call->account;
}

struct arena *
ln_call_arena(struct ln_call *call)
{
	return call->arena;
}

void
ln_call_set_columns(struct ln_call *call, const char *const *names)
{
	unsigned count = 0;

	if (call->columns != NULL)
		return;
	while (names[count] != NULL)
		count++;
	call->columns = arena_zalloc(call->arena, count * sizeof *call->columns);
	for (; call->column_count < count; call->column_count++)
		call->columns[call->column_count] =
		    arena_strdup(call->arena, names[call->column_count]);
}

static void
add_cell(struct ln_call *call, enum ln_cell_type type, const char *text, int64_t number)
{
	if (call->cell_count == call->cell_room) {
		call->cell_room = call->cell_room > 0 ? call->cell_room * 2 : 64;
		call->cells = xrealloc(call->cells, call->cell_room * sizeof *call->cells);
	}
	call->cells[call->cell_count++] =
	    (struct ln_cell){ .type = type, .text = text, .number = number };
}

void
ln_call_cell(struct ln_call *call, const char *text)
{
	if (text == NULL)
		add_cell(call, LN_CELL_NONE, NULL, 0);
	else
		add_cell(call, LN_CELL_TEXT, arena_strdup(call->arena, text), 0);
}

void
ln_call_cell_number(struct ln_call *call, int64_t number)
{
	add_cell(call, LN_CELL_NUMBER, NULL, number);
}

void
ln_call_cell_bool(struct ln_call *call, bool value)
{
	add_cell(call, LN_CELL_BOOL, NULL, value);
}

void
ln_call_cell_size(struct ln_call *call, int64_t bytes)
{
	add_cell(call, LN_CELL_SIZE, NULL, bytes);
}

void
ln_call_cell_duration(struct ln_call *call, int64_t ms)
{
	add_cell(call, LN_CELL_DURATION, NULL, ms);
}

void
ln_call_cell_stamp(struct ln_call *call, int64_t wall_ms)
{
	add_cell(call, LN_CELL_STAMP, NULL, wall_ms);
}

void
ln_call_say(struct ln_call *call, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buf_vprintf(&call->said, format, args);
	va_end(args);
	buf_add_char(&call->said, '\n');
}

void
ln_call_sum(struct ln_call *call, int64_t number)
{
	if (call->cell_count == 0)
		ln_call_cell_number(call, 0);
	call->cells[0].number += number;
}

static void __attribute__((format(printf, 3, 0)))
fail(struct ln_call *call, enum ln_error error, const char *format, va_list args)
{
	if (call->failure != NULL)
		return;
	call->failure = arena_vprintf(call->arena, format, args);
	call->error = error;
}

void
ln_call_fail(struct ln_call *call, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail(call, LN_ERR_COUNT, format, args);
	va_end(args);
}

void
ln_call_refuse(struct ln_call *call, enum ln_error error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail(call, error, format, args);
	va_end(args);
}

/* ---- The end ---- */

static void
call_free(struct ln_call *call)
{
	for (unsigned i = 0; i < call->value_count; i++)
		if (call->command->args[i].type == LN_ARG_PASSWORD && call->values[i].given)
			explicit_bzero((char *)call->values[i].bytes, call->values[i].len);
	buf_free(&call->said);
	free(call->cells);
	arena_free(&call->arena);
	free(call);
}

static void
finish(struct worker *worker, struct post *post)
{
	struct ln_call *call = (struct ln_call *)post;
	const struct ln_result result = {
		.failure = call->failure,
		.error = call->error,
		.said = call->said.len > 0 ? call->said.data : "",
		.columns = call->columns,
		.column_count = call->column_count,
		.cells = call->cells,
		.cell_count = call->cell_count,
	};

	call->done(call, &result, call->arg);
	call_free(call);
}

static void run_here(struct worker *worker, struct post *post);

/* One holder less; the last one sends the call on, or home. */
static void
let_go(struct ln_call *call)
{
	if (atomic_fetch_sub_explicit(&call->holders, 1, memory_order_acq_rel) != 1)
		return;
	call->account = NULL;
	if (call->command->home == LN_HOME_EACH && call->failure == NULL &&
	    ++call->each < worker_count()) {
		call->post.run = run_here;
		worker_post(worker_get(call->each), &call->post);
		return;
	}
	call->post.run = finish;
	worker_post(call->origin, &call->post);
}

void
ln_call_later(struct ln_call *call)
{
	atomic_fetch_add_explicit(&call->holders, 1, memory_order_relaxed);
}

void
ln_call_done(struct ln_call *call)
{
	let_go(call);
}

/* ---- The way there ---- */

/* The module's instance for the host that the first argument names. */
static const struct ln_mod *
find_instance(struct ln_call *call)
{
	const struct ln_host *host = NULL;

	if (call->module == NULL || call->value_count == 0)
		return NULL;
	if (call->values[0].jid.full != NULL)
		host = host_of(&call->values[0].jid);
	if (host == NULL)
		return NULL;
	return ln_host_mod(host, call->module);
}

static void
run(struct ln_call *call)
{
	const struct ln_mod *mod = find_instance(call);

	atomic_store_explicit(&call->holders, 1, memory_order_relaxed);
	if (call->module != NULL && mod == NULL && call->value_count > 0 &&
	    call->values[0].jid.full != NULL)
		ln_call_fail(call, "the module %s is not on for %s", call->module,
		    ln_jid_domain(&call->values[0].jid));
	else
		call->command->run(mod, call);
	let_go(call);
}

static void
run_here(struct worker *worker, struct post *post)
{
	run((struct ln_call *)post);
}

static struct ln_call *
call_of_item(struct item *item)
{
	return (struct ln_call *)((char *)item - offsetof(struct ln_call, item));
}

static void
run_for_account(struct entity *entity, struct item *item)
{
	struct ln_call *call = call_of_item(item);

	work_begin(entity, NULL);
	call->account = account_of_entity(entity);
	run(call);
	work_end();
}

static void
drop(struct item *item, enum item_drop why)
{
	struct ln_call *call = call_of_item(item);

	if (why == DROP_ABSENT)
		ln_call_refuse(call, LN_ERR_ITEM_NOT_FOUND, "there is no account %s",
		    call->values[0].jid.full);
	else if (why == DROP_FULL)
		ln_call_refuse(call, LN_ERR_RESOURCE_CONSTRAINT,
		    "the account is too busy; try again");
	else
		ln_call_fail(call, "the account could not be read");
	atomic_store_explicit(&call->holders, 1, memory_order_relaxed);
	let_go(call);
}

static void
send_to_account(struct ln_call *call)
{
	call->item.run = run_for_account;
	call->item.drop = drop;
	call->item.weight = sizeof *call;
	call->item.class = ITEM_CONTROL;
	router_item(&call->values[0].jid, &call->item);
}

bool
ln_call_start(struct ln_call *call)
{
	unsigned count = command_arg_count(call->command);
	struct worker *to = worker_main();

	for (unsigned i = 0; i < count && call->failure == NULL; i++) {
		const struct ln_arg *arg = &call->command->args[i];

		if (!call->values[i].given && arg->type != LN_ARG_FLAG &&
		    !(arg->flags & LN_ARG_OPTIONAL))
			ln_call_fail(call, "%s is missing: %s", arg->name, arg->help);
	}
	if (call->failure != NULL) {
		call->post.run = finish;
		worker_post(call->origin, &call->post);
		return false;
	}
	call->post.run = run_here;
	if (call->command->home == LN_HOME_ACCOUNT) {
		send_to_account(call);
		return true;
	}
	if (call->command->home == LN_HOME_NAME)
		to = router_home(&call->values[0].jid);
	else if (call->command->home == LN_HOME_EACH)
		to = worker_get(0);
	worker_post(to, &call->post);
	return true;
}

/* ---- Arguments ---- */

static bool
read_jid(struct ln_call *call, const struct ln_arg *arg, struct value *value)
{
	struct ln_jid jid;
	enum ln_jid_error error = ln_jid_parse(call->arena, value->bytes, value->len, &jid);

	if (error != LN_JID_OK) {
		ln_call_fail(call, "%s: %s is no address: %s", arg->name, value->bytes,
		    ln_jid_reason(error));
		return false;
	}
	value->jid = jid;
	return true;
}

static void
read_account(struct ln_call *call, const struct ln_arg *arg, struct value *value)
{
	const struct ln_jid *jid = &value->jid;

	if (!read_jid(call, arg, value))
		return;
	if (jid->resource_len > 0 && arg->flags & LN_ARG_RESOURCE) {
		value->resource = ln_jid_resource(jid);
		value->jid = ln_jid_bare(call->arena, jid);
	}
	if (jid->local_len == 0 || jid->resource_len > 0)
		ln_call_fail(call, "%s: %s is no account; write NAME@HOST", arg->name,
		    value->bytes);
	else if (host_with_accounts(ln_jid_domain(jid), jid->domain_len) == NULL)
		ln_call_fail(call, "%s: %s is not one of the hosts", arg->name, ln_jid_domain(jid));
}

static void
read_host(struct ln_call *call, const struct ln_arg *arg, struct value *value)
{
	if (!read_jid(call, arg, value))
		return;
	if (value->jid.local_len > 0 || value->jid.resource_len > 0 || host_of(&value->jid) == NULL)
		ln_call_fail(call, "%s: %s is not one of the hosts", arg->name, value->bytes);
}

static void
read_word(struct ln_call *call, const struct ln_arg *arg, struct value *value)
{
	struct buf words = BUF_INIT;
	int word = 0;

	if (value_read_name(value->bytes, arg->names, &word) == NULL) {
		value->number = word;
		return;
	}
	for (const struct ln_name *name = arg->names; name->name != NULL; name++)
		buf_printf(&words, "%s%s", name == arg->names ? "" : ", ", name->name);
	ln_call_fail(call, "%s: `%s` is not allowed; allowed: %s", arg->name, value->bytes,
	    words.data);
	buf_free(&words);
}

static void
read_value(struct ln_call *call, const struct ln_arg *arg, struct value *value)
{
	const char *problem = NULL;

	switch (arg->type) {
	case LN_ARG_ACCOUNT:
		read_account(call, arg, value);
		return;
	case LN_ARG_JID:
		read_jid(call, arg, value);
		return;
	case LN_ARG_HOST:
		read_host(call, arg, value);
		return;
	case LN_ARG_WORD:
		read_word(call, arg, value);
		return;
	case LN_ARG_INT:
		problem = value_read_int(value->bytes, &value->number);
		break;
	case LN_ARG_DURATION:
		problem = value_read_duration(value->bytes, &value->number);
		break;
	default:
		break;
	}
	if (problem != NULL)
		ln_call_fail(call, "%s: `%s` %s", arg->name, value->bytes, problem);
}

void
ln_call_give(struct ln_call *call, const char *name, const char *bytes, size_t len)
{
	for (unsigned i = 0; i < call->value_count; i++) {
		const struct ln_arg *arg = &call->command->args[i];
		struct value *value = &call->values[i];

		if (strcmp(arg->name, name) != 0)
			continue;
		value->bytes = arena_strndup(call->arena, bytes, len);
		value->len = len;
		value->given = true;
		if (memchr(bytes, '\0', len) != NULL && arg->type != LN_ARG_FILE)
			ln_call_fail(call, "%s: a zero byte is not allowed", arg->name);
		else
			read_value(call, arg, value);
		return;
	}
	ln_call_fail(call, "%s has no argument %s", call->command->name, name);
}

struct ln_call *
ln_call_new(const struct ln_command *command,
    void (*done)(struct ln_call *call, const struct ln_result *result, void *arg), void *arg)
{
	struct ln_call *call = xcalloc(1, sizeof *call);

	call->command = command;
	call->module = command_module(command);
	call->arena = arena_new(1024);
	call->value_count = command_arg_count(command);
	call->values = arena_zalloc(call->arena, (call->value_count + 1) * sizeof *call->values);
	call->origin = worker_current();
	call->done = done;
	call->arg = arg;
	return call;
}
