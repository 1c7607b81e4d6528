/*
 * Roster items in memory and on disk. See roster.h; iqs are in roster_iq.c.
 *
 * SPDX-License-Identifier: MIT
 */
#include "im/roster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "core/stanza.h"
#include "core/work.h"
#include "im/session.h"
#include "store/job.h"
#include "store/value.h"

#define NS_STORED "urn:linnet:roster"

/* --- items ------------------------------------------------------------------------------ */

struct ln_roster_item *
roster_find(const struct ln_account *account, const struct ln_jid *contact)
{
	const struct roster *roster = account->roster;

	for (uint32_t i = 0; roster != NULL && i < roster->count; i++)
		if (ln_jid_same_bare(&roster->items[i]->jid, contact))
			return roster->items[i];
	return NULL;
}

static struct roster *
roster_of(struct ln_account *account)
{
	if (account->roster == NULL) {
		account->roster = xcalloc(1, sizeof *account->roster);
		account->roster->account = account;
	}
	return account->roster;
}

static struct ln_roster_item *
item_new(struct roster *roster, const struct ln_jid *contact)
{
	size_t len = ln_jid_bare_len(contact);
	struct ln_roster_item *item =
	    xcalloc(1, offsetof(struct ln_roster_item, address) + len + 1);

	if (roster->count == roster->room) {
		roster->room = roster->room ? roster->room * 2 : 8;
		roster->items = xrealloc(roster->items, roster->room * sizeof *roster->items);
	}
	item->roster = roster;
	item->index = roster->count;
	item->jid = *contact;
	item->jid.resource_len = 0;
	item->jid.full = memcpy(item->address, contact->full, len);
	roster->items[roster->count++] = item;
	roster->account->entity.memory += sizeof *item + len;
	return item;
}

static void
item_free(struct ln_roster_item *item)
{
	free(item->name);
	free(item->groups);
	free(item->request);
	free(item);
}

static void
item_forget(struct ln_roster_item *item)
{
	struct roster *roster = item->roster;
	struct ln_roster_item *last = roster->items[--roster->count];

	roster->items[item->index] = last;
	last->index = item->index;
	item_free(item);
}

static uint32_t
count_shown(const struct roster *roster)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < roster->count; i++)
		count += (roster->items[i]->state & ROSTER_SHOWN) != 0;
	return count;
}

struct ln_roster_item *
roster_get(struct ln_account *account, const struct ln_jid *contact)
{
	struct ln_roster_item *item = roster_find(account, contact);
	struct roster *roster = roster_of(account);
	unsigned max = account_conf(account)->roster_max;

	if (item != NULL && (item->state & ROSTER_SHOWN))
		return item;
	if (roster->count >= max && count_shown(roster) >= max)
		return NULL;
	return item != NULL ? item : item_new(roster, contact);
}

struct ln_roster_item *
roster_get_asking(struct ln_account *account, const struct ln_jid *contact)
{
	struct ln_roster_item *item = roster_find(account, contact);
	struct roster *roster = roster_of(account);

	if (item != NULL || roster->count >= account_conf(account)->roster_max)
		return item;
	return item_new(roster, contact);
}

void
roster_set_name(struct ln_roster_item *item, const char *name)
{
	free(item->name);
	item->name = name != NULL && name[0] != '\0' ? xstrdup(name) : NULL;
}

void
roster_set_groups(struct ln_roster_item *item, const char *groups, size_t len)
{
	free(item->groups);
	item->groups = NULL;
	if (len == 0)
		return;
	item->groups = xmalloc(len + 1);
	memcpy(item->groups, groups, len);
	item->groups[len] = '\0';
}

void
roster_set_request(struct ln_roster_item *item, struct ln_stanza *request)
{
	struct buf bytes = BUF_INIT;

	free(item->request);
	item->request = NULL;
	if (request == NULL)
		return;
	stanza_write(request, &bytes);
	item->request = buf_take(&bytes);
}

/* --- as documents ------------------------------------------------------------------------- */

static void
add_groups(struct ln_elem *elem, const struct ln_roster_item *item)
{
	const char *group = item->groups;

	for (; group != NULL && group[0] != '\0'; group += strlen(group) + 1)
		ln_add_text(elem, "group", group);
}

static struct ln_elem *
to_document(const struct ln_roster_item *item, int64_t version)
{
	struct ln_elem *elem = ln_elem_new(work_arena(), "item", NS_STORED);

	ln_set_attrf(elem, "state", "%u", item->state);
	ln_set_attrf(elem, "version", "%lld", (long long)version);
	ln_set_attr(elem, "name", item->name);
	add_groups(elem, item);
	if (item->request != NULL)
		ln_add_text(elem, "request", item->request);
	return elem;
}

static void
read_groups(struct ln_roster_item *item, const struct ln_elem *elem)
{
	struct buf groups = BUF_INIT;
	struct ln_elem *group;

	ln_elem_foreach(group, elem)
		if (ln_elem_is(group, "group", NS_STORED))
			buf_add(&groups, ln_elem_text(group), strlen(ln_elem_text(group)) + 1);
	roster_set_groups(item, groups.data, groups.len);
	buf_free(&groups);
}

static int64_t
number_of(const struct ln_elem *elem, const char *name)
{
	const char *text = ln_elem_attr(elem, name);

	return text != NULL ? strtoll(text, NULL, 10) : 0;
}

static void
note_version(struct roster *roster, int64_t version)
{
	if (version > roster->version)
		roster->version = version;
}

static void
read_item(struct roster *roster, const char *key, const struct ln_elem *elem, struct arena *arena)
{
	struct ln_roster_item *item;
	const char *request;
	struct ln_jid jid;

	if (ln_jid_parse(arena, key, strlen(key), &jid) != LN_JID_OK)
		return;
	item = item_new(roster, &jid);
	item->state = (uint8_t)number_of(elem, "state");
	note_version(roster, number_of(elem, "version"));
	roster_set_name(item, ln_elem_attr(elem, "name"));
	read_groups(item, elem);
	request = ln_elem_child_text(elem, "request", NS_STORED);
	item->request = request != NULL ? xstrdup(request) : NULL;
}

static const struct ln_elem *
parse_row(const struct store_row *row, struct arena *arena)
{
	const char *error;

	return ln_elem_parse(arena, row->cell[1].bytes, row->cell[1].len, &error);
}

void
roster_open(struct ln_account *account, const struct store_row *items,
    const struct store_row *version)
{
	for (; items != NULL; items = items->next) {
		struct arena *arena = arena_new(1024);
		const struct ln_elem *elem = parse_row(items, arena);

		if (elem != NULL)
			read_item(roster_of(account), items->cell[0].bytes, elem, arena);
		else
			log_error("core", "roster item does not parse account=%s contact=%s",
			    log_quote(account->entity.jid.full), log_quote(items->cell[0].bytes));
		arena_free(&arena);
	}
	if (version != NULL) {
		struct arena *arena = arena_new(256);
		const struct ln_elem *elem = parse_row(version, arena);

		if (elem != NULL)
			note_version(roster_of(account), number_of(elem, "version"));
		arena_free(&arena);
	}
}

void
roster_close(struct ln_account *account)
{
	struct roster *roster = account->roster;

	account->roster = NULL;
	if (roster == NULL)
		return;
	for (uint32_t i = 0; i < roster->count; i++)
		item_free(roster->items[i]);
	free(roster->items);
	free(roster);
}

/* --- changes ---------------------------------------------------------------------------------- */

const char *
roster_version(const struct ln_account *account, char out[ROSTER_VERSION_MAX])
{
	int64_t version = account->roster != NULL ? account->roster->version : 0;

	snprintf(out, ROSTER_VERSION_MAX, "%llx", (unsigned long long)version);
	return out;
}

static void
push(struct ln_account *account, const struct ln_roster_item *item, bool removed)
{
	char version[ROSTER_VERSION_MAX];
	struct ln_session *session;

	TAILQ_FOREACH(session, &account->sessions, link) {
		struct ln_stanza *st;
		struct ln_elem *query;

		if (!session->interested)
			continue;
		st = ln_stanza_new(LN_IQ, LN_SET, NULL, &session->jid);
		ln_make_id(st);
		query = ln_add(st, "query", NS_ROSTER);
		ln_set_attr(query, "ver", roster_version(account, version));
		roster_add_item(query, item, removed);
		session_send(session, st);
	}
}

static void
write_document(struct ln_account *account, const char *name, const char *key,
    const struct ln_elem *doc)
{
	const char *bytes = ln_elem_print(work_arena(), doc);

	store_value_set(work_job(), account->entity.number, ROSTER_MODULE, name, key, bytes,
	    strlen(bytes));
}

void
roster_remove(struct ln_roster_item *item)
{
	struct ln_account *account = item->roster->account;
	struct ln_elem *version;
	bool shown = item->state & ROSTER_SHOWN;

	store_value_delete(work_job(), account->entity.number, ROSTER_MODULE, ROSTER_VALUE,
	    item->jid.full);
	if (shown) {
		item->roster->version = work_position();
		version = ln_elem_new(work_arena(), "version", NS_STORED);
		ln_set_attrf(version, "version", "%lld", (long long)item->roster->version);
		write_document(account, ROSTER_VERSION, "", version);
		push(account, item, true);
	}
	item_forget(item);
}

void
roster_changed(struct ln_roster_item *item, bool shall_push)
{
	struct ln_account *account = item->roster->account;

	if (item->state == 0) {
		roster_remove(item);
		return;
	}
	if (shall_push && (item->state & ROSTER_SHOWN))
		item->roster->version = work_position();
	write_document(account, ROSTER_VALUE, item->jid.full,
	    to_document(item, item->roster->version));
	if (shall_push && (item->state & ROSTER_SHOWN))
		push(account, item, false);
}

/* --- for modules -------------------------------------------------------------------------------- */

const struct ln_roster_item *
ln_roster_find(const struct ln_account *account, const struct ln_jid *contact)
{
	return roster_find(account, contact);
}

const struct ln_roster_item *
ln_roster_first(const struct ln_account *account)
{
	const struct roster *roster = account->roster;

	return roster != NULL && roster->count > 0 ? roster->items[0] : NULL;
}

const struct ln_roster_item *
ln_roster_next(const struct ln_roster_item *item)
{
	const struct roster *roster = item->roster;

	return item->index + 1 < roster->count ? roster->items[item->index + 1] : NULL;
}

const struct ln_jid *
ln_roster_jid(const struct ln_roster_item *item)
{
	return &item->jid;
}

const char *
ln_roster_name(const struct ln_roster_item *item)
{
	return item->name;
}

bool
ln_roster_to(const struct ln_roster_item *item)
{
	return item->state & ROSTER_TO;
}

bool
ln_roster_from(const struct ln_roster_item *item)
{
	return item->state & ROSTER_FROM;
}

void
roster_add_item(struct ln_elem *query, const struct ln_roster_item *item, bool removed)
{
	static const char *const subscriptions[] = { "none", "to", "from", "both" };
	struct ln_elem *elem = ln_elem_add(query, "item", NS_ROSTER);

	ln_set_attr(elem, "jid", item->jid.full);
	if (removed) {
		ln_set_attr(elem, "subscription", "remove");
		return;
	}
	ln_set_attr(elem, "subscription", subscriptions[item->state & (ROSTER_TO | ROSTER_FROM)]);
	ln_set_attr(elem, "name", item->name);
	if (item->state & ROSTER_ASK)
		ln_set_attr(elem, "ask", "subscribe");
	if (item->state & ROSTER_APPROVED)
		ln_set_attr(elem, "approved", "true");
	add_groups(elem, item);
}
