/*
 * Entities on disk: numbers, credentials, deletion, loading.
 *
 * Every account, room, service and host has a number that is never given out
 * again; all rows hang on the number, none on the JID. Most functions here add
 * steps to a job and return the index of the step whose rows matter.
 *
 *	job = store_job_new(store, "user add");
 *	step = store_entity_create(job, STORE_ACCOUNT, "juliet@example.org", 0);
 *	store_credential_set(job, store_from(step, 0), &credential);
 *	store_write(job, added, arg);	... STORE_CONSTRAINT: the name is taken
 *
 * Deletion: store_entity_die(), then (sessions ended, contacts told) store_erase(),
 * which deletes the rows of every table in slices, and the number last. A
 * server that was killed in between finds them with store_entity_dying().
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_STORE_ENTITY_H
#define LN_STORE_ENTITY_H

#include "store/pending.h"
#include "store/store.h"

/* Stored: never renumber. */
enum store_kind {
	STORE_ACCOUNT = 1,
	STORE_HOST = 2,
	STORE_ROOM = 3,
	STORE_SERVICE = 4,
};

enum store_status {
	STORE_ABSENT = 0, /* no such entity */
	STORE_ACTIVE = 1,
	STORE_DYING = 2,
};

/*
 * Row: number. STORE_CONSTRAINT if the name is taken. With `now` (wall-clock
 * ms) STORE_UNMET if the name was released less than its time ago (in-band
 * registration); with 0 that is overruled (an operator).
 */
unsigned store_entity_create(struct store_job *job, enum store_kind kind, const char *jid,
    int64_t now);

/* Row: number, status; made if it isn't there (hosts, services). */
unsigned store_entity_ensure(struct store_job *job, enum store_kind kind, const char *jid);

/* Row: number, kind, status, created, disabled (wall-clock ms; 0: it is not). None if there is none. */
unsigned store_entity_find(struct store_job *job, const char *jid);

/* Row: number. STORE_UNMET if there is no such entity, or it is dying. */
unsigned store_entity_active(struct store_job *job, const char *jid);

/* Rows: jid, number, status. In order of the JID, above `after` ("": from the first); of one
 * host, or of all (NULL). */
unsigned store_entity_list(struct store_job *job, enum store_kind kind, const char *host,
    const char *after, unsigned limit);

/* Row: count of one kind, of one host or of all (NULL). */
unsigned store_entity_count(struct store_job *job, enum store_kind kind, const char *host);

/* Since when (wall-clock ms) an account takes no logins; 0: it takes them. STORE_UNMET if it is not
 * active. */
unsigned store_entity_disable(struct store_job *job, int64_t number, int64_t since);

/* Rows: jid, number, status, disabled. As store_entity_list(), of disabled accounts alone. */
unsigned store_disabled_list(struct store_job *job, const char *host, const char *after,
    unsigned limit);

/* Row: count of disabled accounts of one host or of all (NULL). */
unsigned store_disabled_count(struct store_job *job, const char *host);

/* STORE_UNMET if it is not active. */
unsigned store_entity_die(struct store_job *job, int64_t number);

/* The same, and its name is free at once: the row takes one that is no address. */
unsigned store_entity_die_unnamed(struct store_job *job, int64_t number);

/* Rows: number, kind, jid. */
unsigned store_entity_dying(struct store_job *job, int64_t after, unsigned limit);

/* Any thread: deletes all that hangs on the number, in slices, then the number;
 * the name is released at `until` (wall-clock ms; 0: at once). */
void store_erase(struct store *store, int64_t number, int64_t until, store_sliced *done, void *arg);

/* --- credentials ------------------------------------------------------------------- */

#define STORE_KEY_MAX 64

/* SCRAM keys of one hash; a password is never stored. */
struct store_credential {
	const char *hash; /* "SHA-1", "SHA-256", "SHA-512" */
	unsigned iterations;
	const uint8_t *salt;
	size_t salt_len;
	const uint8_t *stored_key, *server_key;
	size_t key_len;
};

/* `number` is store_int() or store_from(). Replaces that hash's keys. */
unsigned store_credential_set(struct store_job *job, struct store_arg number,
    const struct store_credential *credential);

/* Before a new password: all hashes. */
unsigned store_credential_clear(struct store_job *job, struct store_arg number);

/* Rows: one a hash, for store_credential_row(). Of active entities alone. */
unsigned store_credential_get(struct store_job *job, const char *jid);

/* The bytes are the row's. `number_r` (may be NULL) gets the entity's number. */
void store_credential_row(const struct store_row *row, struct store_credential *out,
    int64_t *number_r);

/* Is the account of such a row disabled? */
bool store_credential_disabled(const struct store_row *row);

/* --- loading ------------------------------------------------------------------------ */

/* A value that is loaded with its entity, whatever its keys. */
struct store_preload {
	const char *module, *name;
};

struct store_loaded {
	enum store_outcome outcome; /* STORE_OK, or the disk's fault: nothing below is known */
	enum store_status status;
	enum store_kind kind;
	int64_t number, created, disabled;
	int64_t pending_count, pending_bytes;
	const struct store_row *pending; /* the first rows: store_pending_row() */
	/* values[i]: the rows (key, doc) of the i-th preload asked for */
	const struct store_row *const *values;
	size_t value_count;
};

/* `job`: the memory of it all; ends after `done` unless kept. */
typedef void store_loaded_fn(struct store_job *job, const struct store_loaded *loaded, void *arg);

/*
 * Reads, in one transaction, an entity's row, its preloaded values and the
 * first `pending_rows` of what waits for it. `preloads` are copied.
 */
void store_load(struct store *store, uint64_t after, const char *jid,
    const struct store_preload *preloads, size_t count, unsigned pending_rows,
    store_loaded_fn *done, void *arg);

/* The same for one loaded entity and values of modules that have come since; no pending. */
void store_load_values(struct store *store, uint64_t after, int64_t number,
    const struct store_preload *preloads, size_t count, store_loaded_fn *done, void *arg);

#endif
