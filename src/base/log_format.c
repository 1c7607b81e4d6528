/*
 * Log records as text or JSON.
 *
 * Both come from the same words: the event up to the first ` key=`, then pairs.
 * What the record adds (connection, module, suppressed) goes before `reason=`,
 * which is last because it takes the rest of the line.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/log_record.h"

#include <ctype.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"

/* Control characters cannot break the line, whatever a caller forgot to quote. */
static void
add_printable(struct buf *out, const char *text, size_t len)
{
	for (const char *p = text, *run = text;; p++) {
		bool end = p == text + len;

		if (!end && (unsigned char)*p >= ' ' && *p != 0x7f)
			continue;
		buf_add(out, run, (size_t)(p - run));
		if (end)
			return;
		buf_printf(out, "\\u%04x", (unsigned char)*p);
		run = p + 1;
	}
}

static bool
is_key_char(char c)
{
	return islower((unsigned char)c) || isdigit((unsigned char)c) || c == '_' || c == '-';
}

/* Past the quoted value at `p`, or `p` itself if its quotes are not closed. */
static const char *
skip_quoted(const char *p)
{
	const char *end = p + 1;

	while (*end != '\0' && *end != '"')
		end += end[0] == '\\' && end[1] != '\0' ? 2 : 1;
	return *end == '"' ? end + 1 : p;
}

/* Whether a key and its "=" are at `p`; their length, or 0. */
static size_t
key_length(const char *p)
{
	size_t len = 0;

	while (is_key_char(p[len]))
		len++;
	return len > 0 && p[len] == '=' ? len : 0;
}

/* The next key at or behind `p` (at a word's beginning), or the end of the text. */
static const char *
next_key(const char *p)
{
	for (;;) {
		if (key_length(p) > 0)
			return p;
		p = strchr(p, ' ');
		if (p == NULL)
			return "";
		p++;
	}
}

/* Where the value that begins at `value` ends, the space behind it not counted. */
static const char *
value_end(const char *value, bool takes_rest)
{
	const char *end = value + strlen(value), *p = value;

	if (takes_rest)
		return end;
	if (*p == '"')
		p = skip_quoted(p);
	for (; p < end; p++)
		if (*p == ' ' && key_length(p + 1) > 0)
			return p;
	return end;
}

static const char *
reason_of(const char *message)
{
	const char *p = message;

	while (*(p = next_key(p)) != '\0') {
		const char *value = p + key_length(p) + 1;

		if (strncmp(p, "reason=", 7) == 0)
			return p;
		p = value_end(value, false);
		if (*p == '\0')
			break;
		p++;
	}
	return NULL;
}

static const char *
or_dash(const char *text)
{
	return *text != '\0' ? log_quote(text) : "-";
}

void
log_format_text(struct buf *out, const struct log_record *record)
{
	const char *message = log_record_text(record, LOG_MESSAGE), *reason = reason_of(message);
	const char *module = log_record_text(record, LOG_MODULE);
	size_t head = reason != NULL ? (size_t)(reason - message) : strlen(message);
	char stamp[CLOCK_STAMP_MAX];

	while (head > 0 && message[head - 1] == ' ')
		head--;
	buf_printf(out, "%s %s %s %s %s ", clock_stamp(record->wall_ms, stamp),
	    log_level_name(record->level), log_record_text(record, LOG_COMPONENT),
	    or_dash(log_record_text(record, LOG_HOST)),
	    or_dash(log_record_text(record, LOG_SESSION)));
	add_printable(out, message, head);
	if (record->conn != 0)
		buf_printf(out, " conn=%llu", (unsigned long long)record->conn);
	if (*module != '\0')
		buf_printf(out, " module=%s", module);
	if (record->suppressed != 0)
		buf_printf(out, " suppressed=%u", record->suppressed);
	if (reason != NULL) {
		buf_add_char(out, ' ');
		add_printable(out, reason, strlen(reason));
	}
}

static void
json_string(struct buf *out, const char *text, size_t len)
{
	const char *p = text, *end = text + len;

	buf_add_char(out, '"');
	while (p < end) {
		uint32_t code = 0xfffd;
		size_t step = utf8_next(p, end, &code);

		if (step == 0 || code < ' ')
			buf_printf(out, "\\u%04x", (unsigned)code);
		else if (code == '"' || code == '\\')
			buf_printf(out, "\\%c", *p);
		else
			buf_add(out, p, step);
		p += step == 0 ? 1 : step;
	}
	buf_add_char(out, '"');
}

static void
json_field(struct buf *out, const char *name, const char *text)
{
	if (*text == '\0')
		return;
	buf_printf(out, ",\"%s\":", name);
	json_string(out, text, strlen(text));
}

static void
json_value(struct buf *out, const char *value, size_t len)
{
	if (len > 1 && *value == '"' && skip_quoted(value) == value + len && utf8_valid(value, len))
		add_printable(out, value, len);
	else
		json_string(out, value, len);
}

static void
json_message(struct buf *out, const char *message)
{
	const char *p = next_key(message), *end;
	size_t event = *p != '\0' ? (size_t)(p - message) : strlen(message);

	while (event > 0 && message[event - 1] == ' ')
		event--;
	buf_add_text(out, ",\"event\":");
	json_string(out, message, event);
	while (*p != '\0') {
		size_t key = key_length(p);

		buf_printf(out, ",\"%.*s\":", (int)key, p);
		end = value_end(p + key + 1, strncmp(p, "reason=", 7) == 0);
		json_value(out, p + key + 1, (size_t)(end - (p + key + 1)));
		p = *end != '\0' ? end + 1 : end;
	}
}

void
log_format_json(struct buf *out, const struct log_record *record)
{
	char stamp[CLOCK_STAMP_MAX];

	buf_printf(out, "{\"time\":\"%s\",\"level\":\"%s\"", clock_stamp(record->wall_ms, stamp),
	    log_level_name(record->level));
	json_field(out, "component", log_record_text(record, LOG_COMPONENT));
	json_field(out, "host", log_record_text(record, LOG_HOST));
	json_field(out, "session", log_record_text(record, LOG_SESSION));
	if (record->conn != 0)
		buf_printf(out, ",\"conn\":%llu", (unsigned long long)record->conn);
	json_field(out, "module", log_record_text(record, LOG_MODULE));
	if (record->suppressed != 0)
		buf_printf(out, ",\"suppressed\":%u", record->suppressed);
	json_message(out, log_record_text(record, LOG_MESSAGE));
	buf_add_char(out, '}');
}
