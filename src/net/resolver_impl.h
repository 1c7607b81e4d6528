/*
 * An asker on its way between the two sides of the resolver: resolver_ask.c, on
 * the worker that asks, and resolver.c, on the main thread.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_NET_RESOLVER_IMPL_H
#define LN_NET_RESOLVER_IMPL_H

#include <sys/queue.h>

#include "net/resolver.h"
#include "net/worker.h"

struct asker {
	struct post post;
	TAILQ_ENTRY(asker) place; /* by deadline: everybody waits equally long */
	struct worker *worker;
	uint64_t ask;
	int64_t deadline;
	enum dns_type type;
	const struct dns_answer *answer;
	char name[DNS_NAME_MAX + 1];
};

/* resolver_ask.c; main thread, before the workers start. */
void askers_init(void);

/* A worker closes: whoever asked there hears nothing more. Main's is not told that it closes. */
void askers_forget(struct worker *worker);

/* On the main thread (post.run): the asker has arrived. */
void asker_arrived(struct worker *worker, struct post *post);

/* On its own worker: it has come back, with `answer`. */
void asker_returned(struct worker *worker, struct post *post);

#endif
