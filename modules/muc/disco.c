/*
 * What a room says of itself (XEP-0045 §6.4, §6.5, §7.12; XEP-0128, XEP-0486).
 *
 * SPDX-License-Identifier: MIT
 */
#include "muc/muc.h"
#include "muc/people.h"
#include "muc/talk.h"

#include <stdio.h>

#define NODE_NICK "x-roomuser-item"
#define NODE_TRAFFIC "http://jabber.org/protocol/muc#traffic"

static void
add_feature(void *query, const char *feature)
{
	ln_set_attr(ln_elem_add(query, "feature", NS_DISCO_INFO), "var", feature);
}

static const char *const features[] = { NS_MUC, "http://jabber.org/protocol/disco#info",
	"http://jabber.org/protocol/disco#items", NS_MUC_STABLE_ID, NS_MUC_SELF_PING,
	NS_MUC_REGISTER, NS_MUC_REQUEST, NS_MUC_ROOMCONFIG, NS_MUC_ROOMINFO, "jabber:iq:register",
	"vcard-temp", "urn:xmpp:ping", "urn:xmpp:sid:0", "urn:xmpp:occupant-id:0",
	"urn:xmpp:message-moderate:1", "urn:xmpp:message-moderate:0",
	"urn:xmpp:message-retract:1#tombstone", NULL };

static void
add_identity(struct ln_elem *query, const char *name)
{
	struct ln_elem *identity = ln_elem_add(query, "identity", NS_DISCO_INFO);

	ln_set_attr(identity, "category", "conference");
	ln_set_attr(identity, "type", "text");
	ln_set_attr(identity, "name", name);
}

static void
add_text(struct ln_elem *form, const char *var, const char *label, const char *text)
{
	if (text != NULL)
		ln_form_value(ln_form_field(form, var, "text-single", label), text);
}

static void
add_number(struct ln_elem *form, const char *var, const char *label, int64_t number)
{
	char text[24];

	snprintf(text, sizeof text, "%lld", (long long)number);
	add_text(form, var, label, text);
}

static void
add_contacts(const struct room *room, struct ln_elem *form)
{
	struct ln_elem *field =
	    ln_form_field(form, "muc#roominfo_contactjid", "jid-multi", "Whom to ask");
	const struct affiliated *each;

	TAILQ_FOREACH(each, &room->affiliated, link)
		if (each->affiliation == AFF_OWNER)
			ln_form_value(field, each->jid.full);
}

static const char *
subject_of(const struct room *room)
{
	const struct ln_elem *subject =
	    room->subject != NULL ? ln_child(room->subject, "subject", NS_CLIENT) : NULL;

	return subject != NULL ? ln_elem_text(subject) : NULL;
}

static void
add_info(const struct room *room, struct ln_elem *query)
{
	struct ln_elem *form = ln_form_add(query, "result", NS_MUC_ROOMINFO);

	add_text(form, "muc#roomconfig_roomname", "Name", room->config.name);
	add_text(form, "muc#roominfo_description", "Description", room->config.description);
	add_text(form, "muc#roominfo_lang", "Language", room->config.language);
	add_text(form, "muc#roominfo_pubsub", "Node of publish-subscribe", room->config.pubsub);
	add_text(form, "muc#roominfo_avatarhash", "Avatar", room->avatar);
	if (!room->config.members_only && !room->config.protected)
		add_text(form, "muc#roominfo_subject", "Subject", subject_of(room));
	add_number(form, "muc#roominfo_occupants", "Occupants",
	    (int64_t)ln_dict_count(room->nicks));
	add_number(form, "muc#maxhistoryfetch", "Messages of history", room->config.max_history);
	ln_form_bool(ln_form_field(form, "muc#roominfo_subjectmod", "boolean",
			 "May participants change the subject?"),
	    room->config.change_subject);
	/* COMPAT(Conversations 2.10): asks under the name that others gave it. */
	ln_form_bool(ln_form_field(form, "muc#roominfo_changesubject", "boolean", NULL),
	    room->config.change_subject);
	ln_form_bool(ln_form_field(form, "muc#roomconfig_allowinvites", "boolean",
			 "May participants invite?"),
	    room->config.allow_invites);
	if (room->config.is_public)
		add_contacts(room, form);
}

static enum ln_verdict
own_nick(struct here *here, struct ln_ev_iq *ev)
{
	const struct affiliated *affiliated = affiliation_find(here->room, ln_from(ev->stanza));
	struct ln_stanza *result = ln_iq_result(ev->stanza);
	struct ln_elem *query = ln_add(result, "query", NS_DISCO_INFO);

	ln_set_attr(query, "node", NODE_NICK);
	if (affiliated != NULL && affiliated->nick != NULL)
		add_identity(query, affiliated->nick);
	return ln_answer(ev, result);
}

/*
 * COMPAT(Dino 0.4): the first room with an archive kills it where its account has none
 * (dino/dino#1405), as ours have not. It asks before it enters, from a resource of its own
 * making, and enters with the history of XEP-0045 where it finds no archive.
 */
static bool
bears_archive(const struct ln_jid *who)
{
	return !ln_is_local(who) || strncmp(ln_jid_resource(who), "dino.", strlen("dino.")) != 0;
}

enum ln_verdict
disco_info(struct here *here, struct ln_ev_iq *ev)
{
	const char *node = ln_elem_attr(ev->query, "node");
	const struct room *room = here->room;
	struct ln_stanza *result;
	struct ln_elem *query;

	if (node != NULL && strcmp(node, NODE_NICK) == 0)
		return own_nick(here, ev);
	if (node != NULL && strcmp(node, NODE_TRAFFIC) == 0)
		return ln_refuse(ev->stanza, LN_ERR_SERVICE_UNAVAILABLE, "All passes.");
	if (node != NULL)
		return ln_refuse(ev->stanza, LN_ERR_ITEM_NOT_FOUND, "%s", "");
	result = ln_iq_result(ev->stanza);
	query = ln_add(result, "query", NS_DISCO_INFO);
	add_identity(query, room->config.name);
	for (const char *const *feature = features; *feature != NULL; feature++)
		add_feature(query, *feature);
	config_features(&room->config, add_feature, query);
	if (room_archives(room) && bears_archive(ln_from(ev->stanza))) {
		add_feature(query, "urn:xmpp:mam:2");
		add_feature(query, "urn:xmpp:mam:2#extended");
	}
	add_info(room, query);
	return ln_answer(ev, result);
}

/* Who is in it: told to those who see it anyway (§6.5). */
enum ln_verdict
disco_items(struct here *here, struct ln_ev_iq *ev)
{
	bool inside = visit_by_jid(here->room, ln_from(ev->stanza)) != NULL;
	struct ln_stanza *result;
	const struct occupant *occupant;
	struct ln_elem *query;

	if (ln_elem_attr(ev->query, "node") != NULL)
		return ln_refuse(ev->stanza, LN_ERR_ITEM_NOT_FOUND, "%s", "");
	result = ln_iq_result(ev->stanza);
	query = ln_add(result, "query", NS_DISCO_ITEMS);
	TAILQ_FOREACH(occupant, &here->room->occupants, link)
		if (inside && presence_is_shown(here->room, occupant->role))
			ln_set_attr(ln_elem_add(query, "item", NS_DISCO_ITEMS), "jid",
			    occupant->jid.full);
	return ln_answer(ev, result);
}
