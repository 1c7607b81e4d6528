/*
 * Dialback keys (XEP-0220, made after XEP-0185) and the elements that carry
 * them. Who asks whom, and when, is for s2s_in.c, s2s_out.c and link.c.
 *
 * A key is a function of a secret that is kept with the database, of both
 * domains and of the stream's id: so a key needs no memory to be recognised,
 * and one that was seen on one stream is worth nothing on another.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_XMPP_DIALBACK_H
#define LN_XMPP_DIALBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "linnet/stanza.h"

#define DIALBACK_KEY_LEN 64 /* hexadecimal digits */

struct dialback_names {
	const char *receiving;   /* who is to accept stanzas */
	const char *originating; /* who wants to send them */
	const char *id;          /* of the stream, given by the receiving server */
};

struct store;

/* At start: where the secret is kept. Without a store it is made up. */
void dialback_init(struct store *store);

/* The key of this server, NUL-terminated. Any thread. */
void dialback_key(const struct dialback_names *names, char key[DIALBACK_KEY_LEN + 1]);

/* Is this text the key? White space around it is no part of it. In constant time. */
bool dialback_is_key(const struct dialback_names *names, const char *text);

/* Two digits a byte, and a NUL. */
void dialback_hex(const uint8_t *bytes, size_t len, char *out);

/* The algorithm, for any secret. */
void dialback_key_of(const char *secret, const struct dialback_names *names,
    char key[DIALBACK_KEY_LEN + 1]);

/* One <db:result/> or <db:verify/>. */
struct dialback {
	const char *name; /* "result", "verify" */
	const char *from, *to;
	const char *id;   /* verify */
	const char *type; /* NULL: a request, with the key */
	const char *key;
	enum ln_error error; /* type "error" */
};

void dialback_write(struct buf *out, const struct dialback *dialback);

#endif
