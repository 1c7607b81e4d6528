/*
 * The framing of a request's body: a length, or chunks (RFC 9112 §6, §7.1).
 *
 * Our own, because Debian's libhttp-parser is built in its lenient form, which
 * takes any byte for the LF behind a chunk's CR: what one reader takes for the
 * end of a chunk another must take for it too.
 *
 *	http_body_begin(&body, head.length);
 *	while ((state = http_body_next(&body, &at, end, &piece, &len)) == HTTP_BODY_PIECE)
 *		...
 *
 * Pure: any thread.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_NET_HTTP_BODY_H
#define LN_NET_HTTP_BODY_H

#include <stddef.h>
#include <stdint.h>

struct http_body {
	int64_t left;     /* bytes to come: of the body, or of this chunk */
	unsigned framing; /* bytes of sizes, extensions and trailers since the last data */
	uint8_t state;
	uint8_t digits; /* of a chunk's size */
};

enum http_body_result {
	HTTP_BODY_MORE,  /* needs more bytes */
	HTTP_BODY_PIECE, /* some of the body */
	HTTP_BODY_END,
	HTTP_BODY_BAD /* not chunked as it should be: 400, and close */
};

/* `length`: bytes, or -1 for chunks. */
void http_body_begin(struct http_body *body, int64_t length);

/* Takes from *at what belongs to the body, up to a piece of it, which points into the input. */
enum http_body_result http_body_next(struct http_body *body, const char **at, const char *end,
    const char **piece_r, size_t *len_r);

#endif
