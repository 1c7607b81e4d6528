/*
 * Stanzas: what travels between the entities of the server.
 *
 * A `struct ln_stanza` is an envelope (kind, type, from, to, id, lang and what
 * the server added: stanza-id, delay ...) around an immutable, counted payload
 * (the children the sender wrote). An envelope belongs to one worker at a time;
 * its payload may be shared by thousands of envelopes, on any worker. Hooks
 * change the envelope: ln_add() adds a child, ln_strip() takes children of the
 * payload out by making a new one.
 *
 *	struct ln_stanza *st = ln_message_new(LN_CHAT, from, to);
 *	ln_add_text(ln_add(st, "body", NS_CLIENT), ...);
 *	ln_send(st);				// ownership passes
 *
 * Everything here runs on the worker that owns the stanza.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LINNET_STANZA_H
#define LINNET_STANZA_H

#include <stdbool.h>
#include <stdint.h>

#include "linnet/elem.h"
#include "linnet/jid.h"
#include "linnet/ns.h"

struct ln_stanza;
struct arena;

enum ln_kind { LN_MESSAGE, LN_PRESENCE, LN_IQ };

/* The type attribute, of all three kinds. LN_ERROR_TYPE goes with any. */
enum ln_type {
	/* message (RFC 6121 §5.2.2) */
	LN_NORMAL,
	LN_CHAT,
	LN_GROUPCHAT,
	LN_HEADLINE,
	/* presence (RFC 6121 §4.7.1) */
	LN_AVAILABLE,
	LN_UNAVAILABLE,
	LN_SUBSCRIBE,
	LN_SUBSCRIBED,
	LN_UNSUBSCRIBE,
	LN_UNSUBSCRIBED,
	LN_PROBE,
	/* iq (RFC 6120 §8.2.3) */
	LN_GET,
	LN_SET,
	LN_RESULT,
	LN_TYPE_ERROR
};

/* The stanza error conditions of RFC 6120 §8.3.3: LN_ERR_BAD_REQUEST ... */
enum ln_error {
#define LN_ERROR(name, condition, type) LN_ERR_##name,
#include "linnet/errors.def"
#undef LN_ERROR
	LN_ERR_COUNT
};

/* The error types of RFC 6120 §8.3.2. */
enum ln_error_type {
	LN_ETYPE_AUTH,
	LN_ETYPE_CANCEL,
	LN_ETYPE_CONTINUE,
	LN_ETYPE_MODIFY,
	LN_ETYPE_WAIT
};

/* "bad-request" and the type that the RFC suggests for it. */
const char *ln_error_name(enum ln_error error);
enum ln_error_type ln_error_type(enum ln_error error);

/* --- looking at one ------------------------------------------------------- */

enum ln_kind ln_kind(const struct ln_stanza *st);
enum ln_type ln_type(const struct ln_stanza *st);

/* "chat", "unavailable" ...; "normal" and "available" where the attribute is absent. */
const char *ln_type_name(enum ln_type type);

/* Addresses; NULL where absent. They live as long as the stanza. */
const struct ln_jid *ln_from(const struct ln_stanza *st);
const struct ln_jid *ln_to(const struct ln_stanza *st);

/* The id and xml:lang attributes, NULL where absent. */
const char *ln_id(const struct ln_stanza *st);
const char *ln_lang(const struct ln_stanza *st);

/*
 * The children: those the server added come first in ln_child(), then the
 * sender's. `name` NULL matches any name, `ns` NULL any namespace.
 */
const struct ln_elem *ln_child(const struct ln_stanza *st, const char *name, const char *ns);

/* The sender's first child element; go on with ln_elem_next(). NULL: none. */
const struct ln_elem *ln_first(const struct ln_stanza *st);

/* The error condition of an error stanza; UNDEFINED_CONDITION if it names none we know. */
enum ln_error ln_stanza_error(const struct ln_stanza *st);

/* Is a body, an encrypted body or a call in it: what a user wants to keep (XEP-0160)? */
bool ln_has_content(const struct ln_stanza *st);

/* Is `<name xmlns='urn:xmpp:hints'/>` in it (XEP-0334)? In an error it says nothing (§5). */
bool ln_has_hint(const struct ln_stanza *st, const char *name);

/* --- making one ----------------------------------------------------------- */

/* New, with no children; `from` and `to` are copied, NULL for none. */
struct ln_stanza *ln_stanza_new(enum ln_kind kind, enum ln_type type, const struct ln_jid *from,
    const struct ln_jid *to);

/* Another envelope around the same payload, with the same additions; no hold. */
struct ln_stanza *ln_stanza_copy(struct ln_stanza *st);

/* Drops one (and its hold, if it carries one: "handled"). Nulls the pointer. */
void ln_stanza_free(struct ln_stanza **st);

/* Setting; the values are copied. */
void ln_set_from(struct ln_stanza *st, const struct ln_jid *from);
void ln_set_to(struct ln_stanza *st, const struct ln_jid *to);
void ln_set_id(struct ln_stanza *st, const char *id);
void ln_set_lang(struct ln_stanza *st, const char *lang);
void ln_set_type(struct ln_stanza *st, enum ln_type type);

/* A random id of 16 characters. */
void ln_make_id(struct ln_stanza *st);

/* Adds a child to the envelope and returns it for filling. */
struct ln_elem *ln_add(struct ln_stanza *st, const char *name, const char *ns);

/* Adds a copy of an element, as it is. */
void ln_add_copy(struct ln_stanza *st, const struct ln_elem *elem);

/* Drops added and sent children of this name and namespace for which `match` (may be NULL)
 * says yes. */
void ln_strip(struct ln_stanza *st, const char *name, const char *ns,
    bool (*match)(const struct ln_elem *elem, void *arg), void *arg);

/* Memory that lives as long as the envelope, for values to be set into it. */
struct arena *ln_stanza_arena(struct ln_stanza *st);

/* It holds a password, or its arena will: the memory of both is zeroed when it is given back. */
void ln_stanza_secret(struct ln_stanza *st);

/* The empty result of a get or set, addressed back. */
struct ln_stanza *ln_iq_result(const struct ln_stanza *request);

/*
 * The error that answers a stanza, with the sender's children if they are
 * small; `text` may be NULL. Never made of an error or a result: NULL then.
 */
struct ln_stanza *ln_error_reply(const struct ln_stanza *st, enum ln_error error,
    enum ln_error_type type, const char *text);

/* The <error/> of a reply that was just made, for a condition of the application's own. */
struct ln_elem *ln_error_elem(struct ln_stanza *reply);

/*
 * The stanza as an element tree in `arena`: <message xmlns='jabber:client'
 * from=... >, for <forwarded/> (XEP-0297) and for stored documents.
 */
struct ln_elem *ln_stanza_elem(const struct ln_stanza *st, struct arena *arena);

/* The other way; NULL if the element is no message, presence or iq with good addresses. */
struct ln_stanza *ln_stanza_from_elem(const struct ln_elem *elem);

/* Adds <delay/> (XEP-0203); `reason` may be NULL. */
void ln_add_delay(struct ln_stanza *st, const struct ln_jid *by, int64_t wall_ms,
    const char *reason);

/*
 * Adds <stanza-id/> (XEP-0359) in the name of `by`, in the place of one that it
 * has. Forged ones in the name of an account are taken out where its messages
 * come in and go out. What lasts is stamped by the core after message_received,
 * unless a handler (an archive) has done so: with the id it stores it under.
 */
void ln_stamp(struct ln_stanza *st, const struct ln_jid *by, const char *id);

/* The id that `by` (a bare JID) stamped; NULL: none. */
const char *ln_stamped(const struct ln_stanza *st, const struct ln_jid *by);

/* A time as XEP-0082 writes it, "2026-01-31T12:00:00.000Z"; returns `out`. */
#define LN_DATETIME_MAX 32
const char *ln_datetime(int64_t wall_ms, char out[LN_DATETIME_MAX]);

/* What such a text says, in any zone; -1: it is none, or NULL. */
int64_t ln_datetime_read(const char *text);

/* --- sending one ---------------------------------------------------------- */

/*
 * Routes the stanza to whoever `to` names: never a nested call, it goes into
 * an inbox. Ownership passes. What cannot be delivered is answered with the
 * RFC's error, to `from`, by the router.
 */
void ln_send(struct ln_stanza *st);

#endif
