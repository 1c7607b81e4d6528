/*
 * A disk that fails when told to. See testvfs.h.
 *
 * Every call goes through access_(), which counts, delays and refuses; the rest
 * hands it on to the system's VFS. Shared memory is not part of the disk.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/testvfs.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define NEVER INT64_MAX

enum access { ACCESS_READ, ACCESS_WRITE, ACCESS_SYNC, ACCESS_OTHER };

static struct {
	_Atomic int64_t accesses;
	_Atomic int64_t fail_at; /* value of `accesses` that fails */
	_Atomic int64_t room;    /* bytes of new file left */
	_Atomic int64_t slow_ms; /* each sync */
	_Atomic int64_t stop_ms; /* the next sync */
	_Atomic int code;
	_Atomic bool forever;
	_Atomic bool reads_work;
	_Atomic bool read_only;
	_Atomic int64_t control_time; /* of the control file, ns */
	char control[PATH_MAX];
} disk = { .fail_at = NEVER, .room = NEVER };

static sqlite3_vfs vfs;

struct file {
	sqlite3_file base;
	sqlite3_file *real; /* behind this struct */
};

/* --- what the disk does -------------------------------------------------------------------- */

void
testvfs_heal(void)
{
	atomic_store(&disk.fail_at, NEVER);
	atomic_store(&disk.room, NEVER);
	atomic_store(&disk.slow_ms, 0);
	atomic_store(&disk.stop_ms, 0);
	atomic_store(&disk.forever, false);
	atomic_store(&disk.reads_work, false);
	atomic_store(&disk.read_only, false);
	atomic_store(&disk.accesses, 0);
}

void
testvfs_fail_at(int64_t n, int code, bool forever)
{
	atomic_store(&disk.code, code);
	atomic_store(&disk.forever, forever);
	atomic_store(&disk.fail_at, atomic_load(&disk.accesses) + n);
}

void
testvfs_full_after(int64_t bytes)
{
	atomic_store(&disk.room, bytes);
}

void
testvfs_slow(int64_t ms)
{
	atomic_store(&disk.slow_ms, ms);
}

int64_t
testvfs_accesses(void)
{
	return atomic_load(&disk.accesses);
}

static void
obey(const char *line)
{
	size_t len = strcspn(line, " \n");
	int64_t number = strtoll(line + len, NULL, 10);
	char word[16];

	snprintf(word, sizeof word, "%.*s", (int)len, line);
	testvfs_heal();
	if (strcmp(word, "fail") == 0 || strcmp(word, "dead") == 0) {
		atomic_store(&disk.reads_work, word[0] == 'f');
		testvfs_fail_at(1, SQLITE_IOERR, true);
	} else if (strcmp(word, "readonly") == 0) {
		atomic_store(&disk.reads_work, true);
		atomic_store(&disk.read_only, true);
		testvfs_fail_at(1, SQLITE_READONLY, true);
	} else if (strcmp(word, "full") == 0) {
		testvfs_full_after(number);
	} else if (strcmp(word, "slow") == 0) {
		testvfs_slow(number);
	} else if (strcmp(word, "stop") == 0) {
		atomic_store(&disk.stop_ms, number);
	}
}

static void
read_control(void)
{
	struct stat st;
	char line[64] = "";
	int64_t changed;
	FILE *file;

	if (disk.control[0] == '\0' || stat(disk.control, &st) != 0)
		return;
	changed = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	if (atomic_exchange(&disk.control_time, changed) == changed)
		return;
	file = fopen(disk.control, "re");
	if (file == NULL)
		return;
	if (fgets(line, sizeof line, file) != NULL)
		obey(line);
	else
		atomic_store(&disk.control_time, 0);
	fclose(file);
}

void
testvfs_control(const char *path)
{
	snprintf(disk.control, sizeof disk.control, "%s", path);
	testvfs_register();
	read_control();
}

static void
delay(int64_t ms)
{
	struct timespec span = { ms / 1000, (ms % 1000) * 1000000 };

	if (ms > 0)
		nanosleep(&span, NULL);
}

/* Counts one access; SQLITE_OK if it may go on. */
static int
access_(enum access access)
{
	int64_t now, at;

	read_control();
	now = atomic_fetch_add(&disk.accesses, 1) + 1;
	at = atomic_load(&disk.fail_at);
	if (access == ACCESS_SYNC)
		delay(atomic_load(&disk.slow_ms) + atomic_exchange(&disk.stop_ms, 0));
	if (now < at || (now > at && !atomic_load(&disk.forever)))
		return SQLITE_OK;
	if (access == ACCESS_READ && atomic_load(&disk.reads_work))
		return SQLITE_OK;
	return atomic_load(&disk.code);
}

/* --- files ------------------------------------------------------------------------------------ */

static sqlite3_file *
real(sqlite3_file *base)
{
	return ((struct file *)base)->real;
}

static int
file_close(sqlite3_file *base)
{
	return real(base)->pMethods != NULL ? real(base)->pMethods->xClose(real(base)) : SQLITE_OK;
}

static int
file_read(sqlite3_file *base, void *out, int len, sqlite3_int64 at)
{
	int rc = access_(ACCESS_READ);

	return rc != SQLITE_OK ? rc : real(base)->pMethods->xRead(real(base), out, len, at);
}

/* Of a full disk what is there can still be written over. */
static bool
has_room(sqlite3_file *base, int len, sqlite3_int64 at)
{
	sqlite3_int64 size = 0, grows;

	if (atomic_load(&disk.room) == NEVER)
		return true;
	real(base)->pMethods->xFileSize(real(base), &size);
	grows = at + len - size;
	return grows <= 0 || atomic_fetch_sub(&disk.room, grows) >= grows;
}

static int
file_write(sqlite3_file *base, const void *bytes, int len, sqlite3_int64 at)
{
	int rc = access_(ACCESS_WRITE);

	if (rc == SQLITE_OK && !has_room(base, len, at))
		rc = SQLITE_FULL;
	return rc != SQLITE_OK ? rc : real(base)->pMethods->xWrite(real(base), bytes, len, at);
}

static int
file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
	int rc = access_(ACCESS_OTHER);

	return rc != SQLITE_OK ? rc : real(base)->pMethods->xTruncate(real(base), size);
}

static int
file_sync(sqlite3_file *base, int flags)
{
	int rc = access_(ACCESS_SYNC);

	return rc != SQLITE_OK ? rc : real(base)->pMethods->xSync(real(base), flags);
}

static int
file_size(sqlite3_file *base, sqlite3_int64 *size_r)
{
	return real(base)->pMethods->xFileSize(real(base), size_r);
}

static int
file_lock(sqlite3_file *base, int level)
{
	return real(base)->pMethods->xLock(real(base), level);
}

static int
file_unlock(sqlite3_file *base, int level)
{
	return real(base)->pMethods->xUnlock(real(base), level);
}

static int
file_check_lock(sqlite3_file *base, int *out)
{
	return real(base)->pMethods->xCheckReservedLock(real(base), out);
}

static int
file_control(sqlite3_file *base, int op, void *arg)
{
	return real(base)->pMethods->xFileControl(real(base), op, arg);
}

static int
file_sector(sqlite3_file *base)
{
	return real(base)->pMethods->xSectorSize(real(base));
}

static int
file_device(sqlite3_file *base)
{
	return real(base)->pMethods->xDeviceCharacteristics(real(base));
}

static int
shm_map(sqlite3_file *base, int page, int size, int extend, void volatile **out)
{
	return real(base)->pMethods->xShmMap(real(base), page, size, extend, out);
}

static int
shm_lock(sqlite3_file *base, int offset, int n, int flags)
{
	return real(base)->pMethods->xShmLock(real(base), offset, n, flags);
}

static void
shm_barrier(sqlite3_file *base)
{
	real(base)->pMethods->xShmBarrier(real(base));
}

static int
shm_unmap(sqlite3_file *base, int erase)
{
	return real(base)->pMethods->xShmUnmap(real(base), erase);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2, /* without memory-mapped reading */
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_check_lock,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_device,
	.xShmMap = shm_map,
	.xShmLock = shm_lock,
	.xShmBarrier = shm_barrier,
	.xShmUnmap = shm_unmap,
};

/* --- the disk -------------------------------------------------------------------------------------- */

static sqlite3_vfs *
below(void)
{
	return vfs.pAppData;
}

static int
disk_open(sqlite3_vfs *self, const char *name, sqlite3_file *base, int flags, int *flags_r)
{
	struct file *file = (struct file *)base;
	int rc = access_(ACCESS_OTHER);

	(void)self;
	file->base.pMethods = NULL;
	/* As of a file without the right to write: it opens, for reading. */
	if (atomic_load(&disk.read_only)) {
		rc = SQLITE_OK;
		if (flags & SQLITE_OPEN_MAIN_DB)
			flags = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) |
			    SQLITE_OPEN_READONLY;
	}
	if (rc != SQLITE_OK)
		return SQLITE_CANTOPEN;
	file->real = (sqlite3_file *)(file + 1);
	rc = below()->xOpen(below(), name, file->real, flags, flags_r);
	if (file->real->pMethods != NULL)
		file->base.pMethods = &methods;
	return rc;
}

static int
disk_delete(sqlite3_vfs *self, const char *name, int sync_dir)
{
	int rc = access_(ACCESS_OTHER);

	(void)self;
	return rc != SQLITE_OK ? rc : below()->xDelete(below(), name, sync_dir);
}

void
testvfs_register(void)
{
	sqlite3_vfs *system;

	if (vfs.zName != NULL)
		return;
	system = sqlite3_vfs_find(NULL);
	vfs = *system;
	vfs.zName = TESTVFS_NAME;
	vfs.pNext = NULL;
	vfs.pAppData = system;
	vfs.szOsFile = (int)sizeof(struct file) + system->szOsFile;
	vfs.xOpen = disk_open;
	vfs.xDelete = disk_delete;
	sqlite3_vfs_register(&vfs, 0);
}
