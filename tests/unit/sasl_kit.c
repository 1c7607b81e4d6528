/*
 * See sasl_kit.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "sasl_kit.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/base64.h"
#include "linnet/module.h"

extern const struct ln_module ln_module_sasl_external;
extern const struct ln_module ln_module_sasl_plain;
extern const struct ln_module ln_module_sasl_scram;

const uint8_t exporter[32] = "thirty-two bytes of exporter key";
const uint8_t end_point[20] = "digest of the server";

static const struct ln_sasl_binding bindings[] = {
	{ "tls-exporter", exporter, sizeof exporter },
	{ "tls-server-end-point", end_point, sizeof end_point },
};

static const char *const offered[] = { "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "PLAIN", NULL };

struct arena *arena;
struct ln_sasl_context context;
struct ln_sasl sasl;
struct ln_credentials juliet;
const uint8_t secret[LN_FAKE_SECRET_LEN] = { 7 };

void
kit_once(void)
{
	ln_credentials_derive(&juliet, "pencil", 6, FEW);
}

void
kit_setup(void)
{
	arena = arena_new(4096);
	memset(&sasl, 0, sizeof sasl);
	context = (struct ln_sasl_context){
		.host = "example.org",
		.tls = true,
		.tls_version = 0x0304,
		.bindings = bindings,
		.binding_count = 2,
		.mechanisms = offered,
		.bindings_advertised = true,
	};
}

void
kit_teardown(void)
{
	ln_sasl_end(&sasl);
	arena_free(&arena);
}

const struct ln_sasl_mechanism *
mechanism(const char *name)
{
	const struct ln_module *const modules[] = { &ln_module_sasl_external, &ln_module_sasl_plain,
		&ln_module_sasl_scram };

	for (size_t i = 0; i < 3; i++)
		for (const struct ln_sasl_mechanism *m = modules[i]->mechanisms; m->name != NULL;
		     m++)
			if (strcmp(m->name, name) == 0)
				return m;
	ck_abort_msg("no %s", name);
	return NULL;
}

void
begin(const char *name)
{
	ln_sasl_end(&sasl);
	ln_sasl_begin(&sasl, mechanism(name), &context, arena);
}

/* juliet is the one account there is. */
static void
look_up(struct ln_credentials *credentials)
{
	ln_credentials_fake(credentials, secret, sasl.username, FEW);
	if (strcmp(sasl.username, "juliet") == 0)
		*credentials = juliet;
}

/* What the framework does with a message of the client. */
enum ln_sasl_verdict
say_bytes(const void *bytes, size_t len)
{
	enum ln_sasl_verdict verdict = sasl.mechanism->step(&sasl, bytes, len);
	struct ln_credentials credentials;
	uint8_t salted[LN_SCRAM_KEY_MAX];

	if (verdict == LN_SASL_READ) {
		look_up(&credentials);
		verdict = sasl.mechanism->credentials(&sasl, &credentials);
	}
	if (verdict == LN_SASL_HASH) {
		ln_scram_salt(&sasl.work, salted);
		verdict = sasl.mechanism->hashed(&sasl, salted);
	}
	return verdict;
}

enum ln_sasl_verdict
say(const char *text)
{
	return say_bytes(text, strlen(text));
}

void
refused(enum ln_sasl_verdict verdict, enum ln_sasl_condition condition)
{
	ck_assert_int_eq(verdict, LN_SASL_FAILURE);
	ck_assert_msg(sasl.condition == condition, "%s (%s), not %s",
	    ln_sasl_condition_name(sasl.condition), sasl.reason, ln_sasl_condition_name(condition));
	ck_assert_uint_gt(strlen(sasl.reason), 0);
}

/* --- a SCRAM client ------------------------------------------------------------------------ */

const char *
value_of(const char *message, char name)
{
	const char *at = message;

	while (at[0] != name || at[1] != '=') {
		at = strchr(at, ',');
		ck_assert_msg(at != NULL, "no %c= in %s", name, message);
		at++;
	}
	return arena_strndup(arena, at + 2, strcspn(at + 2, ","));
}

const char *
client_first(struct client *client)
{
	return arena_printf(arena, "%s%s", client->header, client->bare);
}

/* Reads the challenge and salts the password as the server asks. */
void
client_challenged(struct client *client, const char *password)
{
	struct ln_scram_work work = { .hash = client->hash };
	const char *salt;

	client->server_first = sasl.data;
	client->nonce = value_of(sasl.data, 'r');
	salt = value_of(sasl.data, 's');
	work.salt_len = (uint32_t)base64_decode(salt, strlen(salt), work.salt);
	work.iterations = (uint32_t)strtoul(value_of(sasl.data, 'i'), NULL, 10);
	work.password_len = (uint32_t)strlen(password);
	memcpy(work.password, password, work.password_len);
	ln_scram_salt(&work, client->salted);
}

const char *
client_binding(const struct client *client)
{
	size_t len = strlen(client->header);
	uint8_t *bytes = arena_alloc(arena, len + client->binding_len + 1);

	memcpy(bytes, client->header, len);
	if (client->binding_len > 0)
		memcpy(bytes + len, client->binding, client->binding_len);
	return base64_text(arena, bytes, len + client->binding_len);
}

static const char *
auth_message(const struct client *client, const char *without_proof)
{
	return arena_printf(arena, "%s,%s,%s", client->bare, client->server_first, without_proof);
}

/* client-final-message: what is given and a proof of it. */
const char *
client_prove(const struct client *client, const char *without_proof)
{
	uint8_t key[LN_SCRAM_KEY_MAX], stored[LN_SCRAM_KEY_MAX], signature[LN_SCRAM_KEY_MAX];
	size_t len = ln_scram_key_len(client->hash);
	const char *message = auth_message(client, without_proof);

	ln_scram_hmac(client->hash, client->salted, len, "Client Key", 10, key);
	ln_scram_digest(client->hash, key, len, stored);
	ln_scram_hmac(client->hash, stored, len, message, strlen(message), signature);
	for (size_t i = 0; i < len; i++)
		key[i] ^= signature[i];
	return arena_printf(arena, "%s,p=%s", without_proof, base64_text(arena, key, len));
}

const char *
client_final(const struct client *client)
{
	return client_prove(client,
	    arena_printf(arena, "c=%s,r=%s", client_binding(client), client->nonce));
}

const char *
server_signature(const struct client *client, const char *final)
{
	uint8_t key[LN_SCRAM_KEY_MAX], signature[LN_SCRAM_KEY_MAX];
	size_t len = ln_scram_key_len(client->hash);
	const char *without = arena_strndup(arena, final, (size_t)(strstr(final, ",p=") - final));
	const char *message = auth_message(client, without);

	ln_scram_hmac(client->hash, client->salted, len, "Server Key", 10, key);
	ln_scram_hmac(client->hash, key, len, message, strlen(message), signature);
	return arena_printf(arena, "v=%s", base64_text(arena, signature, len));
}

struct client
plain_client(enum ln_scram_hash hash)
{
	return (struct client){ .hash = hash, .header = "n,,", .bare = "n=juliet,r=fyko" };
}

/* Begins with SCRAM-SHA-1 and stops behind the challenge. */
struct client
challenged(void)
{
	struct client client = plain_client(LN_SCRAM_SHA_1);

	begin("SCRAM-SHA-1");
	ck_assert_int_eq(say(client_first(&client)), LN_SASL_CHALLENGE);
	client_challenged(&client, "pencil");
	return client;
}
