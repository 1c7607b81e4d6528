/*
 * Nodes: what a component has behind its addresses, NAME@DOMAIN. A room is one.
 *
 * A module of LN_SCOPE_COMPONENT declares what its nodes are (`nodes`). A node
 * is an entity like an account: it has one home worker and an inbox, it is
 * loaded when something comes for it, whether or not the disk knows it, and
 * evicted when it is idle. Everything here runs at the node's home, in its turn.
 *
 *	something for room@conference.example.org
 *	  -> open(mod, node)		preloaded values: ln_node_value_each()
 *	       ... ln_node_ready(node)	at once, or after more was read
 *	  -> stanza(), iq()		one by one
 *	  -> close(mod, node)		idle for long, or the end
 *
 * A node without rows (ln_node_stored() says no) lives in memory. With
 * ln_node_create() it gets rows: what is stored in the same handler goes with
 * them, and nothing more is served until they are on disk. What is stored holds
 * the acknowledgement of the stanza in hand, as with accounts.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LINNET_NODE_H
#define LINNET_NODE_H

#include "linnet/events.h"

struct fanout;
struct ln_node;

/* A stanza for a node: all but requests to its bare JID. ln_take() it, or it is freed. */
struct ln_ev_node {
	union {
		struct ln_ev_head head;
		struct ln_stanza *stanza;
	};
};

enum ln_node_end {
	LN_NODE_SHUTDOWN, /* the server stops; streams go on for a moment */
	LN_NODE_HOST_GONE /* the component was taken out of the configuration */
};

struct ln_node_kind {
	const char *kind; /* "room", for logs */
	size_t size;      /* of its state, zeroed before `open` */
	/* Does this stanza load a node? If not, it is dropped and counted. */
	bool (*loads)(const struct ln_stanza *st);
	/* It was read; say ln_node_ready(), now or later. */
	void (*open)(const struct ln_mod *mod, struct ln_node *node);
	void (*stanza)(const struct ln_mod *mod, struct ln_node *node, struct ln_ev_node *ev);
	/* A get or set to its bare JID; answered exactly once, LN_PASS: service-unavailable. */
	enum ln_verdict (*iq)(const struct ln_mod *mod, struct ln_node *node, struct ln_ev_iq *ev);
	/* May it be unloaded? What it sends, stores and waits for was looked at already. */
	bool (*idle)(const struct ln_mod *mod, const struct ln_node *node);
	/* Tell those who are concerned; `close` follows. */
	void (*ending)(const struct ln_mod *mod, struct ln_node *node, enum ln_node_end why);
	/* Free what the state holds. */
	void (*close)(struct ln_node *node);
};

const struct ln_jid *ln_node_jid(const struct ln_node *node);
const struct ln_host *ln_node_host(const struct ln_node *node);
void *ln_node_state(const struct ln_node *node);
void ln_node_ready(struct ln_node *node);

/* What its state takes beyond `size` has changed by so many bytes: eviction counts them. */
void ln_node_memory(struct ln_node *node, int64_t bytes);

/* --- on disk --------------------------------------------------------------------- */

bool ln_node_stored(const struct ln_node *node);

/* Gives it rows. `done` (may be NULL) says whether that went well, before anything else is served. */
void ln_node_create(struct ln_node *node,
    void (*done)(const struct ln_mod *mod, struct ln_node *node, bool ok));

/* Takes them away, with all that hangs on them. Its name is free at once. */
void ln_node_delete(struct ln_node *node);

/* In `open` alone: the preloaded documents of a value of its module, in order of their keys. */
void ln_node_value_each(const struct ln_mod *mod, struct ln_node *node, unsigned value,
    void (*each)(const struct ln_mod *mod, struct ln_node *node, const char *key,
	const struct ln_elem *doc));

/* Stores a document (NULL deletes it). */
void ln_node_value_set(const struct ln_mod *mod, struct ln_node *node, unsigned value,
    const char *key, const struct ln_elem *doc);

/* Reads a document that is not preloaded; as ln_value_read(). */
void ln_node_value_read(const struct ln_mod *mod, struct ln_node *node, unsigned value,
    const char *key, struct ln_token *token,
    void (*done)(const struct ln_mod *mod, struct ln_node *node, struct ln_token *token,
	const struct ln_elem *doc));

/* --- sending --------------------------------------------------------------------- */

/* Sends a stanza behind all that the node has sent before. Ownership passes. */
void ln_node_send(struct ln_node *node, struct ln_stanza *st);

/*
 * Sends one payload to many: in portions, and nothing of the inbox is served
 * before all are out, so what a node sends keeps its order. What the envelope
 * has added should be in the payload: ln_stanza_frozen().
 */
struct fanout *ln_fan_out_new(struct ln_stanza *st);
void ln_fan_out_add(struct fanout *fanout, const struct ln_jid *to);
void ln_fan_out_send(struct ln_node *node, struct fanout *fanout);

/*
 * Many presences for one, shared with whoever else is sent them: they should be
 * frozen, and not changed any more. It is sent like a fan-out.
 */
struct fanout *ln_fan_in_new(const struct ln_jid *to);
void ln_fan_in_add(struct fanout *fanout, const struct ln_stanza *st);

/* The same stanza with all that was added to the envelope in its payload. */
struct ln_stanza *ln_stanza_frozen(const struct ln_stanza *st);

/* --- time and place --------------------------------------------------------------- */

/* Calls `fire` once, after `ms`, in the node's turn. Setting it again moves it; 0 cancels. */
void ln_node_timer(struct ln_node *node, int64_t ms,
    void (*fire)(const struct ln_mod *mod, struct ln_node *node));

/* Any worker: calls `run` in the node's turn, loading it. `mod` and `node` NULL: there is no such
 * component any more. */
void ln_node_call(const struct ln_jid *jid,
    void (*run)(const struct ln_mod *mod, struct ln_node *node, void *arg), void *arg);

/* Any worker: the same at the home of the component's own JID, where its module may keep worker
 * state that there is once. */
void ln_component_call(const struct ln_jid *domain,
    void (*run)(const struct ln_mod *mod, void *arg), void *arg);

/* Walks the stored nodes of a component in order of their JIDs; `each` gets a page of at most
 * `limit` behind `after` ("": from the first), on this worker, then NULL. */
void ln_node_list(const struct ln_mod *mod, const char *after, unsigned limit,
    void (*each)(const struct ln_mod *mod, const char *jid, void *arg), void *arg);

#endif
