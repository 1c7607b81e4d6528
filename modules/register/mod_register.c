/*
 * mod_register - registration, change of password and removal by the user
 * himself (XEP-0077).
 *
 * Registering comes before login, from a client that has no address; off
 * unless the operator allows it, and limited per address, tries that met a
 * taken name included: that answer is the one thing the XEP makes us tell
 * strangers about accounts. Changing the password and removing the account are
 * for whoever is logged in, and always possible.
 *
 * SPDX-License-Identifier: MIT
 */
#include <linnet/module.h>
#include <linnet/credentials.h>
#include <linnet/form.h>
#include <linnet/registry.h>

#include <string.h>

#define NS_REGISTER "jabber:iq:register"
#define DAY_MS 86400000

struct register_conf {
	bool allow;
	struct ln_rate per_address;
	ln_msec keep_names;
	const char *instructions;
};

static const struct ln_option options[] = { LN_OPTION_BOOL(register_conf, allow, false,
						"Whether strangers may make accounts."),
	LN_OPTION_RATE(register_conf, per_address, 5, 3600000,
	    "How often an address (of IPv6: a /64) may try to register.", .flags = LN_MAY_BE_OFF),
	LN_OPTION_DURATION(register_conf, keep_names, INT64_C(30) * DAY_MS, 0, INT64_C(30) * DAY_MS,
	    "How long nobody can register the name of an account that was deleted."),
	LN_OPTION_STRING(register_conf, instructions,
	    "Choose a username and a password for use with this service.",
	    "What a client shows above the form."),
	LN_OPTION_END };

enum { REGISTERED, REFUSED, CHANGED, REMOVED };
static const struct ln_metric metrics[] = { [REGISTERED] = { "registered_total",
						"Accounts that strangers made." },
	[REFUSED] = { "refused_total", "Registrations, changes and removals refused." },
	[CHANGED] = { "changed_total", "Passwords changed by users." },
	[REMOVED] = { "removed_total", "Accounts removed by their users." },
	LN_METRIC_END };

/* New passwords of one account: each costs a run of the slow hash. */
static const struct ln_rate changes = { 10, 60000 };

/* --- refusals: a row each, with the code that XEP-0077 §9 still asks for ------------------------ */

enum refusal {
	OFF,
	INCOMPLETE,
	BAD_NAME,
	TAKEN,
	TOO_OFTEN,
	BUSY,
	BROKEN,
	NOT_REGISTERED,
	NO_PASSWORD,
	NOT_ALONE,
	NOT_YOURS,
	NOT_HERE
};

static const struct {
	enum ln_error error;
	enum ln_error_type type;
	const char *code; /* XEP-0086 */
	const char *text;
} refusals[] = {
	[OFF] = { LN_ERR_SERVICE_UNAVAILABLE, LN_ETYPE_CANCEL, "503",
	    "Accounts are made by the administrators." },
	[INCOMPLETE] = { LN_ERR_NOT_ACCEPTABLE, LN_ETYPE_MODIFY, "406",
	    "A username and a password are needed." },
	[BAD_NAME] = { LN_ERR_JID_MALFORMED, LN_ETYPE_MODIFY, "400", "This can't be a username." },
	[TAKEN] = { LN_ERR_CONFLICT, LN_ETYPE_CANCEL, "409", "This username is taken." },
	[TOO_OFTEN] = { LN_ERR_NOT_ACCEPTABLE, LN_ETYPE_WAIT, "406",
	    "Too many attempts. Try again later." },
	[BUSY] = { LN_ERR_RESOURCE_CONSTRAINT, LN_ETYPE_WAIT, "500",
	    "The server is busy. Try again." },
	[BROKEN] = { LN_ERR_INTERNAL_SERVER_ERROR, LN_ETYPE_WAIT, "500", NULL },
	[NOT_REGISTERED] = { LN_ERR_UNEXPECTED_REQUEST, LN_ETYPE_WAIT, "400", "Log in first." },
	[NO_PASSWORD] = { LN_ERR_BAD_REQUEST, LN_ETYPE_MODIFY, "400",
	    "No password, or one with characters that none may have." },
	[NOT_ALONE] = { LN_ERR_BAD_REQUEST, LN_ETYPE_MODIFY, "400", "<remove/> stands alone." },
	[NOT_YOURS] = { LN_ERR_FORBIDDEN, LN_ETYPE_AUTH, "403",
	    "You can change your own account alone." },
	[NOT_HERE] = { LN_ERR_SERVICE_UNAVAILABLE, LN_ETYPE_CANCEL, "503", NULL },
};

/* What was sent is not sent back: it holds a password. */
static struct ln_stanza *
refusal(const struct ln_stanza *request, enum refusal why)
{
	struct ln_stanza *reply =
	    ln_error_reply(request, refusals[why].error, refusals[why].type, refusals[why].text);

	ln_strip(reply, "query", NS_REGISTER, NULL, NULL);
	ln_set_attr((struct ln_elem *)ln_child(reply, "error", NULL), "code", refusals[why].code);
	return reply;
}

static enum ln_verdict
refuse(const struct ln_mod *mod, struct ln_ev_iq *ev, enum refusal why)
{
	ln_count(mod, REFUSED);
	return ln_answer(ev, refusal(ev->stanza, why));
}

static void
refuse_later(const struct ln_mod *mod, struct ln_token *token, enum refusal why)
{
	struct ln_stanza *reply = refusal(ln_token_request(token), why);

	ln_count(mod, REFUSED);
	ln_token_answer(&token, reply);
}

static enum refusal
refusal_of(enum ln_registry_outcome outcome)
{
	switch (outcome) {
	case LN_REGISTRY_TAKEN:
	case LN_REGISTRY_RESERVED:
		return TAKEN;
	case LN_REGISTRY_BUSY:
		return BUSY;
	case LN_REGISTRY_ABSENT:
		return NOT_HERE;
	default:
		return BROKEN;
	}
}

/* What the registry said; `count` is the metric of success. */
static void
finish(const struct ln_mod *mod, struct ln_token *token, enum ln_registry_outcome outcome,
    unsigned count)
{
	if (outcome != LN_REGISTRY_OK) {
		refuse_later(mod, token, refusal_of(outcome));
		return;
	}
	ln_count(mod, count);
	ln_token_answer(&token, ln_iq_result(ln_token_request(token)));
}

static void
made(const struct ln_mod *mod, struct ln_token *token, enum ln_registry_outcome outcome)
{
	finish(mod, token, outcome, REGISTERED);
}

static void
changed(const struct ln_mod *mod, struct ln_token *token, enum ln_registry_outcome outcome)
{
	finish(mod, token, outcome, CHANGED);
}

/* --- fields: of a form, which comes first, or of the query (§4) ----------------------------------- */

static bool
is_ours(const struct ln_elem *form)
{
	return ln_form_is(form, NS_REGISTER) || ln_form_is(form, NS_REGISTER ":changepassword");
}

/* NULL: it is not there, or empty. */
static const char *
field_of(const struct ln_elem *query, const char *name)
{
	const struct ln_elem *form = ln_form_find(query, "submit");
	const char *text = NULL;

	if (ln_elem_child(query, "x", NS_DATA) == NULL)
		text = ln_elem_child_text(query, name, NS_REGISTER);
	else if (form != NULL && is_ours(form))
		text = ln_form_text(form, name);
	return text != NULL && text[0] != '\0' ? text : NULL;
}

static void
add_form(struct ln_elem *query, const char *instructions)
{
	struct ln_elem *form = ln_form_add(query, "form", NS_REGISTER);

	ln_form_title(form, "Registration");
	ln_form_instructions(form, instructions);
	ln_form_require(ln_form_field(form, "username", "text-single", "Username"));
	ln_form_require(ln_form_field(form, "password", "text-private", "Password"));
}

/* --- before login (§3.1) ------------------------------------------------------------------------------ */

static void
announce(const struct ln_mod *mod, struct ln_ev_stream_features *ev)
{
	const struct register_conf *conf = ln_conf(mod);

	if (conf->allow && ev->may_login)
		ln_elem_add(ev->features, "register", "http://jabber.org/features/iq-register");
}

static enum ln_verdict
show_form(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	const struct register_conf *conf = ln_conf(mod);
	struct ln_stanza *result;
	struct ln_elem *query;

	if (!conf->allow)
		return refuse(mod, ev, OFF);
	result = ln_iq_result(ev->stanza);
	query = ln_add(result, "query", NS_REGISTER);
	ln_add_text(query, "instructions", conf->instructions);
	ln_elem_add(query, "username", NS_REGISTER);
	ln_elem_add(query, "password", NS_REGISTER);
	add_form(query, conf->instructions);
	return ln_answer(ev, result);
}

static enum ln_verdict
make_account(const struct ln_mod *mod, struct ln_ev_iq *ev, const char *name, const char *password)
{
	const struct register_conf *conf = ln_conf(mod);
	struct arena *arena = ln_stanza_arena(ev->stanza);
	struct ln_token *token;
	struct ln_jid jid;

	if (ln_jid_make(arena, name, ln_host_name(ev->host), NULL, &jid) != LN_JID_OK)
		return refuse(mod, ev, BAD_NAME);
	if (!ln_limit(mod, ev->early->network, conf->per_address, 1))
		return refuse(mod, ev, TOO_OFTEN);
	ln_log(mod, LN_LOG_INFO, "registration user=%s address=%s tls=%s", jid.full,
	    ev->early->address, ev->early->secure ? "yes" : "no");
	ln_later(ev, mod, &token);
	ln_registry_create(mod, &jid, password, ln_ms(conf->keep_names), token, made);
	return LN_DONE;
}

static enum ln_verdict
register_account(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	const struct register_conf *conf = ln_conf(mod);
	const char *name = field_of(ev->query, "username");
	const char *password = field_of(ev->query, "password"), *prepared;
	enum ln_verdict verdict;

	ln_stanza_secret(ev->stanza);
	if (ln_elem_child(ev->query, "remove", NS_REGISTER) != NULL)
		return refuse(mod, ev, NOT_REGISTERED);
	if (!conf->allow)
		return refuse(mod, ev, OFF);
	if (name == NULL || password == NULL ||
	    !ln_password_prepare(ln_stanza_arena(ev->stanza), password, strlen(password),
		&prepared))
		return refuse(mod, ev, INCOMPLETE);
	verdict = make_account(mod, ev, name, prepared);
	ln_wipe((char *)prepared, strlen(prepared));
	return verdict;
}

/* --- with an account (§3.2, §3.3) --------------------------------------------------------------------- */

/* The account that asks about itself, by whatever address; NULL: somebody else. */
static struct ln_account *
asker(const struct ln_ev_iq *ev)
{
	struct ln_account *account;

	if (ev->session == NULL)
		return NULL;
	account = ln_session_account(ev->session);
	if (ev->account != NULL ? !ev->own : ln_account_host(account) != ev->host)
		return NULL;
	return account;
}

static const char *
local_of(struct arena *arena, const struct ln_jid *jid)
{
	const char *local = NULL;

	ln_jid_prepare_local(arena, ln_jid_local(jid), jid->local_len, &local);
	return local;
}

static enum ln_verdict
show_account(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	struct ln_account *account = asker(ev);
	struct ln_stanza *result;
	struct ln_elem *query;

	if (account == NULL)
		return refuse(mod, ev, NOT_HERE);
	result = ln_iq_result(ev->stanza);
	query = ln_add(result, "query", NS_REGISTER);
	ln_elem_add(query, "registered", NS_REGISTER);
	ln_add_text(query, "instructions", "To change your password, enter a new one.");
	ln_add_text(query, "username", local_of(ln_stanza_arena(result), ln_account_jid(account)));
	ln_elem_add(query, "password", NS_REGISTER);
	return ln_answer(ev, result);
}

static enum ln_verdict
remove_account(const struct ln_mod *mod, struct ln_ev_iq *ev, struct ln_account *account)
{
	struct ln_token *token;

	if (ln_elem_count(ev->query) != 1)
		return refuse(mod, ev, NOT_ALONE);
	ln_log(mod, LN_LOG_INFO, "account removed by its user user=%s",
	    ln_account_jid(account)->full);
	ln_count(mod, REMOVED);
	ln_later(ev, mod, &token);
	ln_registry_remove(account, token);
	return LN_DONE;
}

/* A username, or as in the form of §3.3 a whole address; absent it can only be one's own. */
static bool
is_own_name(struct arena *arena, const struct ln_jid *own, const char *name)
{
	struct ln_jid jid;
	const char *local;

	if (name == NULL)
		return true;
	if (strchr(name, '@') != NULL)
		return ln_jid_parse(arena, name, strlen(name), &jid) == LN_JID_OK &&
		    ln_jid_same(&jid, own);
	return ln_jid_prepare_local(arena, name, strlen(name), &local) == LN_JID_OK &&
	    strlen(local) == own->local_len &&
	    memcmp(local, ln_jid_local(own), own->local_len) == 0;
}

static enum ln_verdict
change_password(const struct ln_mod *mod, struct ln_ev_iq *ev, struct ln_account *account)
{
	const struct ln_jid *own = ln_account_jid(account);
	const char *password = field_of(ev->query, "password"), *prepared;
	struct arena *arena = ln_stanza_arena(ev->stanza);
	struct ln_token *token;

	ln_stanza_secret(ev->stanza);
	if (!is_own_name(arena, own, field_of(ev->query, "username")))
		return refuse(mod, ev, NOT_YOURS);
	if (password == NULL || !ln_password_prepare(arena, password, strlen(password), &prepared))
		return refuse(mod, ev, NO_PASSWORD);
	if (!ln_limit(mod, own->full, changes, 1)) {
		ln_wipe((char *)prepared, strlen(prepared));
		return refuse(mod, ev, BUSY);
	}
	ln_later(ev, mod, &token);
	ln_registry_set_password(mod, own, prepared, token, changed);
	ln_wipe((char *)prepared, strlen(prepared));
	return LN_DONE;
}

static enum ln_verdict
change_account(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	struct ln_account *account = asker(ev);

	if (account == NULL)
		return refuse(mod, ev, NOT_HERE);
	if (ln_elem_child(ev->query, "remove", NS_REGISTER) != NULL)
		return remove_account(mod, ev, account);
	return change_password(mod, ev, account);
}

static const struct ln_hook hooks[] = { LN_ON(stream_features, LN_PRIO_DEFAULT, announce),
	LN_HOOK_END };

static const struct ln_iq_handler iq_handlers[] = { { LN_IQ_GET, LN_BEFORE_LOGIN, NS_REGISTER,
							"query", show_form, false },
	{ LN_IQ_SET, LN_BEFORE_LOGIN, NS_REGISTER, "query", register_account, true },
	{ LN_IQ_GET, LN_TO_HOST, NS_REGISTER, "query", show_account, false },
	{ LN_IQ_SET, LN_TO_HOST, NS_REGISTER, "query", change_account, true },
	{ LN_IQ_GET, LN_TO_ACCOUNT, NS_REGISTER, "query", show_account, false },
	{ LN_IQ_SET, LN_TO_ACCOUNT, NS_REGISTER, "query", change_account, true }, LN_IQ_END };

LN_MODULE(register, .summary = "XEP-0077: In-Band Registration",
    .conf_size = sizeof(struct register_conf), .options = options, .hooks = hooks,
    .iq_handlers = iq_handlers, .features = LN_FEATURES(NS_REGISTER), .metrics = metrics, );
