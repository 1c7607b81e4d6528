/*
 * Answers, and bodies collected in memory. See linnet/http.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "net/http_impl.h"

static const struct {
	unsigned status;
	const char *text;
} texts[] = {
	{ 200, "OK" },
	{ 201, "Created" },
	{ 204, "No Content" },
	{ 206, "Partial Content" },
	{ 301, "Moved Permanently" },
	{ 302, "Found" },
	{ 304, "Not Modified" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 411, "Length Required" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 416, "Range Not Satisfiable" },
	{ 417, "Expectation Failed" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 503, "Service Unavailable" },
	{ 505, "HTTP Version Not Supported" },
	{ 507, "Insufficient Storage" },
};

const char *
http_status_text(unsigned status)
{
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (texts[i].status == status)
			return texts[i].text;
	return status < 300 ? "Success"
	    : status < 400  ? "Redirection"
	    : status < 500  ? "Refused"
			    : "Failed";
}

/* A name is a token and a value has no line ends: else it could begin a header of its own. */
static bool
is_field(const char *name, const char *value)
{
	if (*name == '\0')
		return false;
	for (; *name != '\0'; name++)
		if (!isalnum((unsigned char)*name) && *name != '-')
			return false;
	for (; *value != '\0'; value++)
		if (((unsigned char)*value < ' ' && *value != '\t') || *value == 0x7f)
			return false;
	return true;
}

bool
ln_http_set(struct ln_http *http, const char *name, const char *value)
{
	if (!is_field(name, value) || http->begun)
		return false;
	buf_printf(&http->fields, "%s: %s\r\n", name, value);
	return true;
}

/* RFC 9110 §6.6.1. */
static void
add_date(struct buf *out)
{
	time_t now = (time_t)(clock_wall_ms() / 1000);
	char text[40];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	buf_printf(out, "Date: %s\r\n", text);
}

void
http_begin(struct ln_http *request, unsigned status, const char *type, int64_t length)
{
	struct http *http = request->http;
	struct buf out = BUF_INIT;

	request->begun = true;
	request->status = status;
	if (http->state == HTTP_BODY)
		request->unread = true;
	if (request->unread)
		request->close = true;
	buf_printf(&out, "HTTP/1.1 %u %s\r\n", status, http_status_text(status));
	add_date(&out);
	if (type != NULL && is_field("Content-Type", type))
		buf_printf(&out, "Content-Type: %s\r\n", type);
	if (status != 204 && status != 304)
		buf_printf(&out, "Content-Length: %lld\r\n", (long long)length);
	if (request->close)
		buf_add_text(&out, "Connection: close\r\n");
	else if (request->head.minor == 0)
		buf_add_text(&out, "Connection: keep-alive\r\n");
	if (request->fields.len > 0)
		buf_add(&out, request->fields.data, request->fields.len);
	buf_add_text(&out, "\r\n");
	conn_write(http->conn, out.data, out.len);
	buf_free(&out);
	http_touch(http);
}

void
http_complete(struct ln_http *request)
{
	request->complete = true;
	http_advance(request->http);
}

void
ln_http_reply(struct ln_http *http, unsigned status, const char *type, const void *body, size_t len)
{
	if (http->begun)
		return;
	http_begin(http, status, type, (int64_t)len);
	if (http->head.method != LN_HTTP_HEAD && len > 0)
		conn_write(http->http->conn, body, len);
	http_complete(http);
}

void
ln_http_fail(struct ln_http *http, unsigned status, const char *text)
{
	size_t len = strlen(text);
	char line[512];

	if (len > sizeof line - 1)
		len = sizeof line - 1;
	memcpy(line, text, len);
	line[len++] = '\n';
	ln_http_reply(http, status, "text/plain; charset=utf-8", line, len);
}

/* --- bodies in memory -------------------------------------------------------------------------- */

static void
collect_end(struct ln_http *request)
{
	request->collected_fn(request, LN_HTTP_BODY_DONE,
	    request->collected.data != NULL ? request->collected.data : "", request->collected.len,
	    request->collected_arg);
}

static void
collect_too_long(struct ln_http *request)
{
	request->read_paused = true;
	request->collected_fn(request, LN_HTTP_BODY_TOO_LONG, "", 0, request->collected_arg);
}

static void
collect_piece(struct ln_http *request, const char *bytes, size_t len)
{
	if (request->collected.len + len > request->collect_max)
		collect_too_long(request);
	else
		buf_add(&request->collected, bytes, len);
}

void
ln_http_read_body(struct ln_http *http, size_t max,
    void (*read)(struct ln_http *http, enum ln_http_body how, const char *bytes, size_t len,
	void *arg),
    void *arg)
{
	static const struct http_reader reader = { collect_piece, collect_end, NULL };

	http->collect_max = max;
	http->collected_fn = read;
	http->collected_arg = arg;
	if (http->head.length > (int64_t)max) {
		collect_too_long(http);
		return;
	}
	if (!http_read(http, &reader))
		return;
	if (http->head.length == 0)
		collect_end(http);
	else
		http_advance(http->http);
}
