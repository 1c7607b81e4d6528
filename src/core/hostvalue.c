/*
 * Values of hosts: one document a host, module, value and key. They are few
 * and small, so every worker has them all, as bytes; what is set goes to the
 * store first and from there to each worker.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/hostvalue.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/metrics.h"
#include "core/host.h"
#include "core/work.h"
#include "linnet/module.h"
#include "net/worker.h"
#include "store/entity.h"
#include "store/value.h"

#define HOSTS_PAGE 1000

enum { SET };
static const struct metric_row rows[] = {
	[SET] = { "set_total", METRIC_COUNTER, "Documents of hosts that were stored." },
};
METRICS(metrics, "hostvalue", rows);

struct document {
	UT_hash_handle hh;
	char *key, *bytes;
	size_t len;
};

static unsigned slot; /* worker slot: the head of a table of documents */

/* What the database held at the start; read-only once the workers run. */
static struct document *at_start;

/* --- a table ---------------------------------------------------------------------------- */

static char *
make_key(const char *host, const char *module, const char *value, const char *key)
{
	return xasprintf("%s\n%s\n%s\n%s", host, module, value, key);
}

static void
document_free(struct document *document)
{
	free(document->key);
	free(document->bytes);
	free(document);
}

/* Puts a document in; `bytes` NULL takes it out. */
static void
put(struct document **table, const char *key, const char *bytes, size_t len)
{
	struct document *document;

	HASH_FIND_STR(*table, key, document);
	if (document != NULL) {
		HASH_DEL(*table, document);
		document_free(document);
	}
	if (bytes == NULL)
		return;
	document = xcalloc(1, sizeof *document);
	document->key = xstrdup(key);
	document->bytes = xstrndup(bytes, len);
	document->len = len;
	HASH_ADD_KEYPTR(hh, *table, document->key, strlen(document->key), document);
}

static void
table_free(struct document **table)
{
	struct document *document, *next;

	HASH_ITER(hh, *table, document, next) {
		HASH_DEL(*table, document);
		document_free(document);
	}
}

/* --- loading ------------------------------------------------------------------------------ */

static bool
load_host(struct store *store, const char *host, int64_t number)
{
	struct store_job *job = store_job_new(store, "host values");
	unsigned step = store_value_all(job, number);
	bool ok = store_run_read(job, 0) == STORE_OK;

	for (const struct store_row *row = store_rows(job, step); ok && row != NULL;
	     row = row->next) {
		char *key =
		    make_key(host, row->cell[0].bytes, row->cell[1].bytes, row->cell[2].bytes);

		put(&at_start, key, row->cell[3].bytes, row->cell[3].len);
		free(key);
	}
	store_job_free(&job);
	return ok;
}

bool
host_values_load(struct store *store)
{
	struct store_job *job = store_job_new(store, "host values");
	unsigned step = store_entity_list(job, STORE_HOST, NULL, "", HOSTS_PAGE);
	bool ok = store_run_read(job, 0) == STORE_OK;

	for (const struct store_row *row = store_rows(job, step); ok && row != NULL;
	     row = row->next)
		ok = load_host(store, row->cell[0].bytes, row->cell[1].integer);
	store_job_free(&job);
	return ok;
}

/* --- reading -------------------------------------------------------------------------------- */

const struct ln_elem *
ln_host_value_get(const struct ln_mod *mod, unsigned value, const char *key, struct arena *arena)
{
	struct document *table = worker_slot(worker_current(), slot), *document;
	char *whole = make_key(mod->host->name, mod->def->name, mod->def->values[value].name, key);
	const char *error;

	HASH_FIND_STR(table, whole, document);
	free(whole);
	return document != NULL ? ln_elem_parse(arena, document->bytes, document->len, &error)
				: NULL;
}

/* --- setting: the host's number, the document, every worker ---------------------------------- */

struct change {
	struct post post;
	char *key;
	char *bytes; /* NULL: none */
	size_t len;
};

struct setting {
	char *host, *module, *value, *key;
	char *bytes;
	size_t len;
	unsigned step; /* whose row is the number */
	void (*done)(void *arg, bool ok);
	void *arg;
};

static void
take_change(struct worker *worker, struct post *post)
{
	struct change *change = (struct change *)post;
	struct document *table = worker_slot(worker, slot);

	put(&table, change->key, change->bytes, change->len);
	worker_slot_set(worker, slot, table);
	free(change->key);
	free(change->bytes);
	free(change);
}

static void
tell_worker(struct worker *worker, const struct setting *setting)
{
	struct change *change = xcalloc(1, sizeof *change);

	change->post.run = take_change;
	change->key = make_key(setting->host, setting->module, setting->value, setting->key);
	if (setting->bytes != NULL)
		change->bytes = xstrndup(setting->bytes, setting->len);
	change->len = setting->len;
	worker_post(worker, &change->post);
}

static void
setting_end(struct setting *setting, bool ok)
{
	for (unsigned i = 0; ok && i < worker_count(); i++)
		tell_worker(worker_get(i), setting);
	if (ok)
		metric_inc(metrics, SET);
	setting->done(setting->arg, ok);
	free(setting->host);
	free(setting->module);
	free(setting->value);
	free(setting->key);
	free(setting->bytes);
	free(setting);
}

static void
stored(struct store_job *job, void *arg)
{
	bool ok = store_job_outcome(job) == STORE_OK;

	if (!ok)
		log_error("core", "value of a host not stored reason=%s", store_job_error(job));
	setting_end(arg, ok);
}

static void
number_known(struct store_job *job, void *arg)
{
	struct setting *setting = arg;
	const struct store_row *row = store_rows(job, setting->step);
	int64_t number;

	if (store_job_outcome(job) != STORE_OK || row == NULL) {
		setting_end(setting, false);
		return;
	}
	number = row->cell[0].integer;
	job = store_job_new(work_store(), "host value");
	if (setting->bytes != NULL)
		store_value_set(job, number, setting->module, setting->value, setting->key,
		    setting->bytes, setting->len);
	else
		store_value_delete(job, number, setting->module, setting->value, setting->key);
	store_write(job, stored, setting);
}

void
ln_host_value_set(const struct ln_mod *mod, unsigned value, const char *key,
    const struct ln_elem *doc, void (*done)(void *arg, bool ok), void *arg)
{
	struct store_job *job = store_job_new(work_store(), "host value");
	struct setting *setting = xcalloc(1, sizeof *setting);
	struct arena *arena = arena_new(1024);

	setting->host = xstrdup(mod->host->name);
	setting->module = xstrdup(mod->def->name);
	setting->value = xstrdup(mod->def->values[value].name);
	setting->key = xstrdup(key);
	if (doc != NULL)
		setting->bytes = xstrdup(ln_elem_print(arena, doc));
	setting->len = setting->bytes != NULL ? strlen(setting->bytes) : 0;
	setting->done = done;
	setting->arg = arg;
	arena_free(&arena);
	setting->step = store_entity_ensure(job, STORE_HOST, setting->host);
	store_write(job, number_known, setting);
}

/* --- the worker ------------------------------------------------------------------------------- */

static void
open_worker(struct worker *worker)
{
	struct document *table = NULL, *document, *next;

	HASH_ITER(hh, at_start, document, next)
		put(&table, document->key, document->bytes, document->len);
	worker_slot_set(worker, slot, table);
}

static void
close_worker(struct worker *worker)
{
	struct document *table = worker_slot(worker, slot);

	table_free(&table);
	worker_slot_set(worker, slot, NULL);
}

void
host_values_init(void)
{
	slot = worker_slot_new();
	worker_on_open(open_worker);
	worker_on_close(close_worker);
}

void
host_values_close(void)
{
	table_free(&at_start);
}
