/*
 * How one server proves to another whose domain it speaks for: SASL EXTERNAL
 * (s2s_external.c) and dialback (s2s_dialback.c). Each is a file with a const
 * struct; proofs[] names them, the one to be tried first at the front. The
 * streams (s2s_in.c, s2s_out.c) know the table alone. What a proof is worth is
 * for policy to say (s2s_policy.h), and what was proven is a pair (peer.h).
 *
 *	they connected	offer() ... heard()		-> pair_prove()
 *	we connected	learn(), negotiate() ... told()	-> out_opened()
 *			ask() ... told()		-> out_established()
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_XMPP_PROOF_H
#define LN_XMPP_PROOF_H

#include <stdbool.h>

struct arena;
struct ln_elem;
struct peer;

struct proof {
	const char *name; /* as the log and `s2s list` call it */

	/* They connected: adds what they may use to our features. */
	void (*offer)(const struct peer *peer, struct ln_elem *features);

	/* They say something; false: it is not of this proof. */
	bool (*heard)(struct peer *peer, struct arena *arena, const struct ln_elem *elem);

	/* We connected; their features, whether or not this proof is used. NULL: needless. */
	void (*learn)(struct peer *peer, const struct ln_elem *features);

	/* Begins before the stream is open; false: it cannot. NULL: it never does. */
	bool (*negotiate)(struct peer *peer, const struct ln_elem *features);

	/* Stanzas wait on an open stream: asks for the pair, or ends the stream. NULL: it cannot ask. */
	void (*ask)(struct peer *peer);

	/* They answer; false: it is not of this proof, or out of place. */
	bool (*told)(struct peer *peer, struct arena *arena, const struct ln_elem *elem);
};

extern const struct proof proof_external, proof_dialback;

/* All of them; NULL at the end. */
extern const struct proof *const proofs[];

/* Our stream: the keys that its link wants verified, as far as they were not sent (s2s_dialback.c). */
void out_verifies(struct peer *peer);

#endif
