/*
 * Stored values of modules: one document an account, value and key. Preloaded
 * ones are kept as bytes and parsed when a handler asks; see linnet/module.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "core/iq.h"
#include "core/module.h"
#include "core/stanza.h"
#include "core/work.h"
#include "store/entity.h"
#include "store/value.h"

struct document {
	struct document *next;
	unsigned slot;  /* of its module */
	unsigned value; /* index in the module's table */
	size_t key_len, len;
	char text[]; /* key, NUL, bytes, NUL */
};

/* Which values of which modules were read: after a reload there may be more. */
struct documents {
	struct document *first;
	unsigned loaded_count;
	const struct ln_value **loaded;
};

static const char *
bytes_of(const struct document *document)
{
	return document->text + document->key_len + 1;
}

/* --- which values ------------------------------------------------------------------------- */

struct preload {
	const struct ln_module *module;
	unsigned slot;
	unsigned value;
};

/* Calls for each preloaded value of the host's modules, in a fixed order. */
static size_t
each_preload(const struct ln_host *host, struct preload *list, size_t room)
{
	size_t count = 0;

	for (unsigned i = 0; i < host->mod_count; i++) {
		const struct ln_value *value = host->mods[i]->def->values;

		for (unsigned v = 0; value != NULL && value[v].name != NULL; v++)
			if ((value[v].flags & LN_PRELOAD) && count < room)
				list[count++] =
				    (struct preload){ host->mods[i]->def, host->mods[i]->slot, v };
	}
	return count;
}

#define PRELOADS 256

size_t
module_preloads(const struct ln_host *host, struct store_preload *out, size_t room)
{
	struct preload list[PRELOADS];
	size_t count = each_preload(host, list, room < PRELOADS ? room : PRELOADS);

	for (size_t i = 0; i < count; i++)
		out[i] = (struct store_preload){ list[i].module->name,
			list[i].module->values[list[i].value].name };
	return count;
}

/* --- in memory ------------------------------------------------------------------------------ */

static struct documents *
documents(struct ln_account *account)
{
	struct documents **place = account_documents(account);

	if (*place == NULL)
		*place = xcalloc(1, sizeof **place);
	return *place;
}

static struct document **
find(struct documents *all, unsigned slot, unsigned value, const char *key)
{
	struct document **at = &all->first;

	for (; *at != NULL; at = &(*at)->next)
		if ((*at)->slot == slot && (*at)->value == value && strcmp((*at)->text, key) == 0)
			break;
	return at;
}

static void
put(struct ln_account *account, unsigned slot, unsigned value, const char *key, const char *bytes,
    size_t len)
{
	struct document **at = find(documents(account), slot, value, key);
	struct document *old = *at, *made;
	size_t key_len = strlen(key);

	if (old != NULL) {
		account_entity(account)->memory -= sizeof *old + old->key_len + old->len;
		*at = old->next;
		free(old);
	}
	if (bytes == NULL)
		return;
	made = xmalloc(sizeof *made + key_len + len + 2);
	made->slot = slot;
	made->value = value;
	made->key_len = key_len;
	made->len = len;
	memcpy(made->text, key, key_len + 1);
	memcpy(made->text + key_len + 1, bytes, len);
	made->text[key_len + 1 + len] = '\0';
	made->next = *at;
	*at = made;
	account_entity(account)->memory += sizeof *made + key_len + len;
}

static void
mark_loaded(struct documents *all, const struct ln_value *value)
{
	all->loaded = xrealloc(all->loaded, (all->loaded_count + 1) * sizeof *all->loaded);
	all->loaded[all->loaded_count++] = value;
}

static bool
is_loaded(const struct documents *all, const struct ln_value *value)
{
	for (unsigned i = 0; all != NULL && i < all->loaded_count; i++)
		if (all->loaded[i] == value)
			return true;
	return false;
}

static bool
is_value_of(const struct ln_module *module, const struct ln_value *wanted)
{
	const struct ln_value *value = module->values;

	while (value != NULL && value->name != NULL && value != wanted)
		value++;
	return value != NULL && value->name != NULL;
}

static void
take_rows(struct ln_account *account, const struct preload *preload, const struct store_row *row)
{
	mark_loaded(documents(account), &preload->module->values[preload->value]);
	for (; row != NULL; row = row->next)
		put(account, preload->slot, preload->value, row->cell[0].bytes, row->cell[1].bytes,
		    row->cell[1].len);
}

void
module_values_loaded(struct ln_account *account, const struct store_row *const *values,
    size_t count)
{
	struct preload list[PRELOADS];
	size_t known = each_preload(ln_account_host(account), list, PRELOADS);

	for (size_t i = 0; i < count && i < known; i++)
		take_rows(account, &list[i], values[i]);
}

void
values_free(struct ln_account *account)
{
	struct documents **place = account_documents(account);
	struct documents *all = *place;
	struct document *document;

	*place = NULL;
	if (all == NULL)
		return;
	while ((document = all->first) != NULL) {
		all->first = document->next;
		free(document);
	}
	free(all->loaded);
	free(all);
}

void
values_forget(struct ln_account *account, const struct ln_mod *mod)
{
	struct documents *all = *account_documents(account);
	struct document **at = all != NULL ? &all->first : NULL, *document;
	unsigned kept = 0;

	while (at != NULL && (document = *at) != NULL) {
		if (document->slot != mod->slot) {
			at = &document->next;
			continue;
		}
		account_entity(account)->memory -=
		    sizeof *document + document->key_len + document->len;
		*at = document->next;
		free(document);
	}
	for (unsigned i = 0; all != NULL && i < all->loaded_count; i++)
		if (!is_value_of(mod->def, all->loaded[i]))
			all->loaded[kept++] = all->loaded[i];
	if (all != NULL)
		all->loaded_count = kept;
}

/* --- after a reload ------------------------------------------------------------------------------ */

struct reload {
	struct ln_jid jid;
	size_t count;
	struct preload list[PRELOADS];
	char name[LN_JID_MAX + 1];
};

static void
reloaded(struct store_job *job, const struct store_loaded *loaded, void *arg)
{
	struct reload *reload = arg;
	struct entity *entity = entity_find(&reload->jid);
	struct ln_account *account = entity != NULL ? account_of_entity(entity) : NULL;

	(void)job;
	if (account != NULL && entity->life == LIFE_LOADING) {
		/* If the disk failed, nothing is known: it is read again. */
		if (loaded->outcome == STORE_OK)
			for (size_t i = 0; i < reload->count; i++)
				take_rows(account, &reload->list[i], loaded->values[i]);
		entity_loaded(entity);
		module_account_changed(entity);
	}
	free(reload);
}

bool
values_ready(struct ln_account *account, const struct ln_mod *mod)
{
	const struct ln_value *value = mod->def->values;

	for (; value != NULL && value->name != NULL; value++)
		if ((value->flags & LN_PRELOAD) && !is_loaded(*account_documents(account), value))
			return false;
	return true;
}

bool
values_reload(struct ln_account *account)
{
	struct entity *entity = account_entity(account);
	struct preload all[PRELOADS];
	struct store_preload wanted[PRELOADS];
	size_t known = each_preload(entity->host, all, PRELOADS);
	struct reload *reload = xcalloc(1, sizeof *reload);

	for (size_t i = 0; i < known; i++) {
		const struct ln_value *value = &all[i].module->values[all[i].value];

		if (is_loaded(*account_documents(account), value))
			continue;
		wanted[reload->count] = (struct store_preload){ all[i].module->name, value->name };
		reload->list[reload->count++] = all[i];
	}
	if (reload->count == 0) {
		free(reload);
		return false;
	}
	reload->jid = entity->jid;
	memcpy(reload->name, entity->jid.full, ln_jid_len(&entity->jid));
	reload->jid.full = reload->name;
	entity_reload(entity);
	store_load_values(work_store(), entity->last_write, entity->number, wanted, reload->count,
	    reloaded, reload);
	return true;
}

/* --- what modules call ------------------------------------------------------------------------------ */

static const struct ln_elem *
parse(const char *bytes, size_t len)
{
	const char *error;
	const struct ln_elem *elem = ln_elem_parse(work_arena(), bytes, len, &error);

	if (elem == NULL)
		log_error("module", "stored document does not parse reason=%s", error);
	return elem;
}

const struct ln_elem *
ln_value_get(const struct ln_mod *mod, struct ln_account *account, unsigned value, const char *key)
{
	const struct document *document = *find(documents(account), mod->slot, value, key);

	return document != NULL ? parse(bytes_of(document), document->len) : NULL;
}

void
ln_value_each(const struct ln_mod *mod, struct ln_account *account, unsigned value,
    void (*each)(const struct ln_mod *mod, struct ln_account *account, const char *key,
	const struct ln_elem *doc))
{
	struct document *document = documents(account)->first, *next;

	for (; document != NULL; document = next) {
		const struct ln_elem *elem;

		next = document->next;
		if (document->slot != mod->slot || document->value != value)
			continue;
		elem = parse(bytes_of(document), document->len);
		if (elem != NULL)
			each(mod, account, document->text, elem);
	}
}

void
ln_value_set(const struct ln_mod *mod, struct ln_account *account, unsigned value, const char *key,
    const struct ln_elem *doc)
{
	const struct ln_value *row = &mod->def->values[value];
	const char *bytes = doc != NULL ? ln_elem_print(work_arena(), doc) : NULL;
	size_t len = bytes != NULL ? strlen(bytes) : 0;
	int64_t number = ln_account_number(account);

	if (doc != NULL)
		store_value_set(work_job(), number, mod->def->name, row->name, key, bytes, len);
	else
		store_value_delete(work_job(), number, mod->def->name, row->name, key);
	if (row->flags & LN_PRELOAD)
		put(account, mod->slot, value, key, bytes, len);
}

/* --- reading what is not preloaded -------------------------------------------------------------------- */

struct reading {
	struct ln_jid jid;
	uint64_t birth;
	unsigned slot;
	struct ln_token *token;
	void (*done)(const struct ln_mod *mod, struct ln_account *account, struct ln_token *token,
	    const struct ln_elem *doc);
	char name[LN_JID_MAX + 1];
};

static void
give_document(const struct reading *reading, struct ln_account *account, struct store_job *job)
{
	const struct ln_mod *mod = module_on(ln_account_host(account), reading->slot);
	const struct store_row *row = store_rows(job, 0);
	const struct ln_elem *elem = NULL;
	struct ln_token *token = reading->token;

	if (mod == NULL || !module_account_ready(mod, account) ||
	    store_job_outcome(job) != STORE_OK) {
		if (token != NULL)
			ln_token_refuse(&token, LN_ERR_INTERNAL_SERVER_ERROR, NULL);
		return;
	}
	if (row != NULL && row->cell[0].bytes != NULL)
		elem = parse(row->cell[0].bytes, row->cell[0].len);
	reading->done(mod, account, token, elem);
}

static void
value_read(struct store_job *job, void *arg)
{
	struct reading *reading = arg;
	struct entity *entity = entity_of_birth(&reading->jid, reading->birth);
	struct ln_account *account = entity != NULL ? account_of_entity(entity) : NULL;

	if (account == NULL || entity->life == LIFE_DYING) {
		if (reading->token != NULL)
			ln_token_refuse(&reading->token, LN_ERR_INTERNAL_SERVER_ERROR, NULL);
	} else {
		work_begin(entity, NULL);
		give_document(reading, account, job);
		work_end();
	}
	entity_job_end(&reading->jid, reading->birth);
}

void
ln_value_read(const struct ln_mod *mod, struct ln_account *account, unsigned value, const char *key,
    struct ln_token *token,
    void (*done)(const struct ln_mod *mod, struct ln_account *account, struct ln_token *token,
	const struct ln_elem *doc))
{
	struct entity *entity = account_entity(account);
	struct store_job *job = store_job_new(work_store(), mod->def->name);
	struct reading *reading = store_job_alloc(job, sizeof *reading);

	reading->jid = entity->jid;
	memcpy(reading->name, entity->jid.full, ln_jid_len(&entity->jid));
	reading->jid.full = reading->name;
	reading->slot = mod->slot;
	reading->token = token;
	reading->done = done;
	store_value_get(job, entity->number, mod->def->name, mod->def->values[value].name, key);
	reading->birth = entity_job_begin(entity);
	work_read(entity, job, value_read, reading);
}

struct fetching {
	void (*done)(void *arg, bool ok, const struct ln_elem *doc);
	void *arg;
};

static void
value_fetched(struct store_job *job, void *arg)
{
	const struct fetching *fetching = arg;
	const struct store_row *row = store_rows(job, 0);
	struct arena *arena = arena_new(512);
	const struct ln_elem *elem = NULL;
	const char *error;

	if (row != NULL && row->cell[0].bytes != NULL)
		elem = ln_elem_parse(arena, row->cell[0].bytes, row->cell[0].len, &error);
	fetching->done(fetching->arg, store_job_outcome(job) == STORE_OK, elem);
	arena_free(&arena);
}

void
ln_value_fetch(const struct ln_mod *mod, struct ln_account *account, unsigned value,
    const char *key, void (*done)(void *arg, bool ok, const struct ln_elem *doc), void *arg)
{
	struct entity *entity = account_entity(account);
	struct store_job *job = store_job_new(work_store(), mod->def->name);
	struct fetching *fetching = store_job_alloc(job, sizeof *fetching);

	*fetching = (struct fetching){ done, arg };
	store_value_get(job, entity->number, mod->def->name, mod->def->values[value].name, key);
	work_read(entity, job, value_fetched, fetching);
}
