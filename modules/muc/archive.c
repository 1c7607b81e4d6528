/*
 * The room's archive as clients read it (XEP-0313), page by page (XEP-0059).
 *
 * With each message is stored whose it was. That is shown to those alone who
 * see addresses in the room.
 *
 * SPDX-License-Identifier: MIT
 */
#include <linnet/rsm.h>

#include "muc/muc.h"
#include "muc/people.h"
#include "muc/talk.h"

#define PAGE 50
#define PAGE_MAX 100
#define IDS_MAX 100
#define COUNT_PAGE 10000 /* with a page what is found is counted so far, and said if that is all */
#define COUNT_ALONE 200000 /* the same where the count is all that is asked for, or an index */

/* --- who may ------------------------------------------------------------------------------- */

/* §9.1: who could be in the room may read what was said in it. */
static bool
may_read(const struct here *here, const struct ln_jid *who)
{
	enum affiliation affiliation = affiliation_of(here, who);

	if (affiliation == AFF_OUTCAST)
		return false;
	if (affiliation >= AFF_MEMBER || visit_by_jid(here->room, who) != NULL)
		return true;
	return !here->room->config.members_only && !here->room->config.protected;
}

static bool
may_see_addresses(const struct here *here, const struct ln_jid *who)
{
	const struct visit *visit = visit_by_jid(here->room, who);

	if (visit != NULL)
		return sees_jids(here->room, visit->occupant);
	return here->room->config.whois == WHOIS_ANYONE || affiliation_of(here, who) >= AFF_ADMIN;
}

/* LN_ERR_COUNT: go on. */
static enum ln_error
check(const struct here *here, const struct ln_jid *who)
{
	if (!room_archives(here->room))
		return LN_ERR_SERVICE_UNAVAILABLE;
	return may_read(here, who) ? LN_ERR_COUNT : LN_ERR_FORBIDDEN;
}

/* --- the form (§4.1) --------------------------------------------------------------------------- */

static const char *const known[] = { "FORM_TYPE", "start", "end", "with", "before-id", "after-id",
	"ids", NULL };

static bool
is_known(const char *var)
{
	for (const char *const *each = known; *each != NULL; each++)
		if (var != NULL && strcmp(*each, var) == 0)
			return true;
	return false;
}

enum ln_verdict
archive_form(struct here *here, struct ln_ev_iq *ev)
{
	struct ln_stanza *result = ln_iq_result(ev->stanza);
	struct ln_elem *form = ln_form_add(ln_add(result, "query", NS_MAM), "form", NS_MAM);
	static const char *const types[] = { NULL, "text-single", "text-single", "jid-single",
		"text-single", "text-single", "list-multi" };

	(void)here;
	for (size_t i = 1; known[i] != NULL; i++)
		ln_form_field(form, known[i], types[i], NULL);
	return ln_answer(ev, result);
}

/* --- what is asked ------------------------------------------------------------------------------- */

static bool
has_unknown_field(const struct ln_elem *form)
{
	const struct ln_elem *field = ln_elem_child(form, "field", NS_DATA);

	for (; field != NULL; field = ln_elem_next_is(field, "field", NS_DATA))
		if (!is_known(ln_elem_attr(field, "var")))
			return true;
	return false;
}

/* LN_ERR_COUNT: well. */
static enum ln_error
read_time(const struct ln_elem *form, const char *var, int64_t *out)
{
	const char *text = ln_form_text(form, var);

	if (text == NULL || *text == '\0')
		return LN_ERR_COUNT;
	*out = ln_datetime_read(text);
	return *out >= 0 ? LN_ERR_COUNT : LN_ERR_BAD_REQUEST;
}

static enum ln_error
read_with(const struct here *here, const struct ln_elem *form, struct ln_archive_query *query)
{
	const char *text = ln_form_text(form, "with");
	struct ln_jid jid;

	if (text == NULL || *text == '\0')
		return LN_ERR_COUNT;
	if (ln_jid_parse(ln_elem_arena(form), text, strlen(text), &jid) != LN_JID_OK)
		return LN_ERR_JID_MALFORMED;
	if (!ln_jid_same(&jid, ln_node_jid(here->node)))
		query->with = jid.full;
	return LN_ERR_COUNT;
}

static enum ln_error
read_ids(const struct ln_elem *form, const char *ids[IDS_MAX + 1], struct ln_archive_query *query)
{
	const struct ln_elem *field = ln_form_get(form, "ids"), *value;
	size_t count = 0;

	if (field == NULL)
		return LN_ERR_COUNT;
	for (value = ln_form_first_value(field); value != NULL; value = ln_form_next_value(value)) {
		if (count == IDS_MAX)
			return LN_ERR_NOT_ACCEPTABLE;
		ids[count++] = ln_elem_text(value);
	}
	ids[count] = NULL;
	query->ids = count > 0 ? ids : NULL;
	return LN_ERR_COUNT;
}

static enum ln_error
read_form(const struct here *here, const struct ln_elem *form, const char *ids[IDS_MAX + 1],
    struct ln_archive_query *query)
{
	enum ln_error error;

	if (!ln_form_is(form, NS_MAM))
		return LN_ERR_BAD_REQUEST;
	if (has_unknown_field(form))
		return LN_ERR_FEATURE_NOT_IMPLEMENTED;
	query->before_id = ln_form_text(form, "before-id");
	query->after_id = ln_form_text(form, "after-id");
	if ((error = read_time(form, "start", &query->start)) != LN_ERR_COUNT ||
	    (error = read_time(form, "end", &query->end)) != LN_ERR_COUNT ||
	    (error = read_with(here, form, query)) != LN_ERR_COUNT)
		return error;
	return read_ids(form, ids, query);
}

static enum ln_error
read_set(const struct ln_elem *elem, struct ln_archive_query *query)
{
	struct ln_rsm rsm;

	if (!ln_rsm_read(elem, &rsm))
		return LN_ERR_BAD_REQUEST;
	query->after = rsm.after;
	query->before = rsm.before;
	query->index = rsm.index > 0 ? rsm.index : 0;
	query->max = ln_rsm_max(&rsm, query->ids != NULL ? IDS_MAX : PAGE, PAGE_MAX);
	query->count_max = query->max == 0 || rsm.index >= 0 ? COUNT_ALONE : COUNT_PAGE;
	return LN_ERR_COUNT;
}

/* --- what is answered ------------------------------------------------------------------------------- */

static void
send_one(struct here *here, const struct ln_stanza *request, const struct ln_archived *archived,
    bool addresses)
{
	const struct ln_elem *query = ln_first(request);
	struct ln_stanza *st =
	    ln_stanza_new(LN_MESSAGE, LN_NORMAL, ln_node_jid(here->node), ln_from(request));
	struct ln_elem *result = ln_add(st, "result", NS_MAM);
	struct ln_elem *forwarded, *delay, *message, *x;
	char stamp[32];

	ln_set_attr(result, "queryid", ln_elem_attr(query, "queryid"));
	ln_set_attr(result, "id", archived->id);
	forwarded = ln_elem_add(result, "forwarded", NS_FORWARD);
	delay = ln_elem_add(forwarded, "delay", NS_DELAY);
	ln_set_attr(delay, "stamp", muc_write_time(stamp, archived->wall_ms));
	message = ln_elem_add_copy(forwarded, archived->message);
	x = ln_elem_child(message, "x", NS_MUC_USER);
	if (x != NULL && !addresses)
		ln_elem_remove(x);
	ln_send(st);
}

static void
finish(struct ln_token **token, const struct ln_archive_page *page)
{
	struct ln_stanza *result = ln_iq_result(ln_token_request(*token));
	struct ln_elem *fin = ln_add(result, "fin", NS_MAM);
	struct ln_rsm_page set = { .index = page->index, .count = page->total };

	if (page->complete)
		ln_set_attr(fin, "complete", "true");
	if (page->count > 0) {
		set.first = page->messages[0].id;
		set.last = page->messages[page->count - 1].id;
	}
	ln_rsm_add(fin, &set);
	ln_token_answer(token, result);
}

static size_t
count_ids(const struct ln_elem *query)
{
	const struct ln_elem *form = ln_form_find(query, "submit");
	const struct ln_elem *field = form != NULL ? ln_form_get(form, "ids") : NULL;

	return field != NULL ? ln_elem_count(field) : 0;
}

/* What a page that was read shall be refused with; LN_ERR_COUNT: it is given. */
static enum ln_error
refused(const struct ln_stanza *request, const struct ln_archive_page *page)
{
	struct ln_rsm rsm;

	if (request == NULL || !page->ok)
		return LN_ERR_INTERNAL_SERVER_ERROR;
	if (page->total >= 0 && page->total < (int64_t)count_ids(ln_first(request)))
		return LN_ERR_ITEM_NOT_FOUND;
	/* XEP-0059 §2.6: to count so far would take too long. */
	if (page->total < 0 && ln_rsm_read(ln_first(request), &rsm) && rsm.index > COUNT_ALONE)
		return LN_ERR_FEATURE_NOT_IMPLEMENTED;
	return LN_ERR_COUNT;
}

static void
page_read(const struct ln_mod *mod, struct ln_node *node, struct ln_token *token,
    const struct ln_archive_page *page, void *arg)
{
	const struct ln_stanza *request = token != NULL ? ln_token_request(token) : NULL;
	enum ln_error error;
	struct here here;
	bool addresses, flip;

	(void)arg;
	if (token == NULL)
		return;
	error = refused(request, page);
	if (error != LN_ERR_COUNT) {
		ln_token_refuse(&token, error, NULL);
		return;
	}
	here = here_of(mod, node);
	addresses = may_see_addresses(&here, ln_from(request));
	flip = ln_elem_child(ln_first(request), "flip-page", NS_MAM) != NULL;
	for (size_t i = 0; i < page->count; i++)
		send_one(&here, request, &page->messages[flip ? page->count - 1 - i : i],
		    addresses);
	finish(&token, page);
}

enum ln_verdict
archive_query(struct here *here, struct ln_ev_iq *ev)
{
	const struct ln_elem *form = ln_form_find(ev->query, "submit");
	struct ln_archive_query query = { 0 };
	enum ln_error error = check(here, ln_from(ev->stanza));
	const char *ids[IDS_MAX + 1];
	struct ln_token *token;

	if (error == LN_ERR_COUNT && form != NULL)
		error = read_form(here, form, ids, &query);
	if (error == LN_ERR_COUNT)
		error = read_set(ev->query, &query);
	if (error != LN_ERR_COUNT)
		return ln_refuse(ev->stanza, error, "%s", "");
	ln_later(ev, here->mod, &token);
	if (!ln_archive_read(here->node, &query, token, page_read, NULL))
		ln_token_refuse(&token, LN_ERR_ITEM_NOT_FOUND, NULL);
	return LN_DONE;
}

/* --- its ends (§5) ------------------------------------------------------------------------------------- */

struct ends {
	bool any;
	char first[LN_ARCHIVE_ID_LEN + 1];
	int64_t first_ms;
};

static void
add_end(struct ln_elem *metadata, const char *name, const char *id, int64_t wall_ms)
{
	struct ln_elem *end = ln_elem_add(metadata, name, NS_MAM);
	char stamp[32];

	ln_set_attr(end, "id", id);
	ln_set_attr(end, "timestamp", muc_write_time(stamp, wall_ms));
}

static void
last_read(const struct ln_mod *mod, struct ln_node *node, struct ln_token *token,
    const struct ln_archive_page *page, void *arg)
{
	struct ends *ends = arg;
	struct ln_stanza *result;
	struct ln_elem *metadata;

	(void)mod;
	(void)node;
	if (token != NULL && page->ok && ln_token_request(token) != NULL) {
		result = ln_iq_result(ln_token_request(token));
		metadata = ln_add(result, "metadata", NS_MAM);
		if (ends->any && page->count > 0) {
			add_end(metadata, "start", ends->first, ends->first_ms);
			add_end(metadata, "end", page->messages[0].id, page->messages[0].wall_ms);
		}
		ln_token_answer(&token, result);
	} else if (token != NULL) {
		ln_token_refuse(&token, LN_ERR_INTERNAL_SERVER_ERROR, NULL);
	}
	free(ends);
}

static void
first_read(const struct ln_mod *mod, struct ln_node *node, struct ln_token *token,
    const struct ln_archive_page *page, void *arg)
{
	const struct ln_archive_query newest = { .before = "", .max = 1 };
	struct ends *ends = arg;

	(void)mod;
	if (token == NULL) {
		free(ends);
		return;
	}
	if (page->count > 0) {
		ends->any = true;
		memcpy(ends->first, page->messages[0].id, sizeof ends->first);
		ends->first_ms = page->messages[0].wall_ms;
	}
	ln_archive_read(node, &newest, token, last_read, ends);
}

enum ln_verdict
archive_metadata(struct here *here, struct ln_ev_iq *ev)
{
	const struct ln_archive_query oldest = { .max = 1 };
	enum ln_error error = check(here, ln_from(ev->stanza));
	struct ln_token *token;

	if (error != LN_ERR_COUNT)
		return ln_refuse(ev->stanza, error, "%s", "");
	ln_later(ev, here->mod, &token);
	ln_archive_read(here->node, &oldest, token, first_read, muc_alloc(sizeof(struct ends)));
	return LN_DONE;
}
