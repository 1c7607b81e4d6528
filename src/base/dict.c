/*
 * Dictionaries. See linnet/dict.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "linnet/dict.h"

#include <string.h>

#include "base/hash.h"
#include "base/xalloc.h"

struct entry {
	UT_hash_handle hh;
	void *value;
	char key[];
};

struct ln_dict {
	struct entry *table;
};

struct ln_dict *
ln_dict_new(void)
{
	return xcalloc(1, sizeof(struct ln_dict));
}

static void
take_out(struct ln_dict *dict, struct entry *entry)
{
	HASH_DEL(dict->table, entry);
	free(entry);
}

void
ln_dict_free(struct ln_dict **dict_p)
{
	struct ln_dict *dict = *dict_p;

	*dict_p = NULL;
	if (dict == NULL)
		return;
	while (dict->table != NULL)
		take_out(dict, dict->table);
	free(dict);
}

static struct entry *
find(const struct ln_dict *dict, const char *key)
{
	struct entry *entry;

	HASH_FIND(hh, dict->table, key, strlen(key), entry);
	return entry;
}

void *
ln_dict_get(const struct ln_dict *dict, const char *key)
{
	struct entry *entry = find(dict, key);

	return entry != NULL ? entry->value : NULL;
}

void
ln_dict_set(struct ln_dict *dict, const char *key, void *value)
{
	struct entry *entry = find(dict, key);
	size_t len = strlen(key);

	if (value == NULL) {
		if (entry != NULL)
			take_out(dict, entry);
		return;
	}
	if (entry == NULL) {
		entry = xcalloc(1, sizeof *entry + len + 1);
		memcpy(entry->key, key, len);
		HASH_ADD_KEYPTR(hh, dict->table, entry->key, len, entry);
	}
	entry->value = value;
}

size_t
ln_dict_count(const struct ln_dict *dict)
{
	return HASH_COUNT(dict->table);
}

void
ln_dict_each(const struct ln_dict *dict, void (*each)(const char *key, void *value, void *arg),
    void *arg)
{
	struct entry *entry, *next;

	HASH_ITER(hh, dict->table, entry, next)
		each(entry->key, entry->value, arg);
}
