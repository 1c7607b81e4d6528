/*
 * Writing JSON. See json.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/json.h"

#include <stdint.h>
#include <string.h>

/* Length of the UTF-8 sequence that begins here, 0: there is none. */
static size_t
utf8_len(const unsigned char *at)
{
	size_t len = *at < 0x80         ? 1
	    : *at >= 0xc2 && *at < 0xe0 ? 2
	    : *at >= 0xe0 && *at < 0xf0 ? 3
	    : *at >= 0xf0 && *at < 0xf5 ? 4
					: 0;

	for (size_t i = 1; i < len; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

static void
add_escaped(struct buf *out, unsigned char c)
{
	if (c == '"' || c == '\\')
		buf_printf(out, "\\%c", c);
	else if (c == '\n')
		buf_add_text(out, "\\n");
	else
		buf_printf(out, "\\u%04x", c);
}

void
json_add_string(struct buf *out, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t len;

	if (text == NULL) {
		buf_add_text(out, "null");
		return;
	}
	buf_add_char(out, '"');
	for (; *at != '\0'; at += len) {
		len = utf8_len(at);
		if (len == 0) {
			buf_add_text(out, "\xef\xbf\xbd");
			len = 1;
		} else if (*at < ' ' || *at == '"' || *at == '\\') {
			add_escaped(out, *at);
		} else {
			buf_add(out, at, len);
		}
	}
	buf_add_char(out, '"');
}

void
json_next(struct buf *out)
{
	if (out->len > 0 && strchr("{[:", out->data[out->len - 1]) == NULL)
		buf_add_char(out, ',');
}

void
json_add_name(struct buf *out, const char *name)
{
	json_next(out);
	json_add_string(out, name);
	buf_add_char(out, ':');
}
