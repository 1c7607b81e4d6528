/*
 * Dialback keys and elements. See dialback.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "xmpp/dialback.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "core/stanza_names.h"
#include "linnet/credentials.h"
#include "store/store.h"
#include "xml/writer.h"

#define SECRET_LEN 32

static char secret[2 * SECRET_LEN + 1];

void
dialback_hex(const uint8_t *bytes, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
}

void
dialback_init(struct store *store)
{
	uint8_t bytes[SECRET_LEN];

	if (store == NULL || !store_secret(store, "dialback", bytes, sizeof bytes))
		ln_random(bytes, sizeof bytes);
	dialback_hex(bytes, sizeof bytes, secret);
}

void
dialback_key_of(const char *the_secret, const struct dialback_names *names,
    char key[DIALBACK_KEY_LEN + 1])
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	char hmac_key[2 * SHA256_DIGEST_LENGTH + 1];
	struct buf text = BUF_INIT;

	SHA256((const uint8_t *)the_secret, strlen(the_secret), hash);
	dialback_hex(hash, sizeof hash, hmac_key);
	buf_printf(&text, "%s %s %s", names->receiving, names->originating, names->id);
	HMAC(EVP_sha256(), hmac_key, (int)strlen(hmac_key), (const uint8_t *)text.data, text.len,
	    hash, NULL);
	dialback_hex(hash, sizeof hash, key);
	buf_free(&text);
}

void
dialback_key(const struct dialback_names *names, char key[DIALBACK_KEY_LEN + 1])
{
	dialback_key_of(secret, names, key);
}

bool
dialback_is_key(const struct dialback_names *names, const char *text)
{
	static const char spaces[] = " \t\r\n";
	char key[DIALBACK_KEY_LEN + 1];
	size_t len;

	text += strspn(text, spaces);
	len = strcspn(text, spaces);
	dialback_key(names, key);
	return len == DIALBACK_KEY_LEN && text[len + strspn(text + len, spaces)] == '\0' &&
	    CRYPTO_memcmp(text, key, len) == 0;
}

static void
write_error(struct buf *out, enum ln_error error)
{
	buf_printf(out, "<error type='%s'><%s xmlns='%s'/></error>",
	    stanza_error_type_name(ln_error_type(error)), ln_error_name(error), NS_STANZAS);
}

void
dialback_write(struct buf *out, const struct dialback *dialback)
{
	char name[16];

	snprintf(name, sizeof name, "db:%s", dialback->name);
	writer_open(out, name);
	writer_attr(out, "from", dialback->from);
	writer_attr(out, "to", dialback->to);
	writer_attr(out, "id", dialback->id);
	writer_attr(out, "type", dialback->type);
	writer_content(out);
	if (dialback->type == NULL)
		writer_text(out, dialback->key, strlen(dialback->key));
	else if (strcmp(dialback->type, "error") == 0)
		write_error(out, dialback->error);
	writer_end(out, name);
}
