/*
 * A folder of a test's own, and its end.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_TESTS_FOLDER_H
#define LN_TESTS_FOLDER_H

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#define FOLDER_MAX 64

/* /tmp/linnet-NAME-...; fails the test if it cannot be made. */
static inline void
folder_make(char path[FOLDER_MAX], const char *name)
{
	snprintf(path, FOLDER_MAX, "/tmp/linnet-%s-XXXXXX", name);
	ck_assert_ptr_nonnull(mkdtemp(path));
}

static inline int
folder_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* With all that is in it. */
static inline void
folder_remove(const char *path)
{
	nftw(path, folder_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
