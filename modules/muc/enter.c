/*
 * Coming, being called otherwise, going (XEP-0045 §7.2, §7.6, §7.7, §7.14), and
 * what becomes of occupants when their role or affiliation changes.
 *
 * SPDX-License-Identifier: MIT
 */
#include "muc/muc.h"
#include "muc/people.h"
#include "muc/talk.h"

#include <stdio.h>

#define VISITS_MAX 20 /* clients under one nick */

/* --- leaving --------------------------------------------------------------------------- */

void
leave_occupant(struct here *here, struct occupant *occupant, const struct notice *notice,
    const struct ln_stanza *last)
{
	if (here->room->locked) { /* §10.1.3: its maker has not configured it */
		room_destroy(here, NULL, NULL, "The room was not configured.");
		return;
	}
	presence_hide(here, occupant, notice, last);
	room_event(here, LN_EV_room_left, NULL, &occupant->jid, &occupant->bare);
	occupant_remove(here->room, occupant);
	room_check_empty(here);
}

/* One client of several goes: the others stay, and are shown instead. */
void
leave_visit(struct here *here, struct visit *visit, const struct notice *notice,
    const struct ln_stanza *last)
{
	struct occupant *occupant = visit->occupant;
	bool first = TAILQ_FIRST(&occupant->visits) == visit;

	if (TAILQ_NEXT(TAILQ_FIRST(&occupant->visits), link) == NULL) {
		leave_occupant(here, occupant, notice, last);
		return;
	}
	presence_hide_visit(here, visit, notice, last);
	visit_remove(here->room, visit);
	if (first)
		presence_show(here, occupant, NULL);
}

/* --- roles and affiliations -------------------------------------------------------------- */

/* A role that is not shown to others takes the occupant out of their sight. */
static void
show_changed(struct here *here, struct occupant *occupant, enum role before,
    const struct notice *notice)
{
	if (presence_is_shown(here->room, before) && !presence_is_shown(here->room, occupant->role))
		presence_vanish(here, occupant);
	presence_show(here, occupant, notice);
}

/* Who becomes a moderator sees the addresses from now on. */
static void
after_role(struct here *here, struct occupant *occupant, enum role before)
{
	const struct visit *visit;

	if (here->room->config.whois == WHOIS_ANYONE || before == ROLE_MODERATOR ||
	    occupant->role != ROLE_MODERATOR)
		return;
	TAILQ_FOREACH(visit, &occupant->visits, link)
		presence_tell_all(here, visit);
}

static void
set_role(struct here *here, struct occupant *occupant, enum role role, const struct notice *notice)
{
	enum role before = occupant->role;

	occupant->role = role;
	occupant_changed(occupant);
	show_changed(here, occupant, before, notice);
	after_role(here, occupant, before);
}

void
change_role(struct here *here, struct occupant *occupant, enum role role,
    const struct notice *notice)
{
	struct notice kicked = *notice;

	if (role == ROLE_NONE) {
		kicked.codes[0] = 307;
		leave_occupant(here, occupant, &kicked, NULL);
		return;
	}
	set_role(here, occupant, role, notice);
}

/* What a new affiliation means for one who is in. */
static void
reconsider(struct here *here, struct occupant *occupant, enum affiliation before,
    const struct notice *notice)
{
	enum affiliation now = affiliation_of(here, &occupant->bare);
	struct notice removed = *notice;

	if (now == AFF_OUTCAST || (here->room->config.members_only && now < AFF_MEMBER)) {
		removed.codes[0] = now == AFF_OUTCAST ? 301 : 321;
		leave_occupant(here, occupant, &removed, NULL);
		return;
	}
	set_role(here, occupant,
	    role_after(occupant->role, before, now, here->room->config.moderated), notice);
}

/* What is said of a domain is for those of whom nothing else is said. */
static bool
concerns(const struct here *here, const struct occupant *occupant, const struct ln_jid *jid)
{
	if (ln_jid_has_local(jid))
		return ln_jid_same_bare(&occupant->bare, jid);
	return ln_jid_same_domain(&occupant->bare, jid) &&
	    affiliation_find(here->room, &occupant->bare) == NULL &&
	    !ln_is_admin(ln_mod_host(here->mod), &occupant->bare);
}

/* §15: somebody who is not in is told by a message. */
static void
tell_absent(struct here *here, const struct ln_jid *bare, enum affiliation affiliation)
{
	struct ln_stanza *st = ln_stanza_new(LN_MESSAGE, LN_NORMAL, ln_node_jid(here->node), bare);
	struct ln_elem *x = ln_add(st, "x", NS_MUC_USER);
	struct ln_elem *item = ln_elem_add(x, "item", NS_MUC_USER);

	ln_set_attr(item, "affiliation", affiliation_name(affiliation));
	ln_set_attr(item, "role", "none");
	ln_set_attr(ln_elem_add(x, "status", NS_MUC_USER), "code", "101");
	ln_send(st);
}

void
change_affiliation(struct here *here, const struct ln_jid *jid, enum affiliation affiliation,
    const char *nick, const struct notice *notice)
{
	enum affiliation before = affiliation_of(here, jid);
	struct occupant *occupant = TAILQ_FIRST(&here->room->occupants), *next;
	bool present = false;

	affiliation_set(here, jid, affiliation, nick, notice->reason);
	for (; occupant != NULL; occupant = next) {
		next = TAILQ_NEXT(occupant, link);
		if (!concerns(here, occupant, jid))
			continue;
		present = true;
		reconsider(here, occupant, before, notice);
		if (!here->room->exists)
			return;
	}
	if (!present && ln_jid_has_local(jid) && affiliation != before)
		tell_absent(here, jid, affiliation);
	nick_lock(here, jid);
}

/* --- entering -------------------------------------------------------------------------------- */

static bool
may_create(const struct here *here, const struct ln_jid *who)
{
	if (ln_is_admin(ln_mod_host(here->mod), who))
		return true;
	if (here->conf->create == CREATE_ADMINS)
		return false;
	return here->conf->create == CREATE_ALL || ln_is_local(who);
}

static bool
may_make_another(const struct here *here, const struct ln_jid *who)
{
	char key[LN_JID_MAX + 16];

	if (ln_is_admin(ln_mod_host(here->mod), who))
		return true;
	memcpy(key, "rooms ", 6);
	memcpy(key + 6, who->full, ln_jid_bare_len(who));
	key[6 + ln_jid_bare_len(who)] = '\0';
	return ln_limit(here->mod, key, here->conf->rooms, 1);
}

bool
within_rate(const struct here *here, const char *what, const struct ln_jid *who,
    struct ln_rate rate)
{
	char key[2 * LN_JID_MAX];
	int len = snprintf(key, sizeof key, "%s %.*s %s", what, (int)ln_jid_bare_len(who),
	    who->full, ln_node_jid(here->node)->full);

	return len < 0 || ln_limit(here->mod, key, rate, 1);
}

static bool
is_full(const struct here *here)
{
	int64_t most = here->conf->max_occupants;

	if (here->room->config.max_users > 0 && here->room->config.max_users < most)
		most = here->room->config.max_users;
	return (int64_t)ln_dict_count(here->room->nicks) >= most;
}

static bool
password_is_wrong(const struct room *room, const struct ln_elem *x)
{
	const char *given = ln_elem_child_text(x, "password", NS_MUC);

	if (!room->config.protected)
		return false;
	return given == NULL || strcmp(given, room->config.password) != 0;
}

static struct entry
entry_of(const struct here *here, const struct ln_stanza *st, const char *nick,
    const struct occupant *same)
{
	const struct ln_jid *who = ln_from(st);
	struct room *room = here->room;
	const struct occupant *like = occupant_like(room, nick);

	return (struct entry){ .affiliation = affiliation_of(here, who),
		.locked = room->locked && affiliation_of(here, who) != AFF_OWNER,
		.members_only = room->config.members_only,
		.full = same == NULL && is_full(here),
		.password_wrong = password_is_wrong(room, ln_child(st, "x", NS_MUC)),
		.nick_taken = like != NULL && !ln_jid_same_bare(&like->bare, who),
		.nick_reserved = nick_is_reserved(room, nick, who) };
}

static bool
refuse_entry(struct here *here, struct ln_stanza *st, const char *nick, const struct occupant *same)
{
	struct entry entry = entry_of(here, st, nick, same);
	enum ln_error error = check_entry(&entry);

	if (error == LN_ERR_COUNT)
		return false;
	if (error == LN_ERR_SERVICE_UNAVAILABLE)
		ln_refuse_as(st, error, LN_ETYPE_WAIT, "The room is full.");
	else
		ln_refuse(st, error, "%s", "");
	return true;
}

static void
add_code(struct notice *notice, int code)
{
	size_t i = 0;

	while (notice->codes[i] != 0)
		i++;
	notice->codes[i] = code;
}

/* What comes with the presence of one who enters (§7.2), himself. */
static struct notice
welcome(const struct room *room)
{
	struct notice notice = { .self_codes_only = true };

	if (room->config.whois == WHOIS_ANYONE)
		add_code(&notice, 100);
	if (room_archives(room))
		add_code(&notice, 170);
	return notice;
}

/* Presences of the others, his own, the history, the subject, in this order (§7.1). */
static void
tell_newcomer(struct here *here, const struct visit *visit, const struct notice *notice,
    const struct ln_elem *x)
{
	presence_tell_all(here, visit);
	presence_tell_self(here, visit, notice);
	history_tell(here, visit, ln_elem_child(x, "history", NS_MUC));
	avatar_tell(here, visit);
}

static void
let_in(struct here *here, const struct ln_stanza *st, const struct ln_jid *jid,
    struct occupant *same, int code)
{
	struct room *room = here->room;
	struct notice notice = welcome(room);
	struct occupant *occupant = same;
	struct ln_jid bare = ln_jid_bare(ln_stanza_arena((struct ln_stanza *)st), ln_from(st));
	struct visit *visit;

	if (occupant == NULL) {
		occupant = occupant_add(here, jid, &bare);
		occupant->role = role_at_entry(affiliation_of(here, &bare), room->config.moderated);
	}
	visit = visit_add(room, occupant, ln_from(st));
	visit_set_presence(visit, st);
	if (!ln_is_local(&occupant->bare))
		ghost_watch(here);
	add_code(&notice, code);
	if (same == NULL)
		presence_show_others(here, occupant);
	tell_newcomer(here, visit, &notice, ln_child(st, "x", NS_MUC));
	if (same == NULL)
		directory_tell(here);
	room_event(here, LN_EV_room_joined, NULL, &occupant->jid, &visit->jid);
}

static void
make_room_for(struct here *here, struct ln_stanza *st)
{
	if (!may_create(here, ln_from(st))) {
		ln_refuse(st, LN_ERR_NOT_ALLOWED, "Rooms are not made by everybody here.");
		return;
	}
	if (!may_make_another(here, ln_from(st))) {
		ln_refuse(st, LN_ERR_RESOURCE_CONSTRAINT, "Too many rooms were made.");
		return;
	}
	room_make(here, ln_from(st));
	let_in(here, st, ln_to(st), NULL, 201);
}

static void
enter(struct here *here, struct ln_ev_node *ev)
{
	struct ln_stanza *st = ev->stanza;
	struct ln_jid jid;
	bool other = nick_for(here, st, &jid);
	const char *nick = ln_jid_resource(&jid), *wrong = nick_check(here, nick);
	struct occupant *same;

	if (wrong != NULL) {
		ln_refuse(st, LN_ERR_NOT_ACCEPTABLE, "%s", wrong);
		return;
	}
	if (!within_rate(here, "join", ln_from(st), here->conf->joins)) {
		ln_refuse(st, LN_ERR_RESOURCE_CONSTRAINT, "Too fast.");
		return;
	}
	if (room_event(here, LN_EV_room_joining, &ev->stanza, &jid, ln_from(st)) == LN_DONE)
		return;
	if (!here->room->exists) {
		make_room_for(here, st);
		return;
	}
	same = occupant_by_nick(here->room, nick);
	if (refuse_entry(here, st, nick, same))
		return;
	if (same != NULL && visits_of(same) >= VISITS_MAX) {
		ln_refuse(st, LN_ERR_RESOURCE_CONSTRAINT, "Too many clients under one nickname.");
		return;
	}
	let_in(here, st, &jid, same, other ? 210 : 0);
}

/* --- those who are in ---------------------------------------------------------------------------- */

static void
renew(struct here *here, struct visit *visit, const struct ln_stanza *st, int code)
{
	const struct ln_elem *x = ln_child(st, "x", NS_MUC);
	struct notice notice = { .codes = { code }, .self_codes_only = true };
	bool first = TAILQ_FIRST(&visit->occupant->visits) == visit;

	visit_set_presence(visit, st);
	if (x == NULL) {
		if (first)
			presence_show(here, visit->occupant, &notice);
		else
			presence_tell_self(here, visit, &notice);
		return;
	}
	/* It lost track (§7.2.1): all is told again. */
	notice = welcome(here->room);
	add_code(&notice, code);
	if (first)
		presence_show_others(here, visit->occupant);
	tell_newcomer(here, visit, &notice, x);
}

static void
rename_occupant(struct here *here, struct visit *visit, struct ln_stanza *st,
    const struct ln_jid *jid, int code)
{
	struct occupant *occupant = visit->occupant;
	const char *nick = ln_jid_resource(jid), *wrong = nick_check(here, nick);
	const struct occupant *like = occupant_like(here->room, nick);
	struct notice notice = { .codes = { code }, .self_codes_only = true };

	if (wrong != NULL) {
		ln_refuse(st, LN_ERR_NOT_ACCEPTABLE, "%s", wrong);
		return;
	}
	if (code != 0 && like != NULL && like != occupant) { /* he is in under both */
		visit_set_presence(visit, st);
		nick_lock(here, &occupant->bare);
		return;
	}
	if ((like != NULL && like != occupant) ||
	    nick_is_reserved(here->room, nick, &occupant->bare)) {
		ln_refuse(st, LN_ERR_CONFLICT, "That nickname is taken.");
		return;
	}
	visit_set_presence(visit, st);
	nick_change(here, occupant, jid, &notice);
}

/* §7.2.14: presence of one who thinks that he is in. */
static void
tell_stranger(struct here *here, const struct ln_stanza *st)
{
	static const char *const codes[] = { "110", "307", "333" };
	struct ln_stanza *answer =
	    ln_stanza_new(LN_PRESENCE, LN_UNAVAILABLE, ln_to(st), ln_from(st));
	struct ln_elem *x = ln_add(answer, "x", NS_MUC_USER);
	struct ln_elem *item = ln_elem_add(x, "item", NS_MUC_USER);

	ln_set_id(answer, ln_id(st));
	ln_set_attr(item, "affiliation", "none");
	ln_set_attr(item, "role", "none");
	for (size_t i = 0; i < 3; i++)
		ln_set_attr(ln_elem_add(x, "status", NS_MUC_USER), "code", codes[i]);
	ln_node_send(here->node, answer);
}

static void
available(struct here *here, struct ln_ev_node *ev)
{
	struct ln_stanza *st = ev->stanza;
	struct visit *visit = visit_by_jid(here->room, ln_from(st));
	struct ln_jid jid;
	int code;

	if (ln_jid_is_bare(ln_to(st))) {
		ln_refuse(st, LN_ERR_JID_MALFORMED,
		    "A nickname is missing: room@service/nickname.");
		return;
	}
	if (visit == NULL) {
		if (ln_child(st, "x", NS_MUC) != NULL)
			enter(here, ev);
		else
			tell_stranger(here, st);
		return;
	}
	if (!within_rate(here, "presence", ln_from(st), here->conf->presence)) {
		ln_refuse(st, LN_ERR_RESOURCE_CONSTRAINT, "Too fast.");
		return;
	}
	code = nick_for(here, st, &jid) ? 210 : 0;
	if (strcmp(ln_jid_resource(&jid), ln_jid_resource(&visit->occupant->jid)) == 0)
		renew(here, visit, st, code);
	else
		rename_occupant(here, visit, st, &jid, code);
}

void
enter_presence(struct here *here, struct ln_ev_node *ev)
{
	struct visit *visit;

	switch (ln_type(ev->stanza)) {
	case LN_AVAILABLE:
		available(here, ev);
		if (ev->stanza == NULL)
			break;
		/* Its id was reflected; what is shown of it later is not that stanza. */
		visit = visit_by_jid(here->room, ln_from(ev->stanza));
		if (visit != NULL)
			ln_set_id(visit->presence, NULL);
		break;
	case LN_UNAVAILABLE:
		visit = visit_by_jid(here->room, ln_from(ev->stanza));
		if (visit != NULL)
			leave_visit(here, visit, NULL, ev->stanza);
		break;
	case LN_TYPE_ERROR:
		ghost_error(here, ev->stanza);
		break;
	default:
		break; /* rooms are subscribed to by nobody, and probes are not answered (§17.3) */
	}
}
