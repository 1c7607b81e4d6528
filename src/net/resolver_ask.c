/*
 * The resolver on the worker that asks. See resolver.h.
 *
 * What waits here is a call-back under a handle; what travels is an asker that
 * knows the handle, so that a question can be cancelled without catching it.
 *
 * SPDX-License-Identifier: MIT
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/handle.h"
#include "base/xalloc.h"
#include "net/resolver_impl.h"

/* What a worker remembers of a question of its own. */
struct ask {
	resolver_fn fn;
	void *arg;
};

static unsigned slot; /* struct handles * of struct ask */

void
asker_returned(struct worker *worker, struct post *post)
{
	struct asker *asker = (struct asker *)post;
	struct handles *asks = worker_slot(worker, slot);
	struct ask *ask = asks != NULL ? handle_get(asks, asker->ask) : NULL;

	if (ask != NULL) {
		handle_end(asks, asker->ask);
		ask->fn(ask->arg, asker->answer);
		free(ask);
	}
	dns_answer_unref(&asker->answer);
	free(asker);
}

void
askers_forget(struct worker *worker)
{
	struct handles *asks = worker_slot(worker, slot);
	uint32_t at = 0;
	void *ask;

	if (asks == NULL)
		return;
	while ((ask = handle_walk(asks, &at)) != NULL)
		free(ask);
	handles_free(asks);
	free(asks);
	worker_slot_set(worker, slot, NULL);
}

static struct handles *
asks_of(struct worker *worker)
{
	struct handles *asks = worker_slot(worker, slot);

	if (asks == NULL) {
		asks = xcalloc(1, sizeof *asks);
		worker_slot_set(worker, slot, asks);
	}
	return asks;
}

/* In lower case, without the last dot. A name that is too long ends as one that fails. */
static void
set_name(struct asker *asker, const char *name)
{
	size_t len = strlen(name);

	if (len > 0 && name[len - 1] == '.')
		len--;
	if (len > DNS_NAME_MAX)
		len = 0;
	for (size_t i = 0; i < len; i++)
		asker->name[i] = (char)tolower((unsigned char)name[i]);
}

uint64_t
resolver_ask(const char *name, enum dns_type type, resolver_fn fn, void *arg)
{
	struct worker *worker = worker_current();
	struct ask *ask = xmalloc(sizeof *ask);
	struct asker *asker = xcalloc(1, sizeof *asker);
	uint64_t id;

	*ask = (struct ask){ fn, arg };
	id = handle_new(asks_of(worker), ask);
	asker->post.run = asker_arrived;
	asker->worker = worker;
	asker->ask = id;
	asker->deadline = worker_now_ms() + RESOLVER_DEADLINE_MS;
	asker->type = type;
	set_name(asker, name);
	worker_post(worker_main(), &asker->post);
	return id;
}

void
resolver_cancel(uint64_t id)
{
	struct handles *asks = worker_slot(worker_current(), slot);
	struct ask *ask = asks != NULL ? handle_get(asks, id) : NULL;

	if (ask == NULL)
		return;
	handle_end(asks, id);
	free(ask);
}

void
askers_init(void)
{
	slot = worker_slot_new();
	worker_on_close(askers_forget);
}
