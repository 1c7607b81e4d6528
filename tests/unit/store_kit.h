/*
 * What the tests of the store share: a directory of their own, a table, counts.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_TESTS_STORE_KIT_H
#define LN_TESTS_STORE_KIT_H

#include "store/entity.h"
#include "store/testvfs.h"
#include "store/value.h"

/* Checked fixtures: a fresh directory before each test, its removal after it. */
void kit_setup(void);
void kit_teardown(void);

/* A table `kit_row (id PRIMARY KEY, text NOT NULL, owner -> entity)`. */
extern const struct store_schema kit_schema;
extern const struct store_sql kit_insert, kit_count, kit_text;

const char *kit_dir(void);
char *kit_path(const char *name); /* to be freed */

/* Opens the store on the disk that fails on demand; fails the test with the error. */
struct store *kit_open(void);
/* May fail: NULL and the sentence. */
struct store *kit_try_open(const struct store_schema *schema, char **error_r);

/* Fails the test unless the database in the directory is sound. A store may have it open. */
void kit_check(void);

/* A job that inserts one row; not submitted. */
struct store_job *kit_row(struct store *store, int64_t id, const char *text);

/* Runs one SELECT and returns its first column, or -1. */
int64_t kit_int(struct store *store, const struct store_sql *sql);
int64_t kit_rows(struct store *store);

/* Waits, 10 s at most, until `*flag` is at least `value`. */
#define kit_wait(flag, value)                                                                 \
	do {                                                                                  \
		for (int tries_ = 0; atomic_load(flag) < (value) && tries_ < 10000; tries_++) \
			kit_pause(1);                                                         \
		ck_assert_int_ge(atomic_load(flag), (value));                                 \
	} while (0)
void kit_pause(int ms);

#endif
