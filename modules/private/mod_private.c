/*
 * mod_private - documents that a user keeps for himself (XEP-0049).
 *
 * One document an element name and namespace, read from the disk when asked
 * for: bookmarks of older clients, their settings.
 *
 * SPDX-License-Identifier: MIT
 */
#include <linnet/module.h>

#include <stdio.h>
#include <string.h>

enum { DOCUMENT };
#define KEY_MAX 512

struct private_conf {
	int64_t max_size;
};

static const struct ln_option options[] = { LN_OPTION_SIZE(private_conf, max_size, 64 << 10,
						1 << 10, 1 << 20,
						"The largest document that is stored."),
	LN_OPTION_END };

static const struct ln_value values[] = { [DOCUMENT] = LN_VALUE("document", 0), LN_VALUE_END };

/* §4: a namespace of its own; those of the protocol are reserved. */
static bool
storable(const struct ln_elem *elem)
{
	static const char *const reserved[] = { "", "jabber:client", "jabber:server",
		"jabber:iq:private", "vcard-temp" };

	for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
		if (strcmp(ln_elem_ns(elem), reserved[i]) == 0)
			return false;
	return strlen(ln_elem_ns(elem)) + strlen(ln_elem_name(elem)) + 2 < KEY_MAX;
}

static const char *
key_of(const struct ln_elem *elem, char key[KEY_MAX])
{
	snprintf(key, KEY_MAX, "%s %s", ln_elem_name(elem), ln_elem_ns(elem));
	return key;
}

static void
private_read(const struct ln_mod *mod, struct ln_account *account, struct ln_token *token,
    const struct ln_elem *doc)
{
	const struct ln_stanza *request = ln_token_request(token);
	struct ln_stanza *result;
	struct ln_elem *query;

	(void)mod;
	(void)account;
	if (request == NULL) { /* the deadline has answered */
		ln_token_refuse(&token, LN_ERR_INTERNAL_SERVER_ERROR, NULL);
		return;
	}
	result = ln_iq_result(request);
	query = ln_add(result, "query", NS_PRIVATE);
	/* What was never stored comes back as it was asked for: empty (§3). */
	ln_elem_add_copy(query, doc != NULL ? doc : ln_elem_first(ln_first(request)));
	ln_token_answer(&token, result);
}

static enum ln_verdict
private_get(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	const struct ln_elem *elem = ln_elem_first(ev->query);
	struct ln_token *token;
	char key[KEY_MAX];

	if (!ev->own)
		return ln_refuse(ev->stanza, LN_ERR_FORBIDDEN, "This is somebody else's.");
	if (elem == NULL || ln_elem_next(elem) != NULL)
		return ln_refuse(ev->stanza, LN_ERR_BAD_REQUEST, "Ask for one document.");
	if (!storable(elem))
		return ln_refuse(ev->stanza, LN_ERR_NOT_ACCEPTABLE, "A reserved namespace.");
	key_of(elem, key);
	ln_later(ev, mod, &token);
	ln_value_read(mod, ev->account, DOCUMENT, key, token, private_read);
	return LN_DONE;
}

static enum ln_verdict
private_set(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	const struct private_conf *conf = ln_conf(mod);
	struct ln_elem *elem;
	char key[KEY_MAX];

	if (!ev->own)
		return ln_refuse(ev->stanza, LN_ERR_FORBIDDEN, "This is somebody else's.");
	if (ln_elem_first(ev->query) == NULL)
		return ln_refuse(ev->stanza, LN_ERR_BAD_REQUEST, "There is no document in it.");
	ln_elem_foreach(elem, ev->query)
		if (!storable(elem))
			return ln_refuse(ev->stanza, LN_ERR_NOT_ACCEPTABLE,
			    "A reserved namespace.");
	if ((int64_t)strlen(ln_elem_print(ln_stanza_arena(ev->stanza), ev->query)) > conf->max_size)
		return ln_refuse(ev->stanza, LN_ERR_NOT_ACCEPTABLE,
		    "A document has at most %lld bytes here.", (long long)conf->max_size);
	ln_elem_foreach(elem, ev->query)
		ln_value_set(mod, ev->account, DOCUMENT, key_of(elem, key), elem);
	return ln_answer(ev, ln_iq_result(ev->stanza));
}

static const struct ln_iq_handler iq_handlers[] = { { LN_IQ_GET, LN_TO_ACCOUNT, "jabber:iq:private",
							"query", private_get, false },
	{ LN_IQ_SET, LN_TO_ACCOUNT, "jabber:iq:private", "query", private_set, true }, LN_IQ_END };

LN_MODULE(private, .summary = "XEP-0049: Private XML Storage",
    .conf_size = sizeof(struct private_conf), .options = options, .iq_handlers = iq_handlers,
    .features = LN_FEATURES("jabber:iq:private"), .values = values, );
