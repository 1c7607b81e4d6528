/*
 * mod_disco - what there is and what it can do (XEP-0030), with contact
 * addresses (XEP-0157) as an extended form (XEP-0128), and entity capabilities
 * of the host in the stream's features (XEP-0115).
 *
 * The answer is made from what the modules of the host declare; what depends
 * on state is added by the observers of disco_info and disco_items. An
 * account's are shown to those alone who may see its presence (XEP-0030 §8).
 *
 * SPDX-License-Identifier: MIT
 */
#include <linnet/module.h>

#include <stdio.h>
#include <string.h>

#include "disco/caps.h"

struct contacts_conf {
	struct ln_list abuse, admin, feedback, sales, security, status, support;
};

struct disco_conf {
	struct contacts_conf contacts;
};

/* The host's verification string, as of one configuration. */
struct disco_worker {
	unsigned generation; /* 0: not made yet */
	char ver[CAPS_VER_LEN + 1];
};

#define NS_INFO "http://jabber.org/protocol/disco#info"
#define NS_ITEMS "http://jabber.org/protocol/disco#items"
#define CAPS_NODE "urn:linnet"

#define CONTACT(field, help) LN_LIST_OF(contacts_conf, field, LN_ITEM_URI, help)
static const struct ln_option contact_options[] = { CONTACT(abuse, "Where to report abuse."),
	CONTACT(admin, "The administrators."), CONTACT(feedback, "Where to send feedback."),
	CONTACT(sales, "The sales department."),
	CONTACT(security, "Where to report a vulnerability."),
	CONTACT(status, "Where the state of the service is shown."),
	CONTACT(support, "Where users find help."), LN_OPTION_END };

static const struct ln_option options[] = {
	LN_STRUCT(disco_conf, contacts, contacts_conf, contact_options,
	    "Addresses of those who run this server (XEP-0157)."),
	LN_OPTION_END
};

/* --- contact addresses (XEP-0157) ----------------------------------------------------------- */

static struct ln_elem *
add_field(struct ln_elem *form, const char *name, const char *type)
{
	struct ln_elem *field = ln_elem_add(form, "field", NS_DATA);

	ln_set_attr(field, "var", name);
	ln_set_attr(field, "type", type);
	return field;
}

static void
add_contact(struct ln_elem *form, const char *name, const struct ln_list *addresses)
{
	struct ln_elem *field;

	if (addresses->count == 0)
		return;
	field = add_field(form, name, "list-multi");
	for (size_t i = 0; i < addresses->count; i++)
		ln_add_text(field, "value", ln_list_text(addresses, i));
}

static void
add_contacts(struct ln_elem *query, const struct contacts_conf *conf)
{
	struct ln_elem *form;

	if (conf->abuse.count + conf->admin.count + conf->feedback.count + conf->sales.count +
		conf->security.count + conf->status.count + conf->support.count ==
	    0)
		return;
	form = ln_elem_add(query, "x", NS_DATA);
	ln_set_attr(form, "type", "result");
	ln_add_text(add_field(form, "FORM_TYPE", "hidden"), "value",
	    "http://jabber.org/network/serverinfo");
	add_contact(form, "abuse-addresses", &conf->abuse);
	add_contact(form, "admin-addresses", &conf->admin);
	add_contact(form, "feedback-addresses", &conf->feedback);
	add_contact(form, "sales-addresses", &conf->sales);
	add_contact(form, "security-addresses", &conf->security);
	add_contact(form, "status-addresses", &conf->status);
	add_contact(form, "support-addresses", &conf->support);
}

/* --- what the modules declare ------------------------------------------------------------------ */

static void
add_identity(struct ln_elem *query, const char *category, const char *type, const char *name)
{
	struct ln_elem *identity = ln_elem_add(query, "identity", ln_elem_ns(query));

	ln_set_attr(identity, "category", category);
	ln_set_attr(identity, "type", type);
	ln_set_attr(identity, "name", name);
}

static bool
has_feature(const struct ln_elem *query, const char *feature)
{
	struct ln_elem *elem;

	ln_elem_foreach(elem, query)
		if (ln_elem_is(elem, "feature", NULL) &&
		    strcmp(ln_elem_attr(elem, "var"), feature) == 0)
			return true;
	return false;
}

static void
add_feature(struct ln_elem *query, const char *feature)
{
	if (!has_feature(query, feature))
		ln_set_attr(ln_elem_add(query, "feature", ln_elem_ns(query)), "var", feature);
}

static void
add_features(struct ln_elem *query, const char *const *features)
{
	for (; features != NULL && *features != NULL; features++)
		add_feature(query, *features);
}

static void
add_identities(const struct ln_host *host, struct ln_elem *query)
{
	const struct ln_mod *each;

	for (unsigned i = 0; (each = ln_host_mod_at(host, i)) != NULL; i++) {
		const struct ln_identity *identity = ln_mod_module(each)->identities;

		for (; identity != NULL && identity->category != NULL; identity++)
			add_identity(query, identity->category, identity->type, identity->name);
	}
}

static void
add_declared(const struct ln_host *host, struct ln_elem *query)
{
	const struct ln_mod *each;

	for (unsigned i = 0; (each = ln_host_mod_at(host, i)) != NULL; i++)
		add_features(query, ln_mod_module(each)->features);
}

/* Identities come before features in the schema (XEP-0030 §11.1). */
static void
describe_host(const struct ln_mod *mod, const struct ln_host *host, struct ln_elem *query)
{
	const struct disco_conf *conf = ln_conf(mod);
	bool component = ln_host_parent(host) != NULL;

	if (!component)
		add_identity(query, "server", "im", "Linnet");
	add_identities(host, query);
	add_feature(query, NS_INFO);
	add_feature(query, NS_ITEMS);
	if (!component)
		add_feature(query, NS_CAPS);
	add_declared(host, query);
	if (!component)
		add_contacts(query, &conf->contacts);
}

/* What stands beside the host under its name: rooms, uploads, external components. */
static void
list_components(const struct ln_host *host, struct ln_elem *query)
{
	const struct ln_host *component;

	const char *external;

	for (unsigned i = 0; (component = ln_host_component_at(host, i)) != NULL; i++)
		ln_set_attr(ln_elem_add(query, "item", ln_elem_ns(query)), "jid",
		    ln_host_name(component));
	for (unsigned i = 0; (external = ln_host_external_at(host, i)) != NULL; i++)
		ln_set_attr(ln_elem_add(query, "item", ln_elem_ns(query)), "jid", external);
}

static void
describe_account(const struct ln_mod *mod, struct ln_elem *query)
{
	const struct ln_mod *each;

	add_identity(query, "account", "registered", NULL);
	add_feature(query, NS_INFO);
	add_feature(query, NS_ITEMS);
	add_feature(query, NS_SID);
	for (unsigned i = 0; (each = ln_host_mod_at(ln_mod_host(mod), i)) != NULL; i++)
		add_features(query, ln_mod_module(each)->account_features);
}

/* --- capabilities (XEP-0115) ------------------------------------------------------------------------ */

/* What anybody is told who asks the host. */
static void
make_ver(const struct ln_mod *mod, struct disco_worker *mine)
{
	struct ln_stanza *answer = ln_stanza_new(LN_IQ, LN_RESULT, NULL, NULL);
	struct ln_ev_disco ev = { .host = ln_mod_host(mod), .found = true };

	ev.query = ln_add(answer, "query", NS_INFO);
	describe_host(mod, ev.host, ev.query);
	ln_fire_disco(&ev, false);
	caps_ver(ev.query, mine->ver);
	ln_stanza_free(&answer);
}

static const char *
current_ver(const struct ln_mod *mod)
{
	struct disco_worker *mine = ln_worker_state(mod);
	unsigned generation = ln_host_generation(ln_mod_host(mod));

	if (mine->generation != generation) {
		make_ver(mod, mine);
		mine->generation = generation;
	}
	return mine->ver;
}

static void
add_caps(const struct ln_mod *mod, struct ln_ev_stream_features *ev)
{
	struct ln_elem *caps;

	if (!ev->authenticated)
		return;
	caps = ln_elem_add(ev->features, "c", NS_CAPS);
	ln_set_attr(caps, "hash", "sha-1");
	ln_set_attr(caps, "node", CAPS_NODE);
	ln_set_attr(caps, "ver", current_ver(mod));
}

/* Is the node asked for that of the capabilities, as they are now? */
static bool
is_caps_node(const struct ln_mod *mod, const struct ln_ev_disco *ev)
{
	size_t len = sizeof CAPS_NODE - 1;

	return ev->account == NULL && ln_host_parent(ev->host) == NULL &&
	    strncmp(ev->node, CAPS_NODE "#", len + 1) == 0 &&
	    strcmp(ev->node + len + 1, current_ver(mod)) == 0;
}

/* --- asked --------------------------------------------------------------------------------------- */

static void
fill(const struct ln_mod *mod, struct ln_ev_disco *ev, bool items)
{
	if (ev->node != NULL && !items && is_caps_node(mod, ev))
		ev->node = NULL; /* what is known of it is what the host says of itself */
	if (ev->node == NULL) {
		ev->found = true;
		if (!items && ev->account != NULL)
			describe_account(mod, ev->query);
		else if (!items)
			describe_host(mod, ev->host, ev->query);
		else if (ev->account == NULL)
			list_components(ev->host, ev->query);
	}
	ln_fire_disco(ev, items);
}

static enum ln_verdict
answer(const struct ln_mod *mod, struct ln_ev_iq *ev, bool items)
{
	struct ln_stanza *result;
	struct ln_ev_disco asked = { .host = ev->host,
		.account = ev->account,
		.asker = ln_from(ev->stanza),
		.node = ln_elem_attr(ev->query, "node") };

	if (ev->account != NULL &&
	    (asked.asker == NULL || !ln_may_see_presence(ev->account, asked.asker)))
		return ln_refuse(ev->stanza, LN_ERR_SERVICE_UNAVAILABLE, "%s", "");
	result = ln_iq_result(ev->stanza);
	asked.query = ln_add(result, "query", ln_elem_ns(ev->query));
	ln_set_attr(asked.query, "node", asked.node);
	fill(mod, &asked, items);
	if (!asked.found || asked.forbidden) {
		ln_stanza_free(&result);
		return ln_refuse(ev->stanza,
		    asked.forbidden ? LN_ERR_FORBIDDEN : LN_ERR_ITEM_NOT_FOUND, "%s", "");
	}
	return ln_answer(ev, result);
}

static enum ln_verdict
disco_info(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	return answer(mod, ev, false);
}

static enum ln_verdict
disco_items(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	return answer(mod, ev, true);
}

static const struct ln_hook hooks[] = { LN_ON(stream_features, LN_PRIO_DEFAULT, add_caps),
	LN_HOOK_END };

static const struct ln_iq_handler iq_handlers[] = { { LN_IQ_GET, LN_TO_HOST, NS_INFO, "query",
							disco_info, false },
	{ LN_IQ_GET, LN_TO_HOST, NS_ITEMS, "query", disco_items, false },
	{ LN_IQ_GET, LN_TO_ACCOUNT, NS_INFO, "query", disco_info, false },
	{ LN_IQ_GET, LN_TO_ACCOUNT, NS_ITEMS, "query", disco_items, false }, LN_IQ_END };

LN_MODULE(disco,
    .summary =
	"XEP-0030: Service Discovery, XEP-0115: Entity Capabilities, XEP-0157: Contact Addresses",
    .conf_size = sizeof(struct disco_conf), .options = options, .hooks = hooks,
    .iq_handlers = iq_handlers, .worker_size = sizeof(struct disco_worker),
    .for_components = true, );
