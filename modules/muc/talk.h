/*
 * What is said in rooms, what is kept of it, and what is asked of them.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef MUC_TALK_H
#define MUC_TALK_H

#include <linnet/table.h>

#include "muc/muc.h"

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
	struct ln_dict *rooms; /* struct listed by JID */
	char *after;           /* the page that is read, or was last, begins behind this room */
	bool unread;           /* it could not be read */
};

void directory_started(const struct ln_mod *mod, struct ln_ev_host *ev);
void directory_every(const struct ln_mod *mod);
void directory_open(const struct ln_mod *mod);
void directory_close(const struct ln_mod *mod);
void directory_tell(struct here *here);   /* this room is as it is now */
void directory_forget(struct here *here); /* this room is no more */
void directory_save(struct here *here);   /* its row, if it is on disk */

/* How many rooms on disk somebody (a bare JID) has made and owns: one row with one number. */
void directory_count(struct here *here, const char *maker, ln_found_fn *counted, void *arg);
enum ln_verdict directory_items(const struct ln_mod *mod, struct ln_ev_iq *ev);

extern const struct ln_table muc_tables[];
extern const struct ln_command muc_commands[];

#endif
