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

/* A lasting message that its last session did not acknowledge: given to others, kept, or
 * returned. */
void deliver_again(struct waiting *waiting);

/* An iq for the account itself (bare JID or none), already past the hooks. Ownership passes. */
void deliver_iq_to_account(struct ln_account *account, struct ln_stanza *st);

/* Takes out the stanza-ids that claim to be the account's or its host's (XEP-0359 §4). */
void deliver_strip_ids(const struct ln_account *account, struct ln_stanza *st);

#endif
