/*
 * The roster of an account (RFC 6121 §2).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_IM_ROSTER_H
#define LN_IM_ROSTER_H

#include "im/account.h"

struct store_loaded;

/* The preloaded value that holds it: one document a contact, key the contact's JID. */
#define ROSTER_MODULE "roster"
#define ROSTER_VALUE "item"

/* At the end of loading, with the rows of ROSTER_VALUE; and before unloading. */
struct store_row;
void roster_open(struct ln_account *account, const struct store_row *items);
void roster_close(struct ln_account *account);

/* An iq get or set of jabber:iq:roster that came to the account. Ownership passes. */
void roster_iq(struct ln_account *account, struct ln_stanza *st);

#endif
