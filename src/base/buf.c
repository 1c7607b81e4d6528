/*
 * Growing byte buffers. See buf.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"

void
buf_free(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf)BUF_INIT;
}

void
buf_enlarge(struct buf *buf, size_t need)
{
	size_t room = buf->room ? buf->room * 2 : 64;

	if (room < need)
		room = need;
	buf->data = xrealloc(buf->data, room);
	buf->room = room;
}

char *
buf_take(struct buf *buf)
{
	char *data;

	buf_grow(buf, 0);
	data = buf->data;
	data[buf->len] = '\0';
	*buf = (struct buf)BUF_INIT;
	return data;
}

void
buf_consume(struct buf *buf, size_t count)
{
	if (count == 0)
		return;
	memmove(buf->data, buf->data + count, buf->len - count + 1);
	buf->len -= count;
}

void
buf_vprintf(struct buf *buf, const char *format, va_list args)
{
	va_list again;
	int len;

	va_copy(again, args);
	len = vsnprintf(buf_grow(buf, 96), 97, format, args);
	if (len < 0)
		abort();
	if (len > 96)
		vsnprintf(buf_grow(buf, (size_t)len), (size_t)len + 1, format, again);
	va_end(again);
	buf->len += (size_t)len;
}

void
buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buf_vprintf(buf, format, args);
	va_end(args);
}
