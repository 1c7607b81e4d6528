/*
 * What the configuration says of other servers and of components, as the
 * workers read it: part of the snapshot (core/host.h), const like it.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_CORE_FEDERATION_H
#define LN_CORE_FEDERATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "linnet/option.h"

enum route_tls { ROUTE_STARTTLS, ROUTE_DIRECT, ROUTE_OFF };

/* Where a domain's server is, instead of asking DNS. */
struct s2s_route {
	const char *domain;
	const char *host; /* a name or an address, without brackets */
	uint16_t port;
	enum route_tls tls;
};

/* How one of our domains deals with others (s2s in the configuration). */
struct s2s_conf {
	bool tls_required;
	bool dialback; /* may stand in where a certificate does not prove the domain */
	bool dane;
	bool allow_all;
	int64_t idle_ms;       /* 0: off */
	int64_t dead_after_ms; /* 0: off */
	size_t stanza_max;
	struct ln_list without_tls, allow, deny; /* of domains, normalised */
	const struct s2s_route *routes;
	size_t route_count;
};

/* A domain that an external component answers for (XEP-0114). */
struct component_conf {
	const char *domain; /* normalised */
	const char *secret;
};

#endif
