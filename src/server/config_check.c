/*
 * What options must be to each other and to the machine. See config.h.
 *
 * Contents of certificates are for the TLS floor to judge (apply_tls.c); here
 * files must be there and be readable.
 *
 * SPDX-License-Identifier: MIT
 */
#include <arpa/inet.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "server/config_source.h"
#include "server/option_files.h"

static bool
is_ip(const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

/* ---- Addresses ---- */

struct listened {
	const struct ln_address *address;
	char name[40]; /* "listen.c2s-tls" */
	const struct yaml_node *node;
};

#define LISTENED_MAX 256

struct listen_check {
	struct config_making *making;
	struct listened seen[LISTENED_MAX];
	size_t count;
};

static void
check_listened(struct listen_check *check, const struct listened *new)
{
	if (strcmp(new->address->host, "*") != 0 && !is_ip(new->address->host))
		report_add(check->making->report, new->node->place,
		    "%s: `%s` is a name; allowed: an IP address or \"*\", and a port", new->name,
		    new->address->text);
	for (size_t i = 0; i < check->count && new->address->port != 0; i++) {
		const struct listened *old = &check->seen[i];

		if (old->address->port == new->address->port &&
		    strcmp(old->address->host, new->address->host) == 0)
			report_add(check->making->report, new->node->place,
			    "%s: %s is given twice; it already stands at %s:%u:%u (%s)", new->name,
			    new->address->text, old->node->place.file, old->node->place.line,
			    old->node->place.column, old->name);
	}
	if (check->count < LISTENED_MAX)
		check->seen[check->count++] = *new;
}

static void
check_service(struct listen_check *check, const struct ln_list *list, const char *service)
{
	const struct yaml_node *node =
	    yaml_get(yaml_get(check->making->source->root, "listen"), service);

	node = node != NULL ? node->first : NULL;
	for (size_t i = 0; i < list->count && node != NULL; i++, node = node->next) {
		const struct config_listen_address *item =
		    &LN_ITEM(list, struct config_listen_address, i);
		struct listened new = { .address = &item->address, .node = node };

		snprintf(new.name, sizeof new.name, "listen.%s", service);
		if (item->address.host != NULL)
			check_listened(check, &new);
	}
}

static void
check_listen(struct config_making *making)
{
	const struct config_listen *listen = &making->config->listen;
	struct listen_check check = { .making = making };

	check_service(&check, &listen->c2s, "c2s");
	check_service(&check, &listen->c2s_tls, "c2s-tls");
	check_service(&check, &listen->s2s, "s2s");
	check_service(&check, &listen->s2s_tls, "s2s-tls");
	check_service(&check, &listen->http, "http");
	check_service(&check, &listen->https, "https");
	check_service(&check, &listen->component, "component");
}

static void
check_dns(struct config_making *making)
{
	const struct ln_list *servers = &making->config->dns.servers;
	const struct yaml_node *node = yaml_get(yaml_get(making->source->root, "dns"), "servers");

	node = node != NULL ? node->first : NULL;
	for (size_t i = 0; i < servers->count && node != NULL; i++, node = node->next) {
		const struct ln_address *address = &LN_ITEM(servers, struct ln_address, i);

		if (address->host != NULL && !is_ip(address->host))
			report_add(making->report, node->place,
			    "dns.servers: `%s` is a name; allowed: an IP address, with or "
			    "without a port",
			    address->text);
	}
}

/* Addresses are compared as text, so there is one way to write each. */
static void
check_proxies(struct config_making *making)
{
	const struct ln_list *proxies = &making->config->http.trusted_proxies;
	const struct yaml_node *node =
	    yaml_get(yaml_get(making->source->root, "http"), "trusted-proxies");

	node = node != NULL ? node->first : NULL;
	for (size_t i = 0; i < proxies->count && node != NULL; i++, node = node->next) {
		const char *text = ln_list_text(proxies, i);
		unsigned char address[sizeof(struct in6_addr)];
		char plain[INET6_ADDRSTRLEN] = "";
		int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;

		if (inet_pton(family, text, address) == 1)
			inet_ntop(family, address, plain, sizeof plain);
		if (*plain == '\0')
			report_add(making->report, node->place,
			    "http.trusted-proxies: `%s` is no IP address", text);
		else if (strcmp(plain, text) != 0)
			report_add(making->report, node->place,
			    "http.trusted-proxies: write `%s` as `%s`", text, plain);
	}
}

/* A part of the server that there is not would never be heard of. */
static void
check_log(struct config_making *making)
{
	const struct ln_map *components = &making->config->log.components;
	const struct yaml_node *node = yaml_get(making->source->root, "log");
	struct buf names = BUF_INIT;

	node = node != NULL ? yaml_get(node, "components") : NULL;
	node = node != NULL ? node->first : NULL;
	for (const char *const *at = log_components; *at != NULL; at++)
		buf_printf(&names, "%s%s", at == log_components ? "" : ", ", *at);
	for (size_t i = 0; i < components->count && node != NULL; i++, node = node->next)
		if (!log_is_component(components->keys[i]))
			report_add(making->report, node->key_place,
			    "log.components: `%s` is no part of the server; allowed: %s",
			    components->keys[i], names.data);
	buf_free(&names);
}

static void
check_components(struct config_making *making)
{
	const struct ln_map *components = &making->config->components;
	const struct yaml_node *node = yaml_get(making->source->root, "components");

	node = node != NULL ? node->first : NULL;
	for (size_t i = 0; i < components->count && node != NULL; i++, node = node->next)
		if (config_host(making->config, components->keys[i]) != NULL)
			report_add(making->report, node->key_place,
			    "components: %s is one of the hosts; a component has a domain of its "
			    "own",
			    components->keys[i]);
}

/* ---- Files ---- */

static void
check_file(struct config_making *making, const struct config_host *host, const char *option,
    const char *file)
{
	const char *problem = file != NULL ? option_file_check(file) : NULL;

	if (problem != NULL)
		report_add(making->report,
		    config_place(making->config, host, option, making->source->root->place),
		    "%s: %s %s", option, file, problem);
}

static bool
needs_certificate(const struct config *config, const struct config_host *host)
{
	const struct config_listen *listen = &config->listen;

	return (listen->c2s.count > 0 && host->c2s.tls == CONFIG_TLS_REQUIRED) ||
	    (listen->s2s.count > 0 && host->s2s.tls == CONFIG_TLS_REQUIRED) ||
	    listen->c2s_tls.count > 0 || listen->s2s_tls.count > 0 || listen->https.count > 0;
}

static void
check_certificate(struct config_making *making, const struct config_host *host)
{
	const struct config *config = making->config;
	struct place place = config_host_node(making, host)->key_place;
	const char *directory = config->tls.certificates;

	check_file(making, host, "certificate", host->certificate);
	check_file(making, host, "key", host->key);
	if (host->key != NULL && host->certificate == NULL)
		report_add(making->report, config_place(making->config, host, "key", place),
		    "key: there is no `certificate` beside it");
	if (host->certificate != NULL || directory == NULL || !needs_certificate(config, host))
		return;
	if (access(directory, R_OK | X_OK) != 0)
		report_add(making->report,
		    config_place(making->config, NULL, "tls.certificates", place),
		    "%s has no certificate: the directory tls.certificates, %s, cannot be read; "
		    "allowed: a directory of certificates there, or `certificate` and `key` of "
		    "the host",
		    host->name, directory);
}

/* Only root becomes somebody else. */
static void
check_user(struct config_making *making)
{
	const char *user = making->config->user;
	struct place place = config_place(making->config, NULL, "user", (struct place){ 0 });

	if (geteuid() == 0 && user != NULL && place.line != 0 && getpwnam(user) == NULL)
		report_add(making->report, place,
		    "user: there is no `%s` on this machine; allowed: a user who is in its "
		    "/etc/passwd",
		    user);
}

void
config_check_files(struct config_making *making)
{
	const struct config *config = making->config;

	check_listen(making);
	check_dns(making);
	check_proxies(making);
	check_components(making);
	check_log(making);
	check_user(making);
	check_file(making, NULL, "tls.authorities", config->tls.authorities);
	check_file(making, NULL, "dns.trust-anchor", config->dns.trust_anchor);
	for (size_t i = 0; i < config->host_count; i++)
		check_certificate(making, &config->hosts[i]);
}
