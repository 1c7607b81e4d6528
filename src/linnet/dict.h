/*
 * Dictionaries: tables by text, for whatever peers can fill. Keys are copied
 * and hashed under the server's secret key; values are the caller's.
 *
 *	dict = ln_dict_new();
 *	ln_dict_set(dict, nick, occupant);
 *	occupant = ln_dict_get(dict, nick);		NULL: not there
 *	ln_dict_set(dict, nick, NULL);			takes it out
 *	ln_dict_free(&dict);
 *
 * A dictionary belongs to one worker at a time.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LINNET_DICT_H
#define LINNET_DICT_H

#include <stddef.h>

struct ln_dict;

struct ln_dict *ln_dict_new(void);

/* The values are the caller's to free first. NULL is fine; nulls the pointer. */
void ln_dict_free(struct ln_dict **dict);

void *ln_dict_get(const struct ln_dict *dict, const char *key);

/* Sets or replaces a value; NULL takes the key out. */
void ln_dict_set(struct ln_dict *dict, const char *key, void *value);

size_t ln_dict_count(const struct ln_dict *dict);

/* The values in the order in which their keys came in; the one at hand may be taken out. */
void ln_dict_each(const struct ln_dict *dict, void (*each)(const char *key, void *value, void *arg),
    void *arg);

#endif
