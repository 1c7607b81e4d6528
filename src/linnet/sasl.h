/*
 * SASL mechanisms (RFC 4422, RFC 6120 §6). A mechanism is a module's: a table
 * row, offered to everybody by
 *
 *	static const struct ln_sasl_mechanism mechanisms[] = {
 *		{ "PLAIN", LN_SASL_NEEDS_TLS, 10, sizeof(struct plain), plain_step,
 *		    plain_credentials, plain_hashed },
 *		{ NULL },
 *	};
 *	LN_MODULE(sasl_plain, ..., .mechanisms = mechanisms);
 *
 * and pure logic: it sees bytes that were decoded from base64, and says what
 * is to happen next. It never waits, never reads the store, never touches the
 * stream. Everything slow is asked for by the value it returns:
 *
 *	                   step(bytes of the client)
 *	                    |
 *	  LN_SASL_CHALLENGE | data goes to the client; its answer comes to step()
 *	  LN_SASL_READ      | the credentials of `username` are read from the store
 *	                    | (made up for an unknown name): credentials()
 *	  LN_SASL_HASH      | `work` runs on the crypto pool: hashed()
 *	  LN_SASL_SUCCESS   | the client is username@host; data, if any, goes along
 *	  LN_SASL_FAILURE   | condition goes to the client, reason to the log
 *
 * A mechanism ends each of its functions with one of the ln_sasl_*() calls
 * below, which fill in the answer. Whoever runs the exchange (the SASL framework
 * in src/xmpp, or a test) does this:
 *
 *	ln_sasl_begin(&sasl, mechanism, &context, arena);
 *	verdict = mechanism->step(&sasl, bytes, len);
 *	... answer, read or hash, and go on ...
 *	ln_sasl_end(&sasl);
 *
 * All mechanisms are client-first: where the client sent no initial response,
 * the framework sends an empty challenge and calls step() with the answer (RFC
 * 4422 §3). It limits tries and time; it keeps an exchange on one worker; it
 * ends the exchange of a stream that is gone without asking the mechanism.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_LINNET_SASL_H
#define LN_LINNET_SASL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "linnet/credentials.h"

struct arena;
struct ln_sasl;

#define LN_SASL_INPUT_MAX 8192 /* bytes of one message of the client, decoded */

/* The conditions of RFC 6120 §6.5: {name, element}. */
#define LN_SASL_CONDITIONS(X)                         \
	X(ABORTED, "aborted")                         \
	X(ACCOUNT_DISABLED, "account-disabled")       \
	X(CREDENTIALS_EXPIRED, "credentials-expired") \
	X(ENCRYPTION_REQUIRED, "encryption-required") \
	X(INCORRECT_ENCODING, "incorrect-encoding")   \
	X(INVALID_AUTHZID, "invalid-authzid")         \
	X(INVALID_MECHANISM, "invalid-mechanism")     \
	X(MALFORMED_REQUEST, "malformed-request")     \
	X(MECHANISM_TOO_WEAK, "mechanism-too-weak")   \
	X(NOT_AUTHORIZED, "not-authorized")           \
	X(TEMPORARY_AUTH_FAILURE, "temporary-auth-failure")

enum ln_sasl_condition {
#define X(name, element) LN_SASL_##name,
	LN_SASL_CONDITIONS(X)
#undef X
};

/* The name of its element; never NULL. */
const char *ln_sasl_condition_name(enum ln_sasl_condition condition);

enum ln_sasl_verdict {
	LN_SASL_CHALLENGE,
	LN_SASL_READ,
	LN_SASL_HASH,
	LN_SASL_SUCCESS,
	LN_SASL_FAILURE
};

/* When a mechanism is offered. */
enum {
	LN_SASL_NEEDS_TLS = 1 << 0,         /* on an encrypted stream only */
	LN_SASL_NEEDS_BINDING = 1 << 1,     /* where there is channel binding (-PLUS) */
	LN_SASL_NEEDS_CERTIFICATE = 1 << 2, /* to a client that showed a certificate */
};

struct ln_sasl_mechanism {
	const char *name; /* as advertised; NULL ends the table */
	unsigned flags;
	int strength;      /* they are offered strongest first */
	size_t state_size; /* of sasl->state: zeroed at the beginning, wiped at the end */
	enum ln_sasl_verdict (*step)(struct ln_sasl *sasl, const void *bytes, size_t len);
	enum ln_sasl_verdict (
	    *credentials)(struct ln_sasl *sasl, const struct ln_credentials *credentials);
	enum ln_sasl_verdict (
	    *hashed)(struct ln_sasl *sasl, const uint8_t salted[LN_SCRAM_KEY_MAX]);
};

/* Channel binding that this connection can do, strongest first. */
struct ln_sasl_binding {
	const char *type; /* "tls-exporter" (RFC 9266), "tls-server-end-point" (RFC 5929) */
	const uint8_t *data;
	size_t len;
};

/* A client certificate whose chain was verified against our authorities. */
struct ln_sasl_certificate {
	const char *const *xmpp_addresses; /* id-on-xmppAddr, as written; NULL-terminated */
	const char *const *dns_names;      /* dNSName, as written; NULL-terminated */
};

/* What is known of the stream; const and alive as long as the exchange. */
struct ln_sasl_context {
	const char *host; /* prepared domain that the stream was opened to */
	bool tls;
	uint16_t tls_version; /* as on the wire: 0x0303, 0x0304; 0 without TLS */
	const struct ln_sasl_binding *bindings;
	size_t binding_count;
	const struct ln_sasl_certificate *certificate; /* NULL: none shown, or not valid */

	/* What this client was offered, for downgrade protection (XEP-0474). */
	const char *const *mechanisms; /* NULL-terminated */
	bool bindings_advertised;      /* XEP-0440 listed `bindings` */
};

/* One exchange. A mechanism reads the first part and writes none of it directly. */
struct ln_sasl {
	const struct ln_sasl_mechanism *mechanism;
	const struct ln_sasl_context *context;
	struct arena *arena; /* lives as long as the exchange */
	void *state;

	/* the answer of the last call */
	const char *username; /* READ and later: prepared localpart, NUL-terminated */
	const void *data;     /* CHALLENGE, SUCCESS; NUL behind it; NULL: SUCCESS without data */
	size_t len;
	struct ln_scram_work work; /* HASH: copied to the job, then wiped here */
	enum ln_sasl_condition condition;
	const char *reason; /* for the log; NUL-terminated */
};

/* --- how a mechanism answers: `return ln_sasl_challenge(...)` --------------- */

/* The bytes are copied. */
enum ln_sasl_verdict ln_sasl_challenge(struct ln_sasl *sasl, const void *data, size_t len);

/* The name is prepared and kept; one that can't be an account's fails as not-authorized. */
enum ln_sasl_verdict ln_sasl_read(struct ln_sasl *sasl, const char *username, size_t len);

/* The password has to be prepared, and is copied. */
enum ln_sasl_verdict ln_sasl_hash(struct ln_sasl *sasl, const struct ln_credentials *credentials,
    const char *password, size_t len);

/* After ln_sasl_read() alone: only a name that was looked up can log in. */
enum ln_sasl_verdict ln_sasl_success(struct ln_sasl *sasl, const void *data, size_t len);

enum ln_sasl_verdict ln_sasl_fail(struct ln_sasl *sasl, enum ln_sasl_condition condition,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * Is this authorization identity the bare JID of `username` at the stream's
 * host? That is all we let a client act as. An empty one means just that.
 */
bool ln_sasl_authzid_is_own(struct ln_sasl *sasl, const char *username, size_t username_len,
    const char *authzid, size_t len);

/* Memory that lives as long as the exchange; it is not wiped. */
void *ln_sasl_alloc(struct ln_sasl *sasl, size_t size) __attribute__((returns_nonnull));

/* --- for those who run exchanges -------------------------------------------- */

/* May it be offered on this stream? */
bool ln_sasl_offered(const struct ln_sasl_mechanism *mechanism,
    const struct ln_sasl_context *context);

void ln_sasl_begin(struct ln_sasl *sasl, const struct ln_sasl_mechanism *mechanism,
    const struct ln_sasl_context *context, struct arena *arena);

/* Wipes the state; the arena stays the caller's. Fine for one that never began. */
void ln_sasl_end(struct ln_sasl *sasl);

#endif
