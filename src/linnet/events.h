/*
 * Events: one struct each, on the caller's stack, valid during the call. The
 * list with kinds and homes is linnet/hooks.def.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LINNET_EVENTS_H
#define LINNET_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "linnet/stanza.h"

struct ln_account;
struct ln_session;
struct ln_host;
struct ln_mod;

enum ln_verdict {
	LN_PASS, /* go on with the next handler */
	LN_DONE  /* dealt with: the chain ends */
};

/*
 * What the event structs have in common is their first member: the core looks
 * there for what became of the stanza. Modules use the functions below.
 */
struct ln_ev_head {
	struct ln_stanza *stanza; /* NULL for events without one, or once it was taken */
};

/* Stream features, before or after login. */
struct ln_ev_stream_features {
	struct ln_ev_head head;
	const struct ln_host *host;
	struct ln_elem *features; /* <stream:features/>: add children */
	bool secure;              /* under TLS */
	bool authenticated;
	bool may_login; /* it can log in now: TLS is on, or is not required */
};

struct ln_ev_auth {
	struct ln_ev_head head;
	const struct ln_host *host;
	const char *mechanism;
	const char *username; /* NULL while unknown */
	const char *address;  /* of the peer */
	const char *reason;   /* auth_failed: for the log */
	bool secure;
};
#define ln_ev_auth_attempt ln_ev_auth
#define ln_ev_auth_succeeded ln_ev_auth
#define ln_ev_auth_failed ln_ev_auth

struct ln_ev_session {
	struct ln_ev_head head;
	struct ln_account *account;
	struct ln_session *session;
	const char *reason; /* session_detached, session_closed */
};
#define ln_ev_session_bound ln_ev_session
#define ln_ev_session_detached ln_ev_session
#define ln_ev_session_resumed ln_ev_session
#define ln_ev_session_closed ln_ev_session
#define ln_ev_presence_available ln_ev_session
#define ln_ev_presence_unavailable ln_ev_session

struct ln_ev_session_nonza {
	struct ln_ev_head head;
	struct ln_account *account;
	struct ln_session *session;
	const struct ln_elem *elem;
};

struct ln_ev_account {
	struct ln_ev_head head;
	struct ln_account *account;
};
#define ln_ev_account_created ln_ev_account
#define ln_ev_account_deleted ln_ev_account
#define ln_ev_password_changed ln_ev_account
#define ln_ev_account_reloaded ln_ev_account

/*
 * A stanza at an account. `stanza` is head.stanza under the name that reads
 * well; `session` is the sender's (…_sent) or, where the stanza is for a full
 * JID that is bound, the addressed one.
 */
struct ln_ev_stanza {
	union {
		struct ln_ev_head head;
		struct ln_stanza *stanza;
	};
	struct ln_account *account;
	struct ln_session *session;
};
#define ln_ev_message_sent ln_ev_stanza
#define ln_ev_message_received ln_ev_stanza
#define ln_ev_presence_sent ln_ev_stanza
#define ln_ev_presence_received ln_ev_stanza
#define ln_ev_iq_sent ln_ev_stanza
#define ln_ev_iq_received ln_ev_stanza
#define ln_ev_stanza_out ln_ev_stanza

/* Nobody took a message that lasts. ln_keep() stores it; otherwise it is returned to its sender. */
struct ln_ev_message_undeliverable {
	union {
		struct ln_ev_head head;
		struct ln_stanza *stanza;
	};
	struct ln_account *account;
	struct waiting *waiting; /* the core's */
	bool stored;             /* it is on disk, and was acknowledged: no quota */
};

/* Keeps the message until its recipient comes, at most until `expires` (wall-clock ms, 0: for
 * good). Returns LN_DONE. */
enum ln_verdict ln_keep(struct ln_ev_message_undeliverable *ev, int64_t expires);

struct ln_ev_message_delivered {
	union {
		struct ln_ev_head head;
		struct ln_stanza *stanza;
	};
	struct ln_account *account;
	struct ln_session *const *sessions; /* that were given it */
	size_t count;                       /* 0: it waits in `pending` */
};

struct ln_ev_presence_shown {
	struct ln_ev_head head; /* no stanza */
	struct ln_account *account;
	const struct ln_jid *contact;
};

struct ln_ev_subscription_changed {
	struct ln_ev_head head;
	struct ln_account *account;
	const struct ln_jid *contact;
	bool to_before, from_before, to_now, from_now;
};

/*
 * A client that has not logged in, as rows LN_BEFORE_LOGIN see it. It has no
 * address yet: ln_from() of its request is NULL, and what answers the request
 * finds it all the same. It may ask ten times; once a set of it was answered
 * with a result, all it can do is log in. Where TLS is required it is heard under TLS alone.
 */
struct ln_early {
	const char *address; /* of the peer, as text */
	const char *network; /* a key for ln_limit(): the IPv4 address, the /64 of an IPv6 one */
	bool secure;         /* under TLS */
};

/* A get or set for a module's iq row. Answer it exactly once: ln_answer(), ln_refuse(), ln_later(). */
struct ln_ev_iq {
	union {
		struct ln_ev_head head;
		struct ln_stanza *stanza;
	};
	const struct ln_elem *query; /* the one child that chose the row */
	const struct ln_host *host;
	struct ln_account *account;   /* rows LN_TO_ACCOUNT: the addressed account; else NULL */
	bool own;                     /* the asker is `account` itself */
	struct ln_session *session;   /* the asker's, if the handler runs at its home; else NULL */
	const struct ln_early *early; /* rows LN_BEFORE_LOGIN; else NULL */
};

/* Something in a room. `stanza`: the presence of who joins, the message; else NULL. */
struct ln_ev_room {
	union {
		struct ln_ev_head head;
		struct ln_stanza *stanza;
	};
	const struct ln_jid *room;
	const struct ln_jid *occupant; /* room@service/nick; NULL: none */
	const struct ln_jid *who;      /* whose it is; NULL: nobody's */
};
#define ln_ev_room_created ln_ev_room
#define ln_ev_room_joining ln_ev_room
#define ln_ev_room_joined ln_ev_room
#define ln_ev_room_left ln_ev_room
#define ln_ev_room_message ln_ev_room
#define ln_ev_room_destroyed ln_ev_room

/* disco#info or disco#items of `jid` (a bare JID or a host), for `asker`. */
struct ln_ev_disco {
	struct ln_ev_head head;
	const struct ln_host *host;
	struct ln_account *account; /* NULL: the host is asked */
	const struct ln_jid *asker;
	const char *node;      /* NULL: none */
	struct ln_elem *query; /* add features, identities, items, forms */
	bool found;            /* set it when you know the node */
	bool forbidden;        /* set it when the asker may not know of it */
};
#define ln_ev_disco_info ln_ev_disco
#define ln_ev_disco_items ln_ev_disco

/* Another server, as seen from one of our hosts. No stanza. */
struct ln_ev_server {
	struct ln_ev_head head;
	const struct ln_host *host;
	const char *remote; /* its domain, normalised */
	/* server_authenticated alone: */
	bool outgoing;    /* the stream is ours, and the other server believes us to be `host` */
	bool secure;      /* under TLS */
	const char *how;  /* "certificate", "dialback" */
	const char *dane; /* "match", "mismatch", "unusable", "unknown", "": what DNS says of it */
	const char *address; /* of the peer */
};
#define ln_ev_server_out_connecting ln_ev_server
#define ln_ev_server_authenticated ln_ev_server

/* /.well-known/host-meta of `host` is asked for: say what there is with ln_link_add() (link.h). */
struct ln_link;
struct ln_ev_host_meta {
	struct ln_ev_head head;
	const struct ln_host *host;
	void (*add)(void *to, const struct ln_link *link);
	void *to;
};

struct ln_ev_host {
	struct ln_ev_head head;
	const struct ln_host *host;
};
#define ln_ev_host_started ln_ev_host
#define ln_ev_config_reloaded ln_ev_host

/* --- what a filter returns ------------------------------------------------- */

/*
 * Refuses the stanza: the sender gets the error (unless it is one that is never
 * answered), the text (NULL: none) may tell a person why. Returns LN_DONE.
 */
enum ln_verdict ln_refuse(struct ln_stanza *st, enum ln_error error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with an error type other than the usual one. */
enum ln_verdict ln_refuse_as(struct ln_stanza *st, enum ln_error error, enum ln_error_type type,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Drops the stanza without an answer; counted under its reason (a literal). Returns LN_DONE. */
enum ln_verdict ln_drop(struct ln_stanza *st, const char *reason);

/* Answers an iq; ownership of the result passes. A set that stored something is answered when
 * that is durable. Returns LN_DONE. */
enum ln_verdict ln_answer(struct ln_ev_iq *ev, struct ln_stanza *result);

/* Takes the stanza out of the event: it is the caller's now. Return LN_DONE after it. */
struct ln_stanza *ln_take(struct ln_ev_head *head);

/* --- answering later ------------------------------------------------------- */

struct ln_token;

/*
 * Promises an answer later. The token is on the module's ledger: it is answered
 * with internal-server-error if the module is switched off, remote-server-timeout
 * after a minute. Returns LN_DONE.
 */
enum ln_verdict ln_later(struct ln_ev_iq *ev, const struct ln_mod *mod, struct ln_token **token_r);

/* The request, owned by the token: there until the token ends, even if it was answered in the
 * module's place meanwhile (the answer is dropped then). */
const struct ln_stanza *ln_token_request(const struct ln_token *token);

/* Answers and ends the token; ownership of the result passes. */
void ln_token_answer(struct ln_token **token, struct ln_stanza *result);
void ln_token_refuse(struct ln_token **token, enum ln_error error, const char *text);

#endif
