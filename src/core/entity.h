/*
 * Entities: the actors behind bare JIDs, and their inboxes (DESIGN section 4).
 *
 * Each bare JID of this server has one home worker, on which its entity lives
 * while it is loaded. Whatever is for it (stanzas, what its streams say,
 * answers) is an item put into its inbox; the worker serves entities that have
 * something in turn, at most SERVE_MAX items each. So handlers are never
 * nested and a busy room starves nobody.
 *
 *	entity_put(entity, item)	-> ... its turn ...   -> item->run(entity, item)
 *
 * All functions: the entity's home worker, unless they say otherwise.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_CORE_ENTITY_H
#define LN_CORE_ENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/hash.h"
#include "linnet/jid.h"
#include "net/worker.h"

struct entity;
struct item;
struct ln_host;
struct ln_stanza;

/* What a full inbox means for an item. */
enum item_class {
	ITEM_ASK,    /* a message or iq request: answered resource-constraint */
	ITEM_MINOR,  /* results, errors, availability: dropped and counted */
	ITEM_CONTROL /* always goes in: unavailable, control messages */
};

/* One entry of an inbox; embedded in what it stands for. */
struct item {
	struct post post; /* for the way between workers */
	STAILQ_ENTRY(item) link;
	/* At home, in its turn. Ownership of the item passes to it. */
	void (*run)(struct entity *entity, struct item *item);
	/* Instead of run: the entity does not exist, is dying, or refuses. May be NULL: free(). */
	void (*drop)(struct item *item);
	uint32_t weight; /* bytes, for the inbox's bound */
	uint8_t class;   /* enum item_class */
};
STAILQ_HEAD(item_queue, item);

enum entity_state {
	ENTITY_LOADING, /* the inbox fills, nothing is served */
	ENTITY_ACTIVE,
	ENTITY_DYING /* answers like nobody; rows are being deleted */
};

struct entity_ops {
	const char *kind; /* "account", "host", "room" ... for logs */
	size_t inbox_max; /* bytes */
	/* Begins loading; ends in entity_loaded() or entity_absent(), perhaps at once. */
	void (*load)(struct entity *entity);
	/* A stanza for the entity, in its turn. Ownership passes. */
	void (*deliver)(struct entity *entity, struct ln_stanza *st);
	/* May it be evicted (no session, no timer ...)? Inbox and jobs were looked at already. */
	bool (*idle)(const struct entity *entity);
	/* Frees everything, the entity struct included. */
	void (*unload)(struct entity *entity);
};

struct entity {
	UT_hash_handle hh; /* in the worker's table, by bare JID */
	struct ln_jid jid; /* bare; text owned */
	const struct entity_ops *ops;
	const struct ln_host *host; /* of the worker's current snapshot */
	int64_t number;             /* in the database; 0: none */
	uint64_t last_write;        /* store sequence of the last write: reads come after it */
	struct item_queue inbox;
	size_t inbox_bytes;
	TAILQ_ENTRY(entity) ready; /* in the worker's list of those with something to do */
	TAILQ_ENTRY(entity) lru;
	unsigned jobs;         /* store, crypto, fan-out jobs out: not evictable */
	size_t memory;         /* estimated bytes, for eviction */
	struct fanout *fanout; /* head: being sent; the inbox waits */
	uint8_t state;         /* enum entity_state */
	bool is_ready;
};

/* Finds a loaded (or loading) entity of this worker. NULL: none. */
struct entity *entity_find(const struct ln_jid *bare);

/*
 * Finds it or begins to load it; `ops->load` is called for a new one, whose
 * struct comes from `make` (zeroed but for what the kind sets).
 */
struct entity *entity_get(const struct ln_jid *bare, const struct entity_ops *ops,
    const struct ln_host *host, size_t struct_size);

/* Puts an item into the inbox; ownership passes. A full inbox answers by the item's class. */
void entity_put(struct entity *entity, struct item *item);

/* The end of loading: serves what waits, or drops it all and forgets the entity. */
void entity_loaded(struct entity *entity);
void entity_absent(struct entity *entity);

/* From now on it answers like nobody. */
void entity_die(struct entity *entity);

/* Removes it from the table and unloads it; the inbox must be empty. */
void entity_remove(struct entity *entity);

/* Jobs out keep an entity from being evicted; a completion finds it by the reference and may
 * find nothing. */
void entity_job_begin(struct entity *entity);
void entity_job_end(struct entity *entity);

/* A call in the entity's turn: allocates an item. For timers and completions. */
void entity_call(struct entity *entity, void (*run)(struct entity *entity, void *arg), void *arg,
    void (*drop)(void *arg));

/* Walks the entities of the current worker. */
void entity_each(void (*each)(struct entity *entity, void *arg), void *arg);

/* Bytes of inboxes and number of entities on this worker: for `stats`. */
size_t entity_count(void);

/* A name that was looked up and does not exist, remembered for a minute. */
bool entity_known_absent(const struct ln_jid *bare);

/* At start, before the workers run. */
void entity_init(void);

#endif
