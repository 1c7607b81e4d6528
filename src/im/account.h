/*
 * Accounts: the entity behind user@host.
 *
 * An account is loaded with all that its handlers need: roster, preloaded
 * values, the size of what waits for it. It has sessions (session.h), gives
 * them what comes (deliver.h), and keeps what lasts until somebody has
 * acknowledged it (pending.h). Everything here runs at the account's home.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_IM_ACCOUNT_H
#define LN_IM_ACCOUNT_H

#include <sys/queue.h>

#include "core/entity.h"
#include "core/host.h"
#include "linnet/account.h"

struct roster;
struct waiting;

TAILQ_HEAD(session_list, ln_session);
TAILQ_HEAD(waiting_list, waiting);

/* A resumable session that ended without being resumed: what <failed/> can still say of it. */
struct ended {
	char *sm_id;
	uint32_t h;
	int64_t until; /* monotonic ms */
};
#define ENDED_MAX 4

struct ln_account {
	struct entity entity; /* first */
	struct session_list sessions;
	unsigned session_count;
	struct roster *roster; /* NULL: nobody in it; see roster.h */
	struct slices slices;
	struct documents *documents; /* preloaded values of modules: core/module.c */
	bool open;                   /* modules have opened their slices */
	bool doomed;                 /* its end is on the way to the disk: registry.h */
	bool disabled;               /* takes no sessions: disable.h */
	struct waiting_list waiting; /* lasting messages that are in memory, in order */
	int64_t stored_count;        /* rows of `pending`, those in memory included */
	int64_t stored_bytes;
	uint64_t drain_session;   /* is being given stored messages; 0: none */
	uint32_t drain_turn;      /* raised when another begins: pages of before are void */
	int64_t drain_after;      /* position of the last row it was given */
	int64_t drain_back;       /* a row before that has become free again; 0: none */
	unsigned drain_page;      /* rows read at a time: fewer if they are large */
	bool drain_paused;        /* until it has acknowledged some */
	bool drain_failed;        /* until the disk can be read again */
	struct item_queue behind; /* what it is given after them; see drain.h */
	uint32_t behind_count;
	size_t behind_bytes;
	unsigned writing;    /* rows on their way to the disk that no session holds */
	struct ended *ended; /* ENDED_MAX of them; NULL: none so far */
};

extern const struct entity_ops account_ops;

static inline struct ln_account *
account_of(struct entity *entity)
{
	return (struct ln_account *)entity;
}

static inline const struct core_conf *
account_conf(const struct ln_account *account)
{
	(void)account;
	return &snapshot_current()->core;
}

static inline const struct client_rules *
account_rules(const struct ln_account *account)
{
	return &account->entity.host->clients;
}

/* The session with this handle or resource; NULL: none. */
struct ln_session *account_session(struct ln_account *account, uint64_t id);
struct ln_session *account_session_by_resource(struct ln_account *account, const char *resource);

/* Ends every session with this stream error. In the account's turn. */
void account_end_sessions(struct ln_account *account, const char *condition, const char *reason);

/* Marks the account as dying: sessions end, contacts are told; rows are the caller's. */
void account_gone(struct ln_account *account);

/* At start, before the workers run. */
void im_init(void);

/*
 * At the end: every session of this worker ends, what was not acknowledged is
 * stored. Each worker's own thread; the store must still run.
 */
void im_shutdown(void);

/* Has that begun? Then nobody is left to be told that a message came back. Any thread. */
bool im_stopping(void);

#endif
