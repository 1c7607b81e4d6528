/*
 * What is configured and cannot be reached. See unreached.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/unreached.h"

#include "base/log.h"
#include "core/module.h"
#include "linnet/http.h"

static bool
is_first(const struct snapshot *snapshot, unsigned at)
{
	for (unsigned i = 0; i < at; i++)
		if (snapshot->mods[i]->def == snapshot->mods[at]->def)
			return false;
	return true;
}

static void
warn_of_web(const struct config_listen *listen, const struct snapshot *snapshot)
{
	if (listen->http.count + listen->https.count > 0)
		return;
	for (unsigned i = 0; i < snapshot->mod_count; i++) {
		const struct ln_module *def = snapshot->mods[i]->def;

		if (def->routes != NULL && def->routes->path != NULL && is_first(snapshot, i))
			log_warning("server",
			    "module %s is reached over HTTP, and `listen` has neither http nor "
			    "https",
			    def->name);
	}
}

void
unreached_warn(const struct config *config, const struct snapshot *snapshot)
{
	const struct config_listen *listen = &config->listen;

	if (config->host_count == 0)
		log_warning("server", "`hosts` names no domain: nobody can log in");
	if (listen->c2s.count + listen->c2s_tls.count == 0)
		log_warning("server",
		    "`listen` has neither c2s nor c2s-tls: no client can connect");
	warn_of_web(listen, snapshot);
}
