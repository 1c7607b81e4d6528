/*
 * The messages of SCRAM (RFC 5802, RFC 7677), taken apart, put together and
 * proved. Nothing here keeps state: the order of messages is the mechanism's.
 *
 *	scram_parse_first(text, len, room, &first)	n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL
 *	scram_print_first(...)				r=...,s=QSXCR+Q6sek8bf92,i=4096
 *	scram_parse_final(text, len, &final)		c=biws,r=...,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=
 *	scram_check_binding(...), scram_check_proof(...)
 *
 * Texts are slices of what was parsed and live as long as that.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SASL_SCRAM_H
#define LN_SASL_SCRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linnet/credentials.h>
#include <linnet/sasl.h>

/* What can be wrong: {name, condition, reason for the log}. */
#define SCRAM_ERRORS(X)                                                                       \
	X(OK, NOT_AUTHORIZED, "")                                                             \
	X(LONG, MALFORMED_REQUEST, "message too long")                                        \
	X(GS2_HEADER, MALFORMED_REQUEST, "GS2 header malformed")                              \
	X(AUTHZID, MALFORMED_REQUEST, "authorization identity malformed")                     \
	X(EXTENSION, MALFORMED_REQUEST, "mandatory extension (m=)")                           \
	X(USERNAME, MALFORMED_REQUEST, "user name missing or malformed")                      \
	X(NONCE, MALFORMED_REQUEST, "nonce missing or malformed")                             \
	X(ATTRIBUTE, MALFORMED_REQUEST, "attribute malformed")                                \
	X(BINDING, MALFORMED_REQUEST, "channel binding missing or malformed")                 \
	X(PROOF, MALFORMED_REQUEST, "proof missing or malformed")                             \
	X(PLUS_WANTED, MALFORMED_REQUEST, "channel binding in a mechanism without it")        \
	X(PLUS_UNUSED, MALFORMED_REQUEST, "no channel binding in a mechanism that is for it") \
	X(BINDING_TYPE, MALFORMED_REQUEST, "channel binding type not offered")                \
	X(DOWNGRADED, NOT_AUTHORIZED, "client was not shown that channel binding is offered") \
	X(BINDING_DIFFERS, NOT_AUTHORIZED, "channel binding differs: someone is in between")  \
	X(NONCE_DIFFERS, NOT_AUTHORIZED, "nonce differs")                                     \
	X(WRONG, NOT_AUTHORIZED, "wrong password or unknown user")

enum scram_error {
#define X(name, condition, reason) SCRAM_##name,
	SCRAM_ERRORS(X)
#undef X
};

enum ln_sasl_condition scram_condition(enum scram_error error);
const char *scram_reason(enum scram_error error);

struct scram_text {
	const char *at;
	size_t len;
};

/* client-first-message */
struct scram_first {
	char flag;                  /* 'n', 'y', 'p' */
	struct scram_text type;     /* p: the channel binding's */
	struct scram_text header;   /* gs2-header, with its last comma */
	struct scram_text bare;     /* client-first-message-bare */
	struct scram_text authzid;  /* decoded; empty: none */
	struct scram_text username; /* decoded, not prepared */
	struct scram_text nonce;
};

/* client-final-message */
struct scram_final {
	struct scram_text binding; /* base64, as written */
	struct scram_text nonce;
	struct scram_text proof; /* base64, as written */
	struct scram_text without_proof;
};

/* `room` holds `len` bytes and gets the decoded names. */
enum scram_error scram_parse_first(const char *text, size_t len, char *room,
    struct scram_first *first);

enum scram_error scram_parse_final(const char *text, size_t len, struct scram_final *final);

/*
 * Does the GS2 flag fit the mechanism and what this stream was offered (RFC
 * 5802 §6)? binding_r gets the binding that was chosen, NULL for none.
 */
enum scram_error scram_check_flag(const struct scram_first *first, bool plus,
    const struct ln_sasl_context *context, const struct ln_sasl_binding **binding_r);

/* Is c= the GS2 header and the binding's data? */
enum scram_error scram_check_binding(const struct scram_final *final, struct scram_text header,
    const struct ln_sasl_binding *binding);

/* Bytes that scram_print_first() needs at most. */
size_t scram_first_room(size_t nonce_len);

/*
 * Writes server-first-message and returns its length. `nonce` is the client's
 * and ours. With it go h= (XEP-0474) and, under TLS, t= (XEP-0515).
 */
size_t scram_print_first(char *out, struct scram_text nonce, enum ln_scram_hash hash,
    const struct ln_scram_keys *keys, const struct ln_sasl_context *context);

/*
 * Checks the proof over the AuthMessage {bare, server first, final without
 * proof} and gives the server's signature. Constant time.
 */
enum scram_error scram_check_proof(const struct scram_final *final, enum ln_scram_hash hash,
    const struct ln_scram_keys *keys, const char *auth_message, size_t len,
    uint8_t signature[LN_SCRAM_KEY_MAX]);

/* base64 of the hash over what was offered (XEP-0474 §4.1), NUL-terminated. */
#define SCRAM_OFFER_MAX 89
void scram_offer_hash(const struct ln_sasl_context *context, enum ln_scram_hash hash,
    char out[SCRAM_OFFER_MAX]);

#endif
