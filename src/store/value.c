/*
 * Values: documents by owner, module, name and key. See value.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/value.h"

static const struct store_sql sql_set = {
	"INSERT INTO value (owner, module, name, key, doc) VALUES (?, ?, ?, ?, ?)"
	" ON CONFLICT (owner, module, name, key) DO UPDATE SET doc = excluded.doc"
};
static const struct store_sql sql_delete = {
	"DELETE FROM value WHERE owner = ? AND module = ? AND name = ? AND key = ?"
};
static const struct store_sql sql_clear = {
	"DELETE FROM value WHERE owner = ? AND module = ? AND name = ?"
};
static const struct store_sql sql_get = {
	"SELECT doc FROM value WHERE owner = ? AND module = ? AND name = ? AND key = ?"
};
static const struct store_sql sql_list = {
	"SELECT key, doc FROM value WHERE owner = ? AND module = ? AND name = ?"
	" ORDER BY key LIMIT ?"
};
static const struct store_sql sql_list_after = {
	"SELECT key, doc FROM value WHERE owner = ? AND module = ? AND name = ? AND key > ?"
	" ORDER BY key LIMIT ?"
};
static const struct store_sql sql_all = {
	"SELECT module, name, key, doc FROM value WHERE owner = ? ORDER BY module, name, key"
};

unsigned
store_value_set_of(struct store_job *job, struct store_arg owner, const char *module,
    const char *name, const char *key, const void *doc, size_t len)
{
	return store_add(job, &sql_set, owner, store_text(module), store_text(name),
	    store_text(key), store_blob(doc, len));
}

unsigned
store_value_set(struct store_job *job, int64_t owner, const char *module, const char *name,
    const char *key, const void *doc, size_t len)
{
	return store_value_set_of(job, store_int(owner), module, name, key, doc, len);
}

unsigned
store_value_delete_of(struct store_job *job, struct store_arg owner, const char *module,
    const char *name, const char *key)
{
	return store_add(job, &sql_delete, owner, store_text(module), store_text(name),
	    store_text(key));
}

unsigned
store_value_delete(struct store_job *job, int64_t owner, const char *module, const char *name,
    const char *key)
{
	return store_value_delete_of(job, store_int(owner), module, name, key);
}

unsigned
store_value_clear(struct store_job *job, int64_t owner, const char *module, const char *name)
{
	return store_add(job, &sql_clear, store_int(owner), store_text(module), store_text(name));
}

unsigned
store_value_get(struct store_job *job, int64_t owner, const char *module, const char *name,
    const char *key)
{
	return store_add(job, &sql_get, store_int(owner), store_text(module), store_text(name),
	    store_text(key));
}

unsigned
store_value_list(struct store_job *job, int64_t owner, const char *module, const char *name,
    const char *after, unsigned limit)
{
	if (after == NULL)
		return store_add(job, &sql_list, store_int(owner), store_text(module),
		    store_text(name), store_int(limit));
	return store_add(job, &sql_list_after, store_int(owner), store_text(module),
	    store_text(name), store_text(after), store_int(limit));
}

unsigned
store_value_all(struct store_job *job, int64_t owner)
{
	return store_add(job, &sql_all, store_int(owner));
}
