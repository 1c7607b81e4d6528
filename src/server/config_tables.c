/*
 * The server's own options: one row each. See linnet/option.h for the macros,
 * config.h for the structs. The order is that of the sample configuration.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/config_tables.h"

#include "base/log.h"
#include "server/config.h"

#define KIB ((int64_t)1 << 10)
#define MIB ((int64_t)1 << 20)
#define GIB ((int64_t)1 << 30)
#define SECOND ((int64_t)1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* ---- log ---- */

static const struct ln_name log_to_names[] = {
	{ "stderr", CONFIG_LOG_STDERR, NULL },
	{ "syslog", CONFIG_LOG_SYSLOG, NULL },
	LN_NAME_END,
};

static const struct ln_name log_level_names[] = {
	{ "error", LOG_LEVEL_ERROR, NULL },
	{ "warning", LOG_LEVEL_WARNING, NULL },
	{ "info", LOG_LEVEL_INFO, NULL },
	{ "debug", LOG_LEVEL_DEBUG, NULL },
	LN_NAME_END,
};

static const struct ln_name log_format_names[] = {
	{ "text", LOG_FORMAT_TEXT, NULL },
	{ "json", LOG_FORMAT_JSON, NULL },
	LN_NAME_END,
};

static const struct ln_option log_rows[] = {
	LN_OR(config_log, to_word, log_to_names, CONFIG_LOG_STDERR,
	    LN_OPTION_PATH(config_log, to, NULL,
		"Where lines go: standard error, syslog, or a file, which is opened again on "
		"SIGHUP.")),
	LN_OPTION_ENUM(config_log, level, log_level_names, LOG_LEVEL_INFO,
	    "The least important lines that are written."),
	LN_OPTION_ENUM(config_log, format, log_format_names, LOG_FORMAT_TEXT,
	    "Lines for people, or JSON objects, one a line."),
	LN_MAP_OF(config_log, components, LN_ITEM_ENUM(log_level_names),
	    "Levels of single parts of the server, such as {net: debug}: accounts, c2s, control, "
	    "core, dns, http, log, module, net, s2s, server, store, stream."),
	LN_OPTION_END,
};

/* ---- listen ---- */

static const struct ln_option listen_address_rows[] = {
	LN_OPTION_ADDRESS(config_listen_address, address, NULL, 0,
	    "Address and port; \"*\" is every IPv4 and IPv6 address, port 0 any free one.",
	    .flags = LN_REQUIRED),
	LN_OPTION_BOOL(config_listen_address, proxy_protocol, false,
	    "Every connection begins with a PROXY protocol header that names the real peer."),
	LN_OPTION_END,
};

#define LISTEN(service, help)                                                                  \
	LN_LIST_OF(config_listen, service,                                                     \
	    LN_ITEM_STRUCT(config_listen_address, listen_address_rows, .flags = LN_SHORTHAND), \
	    help)

static const struct ln_option listen_rows[] = {
	LISTEN(c2s, "Addresses for clients, with STARTTLS."),
	LISTEN(c2s_tls, "Addresses for clients, TLS from the first byte."),
	LISTEN(s2s, "Addresses for other servers, with STARTTLS."),
	LISTEN(s2s_tls, "Addresses for other servers, TLS from the first byte."),
	LISTEN(http, "Addresses for plain HTTP, for a proxy in front."),
	LISTEN(https, "Addresses for HTTPS."),
	LISTEN(component, "Addresses for external components (XEP-0114)."),
	LN_OPTION_END,
};

/* ---- tls ---- */

static const struct ln_name system_names[] = {
	{ "system", CONFIG_AUTHORITIES_SYSTEM, NULL },
	LN_NAME_END,
};

static const struct ln_name tls_version_names[] = {
	{ "1.2", CONFIG_TLS_1_2, NULL },
	{ "1.3", CONFIG_TLS_1_3, NULL },
	LN_NAME_END,
};

static const struct ln_option tls_rows[] = {
	LN_OPTION_PATH(config_tls, certificates, "/etc/linnet/certs",
	    "Directory of certificates: NAME.crt and NAME.key, or NAME/fullchain.pem and "
	    "NAME/privkey.pem; which serves which host is found by the names in them."),
	LN_OR(config_tls, authorities_word, system_names, CONFIG_AUTHORITIES_SYSTEM,
	    LN_OPTION_PATH(config_tls, authorities, NULL,
		"Who vouches for other servers: the system's authorities, or those of a PEM "
		"file.")),
	LN_OPTION_ENUM(config_tls, minimum, tls_version_names, CONFIG_TLS_1_2,
	    "The oldest version of TLS that is spoken."),
	LN_OPTION_END,
};

/* ---- dns ---- */

static const struct ln_name trust_anchor_names[] = {
	{ "auto", CONFIG_ANCHOR_AUTO, NULL },
	{ "none", CONFIG_ANCHOR_NONE, NULL },
	LN_NAME_END,
};

static const struct ln_name insecure_names[] = {
	{ "private", CONFIG_INSECURE_PRIVATE, NULL },
	LN_NAME_END,
};

static const struct ln_option dns_rows[] = {
	LN_OR(config_dns, servers_word, system_names, CONFIG_DNS_SYSTEM,
	    LN_LIST_OF(config_dns, servers, LN_ITEM_ADDRESS(53),
		"Whom we ask: the system's resolvers, or a list of addresses.")),
	LN_OR(config_dns, trust_anchor_word, trust_anchor_names, CONFIG_ANCHOR_AUTO,
	    LN_OPTION_PATH(config_dns, trust_anchor, NULL,
		"auto: the root's anchor where the resolvers hand on signatures, tried at start; "
		"a file: insist on it; none: no validation and no DANE.")),
	LN_OR(config_dns, insecure_word, insecure_names, CONFIG_INSECURE_PRIVATE,
	    LN_LIST_OF(config_dns, insecure, LN_ITEM_DOMAIN,
		"Domains of your own network, which are taken from the resolvers without validation; "
		"private: test, home.arpa, internal, lan, local, intranet, private, corp and home.")),
	LN_OPTION_END,
};

/* ---- limits ---- */

static const struct ln_option login_attempts_rows[] = {
	LN_OPTION_RATE(config_login_attempts, per_address, 20, MINUTE,
	    "Failed attempts to log in from one address; beyond, attempts are refused for a "
	    "while.",
	    .flags = LN_MAY_BE_OFF),
	LN_OPTION_RATE(config_login_attempts, per_account, 10, MINUTE,
	    "Failed attempts to log in to one account; beyond, answers are delayed, never "
	    "refused.",
	    .flags = LN_MAY_BE_OFF),
	LN_OPTION_END,
};

static const struct ln_option limits_rows[] = {
	LN_OPTION_SIZE(config_limits, stanza, 256 * KIB, 10000, 16 * MIB,
	    "Size of one stanza of a client that has logged in; before it is 16k. off: 16M.",
	    .flags = LN_MAY_BE_OFF),
	LN_OPTION_SIZE(config_limits, c2s_rate, 64 * KIB, KIB, GIB,
	    "Bytes a second that an account may send, after a burst of ten seconds' worth.",
	    .flags = LN_MAY_BE_OFF),
	LN_OPTION_SIZE(config_limits, s2s_rate, MIB, KIB, GIB,
	    "Bytes a second that another server may send, after a burst of ten seconds' worth.",
	    .flags = LN_MAY_BE_OFF),
	LN_OPTION_INT(config_limits, connections_per_address, 100, 1, 1000000,
	    "Connections of one address that have not logged in yet.", .flags = LN_MAY_BE_OFF),
	LN_OPTION_INT(config_limits, connections_before_login, 10000, 1, 1000000,
	    "Connections that have not logged in yet, all together; beyond, others wait to be "
	    "accepted.",
	    .flags = LN_MAY_BE_OFF),
	LN_STRUCT(config_limits, login_attempts, config_login_attempts, login_attempts_rows,
	    "Failed attempts to log in.", .flags = LN_MAY_BE_OFF),
	LN_OPTION_INT(config_limits, sessions_per_account, 20, 1, 10000,
	    "Sessions that one account may have at a time. One more takes the place of one that has "
	    "lost its connection.",
	    .flags = LN_MAY_BE_OFF),
	LN_OPTION_DURATION(config_limits, time_to_log_in, 30 * SECOND, SECOND, HOUR,
	    "How long a connection may take to log in.", .flags = LN_MAY_BE_OFF),
	LN_OPTION_INT(config_limits, roster_items, 1000, 1, 1000000, "Contacts in one roster.",
	    .flags = LN_MAY_BE_OFF),
	LN_OPTION_SIZE(config_limits, memory, 64 * MIB, MIB, 1024 * GIB,
	    "Memory for accounts and rooms that nobody is using; beyond, they are unloaded.",
	    .flags = LN_MAY_BE_OFF),
	LN_OPTION_INT(config_limits, scram_iterations, 10000, 4096, 10000000,
	    "Iterations of the key derivation for passwords that are set from now on."),
	LN_OPTION_END,
};

/* ---- c2s, stream-management ---- */

static const struct ln_name tls_policy_names[] = {
	{ "required", CONFIG_TLS_REQUIRED, NULL },
	{ "optional", CONFIG_TLS_OPTIONAL, NULL },
	LN_NAME_END,
};

static const struct ln_option http_rows[] = {
	LN_LIST_OF(config_http, trusted_proxies, LN_ITEM_STRING,
	    "Addresses of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed."),
	LN_OPTION_DURATION(config_http, time_for_head, 10 * SECOND, SECOND, HOUR,
	    "How long the head of a request may take, from its first byte."),
	LN_OPTION_DURATION(config_http, stall, 30 * SECOND, SECOND, HOUR,
	    "How long 4 KiB of a body or an answer, or the rest of it, may take."),
	LN_OPTION_DURATION(config_http, idle, MINUTE, SECOND, HOUR,
	    "How long a connection without a request is kept."),
	LN_OPTION_END,
};

static const struct ln_name conflict_names[] = {
	{ "replace", CONFIG_CONFLICT_REPLACE, NULL },
	{ "refuse", CONFIG_CONFLICT_REFUSE, NULL },
	{ "rename", CONFIG_CONFLICT_RENAME, NULL },
	LN_NAME_END,
};

static const struct ln_option c2s_rows[] = {
	LN_OPTION_ENUM(config_c2s, tls, tls_policy_names, CONFIG_TLS_REQUIRED,
	    "Whether clients must use TLS; optional is for tests on loopback."),
	LN_OPTION_ENUM(config_c2s, conflict, conflict_names, CONFIG_CONFLICT_REPLACE,
	    "What a client gets that asks for a resource in use: it replaces the other session, "
	    "is refused, or gets another resource. Refused only where the other has a connection."),
	LN_OPTION_BOOL(config_c2s, channel_binding, true,
	    "Whether SCRAM may be tied to the TLS connection. Off where a proxy ends TLS, and for "
	    "clients that claim a binding they do not have (slixmpp before 1.8.4)."),
	LN_OPTION_END,
};

static const struct ln_option stream_management_rows[] = {
	LN_OPTION_DURATION(config_stream_management, resume, 10 * MINUTE, SECOND, DAY,
	    "How long the session of a client that lost its connection is held (XEP-0198); off: "
	    "not at all.",
	    .flags = LN_MAY_BE_OFF),
	LN_OPTION_INT(config_stream_management, queue, 1000, 10, 100000,
	    "Stanzas held for a client that has not acknowledged them."),
	LN_OPTION_END,
};

/* ---- s2s ---- */

static const struct ln_name trust_names[] = {
	{ "certificate", CONFIG_TRUST_CERTIFICATE, NULL },
	{ "dialback", CONFIG_TRUST_DIALBACK, NULL },
	LN_NAME_END,
};

static const struct ln_name allow_names[] = {
	{ "all", CONFIG_ALLOW_ALL, NULL },
	LN_NAME_END,
};

static const struct ln_name route_tls_names[] = {
	{ "starttls", CONFIG_ROUTE_STARTTLS, NULL },
	{ "direct", CONFIG_ROUTE_DIRECT, NULL },
	{ "off", CONFIG_ROUTE_OFF, NULL },
	LN_NAME_END,
};

static const struct ln_option route_rows[] = {
	LN_OPTION_ADDRESS(config_route, address, NULL, 0, "Where that domain's server is.",
	    .flags = LN_REQUIRED),
	LN_OPTION_ENUM(config_route, tls, route_tls_names, CONFIG_ROUTE_STARTTLS,
	    "How TLS begins there."),
	LN_OPTION_END,
};

static const struct ln_option s2s_rows[] = {
	LN_OPTION_ENUM(config_s2s, tls, tls_policy_names, CONFIG_TLS_REQUIRED,
	    "Whether other servers must use TLS; optional is for tests."),
	LN_LIST_OF(config_s2s, without_tls, LN_ITEM_DOMAIN,
	    "Domains that may go without TLS where it is required."),
	LN_OPTION_ENUM(config_s2s, trust, trust_names, CONFIG_TRUST_CERTIFICATE,
	    "certificate: a valid certificate or DANE; dialback: also dialback over TLS, where the "
	    "certificate does not prove the domain."),
	LN_OPTION_BOOL(config_s2s, dane, true,
	    "Certificates named in DNSSEC-signed TLSA records are believed (RFC 7673)."),
	LN_OPTION_DURATION(config_s2s, idle, 10 * MINUTE, 10 * SECOND, DAY,
	    "A link that carries nothing for so long is closed.", .flags = LN_MAY_BE_OFF),
	LN_OPTION_DURATION(config_s2s, dead_after, MINUTE, 5 * SECOND, HOUR,
	    "An established link that answers nothing for so long is closed.",
	    .flags = LN_MAY_BE_OFF),
	LN_OPTION_SIZE(config_s2s, stanza, 512 * KIB, 10000, 16 * MIB,
	    "Size of one stanza from another server. off: 16M.", .flags = LN_MAY_BE_OFF),
	LN_OR(config_s2s, allow_word, allow_names, CONFIG_ALLOW_ALL,
	    LN_LIST_OF(config_s2s, allow, LN_ITEM_DOMAIN,
		"The domains that we speak with: all, or a list.")),
	LN_LIST_OF(config_s2s, deny, LN_ITEM_DOMAIN, "Domains that we do not speak with."),
	LN_MAP_OF(config_s2s, routes, LN_ITEM_STRUCT(config_route, route_rows),
	    "Where to find a domain's server instead of asking DNS.", LN_MAP_BY_DOMAIN),
	LN_OPTION_END,
};

/* ---- components ---- */

static const struct ln_option component_rows[] = {
	LN_OPTION_SECRET(config_component, secret, "What the component logs in with.",
	    .flags = LN_REQUIRED),
	LN_OPTION_END,
};

/* ---- the file ---- */

static const struct ln_name workers_names[] = {
	{ "auto", 0, NULL },
	LN_NAME_END,
};

const struct ln_option config_rows[] = {
	LN_OPTION_PATH(config, data, "/var/lib/linnet",
	    "Directory of the database and of uploaded files.", .flags = LN_RESTART),
	LN_OPTION_PATH(config, control, "/run/linnet/control.sock",
	    "Socket on which linnetctl speaks with the server.", .flags = LN_RESTART),
	LN_OPTION_STRING(config, user, NULL,
	    "User to become after binding, when started as root; nothing: stay root.",
	    .flags = LN_RESTART),
	LN_OR(config, workers_word, workers_names, 0,
	    LN_OPTION_INT(config, workers, 1, 1, 256,
		"Threads that serve connections; auto is one a core.", .flags = LN_RESTART)),
	LN_STRUCT(config, log, config_log, log_rows, "The server's log."),
	LN_LIST_OF(config, include, LN_ITEM_STRING,
	    "More files, relative to this one, with wildcards; they are merged key by key, and "
	    "the same option twice is an error."),
	LN_STRUCT(config, listen, config_listen, listen_rows,
	    "Addresses to listen on, by service; nothing listens that is not named here."),
	LN_STRUCT(config, tls, config_tls, tls_rows, "Certificates and what is believed."),
	LN_STRUCT(config, dns, config_dns, dns_rows, "Looking up other servers."),
	LN_STRUCT(config, limits, config_limits, limits_rows,
	    "What one peer may ask for; off: no limit."),
	LN_STRUCT(config, http, config_http, http_rows, "HTTP, for the modules that use it."),
	LN_STRUCT(config, c2s, config_c2s, c2s_rows, "Connections of clients."),
	LN_STRUCT(config, stream_management, config_stream_management, stream_management_rows,
	    "Acknowledgements and resumption (XEP-0198)."),
	LN_STRUCT(config, s2s, config_s2s, s2s_rows, "Links with other servers."),
	LN_MAP_OF(config, components, LN_ITEM_STRUCT(config_component, component_rows),
	    "External components, by domain (XEP-0114).", LN_MAP_BY_DOMAIN),
	{ .type = LN_TYPE_MAP,
	    .name = "modules",
	    .flags = OPTION_ELSEWHERE,
	    .help = "Modules for every host, with or without options." },
	{ .type = LN_TYPE_MAP,
	    .name = "hosts",
	    .flags = OPTION_ELSEWHERE,
	    .help = "The domains that are served, each with what differs from the above." },
	LN_OPTION_END,
};

const struct ln_option config_host_rows[] = {
	LN_LIST_OF(config_host, admins, LN_ITEM_JID,
	    "Accounts that may use the administrators' commands for this host."),
	LN_OPTION_PATH(config_host, certificate, NULL,
	    "The host's certificate (PEM, with its chain), instead of one from "
	    "tls.certificates."),
	LN_OPTION_PATH(config_host, key, NULL,
	    "The key of that certificate, if it is not in the same file."),
	LN_STRUCT(config_host, c2s, config_c2s, c2s_rows, "Connections of clients."),
	LN_STRUCT(config_host, stream_management, config_stream_management, stream_management_rows,
	    "Acknowledgements and resumption (XEP-0198)."),
	LN_STRUCT(config_host, s2s, config_s2s, s2s_rows, "Links with other servers."),
	{ .type = LN_TYPE_MAP,
	    .name = "modules",
	    .flags = OPTION_ELSEWHERE,
	    .help = "Modules of this host; `NAME: off` switches off what is on for every "
		    "host." },
	LN_OPTION_END,
};
