/*
 * Links: other ways to reach a host, as /.well-known/host-meta (XEP-0156) and
 * host-meta.json (with XEP-0487) announce them.
 *
 * A module that offers one says so when it is asked, and `needs` host_meta,
 * which asks:
 *
 *	static void
 *	say_link(const struct ln_mod *mod, struct ln_ev_host_meta *ev)
 *	{
 *		const struct websocket_conf *conf = ln_conf(mod);
 *
 *		ln_link_add(ev, &(struct ln_link){ .rel = LN_LINK_WEBSOCKET, .href = conf->url });
 *	}
 *	... LN_ON(host_meta, LN_PRIO_DEFAULT, say_link)
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LINNET_LINK_H
#define LINNET_LINK_H

#include <stddef.h>
#include <stdint.h>

#include "linnet/events.h"

#define LN_LINK_WEBSOCKET "urn:xmpp:alt-connections:websocket" /* RFC 7395 */
#define LN_LINK_BOSH "urn:xmpp:alt-connections:xbosh"          /* XEP-0206 */

struct ln_link {
	const char *rel;
	const char
	    *href;    /* begins with https: or wss:; NULL: `port` counts, and JSON alone has it */
	int64_t port; /* 0: none */

	/* XEP-0487; told where there are addresses. */
	const char *const *ips;
	size_t ip_count;
	const char *sni;
	const char *ech; /* NULL: none */
	int64_t priority, weight;
};

/* In a handler of host_meta; nothing of `link` is kept. */
static inline void
ln_link_add(struct ln_ev_host_meta *ev, const struct ln_link *link)
{
	ev->add(ev->to, link);
}

#endif
