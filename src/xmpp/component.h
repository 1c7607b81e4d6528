/*
 * External components (XEP-0114): programs that answer for domains of this
 * server over a stream of jabber:component:accept and a shared secret.
 *
 * A component's stream moves to the home of its domain when it has proven
 * itself. It speaks for its domain and for all below it. While it is not
 * connected, what is for it goes back with service-unavailable.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_XMPP_COMPONENT_H
#define LN_XMPP_COMPONENT_H

#include "xmpp/peer.h"

/* Who answers for this domain, if it is a component; the longest name wins. */
const struct component_conf *component_of(const char *domain, size_t len);

/* Takes a stanza for a component's domain; ownership passes if true. Any worker. */
bool component_route(struct ln_stanza *st);

/* A new connection (listener_started_fn). */
void component_accept(int fd, const struct netaddr *from, void *arg);

/* Events of its stream (s2s.c). */
void component_header(struct peer *peer, const struct parser_header *header);
void component_element(struct peer *peer, struct arena *arena, struct ln_elem *elem);
void component_answer(struct peer *peer);
void component_at_home(struct peer *peer);
void component_ended(struct peer *peer);

/* May a stanza with these addresses come from it? STREAM_ERROR_COUNT: yes. */
enum stream_error component_check(const struct peer *peer, const struct ln_stanza *st);

void component_init(void);

#endif
