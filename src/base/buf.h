/*
 * Growing byte buffers.
 *
 *	struct buf out = BUF_INIT;
 *	buf_add(&out, bytes, len);
 *	buf_printf(&out, " h='%u'", h);
 *	buf_free(&out);
 *
 * The bytes are contiguous and always followed by a NUL that is not counted,
 * so `data` can be used as text once something was added.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_BASE_BUF_H
#define LN_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <string.h>

struct buf {
	char *data; /* NULL while nothing was ever added */
	size_t len;
	size_t room; /* allocated, the NUL included */
};

#define BUF_INIT           \
	{                  \
		NULL, 0, 0 \
	}

/* Gives the memory back; the buffer is empty and usable again. */
void buf_free(struct buf *buf);

/* The rest of buf_grow(): more memory. */
void buf_enlarge(struct buf *buf, size_t need);

/* Makes room for `more` bytes behind the current ones; returns where they go. */
static inline char *
buf_grow(struct buf *buf, size_t more)
{
	size_t need = buf->len + more + 1;

	if (need > buf->room)
		buf_enlarge(buf, need);
	return buf->data + buf->len;
}

/* Takes the bytes out as a malloc()ed, NUL-terminated block and empties the buffer. */
char *buf_take(struct buf *buf) __attribute__((returns_nonnull));

/* Drops the first `count` bytes. */
void buf_consume(struct buf *buf, size_t count);

void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *buf, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Forgets the bytes, keeps the memory. */
static inline void
buf_reset(struct buf *buf)
{
	buf->len = 0;
	if (buf->data != NULL)
		buf->data[0] = '\0';
}

static inline void
buf_add(struct buf *buf, const void *bytes, size_t len)
{
	char *at = buf_grow(buf, len);

	if (len > 0)
		memcpy(at, bytes, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

static inline void
buf_add_text(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

static inline void
buf_add_char(struct buf *buf, char c)
{
	buf_add(buf, &c, 1);
}

#endif
