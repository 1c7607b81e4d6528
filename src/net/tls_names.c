/*
 * The domains a certificate of ours speaks for: dNSName; id-on-xmppAddr and
 * SRVName (RFC 6120 §13.7.1.2); the common name only if it has none of these.
 *
 * SPDX-License-Identifier: MIT
 */
#include <ctype.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <strings.h>

#include "base/xalloc.h"
#include "net/certname.h"
#include "net/tls_impl.h"

struct names {
	char **list;
	size_t count;
};

static void
add(struct names *names, const char *text, size_t len)
{
	char *name;

	/* a NUL inside is a known trick to seem to be another */
	if (len == 0 || len > 255 || memchr(text, '\0', len) != NULL)
		return;
	name = xstrndup(text, len);
	for (size_t i = 0; i < len; i++)
		name[i] = (char)tolower((unsigned char)name[i]);
	for (size_t i = 0; i < names->count; i++) {
		if (strcmp(names->list[i], name) == 0) {
			free(name);
			return;
		}
	}
	names->list = xrealloc(names->list, (names->count + 2) * sizeof *names->list);
	names->list[names->count++] = name;
	names->list[names->count] = NULL;
}

/* "_xmpp-client.example.org": whoever speaks for a service here speaks for the domain. */
static void
add_alternative(void *arg, enum certname_kind kind, const char *name)
{
	if (kind == CERTNAME_SRV) {
		if (strncasecmp(name, "_xmpp-client.", 13) != 0 &&
		    strncasecmp(name, "_xmpp-server.", 13) != 0)
			return;
		name += 13;
	}
	add(arg, name, strlen(name));
}

static void
add_common_name(struct names *names, X509 *x509)
{
	const X509_NAME *subject = X509_get_subject_name(x509);
	int place = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	const ASN1_STRING *name;

	if (place < 0)
		return;
	name = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, place));
	add(names, (const char *)ASN1_STRING_get0_data(name), (size_t)ASN1_STRING_length(name));
}

char **
tls_names_of(X509 *x509)
{
	struct names names = { xcalloc(1, sizeof *names.list), 0 };

	certname_each(x509, add_alternative, &names);
	if (names.count == 0)
		add_common_name(&names, x509);
	return names.list;
}

void
tls_names_free(char **names)
{
	for (char **name = names; name != NULL && *name != NULL; name++)
		free(*name);
	free(names);
}
