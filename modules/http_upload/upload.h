/*
 * What the parts of mod_http_upload share: slots given over XMPP (slot.c), files
 * put and fetched over HTTP (web.c), verbs (verbs.c).
 *
 * A slot is a row; the file's row is the same one, `stored`. A row whose time is over
 * goes when its file is gone, so that a crash leaves no file behind.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef UPLOAD_H
#define UPLOAD_H

#include <linnet/http.h>
#include <linnet/module.h>
#include <linnet/table.h>

#define NS_UPLOAD "urn:xmpp:http:upload:0"
#define NS_PURPOSE "urn:xmpp:http:upload:purpose:0"
#define UPLOAD_PATH "/upload/"
#define ID_LEN 24  /* 18 random bytes: nobody finds a file by trying */
#define KEY_LEN 24 /* of a slot: who knows a file's address may not put it */
#define DAY_MS ((int64_t)24 * 60 * 60 * 1000)
#define SLOT_MS ((int64_t)5 * 60 * 1000)
#define PUT_MS DAY_MS /* for an upload that has begun */
#define FILE_PATH_MAX 4096
#define OWNER_MAX 3072

/* What a file is for (XEP-0363 §5). */
enum purpose { MESSAGE, PROFILE, EPHEMERAL, PERMANENT, PURPOSES };
extern const char *const purpose_names[PURPOSES];

struct profile_conf {
	int64_t max_size, quota;
	ln_msec keep;
};

struct permanent_conf {
	int64_t max_size, quota;
};

struct upload_conf {
	const char *host;
	const char *url;
	int64_t max_size, daily, quota, keep_free;
	ln_msec keep;
	struct profile_conf profile;
	struct permanent_conf permanent;
	struct ln_list refuse;
};

enum { SLOTS, REFUSED, EXPIRED }; /* metrics */

/* DATA/http_upload/I/ID. */
const char *upload_file(const char *id, char path[FILE_PATH_MAX]);

/* Letters, digits, "-" and "_", ID_LEN of them. */
bool upload_is_id(const char *text, size_t len);
extern const char upload_digits[65];

/* What SET makes of a row whose file is to go: it counts for no quota, and the sweep takes it. */
#define UPLOAD_GONE "stored = 0, size = 0, created = 0, expires = 0"

/* Deletes the files of rows whose first column is an id; how many they were. */
unsigned upload_delete_files(const struct ln_row *row);

/* PURPOSES: there is none of that name. */
enum purpose upload_purpose(const char *name);

/* 0: files for it are not taken. */
int64_t upload_max_size(const struct upload_conf *conf, enum purpose purpose);

/* When a file that is stored now will be deleted; `latest`: not later than that. */
int64_t upload_end(const struct upload_conf *conf, enum purpose purpose, int64_t latest);

/* slot.c: asked for one. */
enum ln_verdict upload_request(const struct ln_mod *mod, struct ln_ev_iq *ev);

extern const struct ln_http_route upload_routes[];
extern const struct ln_command upload_commands[];

#endif
