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
	ITEM_ASK,    /* a message, iq request or entry to a room: answered resource-constraint */
	ITEM_MINOR,  /* results, errors, availability: dropped and counted */
	ITEM_CONTROL /* always goes in: unavailable, control messages */
};

enum item_drop {
	DROP_ABSENT, /* the entity does not exist, or is dying */
	DROP_FULL,   /* its inbox is full */
	DROP_LATE,   /* it has waited there for longer than it may */
	DROP_FAILED  /* it could not be loaded: the store fails */
};

/* One entry of an inbox; embedded in what it stands for. */
struct item {
	struct post post; /* for the way between workers */
	STAILQ_ENTRY(item) link;
	/* At home, in its turn. Ownership of the item passes to it. */
	void (*run)(struct entity *entity, struct item *item);
	/* Instead of run. Ownership passes too. */
	void (*drop)(struct item *item, enum item_drop why);
	const struct ln_jid *to; /* set by router_item(); part of what the item stands for */
	uint32_t weight;         /* bytes, for the inbox's bound */
	uint8_t class;           /* enum item_class */
	uint16_t put_at;         /* when it came into the inbox, in 64 ms, modulo 2^16 */
};
STAILQ_HEAD(item_queue, item);

enum entity_life {
	LIFE_LOADING, /* the inbox fills, nothing is served */
	LIFE_ACTIVE,
	LIFE_DYING /* answers like nobody; rows are being deleted */
};

struct entity_ops {
	const char *kind; /* "account", "host", "room" ... for logs */
	size_t size;      /* of the struct that begins with struct entity */
	size_t inbox_max; /* bytes */
	int64_t wait_max; /* ms that what may be refused waits in it; 0: for ever */
	/* Does this stanza load the entity? If not, it is dropped and counted. */
	bool (*loads)(const struct ln_stanza *st);
	/* Begins loading; ends in entity_loaded(), perhaps at once, or later in entity_absent() or
	 * entity_failed(). */
	void (*load)(struct entity *entity);
	/* A stanza for the entity, in its turn. Ownership passes. */
	void (*deliver)(struct entity *entity, struct ln_stanza *st);
	/* May it be evicted (no session, no timer ...)? Inbox and jobs were looked at already. */
	bool (*idle)(const struct entity *entity);
	/* Its host was taken away by a reload: ends what it has, as entity->host (the old one) says.
	 * entity_remove() follows. NULL: nothing to end. */
	void (*host_gone)(struct entity *entity);
	/* Frees everything, the entity struct included. */
	void (*unload)(struct entity *entity);
};

struct entity {
	UT_hash_handle hh; /* in the worker's table, by bare JID */
	struct ln_jid jid; /* bare; text owned */
	const struct entity_ops *ops;
	const struct ln_host *host; /* of the worker's current snapshot */
	int64_t loaded_ms;          /* since when it is served */
	int64_t number;             /* in the database; 0: none */
	uint64_t last_write;        /* store sequence of the last write: reads come after it */
	struct item_queue inbox;
	size_t inbox_bytes;
	TAILQ_ENTRY(entity) ready; /* in the worker's list of those with something to do */
	TAILQ_ENTRY(entity) lru;
	unsigned jobs;         /* store, crypto, fan-out jobs out: not evictable */
	uint64_t birth;        /* which of those that had its name; see entity_job_begin() */
	size_t memory;         /* estimated bytes, for eviction */
	struct fanout *fanout; /* head: being sent; the inbox waits */
	size_t fanned;         /* stanzas that went to many in this turn */
	size_t lru_weight;
	int64_t rests_until; /* ms: it has sent much and rests; 0: it does not */
	uint8_t life;        /* enum entity_life */
	bool is_ready, in_lru;
};

/* Finds a loaded (or loading) entity of this worker. NULL: none. */
struct entity *entity_find(const struct ln_jid *bare);

/* Finds it or makes one (zeroed, ops->size bytes) and begins to load it. Never NULL. The
 * JID may be a full one: its bare form counts. */
struct entity *entity_get(const struct ln_jid *jid, const struct entity_ops *ops,
    const struct ln_host *host);

/* Puts an item into the inbox; ownership passes. A full inbox answers by the item's class. */
void entity_put(struct entity *entity, struct item *item);

/* One that was served in part goes to the head again. */
void entity_put_back(struct entity *entity, struct item *item);

/* The end of loading: serves what waits, or drops it all and forgets the entity (its name is then
 * known to be absent for a minute; a failed one is tried again). */
void entity_loaded(struct entity *entity);
void entity_absent(struct entity *entity);
void entity_failed(struct entity *entity);

/* Unloads it if nobody needs it just now; false: somebody does. */
bool entity_evict(struct entity *entity);

/* Back into loading: its inbox waits until entity_loaded(). */
void entity_reload(struct entity *entity);

/* It has something to send (a fan-out): serve it. */
void entity_ready(struct entity *entity);

/* From now on it answers like nobody. */
void entity_die(struct entity *entity);

/* Removes it from the table and unloads it; what is in its inbox is dropped. */
void entity_remove(struct entity *entity);

/*
 * Jobs out keep an entity from being evicted, but not from being removed, and
 * another of its name may be there when one is done: so a job remembers the
 * birth that entity_job_begin() returns. entity_of_birth() is NULL if that
 * entity is gone; entity_job_end() does nothing then.
 */
uint64_t entity_job_begin(struct entity *entity);
struct entity *entity_of_birth(const struct ln_jid *bare, uint64_t birth);
void entity_job_end(const struct ln_jid *bare, uint64_t birth);

/* A call in the entity's turn, for timers and completions; `entity` NULL: it is gone. Any worker. */
void entity_call(const struct ln_jid *bare, void (*run)(struct entity *entity, void *arg),
    void *arg);

/* Walks the entities of the current worker. */
void entity_each(void (*each)(struct entity *entity, void *arg), void *arg);

/* Was this name looked up within the last minute and found not to exist? */
bool entity_known_absent(const struct ln_jid *bare);

/* It exists now: an account was just made. */
void entity_forget_absent(const struct ln_jid *bare);

/* At start, before the workers run. */
void entity_init(void);

#endif
