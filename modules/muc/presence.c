/*
 * What is shown of occupants, and to whom. An occupant's presence is made once,
 * with and without the JID, and copied to everybody who enters; only what an
 * occupant is told of himself is made for him alone.
 *
 * SPDX-License-Identifier: MIT
 */
#include "muc/muc.h"
#include "muc/people.h"

bool
presence_is_shown(const struct room *room, enum role role)
{
	return role == ROLE_NONE || (room->config.broadcast & ROLE_BIT(role)) != 0;
}

bool
sees_jids(const struct room *room, const struct occupant *occupant)
{
	return room->config.whois == WHOIS_ANYONE || occupant->role == ROLE_MODERATOR;
}

/* --- making one ---------------------------------------------------------------------------- */

/* What a client says of itself and may not: rooms alone speak of roles. */
static bool
is_ours(const struct ln_elem *child)
{
	return ln_elem_is(child, "x", NS_MUC) || ln_elem_is(child, "x", NS_MUC_USER) ||
	    ln_elem_is(child, "occupant-id", NS_OCCUPANT_ID) ||
	    ln_elem_is(child, "delay", NS_DELAY);
}

static void
copy_children(struct ln_stanza *to, const struct ln_stanza *from)
{
	const struct ln_elem *child;

	for (child = from != NULL ? ln_first(from) : NULL; child != NULL;
	     child = ln_elem_next(child))
		if (!is_ours(child))
			ln_add_copy(to, child);
}

static void
add_status(struct ln_elem *x, int code)
{
	ln_set_attrf(ln_elem_add(x, "status", NS_MUC_USER), "code", "%d", code);
}

static void
add_actor(struct ln_elem *item, const struct notice *notice)
{
	struct ln_elem *actor;

	if (notice->actor_nick == NULL)
		return;
	actor = ln_elem_add(item, "actor", NS_MUC_USER);
	ln_set_attr(actor, "nick", notice->actor_nick);
}

static struct ln_elem *
add_item(struct here *here, struct ln_stanza *st, const struct occupant *occupant,
    const struct ln_jid *jid, const struct notice *notice)
{
	bool gone = ln_type(st) == LN_UNAVAILABLE && notice->new_nick == NULL;
	struct ln_elem *x = ln_add(st, "x", NS_MUC_USER);
	struct ln_elem *item = ln_elem_add(x, "item", NS_MUC_USER);

	ln_set_attr(item, "affiliation", affiliation_name(affiliation_of(here, &occupant->bare)));
	ln_set_attr(item, "role", role_name(gone ? ROLE_NONE : occupant->role));
	if (jid != NULL)
		ln_set_attr(item, "jid", jid->full);
	ln_set_attr(item, "nick", notice->new_nick);
	add_actor(item, notice);
	if (notice->reason != NULL)
		ln_add_text(item, "reason", notice->reason);
	return x;
}

static void
add_codes(struct ln_elem *x, const struct notice *notice)
{
	for (size_t i = 0; i < 4 && notice->codes[i] != 0; i++)
		add_status(x, notice->codes[i]);
}

static const struct notice nothing;

/* Everything but `to`. */
static struct ln_stanza *
make(struct here *here, const struct occupant *occupant, bool with_jid, enum ln_type type,
    const struct notice *notice, const struct ln_stanza *shown, bool self)
{
	const struct visit *first = TAILQ_FIRST(&occupant->visits);
	struct ln_stanza *st = ln_stanza_new(LN_PRESENCE, type, &occupant->jid, NULL);
	struct ln_elem *x;

	if (shown != NULL) {
		ln_set_id(st, ln_id(shown));
		ln_set_lang(st, ln_lang(shown));
	}
	copy_children(st, shown);
	x = add_item(here, st, occupant, with_jid && first != NULL ? &first->jid : NULL, notice);
	if (self || !notice->self_codes_only)
		add_codes(x, notice);
	if (self)
		add_status(x, 110);
	ln_set_attr(ln_add(st, "occupant-id", NS_OCCUPANT_ID), "id", occupant->id);
	return st;
}

static const struct ln_stanza *
current(const struct occupant *occupant)
{
	const struct visit *first = TAILQ_FIRST(&occupant->visits);

	return first != NULL ? first->presence : NULL;
}

/* --- to many ------------------------------------------------------------------------------------ */

static struct ln_stanza *
frozen(struct ln_stanza *st)
{
	struct ln_stanza *made = ln_stanza_frozen(st);

	ln_stanza_free(&st);
	return made;
}

/* The one that newcomers are shown; kept until something changes. */
static struct ln_stanza *
shown(struct here *here, struct occupant *occupant, bool with_jid)
{
	struct ln_stanza **kept = &occupant->shown[with_jid];

	if (*kept == NULL) {
		struct ln_stanza *st = make(here, occupant, with_jid, LN_AVAILABLE, &nothing,
		    current(occupant), false);

		ln_set_id(st, NULL);
		*kept = frozen(st);
	}
	return *kept;
}

static void
to_others(struct here *here, const struct occupant *occupant, struct ln_stanza *st[2])
{
	struct fanout *out[2] = { ln_fan_out_new(frozen(st[0])), ln_fan_out_new(frozen(st[1])) };
	const struct occupant *other;
	const struct visit *visit;

	TAILQ_FOREACH(other, &here->room->occupants, link) {
		if (other == occupant)
			continue;
		TAILQ_FOREACH(visit, &other->visits, link)
			ln_fan_out_add(out[sees_jids(here->room, other)], &visit->jid);
	}
	ln_fan_out_send(here->node, out[0]);
	ln_fan_out_send(here->node, out[1]);
}

static void
show_others(struct here *here, struct occupant *occupant, enum ln_type type,
    const struct notice *notice, const struct ln_stanza *presence)
{
	struct ln_stanza *st[2];

	for (int with_jid = 0; with_jid < 2; with_jid++)
		st[with_jid] = make(here, occupant, with_jid, type, notice, presence, false);
	to_others(here, occupant, st);
}

static void
show_self(struct here *here, struct occupant *occupant, enum ln_type type,
    const struct notice *notice, const struct ln_stanza *presence)
{
	const struct visit *visit;

	TAILQ_FOREACH(visit, &occupant->visits, link) {
		struct ln_stanza *st = make(here, occupant, true, type, notice, presence, true);

		ln_set_to(st, &visit->jid);
		ln_node_send(here->node, st);
	}
}

void
presence_show(struct here *here, struct occupant *occupant, const struct notice *notice)
{
	if (notice == NULL)
		notice = &nothing;
	if (presence_is_shown(here->room, occupant->role))
		show_others(here, occupant, LN_AVAILABLE, notice, current(occupant));
	show_self(here, occupant, LN_AVAILABLE, notice, current(occupant));
}

void
presence_show_others(struct here *here, struct occupant *occupant)
{
	if (presence_is_shown(here->room, occupant->role))
		show_others(here, occupant, LN_AVAILABLE, &nothing, current(occupant));
}

void
presence_vanish(struct here *here, struct occupant *occupant)
{
	show_others(here, occupant, LN_UNAVAILABLE, &nothing, NULL);
}

void
presence_hide(struct here *here, struct occupant *occupant, const struct notice *notice,
    const struct ln_stanza *last)
{
	if (notice == NULL)
		notice = &nothing;
	show_self(here, occupant, LN_UNAVAILABLE, notice, last);
	if (presence_is_shown(here->room, occupant->role))
		show_others(here, occupant, LN_UNAVAILABLE, notice, last);
}

/* --- to one ----------------------------------------------------------------------------------------- */

void
presence_tell_all(struct here *here, const struct visit *visit)
{
	bool with_jid = sees_jids(here->room, visit->occupant);
	struct fanout *list = ln_fan_in_new(&visit->jid);
	struct occupant *other;

	TAILQ_FOREACH(other, &here->room->occupants, link) {
		if (other == visit->occupant || !presence_is_shown(here->room, other->role))
			continue;
		ln_fan_in_add(list, shown(here, other, with_jid));
	}
	ln_fan_out_send(here->node, list);
}

void
presence_tell_self(struct here *here, const struct visit *visit, const struct notice *notice)
{
	struct ln_stanza *st =
	    make(here, visit->occupant, true, LN_AVAILABLE, notice, visit->presence, true);

	ln_set_to(st, &visit->jid);
	ln_node_send(here->node, st);
}

void
presence_hide_visit(struct here *here, const struct visit *visit, const struct notice *notice,
    const struct ln_stanza *last)
{
	struct ln_stanza *st = make(here, visit->occupant, true, LN_UNAVAILABLE,
	    notice != NULL ? notice : &nothing, last, true);

	ln_set_to(st, &visit->jid);
	ln_node_send(here->node, st);
}

/* --- a message that the room itself has for all --------------------------------------------------------- */

void
presence_tell_codes(struct here *here, const int *codes)
{
	struct ln_stanza *st =
	    ln_stanza_new(LN_MESSAGE, LN_GROUPCHAT, ln_node_jid(here->node), NULL);
	struct ln_elem *x = ln_add(st, "x", NS_MUC_USER);
	struct fanout *out;
	const struct occupant *occupant;
	const struct visit *visit;

	for (; *codes != 0; codes++)
		add_status(x, *codes);
	ln_make_id(st);
	out = ln_fan_out_new(frozen(st));
	TAILQ_FOREACH(occupant, &here->room->occupants, link)
		TAILQ_FOREACH(visit, &occupant->visits, link)
			ln_fan_out_add(out, &visit->jid);
	ln_fan_out_send(here->node, out);
}
