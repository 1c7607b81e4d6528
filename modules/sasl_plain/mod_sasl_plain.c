/*
 * mod_sasl_plain - log in with a password as it is (RFC 4616), under TLS only.
 *
 * For clients that know nothing better. The password is hashed on the crypto
 * pool and compared with the stored keys; unknown users cost the same.
 *
 * SPDX-License-Identifier: MIT
 */
#include <linnet/module.h>
#include <linnet/sasl.h>

#include <string.h>

#include <linnet/jid.h>

struct plain {
	enum ln_scram_hash hash;
	struct ln_scram_keys keys;
	size_t len;
	char password[LN_PASSWORD_MAX + 1]; /* prepared */
};

/* message = [authzid] NUL authcid NUL passwd */
struct message {
	const char *authzid, *username, *password;
	size_t authzid_len, username_len, password_len;
};

static bool
parse(const char *bytes, size_t len, struct message *message)
{
	const char *end = bytes + len, *first = len > 0 ? memchr(bytes, '\0', len) : NULL, *second;

	if (first == NULL)
		return false;
	second = memchr(first + 1, '\0', (size_t)(end - first - 1));
	if (second == NULL || memchr(second + 1, '\0', (size_t)(end - second - 1)) != NULL)
		return false;
	message->authzid = bytes;
	message->authzid_len = (size_t)(first - bytes);
	message->username = first + 1;
	message->username_len = (size_t)(second - first - 1);
	message->password = second + 1;
	message->password_len = (size_t)(end - second - 1);
	return message->username_len > 0 && message->password_len > 0;
}

static bool
take_password(struct ln_sasl *sasl, const struct message *message)
{
	struct plain *plain = sasl->state;
	const char *prepared;

	if (!ln_password_prepare(sasl->arena, message->password, message->password_len, &prepared))
		return false;
	plain->len = strlen(prepared);
	memcpy(plain->password, prepared, plain->len);
	ln_wipe((char *)prepared, plain->len);
	return true;
}

static enum ln_sasl_verdict
plain_step(struct ln_sasl *sasl, const void *bytes, size_t len)
{
	struct message message;

	if (len > LN_SASL_INPUT_MAX || !parse(bytes, len, &message))
		return ln_sasl_fail(sasl, LN_SASL_MALFORMED_REQUEST, "not a PLAIN message");
	if (!ln_sasl_authzid_is_own(sasl, message.username, message.username_len, message.authzid,
		message.authzid_len))
		return ln_sasl_fail(sasl, LN_SASL_INVALID_AUTHZID,
		    "asked to act for somebody else");
	if (!take_password(sasl, &message))
		return ln_sasl_fail(sasl, LN_SASL_NOT_AUTHORIZED,
		    "characters that no password has");
	return ln_sasl_read(sasl, message.username, message.username_len);
}

static enum ln_sasl_verdict
plain_credentials(struct ln_sasl *sasl, const struct ln_credentials *credentials)
{
	struct plain *plain = sasl->state;
	enum ln_sasl_verdict verdict = ln_sasl_hash(sasl, credentials, plain->password, plain->len);

	plain->hash = sasl->work.hash;
	plain->keys = credentials->scram[plain->hash];
	return verdict;
}

static enum ln_sasl_verdict
plain_hashed(struct ln_sasl *sasl, const uint8_t salted[LN_SCRAM_KEY_MAX])
{
	const struct plain *plain = sasl->state;

	if (!ln_scram_keys_match(&plain->keys, plain->hash, salted))
		return ln_sasl_fail(sasl, LN_SASL_NOT_AUTHORIZED, "wrong password or unknown user");
	return ln_sasl_success(sasl, NULL, 0);
}

static const struct ln_sasl_mechanism mechanisms[] = {
	{
	    .name = "PLAIN",
	    .flags = LN_SASL_NEEDS_TLS,
	    .strength = 10,
	    .state_size = sizeof(struct plain),
	    .step = plain_step,
	    .credentials = plain_credentials,
	    .hashed = plain_hashed,
	},
	{ .name = NULL },
};

LN_MODULE(sasl_plain, .summary = "Log in with PLAIN, under TLS only", .mechanisms = mechanisms);
