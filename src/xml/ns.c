/*
 * Namespace constants and the table that finds them: open addressing on the
 * length and the last bytes of the uri, which differ most.
 *
 * SPDX-License-Identifier: MIT
 */
#include "xml/ns.h"

#include <assert.h>
#include <stdint.h>

#include "base/arena.h"

#define LN_NS(name, uri) const char name[] = uri;
#include "linnet/ns.def"
#undef LN_NS

#define TABLE_BITS 9
#define TABLE_SIZE (1u << TABLE_BITS)

static struct {
	const char *uri;
	size_t len;
} table[TABLE_SIZE];

static unsigned
slot_of(const char *uri, size_t len)
{
	size_t count = len < 8 ? len : 8;
	uint64_t tail = 0, mixed;

	memcpy(&tail, uri + (len - count), count);
	mixed = (tail + len * 0x9e37) * UINT64_C(0x9e3779b97f4a7c15);
	return (unsigned)(mixed >> (64 - TABLE_BITS));
}

static void
add(const char *uri)
{
	size_t len = strlen(uri);
	unsigned slot = slot_of(uri, len);

	while (table[slot].uri != NULL)
		slot = (slot + 1) % TABLE_SIZE;
	table[slot].uri = uri;
	table[slot].len = len;
}

/* Before main(), so that no thread has to ask whether it was done. */
__attribute__((constructor)) static void
fill_table(void)
{
#define LN_NS(name, uri) add(name);
#include "linnet/ns.def"
#undef LN_NS
}

const char *
ns_find(const char *uri, size_t len)
{
	unsigned slot = slot_of(uri, len);

	for (; table[slot].uri != NULL; slot = (slot + 1) % TABLE_SIZE)
		if (table[slot].len == len && memcmp(table[slot].uri, uri, len) == 0)
			return table[slot].uri;
	return NULL;
}

const char *
ln_ns_known(const char *uri)
{
	return ns_find(uri, strlen(uri));
}

const char *
ns_intern(struct arena *arena, const char *uri, size_t len)
{
	const char *known = ns_find(uri, len);

	return known != NULL ? known : arena_strndup(arena, uri, len);
}
