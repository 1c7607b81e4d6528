/*
 * Names in certificates. See certname.h. A name with a NUL in it is a known
 * trick to seem to be another and is passed over.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/certname.h"

#include <ctype.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/xalloc.h"

#define NAMES_MAX 64
#define NAME_MAX_LEN 1023
#define LIST_MAX 500

static const char srv_prefix[] = "_xmpp-server.";

const char *
certname_kind_text(enum certname_kind kind)
{
	switch (kind) {
	case CERTNAME_DNS:
		return "DNS-ID";
	case CERTNAME_SRV:
		return "SRV-ID";
	case CERTNAME_XMPP:
		return "xmppAddr";
	case CERTNAME_NONE:
		break;
	}
	return "none";
}

/* --- going through them ------------------------------------------------------------- */

static const ASN1_STRING *
other_name(const OTHERNAME *other, enum certname_kind *kind_r)
{
	int nid = OBJ_obj2nid(other->type_id);

	if (nid == NID_XmppAddr && other->value->type == V_ASN1_UTF8STRING) {
		*kind_r = CERTNAME_XMPP;
		return other->value->value.utf8string;
	}
	if (nid == NID_SRVName && other->value->type == V_ASN1_IA5STRING) {
		*kind_r = CERTNAME_SRV;
		return other->value->value.ia5string;
	}
	return NULL;
}

static const ASN1_STRING *
name_of(const GENERAL_NAME *general, enum certname_kind *kind_r)
{
	if (general->type == GEN_OTHERNAME)
		return other_name(general->d.otherName, kind_r);
	*kind_r = CERTNAME_DNS;
	return general->type == GEN_DNS ? general->d.dNSName : NULL;
}

static bool
copy_name(const ASN1_STRING *string, char out[NAME_MAX_LEN + 1])
{
	const char *text = (const char *)ASN1_STRING_get0_data(string);
	size_t len = (size_t)ASN1_STRING_length(string);

	if (len == 0 || len > NAME_MAX_LEN || memchr(text, '\0', len) != NULL)
		return false;
	memcpy(out, text, len);
	out[len] = '\0';
	return true;
}

void
certname_each(struct x509_st *x509, certname_fn each, void *arg)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
	unsigned counts[CERTNAME_XMPP + 1] = { 0 };
	char text[NAME_MAX_LEN + 1];

	for (int i = 0; all != NULL && i < sk_GENERAL_NAME_num(all); i++) {
		enum certname_kind kind = CERTNAME_NONE;
		const ASN1_STRING *name = name_of(sk_GENERAL_NAME_value(all, i), &kind);

		if (name != NULL && copy_name(name, text) && counts[kind]++ < NAMES_MAX)
			each(arg, kind, text);
	}
	GENERAL_NAMES_free(all);
}

/* --- comparing ------------------------------------------------------------------------- */

/* RFC 9525 §6.3: "*" for one whole label, the leftmost; never for a part of an address. */
static bool
is_dns_name(const char *pattern, const char *domain)
{
	const char *rest = strchr(domain, '.');
	const char *last = strrchr(domain, '.');

	if (pattern[0] != '*')
		return strcasecmp(pattern, domain) == 0;
	if (pattern[1] != '.' || rest == NULL || rest == domain || rest[1] == '\0' ||
	    isdigit((unsigned char)last[1]))
		return false;
	return strcasecmp(pattern + 1, rest) == 0;
}

/* RFC 4985: "_Service.Name"; RFC 6120 §13.7.1.2.1. */
static bool
is_srv_name(const char *name, const char *domain)
{
	size_t len = sizeof srv_prefix - 1;

	return strncasecmp(name, srv_prefix, len) == 0 && strcasecmp(name + len, domain) == 0;
}

static bool
is_xmpp_address(const char *name, const struct certname *domain)
{
	return strcasecmp(name, domain->unicode != NULL ? domain->unicode : domain->ascii) == 0 ||
	    strcasecmp(name, domain->ascii) == 0;
}

struct search {
	const struct certname *domain;
	enum certname_kind found;
};

static void
compare(void *arg, enum certname_kind kind, const char *name)
{
	struct search *search = arg;
	const struct certname *domain = search->domain;

	if (search->found != CERTNAME_NONE)
		return;
	if ((kind == CERTNAME_DNS && is_dns_name(name, domain->ascii)) ||
	    (kind == CERTNAME_SRV && is_srv_name(name, domain->ascii)) ||
	    (kind == CERTNAME_XMPP && is_xmpp_address(name, domain)))
		search->found = kind;
}

enum certname_kind
certname_match(struct x509_st *x509, const struct certname *domain)
{
	struct search search = { domain, CERTNAME_NONE };

	if (x509 != NULL)
		certname_each(x509, compare, &search);
	return search.found;
}

/* --- for people ---------------------------------------------------------------------------- */

static void
add_to_list(void *arg, enum certname_kind kind, const char *name)
{
	struct buf *list = arg;

	if (list->len >= LIST_MAX)
		return;
	buf_printf(list, "%s%s%s", list->len > 0 ? ", " : "", kind == CERTNAME_XMPP ? "xmpp:" : "",
	    name);
}

char *
certname_list(struct x509_st *x509)
{
	struct buf list = BUF_INIT;

	certname_each(x509, add_to_list, &list);
	if (list.len == 0)
		buf_add_text(&list, "no name that counts");
	if (list.len > LIST_MAX) {
		list.len = LIST_MAX;
		buf_add_text(&list, "...");
	}
	return buf_take(&list);
}
