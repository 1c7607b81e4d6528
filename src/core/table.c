/*
 * Tables of modules. See linnet/table.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "linnet/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "core/entity.h"
#include "core/host.h"
#include "core/module.h"
#include "core/work.h"

/* What modules see is what the store takes: no copies are made between them. */
_Static_assert(sizeof(struct ln_param) == sizeof(struct store_arg), "one struct");
_Static_assert(offsetof(struct ln_param, integer) == offsetof(struct store_arg, integer) &&
	offsetof(struct ln_param, bytes) == offsetof(struct store_arg, bytes) &&
	offsetof(struct ln_param, len) == offsetof(struct store_arg, len),
    "one struct");
_Static_assert(LN_PARAM_NULL == (int)STORE_ARG_NULL && LN_PARAM_INT == (int)STORE_ARG_INT &&
	LN_PARAM_TEXT == (int)STORE_ARG_TEXT && LN_PARAM_BLOB == (int)STORE_ARG_BLOB,
    "one numbering");

static void
add_step(struct store_job *job, const struct ln_sql *sql, const struct ln_param *params,
    size_t count)
{
	store_add_args(job, (const struct store_sql *)sql, (const struct store_arg *)params, count);
}

/* --- answers ------------------------------------------------------------------------------------ */

struct asking {
	ln_found_fn *found;
	void *arg;
	unsigned slot; /* of the module */
	bool has_host, has_entity;
	struct ln_jid host, entity; /* texts in `names` */
	uint64_t birth;             /* of the entity */
	char names[];
};

static size_t
copy_jid(struct ln_jid *to, const struct ln_jid *from, char *place)
{
	size_t len = ln_jid_len(from);

	*to = *from;
	memcpy(place, from->full, len);
	to->full = place;
	return len + 1;
}

static struct asking *
asking_new(struct store_job *job, const struct ln_mod *mod, ln_found_fn *found, void *arg)
{
	const struct entity *entity = work_entity();
	size_t host_len = mod->host != NULL ? ln_jid_len(&mod->host->jid) + 1 : 0;
	size_t entity_len = entity != NULL ? ln_jid_len(&entity->jid) + 1 : 0;
	struct asking *asking = store_job_alloc(job, sizeof *asking + host_len + entity_len);

	asking->found = found;
	asking->arg = arg;
	asking->slot = mod->slot;
	asking->has_host = mod->host != NULL;
	asking->has_entity = entity != NULL;
	if (mod->host != NULL)
		copy_jid(&asking->host, &mod->host->jid, asking->names);
	if (entity != NULL)
		copy_jid(&asking->entity, &entity->jid, asking->names + host_len);
	return asking;
}

/* The module's instance as it is now; NULL: it was switched off. */
static const struct ln_mod *
find_mod(const struct asking *asking)
{
	const struct snapshot *snapshot = snapshot_current();
	const struct ln_host *host = NULL;

	if (asking->has_host) {
		host = host_of(&asking->host);
		return host != NULL ? module_on(host, asking->slot) : NULL;
	}
	for (unsigned i = 0; i < snapshot->mod_count; i++)
		if (snapshot->mods[i]->slot == asking->slot && snapshot->mods[i]->host == NULL)
			return snapshot->mods[i];
	return NULL;
}

static void
tell(const struct asking *asking, struct store_job *job)
{
	enum store_outcome outcome = store_job_outcome(job);
	const struct ln_mod *mod = find_mod(asking);
	bool ok = outcome == STORE_OK;

	if (outcome == STORE_INTERNAL)
		log_error("module", "table statement failed reason=%s", store_job_error(job));
	asking->found(mod, ok, ok ? (const struct ln_row *)store_rows(job, 0) : NULL, asking->arg);
}

static void
answered(struct store_job *job, void *arg)
{
	const struct asking *asking = arg;
	struct entity *entity =
	    asking->has_entity ? entity_of_birth(&asking->entity, asking->birth) : NULL;

	if (entity == NULL) {
		tell(asking, job);
		return;
	}
	work_begin(entity, NULL);
	tell(asking, job);
	work_end();
	entity_job_end(&asking->entity, asking->birth);
}

/* --- asking ---------------------------------------------------------------------------------------- */

void
ln_query_params(const struct ln_mod *mod, ln_found_fn *found, void *arg, const struct ln_sql *sql,
    const struct ln_param *params, size_t count)
{
	struct store_job *job = store_job_new(work_store(), mod->def->name);
	struct asking *asking = asking_new(job, mod, found, arg);
	struct entity *entity = work_entity();

	add_step(job, sql, params, count);
	if (entity != NULL)
		asking->birth = entity_job_begin(entity);
	store_read(job, entity != NULL ? entity->last_write : 0, answered, asking);
}

void
ln_store_then_params(const struct ln_mod *mod, ln_found_fn *stored, void *arg,
    const struct ln_sql *sql, const struct ln_param *params, size_t count)
{
	struct store_job *job = store_job_new(work_store(), mod->def->name);
	struct asking *asking = asking_new(job, mod, stored, arg);
	struct entity *entity = work_entity();
	uint64_t written;

	add_step(job, sql, params, count);
	if (entity != NULL)
		asking->birth = entity_job_begin(entity);
	written = store_write(job, answered, asking);
	if (entity != NULL)
		entity->last_write = written;
}

void
ln_store_params(const struct ln_mod *mod, const struct ln_sql *sql, const struct ln_param *params,
    size_t count)
{
	struct store_job *job;

	if (work_entity() != NULL) {
		add_step(work_job(), sql, params, count);
		return;
	}
	job = store_job_new(work_store(), mod->def->name);
	add_step(job, sql, params, count);
	store_write(job, NULL, NULL);
}

/* --- rows ------------------------------------------------------------------------------------------ */

static const struct store_cell *
cell_of(const struct ln_row *row, unsigned column)
{
	const struct store_row *its = (const struct store_row *)row;

	assert(column < its->columns);
	return &its->cell[column];
}

const struct ln_row *
ln_row_next(const struct ln_row *row)
{
	return (const struct ln_row *)((const struct store_row *)row)->next;
}

int64_t
ln_row_int(const struct ln_row *row, unsigned column)
{
	return cell_of(row, column)->integer;
}

const char *
ln_row_text(const struct ln_row *row, unsigned column)
{
	return cell_of(row, column)->bytes;
}

const void *
ln_row_blob(const struct ln_row *row, unsigned column, size_t *len_r)
{
	*len_r = cell_of(row, column)->len;
	return cell_of(row, column)->bytes;
}
