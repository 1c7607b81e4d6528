/*
 * Whom the resolver asks and what it believes. See apply_dns.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/apply_dns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "net/resolver.h"

#define DNS_PORT 53

/* What the configuration's check let pass is an address. */
static void
server_address(const struct ln_address *from, struct netaddr *to)
{
	bool v6 = strchr(from->host, ':') != NULL;
	char text[NETADDR_TEXT_MAX];

	snprintf(text, sizeof text, v6 ? "[%.45s]:%d" : "%.45s:%d", from->host,
	    from->port != 0 ? (int)from->port : DNS_PORT);
	netaddr_parse(to, text);
}

static enum resolver_anchor
anchor_of(const struct config_dns *conf)
{
	if (conf->trust_anchor_word == CONFIG_ANCHOR_AUTO)
		return RESOLVER_ANCHOR_AUTO;
	return conf->trust_anchor_word == CONFIG_ANCHOR_NONE ? RESOLVER_ANCHOR_NONE
							     : RESOLVER_ANCHOR_FILE;
}

void
apply_dns(const struct config *config)
{
	const struct config_dns *conf = &config->dns;
	struct netaddr *servers = xcalloc(conf->servers.count + 1, sizeof *servers);
	struct resolver_config resolver = {
		.anchor = anchor_of(conf),
		.anchor_file = conf->trust_anchor,
	};

	for (size_t i = 0; i < conf->servers.count; i++)
		server_address(&LN_ITEM(&conf->servers, struct ln_address, i), &servers[i]);
	if (conf->servers_word != CONFIG_DNS_SYSTEM) {
		resolver.servers = servers;
		resolver.n_servers = conf->servers.count;
	}
	resolver_open(&resolver);
	free(servers);
	if (config->listen.s2s.count > 0 || config->listen.s2s_tls.count > 0)
		resolver_try();
}
