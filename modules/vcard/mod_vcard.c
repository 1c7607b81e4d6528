/*
 * mod_vcard - users' cards (XEP-0054).
 *
 * One document an account, read from the disk when somebody asks. Anybody may
 * read it, the account alone may write it.
 *
 * SPDX-License-Identifier: MIT
 */
#include <linnet/module.h>

#include <string.h>

enum { CARD };

struct vcard_conf {
	int64_t max_size;
};

static const struct ln_option options[] = {
	LN_OPTION_SIZE(vcard_conf, max_size, 128 << 10, 1 << 10, 1 << 20,
	    "The largest card that is stored, with its picture."),
	LN_OPTION_END
};

static const struct ln_value values[] = { [CARD] = LN_VALUE("card", 0), LN_VALUE_END };

static void
vcard_read(const struct ln_mod *mod, struct ln_account *account, struct ln_token *token,
    const struct ln_elem *card)
{
	const struct ln_jid *asker = ln_from(ln_token_request(token));
	bool own = asker != NULL && ln_jid_same_bare(asker, ln_account_jid(account));
	struct ln_stanza *result;

	(void)mod;
	/* As if there were nobody (§3.3): addresses are not to be tried out. */
	if (card == NULL && !own) {
		ln_token_refuse(&token, LN_ERR_SERVICE_UNAVAILABLE, NULL);
		return;
	}
	result = ln_iq_result(ln_token_request(token));
	if (card != NULL)
		ln_add_copy(result, card);
	else
		ln_add(result, "vCard", NS_VCARD); /* one's own may be empty (§3.1) */
	ln_token_answer(&token, result);
}

static enum ln_verdict
vcard_get(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	struct ln_token *token;

	ln_later(ev, mod, &token);
	ln_value_read(mod, ev->account, CARD, "", token, vcard_read);
	return LN_DONE;
}

static enum ln_verdict
vcard_set(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	const struct vcard_conf *conf = ln_conf(mod);
	const char *bytes = ln_elem_print(ln_stanza_arena(ev->stanza), ev->query);

	if (!ev->own)
		return ln_refuse(ev->stanza, LN_ERR_FORBIDDEN, "This card is somebody else's.");
	if ((int64_t)strlen(bytes) > conf->max_size)
		return ln_refuse(ev->stanza, LN_ERR_NOT_ACCEPTABLE,
		    "A card has at most %lld bytes here.", (long long)conf->max_size);
	ln_value_set(mod, ev->account, CARD, "", ev->query);
	return ln_answer(ev, ln_iq_result(ev->stanza));
}

static const struct ln_iq_handler iq_handlers[] = { { LN_IQ_GET, LN_TO_ACCOUNT, "vcard-temp",
							"vCard", vcard_get, false },
	{ LN_IQ_SET, LN_TO_ACCOUNT, "vcard-temp", "vCard", vcard_set, true }, LN_IQ_END };

LN_MODULE(vcard, .summary = "XEP-0054: vcard-temp", .conf_size = sizeof(struct vcard_conf),
    .options = options, .iq_handlers = iq_handlers, .features = LN_FEATURES("vcard-temp"),
    .account_features = LN_FEATURES("vcard-temp"), .values = values, );
