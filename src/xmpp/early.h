/*
 * What a client asks before it has a session: a request before login (a module
 * answers, as XEP-0077 does), binding (RFC 6120 §7), resuming (XEP-0198 §5).
 *
 * These are the `check` and `act` of rows in negotiate.c: `check` answers what
 * must not pass and says no; then the state has changed, and `act` asks whoever
 * knows. The answers come to negotiation_answered(), negotiation_bound(),
 * negotiation_resumed() and negotiation_not_resumed() (negotiate.h), which are
 * here too. All on the stream's worker.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_XMPP_EARLY_H
#define LN_XMPP_EARLY_H

#include "xmpp/negotiate.h"

#define EARLY_STANZA "a stanza before logging in"

bool early_check_request(struct client *client, const struct ln_elem *iq);
void early_act_request(struct client *client, const struct ln_elem *iq);

bool early_check_bind(struct client *client, const struct ln_elem *iq);
void early_act_bind(struct client *client, const struct ln_elem *iq);

bool early_check_resume(struct client *client, const struct ln_elem *elem);
void early_act_resume(struct client *client, const struct ln_elem *elem);

/* XEP-0198 §3: <enable/> and <r/> need a session, and are told so. */
void early_act_enable(struct client *client, const struct ln_elem *elem);

#endif
