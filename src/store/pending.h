/*
 * `pending`: messages that wait for a local entity or for another domain.
 *
 * Rows are in order of `position`, which the caller makes from the term and
 * his own count (store_position()), so that an order exists before anything is
 * stored. These functions add steps to a job and return the step's index.
 *
 *	store_pending_add(job, &(struct store_pending){ .position = position,
 *	    .owner = number, .stanza = bytes, .len = len, .stamp = clock_wall_ms() });
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_STORE_PENDING_H
#define LN_STORE_PENDING_H

#include "store/job.h"

struct store_pending {
	int64_t position;
	int64_t owner;      /* number of a local entity, or 0 */
	const char *domain; /* the remote domain, or NULL */
	const char *stanza; /* written as jabber:client, with its addresses */
	size_t len;
	int64_t stamp;   /* when it came, wall-clock ms */
	int64_t expires; /* wall-clock ms, or 0: never */
};

/* STORE_LATE if the owner is gone. Adding a position again is STORE_CONSTRAINT. */
unsigned store_pending_add(struct store_job *job, const struct store_pending *pending);

/* A position that is not there is no error: store_changes() says 0. */
unsigned store_pending_delete(struct store_job *job, int64_t position);

/*
 * Pages: rows above `after` in order, `limit` at most; read each with
 * store_pending_row(). An owner that an earlier step gives goes to the _of form.
 */
unsigned store_pending_page(struct store_job *job, int64_t owner, int64_t after, unsigned limit);
unsigned store_pending_page_of(struct store_job *job, struct store_arg owner, int64_t after,
    unsigned limit);
unsigned store_pending_page_domain(struct store_job *job, const char *domain, int64_t after,
    unsigned limit);

/* The texts are the row's. */
void store_pending_row(const struct store_row *row, struct store_pending *out);

/* One row: count, bytes of what waits for an entity. */
unsigned store_pending_usage(struct store_job *job, int64_t owner);
unsigned store_pending_usage_of(struct store_job *job, struct store_arg owner);

/* After a start. Rows: domain, above `after` in order ("" for the first page). */
unsigned store_pending_domains(struct store_job *job, const char *after, unsigned limit);

/*
 * What waits for local entities and whose time is over. Rows: expires, position,
 * bytes, JID of the owner; in the order of the first two, above those given.
 */
unsigned store_pending_expired(struct store_job *job, int64_t wall_ms, int64_t expires,
    int64_t position, unsigned limit);

#endif
