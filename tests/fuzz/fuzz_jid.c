/*
 * Addresses: whatever comes in, what comes out as an address is made of parts
 * within their limits, goes in again unchanged, and has the hash of its bare
 * form; the short way for ASCII gives what the profiles give.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/hash.h"
#include "core/idna.h"
#include "core/precis.h"
#include "linnet/jid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool truth)
{
	if (!truth)
		abort();
}

static void
check_address(struct arena *arena, const struct ln_jid *jid)
{
	struct ln_jid again, bare = ln_jid_bare(arena, jid), host = ln_jid_host(arena, jid), made;
	size_t len = ln_jid_len(jid);

	must(strlen(jid->full) == len);
	must(jid->local_len <= LN_JID_PART_MAX && jid->resource_len <= LN_JID_PART_MAX);
	must(jid->domain_len > 0 && jid->domain_len <= LN_JID_PART_MAX);
	must(ln_jid_parse(arena, jid->full, len, &again) == LN_JID_OK);
	must(ln_jid_same(jid, &again));
	must(ln_jid_same_bare(jid, &bare) && ln_jid_same_domain(jid, &host));
	must(jid->hash == hash_bytes(bare.full, strlen(bare.full)));
	must(ln_jid_parse(arena, bare.full, strlen(bare.full), &again) == LN_JID_OK);
	must(ln_jid_same(&bare, &again));
	if (ln_jid_is_bare(jid))
		return;
	must(ln_jid_with_resource(arena, &bare, ln_jid_resource(jid), jid->resource_len, &made) ==
	    LN_JID_OK);
	must(ln_jid_same(jid, &made));
}

static bool
is_ascii(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] >= 0x80)
			return false;
	return len > 0;
}

/* The whole text as one part, both ways. */
static void
check_ways(struct arena *arena, const char *text, size_t len)
{
	char out[LN_JID_PART_MAX + 1];
	const char *part;
	size_t out_len;

	if (ln_password_prepare(arena, text, len, &part)) {
		must(precis_opaque(text, len, out, &out_len) == PRECIS_OK);
		must(strcmp(part, out) == 0);
		must(precis_opaque(part, out_len, out, &out_len) == PRECIS_OK);
		must(strcmp(part, out) == 0);
	}
	if (ln_jid_prepare_local(arena, text, len, &part) == LN_JID_OK) {
		must(precis_username(text, len, out, &out_len) == PRECIS_OK);
		must(strcmp(part, out) == 0);
	}
	if (is_ascii(text, len) && text[0] != '[') {
		bool fast = ln_jid_prepare_domain(arena, text, len, &part) == LN_JID_OK;

		must(fast == (idna_domain_unicode(text, len, out, &out_len) == IDNA_OK));
		must(!fast || strcmp(part, out) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(1024);
	struct ln_jid jid;

	if (ln_jid_parse(arena, (const char *)data, size, &jid) == LN_JID_OK)
		check_address(arena, &jid);
	check_ways(arena, (const char *)data, size);
	arena_free(&arena);
	return 0;
}
