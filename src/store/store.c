/*
 * Opening and closing the store. See store.h.
 *
 * Before any thread starts, one transaction applies the schema, raises the
 * term and makes the keys, so that a database that cannot be written is
 * refused here, with a sentence, and nothing is ever given out twice.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "store/engine.h"
#ifdef LN_DEBUG
#include "store/testvfs.h"
#endif

#define READERS_DEFAULT 2
#define SECRET_MAX 64

static const struct store_sql sql_term = {
	"INSERT INTO sequence (name, value) VALUES ('term', 1)"
	" ON CONFLICT (name) DO UPDATE SET value = sequence.value + 1 RETURNING value"
};
static const struct store_sql sql_secret_make = {
	"INSERT INTO secret (name, bytes) VALUES (?, ?) ON CONFLICT (name) DO NOTHING"
};
static const struct store_sql sql_secret = { "SELECT bytes FROM secret WHERE name = ?" };
static const struct store_sql sql_forget_released = { "DELETE FROM released WHERE until < ?" };

/* --- files ------------------------------------------------------------------------------ */

/* One daemon a directory; the lock goes with the process, however it ends. */
static int
take_lock(const char *dir, char **error_r)
{
	char *path = xasprintf("%s/linnet.lock", dir);
	char owner[32] = "";
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0) {
		*error_r = xasprintf("%s: %s", path, strerror(errno));
	} else if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (read(fd, owner, sizeof owner - 1) > 0)
			owner[strcspn(owner, "\n")] = '\0';
		*error_r = xasprintf("%s is in use by another linnetd (process %s)", dir,
		    owner[0] != '\0' ? owner : "unknown");
		close(fd);
		fd = -1;
	} else if (ftruncate(fd, 0) != 0 || dprintf(fd, "%ld\n", (long)getpid()) < 0) {
		*error_r = xasprintf("%s: %s", path, strerror(errno));
		close(fd);
		fd = -1;
	}
	free(path);
	return fd;
}

/* So that nobody else can read it; the files beside it get the same mode from SQLite. */
static bool
make_file(const char *path, char **error_r)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0) {
		*error_r = xasprintf("%s: %s", path, strerror(errno));
		return false;
	}
	close(fd);
	return true;
}

static char *
open_error(const struct store *store, int rc)
{
	const struct sqlite *conn = &store->writer.conn;

	switch (rc & 0xff) {
	case SQLITE_NOTADB:
		return xasprintf("%s is no database, or it is damaged", store->path);
	case SQLITE_CORRUPT:
		return xasprintf("%s is damaged (%s): restore a backup", store->path,
		    sqlite_error(conn));
	case SQLITE_READONLY:
		return xasprintf("%s or its directory cannot be written to", store->path);
	case SQLITE_BUSY:
		return xasprintf("%s is locked by another program", store->path);
	default:
		return xasprintf("%s: %s", store->path, sqlite_error(conn));
	}
}

/* --- the first transaction ------------------------------------------------------------------- */

static int
check_format(struct store *store, char **error_r)
{
	struct sqlite *conn = &store->writer.conn;
	int64_t tables = sqlite_int(conn, "SELECT COUNT(*) FROM sqlite_master");
	int64_t id = sqlite_int(conn, "PRAGMA application_id");

	if (tables < 0 || id < 0)
		return sqlite3_extended_errcode(conn->db);
	if (tables > 0 && id != STORE_APPLICATION_ID)
		*error_r = xasprintf("%s is a database of another program", store->path);
	else if (sqlite3_db_readonly(conn->db, "main") != 0)
		return SQLITE_READONLY;
	else if (tables == 0)
		return sqlite_exec(conn, "PRAGMA application_id = 1282305652");
	return SQLITE_OK;
}

static int
use_wal(struct store *store)
{
	struct sqlite *conn = &store->writer.conn;
	int rc = sqlite_exec(conn, "PRAGMA journal_mode = WAL");

	/* On a file system without shared memory SQLite keeps its old mode. */
	if (rc == SQLITE_OK &&
	    sqlite_int(conn,
		"SELECT COUNT(*) FROM pragma_journal_mode"
		" WHERE journal_mode = 'wal'") != 1)
		rc = SQLITE_PROTOCOL;
	return rc;
}

static void
add_secret(struct store_job *job, const char *name, size_t len)
{
	uint8_t fresh[SECRET_MAX];

	if (RAND_bytes(fresh, (int)len) != 1)
		abort();
	store_add(job, &sql_secret_make, store_text(name), store_blob(fresh, len));
	store_add(job, &sql_secret, store_text(name));
}

static int
first_transaction(struct store *store, const struct store_schema *const *schemas, size_t count,
    char **error_r)
{
	static const struct store_schema *const base = &store_base_schema;
	struct sqlite *conn = &store->writer.conn;
	struct store_job *job;
	int rc = sqlite_do(conn, &sqlite_begin);

	if (rc != SQLITE_OK)
		return rc;
	if (!store_schema_apply(conn, &base, 1, error_r) ||
	    !store_schema_apply(conn, schemas, count, error_r))
		return SQLITE_OK;
	job = store_job_new(store, "start");
	store_add(job, &sql_term);
	add_secret(job, "hash-key", STORE_HASH_KEY_LEN);
	store_add(job, &sql_forget_released, store_int(clock_wall_ms()));
	store_job_reset(job);
	rc = store_job_run(conn, job);
	if (rc == SQLITE_OK)
		rc = sqlite_do(conn, &sqlite_commit);
	if (rc == SQLITE_OK) {
		store->term = store_rows(job, 0)->cell[0].integer;
		memcpy(store->hash_key, store_rows(job, 2)->cell[0].bytes, STORE_HASH_KEY_LEN);
	}
	store_job_free(&job);
	return rc;
}

static bool
open_database(struct store *store, const struct store_schema *const *schemas, size_t count,
    char **error_r)
{
	struct sqlite *conn = &store->writer.conn;
	int rc = sqlite_open(conn, store->path, store->vfs, SQLITE_MODE_CREATE);

	if (rc == SQLITE_OK)
		rc = check_format(store, error_r);
	if (rc == SQLITE_OK && *error_r == NULL)
		rc = use_wal(store);
	if (rc == SQLITE_OK && *error_r == NULL)
		rc = first_transaction(store, schemas, count, error_r);
	if (rc != SQLITE_OK)
		*error_r = open_error(store, rc);
	else if (*error_r == NULL && store->term >= (int64_t)1 << STORE_TERM_BITS)
		*error_r = xasprintf("%s has been opened too often: no term is left", store->path);
	if (*error_r != NULL) {
		sqlite_close(conn);
		return false;
	}
	store_owners_find(store, conn);
	return true;
}

/* --- opening and closing ---------------------------------------------------------------------- */

/* Builds for testing: a disk that fails on demand, see testvfs.h. */
static char *
test_vfs(void)
{
#ifdef LN_DEBUG
	const char *control = getenv("LINNET_TEST_VFS");

	if (control != NULL) {
		testvfs_control(control);
		return xstrdup(TESTVFS_NAME);
	}
#endif
	return NULL;
}

static int64_t
stall_ms(const struct store_conf *conf)
{
#ifdef LN_DEBUG
	const char *ms = getenv("LINNET_TEST_STALL");

	if (ms != NULL)
		return strtoll(ms, NULL, 10);
#endif
	return conf->stall_ms != 0 ? conf->stall_ms : STORE_STALL_MS;
}

static struct store *
new_store(const struct store_conf *conf)
{
	struct store *store = xcalloc(1, sizeof *store);

	store->path = xasprintf("%s/linnet.db", conf->dir);
	store->vfs = conf->vfs != NULL ? xstrdup(conf->vfs) : test_vfs();
	store->lock_fd = -1;
	store->stall_ms = stall_ms(conf);
	store->close_ms = conf->close_ms != 0 ? conf->close_ms : STORE_CLOSE_MS;
	store->reader_count = conf->readers != 0 ? conf->readers : READERS_DEFAULT;
	if (store->reader_count > STORE_READERS_MAX)
		store->reader_count = STORE_READERS_MAX;
	pthread_mutex_init(&store->health.lock, NULL);
	return store;
}

static void
free_store(struct store *store)
{
	struct store_listener *listener;

	while ((listener = store->health.listeners) != NULL) {
		store->health.listeners = listener->next;
		free(listener);
	}
	pthread_mutex_destroy(&store->health.lock);
	store_owners_free(store);
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	free(store->path);
	free(store->vfs);
	free(store);
}

static bool
start(struct store *store, const struct store_conf *conf, const struct store_schema *const *schemas,
    size_t count, char **error_r)
{
	store->lock_fd = take_lock(conf->dir, error_r);
	if (store->lock_fd < 0 || !make_file(store->path, error_r) ||
	    !open_database(store, schemas, count, error_r))
		return false;
	if (!store_readers_start(store, error_r)) {
		sqlite_close(&store->writer.conn);
		return false;
	}
	if (!store_keeper_start(store, error_r)) {
		store_readers_stop(store);
		store_readers_free(store);
		sqlite_close(&store->writer.conn);
		return false;
	}
	store_writer_start(store);
	return true;
}

struct store *
store_open(const struct store_conf *conf, const struct store_schema *const *schemas, size_t count,
    char **error_r)
{
	struct store *store;

	/* Its statistics cost a lock at each allocation; fails harmlessly when SQLite runs. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	*error_r = NULL;
	store = new_store(conf);
	if (!start(store, conf, schemas, count, error_r)) {
		free_store(store);
		return NULL;
	}
	return store;
}

bool
store_stop(struct store *store)
{
	if (store->stopped)
		return store->complete;
	store->complete = store_writer_stop(store);
	store_readers_stop(store);
	store_keeper_stop(store);
	/* The last connection to close checkpoints all. */
	sqlite_close(&store->writer.conn);
	store->stopped = true;
	if (!store->complete)
		log_error("store", "closed without all that was to be stored file=%s", store->path);
	return store->complete;
}

bool
store_close(struct store **store_p)
{
	struct store *store = *store_p;
	bool ok = store_stop(store);

	*store_p = NULL;
	store_writer_free(store);
	store_readers_free(store);
	store_keeper_free(store);
	free_store(store);
	return ok;
}

/* --- constants ------------------------------------------------------------------------------------ */

int64_t
store_term(const struct store *store)
{
	return store->term;
}

const uint8_t *
store_hash_key(const struct store *store)
{
	return store->hash_key;
}

bool
store_secret(struct store *store, const char *name, uint8_t *out, size_t len)
{
	struct store_job *job = store_job_new(store, "secret");
	const struct store_row *row;
	bool ok;

	if (len > SECRET_MAX)
		abort();
	add_secret(job, name, len);
	ok = store_run_write(job) == STORE_OK;
	row = store_rows(job, 1);
	ok = ok && row != NULL && row->cell[0].len == len;
	if (ok)
		memcpy(out, row->cell[0].bytes, len);
	store_job_free(&job);
	return ok;
}
