/*
 * Entities and their credentials. See entity.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/entity.h"

#include <string.h>

#include "base/clock.h"

static const struct store_sql sql_create = {
	"INSERT INTO entity (kind, jid, host, status, created) VALUES (?, ?, ?, 1, ?)"
	" RETURNING number"
};
static const struct store_sql sql_create_unreleased = {
	"INSERT INTO entity (kind, jid, host, status, created) SELECT ?, ?, ?, 1, ?"
	" WHERE NOT EXISTS (SELECT 1 FROM released WHERE jid = ? AND until > ?)"
	" RETURNING number"
};
static const struct store_sql sql_unrelease = { "DELETE FROM released WHERE jid = ?" };
static const struct store_sql sql_ensure = {
	"INSERT INTO entity (kind, jid, host, status, created) VALUES (?, ?, ?, 1, ?)"
	" ON CONFLICT (jid) DO NOTHING"
};
static const struct store_sql sql_number = { "SELECT number, status FROM entity WHERE jid = ?" };
static const struct store_sql sql_find = {
	"SELECT number, kind, status, created, disabled FROM entity WHERE jid = ?"
};
static const struct store_sql sql_active = {
	"SELECT number FROM entity WHERE jid = ? AND status = 1"
};
/* "+ 0": by the index on the name, which needs no sorting. */
static const struct store_sql sql_list = {
	"SELECT jid, number, status FROM entity WHERE jid > ? AND kind + 0 = ?"
	" ORDER BY jid LIMIT ?"
};
static const struct store_sql sql_list_host = {
	"SELECT jid, number, status FROM entity WHERE kind = ? AND host = ? AND jid > ?"
	" ORDER BY jid LIMIT ?"
};
static const struct store_sql sql_count = { "SELECT COUNT(*) FROM entity WHERE kind = ?" };
static const struct store_sql sql_count_host = {
	"SELECT COUNT(*) FROM entity WHERE kind = ? AND host = ?"
};
static const struct store_sql sql_disable = {
	"UPDATE entity SET disabled = ? WHERE number = ? AND status = 1"
};
static const struct store_sql sql_disabled_list = {
	"SELECT jid, number, status, disabled FROM entity WHERE disabled <> 0 AND jid > ?"
	" ORDER BY jid LIMIT ?"
};
static const struct store_sql sql_disabled_list_host = {
	"SELECT jid, number, status, disabled FROM entity WHERE disabled <> 0 AND host = ?"
	" AND jid > ? ORDER BY jid LIMIT ?"
};
static const struct store_sql sql_disabled_count = {
	"SELECT COUNT(*) FROM entity WHERE disabled <> 0 AND status = 1"
};
static const struct store_sql sql_disabled_count_host = {
	"SELECT COUNT(*) FROM entity WHERE disabled <> 0 AND status = 1 AND host = ?"
};
static const struct store_sql sql_die = {
	"UPDATE entity SET status = 2 WHERE number = ? AND status = 1"
};
static const struct store_sql sql_die_unnamed = {
	"UPDATE entity SET status = 2, jid = jid || '/' || number WHERE number = ? AND status = 1"
};
static const struct store_sql sql_dying = {
	"SELECT number, kind, jid FROM entity WHERE status = 2 AND number > ?"
	" ORDER BY number LIMIT ?"
};
static const struct store_sql sql_credential_set = {
	"INSERT INTO credential (owner, hash, iterations, salt, stored_key, server_key)"
	" VALUES (?, ?, ?, ?, ?, ?)"
	" ON CONFLICT (owner, hash) DO UPDATE SET iterations = excluded.iterations,"
	" salt = excluded.salt, stored_key = excluded.stored_key,"
	" server_key = excluded.server_key"
};
static const struct store_sql sql_credential_clear = { "DELETE FROM credential WHERE owner = ?" };
static const struct store_sql sql_credential_get = {
	"SELECT e.number, c.hash, c.iterations, c.salt, c.stored_key, c.server_key, e.disabled"
	" FROM entity e JOIN credential c ON c.owner = e.number"
	" WHERE e.jid = ? AND e.status = 1"
};

/* --- entities ------------------------------------------------------------------------ */

/* The domain of a bare JID. */
static const char *
host_of(const char *jid)
{
	const char *at = strchr(jid, '@');

	return at != NULL ? at + 1 : jid;
}

unsigned
store_entity_create(struct store_job *job, enum store_kind kind, const char *jid, int64_t now)
{
	unsigned step;

	if (now == 0) {
		store_add(job, &sql_unrelease, store_text(jid));
		return store_add(job, &sql_create, store_int(kind), store_text(jid),
		    store_text(host_of(jid)), store_int(clock_wall_ms()));
	}
	step = store_add(job, &sql_create_unreleased, store_int(kind), store_text(jid),
	    store_text(host_of(jid)), store_int(clock_wall_ms()), store_text(jid), store_int(now));
	store_must(job);
	return step;
}

unsigned
store_entity_ensure(struct store_job *job, enum store_kind kind, const char *jid)
{
	store_add(job, &sql_ensure, store_int(kind), store_text(jid), store_text(host_of(jid)),
	    store_int(clock_wall_ms()));
	return store_add(job, &sql_number, store_text(jid));
}

unsigned
store_entity_find(struct store_job *job, const char *jid)
{
	return store_add(job, &sql_find, store_text(jid));
}

unsigned
store_entity_active(struct store_job *job, const char *jid)
{
	unsigned step = store_add(job, &sql_active, store_text(jid));

	store_must(job);
	return step;
}

unsigned
store_entity_list(struct store_job *job, enum store_kind kind, const char *host, const char *after,
    unsigned limit)
{
	if (host == NULL)
		return store_add(job, &sql_list, store_text(after), store_int(kind),
		    store_int(limit));
	return store_add(job, &sql_list_host, store_int(kind), store_text(host), store_text(after),
	    store_int(limit));
}

unsigned
store_entity_count(struct store_job *job, enum store_kind kind, const char *host)
{
	if (host == NULL)
		return store_add(job, &sql_count, store_int(kind));
	return store_add(job, &sql_count_host, store_int(kind), store_text(host));
}

unsigned
store_entity_disable(struct store_job *job, int64_t number, int64_t since)
{
	unsigned step = store_add(job, &sql_disable, store_int(since), store_int(number));

	store_must(job);
	return step;
}

unsigned
store_disabled_list(struct store_job *job, const char *host, const char *after, unsigned limit)
{
	if (host == NULL)
		return store_add(job, &sql_disabled_list, store_text(after), store_int(limit));
	return store_add(job, &sql_disabled_list_host, store_text(host), store_text(after),
	    store_int(limit));
}

unsigned
store_disabled_count(struct store_job *job, const char *host)
{
	if (host == NULL)
		return store_add(job, &sql_disabled_count);
	return store_add(job, &sql_disabled_count_host, store_text(host));
}

unsigned
store_entity_die(struct store_job *job, int64_t number)
{
	unsigned step = store_add(job, &sql_die, store_int(number));

	store_must(job);
	return step;
}

unsigned
store_entity_die_unnamed(struct store_job *job, int64_t number)
{
	return store_add(job, &sql_die_unnamed, store_int(number));
}

unsigned
store_entity_dying(struct store_job *job, int64_t after, unsigned limit)
{
	return store_add(job, &sql_dying, store_int(after), store_int(limit));
}

/* --- credentials ----------------------------------------------------------------------- */

unsigned
store_credential_set(struct store_job *job, struct store_arg number,
    const struct store_credential *credential)
{
	return store_add(job, &sql_credential_set, number, store_text(credential->hash),
	    store_int(credential->iterations), store_blob(credential->salt, credential->salt_len),
	    store_blob(credential->stored_key, credential->key_len),
	    store_blob(credential->server_key, credential->key_len));
}

unsigned
store_credential_clear(struct store_job *job, struct store_arg number)
{
	return store_add(job, &sql_credential_clear, number);
}

unsigned
store_credential_get(struct store_job *job, const char *jid)
{
	return store_add(job, &sql_credential_get, store_text(jid));
}

void
store_credential_row(const struct store_row *row, struct store_credential *out, int64_t *number_r)
{
	if (number_r != NULL)
		*number_r = row->cell[0].integer;
	*out = (struct store_credential){
		.hash = row->cell[1].bytes,
		.iterations = (unsigned)row->cell[2].integer,
		.salt = (const uint8_t *)row->cell[3].bytes,
		.salt_len = row->cell[3].len,
		.stored_key = (const uint8_t *)row->cell[4].bytes,
		.server_key = (const uint8_t *)row->cell[5].bytes,
		.key_len = row->cell[4].len,
	};
}

bool
store_credential_disabled(const struct store_row *row)
{
	return row->cell[6].integer != 0;
}
