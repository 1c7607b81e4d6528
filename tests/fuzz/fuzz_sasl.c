/*
 * SASL mechanisms: a whole exchange from one input. The first byte chooses the
 * mechanism, 0x1E separates the messages, and 0x1F in one stands for the nonce
 * of the challenge before it, so that the fuzzer gets past that check. Nobody
 * logs in who does not know the password or is not named in the certificate.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/buf.h"
#include "linnet/module.h"
#include "linnet/sasl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern const struct ln_module ln_module_sasl_external;
extern const struct ln_module ln_module_sasl_plain;
extern const struct ln_module ln_module_sasl_scram;

#define MECHANISMS 8

static struct ln_credentials juliet;

static const struct ln_sasl_binding bindings[] = {
	{ "tls-exporter", (const uint8_t *)"exporter", 8 },
	{ "tls-server-end-point", (const uint8_t *)"end-point", 9 },
};
static const char *const offered[] = { "SCRAM-SHA-1", "PLAIN", "EXTERNAL", NULL };
static const char *const addresses[] = { "juliet@example.org", "nurse@example.org", NULL };
static const struct ln_sasl_certificate certificate = { addresses, addresses + 2 };
static const struct ln_sasl_context context = {
	.host = "example.org",
	.tls = true,
	.tls_version = 0x0304,
	.bindings = bindings,
	.binding_count = 2,
	.certificate = &certificate,
	.mechanisms = offered,
	.bindings_advertised = true,
};

static void
must(bool truth)
{
	if (!truth)
		abort();
}

static const struct ln_sasl_mechanism *
choose(uint8_t byte)
{
	unsigned i = byte % MECHANISMS;

	if (i == 0)
		return ln_module_sasl_external.mechanisms;
	if (i == 1)
		return ln_module_sasl_plain.mechanisms;
	return &ln_module_sasl_scram.mechanisms[i - 2];
}

static enum ln_sasl_verdict
step(struct ln_sasl *sasl, const void *bytes, size_t len)
{
	static const uint8_t secret[LN_FAKE_SECRET_LEN];
	enum ln_sasl_verdict verdict = sasl->mechanism->step(sasl, bytes, len);
	struct ln_credentials credentials;
	uint8_t salted[LN_SCRAM_KEY_MAX];

	if (verdict == LN_SASL_READ) {
		ln_credentials_fake(&credentials, secret, sasl->username, 1);
		if (strcmp(sasl->username, "juliet") == 0)
			credentials = juliet;
		verdict = sasl->mechanism->credentials(sasl, &credentials);
	}
	if (verdict == LN_SASL_HASH) {
		ln_scram_salt(&sasl->work, salted);
		verdict = sasl->mechanism->hashed(sasl, salted);
	}
	must(verdict != LN_SASL_READ && verdict != LN_SASL_HASH);
	must(verdict != LN_SASL_FAILURE || sasl->reason != NULL);
	return verdict;
}

/* The next message, with the nonce put in. */
static void
next_message(struct buf *message, const uint8_t **data, const uint8_t *end,
    const struct ln_sasl *sasl)
{
	const char *challenge = sasl->data;
	size_t nonce = challenge != NULL && sasl->len > 2 ? strcspn(challenge + 2, ",") : 0;

	buf_reset(message);
	buf_add(message, "", 0);
	for (; *data < end && **data != 0x1e; (*data)++) {
		if (**data == 0x1f && nonce > 0)
			buf_add(message, challenge + 2, nonce);
		else
			buf_add_char(message, (char)**data);
	}
	if (*data < end)
		(*data)++;
}

static void
check_success(const struct ln_sasl *sasl, const struct buf *message)
{
	must(strcmp(sasl->username, "juliet") == 0);
	if (strcmp(sasl->mechanism->name, "PLAIN") == 0) {
		must(message->len >= 7);
		must(memcmp(message->data + message->len - 7, "\0pencil", 7) == 0);
		return;
	}
	must(strcmp(sasl->mechanism->name, "EXTERNAL") == 0);
}

static void
exchange(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(4096);
	const uint8_t *at = data + 1, *end = data + size;
	struct buf message = BUF_INIT;
	enum ln_sasl_verdict verdict;
	struct ln_sasl sasl;

	ln_sasl_begin(&sasl, choose(data[0]), &context, arena);
	do {
		next_message(&message, &at, end, &sasl);
		verdict = step(&sasl, message.data, message.len);
	} while (verdict == LN_SASL_CHALLENGE && at < end);
	if (verdict == LN_SASL_SUCCESS)
		check_success(&sasl, &message);
	ln_sasl_end(&sasl);
	buf_free(&message);
	arena_free(&arena);
}

/* What is base64 comes out again as it went in. */
static void
check_base64(const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(BASE64_BYTES(size));
	char *text = malloc(BASE64_LEN(BASE64_BYTES(size)) + 1);
	ssize_t len = base64_decode((const char *)data, size, bytes);

	if (len >= 0) {
		base64_encode(bytes, (size_t)len, text);
		must(strlen(text) == size && memcmp(text, data, size) == 0);
	}
	free(bytes);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!juliet.known)
		ln_credentials_derive(&juliet, "pencil", 6, 1);
	check_base64(data, size);
	if (size > 0)
		exchange(data, size);
	return 0;
}
