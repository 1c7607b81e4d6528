/*
 * Nicknames: which may be, whose they are, and changes of them (XEP-0045 §7.6).
 *
 * Where the owners want it, who has registered a nickname is called so and not
 * otherwise (§7.10): whoever asks for another gets this one, and 210 with it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "muc/muc.h"
#include "muc/people.h"
#include "muc/talk.h"

/* --- which may be ---------------------------------------------------------------------------- */

const char *
nick_check(const struct here *here, const char *nick)
{
	size_t len = strlen(nick);

	if ((int64_t)len > here->conf->max_nick)
		return "That nickname is too long.";
	if (nick[0] == ' ' || nick[len - 1] == ' ')
		return "A nickname neither begins nor ends with a space.";
	if (nick_looks_empty(nick))
		return "A nickname can be seen.";
	return NULL;
}

bool
nick_is_reserved(const struct room *room, const char *nick, const struct ln_jid *who)
{
	const struct affiliated *owner = nick_owner(room, nick);

	return owner != NULL && !ln_jid_same_bare(&owner->jid, who);
}

/* NULL: he is called as he likes. */
static const struct affiliated *
locked(const struct here *here, const struct ln_jid *who)
{
	const struct affiliated *affiliated =
	    here->room->config.lock_nicks ? affiliation_find(here->room, who) : NULL;

	return affiliated != NULL && affiliated->nick != NULL ? affiliated : NULL;
}

static bool
occupant_jid(const struct here *here, struct arena *arena, const char *nick, struct ln_jid *jid_r)
{
	return ln_jid_with_resource(arena, ln_node_jid(here->node), nick, strlen(nick), jid_r) ==
	    LN_JID_OK;
}

/* Who was called so before it was reserved keeps it. */
static bool
is_free(const struct here *here, const struct affiliated *affiliated)
{
	const struct occupant *like = occupant_like(here->room, affiliated->nick);

	return like == NULL || ln_jid_same_bare(&like->bare, &affiliated->jid);
}

bool
nick_for(const struct here *here, const struct ln_stanza *st, struct ln_jid *jid_r)
{
	const struct affiliated *affiliated = locked(here, ln_from(st));

	if (affiliated == NULL || strcmp(affiliated->nick, ln_jid_resource(ln_to(st))) == 0 ||
	    !is_free(here, affiliated) ||
	    !occupant_jid(here, ln_stanza_arena((struct ln_stanza *)st), affiliated->nick, jid_r)) {
		*jid_r = *ln_to(st);
		return false;
	}
	return true;
}

/* --- changes ------------------------------------------------------------------------------------ */

void
nick_change(struct here *here, struct occupant *occupant, const struct ln_jid *jid,
    const struct notice *notice)
{
	const struct notice renamed = { .codes = { 303 }, .new_nick = ln_jid_resource(jid) };

	presence_hide(here, occupant, &renamed, NULL);
	occupant_rename(here, occupant, jid);
	presence_show(here, occupant, notice);
}

/* Somebody was in under two nicks: to the others one of them leaves. */
static void
merge(struct here *here, struct occupant *from, struct occupant *to)
{
	const struct notice renamed = { .codes = { 303 }, .new_nick = ln_jid_resource(&to->jid) };
	const struct notice mine = { .codes = { 210 } };
	bool saw_jids = sees_jids(here->room, from);
	struct visit *visit = TAILQ_FIRST(&from->visits);

	presence_hide(here, from, &renamed, NULL);
	occupant_merge(here->room, from, to);
	for (; visit != NULL; visit = TAILQ_NEXT(visit, link)) {
		if (!saw_jids && sees_jids(here->room, to))
			presence_tell_all(here, visit);
		presence_tell_self(here, visit, &mine);
	}
	directory_tell(here);
}

static void
call_by(struct here *here, struct occupant *occupant, const char *nick)
{
	const struct notice notice = { .codes = { 210 } };
	struct ln_stanza *scratch = ln_stanza_new(LN_IQ, LN_GET, NULL, NULL);
	struct ln_jid jid;

	if (strcmp(ln_jid_resource(&occupant->jid), nick) != 0 &&
	    occupant_jid(here, ln_stanza_arena(scratch), nick, &jid))
		nick_change(here, occupant, &jid, &notice);
	ln_stanza_free(&scratch);
}

void
nick_lock(struct here *here, const struct ln_jid *who)
{
	const struct affiliated *affiliated = locked(here, who);
	struct room *room = here->room;
	struct occupant *occupant, *each, *next;

	if (affiliated == NULL || !is_free(here, affiliated))
		return;
	occupant = occupant_like(room, affiliated->nick);
	if (occupant == NULL)
		occupant = occupant_next_of(room, NULL, &affiliated->jid);
	if (occupant == NULL)
		return;
	call_by(here, occupant, affiliated->nick);
	for (each = occupant_next_of(room, NULL, &affiliated->jid); each != NULL; each = next) {
		next = occupant_next_of(room, each, &affiliated->jid);
		if (each != occupant)
			merge(here, each, occupant);
	}
}

/* What becomes of one occupant concerns those of the same account alone. */
void
nick_lock_all(struct here *here)
{
	struct occupant *occupant = TAILQ_FIRST(&here->room->occupants), *next;

	for (; occupant != NULL; occupant = next) {
		next = TAILQ_NEXT(occupant, link);
		while (next != NULL && ln_jid_same_bare(&next->bare, &occupant->bare))
			next = TAILQ_NEXT(next, link);
		nick_lock(here, &occupant->bare);
	}
}
