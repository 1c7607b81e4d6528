/*
 * Accounts and their sessions, as modules see them. Everything here runs at
 * the account's home, inside a handler of that account; no pointer may be kept
 * beyond it (keep the JID and come back by a stanza, a token or a timer).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LINNET_ACCOUNT_H
#define LINNET_ACCOUNT_H

#include "linnet/events.h"

/* --- account ---------------------------------------------------------------- */

const struct ln_jid *ln_account_jid(const struct ln_account *account); /* bare */
const struct ln_host *ln_account_host(const struct ln_account *account);
int64_t ln_account_number(const struct ln_account *account);

/* Messages that wait on disk for it, and their bytes. */
int64_t ln_account_stored(const struct ln_account *account);
int64_t ln_account_stored_bytes(const struct ln_account *account);

/* The account's sessions in order of binding, the hibernating ones included. */
struct ln_session *ln_session_first(const struct ln_account *account);
struct ln_session *ln_session_next(const struct ln_session *session);
struct ln_session *ln_session_find(const struct ln_account *account, const char *resource);

/* --- session ---------------------------------------------------------------- */

const struct ln_jid *ln_session_jid(const struct ln_session *session); /* full */
struct ln_account *ln_session_account(const struct ln_session *session);

/* Has it sent initial presence, and what (NULL while unavailable)? */
bool ln_session_available(const struct ln_session *session);
int ln_session_priority(const struct ln_session *session);
struct ln_stanza *ln_session_presence(const struct ln_session *session);

/* Has it asked for its roster (RFC 6121 §2.2: "interested")? */
bool ln_session_interested(const struct ln_session *session);

/* Is a connection attached, or does it hibernate (XEP-0198)? */
bool ln_session_attached(const struct ln_session *session);

/* Wall-clock time of binding, ms; peer address as text; under TLS? */
int64_t ln_session_since(const struct ln_session *session);
const char *ln_session_address(const struct ln_session *session);
bool ln_session_secure(const struct ln_session *session);

/*
 * Gives a stanza to one session, past the rules of RFC 6121 §8 and past
 * `pending`: for carbons, pushes, copies. Ownership passes. The full JID
 * of the session is put into `to` if the stanza has none.
 */
void ln_session_send(struct ln_session *session, struct ln_stanza *st);

/* The same past the stanza_out hooks: for a module that held it back there. */
void ln_session_send_held(struct ln_session *session, struct ln_stanza *st);

/* Sends an element that is no stanza. It is copied. */
void ln_session_send_nonza(struct ln_session *session, const struct ln_elem *elem);

/* Ends a session with a stream error: "conflict", "not-authorized" ... */
void ln_session_close(struct ln_session *session, const char *condition, const char *text);

/* Ends its stream with such an error: a session that can be resumed hibernates, another one ends a
 * moment later. */
void ln_session_disconnect(struct ln_session *session, const char *condition, const char *text);

/*
 * Sends a message of the host to every account of it that is available just now: one copy each,
 * to the bare JID. It goes out in portions, in order with what the host sent before. Any worker;
 * ownership passes.
 */
void ln_broadcast(const struct ln_host *host, struct ln_stanza *st);

/* --- roster and presence ----------------------------------------------------- */

struct ln_roster_item;

/* The item of a contact, NULL if there is none. */
const struct ln_roster_item *ln_roster_find(const struct ln_account *account,
    const struct ln_jid *contact);
const struct ln_roster_item *ln_roster_first(const struct ln_account *account);
const struct ln_roster_item *ln_roster_next(const struct ln_roster_item *item);

const struct ln_jid *ln_roster_jid(const struct ln_roster_item *item);
const char *ln_roster_name(const struct ln_roster_item *item); /* NULL: none */
bool ln_roster_to(const struct ln_roster_item *item);          /* subscription 'to' or 'both' */
bool ln_roster_from(const struct ln_roster_item *item);        /* 'from' or 'both' */

/* May `asker` see this account's presence (itself, or a subscriber)? RFC 6121 §8.5.1 */
bool ln_may_see_presence(const struct ln_account *account, const struct ln_jid *asker);

/* Sends the current presence of every available session to one contact, or "unavailable". */
void ln_presence_show(struct ln_account *account, const struct ln_jid *contact);
void ln_presence_hide(struct ln_account *account, const struct ln_jid *contact);

/* Says "unavailable" to those addresses that were sent directed presence (RFC 6121 §4.6) and for
 * which `from` says yes; they are forgotten. */
void ln_presence_withdraw(struct ln_account *account,
    bool (*from)(const struct ln_account *account, const struct ln_jid *to, void *arg), void *arg);

#endif
