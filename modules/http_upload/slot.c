/*
 * Slots: who may have one, for what. Quotas are sums, checked in the statement
 * that makes the row, and hold across a restart.
 *
 * SPDX-License-Identifier: MIT
 */
#include "upload.h"

#include <linnet/credentials.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_LEN_MAX 255
#define TYPE_LEN_MAX 127
#define URL_MAX 4096

struct slot {
	struct ln_token *token;
	char id[ID_LEN + 1], key[KEY_LEN + 1];
	enum purpose purpose;
	int64_t size;
	int64_t latest; /* ephemeral: when it has to be gone; else INT64_MAX */
	char name[NAME_LEN_MAX + 1];
	char type[TYPE_LEN_MAX + 1]; /* "": not said */
	char owner[OWNER_MAX];
};

/* One row, if the owner's day, what he keeps for good, and the host's quota have room for it. */
static const struct ln_sql sql_slot = {
	"INSERT INTO http_upload_file"
	" (id, key, host, owner, name, type, size, created, expires, stored, purpose, latest)"
	" SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?"
	" WHERE (SELECT COALESCE(SUM(size), 0) FROM http_upload_file"
	"  WHERE owner = ? AND created > ?) <= ?"
	" AND (SELECT COALESCE(SUM(size), 0) FROM http_upload_file WHERE host = ?) <= ?"
	" AND (SELECT COALESCE(SUM(size), 0) FROM http_upload_file"
	"  WHERE owner = ? AND purpose = 'permanent') <= ?"
	" RETURNING id"
};
static const struct ln_sql sql_used = {
	"SELECT COALESCE(SUM(CASE WHEN created > ? THEN size END), 0),"
	" MIN(CASE WHEN created > ? THEN created END),"
	" COALESCE(SUM(CASE WHEN purpose = 'permanent' THEN size END), 0)"
	" FROM http_upload_file WHERE owner = ?"
};

/* Six bits a character. */
static void
make_id(char id[ID_LEN + 1])
{
	unsigned char bytes[ID_LEN];

	ln_random(bytes, sizeof bytes);
	for (size_t i = 0; i < ID_LEN; i++)
		id[i] = upload_digits[bytes[i] & 63];
	id[ID_LEN] = '\0';
}

static void
add_encoded(char *url, size_t room, const char *name)
{
	size_t len = strlen(url);

	for (; *name != '\0' && len + 4 < room; name++)
		len += (size_t)snprintf(url + len, room - len,
		    strchr(upload_digits, *name) != NULL || *name == '.' ? "%c" : "%%%02X",
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

static struct ln_stanza *
quota_error(const struct slot *slot, const char *text)
{
	return ln_error_reply(ln_token_request(slot->token), LN_ERR_RESOURCE_CONSTRAINT,
	    LN_ETYPE_WAIT, text);
}

/* XEP-0363 §6: with the time at which some of the day's bytes are free again. */
static struct ln_stanza *
daily_error(const struct upload_conf *conf, const struct slot *slot, int64_t oldest)
{
	char text[120], stamp[LN_DATETIME_MAX];
	struct ln_stanza *reply;

	snprintf(text, sizeof text, "Quota reached. You can upload at most %lld bytes in 24 hours.",
	    (long long)conf->daily);
	reply = quota_error(slot, text);
	ln_set_attr(ln_elem_add(ln_error_elem(reply), "retry", NS_UPLOAD), "stamp",
	    ln_datetime((oldest > 0 ? oldest : ln_wall()) + DAY_MS, stamp));
	return reply;
}

static bool
keeps_too_much(const struct upload_conf *conf, const struct slot *slot, int64_t kept)
{
	return slot->purpose == PERMANENT && kept + slot->size > conf->permanent.quota;
}

static void
refuse_quota(const struct ln_mod *mod, bool ok, const struct ln_row *row, void *arg)
{
	struct slot *slot = arg;
	const struct upload_conf *conf = mod != NULL ? ln_conf(mod) : NULL;
	struct ln_stanza *reply;

	if (!ok || row == NULL || conf == NULL)
		reply = quota_error(slot, NULL);
	else if (ln_row_int(row, 0) + slot->size > conf->daily)
		reply = daily_error(conf, slot, ln_row_int(row, 1));
	else if (keeps_too_much(conf, slot, ln_row_int(row, 2)))
		reply =
		    quota_error(slot, "Quota reached. That is more than you may keep for good.");
	else
		reply = quota_error(slot, "The service is full.");
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
		ln_query(mod, refuse_quota, slot, &sql_used, ln_int(ln_wall() - DAY_MS),
		    ln_int(ln_wall() - DAY_MS), ln_text(slot->owner));
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
	    ln_int(now + PUT_MS), ln_text(purpose_names[slot->purpose]), ln_int(slot->latest),
	    ln_text(slot->owner), ln_int(now - DAY_MS), ln_int(room_for(conf->daily, slot->size)),
	    ln_text(conf->host), ln_int(room_for(conf->quota, slot->size)), ln_text(slot->owner),
	    ln_int(slot->purpose == PERMANENT ? room_for(conf->permanent.quota, slot->size)
					      : INT64_MAX));
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

/* XEP-0363 §6. */
static enum ln_verdict
refuse_size(const struct ln_mod *mod, struct ln_ev_iq *ev, int64_t max)
{
	struct ln_stanza *reply;
	struct ln_elem *elem;
	char text[100];

	snprintf(text, sizeof text, "File too large. The maximum file size is %lld bytes",
	    (long long)max);
	reply = ln_error_reply(ev->stanza, LN_ERR_NOT_ACCEPTABLE, LN_ETYPE_MODIFY, text);
	ln_count(mod, REFUSED);
	if (reply == NULL)
		return LN_DONE;
	elem = ln_elem_add(ln_error_elem(reply), "file-too-large", NS_UPLOAD);
	ln_add_textf(elem, "max-file-size", "%lld", (long long)max);
	return ln_answer(ev, reply);
}

/* What is asked for, checked one after the other; the first that is wrong is answered. */
struct wish {
	const char *name, *type;
	int64_t size, latest;
	enum purpose purpose;
};

static enum ln_verdict
read_file(const struct ln_mod *mod, struct ln_ev_iq *ev, struct wish *wish)
{
	wish->name = plain_name(ln_elem_attr(ev->query, "filename"));
	wish->type = ln_elem_attr(ev->query, "content-type");
	if (wish->name == NULL || !read_size(ln_elem_attr(ev->query, "size"), &wish->size))
		return ln_refuse(ev->stanza, LN_ERR_BAD_REQUEST,
		    "A slot is for a file name and a size.");
	if (wish->type != NULL && !is_type(wish->type))
		return ln_refuse(ev->stanza, LN_ERR_BAD_REQUEST, "That is no content type.");
	if (is_refused(ln_conf(mod), wish->name))
		return ln_refuse_as(ev->stanza, LN_ERR_NOT_ACCEPTABLE, LN_ETYPE_CANCEL,
		    "Files of that kind are not taken.");
	return LN_PASS;
}

/* XEP-0363 §5: one, or none, which stands for `message`. */
static enum ln_verdict
read_purpose(const struct ln_mod *mod, struct ln_ev_iq *ev, struct wish *wish)
{
	const struct ln_elem *elem = ln_elem_child(ev->query, NULL, NS_PURPOSE);

	wish->purpose = MESSAGE;
	wish->latest = INT64_MAX;
	if (elem == NULL)
		return LN_PASS;
	if (ln_elem_next_is(elem, NULL, NS_PURPOSE) != NULL)
		return ln_refuse(ev->stanza, LN_ERR_BAD_REQUEST, "A file has one purpose.");
	wish->purpose = upload_purpose(ln_elem_name(elem));
	if (wish->purpose == PURPOSES || upload_max_size(ln_conf(mod), wish->purpose) == 0)
		return ln_refuse(ev->stanza, LN_ERR_FEATURE_NOT_IMPLEMENTED,
		    "Files for that purpose are not taken.");
	if (wish->purpose != EPHEMERAL)
		return LN_PASS;
	wish->latest = ln_datetime_read(ln_elem_attr(elem, "expire-before"));
	if (wish->latest < 0)
		return ln_refuse(ev->stanza, LN_ERR_BAD_REQUEST, "When has it to be gone?");
	if (wish->latest <= ln_wall())
		return ln_refuse(ev->stanza, LN_ERR_NOT_ACCEPTABLE, "Its time is over already.");
	return LN_PASS;
}

static struct slot *
slot_new(const struct wish *wish, const struct ln_jid *who)
{
	struct slot *slot = calloc(1, sizeof *slot);

	if (slot == NULL)
		abort();
	slot->purpose = wish->purpose;
	slot->size = wish->size;
	slot->latest = wish->latest;
	snprintf(slot->name, sizeof slot->name, "%s", wish->name);
	snprintf(slot->type, sizeof slot->type, "%s", wish->type != NULL ? wish->type : "");
	snprintf(slot->owner, sizeof slot->owner, "%.*s", (int)ln_jid_bare_len(who), who->full);
	return slot;
}

enum ln_verdict
upload_request(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	const struct ln_jid *who = ln_from(ev->stanza);
	struct slot *slot;
	struct wish wish = { 0 };
	int64_t max;

	if (who == NULL || !ln_jid_has_local(who) || !ln_host_has(ev->host, who))
		return ln_refuse_as(ev->stanza, LN_ERR_FORBIDDEN, LN_ETYPE_AUTH,
		    "This is for accounts of the server.");
	if (read_file(mod, ev, &wish) != LN_PASS || read_purpose(mod, ev, &wish) != LN_PASS)
		return LN_DONE;
	max = upload_max_size(ln_conf(mod), wish.purpose);
	if (wish.size > max)
		return refuse_size(mod, ev, max);
	slot = slot_new(&wish, who);
	ln_later(ev, mod, &slot->token);
	store_slot(mod, slot);
	return LN_DONE;
}
