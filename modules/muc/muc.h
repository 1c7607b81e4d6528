/*
 * Rooms from the inside: what the files of this module share.
 *
 * A room is a node (linnet/node.h): one worker touches it. It has a
 * configuration (config.h), lasting affiliations by bare JID, and while people
 * are in it occupants by nick, each with one session or, where somebody joined
 * with several clients, with several. The history is the tail of the archive,
 * kept in memory.
 *
 *	mod_muc.c	what is declared; stanzas handed out
 *	room.c		a room's life: made, read, written, destroyed
 *	privilege.c	what roles and affiliations may do, as tables
 *	affiliation.c	who is what, lastingly
 *	occupant.c	who is in
 *	presence.c	what is shown of whom to whom
 *	enter.c		joining, renaming, leaving
 *	message.c	what is said; subjects, private messages
 *	invite.c	invitations, declines, voice requests
 *	history.c	what a newcomer is told
 *	admin.c, owner.c, register.c, disco.c, archive.c, moderate.c, avatar.c	requests
 *	directory.c	which rooms there are
 *	commands.c	linnetctl muc ...
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef MUC_MUC_H
#define MUC_MUC_H

#include <linnet/archive.h>
#include <linnet/dict.h>
#include <linnet/form.h>
#include <linnet/module.h>
#include <linnet/node.h>

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "muc/config.h"
#include "muc/privilege.h"

#define NS_REGISTER_FEATURE "http://jabber.org/features/iq-register"
#define NS_MUC_REGISTER "http://jabber.org/protocol/muc#register"
#define NS_MUC_REQUEST "http://jabber.org/protocol/muc#request"
#define NS_MUC_ROOMINFO "http://jabber.org/protocol/muc#roominfo"
#define NS_MUC_STABLE_ID "http://jabber.org/protocol/muc#stable_id"
#define NS_MUC_SELF_PING "http://jabber.org/protocol/muc#self-ping-optimization"
#define NS_ROOM "urn:linnet:room"

#define HISTORY_BYTES ((size_t)256 << 10) /* of a room in memory */

enum create_policy { CREATE_ALL, CREATE_LOCAL, CREATE_ADMINS };

struct muc_conf {
	const char *host;
	int create; /* enum create_policy */
	int64_t history, max_occupants, max_affiliations, max_nick, max_message;
	ln_msec keep, unconfigured;
	bool archive;
	struct ln_rate messages, presence, joins, rooms;
};

enum muc_value { VALUE_CONFIG, VALUE_AFFILIATION, VALUE_SUBJECT, VALUE_VCARD };

/* --- people ------------------------------------------------------------------------- */

/* What somebody is lastingly; of those who are nothing there is none. */
struct affiliated {
	TAILQ_ENTRY(affiliated) link;
	struct ln_jid jid; /* bare; a domain may be banned */
	enum affiliation affiliation;
	char *nick;   /* reserved; NULL: none */
	char *reason; /* of the last change; NULL: none */
};
TAILQ_HEAD(affiliated_list, affiliated);

/* One client in the room. */
struct visit {
	TAILQ_ENTRY(visit) link; /* of its occupant */
	struct ln_jid jid;       /* full */
	struct occupant *occupant;
	struct ln_stanza *presence; /* the last one, as it came */
};
TAILQ_HEAD(visit_list, visit);

#define OCCUPANT_ID_LEN 43

struct occupant {
	TAILQ_ENTRY(occupant) link;
	struct ln_jid jid;  /* room@service/nick */
	struct ln_jid bare; /* whose it is */
	char *look;         /* of its nick: nick_look() */
	enum role role;
	struct visit_list visits;     /* the first is the one that is shown */
	struct ln_stanza *shown[2];   /* its presence, without and with the JID; NULL: to be made */
	char id[OCCUPANT_ID_LEN + 1]; /* XEP-0421 */
};
TAILQ_HEAD(occupant_list, occupant);

/* --- rooms ------------------------------------------------------------------------------ */

struct remembered {
	STAILQ_ENTRY(remembered) link;
	struct ln_stanza *message; /* with its delay */
	int64_t wall_ms;
	size_t size;
	char *id; /* stanza-id */
};
STAILQ_HEAD(history, remembered);

struct room {
	struct ln_node *node;
	bool exists;     /* false: nobody has made it */
	bool locked;     /* made, and waits for its first configuration */
	int64_t created; /* wall-clock ms */
	struct room_config config;
	char salt[2 * OCCUPANT_ID_LEN]; /* of occupant ids */
	char *avatar;                   /* SHA-1 of its picture in hexadecimal digits; NULL: none */
	struct ln_dict *affiliations;   /* struct affiliated by bare JID */
	struct affiliated_list affiliated;
	struct ln_dict *reserved; /* struct affiliated by what its nick looks like */
	struct ln_dict *looks;    /* struct occupant by what his nick looks like */
	struct ln_dict *nicks;    /* struct occupant by nick */
	struct ln_dict *visits;   /* struct visit by full JID */
	struct occupant_list occupants;
	struct history history;
	size_t history_count, history_bytes;
	struct ln_stanza *subject; /* NULL: there never was one */
	unsigned untrimmed;        /* messages archived since it was trimmed */
	struct pending_registration *registrations;
};

/* Is what is said in it archived for good? Temporary rooms have nothing on disk. */
static inline bool
room_archives(const struct room *room)
{
	return room->config.archive && room->config.persistent;
}

/* What handlers pass on: the room, and whose turn it is. */
struct here {
	const struct ln_mod *mod;
	const struct muc_conf *conf;
	struct ln_node *node;
	struct room *room;
};

/* Tells other modules of an event; `st` (may be NULL) may be gone after a filter. */
enum ln_verdict room_event(struct here *here, enum ln_event event, struct ln_stanza **st,
    const struct ln_jid *occupant, const struct ln_jid *who);

struct here here_of(const struct ln_mod *mod, struct ln_node *node);

/* Zeroed memory and copies; out of memory ends the process. */
void *muc_alloc(size_t size);
char *muc_copy(const char *text);

/* Wall-clock ms as XEP-0082 writes it, in `arena`; and the other way, -1: it is none. */
const char *muc_write_time(char out[32], int64_t wall_ms);
int64_t muc_read_time(const char *text);

/* --- room.c ------------------------------------------------------------------------------- */

void room_open(const struct ln_mod *mod, struct ln_node *node);
void room_close(struct ln_node *node);
void room_ending(const struct ln_mod *mod, struct ln_node *node, enum ln_node_end why);

/* Makes one with its first owner; it is locked until it is configured. */
void room_make(struct here *here, const struct ln_jid *owner);

/* The first configuration is there, or was changed: what has to be on disk is. */
void room_unlock(struct here *here);
void room_save(struct here *here);

/* A subject change that was said: it is told to newcomers, and stored. */
void room_set_subject(struct here *here, const struct ln_stanza *message, int64_t wall_ms);

/* Tells the occupants, takes the rows away. All may be NULL. */
void room_destroy(struct here *here, const char *venue, const char *password, const char *reason);

/* The last one has left, or the room was configured: may a temporary room go? */
void room_check_empty(struct here *here);

/* --- affiliation.c -------------------------------------------------------------------------- */

enum affiliation affiliation_of(const struct here *here, const struct ln_jid *jid);
struct affiliated *affiliation_find(const struct room *room, const struct ln_jid *jid);
unsigned affiliation_count(const struct room *room, enum affiliation affiliation);

/* In memory alone, and on disk too. `nick` NULL: as it was; "": none. */
void affiliation_put(struct room *room, const struct ln_jid *jid, enum affiliation affiliation,
    const char *nick, const char *reason);
void affiliation_set(struct here *here, const struct ln_jid *jid, enum affiliation affiliation,
    const char *nick, const char *reason);
void affiliation_read(const struct ln_mod *mod, struct ln_node *node, const char *key,
    const struct ln_elem *doc);
void affiliations_save(struct here *here);
void affiliations_free(struct room *room);

/* Nothing in it but spaces and what has no shape? */
bool nick_looks_empty(const char *nick);

/* Whose nick is this, lastingly? NULL: nobody's. */
const struct affiliated *nick_owner(const struct room *room, const char *nick);

/* --- occupant.c ------------------------------------------------------------------------------- */

struct occupant *occupant_by_nick(const struct room *room, const char *nick);

/* One whose nick differs in case or width alone, so that nobody is mistaken for him. */
struct occupant *occupant_like(const struct room *room, const char *nick);
char *nick_look(const char *nick); /* the caller's to free */
struct visit *visit_by_jid(const struct room *room, const struct ln_jid *full);
struct occupant *occupant_next_of(const struct room *room, const struct occupant *after,
    const struct ln_jid *bare); /* `after` NULL: the first */
unsigned visits_of(const struct occupant *occupant);
struct occupant *occupant_add(struct here *here, const struct ln_jid *jid,
    const struct ln_jid *bare);
struct visit *visit_add(struct room *room, struct occupant *occupant, const struct ln_jid *jid);
void visit_set_presence(struct visit *visit, const struct ln_stanza *presence);
void occupant_rename(struct here *here, struct occupant *occupant, const struct ln_jid *jid);
void occupant_changed(struct occupant *occupant); /* what is shown of it is made anew */
void visit_remove(struct room *room, struct visit *visit);
void occupant_remove(struct room *room, struct occupant *occupant); /* with its visits */
void occupants_free(struct room *room);
void occupant_make_id(const struct room *room, const struct ln_jid *bare,
    char out[OCCUPANT_ID_LEN + 1]);

/* --- presence.c ---------------------------------------------------------------------------------- */

/* What a presence says beyond the occupant itself. All may be zero. */
struct notice {
	int codes[4];         /* status codes, 0 at the end */
	const char *new_nick; /* 303 */
	const char *reason;
	const char *actor_nick; /* who did it; NULL: not told */
	bool self_codes_only;   /* the codes are for the occupant alone */
};

/* Shows an occupant to all, himself last and with 110. */
void presence_show(struct here *here, struct occupant *occupant, const struct notice *notice);

/* Shows to one visit all others who are shown; then itself with these codes. */
void presence_tell_all(struct here *here, const struct visit *visit);
void presence_tell_self(struct here *here, const struct visit *visit, const struct notice *notice);

/* "Unavailable" of an occupant to all, or to one visit alone (with 110). The status is that of the
 * presence he left with, NULL: none. */
void presence_hide(struct here *here, struct occupant *occupant, const struct notice *notice,
    const struct ln_stanza *last);
void presence_hide_visit(struct here *here, const struct visit *visit, const struct notice *notice,
    const struct ln_stanza *last);

/* To the others alone: somebody came; somebody is not shown any more. */
void presence_show_others(struct here *here, struct occupant *occupant);
void presence_vanish(struct here *here, struct occupant *occupant);

/* Is this occupant shown to others, by `presencebroadcast`? May he see JIDs? */
bool presence_is_shown(const struct room *room, enum role role);
bool sees_jids(const struct room *room, const struct occupant *occupant);

/* A message with status codes from the room to everybody in it. */
void presence_tell_codes(struct here *here, const int *codes);

/* --- enter.c ---------------------------------------------------------------------------------------- */

void enter_presence(struct here *here, struct ln_ev_node *ev);

/* An error that came back: does it say that a client is gone? */
void leave_ghost(struct here *here, const struct ln_stanza *error);

/* Is this within the rate that one account has in one room? */
bool within_rate(const struct here *here, const char *what, const struct ln_jid *who,
    struct ln_rate rate);

/* Takes an occupant out; with `notice` as the reason why. */
void leave_occupant(struct here *here, struct occupant *occupant, const struct notice *notice,
    const struct ln_stanza *last);
void leave_visit(struct here *here, struct visit *visit, const struct notice *notice,
    const struct ln_stanza *last);

/* Gives a new role and tells; ROLE_NONE takes him out. */
void change_role(struct here *here, struct occupant *occupant, enum role role,
    const struct notice *notice);

/* Changes an affiliation with all that follows for those who are in. */
void change_affiliation(struct here *here, const struct ln_jid *bare, enum affiliation affiliation,
    const char *nick, const struct notice *notice);

/* --- message.c, invite.c ------------------------------------------------------------------------------ */

void message_received(struct here *here, struct ln_ev_node *ev);

/* Is it a change of the subject? */
bool changes_subject(const struct ln_stanza *st);

/* Sends a message of an occupant, or of the room itself, to all; `id_r` gets its stanza-id. Ownership
 * passes. */
void message_to_all(struct here *here, const struct occupant *sender, struct ln_stanza *st,
    bool kept, char id_r[LN_ARCHIVE_ID_LEN + 1]);

/* A message to the room that is no groupchat message; false: it is not understood. */
bool invite_received(struct here *here, struct ln_ev_node *ev);
void invite_new_member(struct here *here, const struct ln_jid *to, const char *reason);

/* --- history.c -------------------------------------------------------------------------------------------- */

void history_add(struct here *here, const struct ln_stanza *message, const char *id,
    int64_t wall_ms);
void history_tell(struct here *here, const struct visit *visit, const struct ln_elem *limits);
void history_forget(struct room *room, const char *id, const struct ln_elem *tombstone);
const struct remembered *history_find(const struct room *room, const char *id);
void history_read_back(struct here *here, const struct ln_archived *archived);
void history_save(struct here *here);
void history_trim(struct here *here);
void history_free(struct room *room);

/* --- requests ------------------------------------------------------------------------------------------------ */

typedef enum ln_verdict request_fn(struct here *here, struct ln_ev_iq *ev);
request_fn admin_get, admin_set, owner_get, owner_set, register_get, register_set, disco_info,
    disco_items, archive_form, archive_query, archive_metadata, moderate_set, moderate_old,
    vcard_get, vcard_set, ping_get;

/* What a configuration that was submitted changed: told to the occupants. */
void owner_apply(struct here *here, const struct room_config *config);

/* An admin's answer to a registration request. */
void register_approval(struct here *here, struct ln_stanza *st, const struct ln_elem *form);
void register_free(struct room *room);

/* An iq for one occupant, or an answer to one. */
void relay_iq(struct here *here, struct ln_ev_node *ev);

/* Marks a message that was taken back by the one who wrote it (XEP-0424). */
void moderate_retracted(struct here *here, const struct occupant *sender, const char *id);

/* The picture of the room, to one who has come. */
void avatar_tell(struct here *here, const struct visit *visit);

/* --- directory.c ---------------------------------------------------------------------------------------------- */

struct directory {
	struct ln_dict *rooms;
	bool read; /* what is on disk was read */
};

void directory_started(const struct ln_mod *mod, struct ln_ev_host *ev);
void directory_open(const struct ln_mod *mod);
void directory_close(const struct ln_mod *mod);
void directory_tell(struct here *here);   /* this room is as it is now */
void directory_forget(struct here *here); /* this room is no more */
enum ln_verdict directory_items(const struct ln_mod *mod, struct ln_ev_iq *ev);

extern const struct ln_command muc_commands[];

#endif
