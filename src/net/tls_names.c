/*
 * The domains a certificate speaks for: dNSName; id-on-xmppAddr and SRVName
 * (RFC 6120 §13.7.1.2); the common name only if it has none of these.
 *
 * SPDX-License-Identifier: MIT
 */
#include <ctype.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <strings.h>

#include "base/xalloc.h"
#include "net/tls_impl.h"

struct names {
	char **list;
	size_t count;
};

static void
add(struct names *names, const ASN1_STRING *string)
{
	const char *text = (const char *)ASN1_STRING_get0_data(string);
	size_t len = (size_t)ASN1_STRING_length(string);
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
add_srv_name(struct names *names, ASN1_STRING *string)
{
	const char *text = (const char *)ASN1_STRING_get0_data(string);
	int len = ASN1_STRING_length(string);
	ASN1_STRING *domain;

	if (len < 14 ||
	    (strncasecmp(text, "_xmpp-client.", 13) != 0 &&
		strncasecmp(text, "_xmpp-server.", 13) != 0))
		return;
	domain = ASN1_STRING_new();
	if (domain != NULL && ASN1_STRING_set(domain, text + 13, len - 13) == 1)
		add(names, domain);
	ASN1_STRING_free(domain);
}

static void
add_other_name(struct names *names, const OTHERNAME *other)
{
	int nid = OBJ_obj2nid(other->type_id);

	if (nid == NID_XmppAddr && other->value->type == V_ASN1_UTF8STRING)
		add(names, other->value->value.utf8string);
	else if (nid == NID_SRVName && other->value->type == V_ASN1_IA5STRING)
		add_srv_name(names, other->value->value.ia5string);
}

static void
add_alternatives(struct names *names, X509 *x509)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		const GENERAL_NAME *one = sk_GENERAL_NAME_value(all, i);

		if (one->type == GEN_DNS)
			add(names, one->d.dNSName);
		else if (one->type == GEN_OTHERNAME)
			add_other_name(names, one->d.otherName);
	}
	GENERAL_NAMES_free(all);
}

static void
add_common_name(struct names *names, X509 *x509)
{
	const X509_NAME *subject = X509_get_subject_name(x509);
	int place = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

	if (place >= 0)
		add(names, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, place)));
}

char **
tls_names_of(X509 *x509)
{
	struct names names = { xcalloc(1, sizeof *names.list), 0 };

	add_alternatives(&names, x509);
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
