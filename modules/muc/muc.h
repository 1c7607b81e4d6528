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
 *	nick.c		what people are called
 *	ghost.c		those who are gone and have not said so
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
	int64_t history, max_occupants, max_affiliations, max_nick, max_message, max_rooms;
	ln_msec keep, unconfigured, ping;
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
	int64_t heard_ms, asked_ms; /* by ln_now(): heard of, pinged (0: no) */
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
	bool watched;    /* ghost.c looks after it */
	bool locked;     /* made, and waits for its first configuration */
	int64_t created; /* wall-clock ms */
	struct room_config config;
	char salt[2 * OCCUPANT_ID_LEN]; /* of occupant ids */
	char *maker;                    /* bare JID; NULL: not known */
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

/* Wall-clock ms as XEP-0082 writes it, in `arena`. */
const char *muc_write_time(char out[32], int64_t wall_ms);

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

#endif
