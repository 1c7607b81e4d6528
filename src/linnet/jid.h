/*
 * Addresses of XMPP (RFC 7622): local@domain/resource.
 *
 * An ln_jid is a value: copy it, embed it, pass it by pointer. Its text is
 * normalised once, when the JID is made, and lives in the arena that was given
 * then; so two JIDs are the same address exactly when their texts are, and
 * nothing else in the server ever compares or maps a single character.
 *
 *	struct ln_jid to, room;
 *
 *	error = ln_jid_parse(arena, text, len, &to);
 *	if (error != LN_JID_OK)
 *		return ln_refuse(stanza, LN_ERR_JID_MALFORMED, "%s", ln_jid_reason(error));
 *	room = ln_jid_bare(arena, &to);
 *	ln_jid_copy(&session->jid, &room);	... outlives the arena
 *
 * The localpart is prepared with UsernameCaseMapped and the resourcepart with
 * OpaqueString (both RFC 8265); the domainpart is IDNA2008 through UTS 46, its
 * canonical form is the U-label, a trailing dot is taken off, IP literals are
 * rewritten to their shortest form. ASCII never reaches ICU.
 *
 * All functions are pure and may be called on any thread.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_LINNET_JID_H
#define LN_LINNET_JID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct arena;

#define LN_JID_PART_MAX 1023 /* bytes of a part after preparation (RFC 7622 §3.1) */
#define LN_JID_MAX 3071      /* bytes of a whole address */

/* Why a text is no address: {name, sentence for logs and <text/>}. */
#define LN_JID_ERRORS(X)                                                   \
	X(OK, "valid")                                                     \
	X(NOT_UTF8, "not UTF-8")                                           \
	X(LOCAL_EMPTY, "nothing before the @")                             \
	X(LOCAL_LONG, "localpart longer than 1023 bytes")                  \
	X(LOCAL_CHARACTER, "character not allowed in a localpart")         \
	X(LOCAL_BIDI, "localpart mixes writing directions")                \
	X(DOMAIN_EMPTY, "domainpart missing")                              \
	X(DOMAIN_LONG, "domainpart or a label of it too long")             \
	X(DOMAIN_INVALID, "domainpart is not a domain name or IP address") \
	X(RESOURCE_EMPTY, "nothing behind the /")                          \
	X(RESOURCE_LONG, "resourcepart longer than 1023 bytes")            \
	X(RESOURCE_CHARACTER, "character not allowed in a resourcepart")

enum ln_jid_error {
#define X(name, text) LN_JID_##name,
	LN_JID_ERRORS(X)
#undef X
};

struct ln_jid {
	const char *full;      /* all parts, normalised, NUL-terminated */
	uint16_t local_len;    /* bytes; 0: there is no localpart */
	uint16_t domain_len;   /* never 0 in a JID that was made */
	uint16_t resource_len; /* 0: a bare JID */
	uint64_t hash;         /* of the bare JID: the key of homes and tables */
};

/* The sentence that goes with an error; never NULL. */
const char *ln_jid_reason(enum ln_jid_error error);

/*
 * Makes a JID of `len` bytes of text. On an error *jid_r is untouched. The
 * whole is split at the first '/' and then at the first '@' (RFC 7622 §3.1).
 */
enum ln_jid_error ln_jid_parse(struct arena *arena, const char *text, size_t len,
    struct ln_jid *jid_r);

/* Makes a JID of NUL-terminated parts; local and resource may be NULL. */
enum ln_jid_error ln_jid_make(struct arena *arena, const char *local, const char *domain,
    const char *resource, struct ln_jid *jid_r);

/* The same account with another resource, which is prepared here. */
enum ln_jid_error ln_jid_with_resource(struct arena *arena, const struct ln_jid *jid,
    const char *resource, size_t len, struct ln_jid *jid_r);

/* The JID without its resource; shares the text of a JID that is bare already. */
struct ln_jid ln_jid_bare(struct arena *arena, const struct ln_jid *jid);

/* The JID of the domain alone; shares the text where it is that already. */
struct ln_jid ln_jid_host(struct arena *arena, const struct ln_jid *jid);

/* The same JID with its text in another arena. */
struct ln_jid ln_jid_clone(struct arena *arena, const struct ln_jid *jid);

/* The same in memory of its own; give it back with ln_jid_free(), which zeroes the JID. */
void ln_jid_copy(struct ln_jid *to, const struct ln_jid *from);
void ln_jid_free(struct ln_jid *jid);

/*
 * A prepared localpart, as accounts are named (UsernameCaseMapped and the
 * exclusions of RFC 7622 §3.3.1). Returns it NUL-terminated through *local_r.
 */
enum ln_jid_error ln_jid_prepare_local(struct arena *arena, const char *text, size_t len,
    const char **local_r);

/*
 * What a prepared text looks like: letters of other scripts stand as those that they are confused
 * with. For comparing, never for showing.
 */
const char *ln_text_look(struct arena *arena, const char *text);

/* A prepared domainpart. */
enum ln_jid_error ln_jid_prepare_domain(struct arena *arena, const char *text, size_t len,
    const char **domain_r);

/*
 * A password as it is hashed and compared (OpaqueString, RFC 8265 §4.2). False
 * for one that is empty, longer than 1023 bytes, or holds a character that the
 * profile refuses: an account is then not given that password, and a login
 * with it fails as a wrong one does. The bytes are in the arena: the caller
 * wipes them (ln_wipe() of linnet/credentials.h).
 */
bool ln_password_prepare(struct arena *arena, const char *text, size_t len,
    const char **password_r);

/* Total order by text, for sorted lists: <0, 0, >0. */
int ln_jid_compare(const struct ln_jid *a, const struct ln_jid *b);

/* --- parts: none is NUL-terminated but the resource ------------------------ */

static inline bool
ln_jid_has_local(const struct ln_jid *jid)
{
	return jid->local_len > 0;
}

static inline bool
ln_jid_is_bare(const struct ln_jid *jid)
{
	return jid->resource_len == 0;
}

/* local_len bytes */
static inline const char *
ln_jid_local(const struct ln_jid *jid)
{
	return jid->full;
}

static inline size_t
ln_jid_domain_offset(const struct ln_jid *jid)
{
	return jid->local_len > 0 ? jid->local_len + (size_t)1 : 0;
}

/* domain_len bytes */
static inline const char *
ln_jid_domain(const struct ln_jid *jid)
{
	return jid->full + ln_jid_domain_offset(jid);
}

static inline size_t
ln_jid_bare_len(const struct ln_jid *jid)
{
	return ln_jid_domain_offset(jid) + jid->domain_len;
}

static inline size_t
ln_jid_len(const struct ln_jid *jid)
{
	size_t bare = ln_jid_bare_len(jid);

	return jid->resource_len > 0 ? bare + 1 + jid->resource_len : bare;
}

/* NUL-terminated; "" for a bare JID */
static inline const char *
ln_jid_resource(const struct ln_jid *jid)
{
	return jid->full + ln_jid_len(jid) - jid->resource_len;
}

/* --- comparisons ------------------------------------------------------------ */

static inline bool
ln_jid_same_bare(const struct ln_jid *a, const struct ln_jid *b)
{
	return a->hash == b->hash && a->local_len == b->local_len &&
	    a->domain_len == b->domain_len && memcmp(a->full, b->full, ln_jid_bare_len(a)) == 0;
}

static inline bool
ln_jid_same(const struct ln_jid *a, const struct ln_jid *b)
{
	return a->resource_len == b->resource_len && ln_jid_same_bare(a, b) &&
	    memcmp(ln_jid_resource(a), ln_jid_resource(b), a->resource_len) == 0;
}

static inline bool
ln_jid_same_domain(const struct ln_jid *a, const struct ln_jid *b)
{
	return a->domain_len == b->domain_len &&
	    memcmp(ln_jid_domain(a), ln_jid_domain(b), a->domain_len) == 0;
}

/* Is the domainpart this (prepared, NUL-terminated) name? */
static inline bool
ln_jid_in_domain(const struct ln_jid *jid, const char *domain)
{
	return strlen(domain) == jid->domain_len &&
	    memcmp(ln_jid_domain(jid), domain, jid->domain_len) == 0;
}

#endif
