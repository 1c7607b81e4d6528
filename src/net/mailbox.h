/*
 * Mailboxes: how a thread receives messages. For worker.c.
 *
 * Many senders, one receiver, atomics alone. Senders push chains onto a stack;
 * the receiver takes the whole stack and turns it round. A sender wakes the
 * receiver only if it has said that it may sleep, so a busy receiver costs no
 * system call, and of many senders one makes it.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_NET_MAILBOX_H
#define LN_NET_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>

#include "net/worker.h"

struct mailbox {
	_Alignas(64) _Atomic(struct post *) newest;
	atomic_bool asleep;
	int fd; /* an eventfd; it is never read: watch it edge-triggered */
};

void mailbox_open(struct mailbox *mailbox);
void mailbox_close(struct mailbox *mailbox);

/* Any thread: adds a chain linked from its newest post to its oldest. */
void mailbox_push(struct mailbox *mailbox, struct post *newest, struct post *oldest);

/* Any thread: ends the receiver's wait, this one or the next. */
void mailbox_kick(struct mailbox *mailbox);

/* Receiver: everything that was pushed, oldest first, linked by `next`; NULL if nothing. */
struct post *mailbox_take(struct mailbox *mailbox);

/* Receiver: announces that it will wait on `fd`; false if there is mail and it must not. */
bool mailbox_sleep(struct mailbox *mailbox);

/* Receiver: it has stopped waiting. */
void mailbox_awake(struct mailbox *mailbox);

bool mailbox_is_empty(const struct mailbox *mailbox);

#endif
