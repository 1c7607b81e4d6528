/*
 * Which rooms there are (XEP-0045 §6.3), with pages for long lists (XEP-0059).
 *
 * Every room tells the home of the component's own address what is to be known
 * of it, and keeps the same in a table, from which the list is read after a
 * start: no room is loaded for that. A room that is older than the table is
 * loaded once, and has a row then.
 *
 * SPDX-License-Identifier: MIT
 */
#include <linnet/rsm.h>

#include "muc/muc.h"
#include "muc/people.h"
#include "muc/talk.h"

#include "muc/directory.h"

#define START_PAGE 500
#define PAGE_MAX 100
#define ITEMS_MAX 1000 /* without a page asked for */

void
directory_open(const struct ln_mod *mod)
{
	struct directory *directory = ln_worker_state(mod);

	directory->rooms = ln_dict_new();
}

static void
free_entry(const char *key, void *value, void *arg)
{
	(void)key;
	(void)arg;
	free(value);
}

void
directory_close(const struct ln_mod *mod)
{
	struct directory *directory = ln_worker_state(mod);

	ln_dict_each(directory->rooms, free_entry, NULL);
	ln_dict_free(&directory->rooms);
	free(directory->after);
}

/* --- rooms tell ------------------------------------------------------------------------------ */

static void
take_entry(const struct ln_mod *mod, void *arg)
{
	struct directory *directory = mod != NULL ? ln_worker_state(mod) : NULL;
	struct listed *listed = arg;

	if (directory == NULL) {
		free(listed);
		return;
	}
	free(ln_dict_get(directory->rooms, listed->jid));
	ln_dict_set(directory->rooms, listed->jid, listed->exists ? listed : NULL);
	if (!listed->exists)
		free(listed);
}

static struct listed *
listed_new(const char *jid, const char *name)
{
	size_t jid_len = strlen(jid), name_len = name != NULL ? strlen(name) : 0;
	struct listed *listed = muc_alloc(sizeof *listed + jid_len + name_len + 2);

	memcpy(listed->jid, jid, jid_len);
	listed->name = listed->jid + jid_len + 1;
	if (name != NULL)
		memcpy(listed->jid + jid_len + 1, name, name_len);
	return listed;
}

static struct listed *
listed_of(const struct here *here, bool exists)
{
	const struct room *room = here->room;
	struct listed *listed = listed_new(ln_node_jid(here->node)->full, room->config.name);

	listed->exists = exists;
	listed->shown = room->config.is_public && !room->locked;
	listed->persistent = room->config.persistent;
	listed->occupants = ln_dict_count(room->nicks);
	return listed;
}

void
directory_tell(struct here *here)
{
	if (here->room->exists)
		ln_component_call(ln_host_jid(ln_node_host(here->node)), take_entry,
		    listed_of(here, true));
}

void
directory_forget(struct here *here)
{
	ln_component_call(ln_host_jid(ln_node_host(here->node)), take_entry,
	    listed_of(here, false));
}

/* --- on disk --------------------------------------------------------------------------------- */

static const char *const directory_steps[] = {
	"CREATE TABLE muc_directory ("
	" owner INTEGER PRIMARY KEY REFERENCES entity (number) ON DELETE CASCADE,"
	" name TEXT,"
	" public INTEGER NOT NULL,"
	" maker TEXT);"
	"CREATE INDEX muc_directory_by_maker ON muc_directory (maker);",
	NULL
};
const struct ln_table muc_tables[] = { LN_TABLE("directory", directory_steps), LN_TABLE_END };

/* By its address: the room may get its number in the same job. */
static const struct ln_sql sql_save = {
	"INSERT INTO muc_directory (owner, name, public, maker)"
	" SELECT number, ?, ?, ? FROM entity WHERE jid = ? AND status = 1"
	" ON CONFLICT (owner) DO UPDATE SET name = excluded.name, public = excluded.public,"
	" maker = excluded.maker"
};
static const struct ln_sql sql_page = {
	"SELECT e.jid, d.owner, d.name, d.public FROM entity e"
	" LEFT JOIN muc_directory d ON d.owner = e.number"
	" WHERE e.kind = 3 AND e.host = ? AND e.jid > ? AND e.status = 1 ORDER BY e.jid LIMIT ?"
};
static const struct ln_sql sql_made = {
	"SELECT count(*) FROM muc_directory d JOIN entity e ON e.number = d.owner"
	" WHERE d.maker = ? AND e.host = ? AND e.status = 1"
};

/* A room counts for who made it for as long as he owns it. */
static const char *
maker_of(struct here *here)
{
	const struct affiliated *maker = here->room->maker != NULL
	    ? ln_dict_get(here->room->affiliations, here->room->maker)
	    : NULL;

	return maker != NULL && maker->affiliation == AFF_OWNER ? here->room->maker : NULL;
}

void
directory_save(struct here *here)
{
	const struct room_config *config = &here->room->config;

	if (ln_node_stored(here->node))
		ln_store(here->mod, &sql_save, ln_text(config->name), ln_int(config->is_public),
		    ln_text(maker_of(here)), ln_text(ln_node_jid(here->node)->full));
}

void
directory_count(struct here *here, const char *maker, ln_found_fn *counted, void *arg)
{
	ln_query(here->mod, counted, arg, &sql_made, ln_text(maker),
	    ln_text(ln_host_name(ln_node_host(here->node))));
}

/* --- after a start ------------------------------------------------------------------------------ */

static void found_page(const struct ln_mod *mod, bool ok, const struct ln_row *row, void *arg);

static void
read_page(const struct ln_mod *mod, const char *after)
{
	struct directory *directory = ln_worker_state(mod);
	size_t size = strlen(after) + 1;
	char *copy = muc_alloc(size);

	memcpy(copy, after, size);
	free(directory->after);
	directory->after = copy;
	ln_query(mod, found_page, NULL, &sql_page, ln_text(ln_host_name(ln_mod_host(mod))),
	    ln_text(copy), ln_int(START_PAGE));
}

static void
room_loaded(const struct ln_mod *mod, struct ln_node *node, void *arg)
{
	struct here here;

	(void)arg;
	if (node == NULL)
		return;
	here = here_of(mod, node); /* it has told when it was opened */
	if (here.room->exists)
		directory_save(&here);
}

/* It is older than the table. */
static void
load(const char *jid_text)
{
	struct ln_stanza *scratch = ln_stanza_new(LN_IQ, LN_GET, NULL, NULL);
	struct ln_jid jid;

	if (ln_jid_parse(ln_stanza_arena(scratch), jid_text, strlen(jid_text), &jid) == LN_JID_OK)
		ln_node_call(&jid, room_loaded, NULL);
	ln_stanza_free(&scratch);
}

/* What a room has told meanwhile is newer. */
static void
list_stored(struct directory *directory, const struct ln_row *row)
{
	const char *jid = ln_row_text(row, 0);
	struct listed *listed;

	if (ln_dict_get(directory->rooms, jid) != NULL)
		return;
	listed = listed_new(jid, ln_row_text(row, 2));
	listed->exists = listed->persistent = true;
	listed->shown = ln_row_int(row, 3) != 0;
	ln_dict_set(directory->rooms, jid, listed);
}

/* A page that could not be read is read again: see directory_every(). */
static void
could_not_read(const struct ln_mod *mod)
{
	struct directory *directory = ln_worker_state(mod);

	if (!directory->unread)
		ln_log(mod, LN_LOG_ERROR, "the list of rooms could not be read: it is not whole");
	directory->unread = true;
}

static void
found_page(const struct ln_mod *mod, bool ok, const struct ln_row *row, void *arg)
{
	struct directory *directory = mod != NULL ? ln_worker_state(mod) : NULL;
	const char *last = NULL;
	unsigned count = 0;

	(void)arg;
	if (directory == NULL)
		return;
	if (!ok) {
		could_not_read(mod);
		return;
	}
	directory->unread = false;
	for (; row != NULL; row = ln_row_next(row), count++) {
		last = ln_row_text(row, 0);
		if (ln_row_int(row, 1) == 0)
			load(last);
		else
			list_stored(directory, row);
	}
	if (count == START_PAGE)
		read_page(mod, last);
}

void
directory_every(const struct ln_mod *mod)
{
	const struct directory *directory = ln_worker_state(mod);

	if (directory->unread)
		read_page(mod, directory->after);
}

void
directory_started(const struct ln_mod *mod, struct ln_ev_host *ev)
{
	(void)ev;
	read_page(mod, "");
}

/* --- asked ------------------------------------------------------------------------------------------ */

/* The rooms that are shown, and the part of them that was asked for. */
struct page {
	const struct listed **rooms;
	size_t count, from, to;
};

static void
add_shown(const char *key, void *value, void *arg)
{
	const struct listed *listed = value;
	struct page *page = arg;

	(void)key;
	if (listed->shown)
		page->rooms[page->count++] = listed;
}

/* Where a room is in the list; false: it is not there (any more). */
static bool
find_room(const struct page *page, const char *jid, size_t *at_r)
{
	for (*at_r = 0; *at_r < page->count; (*at_r)++)
		if (strcmp(page->rooms[*at_r]->jid, jid) == 0)
			return true;
	return false;
}

/* LN_ERR_COUNT: well. */
static enum ln_error
read_set(const struct ln_elem *query, struct page *page)
{
	struct ln_rsm rsm;
	size_t most;

	if (!ln_rsm_read(query, &rsm))
		return LN_ERR_BAD_REQUEST;
	if (!rsm.given)
		return LN_ERR_COUNT;
	most = ln_rsm_max(&rsm, PAGE_MAX, PAGE_MAX);
	if (rsm.before != NULL) {
		if (*rsm.before != '\0' && !find_room(page, rsm.before, &page->to))
			return LN_ERR_ITEM_NOT_FOUND;
		page->from = page->to > most ? page->to - most : 0;
		return LN_ERR_COUNT;
	}
	if (rsm.after != NULL && !find_room(page, rsm.after, &page->from))
		return LN_ERR_ITEM_NOT_FOUND;
	page->from += rsm.after != NULL;
	if (rsm.index > 0)
		page->from = (size_t)rsm.index < page->count ? (size_t)rsm.index : page->count;
	if (page->to - page->from > most)
		page->to = page->from + most;
	return LN_ERR_COUNT;
}

static void
add_set(const struct page *page, struct ln_elem *query)
{
	struct ln_rsm_page set = { .index = (int64_t)page->from, .count = (int64_t)page->count };

	if (page->from < page->to) {
		set.first = page->rooms[page->from]->jid;
		set.last = page->rooms[page->to - 1]->jid;
	}
	ln_rsm_add(query, &set);
}

/* The service has no nodes of its own; other modules may have (XEP-0050). */
static enum ln_verdict
node_items(struct ln_ev_iq *ev, const char *node)
{
	struct ln_stanza *result = ln_iq_result(ev->stanza);
	struct ln_ev_disco asked = { .host = ev->host,
		.asker = ln_from(ev->stanza),
		.node = node,
		.query = ln_add(result, "query", NS_DISCO_ITEMS) };

	ln_set_attr(asked.query, "node", node);
	ln_fire_disco(&asked, true);
	if (asked.found && !asked.forbidden)
		return ln_answer(ev, result);
	ln_stanza_free(&result);
	return ln_refuse(ev->stanza, asked.forbidden ? LN_ERR_FORBIDDEN : LN_ERR_ITEM_NOT_FOUND,
	    "%s", "");
}

static struct ln_stanza *
make_items(const struct ln_stanza *request, const struct page *page, bool set)
{
	struct ln_stanza *result = ln_iq_result(request);
	struct ln_elem *query = ln_add(result, "query", NS_DISCO_ITEMS);

	for (size_t i = page->from; i < page->to; i++) {
		struct ln_elem *item = ln_elem_add(query, "item", NS_DISCO_ITEMS);
		const char *name = page->rooms[i]->name;

		ln_set_attr(item, "jid", page->rooms[i]->jid);
		ln_set_attr(item, "name", *name != '\0' ? name : NULL);
	}
	if (set)
		add_set(page, query);
	return result;
}

enum ln_verdict
directory_items(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	struct directory *directory = ln_worker_state(mod);
	const struct ln_elem *set = ln_elem_child(ev->query, "set", NS_RSM);
	struct ln_stanza *result = NULL;
	enum ln_error error;
	struct page page = { 0 };

	if (ln_elem_attr(ev->query, "node") != NULL)
		return node_items(ev, ln_elem_attr(ev->query, "node"));
	page.rooms = muc_alloc((ln_dict_count(directory->rooms) + 1) * sizeof *page.rooms);
	ln_dict_each(directory->rooms, add_shown, &page);
	page.to = set == NULL && page.count > ITEMS_MAX ? ITEMS_MAX : page.count;
	error = read_set(ev->query, &page);
	if (error == LN_ERR_COUNT)
		result = make_items(ev->stanza, &page, set != NULL || page.to < page.count);
	free(page.rooms);
	if (error != LN_ERR_COUNT)
		return ln_refuse(ev->stanza, error, "%s", "");
	return ln_answer(ev, result);
}
