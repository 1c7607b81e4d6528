/*
 * linnetctl muc ...: the same as ad-hoc commands for administrators.
 *
 * SPDX-License-Identifier: MIT
 */
#include "muc/muc.h"
#include "muc/people.h"
#include "muc/talk.h"

#include "muc/directory.h"

enum { ARG_ROOM };

static const struct ln_name affiliation_words[] = { { "outcast", AFF_OUTCAST },
	{ "none", AFF_NONE }, { "member", AFF_MEMBER }, { "admin", AFF_ADMIN },
	{ "owner", AFF_OWNER }, { NULL, 0 } };

#define ROOM_ARG                                          \
	{                                                 \
		LN_ARG_JID, "room", "The room's address." \
	}
static const struct ln_arg list_args[] = { { LN_ARG_HOST, "service",
					       "The domain of the rooms: conference.example.org." },
	LN_ARG_ROWS_END };
static const struct ln_arg room_args[] = { ROOM_ARG, LN_ARG_ROWS_END };
static const struct ln_arg create_args[] = { ROOM_ARG, { LN_ARG_JID, "owner", "Who owns it." },
	LN_ARG_ROWS_END };
static const struct ln_arg destroy_args[] = { ROOM_ARG,
	{ LN_ARG_TEXT, "reason", "What its occupants are told.", LN_ARG_OPTIONAL | LN_ARG_REST },
	LN_ARG_ROWS_END };
static const struct ln_arg affiliation_args[] = { ROOM_ARG,
	{ LN_ARG_JID, "jid", "Whose affiliation." },
	{ LN_ARG_WORD, "affiliation", "What this one shall be.", 0, affiliation_words },
	LN_ARG_ROWS_END };
static const struct ln_arg kick_args[] = { ROOM_ARG, { LN_ARG_TEXT, "nick", "Whom to put out." },
	{ LN_ARG_TEXT, "reason", "What everybody is told.", LN_ARG_OPTIONAL | LN_ARG_REST },
	LN_ARG_ROWS_END };
static const struct ln_arg config_args[] = { ROOM_ARG,
	{ LN_ARG_TEXT, "field", "The field to set: persistentroom, roomname ...", LN_ARG_OPTIONAL },
	{ LN_ARG_TEXT, "value", "Its value.", LN_ARG_OPTIONAL | LN_ARG_REST }, LN_ARG_ROWS_END };

/* --- the way to the room ------------------------------------------------------------------------ */

typedef void at_room(struct here *here, struct ln_call *call);

struct visit_call {
	struct ln_call *call;
	at_room *run;
	bool may_be_new;
};

static void
arrived(const struct ln_mod *mod, struct ln_node *node, void *arg)
{
	struct visit_call *visit = arg;
	struct ln_call *call = visit->call;

	if (node != NULL) {
		struct here here = here_of(mod, node);

		if (here.room->exists || visit->may_be_new)
			visit->run(&here, call);
		else
			ln_call_fail(call, "there is no such room");
	} else {
		ln_call_fail(call, "there is no such service");
	}
	free(visit);
	ln_call_done(call);
}

static void
go(const struct ln_mod *mod, struct ln_call *call, at_room *run, bool may_be_new)
{
	const struct ln_jid *jid = ln_call_jid(call, ARG_ROOM);
	struct visit_call *visit;

	if (mod == NULL || !ln_jid_has_local(jid) || !ln_jid_is_bare(jid)) {
		ln_call_fail(call, "this is no room's address; write ROOM@SERVICE");
		return;
	}
	visit = muc_alloc(sizeof *visit);
	*visit = (struct visit_call){ call, run, may_be_new };
	ln_call_later(call);
	ln_node_call(jid, arrived, visit);
}

/* --- at the room ---------------------------------------------------------------------------------- */

static void
info_here(struct here *here, struct ln_call *call)
{
	const struct room *room = here->room;
	const struct occupant *occupant;

	ln_call_say(call, "%s: %s, %zu occupants, %zu affiliations, %zu messages of history%s.",
	    ln_node_jid(here->node)->full, ln_node_stored(here->node) ? "persistent" : "temporary",
	    ln_dict_count(room->nicks), ln_dict_count(room->affiliations), room->history_count,
	    room->locked ? ", not configured yet" : "");
	ln_call_columns(call, "nick", "jid", "role", "affiliation", NULL);
	TAILQ_FOREACH(occupant, &room->occupants, link) {
		ln_call_cell(call, ln_jid_resource(&occupant->jid));
		ln_call_cell(call, TAILQ_FIRST(&occupant->visits)->jid.full);
		ln_call_cell(call, role_name(occupant->role));
		ln_call_cell(call, affiliation_name(affiliation_of(here, &occupant->bare)));
	}
}

static void
create_here(struct here *here, struct ln_call *call)
{
	struct ln_jid owner = ln_jid_bare(ln_call_arena(call), ln_call_jid(call, 1));
	struct room_config config;

	if (here->room->exists) {
		ln_call_fail(call, "there is such a room already");
		return;
	}
	room_make(here, &owner);
	config_copy(&config, &here->room->config);
	config.persistent = true;
	owner_apply(here, &config);
	config_free(&config);
	ln_call_say(call, "The room is there.");
}

static void
destroy_here(struct here *here, struct ln_call *call)
{
	room_destroy(here, NULL, NULL, ln_call_text(call, 1));
	ln_call_say(call, "The room is gone.");
}

static void
affiliation_here(struct here *here, struct ln_call *call)
{
	struct ln_jid bare = ln_jid_bare(ln_call_arena(call), ln_call_jid(call, 1));
	enum affiliation affiliation = (enum affiliation)ln_call_number(call, 2);
	const struct affiliated *now = affiliation_find(here->room, &bare);
	static const struct notice nothing;

	if (now != NULL && now->affiliation == AFF_OWNER && affiliation != AFF_OWNER &&
	    affiliation_count(here->room, AFF_OWNER) == 1) {
		ln_call_fail(call, "a room keeps its last owner");
		return;
	}
	if (!ln_jid_has_local(&bare) && affiliation > AFF_NONE) {
		ln_call_fail(call, "a domain may be banned, no more");
		return;
	}
	change_affiliation(here, &bare, affiliation, NULL, &nothing);
	ln_call_say(call, "%s is %s.", bare.full, affiliation_name(affiliation));
}

static void
kick_here(struct here *here, struct ln_call *call)
{
	struct occupant *occupant = occupant_by_nick(here->room, ln_call_text(call, 1));
	const struct notice notice = { .reason = ln_call_text(call, 2) };

	if (occupant == NULL) {
		ln_call_fail(call, "nobody there has that nickname");
		return;
	}
	change_role(here, occupant, ROLE_NONE, &notice);
	ln_call_say(call, "%s is out.", ln_call_text(call, 1));
}

static void
show_field(void *arg, const char *var, const char *value)
{
	struct ln_call *call = arg;

	ln_call_cell(call, var);
	ln_call_cell(call, value);
}

static void
config_here(struct here *here, struct ln_call *call)
{
	struct room_config config;
	const char *wrong;

	if (!ln_call_given(call, 1)) {
		ln_call_columns(call, "field", "value", NULL);
		config_each(&here->room->config, show_field, call);
		return;
	}
	config_copy(&config, &here->room->config);
	wrong = config_set(&config, ln_call_text(call, 1),
	    ln_call_given(call, 2) ? ln_call_text(call, 2) : "", here->conf->max_occupants,
	    here->conf->history);
	if (wrong != NULL)
		ln_call_fail(call, "%s", wrong);
	else
		owner_apply(here, &config);
	config_free(&config);
}

/* --- the commands ------------------------------------------------------------------------------------ */

static void
muc_info(const struct ln_mod *mod, struct ln_call *call)
{
	go(mod, call, info_here, false);
}

static void
muc_create(const struct ln_mod *mod, struct ln_call *call)
{
	go(mod, call, create_here, true);
}

static void
muc_destroy(const struct ln_mod *mod, struct ln_call *call)
{
	go(mod, call, destroy_here, false);
}

static void
muc_affiliation(const struct ln_mod *mod, struct ln_call *call)
{
	go(mod, call, affiliation_here, false);
}

static void
muc_kick(const struct ln_mod *mod, struct ln_call *call)
{
	go(mod, call, kick_here, false);
}

static void
muc_config(const struct ln_mod *mod, struct ln_call *call)
{
	go(mod, call, config_here, false);
}

static void
list_one(const char *key, void *value, void *arg)
{
	const struct listed *listed = value;
	struct ln_call *call = arg;

	ln_call_cell(call, key);
	ln_call_cell(call, *listed->name != '\0' ? listed->name : NULL);
	ln_call_cell_number(call, (int64_t)listed->occupants);
	ln_call_cell_bool(call, listed->persistent);
	ln_call_cell_bool(call, listed->shown);
}

/* Runs at the home of the service, where the directory is. */
static void
muc_list(const struct ln_mod *mod, struct ln_call *call)
{
	struct directory *directory = mod != NULL ? ln_worker_state(mod) : NULL;

	if (directory == NULL) {
		ln_call_fail(call, "this domain has no rooms; write conference.example.org");
		return;
	}
	ln_call_columns(call, "room", "name", "occupants", "persistent", "public", NULL);
	ln_dict_each(directory->rooms, list_one, call);
}

const struct ln_command muc_commands[] = { { "muc list", "List the rooms of a service.",
					       LN_ROLE_ADMIN, LN_HOME_NAME, list_args, muc_list },
	{ "muc info", "Show a room and who is in it.", LN_ROLE_ADMIN, LN_HOME_NAME, room_args,
	    muc_info },
	{ "muc create", "Make a persistent room.", LN_ROLE_ADMIN, LN_HOME_NAME, create_args,
	    muc_create },
	{ "muc destroy", "Destroy a room with all it has.", LN_ROLE_ADMIN, LN_HOME_NAME,
	    destroy_args, muc_destroy },
	{ "muc affiliation", "Make somebody owner, admin, member, outcast or none.", LN_ROLE_ADMIN,
	    LN_HOME_NAME, affiliation_args, muc_affiliation },
	{ "muc kick", "Put somebody out of a room.", LN_ROLE_ADMIN, LN_HOME_NAME, kick_args,
	    muc_kick },
	{ "muc config", "Show a room's configuration, or set a field of it.", LN_ROLE_ADMIN,
	    LN_HOME_NAME, config_args, muc_config },
	LN_COMMAND_END };
