/*
 * libunbound, set up. See resolver_context.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/resolver_context.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unbound.h>

#include <unbound-event.h>

#define SERVERS_MAX 8
#define ANCHOR_DEFAULT "/usr/share/dns/root.key"

/* Caches together are 16 MiB at most; the ports are those of questions that are out. */
static const char *const options[][2] = {
	{ "msg-cache-size:", "4m" },
	{ "rrset-cache-size:", "8m" },
	{ "key-cache-size:", "2m" },
	{ "neg-cache-size:", "1m" },
	{ "infra-cache-numhosts:", "1000" },
	{ "outgoing-range:", "512" },
	{ "num-queries-per-thread:", "4096" },
	{ "do-not-query-localhost:", "no" },
	{ "cache-max-negative-ttl:", "300" },
	{ "edns-buffer-size:", "1232" },
};

/*
 * Unbound answers by itself that these do not exist (RFC 6761, RFC 8375), as a
 * resolver at the border of a network should. We ask one that knows its network.
 */
static const char *const private_zones[] = { "test.", "home.arpa." };

/* --- whom to ask ------------------------------------------------------------------- */

static void
add_server(struct buf *out, const char *host, unsigned port)
{
	buf_printf(out, "%s@%u", host, port);
	buf_add_char(out, '\0');
}

/* resolv.conf(5): lines of "nameserver ADDRESS"; none: this machine. */
static void
system_servers(struct buf *out)
{
	FILE *file = fopen("/etc/resolv.conf", "re");
	char line[256], host[128];
	unsigned count = 0;

	while (file != NULL && count < SERVERS_MAX && fgets(line, sizeof line, file) != NULL) {
		if (sscanf(line, "nameserver %127s", host) != 1)
			continue;
		add_server(out, host, 53);
		count++;
	}
	if (file != NULL)
		fclose(file);
	if (count == 0)
		add_server(out, "127.0.0.1", 53);
}

void
context_servers(const struct resolver_config *config, struct buf *out)
{
	char host[NETADDR_TEXT_MAX];

	if (config->servers == NULL)
		system_servers(out);
	else
		for (size_t i = 0; i < config->n_servers; i++)
			add_server(out, netaddr_host_text(&config->servers[i], host),
			    netaddr_port(&config->servers[i]));
}

void
context_insecure(const struct resolver_config *config, struct buf *out)
{
	for (size_t i = 0; i < config->n_insecure; i++) {
		buf_add_text(out, config->insecure[i]);
		buf_add(out, ".", 2);
	}
}

static int
set_servers(struct ub_ctx *context, const struct buf *servers)
{
	int error = 0;

	for (size_t at = 0; at < servers->len && error == 0; at += strlen(servers->data + at) + 1)
		error = ub_ctx_set_fwd(context, servers->data + at);
	return error;
}

/* --- the context ------------------------------------------------------------------------ */

static int
set_anchor(struct ub_ctx *context, const char *anchor, const struct buf *insecure)
{
	int error;

	if (anchor == NULL)
		return ub_ctx_set_option(context, "module-config:", "iterator");
	for (size_t at = 0; at < insecure->len; at += strlen(insecure->data + at) + 1) {
		error = ub_ctx_set_option(context, "domain-insecure:", insecure->data + at);
		if (error != 0)
			return error;
	}
	return ub_ctx_add_ta_file(context, *anchor != '\0' ? anchor : ANCHOR_DEFAULT);
}

/* Last of all: from here on no option is taken. Fails where the anchor cannot be used. */
static int
open_private_zones(struct ub_ctx *context, const struct buf *insecure)
{
	int error = 0;

	for (size_t at = 0; at < insecure->len && error == 0; at += strlen(insecure->data + at) + 1)
		error = ub_ctx_zone_add(context, insecure->data + at, "transparent");

	for (size_t i = 0; i < sizeof private_zones / sizeof *private_zones && error == 0; i++)
		error = ub_ctx_zone_add(context, private_zones[i], "transparent");
	return error;
}

static int
set_options(struct ub_ctx *context)
{
	int error = 0;

	for (size_t i = 0; i < sizeof options / sizeof *options && error == 0; i++)
		error = ub_ctx_set_option(context, options[i][0], options[i][1]);
	return error;
}

struct ub_ctx *
context_new(struct event_base *base, const struct buf *servers, const char *anchor,
    const struct buf *insecure, bool hosts, const char **error_r)
{
	struct ub_ctx *context = ub_ctx_create_event(base);
	int error;

	if (context == NULL) {
		*error_r = "libunbound cannot start";
		return NULL;
	}
	ub_ctx_debugout(context, NULL); /* it would write to standard error */
	error = set_options(context);
	if (error == 0)
		error = set_servers(context, servers);
	if (error == 0)
		error = set_anchor(context, anchor, insecure);
	if (error == 0 && hosts)
		ub_ctx_hosts(context, NULL); /* may be absent */
	if (error == 0)
		error = open_private_zones(context, insecure);
	if (error == 0)
		return context;
	*error_r = ub_strerror(error);
	ub_ctx_delete(context);
	return NULL;
}

void
context_free(struct ub_ctx **context)
{
	if (*context != NULL)
		ub_ctx_delete(*context);
	*context = NULL;
}

bool
context_ask(struct ub_ctx *context, const char *name, int type, context_fn fn, void *arg,
    const char **error_r)
{
	int error = ub_resolve_event(context, name, type, 1, arg, fn, NULL);

	if (error != 0)
		*error_r = ub_strerror(error);
	return error == 0;
}
