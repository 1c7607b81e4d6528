/*
 * Giving a session the messages that are stored (XEP-0160 §2).
 *
 * One session of an account at a time is given them, oldest first. What comes
 * for it alone meanwhile is stored behind them; what others are given at once
 * waits for it in memory, for their acknowledgement may end the row before it is
 * read. It goes on as the client acknowledges, and passes to another session when
 * this one leaves.
 *
 * All functions: the account's home, in a handler.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_IM_DRAIN_H
#define LN_IM_DRAIN_H

#include "im/account.h"
#include "im/session.h"

/* Gives a session the stored messages, oldest first; new ones queue behind them. Nothing
 * happens if another that has a connection is being given them. */
void drain_begin(struct ln_session *session);

/* It has acknowledged: goes on if it waited for that. */
void drain_more(struct ln_session *session);

/* Time has passed: reads again if the disk had failed. */
void drain_retry(struct ln_session *session);

/* The session has ended or is not available any more: who else is there is given the rest. */
void drain_leave(struct ln_session *session);

/* It has lost its connection: the rest waits for it, unless another with a connection is there. */
void drain_lost(struct ln_session *session);

/* Is a session of the account being given stored messages? */
static inline bool
drain_is_on(const struct ln_account *account)
{
	return account->drain_session != 0;
}

/* Is it this one? Then what lasts is to come behind them. */
static inline bool
drain_is_for(const struct ln_session *session)
{
	return session->account->drain_session == session->id;
}

/* It is given this (lasting, held) when it has got all that is stored. Ownership passes. */
void drain_behind(struct ln_session *session, struct ln_stanza *st);

#endif
