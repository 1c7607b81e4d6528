/*
 * Addresses: split, prepare each part, join. ASCII parts are prepared here
 * with a table; the rest is PRECIS's and IDNA's.
 *
 * SPDX-License-Identifier: MIT
 */
#include "linnet/jid.h"

#include "base/arena.h"
#include "base/hash.h"
#include "base/xalloc.h"
#include "core/idna.h"
#include "core/precis.h"

_Static_assert(LN_JID_PART_MAX == PRECIS_OUT_MAX && LN_JID_PART_MAX == IDNA_OUT_MAX, "one limit");

/* A part that is being made. */
struct part {
	const char *text;
	size_t len;
	char room[LN_JID_PART_MAX + 1];
};

const char *
ln_jid_reason(enum ln_jid_error error)
{
	static const char *const reasons[] = {
#define X(name, text) text,
		LN_JID_ERRORS(X)
#undef X
	};

	return reasons[error];
}

/* --- parts ------------------------------------------------------------------ */

/* Not allowed in a localpart though the profile allows them (RFC 7622 §3.3.1). */
static bool
excluded(unsigned char c)
{
	return c == '"' || c == '&' || c == '\'' || c == '/' || c == ':' || c == '<' || c == '>' ||
	    c == '@';
}

static bool
has_excluded(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (excluded((unsigned char)text[i]))
			return true;
	return false;
}

enum ascii { ASCII_OK, ASCII_REFUSED, NOT_ASCII };

static enum ascii
ascii_local(const char *text, size_t len, char *out)
{
	enum ascii result = ASCII_OK;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= 0x80)
			return NOT_ASCII;
		if (c <= 0x20 || c == 0x7f || excluded(c))
			result = ASCII_REFUSED;
		out[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
	}
	out[len] = '\0';
	return result;
}

static enum ascii
ascii_opaque(const char *text, size_t len)
{
	enum ascii result = ASCII_OK;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= 0x80)
			return NOT_ASCII;
		if (c < 0x20 || c == 0x7f)
			result = ASCII_REFUSED;
	}
	return result;
}

static enum ln_jid_error
local_error(enum precis_result result)
{
	switch (result) {
	case PRECIS_OK:
		return LN_JID_OK;
	case PRECIS_EMPTY:
		return LN_JID_LOCAL_EMPTY;
	case PRECIS_NOT_UTF8:
		return LN_JID_NOT_UTF8;
	case PRECIS_LONG:
		return LN_JID_LOCAL_LONG;
	case PRECIS_BIDI:
		return LN_JID_LOCAL_BIDI;
	case PRECIS_CHARACTER:
		break;
	}
	return LN_JID_LOCAL_CHARACTER;
}

static enum ln_jid_error
resource_error(enum precis_result result)
{
	switch (result) {
	case PRECIS_OK:
		return LN_JID_OK;
	case PRECIS_EMPTY:
		return LN_JID_RESOURCE_EMPTY;
	case PRECIS_NOT_UTF8:
		return LN_JID_NOT_UTF8;
	case PRECIS_LONG:
		return LN_JID_RESOURCE_LONG;
	case PRECIS_BIDI:
	case PRECIS_CHARACTER:
		break;
	}
	return LN_JID_RESOURCE_CHARACTER;
}

static enum ln_jid_error
prepare_local(const char *text, size_t len, struct part *part)
{
	enum precis_result result;
	enum ascii ascii = len > LN_JID_PART_MAX ? NOT_ASCII : ascii_local(text, len, part->room);

	if (len == 0)
		return LN_JID_LOCAL_EMPTY;
	part->text = part->room;
	part->len = len;
	if (ascii != NOT_ASCII)
		return ascii == ASCII_OK ? LN_JID_OK : LN_JID_LOCAL_CHARACTER;
	result = precis_username(text, len, part->room, &part->len);
	if (result == PRECIS_OK && has_excluded(part->text, part->len))
		return LN_JID_LOCAL_CHARACTER;
	return local_error(result);
}

static enum ln_jid_error
prepare_domain(const char *text, size_t len, struct part *part)
{
	part->text = part->room;
	switch (idna_domain(text, len, part->room, &part->len)) {
	case IDNA_OK:
		return LN_JID_OK;
	case IDNA_EMPTY:
		return LN_JID_DOMAIN_EMPTY;
	case IDNA_LONG:
		return LN_JID_DOMAIN_LONG;
	case IDNA_INVALID:
		break;
	}
	return LN_JID_DOMAIN_INVALID;
}

static enum ln_jid_error
prepare_resource(const char *text, size_t len, struct part *part)
{
	enum ascii ascii = ascii_opaque(text, len);

	if (len == 0)
		return LN_JID_RESOURCE_EMPTY;
	if (ascii == ASCII_REFUSED)
		return LN_JID_RESOURCE_CHARACTER;
	if (ascii == ASCII_OK) {
		part->text = text;
		part->len = len;
		return len > LN_JID_PART_MAX ? LN_JID_RESOURCE_LONG : LN_JID_OK;
	}
	part->text = part->room;
	return resource_error(precis_opaque(text, len, part->room, &part->len));
}

/* --- the whole -------------------------------------------------------------- */

static char *
put(char *at, const char *text, size_t len)
{
	memcpy(at, text, len);
	return at + len;
}

/* Local and resource may be empty, and then are not there. */
static struct ln_jid
join(struct arena *arena, const struct part *local, const struct part *domain,
    const struct part *resource)
{
	struct ln_jid jid = { .local_len = (uint16_t)local->len,
		.domain_len = (uint16_t)domain->len,
		.resource_len = (uint16_t)resource->len };
	char *text = arena_alloc(arena, ln_jid_len(&jid) + 1), *at = text;

	if (local->len > 0) {
		at = put(at, local->text, local->len);
		*at++ = '@';
	}
	at = put(at, domain->text, domain->len);
	if (resource->len > 0) {
		*at++ = '/';
		at = put(at, resource->text, resource->len);
	}
	*at = '\0';
	jid.full = text;
	jid.hash = hash_bytes(text, ln_jid_bare_len(&jid));
	return jid;
}

static void
no_part(struct part *part)
{
	part->text = "";
	part->len = 0;
}

/* The raw parts; NULL: not there. */
struct split {
	const char *local, *domain, *resource;
	size_t local_len, domain_len, resource_len;
};

static enum ln_jid_error
prepare(struct arena *arena, const struct split *split, struct ln_jid *jid_r)
{
	struct part local, domain, resource;
	enum ln_jid_error error = LN_JID_OK;

	no_part(&local);
	no_part(&resource);
	if (split->local != NULL)
		error = prepare_local(split->local, split->local_len, &local);
	if (error == LN_JID_OK)
		error = prepare_domain(split->domain, split->domain_len, &domain);
	if (error == LN_JID_OK && split->resource != NULL)
		error = prepare_resource(split->resource, split->resource_len, &resource);
	if (error == LN_JID_OK)
		*jid_r = join(arena, &local, &domain, &resource);
	return error;
}

enum ln_jid_error
ln_jid_parse(struct arena *arena, const char *text, size_t len, struct ln_jid *jid_r)
{
	struct split split = { .domain = text, .domain_len = len };
	const char *slash = memchr(text, '/', len), *at;

	if (slash != NULL) {
		split.resource = slash + 1;
		split.resource_len = len - (size_t)(split.resource - text);
		split.domain_len = (size_t)(slash - text);
	}
	at = memchr(text, '@', split.domain_len);
	if (at != NULL) {
		split.local = text;
		split.local_len = (size_t)(at - text);
		split.domain = at + 1;
		split.domain_len -= split.local_len + 1;
	}
	return prepare(arena, &split, jid_r);
}

enum ln_jid_error
ln_jid_make(struct arena *arena, const char *local, const char *domain, const char *resource,
    struct ln_jid *jid_r)
{
	struct split split = {
		.local = local,
		.local_len = local != NULL ? strlen(local) : 0,
		.domain = domain,
		.domain_len = strlen(domain),
		.resource = resource,
		.resource_len = resource != NULL ? strlen(resource) : 0,
	};

	return prepare(arena, &split, jid_r);
}

enum ln_jid_error
ln_jid_with_resource(struct arena *arena, const struct ln_jid *jid, const char *resource,
    size_t len, struct ln_jid *jid_r)
{
	struct part part;
	enum ln_jid_error error = prepare_resource(resource, len, &part);
	size_t bare = ln_jid_bare_len(jid);
	char *text;

	if (error != LN_JID_OK)
		return error;
	text = arena_alloc(arena, bare + 1 + part.len + 1);
	memcpy(text, jid->full, bare);
	text[bare] = '/';
	*put(text + bare + 1, part.text, part.len) = '\0';
	*jid_r = *jid;
	jid_r->full = text;
	jid_r->resource_len = (uint16_t)part.len;
	return LN_JID_OK;
}

struct ln_jid
ln_jid_bare(struct arena *arena, const struct ln_jid *jid)
{
	struct ln_jid bare = *jid;

	if (jid->resource_len == 0)
		return bare;
	bare.full = arena_strndup(arena, jid->full, ln_jid_bare_len(jid));
	bare.resource_len = 0;
	return bare;
}

struct ln_jid
ln_jid_host(struct arena *arena, const struct ln_jid *jid)
{
	struct ln_jid host = *jid;

	if (jid->local_len == 0)
		return ln_jid_bare(arena, jid);
	host.full = arena_strndup(arena, ln_jid_domain(jid), jid->domain_len);
	host.local_len = host.resource_len = 0;
	host.hash = hash_bytes(host.full, host.domain_len);
	return host;
}

struct ln_jid
ln_jid_clone(struct arena *arena, const struct ln_jid *jid)
{
	struct ln_jid clone = *jid;

	clone.full = arena_strndup(arena, jid->full, ln_jid_len(jid));
	return clone;
}

void
ln_jid_copy(struct ln_jid *to, const struct ln_jid *from)
{
	*to = *from;
	to->full = xstrndup(from->full, ln_jid_len(from));
}

void
ln_jid_free(struct ln_jid *jid)
{
	free((char *)jid->full);
	memset(jid, 0, sizeof *jid);
}

int
ln_jid_compare(const struct ln_jid *a, const struct ln_jid *b)
{
	return strcmp(a->full, b->full);
}

/* --- parts alone ------------------------------------------------------------ */

enum ln_jid_error
ln_jid_prepare_local(struct arena *arena, const char *text, size_t len, const char **local_r)
{
	struct part part;
	enum ln_jid_error error = prepare_local(text, len, &part);

	if (error == LN_JID_OK)
		*local_r = arena_strndup(arena, part.text, part.len);
	return error;
}

const char *
ln_text_look(struct arena *arena, const char *text)
{
	char look[PRECIS_OUT_MAX + 1];

	return arena_strdup(arena, precis_look(text, strlen(text), look) ? look : text);
}

enum ln_jid_error
ln_jid_prepare_domain(struct arena *arena, const char *text, size_t len, const char **domain_r)
{
	struct part part;
	enum ln_jid_error error = prepare_domain(text, len, &part);

	if (error == LN_JID_OK)
		*domain_r = arena_strndup(arena, part.text, part.len);
	return error;
}

bool
ln_password_prepare(struct arena *arena, const char *text, size_t len, const char **password_r)
{
	struct part part;
	bool ok = prepare_resource(text, len, &part) == LN_JID_OK;

	if (ok)
		*password_r = arena_strndup(arena, part.text, part.len);
	explicit_bzero(&part, sizeof part);
	return ok;
}
