/*
 * Loading an entity: one read job with a step for its row, what waits for it,
 * and one for each preloaded value. See entity.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/entity.h"

static const struct store_sql sql_values = {
	"SELECT key, doc FROM value WHERE owner = ? AND module = ? AND name = ? ORDER BY key"
};
static const struct store_sql sql_number = {
	"SELECT number, kind, status, created, disabled FROM entity WHERE number = ?"
};

/* The job's own record of what it asked for. */
struct load {
	store_loaded_fn *done;
	void *arg;
	bool pending;
	unsigned usage, page; /* steps, if pending; page 0: no rows were asked for */
	unsigned first_value;
	size_t count;
};

static void
read_entity(const struct store_job *job, struct store_loaded *out)
{
	const struct store_row *row = store_rows(job, 0);

	if (row == NULL)
		return;
	out->number = row->cell[0].integer;
	out->kind = (enum store_kind)row->cell[1].integer;
	out->status = (enum store_status)row->cell[2].integer;
	out->created = row->cell[3].integer;
	out->disabled = row->cell[4].integer;
}

static void
loaded(struct store_job *job, void *arg)
{
	const struct load *load = arg;
	struct store_loaded out = { .outcome = store_job_outcome(job) };
	const struct store_row **values = store_job_alloc(job, load->count * sizeof *values);

	if (out.outcome == STORE_OK) {
		read_entity(job, &out);
		for (size_t i = 0; i < load->count; i++)
			values[i] = store_rows(job, load->first_value + (unsigned)i);
		out.values = values;
		out.value_count = load->count;
	}
	if (out.outcome == STORE_OK && load->pending) {
		const struct store_row *usage = store_rows(job, load->usage);

		out.pending_count = usage->cell[0].integer;
		out.pending_bytes = usage->cell[1].integer;
		out.pending = load->page != 0 ? store_rows(job, load->page) : NULL;
	}
	load->done(job, &out, load->arg);
}

static struct load *
new_load(struct store_job *job, store_loaded_fn *done, void *arg)
{
	struct load *load = store_job_alloc(job, sizeof *load);

	load->done = done;
	load->arg = arg;
	return load;
}

static void
submit(struct store_job *job, struct load *load, uint64_t after,
    const struct store_preload *preloads, size_t count)
{
	load->count = count;
	for (size_t i = 0; i < count; i++) {
		unsigned step = store_add(job, &sql_values, store_from(0, 0),
		    store_text(preloads[i].module), store_text(preloads[i].name));

		if (i == 0)
			load->first_value = step;
	}
	store_read(job, after, loaded, load);
}

void
store_load(struct store *store, uint64_t after, const char *jid,
    const struct store_preload *preloads, size_t count, unsigned pending_rows,
    store_loaded_fn *done, void *arg)
{
	struct store_job *job = store_job_new(store, "load");
	struct load *load = new_load(job, done, arg);

	store_entity_find(job, jid);
	load->pending = true;
	load->usage = store_pending_usage_of(job, store_from(0, 0));
	if (pending_rows > 0)
		load->page = store_pending_page_of(job, store_from(0, 0), 0, pending_rows);
	submit(job, load, after, preloads, count);
}

void
store_load_values(struct store *store, uint64_t after, int64_t number,
    const struct store_preload *preloads, size_t count, store_loaded_fn *done, void *arg)
{
	struct store_job *job = store_job_new(store, "load values");
	struct load *load = new_load(job, done, arg);

	store_add(job, &sql_number, store_int(number));
	submit(job, load, after, preloads, count);
}
