/*
 * Who is in a room: occupants by nick, their clients by full JID.
 *
 * SPDX-License-Identifier: MIT
 */
#include "muc/muc.h"
#include "muc/people.h"

#include <linnet/base64.h>
#include <linnet/credentials.h>

#define OCCUPANT_BYTES 1024 /* what one is taken for in memory, presence and all */

struct occupant *
occupant_by_nick(const struct room *room, const char *nick)
{
	return ln_dict_get(room->nicks, nick);
}

/* As accounts are compared (RFC 8265 §3.3), letters that look alike being one (§13.6 "mimicking");
 * what may stand in no account's name is one to us. */
char *
nick_look(const char *nick)
{
	struct ln_stanza *scratch = ln_stanza_new(LN_IQ, LN_GET, NULL, NULL);
	char *plain = muc_copy(nick), *look;
	const char *prepared = NULL;

	for (char *at = plain; *at != '\0'; at++)
		if (strchr(" \"&'/:<>@", *at) != NULL)
			*at = '_';
	if (ln_jid_prepare_local(ln_stanza_arena(scratch), plain, strlen(plain), &prepared) !=
	    LN_JID_OK)
		prepared = plain;
	look = muc_copy(ln_text_look(ln_stanza_arena(scratch), prepared));
	free(plain);
	ln_stanza_free(&scratch);
	return look;
}

struct occupant *
occupant_like(const struct room *room, const char *nick)
{
	struct occupant *exact = occupant_by_nick(room, nick), *like;
	char *look;

	if (exact != NULL)
		return exact;
	look = nick_look(nick);
	like = ln_dict_get(room->looks, look);
	free(look);
	return like;
}

static void
list_nick(struct room *room, struct occupant *occupant)
{
	const char *nick = ln_jid_resource(&occupant->jid);

	occupant->look = nick_look(nick);
	ln_dict_set(room->nicks, nick, occupant);
	ln_dict_set(room->looks, occupant->look, occupant);
}

static void
unlist_nick(struct room *room, struct occupant *occupant)
{
	ln_dict_set(room->nicks, ln_jid_resource(&occupant->jid), NULL);
	if (ln_dict_get(room->looks, occupant->look) == occupant)
		ln_dict_set(room->looks, occupant->look, NULL);
	free(occupant->look);
	occupant->look = NULL;
}

struct visit *
visit_by_jid(const struct room *room, const struct ln_jid *full)
{
	return ln_dict_get(room->visits, full->full);
}

struct occupant *
occupant_next_of(const struct room *room, const struct occupant *after, const struct ln_jid *bare)
{
	struct occupant *occupant =
	    after != NULL ? TAILQ_NEXT(after, link) : TAILQ_FIRST(&room->occupants);

	while (occupant != NULL && !ln_jid_same_bare(&occupant->bare, bare))
		occupant = TAILQ_NEXT(occupant, link);
	return occupant;
}

unsigned
visits_of(const struct occupant *occupant)
{
	const struct visit *visit;
	unsigned count = 0;

	TAILQ_FOREACH(visit, &occupant->visits, link)
		count++;
	return count;
}

/* Characters of two and three bytes that are there and show nothing: no-break space, soft hyphen,
 * those of U+2000-200F, U+2028-202F, U+205F-206F, U+3000, U+FEFF. */
static size_t
invisible(const unsigned char *at)
{
	if (at[0] == ' ')
		return 1;
	if (at[0] == 0xc2 && (at[1] == 0xa0 || at[1] == 0xad))
		return 2;
	if (at[0] == 0xe2 && at[1] == 0x80 && (at[2] <= 0x8f || (at[2] >= 0xa8 && at[2] <= 0xaf)))
		return 3;
	if (at[0] == 0xe2 && at[1] == 0x81 && at[2] >= 0x9f && at[2] <= 0xaf)
		return 3;
	if ((at[0] == 0xe3 && at[1] == 0x80 && at[2] == 0x80) ||
	    (at[0] == 0xef && at[1] == 0xbb && at[2] == 0xbf))
		return 3;
	return 0;
}

bool
nick_looks_empty(const char *nick)
{
	const unsigned char *at = (const unsigned char *)nick;
	size_t len;

	while (*at != '\0' && (len = invisible(at)) > 0)
		at += len;
	return *at == '\0';
}

/* An id that is the same whenever this account is in this room, and tells nothing of it. */
void
occupant_make_id(const struct room *room, const struct ln_jid *bare, char out[OCCUPANT_ID_LEN + 1])
{
	uint8_t mac[LN_SCRAM_KEY_MAX];
	char text[LN_BASE64_LEN(32) + 1];

	ln_scram_hmac(LN_SCRAM_SHA_256, room->salt, strlen(room->salt), bare->full,
	    ln_jid_bare_len(bare), mac);
	ln_base64_encode(mac, 32, text);
	memcpy(out, text, OCCUPANT_ID_LEN); /* without the padding */
	out[OCCUPANT_ID_LEN] = '\0';
}

struct occupant *
occupant_add(struct here *here, const struct ln_jid *jid, const struct ln_jid *bare)
{
	struct occupant *occupant = muc_alloc(sizeof *occupant);
	struct room *room = here->room;

	TAILQ_INIT(&occupant->visits);
	ln_jid_copy(&occupant->jid, jid);
	ln_jid_copy(&occupant->bare, bare);
	occupant_make_id(room, bare, occupant->id);
	TAILQ_INSERT_TAIL(&room->occupants, occupant, link);
	list_nick(room, occupant);
	return occupant;
}

struct visit *
visit_add(struct room *room, struct occupant *occupant, const struct ln_jid *jid)
{
	struct visit *visit = muc_alloc(sizeof *visit);

	ln_jid_copy(&visit->jid, jid);
	visit->occupant = occupant;
	visit->heard_ms = ln_now();
	TAILQ_INSERT_TAIL(&occupant->visits, visit, link);
	ln_dict_set(room->visits, visit->jid.full, visit);
	ln_node_memory(room->node, OCCUPANT_BYTES);
	return visit;
}

void
occupant_changed(struct occupant *occupant)
{
	ln_stanza_free(&occupant->shown[0]);
	ln_stanza_free(&occupant->shown[1]);
}

void
visit_set_presence(struct visit *visit, const struct ln_stanza *presence)
{
	ln_stanza_free(&visit->presence);
	visit->presence = ln_stanza_frozen(presence);
	if (TAILQ_FIRST(&visit->occupant->visits) == visit)
		occupant_changed(visit->occupant);
}

void
occupant_rename(struct here *here, struct occupant *occupant, const struct ln_jid *jid)
{
	unlist_nick(here->room, occupant);
	ln_jid_free(&occupant->jid);
	ln_jid_copy(&occupant->jid, jid);
	list_nick(here->room, occupant);
	occupant_changed(occupant);
}

void
occupant_merge(struct room *room, struct occupant *from, struct occupant *to)
{
	struct visit *visit;

	TAILQ_FOREACH(visit, &from->visits, link)
		visit->occupant = to;
	TAILQ_CONCAT(&to->visits, &from->visits, link);
	occupant_remove(room, from);
}

void
visit_remove(struct room *room, struct visit *visit)
{
	if (TAILQ_FIRST(&visit->occupant->visits) == visit)
		occupant_changed(visit->occupant);
	TAILQ_REMOVE(&visit->occupant->visits, visit, link);
	ln_dict_set(room->visits, visit->jid.full, NULL);
	ln_stanza_free(&visit->presence);
	ln_jid_free(&visit->jid);
	free(visit);
	ln_node_memory(room->node, -OCCUPANT_BYTES);
}

void
occupant_remove(struct room *room, struct occupant *occupant)
{
	while (!TAILQ_EMPTY(&occupant->visits))
		visit_remove(room, TAILQ_FIRST(&occupant->visits));
	TAILQ_REMOVE(&room->occupants, occupant, link);
	unlist_nick(room, occupant);
	occupant_changed(occupant);
	ln_jid_free(&occupant->jid);
	ln_jid_free(&occupant->bare);
	free(occupant);
}

void
occupants_free(struct room *room)
{
	while (!TAILQ_EMPTY(&room->occupants))
		occupant_remove(room, TAILQ_FIRST(&room->occupants));
	ln_dict_free(&room->nicks);
	ln_dict_free(&room->looks);
	ln_dict_free(&room->visits);
}
