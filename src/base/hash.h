/*
 * Keyed hashing and hash tables.
 *
 * Every table that a peer can fill is a uthash table hashed with SipHash-1-3
 * under a random key of this process. Include this header, never <uthash.h>
 * itself; then use uthash's own macros (HASH_ADD_KEYPTR, HASH_FIND ...).
 *
 * Slots (core) are hashed under a key of their own, which is kept in the
 * database: tables that are made before that is open must not depend on it.
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

/* Sets the key of hash_bytes(). Main thread, once, before any JID is made. */
void hash_set_key(const uint8_t key[HASH_KEY_LEN]);

/* 64 bits of SipHash-1-3 of the bytes under that key. Any thread. */
uint64_t hash_bytes(const void *bytes, size_t len);

/* The same under the key of the process: what uthash uses here. */
uint64_t hash_table_bytes(const void *bytes, size_t len);

#define HASH_FUNCTION(keyptr, keylen, hashv)                              \
	do {                                                              \
		(hashv) = (unsigned)hash_table_bytes((keyptr), (keylen)); \
	} while (0)
#define uthash_malloc(size) xmalloc(size)
#define uthash_fatal(message) abort()

#include <uthash.h>

#endif
