/*
 * Messages taken back: by a moderator (XEP-0425, its present form and the one
 * that is deployed), by their author (XEP-0424). What is left is a tombstone.
 *
 * SPDX-License-Identifier: MIT
 */
#include "muc/muc.h"
#include "muc/people.h"
#include "muc/talk.h"

#define NS_MODERATE_0 "urn:xmpp:message-moderate:0"
#define NS_RETRACT_0 "urn:xmpp:message-retract:0"
#define NS_FASTEN "urn:xmpp:fasten:0"

/* Who takes back what; kept while the archive is being read. */
struct retraction {
	char id[LN_ARCHIVE_ID_LEN + 1];
	char *author;     /* occupant id that the message must have; NULL: a moderator acts */
	char *by, *by_id; /* the moderator's nick and occupant id */
	char *reason;
};

static struct retraction *
retraction_new(const char *id)
{
	struct retraction *retraction = muc_alloc(sizeof *retraction);

	memcpy(retraction->id, id, LN_ARCHIVE_ID_LEN);
	return retraction;
}

static void
retraction_free(struct retraction *retraction)
{
	free(retraction->author);
	free(retraction->by);
	free(retraction->by_id);
	free(retraction->reason);
	free(retraction);
}

/* --- what is left, what is told ------------------------------------------------------------- */

static void
add_moderated(struct here *here, struct ln_elem *parent, const struct retraction *retraction)
{
	struct ln_elem *moderated = ln_elem_add(parent, "moderated", NS_MODERATE);

	(void)here;
	ln_set_attr(moderated, "by", retraction->by);
	if (retraction->by_id != NULL)
		ln_set_attr(ln_elem_add(moderated, "occupant-id", NS_OCCUPANT_ID), "id",
		    retraction->by_id);
}

static struct ln_elem *
make_tombstone(struct here *here, const struct ln_elem *message,
    const struct retraction *retraction)
{
	struct arena *arena = ln_elem_arena(message);
	struct ln_elem *tombstone = ln_elem_new(arena, "message", NS_CLIENT), *retracted;
	const struct ln_elem *kept;
	char stamp[32];

	ln_set_attr(tombstone, "from", ln_elem_attr(message, "from"));
	ln_set_attr(tombstone, "type", "groupchat");
	ln_set_attr(tombstone, "id", ln_elem_attr(message, "id"));
	kept = ln_elem_child(message, "stanza-id", NS_SID);
	if (kept != NULL)
		ln_elem_add_copy(tombstone, kept);
	kept = ln_elem_child(message, "occupant-id", NS_OCCUPANT_ID);
	if (kept != NULL)
		ln_elem_add_copy(tombstone, kept);
	retracted = ln_elem_add(tombstone, "retracted", NS_RETRACT);
	ln_set_attr(retracted, "stamp", muc_write_time(stamp, ln_wall()));
	if (retraction->author == NULL)
		add_moderated(here, retracted, retraction);
	if (retraction->reason != NULL)
		ln_add_text(retracted, "reason", retraction->reason);
	return tombstone;
}

static void
add_old_form(struct ln_stanza *st, const struct retraction *retraction)
{
	struct ln_elem *apply = ln_add(st, "apply-to", NS_FASTEN);
	struct ln_elem *moderated;

	ln_set_attr(apply, "id", retraction->id);
	moderated = ln_elem_add(apply, "moderated", NS_MODERATE_0);
	ln_set_attr(moderated, "by", retraction->by);
	ln_elem_add(moderated, "retract", NS_RETRACT_0);
	if (retraction->reason != NULL)
		ln_add_text(moderated, "reason", retraction->reason);
}

static void
tell_all(struct here *here, const struct retraction *retraction)
{
	struct ln_stanza *st =
	    ln_stanza_new(LN_MESSAGE, LN_GROUPCHAT, ln_node_jid(here->node), NULL);
	struct ln_elem *retract = ln_add(st, "retract", NS_RETRACT);
	char id[LN_ARCHIVE_ID_LEN + 1];

	ln_make_id(st);
	ln_set_attr(retract, "id", retraction->id);
	add_moderated(here, retract, retraction);
	if (retraction->reason != NULL)
		ln_add_text(retract, "reason", retraction->reason);
	add_old_form(st, retraction);
	message_to_all(here, NULL, st, true, id);
}

static bool
is_the_authors(const struct ln_elem *message, const struct retraction *retraction)
{
	const struct ln_elem *id = ln_elem_child(message, "occupant-id", NS_OCCUPANT_ID);
	const char *text = id != NULL ? ln_elem_attr(id, "id") : NULL;

	return retraction->author == NULL ||
	    (text != NULL && strcmp(text, retraction->author) == 0);
}

/* The message was found. False: it is somebody else's, or was taken back already. */
static bool
take_back(struct here *here, const struct ln_elem *message, const struct retraction *retraction)
{
	struct ln_elem *tombstone;

	if (!is_the_authors(message, retraction) ||
	    ln_elem_child(message, "retracted", NS_RETRACT) != NULL)
		return false;
	tombstone = make_tombstone(here, message, retraction);
	ln_archive_replace(here->node, retraction->id, tombstone);
	history_forget(here->room, retraction->id, tombstone);
	if (retraction->author == NULL)
		tell_all(here, retraction);
	return true;
}

/* --- finding it -------------------------------------------------------------------------------- */

static void
found(const struct ln_mod *mod, struct ln_node *node, struct ln_token *token,
    const struct ln_archive_page *page, void *arg)
{
	struct retraction *retraction = arg;
	bool done = false;

	if (node != NULL && page->count > 0) {
		struct here here = here_of(mod, node);

		done = here.room->exists && take_back(&here, page->messages[0].message, retraction);
	}
	if (token != NULL && done && ln_token_request(token) != NULL)
		ln_token_answer(&token, ln_iq_result(ln_token_request(token)));
	else if (token != NULL)
		ln_token_refuse(&token, LN_ERR_ITEM_NOT_FOUND, NULL);
	retraction_free(retraction);
}

/* Takes the retraction; false: it is not at hand. */
static bool
from_history(struct here *here, struct retraction *retraction, bool *done_r)
{
	const struct remembered *entry = history_find(here->room, retraction->id);
	struct ln_stanza *scratch;
	struct arena *arena;

	if (entry == NULL)
		return false;
	scratch = ln_stanza_new(LN_MESSAGE, LN_GROUPCHAT, NULL, NULL);
	arena = ln_stanza_arena(scratch);
	*done_r = take_back(here, ln_stanza_elem(entry->message, arena), retraction);
	ln_stanza_free(&scratch);
	retraction_free(retraction);
	return true;
}

static bool
from_archive(struct here *here, struct retraction *retraction, struct ln_token *token)
{
	const char *ids[] = { retraction->id, NULL };
	const struct ln_archive_query query = { .ids = ids, .max = 1 };

	if (ln_node_stored(here->node) &&
	    ln_archive_read(here->node, &query, token, found, retraction))
		return true;
	retraction_free(retraction);
	return false;
}

/* --- by moderators --------------------------------------------------------------------------------- */

static enum ln_verdict
moderate(struct here *here, struct ln_ev_iq *ev, const char *id, const char *reason)
{
	const struct visit *visit = visit_by_jid(here->room, ln_from(ev->stanza));
	struct retraction *retraction;
	struct ln_token *token;
	bool done = false;

	if (visit == NULL || visit->occupant->role != ROLE_MODERATOR)
		return ln_refuse(ev->stanza, LN_ERR_FORBIDDEN, "Moderators alone do that.");
	if (id == NULL)
		return ln_refuse(ev->stanza, LN_ERR_BAD_REQUEST, "Which message?");
	if (strlen(id) != LN_ARCHIVE_ID_LEN || !ln_archive_knows(here->node, id))
		return ln_refuse(ev->stanza, LN_ERR_ITEM_NOT_FOUND, "There is no such message.");
	retraction = retraction_new(id);
	retraction->by = muc_copy(visit->occupant->jid.full);
	retraction->by_id = muc_copy(visit->occupant->id);
	retraction->reason = reason != NULL ? muc_copy(reason) : NULL;
	if (from_history(here, retraction, &done))
		return done ? ln_answer(ev, ln_iq_result(ev->stanza))
			    : ln_refuse(ev->stanza, LN_ERR_ITEM_NOT_FOUND, "%s", "");
	ln_later(ev, here->mod, &token);
	if (!from_archive(here, retraction, token))
		ln_token_refuse(&token, LN_ERR_ITEM_NOT_FOUND, NULL);
	return LN_DONE;
}

enum ln_verdict
moderate_set(struct here *here, struct ln_ev_iq *ev)
{
	if (ln_elem_child(ev->query, "retract", NS_RETRACT) == NULL)
		return ln_refuse(ev->stanza, LN_ERR_BAD_REQUEST,
		    "Messages are taken back, no more.");
	return moderate(here, ev, ln_elem_attr(ev->query, "id"),
	    ln_elem_child_text(ev->query, "reason", NS_MODERATE));
}

/* Version 0.2, as deployed: <apply-to><moderate><retract/><reason/></moderate></apply-to>. */
enum ln_verdict
moderate_old(struct here *here, struct ln_ev_iq *ev)
{
	const struct ln_elem *elem = ln_elem_child(ev->query, "moderate", NS_MODERATE_0);

	if (elem == NULL || ln_elem_child(elem, "retract", NS_RETRACT_0) == NULL)
		return ln_refuse(ev->stanza, LN_ERR_BAD_REQUEST,
		    "Messages are taken back, no more.");
	return moderate(here, ev, ln_elem_attr(ev->query, "id"),
	    ln_elem_child_text(elem, "reason", NS_MODERATE_0));
}

/* --- by authors ---------------------------------------------------------------------------------------- */

void
moderate_retracted(struct here *here, const struct occupant *sender, const char *id)
{
	struct retraction *retraction;
	bool done;

	if (strlen(id) != LN_ARCHIVE_ID_LEN || !ln_archive_knows(here->node, id))
		return;
	retraction = retraction_new(id);
	retraction->author = muc_copy(sender->id);
	if (!from_history(here, retraction, &done))
		from_archive(here, retraction, NULL);
}
