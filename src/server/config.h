/*
 * The configuration: one immutable struct made from the operator's files.
 *
 * Reading has three steps: files to a tree (yaml.h), the tree checked against
 * the option tables into structs (options.h), what hangs together checked and
 * put in one `struct config`. All mistakes are collected; with any of them
 * there is no configuration.
 *
 *	struct config_registry modules = { loaded, count };
 *	struct report report = REPORT_INIT;
 *	const struct config *config = config_load("linnet.yaml", &modules, &report);
 *
 *	if (config == NULL)
 *		report_print(&report, &text);
 *	report_free(&report);
 *	...
 *	config_unref(&config);
 *
 * The struct and all it points to are const and live until the last reference
 * is given back, from whichever thread. Everything else here runs on the main
 * thread (or in linnetctl, without a server).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_CONFIG_H
#define LN_SERVER_CONFIG_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/log.h"
#include "linnet/module.h"
#include "server/report.h"

/* ---- What the server itself is told. The tables are in config_tables.c. ---- */

enum config_log_to { CONFIG_LOG_STDERR, CONFIG_LOG_SYSLOG };

struct config_log {
	int to_word; /* enum config_log_to; LN_OTHER: the file `to` */
	const char *to;
	int level;                /* enum log_level */
	int format;               /* enum log_format */
	struct ln_map components; /* of int, enum log_level */
};

struct config_listen_address {
	struct ln_address address;
	bool proxy_protocol;
};

struct config_listen { /* each a list of struct config_listen_address */
	struct ln_list c2s;
	struct ln_list c2s_tls;
	struct ln_list s2s;
	struct ln_list s2s_tls;
	struct ln_list http;
	struct ln_list https;
	struct ln_list component;
};

enum config_tls_version { CONFIG_TLS_1_2, CONFIG_TLS_1_3 };
enum config_authorities { CONFIG_AUTHORITIES_SYSTEM };

struct config_tls {
	const char *certificates;
	int authorities_word; /* CONFIG_AUTHORITIES_SYSTEM; LN_OTHER: the file */
	const char *authorities;
	int minimum; /* enum config_tls_version */
};

enum config_dns_servers { CONFIG_DNS_SYSTEM };
enum config_dns_insecure { CONFIG_INSECURE_PRIVATE };
enum config_trust_anchor { CONFIG_ANCHOR_AUTO, CONFIG_ANCHOR_NONE };

struct config_dns {
	int servers_word;       /* CONFIG_DNS_SYSTEM; LN_OTHER: the list */
	struct ln_list servers; /* of struct ln_address */
	int trust_anchor_word;  /* enum config_trust_anchor; LN_OTHER: the file */
	const char *trust_anchor;
	int insecure_word;       /* CONFIG_INSECURE_PRIVATE; LN_OTHER: the list */
	struct ln_list insecure; /* of domains, normalised */
};

struct config_login_attempts {
	struct ln_rate per_address;
	struct ln_rate per_account;
};

struct config_limits {
	int64_t stanza;
	int64_t c2s_rate;
	int64_t s2s_rate;
	int64_t connections_per_address;
	int64_t connections_before_login;
	struct config_login_attempts login_attempts;
	int64_t sessions_per_account;
	ln_msec time_to_log_in;
	int64_t roster_items;
	int64_t memory; /* of accounts and rooms nobody is using */
	int64_t scram_iterations;
};

struct config_http {
	struct ln_list trusted_proxies; /* of IP addresses */
	ln_msec time_for_head, idle, stall;
};

enum config_tls_policy { CONFIG_TLS_REQUIRED, CONFIG_TLS_OPTIONAL };
enum config_conflict { CONFIG_CONFLICT_REPLACE, CONFIG_CONFLICT_REFUSE, CONFIG_CONFLICT_RENAME };

struct config_c2s {
	int tls;      /* enum config_tls_policy */
	int conflict; /* enum config_conflict */
	bool channel_binding;
};

struct config_stream_management {
	ln_msec resume;
	int64_t queue;
};

enum config_trust { CONFIG_TRUST_CERTIFICATE, CONFIG_TRUST_DIALBACK };
enum config_allow { CONFIG_ALLOW_ALL };
enum config_route_tls { CONFIG_ROUTE_STARTTLS, CONFIG_ROUTE_DIRECT, CONFIG_ROUTE_OFF };

struct config_route {
	struct ln_address address;
	int tls; /* enum config_route_tls */
};

struct config_s2s {
	int tls;                    /* enum config_tls_policy */
	struct ln_list without_tls; /* of domains */
	int trust;                  /* enum config_trust */
	bool dane;
	ln_msec idle;
	ln_msec dead_after;
	int64_t stanza;
	int allow_word;       /* CONFIG_ALLOW_ALL; LN_OTHER: the list */
	struct ln_list allow; /* of domains */
	struct ln_list deny;  /* of domains */
	struct ln_map routes; /* domain: struct config_route */
};

struct config_component {
	const char *secret;
};

/* ---- Modules ---- */

/* All modules there are, whether or not they will be switched on; they stay in place longer
 * than any configuration. */
struct config_registry {
	const struct ln_module *const *modules;
	size_t count;
};

/* A module that is switched on, for one host or for the server. */
struct config_use {
	const struct ln_module *module;
	const void *conf; /* conf_size bytes */
};

/* ---- The whole ---- */

struct config_host {
	const char *name;        /* normalised */
	struct ln_list admins;   /* of bare JIDs */
	const char *certificate; /* NULL: from tls.certificates */
	const char *key;         /* NULL: in the certificate's file */
	struct config_c2s c2s;
	struct config_s2s s2s;
	struct config_stream_management stream_management;
	const struct config_use *modules; /* in the order of the registry */
	size_t module_count;
};

struct config {
	const char *file; /* absolute */
	const char *data;
	const char *control;
	const char *user; /* NULL: stay who we are */
	int workers_word; /* 0: one a core; LN_OTHER: `workers` */
	int64_t workers;
	struct config_log log;
	struct ln_list include;
	struct config_listen listen;
	struct config_tls tls;
	struct config_dns dns;
	struct config_limits limits;
	struct config_http http;
	struct config_c2s c2s;
	struct config_stream_management stream_management;
	struct config_s2s s2s;
	struct ln_map components; /* domain: struct config_component */

	const struct config_host *hosts; /* in the order of the file */
	size_t host_count;
	const struct config_use *modules; /* those of the server as a whole */
	size_t module_count;

	struct config_source *source; /* config_source.h: where everything came from */
	atomic_uint refs;
};

/* Reads a file and what it includes. NULL: the report says why. */
const struct config *config_load(const char *file, const struct config_registry *registry,
    struct report *report);

/* The same from memory; `file` is what errors and relative paths go by. */
const struct config *config_parse(const char *file, const char *bytes, size_t len,
    const struct config_registry *registry, struct report *report);

/* Any thread. config_unref() nulls the pointer. */
const struct config *config_ref(const struct config *config);
void config_unref(const struct config **config);

/* NULL: no such host. The name is normalised. */
const struct config_host *config_host(const struct config *config, const char *name);

/* The conf of a module for a host (NULL: of the server), or NULL where it is off. */
const void *config_module_conf(const struct config *config, const struct config_host *host,
    const char *module);

/* "FILE:LINE" of an option ("flood.refill", "s2s.trust") as seen by a host (or NULL), or
 * "default": for complaints at run time. Valid as long as the configuration. */
const char *config_where(const struct config *config, const struct config_host *host,
    const char *option);

/*
 * Help, type, range, default, value of an option, for the server and for each
 * host that differs, and the line that won. `name` is the option's path:
 * "limits.stanza", "flood.refill", "example.org.s2s.trust"; of a whole section:
 * all in it. False: there is no such option, and `out` says which is nearest.
 * `config` may be NULL: then only what the tables know.
 */
bool config_explain(const struct config *config, const struct config_registry *registry,
    const char *name, struct buf *out);

/* Help, range and default of all options of a module. */
void config_explain_options(const struct ln_module *module, struct buf *out);

/* JSON Schema (draft 2020-12) of the file. */
void config_schema(const struct config_registry *registry, struct buf *out);

/* Every option with help, range and default, as the body of linnet.yaml(5) (mdoc). */
void config_reference(const struct config_registry *registry, struct buf *out);

/*
 * One line an option that differs, "NAME: OLD -> NEW (takes effect)" or
 * "(waits for a restart)"; secrets say only that they changed. Returns how many
 * of each.
 */
struct config_diff {
	unsigned live;
	unsigned restart;
};
struct config_diff config_diff(const struct config *old, const struct config *new, struct buf *out);

#endif
