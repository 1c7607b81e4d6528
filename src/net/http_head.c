/*
 * Heads of requests. See http_head.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/http_head.h"

#include <ctype.h>
#include <http_parser.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "net/http_target.h"

/* What the parser's callbacks fill. */
struct reading {
	struct arena *arena;
	struct http_head *head;
	struct {
		const char *at;
		size_t len;
	} target, name, value;
	unsigned lines; /* of fields */
	unsigned status;
};

size_t
http_head_find(const char *bytes, size_t len)
{
	const char *end = memmem(bytes, len, "\r\n\r\n", 4);

	return end != NULL ? (size_t)(end - bytes) + 4 : 0;
}

const char *
http_head_field(const struct http_head *head, const char *name)
{
	for (unsigned i = 0; i < head->field_count; i++)
		if (strcmp(head->fields[i].name, name) == 0)
			return head->fields[i].value;
	return NULL;
}

/* --- lines, as they came ---------------------------------------------------------------- */

/* tchar of RFC 9110 §5.6.2. */
static bool
is_token_byte(unsigned char c)
{
	return isalnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool
is_clean(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)bytes[i] < ' ' && bytes[i] != '\t') || bytes[i] == 0x7f)
			return false;
	return true;
}

static bool
is_field_line(const char *line, size_t len)
{
	size_t name = 0;

	while (name < len && is_token_byte((unsigned char)line[name]))
		name++;
	return name > 0 && name < len && line[name] == ':';
}

/* Every line ends in CR LF and nothing else; the first is printable, the others are fields. */
static bool
lines_are_strict(const char *bytes, size_t len)
{
	const char *line = bytes, *end = bytes + len - 2;
	bool first = true;

	while (line < end) {
		const char *eol = memchr(line, '\r', (size_t)(end - line));

		if (eol == NULL || eol[1] != '\n' || !is_clean(line, (size_t)(eol - line)))
			return false;
		if (!first && !is_field_line(line, (size_t)(eol - line)))
			return false;
		first = false;
		line = eol + 2;
	}
	return true;
}

/* The library forgives tabs, and more spaces than the two of RFC 9112 §3. */
static bool
first_line_is_strict(const char *bytes, size_t len)
{
	const char *end = memchr(bytes, '\r', len);
	unsigned spaces = 0;

	for (; bytes < end; bytes++) {
		if (*bytes == '\t')
			return false;
		spaces += *bytes == ' ';
	}
	return spaces == 2;
}

/* --- target -------------------------------------------------------------------------------- */

static void
read_target(struct reading *r)
{
	struct http_head *head = r->head;
	const char *at = r->target.at, *end, *query;

	if (r->target.len > HTTP_TARGET_MAX) {
		r->status = 414;
		return;
	}
	end = at + r->target.len;
	/* What is behind it is for the client alone: who sends it means something else. */
	if (memchr(at, '#', r->target.len) != NULL) {
		r->status = 400;
		return;
	}
	/* The absolute form, as proxies send it: its authority beats Host (RFC 9112 §3.2.2). */
	if (r->target.len > 7 &&
	    (strncasecmp(at, "http://", 7) == 0 ||
		(r->target.len > 8 && strncasecmp(at, "https://", 8) == 0))) {
		const char *name = at + (at[4] == ':' ? 7 : 8);
		size_t len;

		for (len = 0; name + len < end && strchr("/?", name[len]) == NULL; len++)
			;
		head->host = http_target_host(r->arena, name, len);
		if (head->host == NULL || len == 0) {
			r->status = 400;
			return;
		}
		at = name + len;
	}
	query = at < end ? memchr(at, '?', (size_t)(end - at)) : NULL;
	if (query != NULL) {
		head->query = arena_strndup(r->arena, query + 1, (size_t)(end - query) - 1);
		end = query;
	}
	if (at == end)
		head->path = "/";
	else if (end - at == 1 && *at == '*' && head->method == LN_HTTP_OPTIONS)
		head->path = "*";
	else if (*at == '/')
		head->path = http_target_path(r->arena, at, (size_t)(end - at));
	if (head->path == NULL)
		r->status = 400;
}

/* --- fields ----------------------------------------------------------------------------------- */

static struct http_field *
find_field(struct http_head *head, const char *name)
{
	for (unsigned i = 0; i < head->field_count; i++)
		if (strcmp(head->fields[i].name, name) == 0)
			return &head->fields[i];
	return NULL;
}

static const char *
lower_copy(struct arena *arena, const char *text, size_t len)
{
	char *copy = arena_strndup(arena, text, len);

	for (char *c = copy; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	return copy;
}

/* Said twice they could mean two things to two readers. */
static bool
comes_once(const char *name)
{
	return strcmp(name, "host") == 0 || strcmp(name, "content-length") == 0 ||
	    strcmp(name, "transfer-encoding") == 0 || strcmp(name, "authorization") == 0 ||
	    strcmp(name, "content-type") == 0 || strcmp(name, "range") == 0;
}

static void
end_field(struct reading *r)
{
	struct http_head *head = r->head;
	const char *name, *value;
	struct http_field *same;

	if (r->name.at == NULL)
		return;
	while (r->value.len > 0 && strchr(" \t", r->value.at[r->value.len - 1]) != NULL)
		r->value.len--;
	name = lower_copy(r->arena, r->name.at, r->name.len);
	value = r->value.at != NULL ? arena_strndup(r->arena, r->value.at, r->value.len) : "";
	r->name.at = r->value.at = NULL;
	r->value.len = 0;
	same = find_field(head, name);
	if (same != NULL && comes_once(name)) {
		r->status = 400;
	} else if (++r->lines > HTTP_FIELDS_MAX) {
		r->status = 431;
	} else if (same != NULL) {
		same->value = arena_printf(r->arena, "%s, %s", same->value, value);
	} else {
		head->fields[head->field_count++] = (struct http_field){ name, value };
	}
}

static int
on_url(http_parser *parser, const char *at, size_t len)
{
	struct reading *r = parser->data;

	r->target.at = at;
	r->target.len = len;
	return 0;
}

static int
on_name(http_parser *parser, const char *at, size_t len)
{
	struct reading *r = parser->data;

	end_field(r);
	r->name.at = at;
	r->name.len = len;
	return 0;
}

static int
on_value(http_parser *parser, const char *at, size_t len)
{
	struct reading *r = parser->data;

	r->value.at = at;
	r->value.len = len;
	return 0;
}

/* The body's framing is decided by read_length(), not by the library. */
static int
on_headers(http_parser *parser)
{
	end_field(parser->data);
	parser->upgrade = 0;
	http_parser_pause(parser, 1);
	return 0;
}

/* --- what the fields mean ------------------------------------------------------------------------ */

static const struct {
	enum http_method theirs;
	enum ln_http_method ours;
} methods[] = {
	{ HTTP_GET, LN_HTTP_GET },
	{ HTTP_HEAD, LN_HTTP_HEAD },
	{ HTTP_PUT, LN_HTTP_PUT },
	{ HTTP_POST, LN_HTTP_POST },
	{ HTTP_DELETE, LN_HTTP_DELETE },
	{ HTTP_OPTIONS, LN_HTTP_OPTIONS },
};

static bool
read_method(struct http_head *head, unsigned theirs)
{
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
		if ((unsigned)methods[i].theirs == theirs) {
			head->method = methods[i].ours;
			return true;
		}
	}
	return false;
}

static unsigned
read_length(struct http_head *head)
{
	const char *coding = http_head_field(head, "transfer-encoding");
	const char *length = http_head_field(head, "content-length");

	if (coding != NULL) {
		/* RFC 9112 §6.1: with both, or in HTTP/1.0, the framing is not to be trusted. */
		if (length != NULL || head->minor == 0)
			return 400;
		head->length = -1;
		return strcasecmp(coding, "chunked") == 0 ? 0 : 501;
	}
	if (length == NULL)
		return 0;
	if (*length == '\0')
		return 400;
	for (; *length != '\0'; length++) {
		if (!isdigit((unsigned char)*length))
			return 400;
		if (head->length > (INT64_MAX - 9) / 10)
			return 413;
		head->length = head->length * 10 + (*length - '0');
	}
	return 0;
}

static unsigned
read_host(struct arena *arena, struct http_head *head)
{
	const char *field = http_head_field(head, "host");

	if (field == NULL) {
		if (head->minor > 0)
			return 400;
		if (head->host == NULL)
			head->host = "";
		return 0;
	}
	field = http_target_host(arena, field, strlen(field));
	if (field == NULL)
		return 400;
	if (head->host == NULL)
		head->host = field;
	return 0;
}

/* Does a list like "keep-alive, Upgrade" name this word? */
static bool
list_names(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (list != NULL && *list != '\0') {
		size_t item;

		list += strspn(list, ", \t");
		item = strcspn(list, ", \t");
		if (item == len && strncasecmp(list, word, len) == 0)
			return true;
		list += item;
	}
	return false;
}

static unsigned
read_expectation(struct http_head *head)
{
	const char *expect = http_head_field(head, "expect");

	if (expect == NULL || head->minor == 0)
		return 0;
	head->expects = strcasecmp(expect, "100-continue") == 0;
	return head->expects ? 0 : 417;
}

static unsigned
read_fields(struct arena *arena, struct http_head *head)
{
	const char *connection = http_head_field(head, "connection");
	unsigned status = read_host(arena, head);

	head->keep_alive = head->minor > 0 ? !list_names(connection, "close")
					   : list_names(connection, "keep-alive");
	if (status == 0)
		status = read_length(head);
	return status != 0 ? status : read_expectation(head);
}

/* The library refuses with its own numbers; few of them are worth telling apart. */
static unsigned
refusal(const http_parser *parser, const char *bytes)
{
	switch (HTTP_PARSER_ERRNO(parser)) {
	case HPE_PAUSED:
		return 0;
	case HPE_INVALID_METHOD:
		return isupper((unsigned char)bytes[0]) ? 501 : 400;
	case HPE_INVALID_VERSION:
		return 505;
	case HPE_HEADER_OVERFLOW:
		return 431;
	default:
		return 400;
	}
}

unsigned
http_head_parse(struct arena *arena, const char *bytes, size_t len, struct http_head *head_r)
{
	static const http_parser_settings settings = { .on_url = on_url,
		.on_header_field = on_name,
		.on_header_value = on_value,
		.on_headers_complete = on_headers };
	struct reading r = { .arena = arena, .head = head_r };
	http_parser parser;
	unsigned status;

	memset(head_r, 0, sizeof *head_r);
	if (!lines_are_strict(bytes, len))
		return 400;
	http_parser_init(&parser, HTTP_REQUEST);
	parser.data = &r;
	http_parser_execute(&parser, &settings, bytes, len);
	status = refusal(&parser, bytes);
	if (status != 0)
		return status;
	if (parser.http_major != 1 || parser.http_minor > 1)
		return 505;
	if (!first_line_is_strict(bytes, len))
		return 400;
	head_r->minor = parser.http_minor;
	if (!read_method(head_r, parser.method))
		return 501;
	if (r.status == 0)
		read_target(&r);
	return r.status != 0 ? r.status : read_fields(arena, head_r);
}

/* --- ranges ------------------------------------------------------------------------------------------ */

/* Digits; false: none. What is more than any file has is the most that there is. */
static bool
read_number(const char **text, int64_t *number_r)
{
	const char *at = *text;

	for (*number_r = 0; isdigit((unsigned char)*at); at++)
		*number_r =
		    *number_r > (INT64_MAX - 9) / 10 ? INT64_MAX : *number_r * 10 + (*at - '0');
	if (at == *text)
		return false;
	*text = at;
	return true;
}

enum http_range
http_range_parse(const char *text, int64_t size, int64_t *from_r, int64_t *len_r)
{
	int64_t first, last = size - 1;

	if (strncasecmp(text, "bytes=", 6) != 0 || strchr(text, ',') != NULL)
		return HTTP_RANGE_NONE;
	text += 6;
	if (*text == '-') {
		text++;
		if (!read_number(&text, &first) || *text != '\0')
			return HTTP_RANGE_NONE;
		if (first == 0 || size == 0)
			return HTTP_RANGE_BAD;
		*from_r = first < size ? size - first : 0;
		*len_r = size - *from_r;
		return HTTP_RANGE_ONE;
	}
	if (!read_number(&text, &first) || *text++ != '-')
		return HTTP_RANGE_NONE;
	if (*text != '\0' && (!read_number(&text, &last) || *text != '\0' || last < first))
		return HTTP_RANGE_NONE;
	if (first >= size)
		return HTTP_RANGE_BAD;
	*from_r = first;
	*len_r = (last < size - 1 ? last : size - 1) - first + 1;
	return HTTP_RANGE_ONE;
}
