/*
 * mod_http_upload - files by HTTP (XEP-0363): slots, quotas, expiry.
 *
 * A slot is a row; the file's row is the same one, `stored`. So quotas are a
 * sum, checked in the statement that makes the row, and hold across a restart.
 *
 * SPDX-License-Identifier: MIT
 */
#include "upload.h"

#include <linnet/command.h>
#include <linnet/credentials.h>
#include <linnet/form.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define NS_UPLOAD "urn:xmpp:http:upload:0"
#define NAME_LEN_MAX 255
#define TYPE_LEN_MAX 127
#define URL_MAX 4096
#define SWEEP_MAX 200 /* files deleted at a time */
#define DAY_MS ((int64_t)24 * 60 * 60 * 1000)

static const struct ln_option options[] = { LN_OPTION_DOMAIN(upload_conf, host, "upload.$host",
						"The service's own domain."),
	LN_OPTION_URI(upload_conf, url, "https://$host:5443/upload",
	    "Where clients reach the path /upload of this server's HTTP, perhaps through a proxy."),
	LN_OPTION_SIZE(upload_conf, max_size, 100 << 20, 1, INT64_C(1) << 40, "The longest file."),
	LN_OPTION_SIZE(upload_conf, daily, 1 << 30, 1, INT64_C(1) << 50,
	    "What one account may upload in 24 hours; off: any amount.", .flags = LN_MAY_BE_OFF),
	LN_OPTION_SIZE(upload_conf, quota, LN_OFF, 1, INT64_C(1) << 50,
	    "What all files of the host may take on the disk; off: any amount.",
	    .flags = LN_MAY_BE_OFF),
	LN_OPTION_SIZE(upload_conf, keep_free, 256 << 20, 0, INT64_C(1) << 50,
	    "What must stay free on the disk."),
	LN_OPTION_DURATION(upload_conf, keep, 30 * DAY_MS, 60 * 1000, 3650 * DAY_MS,
	    "How long a file is kept; off: for good.", .flags = LN_MAY_BE_OFF),
	LN_LIST_OF(upload_conf, refuse, LN_ITEM_STRING,
	    "Endings of names that are refused, such as exe, msi, scr."),
	LN_OPTION_END };

static const char *const file_steps[] = {
	"CREATE TABLE http_upload_file ("
	" id TEXT PRIMARY KEY,"
	" key TEXT NOT NULL,"
	" host TEXT NOT NULL,"
	" owner TEXT NOT NULL,"
	" name TEXT NOT NULL,"
	" type TEXT,"
	" size INTEGER NOT NULL,"
	" created INTEGER NOT NULL,"
	" expires INTEGER NOT NULL,"
	" stored INTEGER NOT NULL);"
	"CREATE INDEX http_upload_by_owner ON http_upload_file (owner, created, size);"
	"CREATE INDEX http_upload_by_host ON http_upload_file (host, size);"
	"CREATE INDEX http_upload_by_expiry ON http_upload_file (host, expires);",
	NULL
};
static const struct ln_table tables[] = { LN_TABLE("file", file_steps), LN_TABLE_END };

enum { SLOTS, REFUSED, EXPIRED };
static const struct ln_metric metrics[] = { [SLOTS] = { "slots_total", "Slots given." },
	[REFUSED] = { "refused_total", "Slots refused by a size or a quota." },
	[EXPIRED] = { "expired_total", "Files and slots deleted because their time was over." },
	LN_METRIC_END };

/* --- files -------------------------------------------------------------------------------------- */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

bool
upload_is_id(const char *text, size_t len)
{
	return len == ID_LEN && strspn(text, digits) >= len;
}

const char *
upload_file(const char *id, char path[FILE_PATH_MAX])
{
	snprintf(path, FILE_PATH_MAX, "%s/http_upload/%c/%s", ln_data(), id[0], id);
	return path;
}

/* Six bits a character. */
static void
make_id(char id[ID_LEN + 1])
{
	unsigned char bytes[ID_LEN];

	ln_random(bytes, sizeof bytes);
	for (size_t i = 0; i < ID_LEN; i++)
		id[i] = digits[bytes[i] & 63];
	id[ID_LEN] = '\0';
}

static bool
make_folder(const char *path, char *message, size_t room)
{
	if (mkdir(path, 0750) == 0 || errno == EEXIST)
		return true;
	snprintf(message, room, "%s: %s", path, strerror(errno));
	return false;
}

static bool
upload_start(const struct ln_mod *mod, char *message, size_t room)
{
	char path[FILE_PATH_MAX];

	(void)mod;
	snprintf(path, sizeof path, "%s/http_upload", ln_data());
	if (!make_folder(path, message, room))
		return false;
	for (size_t i = 0; digits[i] != '\0'; i++) {
		snprintf(path, sizeof path, "%s/http_upload/%c", ln_data(), digits[i]);
		if (!make_folder(path, message, room))
			return false;
	}
	return true;
}

/* --- a slot ------------------------------------------------------------------------------------- */

struct slot {
	struct ln_token *token;
	char id[ID_LEN + 1], key[KEY_LEN + 1];
	int64_t size;
	char name[NAME_LEN_MAX + 1];
	char type[TYPE_LEN_MAX + 1]; /* "": not said */
	char owner[3072];
};

/* One row, if the owner's day and the host's quota have room for it; else none. */
static const struct ln_sql sql_slot = {
	"INSERT INTO http_upload_file"
	" (id, key, host, owner, name, type, size, created, expires, stored)"
	" SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, 0"
	" WHERE (SELECT COALESCE(SUM(size), 0) FROM http_upload_file"
	"  WHERE owner = ? AND created > ?) <= ?"
	" AND (SELECT COALESCE(SUM(size), 0) FROM http_upload_file WHERE host = ?) <= ?"
	" RETURNING id"
};
static const struct ln_sql sql_day = {
	"SELECT COALESCE(SUM(size), 0), MIN(created) FROM http_upload_file"
	" WHERE owner = ? AND created > ?"
};

static void
add_encoded(char *url, size_t room, const char *name)
{
	size_t len = strlen(url);

	for (; *name != '\0' && len + 4 < room; name++)
		len += (size_t)snprintf(url + len, room - len,
		    strchr(digits, *name) != NULL || *name == '.' ? "%c" : "%%%02X",
		    (unsigned char)*name);
}

static void
answer_slot(const struct ln_mod *mod, struct slot *slot)
{
	const struct upload_conf *conf = ln_conf(mod);
	struct ln_stanza *result = ln_iq_result(ln_token_request(slot->token));
	struct ln_elem *elem = ln_add(result, "slot", NS_UPLOAD);
	char url[URL_MAX];

	snprintf(url, sizeof url, "%s/%s/", conf->url, slot->id);
	add_encoded(url, sizeof url, slot->name);
	ln_set_attrf(ln_elem_add(elem, "put", NS_UPLOAD), "url", "%s?k=%s", url, slot->key);
	ln_set_attr(ln_elem_add(elem, "get", NS_UPLOAD), "url", url);
	ln_count(mod, SLOTS);
	ln_token_answer(&slot->token, result);
	free(slot);
}

static void
refuse_quota(const struct ln_mod *mod, bool ok, const struct ln_row *row, void *arg)
{
	struct slot *slot = arg;
	const struct upload_conf *conf = mod != NULL ? ln_conf(mod) : NULL;
	bool day =
	    ok && row != NULL && conf != NULL && ln_row_int(row, 0) + slot->size > conf->daily;
	struct ln_stanza *reply =
	    ln_error_reply(ln_token_request(slot->token), LN_ERR_RESOURCE_CONSTRAINT, LN_ETYPE_WAIT,
		day ? "That is more than you may upload in 24 hours." : "The service is full.");

	if (day) {
		char stamp[LN_DATETIME_MAX];

		ln_set_attr(ln_elem_add(ln_error_elem(reply), "retry", NS_UPLOAD), "stamp",
		    ln_datetime(ln_row_int(row, 1) + DAY_MS, stamp));
	}
	ln_token_answer(&slot->token, reply);
	free(slot);
}

static void
slot_stored(const struct ln_mod *mod, bool ok, const struct ln_row *row, void *arg)
{
	struct slot *slot = arg;

	if (mod == NULL || !ok) {
		ln_token_refuse(&slot->token, LN_ERR_INTERNAL_SERVER_ERROR, NULL);
		free(slot);
	} else if (row == NULL) {
		ln_count(mod, REFUSED);
		ln_query(mod, refuse_quota, slot, &sql_day, ln_text(slot->owner),
		    ln_int(ln_wall() - DAY_MS));
	} else {
		answer_slot(mod, slot);
	}
}

/* What must be there already for there to be no room for `size` more. */
static int64_t
room_for(int64_t quota, int64_t size)
{
	return quota >= LN_OFF ? INT64_MAX : quota - size;
}

static void
store_slot(const struct ln_mod *mod, struct slot *slot)
{
	const struct upload_conf *conf = ln_conf(mod);
	int64_t now = ln_wall();

	make_id(slot->id);
	make_id(slot->key);
	ln_store_then(mod, slot_stored, slot, &sql_slot, ln_text(slot->id), ln_text(slot->key),
	    ln_text(conf->host), ln_text(slot->owner), ln_text(slot->name),
	    ln_text(slot->type[0] != '\0' ? slot->type : NULL), ln_int(slot->size), ln_int(now),
	    ln_int(now + PUT_MS), ln_text(slot->owner), ln_int(now - DAY_MS),
	    ln_int(room_for(conf->daily, slot->size)), ln_text(conf->host),
	    ln_int(room_for(conf->quota, slot->size)));
}

/* --- asked for a slot ----------------------------------------------------------------------------- */

/* The last part of what looks like a path; NULL: nobody calls a file that. */
static const char *
plain_name(const char *name)
{
	const char *slash = name != NULL ? strrchr(name, '/') : NULL;

	if (slash != NULL)
		name = slash + 1;
	if (name == NULL || *name == '\0' || strlen(name) > NAME_LEN_MAX ||
	    strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return NULL;
	for (const char *c = name; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f || *c == '\\')
			return NULL;
	return name;
}

static bool
is_type(const char *type)
{
	const char *slash = strchr(type, '/');

	if (slash == NULL || slash == type || slash[1] == '\0' || strlen(type) > TYPE_LEN_MAX)
		return false;
	for (; *type != '\0'; type++)
		if ((unsigned char)*type < ' ' || (unsigned char)*type >= 0x7f)
			return false;
	return true;
}

static bool
read_size(const char *text, int64_t *size_r)
{
	*size_r = 0;
	if (text == NULL || *text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9' || *size_r > (INT64_MAX - 9) / 10)
			return false;
		*size_r = *size_r * 10 + (*text - '0');
	}
	return *size_r > 0;
}

static bool
is_refused(const struct upload_conf *conf, const char *name)
{
	const char *ending = strrchr(name, '.');

	for (size_t i = 0; ending != NULL && i < conf->refuse.count; i++)
		if (strcasecmp(ending + 1, ln_list_text(&conf->refuse, i)) == 0)
			return true;
	return false;
}

/* XEP-0363 §5. */
static enum ln_verdict
refuse_size(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	const struct upload_conf *conf = ln_conf(mod);
	struct ln_stanza *reply;
	struct ln_elem *elem;
	char text[100];

	snprintf(text, sizeof text, "A file has at most %lld bytes here.",
	    (long long)conf->max_size);
	reply = ln_error_reply(ev->stanza, LN_ERR_NOT_ACCEPTABLE, LN_ETYPE_MODIFY, text);
	ln_count(mod, REFUSED);
	if (reply == NULL)
		return LN_DONE;
	elem = ln_elem_add(ln_error_elem(reply), "file-too-large", NS_UPLOAD);
	ln_add_textf(elem, "max-file-size", "%lld", (long long)conf->max_size);
	return ln_answer(ev, reply);
}

static enum ln_verdict
upload_request(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	const struct upload_conf *conf = ln_conf(mod);
	const struct ln_jid *who = ln_from(ev->stanza);
	const char *name = plain_name(ln_elem_attr(ev->query, "filename"));
	const char *type = ln_elem_attr(ev->query, "content-type");
	struct slot *slot;
	int64_t size;

	if (who == NULL || !ln_jid_has_local(who) || !ln_host_has(ev->host, who))
		return ln_refuse_as(ev->stanza, LN_ERR_FORBIDDEN, LN_ETYPE_AUTH,
		    "This is for accounts of the server.");
	if (name == NULL || !read_size(ln_elem_attr(ev->query, "size"), &size))
		return ln_refuse(ev->stanza, LN_ERR_BAD_REQUEST,
		    "A slot is for a file name and a size.");
	if (type != NULL && !is_type(type))
		return ln_refuse(ev->stanza, LN_ERR_BAD_REQUEST, "That is no content type.");
	if (is_refused(conf, name))
		return ln_refuse_as(ev->stanza, LN_ERR_NOT_ACCEPTABLE, LN_ETYPE_CANCEL,
		    "Files of that kind are not taken.");
	if (size > conf->max_size)
		return refuse_size(mod, ev);
	slot = calloc(1, sizeof *slot);
	if (slot == NULL)
		abort();
	slot->size = size;
	snprintf(slot->name, sizeof slot->name, "%s", name);
	snprintf(slot->type, sizeof slot->type, "%s", type != NULL ? type : "");
	snprintf(slot->owner, sizeof slot->owner, "%.*s", (int)ln_jid_bare_len(who), who->full);
	ln_later(ev, mod, &slot->token);
	store_slot(mod, slot);
	return LN_DONE;
}

static void
upload_info(const struct ln_mod *mod, struct ln_ev_disco *ev)
{
	const struct upload_conf *conf = ln_conf(mod);
	struct ln_elem *form;
	char size[24];

	if (ev->node != NULL || ev->host != ln_mod_host(mod))
		return;
	snprintf(size, sizeof size, "%lld", (long long)conf->max_size);
	form = ln_form_add(ev->query, "result", NS_UPLOAD);
	ln_form_value(ln_form_field(form, "max-file-size", NULL, NULL), size);
}

/* --- expiry ------------------------------------------------------------------------------------------ */

static const struct ln_sql sql_expired = {
	"DELETE FROM http_upload_file WHERE id IN (SELECT id FROM http_upload_file"
	" WHERE host = ? AND expires <= ? LIMIT ?) RETURNING id"
};

/* A row that goes first leaves at worst a file that nobody can ask for. */
static unsigned
delete_files(const struct ln_row *row)
{
	unsigned count = 0;
	char path[FILE_PATH_MAX];

	for (; row != NULL; row = ln_row_next(row), count++) {
		ln_http_delete_file(upload_file(ln_row_text(row, 0), path));
		/* an upload that a crash broke off */
		strncat(path, ".part", sizeof path - strlen(path) - 1);
		ln_http_delete_file(path);
	}
	return count;
}

static void
swept(const struct ln_mod *mod, bool ok, const struct ln_row *row, void *arg)
{
	unsigned count = delete_files(row);

	(void)ok;
	(void)arg;
	for (unsigned i = 0; mod != NULL && i < count; i++)
		ln_count(mod, EXPIRED);
}

static void
sweep(const struct ln_mod *mod)
{
	const struct upload_conf *conf = ln_conf(mod);

	ln_store_then(mod, swept, NULL, &sql_expired, ln_text(conf->host), ln_int(ln_wall()),
	    ln_int(SWEEP_MAX));
}

/* --- commands ------------------------------------------------------------------------------------------ */

static const struct ln_sql sql_list = {
	"SELECT id, owner, name, type, size, created, expires FROM http_upload_file"
	" WHERE host = ? AND stored = 1 AND (? = '' OR owner = ?) ORDER BY created DESC LIMIT ?"
};
static const struct ln_sql sql_delete = {
	"DELETE FROM http_upload_file WHERE host = ? AND (id = ? OR owner = ?) RETURNING id"
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
	ln_call_columns(call, "id", "owner", "name", "type", "size", "created", "expires", NULL);
	for (; row != NULL; row = ln_row_next(row)) {
		for (unsigned c = 0; c < 4; c++)
			ln_call_cell(call, ln_row_text(row, c));
		ln_call_cell_size(call, ln_row_int(row, 4));
		ln_call_cell_stamp(call, ln_row_int(row, 5));
		if (ln_row_int(row, 6) == INT64_MAX)
			ln_call_cell(call, NULL);
		else
			ln_call_cell_stamp(call, ln_row_int(row, 6));
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
	unsigned count = delete_files(row);

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

static const struct ln_command commands[] = { { "upload list", "List uploaded files.",
						  LN_ROLE_ADMIN, LN_HOME_MAIN, list_args,
						  upload_list, NULL, NULL },
	{ "upload delete", "Delete uploaded files.", LN_ROLE_ADMIN, LN_HOME_MAIN, delete_args,
	    upload_delete, NULL, NULL },
	{ "upload stats", "Tell who has how many files.", LN_ROLE_ADMIN, LN_HOME_MAIN, stats_args,
	    upload_stats, NULL, NULL },
	LN_COMMAND_END };

/* --- the module ------------------------------------------------------------------------------------------ */

static const char *
upload_domain(const void *conf)
{
	return ((const struct upload_conf *)conf)->host;
}

static void
upload_check(const void *conf, struct ln_check *check)
{
	const struct upload_conf *upload = conf;
	size_t len = strlen(upload->url);

	if (strncmp(upload->url, "https://", 8) != 0 && strncmp(upload->url, "http://", 7) != 0)
		ln_check_error(check, "url", "`%s` is no address of HTTP", upload->url);
	else if (len > 1000 || upload->url[len - 1] == '/')
		ln_check_error(check, "url", "at most 1,000 bytes, without a slash at the end");
}

static const struct ln_hook hooks[] = { LN_ON(disco_info, LN_PRIO_DEFAULT, upload_info),
	LN_HOOK_END };

static const struct ln_iq_handler iq_handlers[] = {
	{ LN_IQ_GET, LN_TO_HOST, NS_UPLOAD, "request", upload_request, true }, LN_IQ_END
};

static const struct ln_identity identities[] = { { "store", "file", "HTTP File Upload" },
	{ NULL, NULL, NULL } };

LN_MODULE(http_upload, .summary = "XEP-0363: HTTP File Upload", .scope = LN_SCOPE_COMPONENT,
    .domain = upload_domain, .conf_size = sizeof(struct upload_conf), .options = options,
    .check = upload_check, .hooks = hooks, .iq_handlers = iq_handlers,
    .features = LN_FEATURES(NS_UPLOAD), .identities = identities, .tables = tables,
    .metrics = metrics, .commands = commands, .routes = upload_routes, .every_ms = 60 * 1000,
    .every = sweep, .start = upload_start, );
