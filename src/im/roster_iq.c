/*
 * What clients ask of the roster (RFC 6121 §2.1 to §2.6).
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "core/router.h"
#include "core/stanza.h"
#include "core/work.h"
#include "im/roster.h"
#include "im/session.h"
#include "im/subscription.h"

#define TEXT_MAX 1023 /* bytes of a handle or a group: RFC 6121 §2.3.3 wants a limit */
#define GROUPS_MAX 64
#define GROUPS_BYTES_MAX \
	8192 /* of all groups of one item: it is stored, kept and sent as a whole */

static void
finish(struct ln_stanza *st, struct ln_stanza *result)
{
	work_result(result);
	ln_stanza_free(&st);
}

/* --- get ------------------------------------------------------------------------------- */

static void
add_items(struct ln_stanza *result, const struct ln_account *account)
{
	const struct roster *roster = account->roster;
	struct ln_elem *query = ln_add(result, "query", NS_ROSTER);
	char version[ROSTER_VERSION_MAX];

	ln_set_attr(query, "ver", roster_version(account, version));
	for (uint32_t i = 0; roster != NULL && i < roster->count; i++)
		if (roster->items[i]->state & ROSTER_SHOWN)
			roster_add_item(query, roster->items[i], false);
}

/* RFC 6121 §2.6.2: a client with the version of now gets an empty result. */
static void
get(struct ln_account *account, struct ln_session *session, struct ln_stanza *st)
{
	const char *have = ln_elem_attr(ln_first(st), "ver");
	struct ln_stanza *result = ln_iq_result(st);
	char version[ROSTER_VERSION_MAX];

	session->interested = true;
	if (have == NULL || strcmp(have, roster_version(account, version)) != 0)
		add_items(result, account);
	finish(st, result);
}

/* --- set -------------------------------------------------------------------------------- */

struct change {
	struct ln_jid jid;
	const char *name;
	bool remove;
	struct buf groups; /* each NUL-terminated */
};

static bool
has_group(const struct buf *groups, const char *name)
{
	for (size_t at = 0; at < groups->len; at += strlen(groups->data + at) + 1)
		if (strcmp(groups->data + at, name) == 0)
			return true;
	return false;
}

/* One <group/>; LN_ERR_COUNT: fine. */
static enum ln_error
read_group(struct change *change, const struct ln_elem *elem, unsigned *count)
{
	const char *name = ln_elem_text_all(elem, work_arena());
	size_t len = strlen(name);

	if (len == 0 || len > TEXT_MAX || ++*count > GROUPS_MAX ||
	    change->groups.len + len + 1 > GROUPS_BYTES_MAX)
		return LN_ERR_NOT_ACCEPTABLE;
	if (has_group(&change->groups, name))
		return LN_ERR_BAD_REQUEST;
	buf_add(&change->groups, name, len + 1);
	return LN_ERR_COUNT;
}

static enum ln_error
read_item(struct change *change, const struct ln_elem *item)
{
	const char *jid = ln_elem_attr(item, "jid");
	const char *subscription = ln_elem_attr(item, "subscription");
	enum ln_error error = LN_ERR_COUNT;
	struct ln_elem *group;
	unsigned count = 0;

	if (jid == NULL)
		return LN_ERR_BAD_REQUEST;
	if (ln_jid_parse(work_arena(), jid, strlen(jid), &change->jid) != LN_JID_OK)
		return LN_ERR_JID_MALFORMED;
	change->jid = ln_jid_bare(work_arena(), &change->jid);
	/* Any other value is not the client's to say, and ignored (§2.1.2.5). */
	change->remove = subscription != NULL && strcmp(subscription, "remove") == 0;
	change->name = ln_elem_attr(item, "name");
	if (change->name != NULL && strlen(change->name) > TEXT_MAX)
		return LN_ERR_NOT_ACCEPTABLE;
	ln_elem_foreach(group, item)
		if (error == LN_ERR_COUNT && ln_elem_is(group, "group", NS_ROSTER))
			error = read_group(change, group, &count);
	return error;
}

/* RFC 6121 §2.1.3: exactly one item. */
static enum ln_error
read_change(struct change *change, const struct ln_elem *query)
{
	const struct ln_elem *item = ln_elem_first(query);

	if (item == NULL || !ln_elem_is(item, "item", NS_ROSTER) || ln_elem_next(item) != NULL)
		return LN_ERR_BAD_REQUEST;
	return read_item(change, item);
}

static enum ln_error
apply(struct ln_account *account, struct change *change)
{
	struct ln_roster_item *item = roster_find(account, &change->jid);

	if (change->remove) {
		if (item == NULL || !(item->state & ROSTER_SHOWN))
			return LN_ERR_ITEM_NOT_FOUND;
		subscription_end(item);
		roster_remove(item);
		return LN_ERR_COUNT;
	}
	if (ln_jid_same_bare(&change->jid, &account->entity.jid))
		return LN_ERR_NOT_ALLOWED;
	item = roster_get(account, &change->jid);
	if (item == NULL)
		return LN_ERR_NOT_ACCEPTABLE;
	roster_set_name(item, change->name);
	roster_set_groups(item, change->groups.data, change->groups.len);
	item->state |= ROSTER_SHOWN;
	roster_changed(item, true);
	return LN_ERR_COUNT;
}

static void
set(struct ln_account *account, struct ln_stanza *st)
{
	struct change change = { .groups = BUF_INIT };
	enum ln_error error;

	if (store_stalled(work_store())) {
		router_bounce(st, LN_ERR_RESOURCE_CONSTRAINT,
		    "The server's disk fails. Try again.");
		return;
	}
	error = read_change(&change, ln_first(st));
	if (error == LN_ERR_COUNT)
		error = apply(account, &change);
	buf_free(&change.groups);
	if (error != LN_ERR_COUNT)
		router_bounce(st, error, NULL);
	else
		finish(st, ln_iq_result(st));
}

void
roster_iq(struct ln_account *account, struct ln_stanza *st)
{
	struct ln_session *session = account_session(account, st->session);

	/* Somebody else's roster (§2.3.3); what comes from a session of ours has its handle. */
	if (session == NULL || !ln_jid_same(&session->jid, &st->from))
		router_bounce(st, LN_ERR_FORBIDDEN, NULL);
	else if (st->type == LN_GET)
		get(account, session, st);
	else
		set(account, st);
}
