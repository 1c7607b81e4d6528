/*
 * A stream with another server, from the inside: the struct that the s2s_*.c
 * files share.
 *
 *	s2s.c		taking in, events, the end of all of them
 *	s2s_in.c	negotiation where the other server connected
 *	s2s_out.c	negotiation where a link of ours did (link.h)
 *	proof.h		how one server proves itself to the other
 *	s2s_stanza.c	stanzas in and out, acknowledgements
 *	s2s_policy.h	what a host wants of others
 *	s2s_hooks.c	what modules are told of them
 *
 * What a stream may carry is a set of pairs {our domain, theirs}: a stanza is
 * accepted only from a pair that the peer has proven, and sent only under one
 * that it has accepted from us (or, with XEP-0288, proven).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_XMPP_PEER_H
#define LN_XMPP_PEER_H

#include <sys/queue.h>

#include "base/log.h"
#include "core/hold.h"
#include "core/host.h"
#include "core/port.h"
#include "net/tlsa.h"
#include "net/vouch.h"
#include "xmpp/quota.h"
#include "xmpp/s2s_policy.h"
#include "xmpp/sending.h"
#include "xmpp/stream.h"

struct link;

#define PEER_STATES(X)                                            \
	X(HANDSHAKE) /* in direct TLS, or behind <proceed/> */    \
	X(HEADER)                                                 \
	X(FEATURES)   /* out: theirs are to come */               \
	X(PROCEED)    /* out: <starttls/> was sent */             \
	X(AUTH)       /* out: EXTERNAL was tried */               \
	X(CHALLENGED) /* in: EXTERNAL without initial response */ \
	X(OPEN)       /* nothing is left to negotiate but pairs */

enum peer_state {
#define X(name) PEER_##name,
	PEER_STATES(X)
#undef X
};

enum pair_state { PAIR_ASKED, PAIR_PROVEN };

struct pair {
	LIST_ENTRY(pair) link;
	enum pair_state state;
	const char *how; /* static: "certificate", "dialback" */
	const char *local, *remote;
	char names[]; /* both */
};

struct peer {
	struct stream stream;
	struct port port; /* found by id from every asynchronous gap */
	enum peer_state state;
	bool outgoing, direct_tls;
	bool component; /* XEP-0114 (component.h): no server, and no pairs */
	bool listed;    /* in its worker's list of components */
	LIST_ENTRY(peer) component_link;
	struct quota quota; /* until a pair is proven */
	bool bidi;          /* XEP-0288: stanzas go both ways */
	bool acks_in;       /* XEP-0198: we say what we have handled */
	bool acks_out;      /* and they do */
	bool acks_enabled;  /* they said so: <r/> may be sent */
	bool asked;         /* <r/> or a ping is out */
	bool owes_ack;
	bool paused;
	bool tls_off, sm_offered, external_tried;
	bool has_features;    /* in: its header was of XMPP 1.0 */
	bool dialback_known;  /* the peer speaks it */
	bool unknown_there;   /* it said host-unknown */
	bool key_invalid;     /* it holds our dialback key for forged */
	bool blamed;          /* the log says why it ends */
	char *local, *remote; /* of the headers; in: NULL until they were said */
	char *stream_id;      /* the receiving server's */
	LIST_HEAD(, pair) pairs;
	unsigned pair_count, asked_count;
	unsigned failures; /* of SASL */
	struct link *link; /* out: whose it is; NULL: nobody's any more */
	/* stanzas in */
	struct hold_owner holds;
	uint32_t handled_from; /* holds.released when XEP-0198 began */
	/* stanzas out */
	struct sending_list unacked;
	size_t unacked_bytes;
	struct stream_count count;
	uint32_t acked;
	uint32_t acks_from;    /* count.sent when XEP-0198 began */
	enum tlsa_result tlsa; /* of the domain: out: `remote`, in: `vouched` */
	const char *dane;      /* static: in words */
	bool target_secure;    /* out: DNSSEC proves that the machine below is the domain's */
	bool delegated;        /* the certificate is for such a machine (RFC 7673 §4.1) */
	char *vouched;         /* in: whose TLSA records were asked for */
	struct vouch_question *vouching;
	char target[DNS_NAME_MAX + 1]; /* the machine that was dialled */
	int64_t since, busy_at, heard_at,
	    asked_at; /* ms: begun, last stanza, last sign of life ... */
	char sni[POLICY_ASCII_MAX];
	char told[160]; /* out: why it ended the stream; "": not said */
};

/* Is the server being stopped? Any thread. (s2s_stop.c) */
bool s2s_stopping(void);
void s2s_stop_init(void);

/* Begins a stream over a connection; it is its connection's owner. */
struct peer *peer_new(struct conn *conn, bool outgoing, bool direct_tls);

static inline struct peer *
peer_of(struct stream *stream)
{
	return (struct peer *)stream;
}

static inline struct peer *
peer_of_port(struct port *port)
{
	return port != NULL ? (struct peer *)((char *)port - offsetof(struct peer, port)) : NULL;
}

/* Calls `act` for every stream of this worker; `act` may end it. */
void peers_each(void (*act)(struct peer *peer, void *arg), void *arg);

/* A log line about this stream. */
void peer_log(const struct peer *peer, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A warning of what the other server does wrong; limited, for it may be anybody. */
void peer_blame(const struct peer *peer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

const char *peer_state_name(enum peer_state state);
void peer_to(struct peer *peer, enum peer_state state);

/* Gives back what it held in the limits before it had proven anything. */
void peer_uncount(struct peer *peer);

/* The domain that a peer writes so, prepared; NULL: it is none. */
const char *peer_domain(struct arena *arena, const char *text);

/* Sets its domains; NULL leaves one as it is. */
void peer_set_names(struct peer *peer, const char *local, const char *remote);

/* Limits of elements: before and after a pair is proven. */
void peer_limit(struct peer *peer, size_t bytes);

/* "certificate" ... of a set of pairs */
struct pair *pair_find(const struct peer *peer, const char *local, const char *remote);
struct pair *pair_add(struct peer *peer, const char *local, const char *remote,
    enum pair_state state);
/* Is one proven? */
bool pairs_any(const struct peer *peer);

void pair_remove(struct peer *peer, struct pair *pair);
void pair_prove(struct peer *peer, struct pair *pair, const char *how);

/* Dials the link's remote domain for a stream of its own; link_*() say what becomes of it. */
void out_dial(struct link *link);

/* The link has something for its stream: stanzas to be allowed, keys to be verified. */
void out_wanted(struct peer *peer);

/* Nothing is left to negotiate but the pair; the pair is proven; it ends before it could carry
 * anything. */
void out_opened(struct peer *peer);
void out_established(struct peer *peer);
void out_fail(struct peer *peer, const char *reason);

/* --- events by direction (s2s_in.c, s2s_out.c) ------------------------------------- */

void in_header(struct peer *peer, const struct parser_header *header);
void in_element(struct peer *peer, struct arena *arena, struct ln_elem *elem);
void in_secured(struct peer *peer);
void in_answer(struct peer *peer);
void in_negotiate(struct peer *peer);

/* True: the peer's domain is asked about (DANE); in_negotiate() follows (s2s_vouch.c). */
bool in_vouch(struct peer *peer);
void out_header(struct peer *peer, const struct parser_header *header);
void out_element(struct peer *peer, struct arena *arena, struct ln_elem *elem);
void out_secured(struct peer *peer);
void out_answer(struct peer *peer);
void out_ended(struct peer *peer, enum stream_end end, const char *reason);

/* The answer to a key that this stream asked about; any worker may post it (link.h). */
void in_verified(struct peer *peer, const char *local, const char *remote, const char *id,
    bool valid, enum ln_error error);

/* --- stanzas (s2s_stanza.c) ---------------------------------------------------------- */

/* A stanza from the peer; the arena is the callee's. */
void peer_stanza(struct peer *peer, struct arena *arena, struct ln_elem *elem);

/* Sends; ownership passes. Its acknowledgement, or its return to its link, comes from here. */
void peer_send(struct peer *peer, struct sending *sending);

/* XEP-0198; false: no such element. */
bool peer_acks(struct peer *peer, const struct ln_elem *elem);

/* From now on what we send is counted (XEP-0198). */
void peer_count_acks(struct peer *peer);

void peer_sent(struct peer *peer);
void peer_alive(struct peer *peer);     /* it has answered by another stream */
void peer_give_back(struct peer *peer); /* at its end: what was not acknowledged */
void peer_holds_advanced(struct hold_owner *owner);

/* Asks for a sign of life, or ends what gave none; sets the next deadline. */
void peer_tend(struct peer *peer);

/* --- modules (s2s_hooks.c) ---------------------------------------------------------------- */

/* Does no module forbid that this server is called? */
bool hook_may_connect(const char *local, const char *remote);

/* A pair has been proven. */
void hook_authenticated(const struct peer *peer, const struct pair *pair);

#endif
