/*
 * One libunbound context on an event base: questions go in, messages come out.
 * For resolver.c, which knows about askers and deadlines; main thread alone.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_NET_RESOLVER_CONTEXT_H
#define LN_NET_RESOLVER_CONTEXT_H

#include "base/buf.h"
#include "net/resolver.h"

struct event_base;
struct ub_ctx;

/* What libunbound says of a question: once for each that was sent, unless the context goes. */
typedef void (*context_fn)(void *arg, int rcode, void *packet, int len, int secure, char *why_bogus,
    int ratelimited);

/* Whom `config` means, as libunbound writes them ("127.0.0.1@53"), NUL after each. */
void context_servers(const struct resolver_config *config, struct buf *out);

/* Its `insecure`, NUL after each. */
void context_insecure(const struct resolver_config *config, struct buf *out);

/*
 * Asks `servers`; validates from `anchor` (NULL: not at all) on, but not below `insecure`. `hosts`: /etc/hosts
 * counts. NULL: *error_r says why.
 */
struct ub_ctx *context_new(struct event_base *base, const struct buf *servers, const char *anchor,
    const struct buf *insecure, bool hosts, const char **error_r);

/* Not from within context_fn. Nobody is told. */
void context_free(struct ub_ctx **context);

/* False: *error_r says why. `fn` may be called before this returns. */
bool context_ask(struct ub_ctx *context, const char *name, int type, context_fn fn, void *arg,
    const char **error_r);

#endif
