/*
 * The router: from a JID to an inbox (DESIGN sections 4 and 7).
 *
 * slot = hash(bare JID) mod 1024; a table says which worker owns a slot. Today
 * that is slot mod N; later the same table says which node. A domain of this
 * server (a host, a component's, a module's) names the kind of entity behind
 * its JIDs. Everything else goes to another server: to the route given with
 * router_set_remote(), without which it is bounced remote-server-not-found.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_CORE_ROUTER_H
#define LN_CORE_ROUTER_H

#include "core/entity.h"
#include "core/stanza.h"

#define SLOTS 1024

/* The home worker of a bare or full JID (of its bare form). Any worker. */
struct worker *router_home(const struct ln_jid *jid);

/* Is this worker the home? */
bool router_is_home(const struct ln_jid *jid);

/* Sends a stanza on its way; ownership passes. `to` must be set. Any worker. */
void router_route(struct ln_stanza *st);

/* Puts an item into the inbox of a local bare JID, at its home, loading it; from whatever worker.
 * The JID must live as long as the item: it is part of it. */
void router_item(const struct ln_jid *bare, struct item *item);

/* Answers a stanza with an error, to its sender, and frees it. Any worker. */
void router_bounce(struct ln_stanza *st, enum ln_error error, const char *text);

/* The worker that takes a stanza for this JID: the home of a local one, for others that of their
 * domain. Any worker. */
struct worker *router_way(const struct ln_jid *to);

/*
 * Where stanzas for other domains go (src/xmpp: servers, components). Ownership
 * passes if it says true; false: there is no way, and they bounce. `way`: the
 * worker that it hands them to, for those who send many there at once: the
 * detour by another would let what is sent alone overtake them. At start.
 */
void router_set_remote(bool (*send)(struct ln_stanza *st),
    struct worker *(*way)(const struct ln_jid *to));

/*
 * Another server is gone for good, as seen from one of our domains: on every
 * worker, `gone` is called. Any worker; the handler is set at start.
 */
void router_domain_gone(const char *local, const char *remote);
void router_set_domain_gone(void (*gone)(const char *local, const char *remote));

/* The home of a domain that is not ours. */
struct worker *router_domain_home(const char *domain, size_t len);

#endif
