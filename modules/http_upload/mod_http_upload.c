/*
 * mod_http_upload - files by HTTP (XEP-0363): what is declared, and how files go:
 * when their time is over, and with their owner. See upload.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "upload.h"

#include <linnet/account.h>
#include <linnet/form.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SWEEP_MAX 1000 /* files deleted at a time */

const char *const purpose_names[] = { "message", "profile", "ephemeral", "permanent" };

static const struct ln_option profile_rows[] = { LN_OPTION_SIZE(profile_conf, max_size, 5 << 20, 1,
						     INT64_C(1) << 40, "The longest file."),
	LN_OPTION_SIZE(profile_conf, quota, 25 << 20, 0, INT64_C(1) << 50,
	    "What one account may have of them: above that the oldest go; 0: none are taken."),
	LN_OPTION_DURATION(profile_conf, keep, LN_OFF, 60 * 1000, 3650 * DAY_MS,
	    "How long they are kept; off: for good.", .flags = LN_MAY_BE_OFF),
	LN_OPTION_END };

static const struct ln_option permanent_rows[] = { LN_OPTION_SIZE(permanent_conf, max_size,
						       100 << 20, 1, INT64_C(1) << 40,
						       "The longest file."),
	LN_OPTION_SIZE(permanent_conf, quota, 0, 0, INT64_C(1) << 50,
	    "What one account may keep for good; 0: nothing."),
	LN_OPTION_END };

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
	    "How long a file of a message is kept; off: for good.", .flags = LN_MAY_BE_OFF),
	LN_STRUCT(upload_conf, profile, profile_conf, profile_rows,
	    "Avatars and the like, which are smaller and stay."),
	LN_STRUCT(upload_conf, permanent, permanent_conf, permanent_rows,
	    "Pictures of posts and the like, which stay for good."),
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
	"ALTER TABLE http_upload_file ADD COLUMN purpose TEXT NOT NULL DEFAULT 'message';"
	"ALTER TABLE http_upload_file ADD COLUMN latest INTEGER NOT NULL"
	" DEFAULT 9223372036854775807;",
	NULL
};
static const struct ln_table tables[] = { LN_TABLE("file", file_steps), LN_TABLE_END };

static const struct ln_metric metrics[] = { [SLOTS] = { "slots_total", "Slots given." },
	[REFUSED] = { "refused_total", "Slots refused by a size or a quota." },
	[EXPIRED] = { "expired_total", "Files and slots deleted because their time was over." },
	LN_METRIC_END };

/* --- files -------------------------------------------------------------------------------------- */

const char upload_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

bool
upload_is_id(const char *text, size_t len)
{
	return len == ID_LEN && strspn(text, upload_digits) >= len;
}

const char *
upload_file(const char *id, char path[FILE_PATH_MAX])
{
	snprintf(path, FILE_PATH_MAX, "%s/http_upload/%c/%s", ln_data(), id[0], id);
	return path;
}

enum purpose
upload_purpose(const char *name)
{
	int i = 0;

	while (i < PURPOSES && strcmp(purpose_names[i], name) != 0)
		i++;
	return (enum purpose)i;
}

int64_t
upload_max_size(const struct upload_conf *conf, enum purpose purpose)
{
	if (purpose == PROFILE)
		return conf->profile.quota > 0 ? conf->profile.max_size : 0;
	if (purpose == PERMANENT)
		return conf->permanent.quota > 0 ? conf->permanent.max_size : 0;
	return conf->max_size;
}

int64_t
upload_end(const struct upload_conf *conf, enum purpose purpose, int64_t latest)
{
	int64_t keep = purpose == PERMANENT ? LN_OFF
	    : purpose == PROFILE            ? ln_ms(conf->profile.keep)
					    : ln_ms(conf->keep);
	int64_t end = keep >= LN_OFF ? INT64_MAX : ln_wall() + keep;

	return end < latest ? end : latest;
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
	for (size_t i = 0; upload_digits[i] != '\0'; i++) {
		snprintf(path, sizeof path, "%s/http_upload/%c", ln_data(), upload_digits[i]);
		if (!make_folder(path, message, room))
			return false;
	}
	return true;
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
	for (int i = 0; i < PURPOSES; i++)
		if (upload_max_size(conf, (enum purpose)i) > 0)
			ln_set_attrf(ln_elem_add(ev->query, "feature", NS_DISCO_INFO), "var",
			    NS_PURPOSE "#%s", purpose_names[i]);
	form = ln_form_add(ev->query, "result", NS_UPLOAD);
	ln_form_value(ln_form_field(form, "max-file-size", NULL, NULL), size);
}

/* --- the end of files --------------------------------------------------------------------------------- */

static const struct ln_sql sql_expired = { "SELECT id FROM http_upload_file"
					   " WHERE host = ? AND expires <= ? LIMIT ?" };
static const struct ln_sql sql_forget = { "DELETE FROM http_upload_file WHERE id = ?" };
static const struct ln_sql sql_gone = { "UPDATE http_upload_file SET " UPLOAD_GONE
					" WHERE host = ? AND owner = ? RETURNING id" };

unsigned
upload_delete_files(const struct ln_row *row)
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
	(void)arg;
	if (mod == NULL || !ok)
		return;
	upload_delete_files(row);
	for (; row != NULL; row = ln_row_next(row)) {
		ln_store(mod, &sql_forget, ln_text(ln_row_text(row, 0)));
		ln_count(mod, EXPIRED);
	}
}

static void
sweep(const struct ln_mod *mod)
{
	const struct upload_conf *conf = ln_conf(mod);

	ln_query(mod, swept, NULL, &sql_expired, ln_text(conf->host), ln_int(ln_wall()),
	    ln_int(SWEEP_MAX));
}

static void
owner_gone(const struct ln_mod *mod, bool ok, const struct ln_row *row, void *arg)
{
	(void)mod;
	(void)ok;
	(void)arg;
	upload_delete_files(row);
}

static void
account_deleted(const struct ln_mod *mod, struct ln_ev_account_deleted *ev)
{
	const struct upload_conf *conf = ln_conf(mod);

	ln_store_then(mod, owner_gone, NULL, &sql_gone, ln_text(conf->host),
	    ln_text(ln_account_jid(ev->account)->full));
}

/* --- the module ------------------------------------------------------------------------------------------ */

static const char *
upload_domain(const void *conf)
{
	return ((const struct upload_conf *)conf)->host;
}

static void
check_purpose(int64_t max_size, int64_t quota, const char *name, struct ln_check *check)
{
	if (quota > 0 && max_size > quota)
		ln_check_error(check, name, "a file of `max-size` is more than the `quota` allows");
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
	check_purpose(upload->profile.max_size, upload->profile.quota, "profile", check);
	check_purpose(upload->permanent.max_size, upload->permanent.quota, "permanent", check);
}

static const struct ln_hook hooks[] = { LN_ON(disco_info, LN_PRIO_DEFAULT, upload_info),
	LN_ON(account_deleted, LN_PRIO_DEFAULT, account_deleted), LN_HOOK_END };

static const struct ln_iq_handler iq_handlers[] = {
	{ LN_IQ_GET, LN_TO_HOST, NS_UPLOAD, "request", upload_request, true }, LN_IQ_END
};

static const struct ln_identity identities[] = { { "store", "file", "HTTP File Upload" },
	{ NULL, NULL, NULL } };

LN_MODULE(http_upload, .summary = "XEP-0363: HTTP File Upload", .scope = LN_SCOPE_COMPONENT,
    .domain = upload_domain, .conf_size = sizeof(struct upload_conf), .options = options,
    .check = upload_check, .hooks = hooks, .iq_handlers = iq_handlers,
    .features = LN_FEATURES(NS_UPLOAD), .identities = identities, .tables = tables,
    .metrics = metrics, .commands = upload_commands, .routes = upload_routes, .every_ms = 60 * 1000,
    .every = sweep, .start = upload_start, );
