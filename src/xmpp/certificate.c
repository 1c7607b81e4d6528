/*
 * Names in certificates. A name with a NUL in it is no name (it would read as
 * another one in C) and is passed over.
 *
 * SPDX-License-Identifier: MIT
 */
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "xmpp/certificate.h"

#define NAMES_MAX 64
#define ID_ON_XMPP_ADDR "1.3.6.1.5.5.7.8.5"

struct names {
	const char *list[NAMES_MAX + 1];
	size_t count;
};

static void
add(struct names *names, struct arena *arena, const ASN1_STRING *text)
{
	const char *bytes = (const char *)ASN1_STRING_get0_data(text);
	size_t len = (size_t)ASN1_STRING_length(text);

	if (names->count < NAMES_MAX && len > 0 && memchr(bytes, '\0', len) == NULL)
		names->list[names->count++] = arena_strndup(arena, bytes, len);
}

static const char *const *
keep(const struct names *names, struct arena *arena)
{
	size_t size = (names->count + 1) * sizeof *names->list;

	return memcpy(arena_alloc(arena, size), names->list, size);
}

static bool
is_xmpp_address(const OTHERNAME *other)
{
	char oid[64];

	OBJ_obj2txt(oid, sizeof oid, other->type_id, 1);
	return strcmp(oid, ID_ON_XMPP_ADDR) == 0 && other->value->type == V_ASN1_UTF8STRING;
}

const struct ln_sasl_certificate *
certificate_names(struct arena *arena, struct x509_st *x509)
{
	struct ln_sasl_certificate *found = arena_zalloc(arena, sizeof *found);
	GENERAL_NAMES *all = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
	struct names xmpp = { { NULL }, 0 }, dns = { { NULL }, 0 };

	for (int i = 0; all != NULL && i < sk_GENERAL_NAME_num(all); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);

		if (name->type == GEN_OTHERNAME && is_xmpp_address(name->d.otherName))
			add(&xmpp, arena, name->d.otherName->value->value.utf8string);
		else if (name->type == GEN_DNS)
			add(&dns, arena, name->d.dNSName);
	}
	GENERAL_NAMES_free(all);
	found->xmpp_addresses = keep(&xmpp, arena);
	found->dns_names = keep(&dns, arena);
	return found;
}
