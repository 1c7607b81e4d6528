/*
 * What goes over the control socket: frames of texts.
 *
 * A frame is its length (4 bytes, this machine's order) and texts, each with
 * its length and a NUL behind it that is not counted. Requests are
 *
 *	describe
 *	call NAME {ARGUMENT VALUE}...
 *
 * and one answer comes to each:
 *
 *	commands {NAME HELP n {TYPE ARGUMENT HELP FLAGS n {WORD}...}...}...
 *	result OK FAILURE SAID n {COLUMN}... n {TYPE VALUE}...
 *
 * Both ends are of one version; linnetctl says so if the answer makes no sense.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_CONTROL_WIRE_H
#define LN_SERVER_CONTROL_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define WIRE_FRAME_MAX ((size_t)64 << 20)

/* Begins a frame at the end of `out`; wire_end() gets what this returned. */
size_t wire_begin(struct buf *out);
void wire_add(struct buf *out, const char *bytes, size_t len);
void wire_add_text(struct buf *out, const char *text);
void wire_add_number(struct buf *out, int64_t number);
void wire_end(struct buf *out, size_t begun);

/* Bytes of the first frame of `in`, its length included, if it is whole; else 0. */
size_t wire_whole(const struct buf *in);

/* Whether `in` can still become a frame that is not too large. */
bool wire_is_sane(const struct buf *in);

/* Reads the texts of a frame one by one; NULL, and `bad`, when there is none any more. */
struct wire_reader {
	const char *at;
	const char *end;
	bool bad;
};

struct wire_reader wire_open(const struct buf *in, size_t whole);
const char *wire_next(struct wire_reader *reader, size_t *len_r); /* len_r may be NULL */
int64_t wire_next_number(struct wire_reader *reader);

static inline bool
wire_at_end(const struct wire_reader *reader)
{
	return reader->bad || reader->at == reader->end;
}

#endif
