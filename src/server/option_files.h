/*
 * The files that options name: their paths, and secrets kept in them.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_OPTION_FILES_H
#define LN_SERVER_OPTION_FILES_H

struct arena;

/* The path of a file named in another file: a relative one begins where that one lies. */
const char *option_file_path(struct arena *arena, const char *named_in, const char *path);

/* The first line of a file; NULL: it went well, else what is wrong: "cannot be read: ...". */
const char *option_file_secret(struct arena *arena, const char *path, const char **secret_r);

/* Opens a regular file for reading; -1: `problem_r` says what is wrong. */
int option_file_open(const char *path, const char **problem_r);

/* NULL: a regular file that can be read; else what is wrong. */
const char *option_file_check(const char *path);

#endif
