/*
 * A disk that fails when told to: an SQLite VFS in front of the system's.
 *
 * For tests alone. A program registers it and opens the store on it by name;
 * the daemon does so in builds with --enable-debug when the environment names
 * a control file in LINNET_TEST_VFS. That file is read again whenever it has
 * changed and holds one line:
 *
 *	ok			the disk works
 *	fail			every access but reading fails
 *	dead			reading fails too
 *	full BYTES		the disk is full after so many more bytes
 *	readonly		it cannot be written to, nor opened for writing
 *	slow MS			each sync takes so much longer
 *	stop MS			the next sync hangs so long, once
 *
 * One disk a process. Any thread.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_STORE_TESTVFS_H
#define LN_STORE_TESTVFS_H

#include <stdbool.h>
#include <stdint.h>

#define TESTVFS_NAME "linnet-test"

/* Registers the disk; more than once is fine. */
void testvfs_register(void);

/* Reads what the disk does from a file, now and whenever it changes. */
void testvfs_control(const char *path);

/*
 * The `n`-th access from now (1: the next; opening, reading, writing, syncing,
 * truncating, deleting) fails with one of SQLite's codes; with `forever` all
 * that follow fail too.
 */
void testvfs_fail_at(int64_t n, int code, bool forever);

/* After so many more bytes of new file, writing fails with SQLITE_FULL. */
void testvfs_full_after(int64_t bytes);

/* Each sync takes `ms` longer. */
void testvfs_slow(int64_t ms);

/* The disk works again. */
void testvfs_heal(void);

/* Accesses since the disk was registered or healed. */
int64_t testvfs_accesses(void);

#endif
