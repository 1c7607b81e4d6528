/*
 * Messages that wait. See pending.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/pending.h"

#define COLUMNS "position, owner, domain, stanza, stamp, expires"

static const struct store_sql sql_add = {
	"INSERT INTO pending (position, owner, domain, stanza, size, stamp, expires)"
	" VALUES (?, ?, ?, ?, ?, ?, ?)"
};
static const struct store_sql sql_delete = { "DELETE FROM pending WHERE position = ?" };
static const struct store_sql sql_page = { "SELECT " COLUMNS
					   " FROM pending WHERE owner = ? AND position > ?"
					   " ORDER BY position LIMIT ?" };
static const struct store_sql sql_page_domain = { "SELECT " COLUMNS
						  " FROM pending WHERE domain = ? AND position > ?"
						  " ORDER BY position LIMIT ?" };
static const struct store_sql sql_usage = {
	"SELECT COUNT(*), COALESCE(SUM(size), 0) FROM pending WHERE owner = ?"
};
static const struct store_sql sql_domains = {
	"SELECT DISTINCT domain FROM pending WHERE domain > ? ORDER BY domain LIMIT ?"
};
static const struct store_sql sql_expired = {
	"SELECT p.expires, p.position, p.size, e.jid FROM pending p"
	" JOIN entity e ON e.number = p.owner"
	" WHERE p.expires <= ? AND (p.expires, p.position) > (?, ?)"
	" ORDER BY p.expires, p.position LIMIT ?"
};

unsigned
store_pending_add(struct store_job *job, const struct store_pending *pending)
{
	return store_add(job, &sql_add, store_int(pending->position),
	    pending->owner != 0 ? store_int(pending->owner) : store_null(),
	    store_text(pending->domain), store_blob(pending->stanza, pending->len),
	    store_int((int64_t)pending->len), store_int(pending->stamp),
	    pending->expires != 0 ? store_int(pending->expires) : store_null());
}

unsigned
store_pending_delete(struct store_job *job, int64_t position)
{
	return store_add(job, &sql_delete, store_int(position));
}

unsigned
store_pending_page_of(struct store_job *job, struct store_arg owner, int64_t after, unsigned limit)
{
	return store_add(job, &sql_page, owner, store_int(after), store_int(limit));
}

unsigned
store_pending_page(struct store_job *job, int64_t owner, int64_t after, unsigned limit)
{
	return store_pending_page_of(job, store_int(owner), after, limit);
}

unsigned
store_pending_page_domain(struct store_job *job, const char *domain, int64_t after, unsigned limit)
{
	return store_add(job, &sql_page_domain, store_text(domain), store_int(after),
	    store_int(limit));
}

void
store_pending_row(const struct store_row *row, struct store_pending *out)
{
	*out = (struct store_pending){
		.position = row->cell[0].integer,
		.owner = row->cell[1].integer,
		.domain = row->cell[2].bytes,
		.stanza = row->cell[3].bytes,
		.len = row->cell[3].len,
		.stamp = row->cell[4].integer,
		.expires = row->cell[5].integer,
	};
}

unsigned
store_pending_usage_of(struct store_job *job, struct store_arg owner)
{
	return store_add(job, &sql_usage, owner);
}

unsigned
store_pending_usage(struct store_job *job, int64_t owner)
{
	return store_pending_usage_of(job, store_int(owner));
}

unsigned
store_pending_domains(struct store_job *job, const char *after, unsigned limit)
{
	return store_add(job, &sql_domains, store_text(after), store_int(limit));
}

unsigned
store_pending_expired(struct store_job *job, int64_t wall_ms, int64_t expires, int64_t position,
    unsigned limit)
{
	return store_add(job, &sql_expired, store_int(wall_ms), store_int(expires),
	    store_int(position), store_int(limit));
}
