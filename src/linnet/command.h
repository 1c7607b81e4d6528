/*
 * Commands: what administrators, and users, can have the server do.
 *
 * A command is declared once, as a row. It is then a verb of linnetctl with
 * help and completion, and an ad-hoc command (XEP-0050) whose form is made from
 * the arguments. What it answers is a table that each of them shows its own way.
 *
 *	static const struct ln_arg kick_args[] = {
 *		{ LN_ARG_ACCOUNT, "jid", "Whose sessions to end." },
 *		{ LN_ARG_TEXT, "resource", "Only this one.", LN_ARG_OPTIONAL },
 *		LN_ARG_ROWS_END
 *	};
 *	static void
 *	kick(const struct ln_mod *mod, struct ln_call *call)
 *	{
 *		struct ln_account *account = ln_call_account(call);
 *		...
 *		ln_call_say(call, "%u sessions ended.", count);
 *	}
 *	static const struct ln_command commands[] = {
 *		{ "session kick", "End sessions of an account.", LN_ROLE_ADMIN,
 *		    LN_HOME_ACCOUNT, kick_args, kick },
 *		LN_COMMAND_END
 *	};
 *
 * The function runs where `home` says, with arguments that were checked by
 * their types, and must not wait there. The command is over when it returns,
 * unless it said ln_call_later(); then it is over with ln_call_done().
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_LINNET_COMMAND_H
#define LN_LINNET_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "linnet/option.h"
#include "linnet/stanza.h"

struct arena;
struct ln_account;
struct ln_call;
struct ln_jid;
struct ln_mod;

/* ---- Rows ---- */

enum ln_arg_type {
	LN_ARG_END,
	LN_ARG_ACCOUNT, /* a bare JID at one of our hosts */
	LN_ARG_JID,     /* any JID */
	LN_ARG_HOST,    /* one of our hosts */
	LN_ARG_TEXT,
	LN_ARG_PASSWORD, /* not shown; asked for at a terminal, or read from standard input */
	LN_ARG_INT,
	LN_ARG_DURATION, /* 30s 15m 12h 30d, as in the configuration */
	LN_ARG_WORD,     /* one of `names` */
	LN_ARG_FILE,     /* its contents: linnetctl reads the file, `-` is standard input */
	LN_ARG_FLAG,     /* --name, or not there */
};

enum {
	LN_ARG_OPTIONAL = 1 << 0, /* stands behind those that are not */
	LN_ARG_REST = 1 << 1,     /* TEXT, last: takes all words that follow */
	LN_ARG_TWICE = 1 << 2,    /* PASSWORD: a form asks for it twice, in VAR and VAR-verify */
	LN_ARG_UNASKED = 1 << 3,  /* FLAG: no form asks for it; a row with `preset` gives it */
	LN_ARG_RESOURCE = 1 << 4, /* ACCOUNT: one of its sessions may be named */
};

struct ln_arg {
	enum ln_arg_type type;
	const char *name;
	const char *help;
	unsigned flags;
	const struct ln_name *names; /* WORD */
	const char *var; /* its field in a form of XEP-0133 where that is not `name`; ...s: takes
			    several, and the command is run for each */
};

#define LN_ARG_ROWS_END            \
	{                          \
		.type = LN_ARG_END \
	}

enum ln_role {
	LN_ROLE_OPERATOR, /* only through the control socket */
	LN_ROLE_ADMIN,    /* the `admins` of a host too, for that host */
	LN_ROLE_USER,     /* any account too, for itself: its first argument is its own JID */
};

enum ln_home {
	LN_HOME_MAIN,    /* the main thread */
	LN_HOME_ACCOUNT, /* home of the account that is the first argument, which is loaded; where
			    there is no such account the command fails without being called */
	LN_HOME_NAME,    /* the same worker, but there may be no account (or not yet one) */
	LN_HOME_EACH,    /* every worker, one after the other; rows add up */
};

/* How a form tells the table that a command answers. */
enum ln_result_as {
	LN_RESULT_TABLE, /* as it is, or as `result_var` says */
	LN_RESULT_FACTS, /* a field for each name in the first column, its values the second */
	LN_RESULT_ROSTER /* a roster of the columns jid, name, subscription, group */
};

/* `mod` is the instance of the host that the first argument names; NULL for the server's own
 * and for commands whose first argument names no host. */
typedef void ln_command_fn(const struct ln_mod *mod, struct ln_call *call);

struct ln_command {
	const char *name; /* "user add" */
	const char *help; /* one sentence */
	enum ln_role role;
	enum ln_home home;
	const struct ln_arg *args; /* may be absent */
	ln_command_fn *run;
	const char *node;       /* ad-hoc node where XEP-0133 has one; else made from the name */
	const char *result_var; /* its field for the first column of the table, if it has one */
	enum ln_result_as result_as;
	const char *before; /* a command of the host whose line stands in the form at first */
	const char *preset; /* UNASKED flag that is given: the row is an ad-hoc command alone, under
			       its `node`; linnetctl has the row of the same name and the flag */
};

#define LN_COMMAND_END       \
	{                    \
		.name = NULL \
	}

/* ---- Inside a command ---- */

/* Arguments by their index in the rows; texts live as long as the call. NULL, 0: not given. */
bool ln_call_given(const struct ln_call *call, unsigned arg);
const char *ln_call_text(const struct ln_call *call, unsigned arg);
const char *ln_call_bytes(const struct ln_call *call, unsigned arg, size_t *len_r);
const struct ln_jid *ln_call_jid(const struct ln_call *call, unsigned arg);
const char *ln_call_resource(const struct ln_call *call, unsigned arg); /* ACCOUNT; NULL: none */
int64_t ln_call_number(const struct ln_call *call, unsigned arg); /* INT, DURATION (ms), WORD */

/* LN_HOME_ACCOUNT: the account, until the function returns. */
struct ln_account *ln_call_account(const struct ln_call *call);

/* Memory that lives as long as the call. */
struct arena *ln_call_arena(struct ln_call *call);

/* Columns once (names, NULL at the end), then rows, cell by cell. */
#define ln_call_columns(call, ...) ln_call_set_columns(call, (const char *const[]){ __VA_ARGS__ })
void ln_call_set_columns(struct ln_call *call, const char *const *names);
void ln_call_cell(struct ln_call *call, const char *text); /* copied; NULL: nothing */
void ln_call_cell_number(struct ln_call *call, int64_t number);
void ln_call_cell_bool(struct ln_call *call, bool value);
void ln_call_cell_size(struct ln_call *call, int64_t bytes);
void ln_call_cell_duration(struct ln_call *call, int64_t ms);
void ln_call_cell_stamp(struct ln_call *call, int64_t wall_ms);

/* A line beside the table, for people. */
void ln_call_say(struct ln_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The command failed; the first reason stays. Rows so far are kept. */
void ln_call_fail(struct ln_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same with the condition that answers a stanza which asked for it. */
void ln_call_refuse(struct ln_call *call, enum ln_error error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* For LN_HOME_EACH: adds to the one number that is answered, instead of a row for each worker. */
void ln_call_sum(struct ln_call *call, int64_t number);

/* The command goes on after the function returns; whoever has the call then calls
 * ln_call_done() once, from any thread, and does not touch it again. */
void ln_call_later(struct ln_call *call);
void ln_call_done(struct ln_call *call);

/* ---- For those who offer commands: the control socket, ad-hoc commands ---- */

/* What a cell holds, and so how it is shown. */
enum ln_cell_type {
	LN_CELL_NONE,
	LN_CELL_TEXT,
	LN_CELL_NUMBER,
	LN_CELL_BOOL,
	LN_CELL_SIZE,     /* bytes */
	LN_CELL_DURATION, /* ms */
	LN_CELL_STAMP,    /* wall-clock ms */
};

struct ln_cell {
	enum ln_cell_type type;
	const char *text; /* TEXT */
	int64_t number;   /* all others */
};

struct ln_result {
	const char *failure; /* NULL: it went well */
	const char *said;    /* lines for people, each with its newline; "" */
	const char *const *columns;
	unsigned column_count;
	const struct ln_cell *cells; /* row by row */
	size_t cell_count;
	enum ln_error error; /* of a failure; LN_ERR_COUNT: one that no condition says better */
};

/* A cell as people read it, in `arena`. */
const char *ln_cell_text(struct arena *arena, const struct ln_cell *cell);

/* All commands there are, by name; on any worker. `module` is NULL for the server's own. */
void ln_commands_each(void (*each)(const struct ln_command *command, const char *module, void *arg),
    void *arg);

/* NULL: none. */
const struct ln_command *ln_command_find(const char *name);

/* May this JID run it, given its first argument? The control socket need not ask. */
bool ln_command_allowed(const struct ln_command *command, const struct ln_jid *who,
    const char *first);

/*
 * Makes a call, gives it its arguments and starts it; `done` runs once, on the
 * same worker, and reads the result; then the call frees itself. An argument
 * that is wrong is the call's failure, so that there is one way out; ln_call_start()
 * says false then.
 */
struct ln_call *ln_call_new(const struct ln_command *command,
    void (*done)(struct ln_call *call, const struct ln_result *result, void *arg), void *arg);
void ln_call_give(struct ln_call *call, const char *arg, const char *bytes, size_t len);
bool ln_call_start(struct ln_call *call);

#endif
