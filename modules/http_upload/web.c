/*
 * The HTTP side: PUT once into a slot, GET as often as one likes.
 *
 * A request is looked up in the table before anything else, and its client may
 * leave at any time: `visit.http` is then NULL, and what was asked is dropped
 * when it comes.
 *
 * SPDX-License-Identifier: MIT
 */
#include "upload.h"

#include <linnet/credentials.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct visit {
	struct ln_http *http;     /* NULL: the client has left */
	const struct ln_mod *mod; /* the request's; as long as there is `http` */
	unsigned pending;         /* answers of the store that will come */
	char id[ID_LEN + 1];
	char key[KEY_LEN + 1];
	enum purpose purpose;
	int64_t latest; /* when the file has to be gone */
};

static const struct ln_sql sql_file = { "SELECT name, type, expires FROM http_upload_file"
					" WHERE id = ? AND stored = 1" };
static const struct ln_sql sql_slot = {
	"SELECT key, size, type, created, purpose, latest FROM http_upload_file WHERE id = ? AND stored = 0"
};
static const struct ln_sql sql_stored = {
	"UPDATE http_upload_file SET stored = 1, expires = ? WHERE id = ? AND expires > 0"
	" RETURNING owner"
};
/* Of an owner's profile the oldest go, as many as are above his quota. */
static const struct ln_sql sql_trim = {
	"UPDATE http_upload_file SET " UPLOAD_GONE " WHERE id IN (SELECT id FROM (SELECT id,"
	"  SUM(size) OVER (ORDER BY created DESC, id) AS total FROM http_upload_file"
	"  WHERE host = ? AND owner = ? AND purpose = 'profile' AND stored = 1) AS newest"
	" WHERE total > ?) RETURNING id"
};

static void
set_common_headers(struct ln_http *http)
{
	ln_http_set(http, "Access-Control-Allow-Origin", "*");
	ln_http_set(http, "X-Content-Type-Options", "nosniff");
}

static void
fail(struct ln_http *http, unsigned status, const char *text)
{
	set_common_headers(http);
	ln_http_fail(http, status, text);
}

/* --- a visit ---------------------------------------------------------------------------------- */

static void
visit_gone(void *arg)
{
	struct visit *visit = arg;

	visit->http = NULL;
	if (visit->pending == 0)
		free(visit);
}

/* The answer was given, or nobody waits for it. */
static void
visit_end(struct visit *visit)
{
	if (visit->pending == 0)
		free(visit);
}

/* "/upload/ID/NAME": the name is for people. */
static struct visit *
visit_new(const struct ln_mod *mod, struct ln_http *http)
{
	const char *id = ln_http_path(http) + strlen(UPLOAD_PATH);
	size_t len = strcspn(id, "/");
	struct visit *visit;

	if (!upload_is_id(id, len)) {
		fail(http, 404, "There is no such file.");
		return NULL;
	}
	visit = calloc(1, sizeof *visit);
	if (visit == NULL)
		abort();
	visit->http = http;
	visit->mod = mod;
	memcpy(visit->id, id, len);
	ln_http_on_gone(http, visit_gone, visit);
	return visit;
}

/* An answer of the store: false if there is nobody to tell. */
static bool
visit_goes_on(struct visit *visit, const struct ln_mod *mod, bool ok)
{
	visit->pending--;
	if (visit->http == NULL) {
		visit_end(visit);
		return false;
	}
	if (mod != NULL && ok)
		return true;
	fail(visit->http, 503, "Try again later.");
	visit_end(visit);
	return false;
}

static void
refuse(struct visit *visit, unsigned status, const char *text)
{
	fail(visit->http, status, text);
	visit_end(visit);
}

/* --- GET -------------------------------------------------------------------------------------- */

/* What a browser may show in place: nothing of it can run a script. */
static bool
may_be_shown(const char *type)
{
	static const char *const shown[] = { "image/png", "image/jpeg", "image/gif", "image/webp",
		"image/avif", "image/heic", "audio/", "video/", "text/plain" };

	for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
		if (strncasecmp(type, shown[i], strlen(shown[i])) == 0)
			return true;
	return false;
}

/* RFC 6266, RFC 8187: the name, percent-encoded. */
static void
set_disposition(struct ln_http *http, const char *type, const char *name)
{
	char text[1024];
	size_t len = (size_t)snprintf(text, sizeof text, "%s; filename*=UTF-8''",
	    may_be_shown(type) ? "inline" : "attachment");

	for (; *name != '\0' && len + 4 < sizeof text; name++) {
		unsigned char c = (unsigned char)*name;
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';

		len += (size_t)snprintf(text + len, sizeof text - len, plain ? "%c" : "%%%02X", c);
	}
	ln_http_set(http, "Content-Disposition", text);
}

/* A day, but not longer than the file is there. */
static void
set_caching(struct ln_http *http, int64_t expires)
{
	int64_t left = expires - ln_wall();
	char text[64];

	snprintf(text, sizeof text, "private, max-age=%lld, immutable",
	    (long long)(left < DAY_MS ? left : DAY_MS) / 1000);
	ln_http_set(http, "Cache-Control", text);
}

static void
found_file(const struct ln_mod *mod, bool ok, const struct ln_row *row, void *arg)
{
	struct visit *visit = arg;
	const char *type;
	char path[FILE_PATH_MAX];

	if (!visit_goes_on(visit, mod, ok))
		return;
	if (row == NULL || ln_row_int(row, 2) <= ln_wall()) {
		refuse(visit, 404, "There is no such file.");
		return;
	}
	type = ln_row_text(row, 1);
	type = type != NULL ? type : "application/octet-stream";
	set_common_headers(visit->http);
	ln_http_set(visit->http, "Content-Security-Policy",
	    "default-src 'none'; frame-ancestors 'none'; sandbox");
	set_caching(visit->http, ln_row_int(row, 2));
	set_disposition(visit->http, type, ln_row_text(row, 0));
	ln_http_on_gone(visit->http, NULL, NULL);
	ln_http_send_file(visit->http, upload_file(visit->id, path), type);
	visit_end(visit);
}

static void
get_file(const struct ln_mod *mod, struct ln_http *http)
{
	struct visit *visit = visit_new(mod, http);

	if (visit == NULL)
		return;
	visit->pending++;
	ln_query(mod, found_file, visit, &sql_file, ln_text(visit->id));
}

/* --- PUT -------------------------------------------------------------------------------------- */

static void
say_created(struct visit *visit)
{
	set_common_headers(visit->http);
	ln_http_reply(visit->http, 201, NULL, NULL, 0);
	visit_end(visit);
}

/* The new file is there whether or not old ones could go. */
static void
was_trimmed(const struct ln_mod *mod, bool ok, const struct ln_row *row, void *arg)
{
	struct visit *visit = arg;

	(void)mod;
	(void)ok;
	upload_delete_files(row);
	visit->pending--;
	if (visit->http != NULL)
		say_created(visit);
	else
		visit_end(visit);
}

static void
trim(const struct ln_mod *mod, struct visit *visit, const char *owner)
{
	const struct upload_conf *conf = ln_conf(mod);

	visit->pending++;
	ln_store_then(mod, was_trimmed, visit, &sql_trim, ln_text(conf->host), ln_text(owner),
	    ln_int(conf->profile.quota));
}

static void
was_recorded(const struct ln_mod *mod, bool ok, const struct ln_row *row, void *arg)
{
	struct visit *visit = arg;
	bool trims = mod != NULL && ok && row != NULL && visit->purpose == PROFILE;
	char path[FILE_PATH_MAX];

	if (ok && row == NULL) /* its slot was taken away meanwhile */
		ln_http_delete_file(upload_file(visit->id, path));
	if (trims)
		trim(mod, visit, ln_row_text(row, 0));
	if (!visit_goes_on(visit, mod, ok) || trims)
		return;
	if (row == NULL)
		refuse(visit, 404, "There is no such slot.");
	else
		say_created(visit);
}

static void
was_saved(struct ln_http *http, enum ln_http_body how, void *arg)
{
	struct visit *visit = arg;
	const struct ln_mod *mod = visit->mod;
	const struct upload_conf *conf = ln_conf(mod);

	(void)http;

	switch (how) {
	case LN_HTTP_BODY_DONE:
		visit->pending++;
		ln_store_then(mod, was_recorded, visit, &sql_stored,
		    ln_int(upload_end(conf, visit->purpose, visit->latest)), ln_text(visit->id));
		return;
	case LN_HTTP_BODY_EXISTS:
		refuse(visit, 409, "It was put already.");
		return;
	case LN_HTTP_BODY_NO_SPACE:
		ln_log(mod, LN_LOG_ERROR, "no room on the disk for uploads");
		refuse(visit, 507, "The disk is full.");
		return;
	case LN_HTTP_BODY_BUSY:
		refuse(visit, 503, "The server is busy.");
		return;
	case LN_HTTP_BODY_TOO_LONG:
		refuse(visit, 413, "That is more than the slot was given for.");
		return;
	default:
		refuse(visit, 500, "It could not be stored.");
		return;
	}
}

static bool
same_type(const char *given, const char *promised)
{
	size_t len = strcspn(given, ";"), promised_len = strcspn(promised, ";");

	while (len > 0 && given[len - 1] == ' ')
		len--;
	return len == promised_len && strncasecmp(given, promised, len) == 0;
}

/* 0: it may be put; else why not (XEP-0363 §6). */
static unsigned
check_slot(const struct visit *visit, const struct ln_row *row, const char **text_r)
{
	const char *type = ln_http_header(visit->http, "content-type");
	const char *promised;

	*text_r = "There is no such slot.";
	if (row == NULL || !ln_equal(ln_row_text(row, 0), visit->key, KEY_LEN))
		return 403;
	if (ln_row_int(row, 3) + SLOT_MS < ln_wall()) {
		*text_r = "The slot has expired; ask for another.";
		return 403;
	}
	if (ln_http_length(visit->http) < 0) {
		*text_r = "Say how long it is.";
		return 411;
	}
	*text_r = "Its size is not what the slot was given for.";
	if (ln_http_length(visit->http) != ln_row_int(row, 1))
		return ln_http_length(visit->http) > ln_row_int(row, 1) ? 413 : 400;
	*text_r = "Its type is not what the slot was given for.";
	promised = ln_row_text(row, 2);
	return type != NULL && promised != NULL && !same_type(type, promised) ? 415 : 0;
}

static void
found_slot(const struct ln_mod *mod, bool ok, const struct ln_row *row, void *arg)
{
	struct visit *visit = arg;
	const struct upload_conf *conf;
	char path[FILE_PATH_MAX];
	const char *text;
	unsigned status;

	if (!visit_goes_on(visit, mod, ok))
		return;
	status = check_slot(visit, row, &text);
	if (status != 0) {
		refuse(visit, status, text);
		return;
	}
	conf = ln_conf(mod);
	visit->purpose = upload_purpose(ln_row_text(row, 4));
	visit->latest = ln_row_int(row, 5);
	ln_http_save_body(visit->http, upload_file(visit->id, path), (uint64_t)ln_row_int(row, 1),
	    (uint64_t)conf->keep_free, was_saved, visit);
}

static void
put_file(const struct ln_mod *mod, struct ln_http *http)
{
	const char *query = ln_http_query(http);
	struct visit *visit;

	if (query == NULL || strncmp(query, "k=", 2) != 0 ||
	    !upload_is_id(query + 2, strlen(query + 2))) {
		fail(http, 403, "Ask for a slot first.");
		return;
	}
	visit = visit_new(mod, http);
	if (visit == NULL)
		return;
	memcpy(visit->key, query + 2, KEY_LEN);
	visit->pending++;
	ln_query(mod, found_slot, visit, &sql_slot, ln_text(visit->id));
}

/* --- others ----------------------------------------------------------------------------------- */

/* CORS: what a page of another origin asks before it puts. */
static void
ask_before(const struct ln_mod *mod, struct ln_http *http)
{
	(void)mod;
	set_common_headers(http);
	ln_http_set(http, "Access-Control-Allow-Methods", "OPTIONS, HEAD, GET, PUT");
	ln_http_set(http, "Access-Control-Allow-Headers", "Authorization, Content-Type");
	ln_http_set(http, "Access-Control-Max-Age", "7200");
	ln_http_reply(http, 204, NULL, NULL, 0);
}

const struct ln_http_route upload_routes[] = {
	{ LN_HTTP_GET | LN_HTTP_HEAD, UPLOAD_PATH, get_file },
	{ LN_HTTP_PUT, UPLOAD_PATH, put_file },
	{ LN_HTTP_OPTIONS, UPLOAD_PATH, ask_before },
	LN_HTTP_END,
};
