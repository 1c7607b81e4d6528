/*
 * Keyed hashing and hash tables.
 *
 * Every table that a peer can fill is a uthash table hashed with SipHash-1-3
 * under a key of this server. Include this header, never <uthash.h> itself;
 * then use uthash's own macros (HASH_ADD_KEYPTR, HASH_FIND ...).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_BASE_HASH_H
#define LN_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/xalloc.h"

#define HASH_KEY_LEN 16

/*
 * Sets the key. Main thread, once, before any table is made: the tables of a
 * process die with it, but slots (core) are kept in the database with the key.
 */
void hash_set_key(const uint8_t key[HASH_KEY_LEN]);

/* 64 bits of SipHash-1-3 of the bytes. Any thread. */
uint64_t hash_bytes(const void *bytes, size_t len);

#define HASH_FUNCTION(keyptr, keylen, hashv)                        \
	do {                                                        \
		(hashv) = (unsigned)hash_bytes((keyptr), (keylen)); \
	} while (0)
#define uthash_malloc(size) xmalloc(size)
#define uthash_fatal(message) abort()

#include <uthash.h>

#endif
