/*
 * Nodes from the inside; see linnet/node.h for the idea.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_CORE_NODE_H
#define LN_CORE_NODE_H

#include "core/entity.h"
#include "core/host.h"
#include "linnet/node.h"
#include "net/timer.h"
#include "store/job.h"

struct store_loaded;

struct ln_node {
	struct entity entity; /* first */
	const struct ln_node_kind *kind;
	void *state;                       /* NULL until it was read */
	const struct store_loaded *loaded; /* during `open` */
	bool creating;                     /* its row is on the way to the disk */
	unsigned create_step;              /* of the job in hand */
	struct store_job *create_job;
	struct timer timer;
	void (*fire)(const struct ln_mod *mod, struct ln_node *node);
};

extern const struct entity_ops node_ops;

/* The name of an entity, for a completion that finds it again. */
struct node_named {
	struct ln_jid jid;
	char name[LN_JID_MAX + 1];
};
void node_named_set(struct node_named *named, const struct entity *entity);

/* Whose rows are being written: a number, or the row that this job makes. */
struct store_arg node_owner(const struct ln_node *node);

/* Has it rows that the handler in hand can write to? */
bool node_writable(const struct ln_node *node);

/* The module whose node it is, as of now. */
const struct ln_mod *node_mod(const struct ln_node *node);

/* The entity as a node; NULL: it is none, or was not read yet. */
struct ln_node *node_of(struct entity *entity);

/* At the end, on each worker: modules tell those who are concerned. */
void nodes_shutdown(void);

/* Has every node of this worker sent all it has to send? */
bool nodes_sent(void);

#endif
