/*
 * Which rooms there are (XEP-0045 §6.3), with pages for long lists (XEP-0059).
 *
 * Every room tells the home of the component's own address what is to be known
 * of it. After a start the rooms on disk are loaded once, page by page, so that
 * each can tell.
 *
 * SPDX-License-Identifier: MIT
 */
#include "muc/muc.h"
#include "muc/talk.h"

#include "muc/directory.h"

#define START_PAGE 50
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
listed_new(const struct here *here, bool exists)
{
	const struct room *room = here->room;
	const char *jid = ln_node_jid(here->node)->full;
	const char *name = room->config.name != NULL ? room->config.name : "";
	size_t jid_len = strlen(jid), name_len = strlen(name);
	struct listed *listed = muc_alloc(sizeof *listed + jid_len + name_len + 2);

	listed->exists = exists;
	listed->shown = room->config.is_public && !room->locked;
	listed->persistent = room->config.persistent;
	listed->occupants = ln_dict_count(room->nicks);
	memcpy(listed->jid, jid, jid_len + 1);
	listed->name = listed->jid + jid_len + 1;
	memcpy(listed->jid + jid_len + 1, name, name_len + 1);
	return listed;
}

void
directory_tell(struct here *here)
{
	if (here->room->exists)
		ln_component_call(ln_host_jid(ln_node_host(here->node)), take_entry,
		    listed_new(here, true));
}

void
directory_forget(struct here *here)
{
	ln_component_call(ln_host_jid(ln_node_host(here->node)), take_entry,
	    listed_new(here, false));
}

/* --- after a start ------------------------------------------------------------------------------ */

/* One page of what is on disk; `left` counts the rooms that have not told yet. */
struct starting {
	struct ln_jid host;
	unsigned left;
	char last[LN_JID_MAX + 1];
};

static void read_page(const struct ln_mod *mod, struct starting *starting);

static void
next_page(const struct ln_mod *mod, void *arg)
{
	struct starting *starting = arg;

	if (mod == NULL || starting->last[0] == '\0') {
		ln_jid_free(&starting->host);
		free(starting);
		return;
	}
	read_page(mod, starting);
}

static void
one_loaded(const struct ln_mod *mod, void *arg)
{
	struct starting *starting = arg;

	if (--starting->left == 0)
		next_page(mod, starting);
}

static void
room_loaded(const struct ln_mod *mod, struct ln_node *node, void *arg)
{
	struct starting *starting = arg;

	(void)mod;
	(void)node; /* it has told when it was opened */
	ln_component_call(&starting->host, one_loaded, starting);
}

/* Runs at the component's home: `left` is touched there alone. */
static void
found_room(const struct ln_mod *mod, const char *jid_text, void *arg)
{
	struct starting *starting = arg;
	struct ln_stanza *scratch;
	struct ln_jid jid;

	if (jid_text == NULL) {
		if (--starting->left == 0)
			next_page(mod, starting);
		return;
	}
	scratch = ln_stanza_new(LN_IQ, LN_GET, NULL, NULL);
	if (ln_jid_parse(ln_stanza_arena(scratch), jid_text, strlen(jid_text), &jid) == LN_JID_OK) {
		memcpy(starting->last, jid_text, strlen(jid_text) + 1);
		starting->left++;
		ln_node_call(&jid, room_loaded, starting);
	}
	ln_stanza_free(&scratch);
}

static void
read_page(const struct ln_mod *mod, struct starting *starting)
{
	char after[LN_JID_MAX + 1];

	memcpy(after, starting->last, sizeof after);
	starting->last[0] = '\0';
	starting->left = 1; /* the page itself */
	ln_node_list(mod, after, START_PAGE, found_room, starting);
}

void
directory_started(const struct ln_mod *mod, struct ln_ev_host *ev)
{
	struct starting *starting = muc_alloc(sizeof *starting);

	ln_jid_copy(&starting->host, ln_host_jid(ev->host));
	read_page(mod, starting);
}

/* --- asked ------------------------------------------------------------------------------------------ */

struct page {
	struct ln_elem *query;
	const char *after, *first, *last;
	bool begun, more;
	unsigned count, max, all;
};

static void
add_item(const char *key, void *value, void *arg)
{
	const struct listed *listed = value;
	struct page *page = arg;
	struct ln_elem *item;

	if (!listed->shown)
		return;
	page->all++;
	if (!page->begun) {
		page->begun = strcmp(key, page->after) == 0;
		return;
	}
	if (page->count == page->max) {
		page->more = true;
		return;
	}
	item = ln_elem_add(page->query, "item", NS_DISCO_ITEMS);
	ln_set_attr(item, "jid", listed->jid);
	ln_set_attr(item, "name", *listed->name != '\0' ? listed->name : NULL);
	page->last = listed->jid;
	if (page->count++ == 0)
		page->first = listed->jid;
}

static void
add_set(const struct page *page)
{
	struct ln_elem *set = ln_elem_add(page->query, "set", NS_RSM);

	if (page->first != NULL) {
		ln_add_text(set, "first", page->first);
		ln_add_text(set, "last", page->last);
	}
	ln_add_textf(set, "count", "%u", page->all);
}

/* False: it asks for what we cannot do, or for nonsense. */
static bool
read_set(const struct ln_elem *set, struct page *page)
{
	const char *max = ln_elem_child_text(set, "max", NS_RSM);
	char *end;

	page->after = ln_elem_child_text(set, "after", NS_RSM);
	if (max == NULL)
		return true;
	page->max = (unsigned)strtoul(max, &end, 10);
	if (end == max || *end != '\0' || *max == '-')
		return false;
	if (page->max > PAGE_MAX)
		page->max = PAGE_MAX;
	return true;
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

enum ln_verdict
directory_items(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	struct directory *directory = ln_worker_state(mod);
	const struct ln_elem *set = ln_elem_child(ev->query, "set", NS_RSM);
	struct page page = { .max = ITEMS_MAX };
	struct ln_stanza *result;

	if (ln_elem_attr(ev->query, "node") != NULL)
		return node_items(ev, ln_elem_attr(ev->query, "node"));
	if (set != NULL && !read_set(set, &page))
		return ln_refuse(ev->stanza, LN_ERR_BAD_REQUEST, "%s", "");
	if (set != NULL && ln_elem_child(set, "before", NS_RSM) != NULL)
		return ln_refuse(ev->stanza, LN_ERR_FEATURE_NOT_IMPLEMENTED, "%s", "");
	page.begun = page.after == NULL;
	result = ln_iq_result(ev->stanza);
	page.query = ln_add(result, "query", NS_DISCO_ITEMS);
	ln_dict_each(directory->rooms, add_item, &page);
	if (!page.begun) {
		ln_stanza_free(&result);
		return ln_refuse(ev->stanza, LN_ERR_ITEM_NOT_FOUND, "%s", "");
	}
	if (set != NULL || page.more)
		add_set(&page);
	return ln_answer(ev, result);
}
