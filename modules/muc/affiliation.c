/*
 * Who is what in a room, lastingly, and whose a nick is. Administrators of the
 * host own every room, so that they can help.
 *
 * SPDX-License-Identifier: MIT
 */
#include "muc/muc.h"
#include "muc/people.h"
#include "muc/talk.h"

#include <stdio.h>

#define AFFILIATED_BYTES 256 /* what one is taken for in memory */

/* Keyed by the text of a bare JID. */
static const char *
key_of(const struct ln_jid *jid, char key[LN_JID_MAX + 1])
{
	size_t len = ln_jid_bare_len(jid);

	memcpy(key, jid->full, len);
	key[len] = '\0';
	return key;
}

struct affiliated *
affiliation_find(const struct room *room, const struct ln_jid *jid)
{
	char key[LN_JID_MAX + 1];

	return ln_dict_get(room->affiliations, key_of(jid, key));
}

/* §9.2: a whole domain may be banned. */
static bool
domain_is_banned(const struct room *room, const struct ln_jid *jid)
{
	const struct affiliated *found;
	char key[LN_JID_MAX + 1];

	snprintf(key, sizeof key, "%.*s", (int)jid->domain_len, ln_jid_domain(jid));
	found = ln_dict_get(room->affiliations, key);
	return found != NULL && found->affiliation == AFF_OUTCAST;
}

enum affiliation
affiliation_of(const struct here *here, const struct ln_jid *jid)
{
	const struct affiliated *found = affiliation_find(here->room, jid);

	if (ln_is_admin(ln_mod_host(here->mod), jid))
		return AFF_OWNER;
	if (found != NULL)
		return found->affiliation;
	return domain_is_banned(here->room, jid) ? AFF_OUTCAST : AFF_NONE;
}

unsigned
affiliation_count(const struct room *room, enum affiliation affiliation)
{
	const struct affiliated *each;
	unsigned count = 0;

	TAILQ_FOREACH(each, &room->affiliated, link)
		count += each->affiliation == affiliation;
	return count;
}

const struct affiliated *
nick_owner(const struct room *room, const char *nick)
{
	char *look = nick_look(nick);
	const struct affiliated *owner = ln_dict_get(room->reserved, look);

	free(look);
	return owner;
}

static void
reserve(struct room *room, const char *nick, struct affiliated *affiliated)
{
	char *look = nick_look(nick);

	ln_dict_set(room->reserved, look, affiliated);
	free(look);
}

static void
set_nick(struct room *room, struct affiliated *affiliated, const char *nick)
{
	char *before = affiliated->nick;

	affiliated->nick = nick != NULL && *nick != '\0' ? muc_copy(nick) : NULL;
	if (before != NULL)
		reserve(room, before, NULL);
	if (affiliated->nick != NULL)
		reserve(room, affiliated->nick, affiliated);
	free(before);
}

static void
drop(struct room *room, struct affiliated *affiliated)
{
	char key[LN_JID_MAX + 1];

	set_nick(room, affiliated, NULL);
	ln_dict_set(room->affiliations, key_of(&affiliated->jid, key), NULL);
	TAILQ_REMOVE(&room->affiliated, affiliated, link);
	ln_jid_free(&affiliated->jid);
	free(affiliated->reason);
	free(affiliated);
	ln_node_memory(room->node, -AFFILIATED_BYTES);
}

static struct affiliated *
make(struct room *room, const struct ln_jid *jid)
{
	struct affiliated *affiliated = muc_alloc(sizeof *affiliated);
	char key[LN_JID_MAX + 1];
	struct ln_jid bare;

	bare = *jid;
	bare.full = key_of(jid, key);
	bare.resource_len = 0;
	ln_jid_copy(&affiliated->jid, &bare);
	ln_dict_set(room->affiliations, key, affiliated);
	TAILQ_INSERT_TAIL(&room->affiliated, affiliated, link);
	ln_node_memory(room->node, AFFILIATED_BYTES);
	return affiliated;
}

void
affiliation_put(struct room *room, const struct ln_jid *jid, enum affiliation affiliation,
    const char *nick, const char *reason)
{
	struct affiliated *affiliated = affiliation_find(room, jid);

	if (affiliation == AFF_NONE) {
		if (affiliated != NULL)
			drop(room, affiliated);
		return;
	}
	if (affiliated == NULL)
		affiliated = make(room, jid);
	affiliated->affiliation = affiliation;
	if (affiliation == AFF_OUTCAST)
		nick = ""; /* §9.1: a banned one has no nick */
	if (nick != NULL)
		set_nick(room, affiliated, nick);
	free(affiliated->reason);
	affiliated->reason = reason != NULL ? muc_copy(reason) : NULL;
}

/* --- on disk --------------------------------------------------------------------------------- */

static void
save(struct here *here, const struct ln_jid *jid)
{
	const struct affiliated *affiliated = affiliation_find(here->room, jid);
	struct ln_stanza *scratch;
	struct ln_elem *doc = NULL;
	char key[LN_JID_MAX + 1];

	if (!ln_node_stored(here->node))
		return;
	scratch = ln_stanza_new(LN_IQ, LN_SET, NULL, NULL);
	if (affiliated != NULL) {
		doc = ln_add(scratch, "item", NS_ROOM);
		ln_set_attr(doc, "affiliation", affiliation_name(affiliated->affiliation));
		ln_set_attr(doc, "nick", affiliated->nick);
		ln_append_text(doc, affiliated->reason != NULL ? affiliated->reason : "");
	}
	ln_node_value_set(here->mod, here->node, VALUE_AFFILIATION, key_of(jid, key), doc);
	ln_stanza_free(&scratch);
}

void
affiliation_set(struct here *here, const struct ln_jid *jid, enum affiliation affiliation,
    const char *nick, const char *reason)
{
	const char *maker = here->room->maker;

	affiliation_put(here->room, jid, affiliation, nick, reason);
	save(here, jid);
	if (maker != NULL && strncmp(maker, jid->full, ln_jid_bare_len(jid)) == 0 &&
	    maker[ln_jid_bare_len(jid)] == '\0')
		directory_save(here);
}

void
affiliations_save(struct here *here)
{
	const struct affiliated *each;

	TAILQ_FOREACH(each, &here->room->affiliated, link)
		save(here, &each->jid);
}

void
affiliation_read(const struct ln_mod *mod, struct ln_node *node, const char *key,
    const struct ln_elem *doc)
{
	struct room *room = ln_node_state(node);
	int affiliation = affiliation_of_name(ln_elem_attr(doc, "affiliation"));
	const char *reason = ln_elem_text(doc);
	struct ln_jid jid;

	(void)mod;
	if (affiliation >= 0 &&
	    ln_jid_parse(ln_elem_arena(doc), key, strlen(key), &jid) == LN_JID_OK)
		affiliation_put(room, &jid, (enum affiliation)affiliation,
		    ln_elem_attr(doc, "nick"), *reason != '\0' ? reason : NULL);
}

void
affiliations_free(struct room *room)
{
	while (!TAILQ_EMPTY(&room->affiliated))
		drop(room, TAILQ_FIRST(&room->affiliated));
	ln_dict_free(&room->affiliations);
	ln_dict_free(&room->reserved);
}
