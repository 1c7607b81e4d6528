/*
 * People in rooms: what they are lastingly, who is in, what is shown of them,
 * coming and going.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef MUC_PEOPLE_H
#define MUC_PEOPLE_H

#include "muc/muc.h"

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
void occupant_merge(struct room *room, struct occupant *from,
    struct occupant *to);                         /* behind its own */
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

/* --- ghost.c ---------------------------------------------------------------------------------------- */

/* An error that came back: does it say that a client is gone? */
void ghost_error(struct here *here, const struct ln_stanza *error);

/* A client was heard of; an iq answered what the room has asked it. */
void ghost_heard(struct here *here, const struct ln_stanza *st);
void ghost_answer(struct here *here, const struct ln_stanza *answer);

/* Somebody of another server is in: looks after him from now on. */
void ghost_watch(struct here *here);

/* --- nick.c ----------------------------------------------------------------------------------------- */

/* §17.1.1: a nick is seen, and fits on a line. NULL, or what is wrong with it. */
const char *nick_check(const struct here *here, const char *nick);

/* The nick is somebody else's, lastingly. */
bool nick_is_reserved(const struct room *room, const char *nick, const struct ln_jid *who);

/* What somebody who asks to be `asked` is called: so, or by the nick that he is locked to. True: it
 * is another (210). It lives as long as `st` and the nick's registration. */
bool nick_for(const struct here *here, const struct ln_stanza *st, struct ln_jid *jid_r);

/* A change to a nick that is free; all are told, himself with these codes. */
void nick_change(struct here *here, struct occupant *occupant, const struct ln_jid *jid,
    const struct notice *notice);

/* Whoever is in under another nick than the one he is locked to is called by that from now on. */
void nick_lock(struct here *here, const struct ln_jid *bare);
void nick_lock_all(struct here *here);

/* --- enter.c ---------------------------------------------------------------------------------------- */

void enter_presence(struct here *here, struct ln_ev_node *ev);

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

#endif
