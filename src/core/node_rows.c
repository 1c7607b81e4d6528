/*
 * What nodes have on disk: their row, and documents. See linnet/node.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "core/node.h"
#include "core/work.h"
#include "store/entity.h"
#include "store/value.h"

/* --- rows ------------------------------------------------------------------------------ */

bool
ln_node_stored(const struct ln_node *node)
{
	return node->entity.number != 0 || node->creating;
}

/* A row that another job is still making has no number yet. */
bool
node_writable(const struct ln_node *node)
{
	return node->entity.number != 0 || (node->creating && work_job() == node->create_job);
}

struct store_arg
node_owner(const struct ln_node *node)
{
	return node->creating ? store_from(node->create_step, 0) : store_int(node->entity.number);
}

typedef void created_fn(const struct ln_mod *mod, struct ln_node *node, bool ok);

struct creating {
	struct node_named named;
	uint64_t birth;
	created_fn *done;
};

static void
end_creation(struct ln_node *node, created_fn *done, int64_t number)
{
	node->creating = false;
	node->entity.number = number;
	entity_loaded(&node->entity);
	if (done == NULL)
		return;
	work_begin(&node->entity, NULL);
	done(node_mod(node), node, number != 0);
	work_end();
}

static void
numbered(struct store_job *job, void *arg)
{
	struct creating *creating = arg;
	struct ln_node *node = node_of(entity_of_birth(&creating->named.jid, creating->birth));
	const struct store_row *row = store_rows(job, 0);

	if (node != NULL && node->creating)
		end_creation(node, creating->done, row != NULL ? row->cell[0].integer : 0);
	entity_job_end(&creating->named.jid, creating->birth);
	free(creating);
}

/* Its row is there: what number did it get? */
static void
created(struct entity *entity, void *arg, bool ok)
{
	struct creating *creating = arg;
	struct ln_node *node = node_of(entity);
	struct store_job *job;

	if (node == NULL || !ok) {
		if (node != NULL)
			end_creation(node, creating->done, 0);
		free(creating);
		return;
	}
	job = store_job_new(work_store(), "node");
	store_entity_find(job, creating->named.name);
	creating->birth = entity_job_begin(entity);
	work_read(entity, job, numbered, creating);
}

void
ln_node_create(struct ln_node *node, created_fn *done)
{
	struct creating *creating;

	if (ln_node_stored(node))
		return;
	creating = xcalloc(1, sizeof *creating);
	node_named_set(&creating->named, &node->entity);
	creating->done = done;
	node->create_step = store_entity_create(work_job(), STORE_ROOM, creating->named.name, 0);
	node->create_job = work_job();
	node->creating = true;
	entity_reload(&node->entity);
	work_when_durable(created, creating);
}

static void
deleted(struct entity *entity, void *arg, bool ok)
{
	int64_t *number = arg;

	(void)entity;
	if (ok)
		store_erase(work_store(), *number, 0, NULL, NULL);
	free(number);
}

void
ln_node_delete(struct ln_node *node)
{
	int64_t *number;

	if (node->entity.number == 0)
		return;
	number = xmalloc(sizeof *number);
	*number = node->entity.number;
	store_entity_die_unnamed(work_job(), *number);
	work_when_durable(deleted, number);
	node->entity.number = 0;
}

/* --- documents ---------------------------------------------------------------------------- */

void
ln_node_value_each(const struct ln_mod *mod, struct ln_node *node, unsigned value,
    void (*each)(const struct ln_mod *mod, struct ln_node *node, const char *key,
	const struct ln_elem *doc))
{
	const struct store_row *row;
	size_t index = 0;
	const char *error;

	for (unsigned i = 0; i < value; i++)
		if (mod->def->values[i].flags & LN_PRELOAD)
			index++;
	if (node->loaded == NULL || index >= node->loaded->value_count)
		return;
	for (row = node->loaded->values[index]; row != NULL; row = row->next) {
		const struct ln_elem *doc =
		    ln_elem_parse(work_arena(), row->cell[1].bytes, row->cell[1].len, &error);

		if (doc != NULL)
			each(mod, node, row->cell[0].bytes, doc);
		else
			log_error("core", "document cannot be read node=%s value=%s reason=%s",
			    node->entity.jid.full, mod->def->values[value].name, error);
	}
}

void
ln_node_value_set(const struct ln_mod *mod, struct ln_node *node, unsigned value, const char *key,
    const struct ln_elem *doc)
{
	const char *name = mod->def->values[value].name;
	const char *bytes;

	if (!node_writable(node))
		return;
	if (doc == NULL) {
		store_value_delete_of(work_job(), node_owner(node), mod->def->name, name, key);
		return;
	}
	bytes = ln_elem_print(work_arena(), doc);
	store_value_set_of(work_job(), node_owner(node), mod->def->name, name, key, bytes,
	    strlen(bytes));
}

typedef void value_fn(const struct ln_mod *mod, struct ln_node *node, struct ln_token *token,
    const struct ln_elem *doc);

struct reading {
	struct node_named named;
	uint64_t birth;
	struct ln_token *token;
	value_fn *done;
};

static void
give_document(struct ln_node *node, struct store_job *job, struct reading *reading)
{
	const struct store_row *row = store_rows(job, 0);
	const struct ln_elem *doc = NULL;
	const char *error;

	if (row != NULL && row->cell[0].bytes != NULL)
		doc = ln_elem_parse(work_arena(), row->cell[0].bytes, row->cell[0].len, &error);
	reading->done(node_mod(node), node, reading->token, doc);
}

static void
value_read(struct store_job *job, void *arg)
{
	struct reading *reading = arg;
	struct ln_node *node = node_of(entity_of_birth(&reading->named.jid, reading->birth));

	if (node == NULL || store_job_outcome(job) != STORE_OK) {
		if (reading->token != NULL)
			ln_token_refuse(&reading->token, LN_ERR_INTERNAL_SERVER_ERROR, NULL);
	} else {
		work_begin(&node->entity, NULL);
		give_document(node, job, reading);
		work_end();
	}
	entity_job_end(&reading->named.jid, reading->birth);
}

void
ln_node_value_read(const struct ln_mod *mod, struct ln_node *node, unsigned value, const char *key,
    struct ln_token *token, value_fn *done)
{
	struct store_job *job = store_job_new(work_store(), mod->def->name);
	struct reading *reading = store_job_alloc(job, sizeof *reading);

	node_named_set(&reading->named, &node->entity);
	reading->token = token;
	reading->done = done;
	store_value_get(job, node->entity.number, mod->def->name, mod->def->values[value].name,
	    key);
	reading->birth = entity_job_begin(&node->entity);
	work_read(&node->entity, job, value_read, reading);
}
