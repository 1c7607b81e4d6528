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
#include "core/idna.h"
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

/* RFC 6761, RFC 8375, RFC 6762 appendix G, and what ICANN keeps free for such use. */
static const char *const private_domains[] = { "test", "home.arpa", "internal", "lan", "local",
	"intranet", "private", "corp", "home" };

/* A-labels; NULL: it cannot be asked for in any case. */
static char *
ascii_of(const char *domain)
{
	char name[IDNA_OUT_MAX + 1];
	size_t len;

	return idna_to_ascii(domain, strlen(domain), name, &len) == IDNA_OK ? xstrndup(name, len)
									    : NULL;
}

static void
add_insecure(const struct config_dns *conf, struct resolver_config *resolver)
{
	bool is_default = conf->insecure_word == CONFIG_INSECURE_PRIVATE;
	size_t count =
	    is_default ? sizeof private_domains / sizeof *private_domains : conf->insecure.count;
	const char **list = xcalloc(count + 1, sizeof *list);

	for (size_t i = 0; i < count; i++) {
		const char *domain =
		    is_default ? private_domains[i] : ln_list_text(&conf->insecure, i);

		list[resolver->n_insecure] = ascii_of(domain);
		resolver->n_insecure += list[resolver->n_insecure] != NULL;
	}
	resolver->insecure = list;
}

static void
free_insecure(struct resolver_config *resolver)
{
	for (size_t i = 0; i < resolver->n_insecure; i++)
		free((char *)resolver->insecure[i]);
	free((const char **)resolver->insecure);
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
	add_insecure(conf, &resolver);
	resolver_open(&resolver);
	free_insecure(&resolver);
	free(servers);
	if (config->listen.s2s.count > 0 || config->listen.s2s_tls.count > 0)
		resolver_try();
}
