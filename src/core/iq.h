/*
 * Dispatch of iq requests to the modules that declared their rows (MODULES.md
 * section 6). Every get and set is answered exactly once, by construction.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_CORE_IQ_H
#define LN_CORE_IQ_H

#include <stdbool.h>

#include "core/host.h"
#include "core/stanza.h"

/*
 * Hands a get or set to the row for it and sees to its answer;
 * service-unavailable where there is none (RFC 6120 §8.3.3.19). Ownership
 * passes. `account` NULL: an iq to the host. With `anywhere`, on a worker that
 * is not the host's home: false, and the stanza stays the caller's, if the row
 * needs the home (or there is none).
 */
bool iq_dispatch(const struct ln_host *host, struct ln_account *account, struct ln_stanza *st,
    bool anywhere);

/* A request of a client that has not logged in; its `port` says where the answer goes. False: no
 * module of the host has a row for it; the stanza stays the caller's. */
bool iq_before_login(const struct ln_host *host, const struct ln_early *early,
    struct ln_stanza *st);

/*
 * Adds a module's rows to a host's table. NULL, or the module that has one of
 * them already. Main thread, while the snapshot is made; freed by iq_table_free().
 */
const struct ln_mod *iq_table_add(struct ln_host *host, const struct ln_mod *mod);
void iq_table_free(struct ln_host *host);

/* For an answer that goes another way than the router's: ends the token, gives the empty result;
 * NULL: it was answered in the module's place already. */
struct ln_stanza *iq_token_result(struct ln_token **token);

/* Answers what modules promised that are not on any more. On each worker, after a reload. */
void iq_modules_changed(const struct snapshot *now);

void iq_init(void);

#endif
