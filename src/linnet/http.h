/*
 * HTTP requests, as a module answers them.
 *
 * A module declares routes; a request that fits one is handed to its function
 * on the worker that has the connection (home ANY: configuration and worker
 * state, no entity). There it is answered, at once or later, in one of three ways:
 *
 *	ln_http_set(http, "Access-Control-Allow-Origin", "*");
 *	ln_http_reply(http, 200, "text/plain", "hello\n", 6);	whole
 *	ln_http_send_file(http, path, &how);			from disk: ranges, HEAD, ETag
 *	ln_http_save_body(http, path, saved, arg);		a body to disk, then answer in saved()
 *
 * A request is borrowed: it lives until its answer is complete, or until
 * ln_http_on_gone() says that the connection is no more; whoever answers later
 * asks for that. An answer is given once. Bodies are never in memory whole: what
 * is not read by ln_http_save_body() or ln_http_read_body() is refused.
 *
 * All functions: the worker of the request.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LINNET_HTTP_H
#define LINNET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ln_http;
struct ln_mod;

enum ln_http_method {
	LN_HTTP_GET = 1,
	LN_HTTP_HEAD = 2,
	LN_HTTP_PUT = 4,
	LN_HTTP_POST = 8,
	LN_HTTP_DELETE = 16,
	LN_HTTP_OPTIONS = 32
};

struct ln_http_route {
	unsigned methods; /* those it answers; others are 405 with Allow */
	const char *path; /* "/host-meta": exactly this; "/upload/": all that is below it */
	void (*handle)(const struct ln_mod *mod, struct ln_http *http);
	bool own_host; /* only where the request names the module's own host */
};

#define LN_HTTP_END                  \
	{                            \
		0, NULL, NULL, false \
	}

/* --- the request ---------------------------------------------------------------------- */

enum ln_http_method ln_http_method(const struct ln_http *http);

/* Decoded once; begins with a slash; without "." and ".." segments, empty ones, or control bytes. */
const char *ln_http_path(const struct ln_http *http);

/* Behind the "?", as it came; NULL: none. */
const char *ln_http_query(const struct ln_http *http);

/* The host asked for, lower case, without port. */
const char *ln_http_host(const struct ln_http *http);

/* A header's value; of several, joined by ", "; NULL: not there. Borrowed from the request. */
const char *ln_http_header(const struct ln_http *http, const char *name);

/* Bytes of the body: 0 if there is none, -1 if its end alone will tell (chunked). */
int64_t ln_http_length(const struct ln_http *http);

/* Whose request it is: behind a trusted proxy what that says; and whether it came by TLS. */
const char *ln_http_client(const struct ln_http *http);
bool ln_http_secure(const struct ln_http *http);

/* --- its body --------------------------------------------------------------------------- */

enum ln_http_body {
	LN_HTTP_BODY_DONE,
	LN_HTTP_BODY_TOO_LONG, /* above what was allowed: answer 413 */
	LN_HTTP_BODY_EXISTS,   /* save: the file is there already */
	LN_HTTP_BODY_NO_SPACE, /* save: the disk is full: answer 507 */
	LN_HTTP_BODY_BUSY,     /* save: too many files at once: answer 503 */
	LN_HTTP_BODY_FAILED    /* save: anything else of the disk: answer 500 */
};

/* The body, collected in memory: at most `max` bytes. `bytes` live during the call, in which, or
 * after which, the request is answered. */
void ln_http_read_body(struct ln_http *http, size_t max,
    void (*read)(struct ln_http *http, enum ln_http_body how, const char *bytes, size_t len,
	void *arg),
    void *arg);

/*
 * Writes the body into a new file: first under a name that ends in ".part"; when all of it is
 * synced to disk it gets its own name, and saved() is called: on DONE it survives a crash. An
 * existing file is never replaced, and NO_SPACE is said before less than `keep_free` bytes would be
 * free on the disk. If the connection ends before that, the part is deleted and
 * saved() is not called.
 */
void ln_http_save_body(struct ln_http *http, const char *path, uint64_t max, uint64_t keep_free,
    void (*saved)(struct ln_http *http, enum ln_http_body how, void *arg), void *arg);

/* Any worker: deletes a file, some time soon. */
void ln_http_delete_file(const char *path);

/* --- the answer ------------------------------------------------------------------------- */

/* A header of the answer; refused (false) if name or value could split it. */
bool ln_http_set(struct ln_http *http, const char *name, const char *value);

/* The whole answer. `type` NULL: none. A HEAD request gets the headers alone. */
void ln_http_reply(struct ln_http *http, unsigned status, const char *type, const void *body,
    size_t len);

/* An error as a line of text. */
void ln_http_fail(struct ln_http *http, unsigned status, const char *text);

/*
 * A file: 200, 206 for one range, 304, 412, 416, or 404 if it cannot be opened. ETag and
 * Last-Modified are made here. It streams as the client reads.
 */
void ln_http_send_file(struct ln_http *http, const char *path, const char *type);

/* Called once if the connection ends before the answer is complete. */
void ln_http_on_gone(struct ln_http *http, void (*gone)(void *arg), void *arg);

#endif
