/*
 * mod_version - say what software runs here (XEP-0092, Software Version).
 *
 * Answers the jabber:iq:version query sent to the host. The operating system
 * is left out unless the operator asks for it: naming it helps an attacker
 * more than it helps a friend.
 *
 * SPDX-License-Identifier: MIT
 */
#include <linnet/module.h>

#include <sys/utsname.h>

#define NS_VERSION "jabber:iq:version"

struct version_conf {
	bool show_os;
};

static const struct ln_option options[] = { LN_OPTION_BOOL(version_conf, show_os, false,
						"Name the operating system in the answer."),
	LN_OPTION_END };

static enum ln_verdict
version_get(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	const struct version_conf *conf = ln_conf(mod);
	struct ln_stanza *result = ln_iq_result(ev->stanza);
	struct ln_elem *query = ln_add(result, "query", NS_VERSION);
	struct utsname os;

	ln_add_text(query, "name", "Linnet");
	ln_add_text(query, "version", ln_version());
	if (conf->show_os && uname(&os) == 0)
		ln_add_text(query, "os", os.sysname);

	return ln_answer(ev, result);
}

static const struct ln_iq_handler iq_handlers[] = {
	{ LN_IQ_GET, LN_TO_HOST, NS_VERSION, "query", version_get }, LN_IQ_END
};

LN_MODULE(version, .summary = "XEP-0092: Software Version",
    .conf_size = sizeof(struct version_conf), .options = options, .iq_handlers = iq_handlers,
    .features = LN_FEATURES(NS_VERSION), .for_components = true, );
