/*
 * Mailboxes. See mailbox.h.
 *
 * No wake-up is lost: the receiver says `asleep` and then looks at the stack;
 * a sender pushes and then looks at `asleep`. Both are sequentially
 * consistent, so at least one of the two sees what the other did.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/mailbox.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

void
mailbox_open(struct mailbox *mailbox)
{
	atomic_init(&mailbox->newest, NULL);
	atomic_init(&mailbox->asleep, false);
	mailbox->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (mailbox->fd < 0) {
		perror("linnet: eventfd");
		abort();
	}
}

void
mailbox_close(struct mailbox *mailbox)
{
	close(mailbox->fd);
	mailbox->fd = -1;
}

void
mailbox_kick(struct mailbox *mailbox)
{
	const uint64_t one = 1;

	while (write(mailbox->fd, &one, sizeof one) < 0 && errno == EINTR)
		;
}

void
mailbox_push(struct mailbox *mailbox, struct post *newest, struct post *oldest)
{
	struct post *old = atomic_load_explicit(&mailbox->newest, memory_order_relaxed);

	do {
		oldest->next = old;
	} while (!atomic_compare_exchange_weak(&mailbox->newest, &old, newest));
	if (atomic_load(&mailbox->asleep) && atomic_exchange(&mailbox->asleep, false))
		mailbox_kick(mailbox);
}

struct post *
mailbox_take(struct mailbox *mailbox)
{
	struct post *post, *next, *fifo = NULL;

	if (mailbox_is_empty(mailbox))
		return NULL;
	post = atomic_exchange_explicit(&mailbox->newest, NULL, memory_order_acquire);
	for (; post != NULL; post = next) {
		next = post->next;
		post->next = fifo;
		fifo = post;
	}
	return fifo;
}

bool
mailbox_sleep(struct mailbox *mailbox)
{
	atomic_store(&mailbox->asleep, true);
	if (atomic_load(&mailbox->newest) == NULL)
		return true;
	atomic_store_explicit(&mailbox->asleep, false, memory_order_relaxed);
	return false;
}

void
mailbox_awake(struct mailbox *mailbox)
{
	atomic_store_explicit(&mailbox->asleep, false, memory_order_relaxed);
}

bool
mailbox_is_empty(const struct mailbox *mailbox)
{
	return atomic_load_explicit(&mailbox->newest, memory_order_relaxed) == NULL;
}
