/*
 * The room's own card and picture (XEP-0054, XEP-0153, XEP-0486): the card is a
 * document on disk, its picture's hash is part of the configuration.
 *
 * SPDX-License-Identifier: MIT
 */
#include "muc/muc.h"
#include "muc/people.h"
#include "muc/talk.h"

#include <linnet/base64.h>
#include <linnet/credentials.h>

#include <stdio.h>

#define CARD_MAX ((size_t)128 << 10)

static void
card_read(const struct ln_mod *mod, struct ln_node *node, struct ln_token *token,
    const struct ln_elem *card)
{
	struct ln_stanza *result;

	(void)mod;
	(void)node;
	if (ln_token_request(token) == NULL || card == NULL) {
		ln_token_refuse(&token, LN_ERR_ITEM_NOT_FOUND, NULL);
		return;
	}
	result = ln_iq_result(ln_token_request(token));
	ln_add_copy(result, card);
	ln_token_answer(&token, result);
}

enum ln_verdict
vcard_get(struct here *here, struct ln_ev_iq *ev)
{
	struct ln_token *token;

	if (!ln_node_stored(here->node))
		return ln_refuse(ev->stanza, LN_ERR_ITEM_NOT_FOUND, "%s", "");
	ln_later(ev, here->mod, &token);
	ln_node_value_read(here->mod, here->node, VALUE_VCARD, "", token, card_read);
	return LN_DONE;
}

/* Base64 with white space between, as clients write it. */
static size_t
without_space(const char *from, char *to)
{
	size_t len = 0;

	for (; *from != '\0'; from++)
		if (strchr(" \t\r\n", *from) == NULL)
			to[len++] = *from;
	to[len] = '\0';
	return len;
}

/* The SHA-1 of the picture in hexadecimal digits; NULL: it has none. */
static char *
picture_hash(const struct ln_elem *card)
{
	const struct ln_elem *photo = ln_elem_child(card, "PHOTO", NS_VCARD);
	const char *text = photo != NULL ? ln_elem_child_text(photo, "BINVAL", NS_VCARD) : NULL;
	uint8_t digest[LN_SCRAM_KEY_MAX], *bytes;
	char *plain, *hash;
	ssize_t len;

	if (text == NULL)
		return NULL;
	plain = muc_alloc(strlen(text) + 1);
	bytes = muc_alloc(LN_BASE64_BYTES(strlen(text)) + 1);
	len = ln_base64_decode(plain, without_space(text, plain), bytes);
	hash = len > 0 ? muc_alloc(2 * 20 + 1) : NULL;
	if (hash != NULL) {
		ln_scram_digest(LN_SCRAM_SHA_1, bytes, (size_t)len, digest);
		for (int i = 0; i < 20; i++)
			snprintf(hash + 2 * i, 3, "%02x", digest[i]);
	}
	free(plain);
	free(bytes);
	return hash;
}

static struct ln_stanza *
make_update(struct here *here, const struct ln_jid *to)
{
	struct ln_stanza *st =
	    ln_stanza_new(LN_PRESENCE, LN_AVAILABLE, ln_node_jid(here->node), to);
	struct ln_elem *x = ln_add(st, "x", NS_VCARD_UPDATE);

	ln_add_text(x, "photo", here->room->avatar != NULL ? here->room->avatar : "");
	return st;
}

void
avatar_tell(struct here *here, const struct visit *visit)
{
	if (here->room->avatar != NULL)
		ln_node_send(here->node, make_update(here, &visit->jid));
}

static void
tell_all(struct here *here)
{
	struct fanout *out = ln_fan_out_new(make_update(here, NULL));
	static const int codes[] = { 104, 0 };
	const struct occupant *occupant;
	const struct visit *visit;

	TAILQ_FOREACH(occupant, &here->room->occupants, link)
		TAILQ_FOREACH(visit, &occupant->visits, link)
			ln_fan_out_add(out, &visit->jid);
	ln_fan_out_send(here->node, out);
	presence_tell_codes(here, codes);
}

enum ln_verdict
vcard_set(struct here *here, struct ln_ev_iq *ev)
{
	const char *bytes = ln_elem_print(ln_stanza_arena(ev->stanza), ev->query);

	if (affiliation_of(here, ln_from(ev->stanza)) != AFF_OWNER)
		return ln_refuse(ev->stanza, LN_ERR_FORBIDDEN, "Only owners give a room its card.");
	if (!ln_node_stored(here->node))
		return ln_refuse(ev->stanza, LN_ERR_NOT_ACCEPTABLE,
		    "A temporary room has no card.");
	if (strlen(bytes) > CARD_MAX)
		return ln_refuse(ev->stanza, LN_ERR_NOT_ACCEPTABLE, "A card has at most 128 KiB.");
	free(here->room->avatar);
	here->room->avatar = picture_hash(ev->query);
	ln_node_value_set(here->mod, here->node, VALUE_VCARD, "", ev->query);
	room_save(here);
	ln_answer(ev, ln_iq_result(ev->stanza));
	tell_all(here);
	return LN_DONE;
}
