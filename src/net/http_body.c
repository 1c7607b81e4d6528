/*
 * Bodies. See http_body.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/http_body.h"

#include <stdbool.h>

#define FRAMING_MAX 4096 /* extensions of one chunk, or all trailers */
#define DIGITS_MAX 15

enum state {
	PLAIN,      /* `left` bytes, then the end */
	SIZE,       /* hexadecimal digits */
	SIZE_SPACE, /* behind them: an extension follows, or nothing that we take */
	EXTENSION,  /* to the CR */
	SIZE_LF,    /* the LF behind it */
	DATA,       /* `left` bytes */
	DATA_CR,    /* behind a chunk */
	DATA_LF,    /* */
	TRAILER,    /* at the beginning of a line */
	TRAILER_IN, /* within one */
	TRAILER_LF, /* at its end */
	LAST_LF,    /* of the empty line */
	DONE
};

void
http_body_begin(struct http_body *body, int64_t length)
{
	body->left = length > 0 ? length : 0;
	body->framing = 0;
	body->digits = 0;
	body->state = length < 0 ? SIZE : length > 0 ? PLAIN : DONE;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* In the size line: a digit, the beginning of extensions, or the CR. */
static int
size_byte(struct http_body *body, char c)
{
	int digit = hex_digit(c);

	if (digit >= 0 && body->digits < DIGITS_MAX) {
		body->left = body->left << 4 | digit;
		body->digits++;
		return SIZE;
	}
	if (body->digits == 0)
		return -1;
	return c == '\r' ? SIZE_LF : c == ';' ? EXTENSION : is_blank(c) ? SIZE_SPACE : -1;
}

static int
expect_byte(char c, char wanted, int next)
{
	return c == wanted ? next : -1;
}

static int
line_byte(char c, int within, int at_end)
{
	if (c == '\r')
		return at_end;
	return (unsigned char)c >= ' ' || c == '\t' ? within : -1;
}

/* The state behind one byte of framing; -1: it has no business there. */
static int
next_state(struct http_body *body, char c)
{
	switch ((enum state)body->state) {
	case SIZE:
		return size_byte(body, c);
	case SIZE_SPACE:
		return is_blank(c) ? SIZE_SPACE : c == ';' ? EXTENSION : -1;
	case EXTENSION:
		return line_byte(c, EXTENSION, SIZE_LF);
	case SIZE_LF:
		return expect_byte(c, '\n', body->left > 0 ? DATA : TRAILER);
	case DATA_CR:
		return expect_byte(c, '\r', DATA_LF);
	case DATA_LF:
		body->digits = 0;
		body->framing = 0;
		return expect_byte(c, '\n', SIZE);
	case TRAILER:
		return c == '\r' ? LAST_LF : line_byte(c, TRAILER_IN, -1);
	case TRAILER_IN:
		return line_byte(c, TRAILER_IN, TRAILER_LF);
	case TRAILER_LF:
		return expect_byte(c, '\n', TRAILER);
	case LAST_LF:
		return expect_byte(c, '\n', DONE);
	default:
		return -1;
	}
}

static enum http_body_result
take_piece(struct http_body *body, const char **at, const char *end, const char **piece_r,
    size_t *len_r)
{
	size_t len = (size_t)(end - *at);

	if ((int64_t)len > body->left)
		len = (size_t)body->left;
	*piece_r = *at;
	*len_r = len;
	*at += len;
	body->left -= (int64_t)len;
	if (body->left == 0)
		body->state = body->state == PLAIN ? DONE : DATA_CR;
	return HTTP_BODY_PIECE;
}

enum http_body_result
http_body_next(struct http_body *body, const char **at, const char *end, const char **piece_r,
    size_t *len_r)
{
	while (body->state != DONE) {
		int next;

		if (*at == end)
			return HTTP_BODY_MORE;
		if (body->state == PLAIN || body->state == DATA)
			return take_piece(body, at, end, piece_r, len_r);
		next = next_state(body, *(*at)++);
		if (next < 0 || ++body->framing > FRAMING_MAX)
			return HTTP_BODY_BAD;
		body->state = (uint8_t)next;
	}
	return HTTP_BODY_END;
}
