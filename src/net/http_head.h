/*
 * The head of an HTTP/1.1 request: bytes to a struct, or to the status that
 * refuses them.
 *
 * libhttp-parser reads the head; before it does, rules of our own are applied
 * to the raw lines, since a server that forgives is one that can be made to
 * disagree with the proxy before it (RFC 9112 §11): lines end in CR LF, no
 * folding, no space before a colon, no control bytes, one Host, one
 * Content-Length or one `chunked`, never both.
 *
 *	len = http_head_find(bytes, n)		0: more bytes are needed
 *	status = http_head_parse(arena, bytes, len, &head)
 *
 * Pure: no I/O, any thread.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_NET_HTTP_HEAD_H
#define LN_NET_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "linnet/http.h"

#define HTTP_HEAD_MAX ((size_t)16 * 1024)
#define HTTP_TARGET_MAX 4096
#define HTTP_FIELDS_MAX 64

struct arena;

struct http_field {
	const char *name; /* lower case */
	const char *value;
};

struct http_head {
	enum ln_http_method method;
	const char *path;  /* see ln_http_path() */
	const char *query; /* NULL: none */
	const char *host;  /* lower case, without port; "" in an HTTP/1.0 request without */
	struct http_field fields[HTTP_FIELDS_MAX];
	unsigned field_count;
	int64_t length; /* of the body; -1: chunked */
	unsigned minor; /* HTTP/1.x */
	bool keep_alive;
	bool expects; /* 100-continue */
};

/* The length of a whole head, its empty line included; 0: it is not whole yet. */
size_t http_head_find(const char *bytes, size_t len);

/* 0, or the status to refuse it with: 400, 413, 414, 417, 431, 501, 505. Texts are the arena's. */
unsigned http_head_parse(struct arena *arena, const char *bytes, size_t len,
    struct http_head *head_r);

/* NULL: not there. `name` in lower case. */
const char *http_head_field(const struct http_head *head, const char *name);

/* "bytes=0-499", "bytes=-500", "bytes=9500-" of a thing of `size` bytes (RFC 9110 §14.1.2). */
enum http_range {
	HTTP_RANGE_NONE, /* none that we answer: send all of it */
	HTTP_RANGE_ONE,
	HTTP_RANGE_BAD /* 416 */
};
enum http_range http_range_parse(const char *text, int64_t size, int64_t *from_r, int64_t *len_r);

#endif
