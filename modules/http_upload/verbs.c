/*
 * The verbs of mod_http_upload: list, delete, stats.
 *
 * SPDX-License-Identifier: MIT
 */
#include "upload.h"

#include <linnet/command.h>

static const struct ln_sql sql_list = {
	"SELECT id, owner, name, type, size, created, expires, purpose FROM http_upload_file"
	" WHERE host = ? AND stored = 1 AND (? = '' OR owner = ?) ORDER BY created DESC LIMIT ?"
};
static const struct ln_sql sql_delete = {
	"UPDATE http_upload_file SET " UPLOAD_GONE
	" WHERE host = ? AND (id = ? OR owner = ?) AND expires > 0 RETURNING id"
};
static const struct ln_sql sql_stats = {
	"SELECT owner, COUNT(*), SUM(size), MAX(created) FROM http_upload_file"
	" WHERE host = ? AND stored = 1 GROUP BY owner ORDER BY SUM(size) DESC LIMIT 1000"
};

static const char *
host_of(const struct ln_mod *mod, struct ln_call *call)
{
	if (mod == NULL) {
		ln_call_fail(call, "there are no uploads there; name the service's domain");
		return NULL;
	}
	return ((const struct upload_conf *)ln_conf(mod))->host;
}

static void
listed(const struct ln_mod *mod, bool ok, const struct ln_row *row, void *arg)
{
	struct ln_call *call = arg;

	(void)mod;
	if (!ok)
		ln_call_fail(call, "the database could not be read");
	ln_call_columns(call, "id", "owner", "name", "type", "size", "created", "expires",
	    "purpose", NULL);
	for (; row != NULL; row = ln_row_next(row)) {
		for (unsigned c = 0; c < 4; c++)
			ln_call_cell(call, ln_row_text(row, c));
		ln_call_cell_size(call, ln_row_int(row, 4));
		ln_call_cell_stamp(call, ln_row_int(row, 5));
		if (ln_row_int(row, 6) == INT64_MAX)
			ln_call_cell(call, NULL);
		else
			ln_call_cell_stamp(call, ln_row_int(row, 6));
		ln_call_cell(call, ln_row_text(row, 7));
	}
	ln_call_done(call);
}

static void
upload_list(const struct ln_mod *mod, struct ln_call *call)
{
	const char *host = host_of(mod, call);
	const char *owner = ln_call_given(call, 1) ? ln_call_text(call, 1) : "";

	if (host == NULL)
		return;
	ln_call_later(call);
	ln_query(mod, listed, call, &sql_list, ln_text(host), ln_text(owner), ln_text(owner),
	    ln_int(ln_call_given(call, 2) ? ln_call_number(call, 2) : 1000));
}

static void
deleted(const struct ln_mod *mod, bool ok, const struct ln_row *row, void *arg)
{
	struct ln_call *call = arg;
	unsigned count = upload_delete_files(row);

	(void)mod;
	if (!ok)
		ln_call_fail(call, "the database could not be written");
	else if (count == 0)
		ln_call_fail(call, "there is no such file");
	else
		ln_call_say(call, "%u deleted", count);
	ln_call_done(call);
}

static void
upload_delete(const struct ln_mod *mod, struct ln_call *call)
{
	const char *host = host_of(mod, call);

	if (host == NULL)
		return;
	ln_call_later(call);
	ln_store_then(mod, deleted, call, &sql_delete, ln_text(host),
	    ln_text(ln_call_text(call, 1)), ln_text(ln_call_text(call, 1)));
}

static void
counted(const struct ln_mod *mod, bool ok, const struct ln_row *row, void *arg)
{
	struct ln_call *call = arg;

	(void)mod;
	if (!ok)
		ln_call_fail(call, "the database could not be read");
	ln_call_columns(call, "owner", "files", "size", "last", NULL);
	for (; row != NULL; row = ln_row_next(row)) {
		ln_call_cell(call, ln_row_text(row, 0));
		ln_call_cell_number(call, ln_row_int(row, 1));
		ln_call_cell_size(call, ln_row_int(row, 2));
		ln_call_cell_stamp(call, ln_row_int(row, 3));
	}
	ln_call_done(call);
}

static void
upload_stats(const struct ln_mod *mod, struct ln_call *call)
{
	const char *host = host_of(mod, call);

	if (host == NULL)
		return;
	ln_call_later(call);
	ln_query(mod, counted, call, &sql_stats, ln_text(host));
}

static const struct ln_arg list_args[] = { { LN_ARG_HOST, "service",
					       "The domain of the upload service.", 0, NULL, NULL },
	{ LN_ARG_TEXT, "owner", "Of this account alone.", LN_ARG_OPTIONAL, NULL, NULL },
	{ LN_ARG_INT, "limit", "At most so many; 1000.", LN_ARG_OPTIONAL, NULL, NULL },
	LN_ARG_ROWS_END };
static const struct ln_arg delete_args[] = {
	{ LN_ARG_HOST, "service", "The domain of the upload service.", 0, NULL, NULL },
	{ LN_ARG_TEXT, "which", "The id of a file, or an account: all of its files.", 0, NULL,
	    NULL },
	LN_ARG_ROWS_END
};
static const struct ln_arg stats_args[] = {
	{ LN_ARG_HOST, "service", "The domain of the upload service.", 0, NULL, NULL },
	LN_ARG_ROWS_END
};

const struct ln_command upload_commands[] = { { "upload list", "List uploaded files.",
						  LN_ROLE_ADMIN, LN_HOME_MAIN, list_args,
						  upload_list, NULL, NULL },
	{ "upload delete", "Delete uploaded files.", LN_ROLE_ADMIN, LN_HOME_MAIN, delete_args,
	    upload_delete, NULL, NULL },
	{ "upload stats", "Tell who has how many files.", LN_ROLE_ADMIN, LN_HOME_MAIN, stats_args,
	    upload_stats, NULL, NULL },
	LN_COMMAND_END };
