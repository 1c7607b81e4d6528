/*
 * mod_sasl_scram - log in with a password that never crosses the wire.
 *
 * SCRAM-SHA-1, -256 and -512 (RFC 5802, RFC 7677), and their -PLUS forms, which
 * tie the login to the TLS connection by tls-exporter (RFC 9266) or
 * tls-server-end-point (RFC 5929). The client does the slow hashing; here a
 * login costs a few HMACs. The client also learns, under the protection of the
 * password, what it was offered (XEP-0474) and over which TLS (XEP-0515), so
 * that nobody in between can talk it into something weaker.
 *
 * SPDX-License-Identifier: MIT
 */
#include <linnet/module.h>
#include <linnet/sasl.h>

#include <string.h>

#include <linnet/base64.h>

#include "scram.h"

#define NONCE_BYTES 18 /* 24 characters of base64, none of them padding */

struct scram {
	bool answered; /* server-first is out: the next message is client-final */
	enum ln_scram_hash hash;
	const struct ln_sasl_binding *binding;
	struct scram_text header, bare, nonce, server_first;
	struct ln_scram_keys keys;
};

static enum ln_sasl_verdict
fail(struct ln_sasl *sasl, enum scram_error error)
{
	return ln_sasl_fail(sasl, scram_condition(error), "%s", scram_reason(error));
}

static struct scram_text
keep(struct ln_sasl *sasl, struct scram_text text)
{
	char *copy = ln_sasl_alloc(sasl, text.len + 1);

	memcpy(copy, text.at, text.len);
	copy[text.len] = '\0';
	return (struct scram_text){ copy, text.len };
}

static struct scram_text
joined(struct ln_sasl *sasl, struct scram_text a, const char *middle, struct scram_text b)
{
	size_t middle_len = strlen(middle), len = a.len + middle_len + b.len;
	char *text = ln_sasl_alloc(sasl, len + 1);

	memcpy(text, a.at, a.len);
	memcpy(text + a.len, middle, middle_len);
	memcpy(text + a.len + middle_len, b.at, b.len);
	text[len] = '\0';
	return (struct scram_text){ text, len };
}

static enum ln_sasl_verdict
first_message(struct ln_sasl *sasl, struct scram *scram, const char *text, size_t len, bool plus)
{
	struct scram_first first;
	uint8_t random[NONCE_BYTES];
	char nonce[LN_BASE64_LEN(NONCE_BYTES) + 1];
	enum scram_error error = scram_parse_first(text, len, ln_sasl_alloc(sasl, len + 1), &first);

	if (error == SCRAM_OK)
		error = scram_check_flag(&first, plus, sasl->context, &scram->binding);
	if (error != SCRAM_OK)
		return fail(sasl, error);
	if (!ln_sasl_authzid_is_own(sasl, first.username.at, first.username.len, first.authzid.at,
		first.authzid.len))
		return ln_sasl_fail(sasl, LN_SASL_INVALID_AUTHZID,
		    "asked to act for somebody else");
	ln_random(random, sizeof random);
	ln_base64_encode(random, sizeof random, nonce);
	scram->header = keep(sasl, first.header);
	scram->bare = keep(sasl, first.bare);
	scram->nonce = joined(sasl, first.nonce, nonce, (struct scram_text){ "", 0 });
	return ln_sasl_read(sasl, first.username.at, first.username.len);
}

static enum ln_sasl_verdict
scram_credentials(struct ln_sasl *sasl, const struct ln_credentials *credentials)
{
	struct scram *scram = sasl->state;
	char *text = ln_sasl_alloc(sasl, scram_first_room(scram->nonce.len));

	scram->keys = credentials->scram[scram->hash];
	if (scram->keys.iterations == 0)
		return ln_sasl_fail(sasl, LN_SASL_NOT_AUTHORIZED,
		    "the account has no keys of this hash");
	scram->server_first.at = text;
	scram->server_first.len =
	    scram_print_first(text, scram->nonce, scram->hash, &scram->keys, sasl->context);
	scram->answered = true;
	return ln_sasl_challenge(sasl, text, scram->server_first.len);
}

static enum scram_error
check_final(struct ln_sasl *sasl, struct scram *scram, const struct scram_final *final,
    uint8_t signature[LN_SCRAM_KEY_MAX])
{
	struct scram_text message;
	enum scram_error error;

	if (final->nonce.len != scram->nonce.len ||
	    memcmp(final->nonce.at, scram->nonce.at, scram->nonce.len) != 0)
		return SCRAM_NONCE_DIFFERS;
	error = scram_check_binding(final, scram->header, scram->binding);
	if (error != SCRAM_OK)
		return error;
	message = joined(sasl, scram->bare, ",", scram->server_first);
	message = joined(sasl, message, ",", final->without_proof);
	error =
	    scram_check_proof(final, scram->hash, &scram->keys, message.at, message.len, signature);
	return error == SCRAM_OK && scram->keys.made_up ? SCRAM_WRONG : error;
}

static enum ln_sasl_verdict
final_message(struct ln_sasl *sasl, struct scram *scram, const char *text, size_t len)
{
	struct scram_final final;
	uint8_t signature[LN_SCRAM_KEY_MAX];
	char answer[2 + LN_BASE64_LEN(LN_SCRAM_KEY_MAX) + 1] = "v=";
	enum scram_error error = scram_parse_final(text, len, &final);

	if (error == SCRAM_OK)
		error = check_final(sasl, scram, &final, signature);
	if (error != SCRAM_OK)
		return fail(sasl, error);
	ln_base64_encode(signature, ln_scram_key_len(scram->hash), answer + 2);
	return ln_sasl_success(sasl, answer, strlen(answer));
}

static enum ln_sasl_verdict
scram_step(struct ln_sasl *sasl, enum ln_scram_hash hash, bool plus, const void *bytes, size_t len)
{
	struct scram *scram = sasl->state;

	if (len > LN_SASL_INPUT_MAX)
		return fail(sasl, SCRAM_LONG);
	if (scram->answered)
		return final_message(sasl, scram, bytes, len);
	scram->hash = hash;
	return first_message(sasl, scram, bytes, len, plus);
}

#define SCRAM_STEP(name, hash, plus)                                                          \
	static enum ln_sasl_verdict name(struct ln_sasl *sasl, const void *bytes, size_t len) \
	{                                                                                     \
		return scram_step(sasl, (hash), (plus), bytes, len);                          \
	}
SCRAM_STEP(sha512_plus_step, LN_SCRAM_SHA_512, true)
SCRAM_STEP(sha512_step, LN_SCRAM_SHA_512, false)
SCRAM_STEP(sha256_plus_step, LN_SCRAM_SHA_256, true)
SCRAM_STEP(sha256_step, LN_SCRAM_SHA_256, false)
SCRAM_STEP(sha1_plus_step, LN_SCRAM_SHA_1, true)
SCRAM_STEP(sha1_step, LN_SCRAM_SHA_1, false)

#define PLUS (LN_SASL_NEEDS_TLS | LN_SASL_NEEDS_BINDING)
#define SCRAM(name_, flags_, strength_, step_)                               \
	{                                                                    \
		.name = (name_), .flags = (flags_), .strength = (strength_), \
		.state_size = sizeof(struct scram), .step = (step_),         \
		.credentials = scram_credentials                             \
	}

static const struct ln_sasl_mechanism mechanisms[] = {
	SCRAM("SCRAM-SHA-512-PLUS", PLUS, 95, sha512_plus_step),
	SCRAM("SCRAM-SHA-256-PLUS", PLUS, 94, sha256_plus_step),
	SCRAM("SCRAM-SHA-1-PLUS", PLUS, 93, sha1_plus_step),
	SCRAM("SCRAM-SHA-512", 0, 85, sha512_step),
	SCRAM("SCRAM-SHA-256", 0, 84, sha256_step),
	SCRAM("SCRAM-SHA-1", 0, 83, sha1_step),
	{ .name = NULL },
};

LN_MODULE(sasl_scram, .summary = "Log in with SCRAM-SHA-1, -256, -512 and channel binding",
    .mechanisms = mechanisms);
