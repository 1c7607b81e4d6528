/*
 * Delivery: what an account does with stanzas that come for it, after the
 * rules of RFC 6121 section 8.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_IM_DELIVER_H
#define LN_IM_DELIVER_H

#include "core/stanza.h"
#include "im/account.h"

/* A stanza routed to the account, bare or full. Ownership passes. */
void deliver(struct ln_account *account, struct ln_stanza *st);

/* A message whose session ended before it was acknowledged, or that came back from the disk:
 * given to other sessions, or kept. Ownership passes. */
void deliver_again(struct ln_account *account, struct ln_stanza *st, struct waiting *waiting);

#endif
