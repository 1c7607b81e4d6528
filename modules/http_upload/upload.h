/*
 * What the two sides of mod_http_upload share: slots given over XMPP
 * (mod_http_upload.c), files put and fetched over HTTP (web.c).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef UPLOAD_H
#define UPLOAD_H

#include <linnet/http.h>
#include <linnet/module.h>
#include <linnet/table.h>

#define UPLOAD_PATH "/upload/"
#define ID_LEN 24  /* 18 random bytes: nobody finds a file by trying */
#define KEY_LEN 24 /* of a slot: who knows a file's address may not put it */
#define SLOT_MS ((int64_t)5 * 60 * 1000)
#define PUT_MS ((int64_t)24 * 60 * 60 * 1000) /* for an upload that has begun */
#define FILE_PATH_MAX 4096

struct upload_conf {
	const char *host;
	const char *url;
	int64_t max_size, daily, quota, keep_free;
	ln_msec keep;
	struct ln_list refuse;
};

/* DATA/http_upload/I/ID. */
const char *upload_file(const char *id, char path[FILE_PATH_MAX]);

/* Letters, digits, "-" and "_", ID_LEN of them. */
bool upload_is_id(const char *text, size_t len);

extern const struct ln_http_route upload_routes[];

#endif
