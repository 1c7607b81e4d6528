/*
 * Frames of the control socket. See control_wire.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/control_wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t
wire_begin(struct buf *out)
{
	uint32_t none = 0;
	size_t begun = out->len;

	buf_add(out, &none, sizeof none);
	return begun;
}

void
wire_add(struct buf *out, const char *bytes, size_t len)
{
	uint32_t length = (uint32_t)len;

	buf_add(out, &length, sizeof length);
	buf_add(out, bytes, len);
	buf_add_char(out, '\0');
}

void
wire_add_text(struct buf *out, const char *text)
{
	wire_add(out, text, strlen(text));
}

void
wire_add_number(struct buf *out, int64_t number)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRId64, number);
	wire_add_text(out, text);
}

void
wire_end(struct buf *out, size_t begun)
{
	uint32_t length = (uint32_t)(out->len - begun - sizeof length);

	memcpy(out->data + begun, &length, sizeof length);
}

static uint32_t
frame_length(const struct buf *in)
{
	uint32_t length;

	memcpy(&length, in->data, sizeof length);
	return length;
}

size_t
wire_whole(const struct buf *in)
{
	size_t whole;

	if (in->len < sizeof(uint32_t))
		return 0;
	whole = sizeof(uint32_t) + frame_length(in);
	return in->len >= whole ? whole : 0;
}

bool
wire_is_sane(const struct buf *in)
{
	return in->len < sizeof(uint32_t) || frame_length(in) <= WIRE_FRAME_MAX;
}

struct wire_reader
wire_open(const struct buf *in, size_t whole)
{
	return (struct wire_reader){
		.at = in->data + sizeof(uint32_t),
		.end = in->data + whole,
	};
}

const char *
wire_next(struct wire_reader *reader, size_t *len_r)
{
	size_t left = (size_t)(reader->end - reader->at);
	const char *text;
	uint32_t length;

	if (reader->bad || left < sizeof length) {
		reader->bad = true;
		return NULL;
	}
	memcpy(&length, reader->at, sizeof length);
	text = reader->at + sizeof length;
	if (left - sizeof length <= length || text[length] != '\0') {
		reader->bad = true;
		return NULL;
	}
	reader->at = text + length + 1;
	if (len_r != NULL)
		*len_r = length;
	return text;
}

int64_t
wire_next_number(struct wire_reader *reader)
{
	const char *text = wire_next(reader, NULL);

	return text != NULL ? strtoll(text, NULL, 10) : 0;
}
