/*
 * Messages to a room that are not for all: mediated invitations and their
 * declines (XEP-0045 §7.8.2), requests for voice and their approvals (§7.13, §8.6).
 *
 * SPDX-License-Identifier: MIT
 */
#include "muc/muc.h"
#include "muc/people.h"
#include "muc/talk.h"

#define REQUEST_ALLOW "muc#request_allow"

/* --- invitations ------------------------------------------------------------------------------ */

static void
copy_child(struct ln_elem *to, const struct ln_elem *from, const char *name)
{
	const struct ln_elem *child = ln_elem_child(from, name, NS_MUC_USER);

	if (child != NULL)
		ln_elem_add_copy(to, child);
}

/* For clients that know direct invitations alone (XEP-0249). */
static void
add_direct(struct here *here, struct ln_stanza *st, const char *reason)
{
	struct ln_elem *x = ln_add(st, "x", NS_CONFERENCE);

	ln_set_attr(x, "jid", ln_node_jid(here->node)->full);
	ln_set_attr(x, "reason", reason);
	if (here->room->config.protected)
		ln_set_attr(x, "password", here->room->config.password);
}

static void
send_invitation(struct here *here, const struct ln_jid *to, const char *from,
    const struct ln_elem *invite, const char *reason)
{
	const char *room = ln_node_jid(here->node)->full;
	struct ln_stanza *st = ln_stanza_new(LN_MESSAGE, LN_NORMAL, ln_node_jid(here->node), to);
	struct ln_elem *x, *elem, *body;

	ln_make_id(st);
	body = ln_add(st, "body", NS_CLIENT);
	ln_append_text(body, from);
	ln_append_text(body, " invites you to the room ");
	ln_append_text(body, room);
	x = ln_add(st, "x", NS_MUC_USER);
	elem = ln_elem_add(x, "invite", NS_MUC_USER);
	ln_set_attr(elem, "from", from);
	if (invite != NULL)
		copy_child(elem, invite, "continue");
	if (reason != NULL)
		ln_add_text(elem, "reason", reason);
	if (here->room->config.protected)
		ln_add_text(x, "password", here->room->config.password);
	add_direct(here, st, reason);
	ln_node_send(here->node, st);
}

void
invite_new_member(struct here *here, const struct ln_jid *to, const char *reason)
{
	send_invitation(here, to, ln_node_jid(here->node)->full, NULL, reason);
}

static bool
may_invite(const struct here *here, const struct occupant *occupant)
{
	if (affiliation_of(here, &occupant->bare) >= AFF_ADMIN)
		return true;
	if (!here->room->config.allow_invites)
		return !here->room->config.members_only && occupant->role == ROLE_MODERATOR;
	return occupant->role >= ROLE_PARTICIPANT;
}

static void
invite_one(struct here *here, const struct visit *visit, const struct ln_elem *invite,
    const struct ln_jid *to)
{
	static const struct notice nothing;
	struct ln_jid bare = ln_jid_bare(ln_elem_arena(invite), to);

	if (here->room->config.members_only && affiliation_of(here, &bare) == AFF_NONE)
		change_affiliation(here, &bare, AFF_MEMBER, NULL, &nothing);
	send_invitation(here, to, visit->occupant->bare.full, invite,
	    ln_elem_child_text(invite, "reason", NS_MUC_USER));
}

static bool
fits(const struct here *here, const struct ln_jid *to)
{
	return !here->room->config.members_only || affiliation_find(here->room, to) != NULL ||
	    (int64_t)ln_dict_count(here->room->affiliations) < here->conf->max_affiliations;
}

/* A person's address: domains are no members. */
static bool
read_to(const struct ln_elem *elem, struct ln_jid *to)
{
	const char *text = ln_elem_attr(elem, "to");

	return text != NULL &&
	    ln_jid_parse(ln_elem_arena(elem), text, strlen(text), to) == LN_JID_OK &&
	    ln_jid_has_local(to);
}

static void
invite(struct here *here, struct ln_stanza *st, const struct ln_elem *x)
{
	const struct visit *visit = visit_by_jid(here->room, ln_from(st));
	const struct ln_elem *each;
	struct ln_jid to;

	if (visit == NULL || !may_invite(here, visit->occupant)) {
		ln_refuse(st, LN_ERR_FORBIDDEN, "You may not invite to this room.");
		return;
	}
	for (each = ln_elem_child(x, "invite", NS_MUC_USER); each != NULL;
	     each = ln_elem_next_is(each, "invite", NS_MUC_USER)) {
		if (!read_to(each, &to)) {
			ln_refuse(st, LN_ERR_JID_MALFORMED, "%s", "");
			return;
		}
		if (!within_rate(here, "message", &visit->occupant->bare, here->conf->messages)) {
			ln_refuse(st, LN_ERR_RESOURCE_CONSTRAINT, "Too fast.");
			return;
		}
		if (!fits(here, &to)) {
			ln_refuse(st, LN_ERR_RESOURCE_CONSTRAINT,
			    "The room knows too many people.");
			return;
		}
		invite_one(here, visit, each, &to);
	}
}

/* Goes to people of this room alone: a room carries nobody's mail to others. */
static void
decline(struct here *here, struct ln_stanza *st, const struct ln_elem *decline)
{
	const struct occupant *named;
	struct ln_stanza *told;
	struct ln_elem *elem;
	struct ln_jid to, sender;

	if (!read_to(decline, &to)) {
		ln_refuse(st, LN_ERR_JID_MALFORMED, "%s", "");
		return;
	}
	named = ln_jid_same_bare(&to, ln_node_jid(here->node))
	    ? occupant_by_nick(here->room, ln_jid_resource(&to))
	    : occupant_next_of(here->room, NULL, &to);
	if (named == NULL && affiliation_of(here, &to) < AFF_MEMBER)
		return;
	sender = ln_jid_bare(ln_stanza_arena(st), ln_from(st));
	if (!within_rate(here, "message", &sender, here->conf->messages)) {
		ln_refuse(st, LN_ERR_RESOURCE_CONSTRAINT, "Too fast.");
		return;
	}
	told = ln_stanza_new(LN_MESSAGE, LN_NORMAL, ln_node_jid(here->node),
	    named != NULL ? &TAILQ_FIRST(&named->visits)->jid : &to);
	elem = ln_elem_add(ln_add(told, "x", NS_MUC_USER), "decline", NS_MUC_USER);
	ln_set_attr(elem, "from", sender.full);
	copy_child(elem, decline, "reason");
	ln_node_send(here->node, told);
}

/* --- voice --------------------------------------------------------------------------------------- */

static void
ask_moderators(struct here *here, const struct occupant *asker)
{
	struct ln_stanza *st = ln_stanza_new(LN_MESSAGE, LN_NORMAL, ln_node_jid(here->node), NULL);
	struct ln_elem *form = ln_form_add(ln_add(st, "scratch", NS_ROOM), "form", NS_MUC_REQUEST);
	const struct occupant *occupant;
	struct ln_stanza *whole;
	const struct visit *visit;
	struct fanout *out;

	ln_form_title(form, "Voice request");
	ln_form_value(ln_form_field(form, "muc#role", "list-single", "Requested role"),
	    "participant");
	ln_form_value(ln_form_field(form, "muc#jid", "jid-single", "Address"),
	    TAILQ_FIRST(&asker->visits)->jid.full);
	ln_form_value(ln_form_field(form, "muc#roomnick", "text-single", "Nickname"),
	    ln_jid_resource(&asker->jid));
	ln_form_bool(ln_form_field(form, REQUEST_ALLOW, "boolean", "Grant voice to this person?"),
	    false);
	ln_add_copy(st, form);
	ln_strip(st, "scratch", NS_ROOM, NULL, NULL);
	whole = ln_stanza_frozen(st);
	ln_stanza_free(&st);
	out = ln_fan_out_new(whole);
	TAILQ_FOREACH(occupant, &here->room->occupants, link)
		if (occupant->role == ROLE_MODERATOR)
			TAILQ_FOREACH(visit, &occupant->visits, link)
				ln_fan_out_add(out, &visit->jid);
	ln_fan_out_send(here->node, out);
}

static void
voice_approval(struct here *here, struct ln_stanza *st, const struct ln_elem *form)
{
	const char *nick = ln_form_text(form, "muc#roomnick");
	struct occupant *asker = nick != NULL ? occupant_by_nick(here->room, nick) : NULL;
	static const struct notice nothing;
	bool allow = false;

	if (asker == NULL)
		ln_refuse(st, LN_ERR_ITEM_NOT_FOUND, "Nobody has that nickname.");
	else if (ln_form_flag(form, REQUEST_ALLOW, &allow) && allow && asker->role == ROLE_VISITOR)
		change_role(here, asker, ROLE_PARTICIPANT, &nothing);
}

static void
voice(struct here *here, struct ln_stanza *st, const struct ln_elem *form)
{
	const struct visit *visit = visit_by_jid(here->room, ln_from(st));
	const char *role = ln_form_text(form, "muc#role");

	if (visit == NULL)
		ln_refuse(st, LN_ERR_NOT_ACCEPTABLE, "You are not in this room.");
	else if (visit->occupant->role == ROLE_MODERATOR)
		voice_approval(here, st, form);
	else if (ln_form_get(form, REQUEST_ALLOW) != NULL)
		ln_refuse(st, LN_ERR_FORBIDDEN, "Moderators alone give voice.");
	else if (role == NULL || strcmp(role, "participant") != 0)
		ln_refuse(st, LN_ERR_BAD_REQUEST, "Voice is the role of a participant.");
	else if (visit->occupant->role == ROLE_VISITOR &&
	    within_rate(here, "presence", &visit->occupant->bare, here->conf->presence))
		ask_moderators(here, visit->occupant);
}

bool
invite_received(struct here *here, struct ln_ev_node *ev)
{
	struct ln_stanza *st = ev->stanza;
	const struct ln_elem *x = ln_child(st, "x", NS_MUC_USER);
	const struct ln_elem *form = ln_child(st, "x", NS_DATA);

	if (x != NULL && ln_elem_child(x, "invite", NS_MUC_USER) != NULL)
		invite(here, st, x);
	else if (x != NULL && ln_elem_child(x, "decline", NS_MUC_USER) != NULL)
		decline(here, st, ln_elem_child(x, "decline", NS_MUC_USER));
	else if (form != NULL && ln_form_text(form, "FORM_TYPE") != NULL &&
	    ln_form_is(form, NS_MUC_REQUEST))
		voice(here, st, form);
	else if (form != NULL && ln_form_text(form, "FORM_TYPE") != NULL &&
	    ln_form_is(form, NS_MUC_REGISTER))
		register_approval(here, st, form);
	else
		return false;
	return true;
}
