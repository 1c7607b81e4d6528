/*
 * Presence (RFC 6121 §3, §4): what a session says of itself, and what others
 * say to the account.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_IM_PRESENCE_H
#define LN_IM_PRESENCE_H

#include "im/account.h"

/* A presence stanza that the session's client sent, `from` stamped. Ownership passes. */
void presence_from_session(struct ln_account *account, struct ln_session *session,
    struct ln_stanza *st);

/* A presence stanza routed to the account, to its bare or a full JID. Ownership passes. */
void presence_to_account(struct ln_account *account, struct ln_stanza *st);

/* The session ends: says "unavailable" for it to whoever saw it (RFC 6121 §4.5.2). It is still in
 * the account's list; its presence is freed here. */
void presence_session_closed(struct ln_account *account, struct ln_session *session);

/* May this contact be shown presence now? Modules may hide it (XEP-0191). */
bool presence_is_shown(struct ln_account *account, const struct ln_jid *contact);

/* The account is being deleted: every contact is unsubscribed. */
void presence_account_gone(struct ln_account *account);

/* Contacts of this domain cannot be reached any more: to its available sessions they are gone. */
void presence_domain_gone(struct ln_account *account, const char *domain);

/* Does this stanza load an account that is not in memory (DESIGN section 4)? */
bool presence_loads(const struct ln_stanza *st);

#endif
