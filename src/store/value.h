/*
 * Values: one XML document, as bytes, for each owner, module, name and key.
 *
 * The roster has one value per contact (key: its JID), private storage one per
 * namespace, a vCard one under the empty key. These functions add steps to a
 * job and return the index of the step (of the result, for reads).
 *
 *	store_value_set(job, number, "roster", "item", "romeo@example.net", xml, len);
 *	last_write = store_write(job, saved, NULL);
 *
 * Setting a value of an owner that is gone makes the job STORE_LATE.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_STORE_VALUE_H
#define LN_STORE_VALUE_H

#include "store/job.h"

unsigned store_value_set(struct store_job *job, int64_t owner, const char *module, const char *name,
    const char *key, const void *doc, size_t len);
/* The same of an owner that this job itself makes: store_from(). */
unsigned store_value_set_of(struct store_job *job, struct store_arg owner, const char *module,
    const char *name, const char *key, const void *doc, size_t len);
unsigned store_value_delete_of(struct store_job *job, struct store_arg owner, const char *module,
    const char *name, const char *key);

unsigned store_value_delete(struct store_job *job, int64_t owner, const char *module,
    const char *name, const char *key);

/* All keys of one name. */
unsigned store_value_clear(struct store_job *job, int64_t owner, const char *module,
    const char *name);

/* Rows: doc. None if there is no such value. */
unsigned store_value_get(struct store_job *job, int64_t owner, const char *module, const char *name,
    const char *key);

/* Rows: key, doc; in order of the key, above `after` (NULL: from the first), `limit` at most. */
unsigned store_value_list(struct store_job *job, int64_t owner, const char *module,
    const char *name, const char *after, unsigned limit);

/* Export. Rows: module, name, key, doc of all that an owner has. */
unsigned store_value_all(struct store_job *job, int64_t owner);

#endif
