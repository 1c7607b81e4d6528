/*
 * For tests of SASL mechanisms: a stream, a store with one account (juliet,
 * whose password is "pencil"), a crypto pool, and a SCRAM client.
 *
 *	begin("SCRAM-SHA-1");
 *	say(client_first(&client));
 *	client_challenged(&client, "pencil");
 *	say(client_final(&client));
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_TESTS_SASL_KIT_H
#define LN_TESTS_SASL_KIT_H

#include <stddef.h>
#include <stdint.h>

#include "linnet/credentials.h"
#include "linnet/sasl.h"

#define FEW 4096 /* iterations, so that the tests are quick */
#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

extern const uint8_t exporter[32];  /* data of tls-exporter on this stream */
extern const uint8_t end_point[20]; /* and of tls-server-end-point */
extern const uint8_t secret[LN_FAKE_SECRET_LEN];
extern struct arena *arena;
extern struct ln_sasl_context context;
extern struct ln_sasl sasl;
extern struct ln_credentials juliet;

/* Fixtures: once for the program, and around every test. */
void kit_once(void);
void kit_setup(void);
void kit_teardown(void);

const struct ln_sasl_mechanism *mechanism(const char *name);

/* Ends the exchange there was and begins one. */
void begin(const char *name);

/* The client says something; reads and hashes are done on the spot. */
enum ln_sasl_verdict say_bytes(const void *bytes, size_t len);
enum ln_sasl_verdict say(const char *text);

/* The verdict was a failure of this condition, with a reason for the log. */
void refused(enum ln_sasl_verdict verdict, enum ln_sasl_condition condition);

/* --- a SCRAM client ------------------------------------------------------------- */

struct client {
	enum ln_scram_hash hash;
	const char *header, *bare; /* the halves of client-first-message */
	const uint8_t *binding;
	size_t binding_len;
	const char *server_first, *nonce;
	uint8_t salted[LN_SCRAM_KEY_MAX];
};

/* juliet, without channel binding. */
struct client plain_client(enum ln_scram_hash hash);

/* Such a client that began with SCRAM-SHA-1 and was given its challenge. */
struct client challenged(void);

const char *client_first(struct client *client);

/* Reads the challenge and salts the password as the server asks. */
void client_challenged(struct client *client, const char *password);

/* c= as it should be. */
const char *client_binding(const struct client *client);

/* Adds the proof of what is given. */
const char *client_prove(const struct client *client, const char *without_proof);
const char *client_final(const struct client *client);

/* What the server has to answer. */
const char *server_signature(const struct client *client, const char *final);

/* The value of an attribute in a message. */
const char *value_of(const char *message, char name);

#endif
