/*
 * SCRAM messages. A message is a row of attributes "x=value" between commas;
 * the parsers cut one off after the other and know its place, since RFC 5802
 * §5.1 fixes the order. Optional extensions are skipped, mandatory ones refused.
 *
 * SPDX-License-Identifier: MIT
 */
#include "scram.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linnet/base64.h>

static const struct {
	enum ln_sasl_condition condition;
	const char *reason;
} errors[] = {
#define X(name, condition, reason) { LN_SASL_##condition, reason },
	SCRAM_ERRORS(X)
#undef X
};

enum ln_sasl_condition
scram_condition(enum scram_error error)
{
	return errors[error].condition;
}

const char *
scram_reason(enum scram_error error)
{
	return errors[error].reason;
}

/* --- attributes --------------------------------------------------------------------- */

/* Cuts off what comes before the next comma; false: there was no comma. */
static bool
cut(struct scram_text *rest, struct scram_text *piece)
{
	const char *comma = memchr(rest->at, ',', rest->len);

	piece->at = rest->at;
	piece->len = comma != NULL ? (size_t)(comma - rest->at) : rest->len;
	if (comma == NULL) {
		rest->at += rest->len;
		rest->len = 0;
		return false;
	}
	rest->at = comma + 1;
	rest->len -= piece->len + 1;
	return true;
}

/* Takes "x=" off; false: it is another attribute or has no value. */
static bool
strip(struct scram_text *piece, char name)
{
	if (piece->len < 3 || piece->at[0] != name || piece->at[1] != '=')
		return false;
	piece->at += 2;
	piece->len -= 2;
	return true;
}

static bool
is_mandatory(struct scram_text piece)
{
	return piece.len > 0 && piece.at[0] == 'm';
}

/* Everything up to the end is optional and well-formed. */
static enum scram_error
skip_extensions(struct scram_text rest)
{
	struct scram_text piece;
	bool more;

	do {
		more = cut(&rest, &piece);
		if (is_mandatory(piece))
			return SCRAM_EXTENSION;
		if (piece.len < 3 || piece.at[1] != '=' ||
		    !((piece.at[0] | 0x20) >= 'a' && (piece.at[0] | 0x20) <= 'z'))
			return SCRAM_ATTRIBUTE;
	} while (more);
	return SCRAM_OK;
}

/* saslname: "=2C" is a comma, "=3D" an equals sign, and there is no other "=". */
static bool
decode_name(struct scram_text *name, char **room)
{
	char *start = *room, *out = start;

	for (size_t i = 0; i < name->len; i++) {
		char c = name->at[i];

		if (c == '\0')
			return false;
		if (c == '=') {
			if (name->len - i < 3)
				return false;
			if (memcmp(name->at + i, "=2C", 3) == 0)
				c = ',';
			else if (memcmp(name->at + i, "=3D", 3) != 0)
				return false;
			i += 2;
		}
		*out++ = c;
	}
	name->at = start;
	name->len = (size_t)(out - start);
	*room = out;
	return true;
}

static bool
is_printable(struct scram_text text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] < 0x21 || text.at[i] > 0x7e)
			return false;
	return text.len > 0;
}

/* --- the client's messages ------------------------------------------------------------ */

static bool
is_binding_type(struct scram_text type)
{
	for (size_t i = 0; i < type.len; i++) {
		char c = type.at[i];

		if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '.' && c != '-')
			return false;
	}
	return type.len > 0;
}

static enum scram_error
parse_gs2_header(struct scram_text *rest, char **room, struct scram_first *first)
{
	const char *start = rest->at;
	struct scram_text flag;

	if (!cut(rest, &flag) || flag.len == 0 || !cut(rest, &first->authzid))
		return SCRAM_GS2_HEADER;
	first->flag = flag.at[0];
	if (first->flag == 'p') {
		if (!strip(&flag, 'p') || !is_binding_type(flag))
			return SCRAM_GS2_HEADER;
		first->type = flag;
	} else if ((first->flag != 'n' && first->flag != 'y') || flag.len != 1) {
		return SCRAM_GS2_HEADER;
	}
	first->header.at = start;
	first->header.len = (size_t)(rest->at - start);
	if (first->authzid.len == 0)
		return SCRAM_OK;
	if (!strip(&first->authzid, 'a') || !decode_name(&first->authzid, room))
		return SCRAM_AUTHZID;
	return SCRAM_OK;
}

enum scram_error
scram_parse_first(const char *text, size_t len, char *room, struct scram_first *first)
{
	struct scram_text rest = { text, len };
	enum scram_error error;
	bool more;

	memset(first, 0, sizeof *first);
	error = parse_gs2_header(&rest, &room, first);
	if (error != SCRAM_OK)
		return error;
	first->bare = rest;
	if (is_mandatory(rest))
		return SCRAM_EXTENSION;
	if (!cut(&rest, &first->username) || !strip(&first->username, 'n') ||
	    !decode_name(&first->username, &room))
		return SCRAM_USERNAME;
	more = cut(&rest, &first->nonce);
	if (!strip(&first->nonce, 'r') || !is_printable(first->nonce))
		return SCRAM_NONCE;
	return more ? skip_extensions(rest) : SCRAM_OK;
}

/* Splits off the proof, which is the last attribute. */
static bool
cut_proof(struct scram_text *text, struct scram_text *proof)
{
	size_t at = text->len;

	while (at > 0 && text->at[at - 1] != ',')
		at--;
	if (at == 0)
		return false;
	proof->at = text->at + at;
	proof->len = text->len - at;
	text->len = at - 1;
	return strip(proof, 'p');
}

enum scram_error
scram_parse_final(const char *text, size_t len, struct scram_final *final)
{
	struct scram_text rest = { text, len };
	bool more;

	memset(final, 0, sizeof *final);
	if (!cut_proof(&rest, &final->proof))
		return SCRAM_PROOF;
	final->without_proof = rest;
	if (is_mandatory(rest))
		return SCRAM_EXTENSION;
	if (!cut(&rest, &final->binding) || !strip(&final->binding, 'c'))
		return SCRAM_BINDING;
	more = cut(&rest, &final->nonce);
	if (!strip(&final->nonce, 'r') || !is_printable(final->nonce))
		return SCRAM_NONCE;
	return more ? skip_extensions(rest) : SCRAM_OK;
}

/* --- channel binding -------------------------------------------------------------------- */

static bool
is_plus(const char *mechanism)
{
	size_t len = strlen(mechanism);

	return len > 5 && strcmp(mechanism + len - 5, "-PLUS") == 0;
}

static bool
plus_was_offered(const struct ln_sasl_context *context)
{
	for (size_t i = 0; context->mechanisms != NULL && context->mechanisms[i] != NULL; i++)
		if (is_plus(context->mechanisms[i]))
			return true;
	return false;
}

enum scram_error
scram_check_flag(const struct scram_first *first, bool plus, const struct ln_sasl_context *context,
    const struct ln_sasl_binding **binding_r)
{
	*binding_r = NULL;
	if (first->flag != 'p') {
		if (plus)
			return SCRAM_PLUS_UNUSED;
		return first->flag == 'y' && plus_was_offered(context) ? SCRAM_DOWNGRADED
								       : SCRAM_OK;
	}
	if (!plus)
		return SCRAM_PLUS_WANTED;
	for (size_t i = 0; i < context->binding_count; i++) {
		const struct ln_sasl_binding *binding = &context->bindings[i];

		if (strlen(binding->type) == first->type.len &&
		    memcmp(binding->type, first->type.at, first->type.len) == 0) {
			*binding_r = binding;
			return SCRAM_OK;
		}
	}
	return SCRAM_BINDING_TYPE;
}

/* Is it base64 of these two pieces, one behind the other? */
static bool
decodes_to(struct scram_text base64, struct scram_text head, const void *tail, size_t tail_len)
{
	uint8_t bytes[LN_BASE64_BYTES(LN_SASL_INPUT_MAX)];
	ssize_t len;

	if (base64.len > LN_SASL_INPUT_MAX)
		return false;
	len = ln_base64_decode(base64.at, base64.len, bytes);
	return len >= 0 && (size_t)len == head.len + tail_len &&
	    memcmp(bytes, head.at, head.len) == 0 &&
	    (tail_len == 0 || ln_equal(bytes + head.len, tail, tail_len));
}

enum scram_error
scram_check_binding(const struct scram_final *final, struct scram_text header,
    const struct ln_sasl_binding *binding)
{
	bool equal = binding != NULL
	    ? decodes_to(final->binding, header, binding->data, binding->len)
	    : decodes_to(final->binding, header, NULL, 0);

	return equal ? SCRAM_OK : SCRAM_BINDING_DIFFERS;
}

/* --- what was offered (XEP-0474) ---------------------------------------------------------- */

#define OFFER_LIST_MAX 32
#define OFFER_TEXT_MAX 1024

static int
by_octets(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Appends the sorted names with 0x1E between them; what has no room is left out. */
static size_t
append_sorted(char *text, size_t len, const char *names[], size_t count)
{
	qsort(names, count, sizeof *names, by_octets);
	for (size_t i = 0; i < count; i++) {
		size_t name_len = strlen(names[i]);

		if (len + 1 + name_len > OFFER_TEXT_MAX)
			break;
		if (i > 0)
			text[len++] = '\x1e';
		memcpy(text + len, names[i], name_len);
		len += name_len;
	}
	return len;
}

void
scram_offer_hash(const struct ln_sasl_context *context, enum ln_scram_hash hash,
    char out[SCRAM_OFFER_MAX])
{
	const char *names[OFFER_LIST_MAX] = { NULL };
	uint8_t digest[LN_SCRAM_KEY_MAX];
	char text[OFFER_TEXT_MAX + 1];
	size_t count = 0, len;

	while (count < OFFER_LIST_MAX && context->mechanisms[count] != NULL) {
		names[count] = context->mechanisms[count];
		count++;
	}
	len = append_sorted(text, 0, names, count);
	if (context->bindings_advertised) {
		text[len++] = '\x1f';
		for (count = 0; count < OFFER_LIST_MAX && count < context->binding_count; count++)
			names[count] = context->bindings[count].type;
		len = append_sorted(text, len, names, count);
	}
	ln_scram_digest(hash, text, len, digest);
	ln_base64_encode(digest, ln_scram_key_len(hash), out);
}

/* --- the server's messages ------------------------------------------------------------------ */

size_t
scram_first_room(size_t nonce_len)
{
	return nonce_len + LN_BASE64_LEN(LN_SCRAM_SALT_MAX) + SCRAM_OFFER_MAX + 40;
}

size_t
scram_print_first(char *out, struct scram_text nonce, enum ln_scram_hash hash,
    const struct ln_scram_keys *keys, const struct ln_sasl_context *context)
{
	size_t room = scram_first_room(nonce.len), len;
	char salt[LN_BASE64_LEN(LN_SCRAM_SALT_MAX) + 1], offer[SCRAM_OFFER_MAX];

	ln_base64_encode(keys->salt, keys->salt_len, salt);
	len = (size_t)snprintf(out, room, "r=%.*s,s=%s,i=%u", (int)nonce.len, nonce.at, salt,
	    (unsigned)keys->iterations);
	if (context->mechanisms != NULL) {
		scram_offer_hash(context, hash, offer);
		len += (size_t)snprintf(out + len, room - len, ",h=%s", offer);
	}
	if (context->tls_version != 0)
		len += (size_t)snprintf(out + len, room - len, ",t=%04x",
		    (unsigned)context->tls_version);
	return len;
}

enum scram_error
scram_check_proof(const struct scram_final *final, enum ln_scram_hash hash,
    const struct ln_scram_keys *keys, const char *auth_message, size_t len,
    uint8_t signature[LN_SCRAM_KEY_MAX])
{
	uint8_t proof[LN_BASE64_BYTES(LN_BASE64_LEN(LN_SCRAM_KEY_MAX))], client[LN_SCRAM_KEY_MAX];
	uint8_t stored[LN_SCRAM_KEY_MAX];
	size_t key_len = ln_scram_key_len(hash);
	bool equal;

	if (final->proof.len != LN_BASE64_LEN(key_len) ||
	    ln_base64_decode(final->proof.at, final->proof.len, proof) != (ssize_t)key_len)
		return SCRAM_PROOF;
	ln_scram_hmac(hash, keys->stored_key, key_len, auth_message, len, client);
	for (size_t i = 0; i < key_len; i++)
		client[i] ^= proof[i];
	ln_scram_digest(hash, client, key_len, stored);
	equal = ln_equal(stored, keys->stored_key, key_len);
	ln_wipe(client, sizeof client);
	ln_scram_hmac(hash, keys->server_key, key_len, auth_message, len, signature);
	return equal ? SCRAM_OK : SCRAM_WRONG;
}
