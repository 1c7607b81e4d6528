/*
 * mod_sasl_external - log in with a client certificate (XEP-0178 §2).
 *
 * The certificate, which the TLS layer has verified, names addresses
 * (id-on-xmppAddr, RFC 6120 §13.7.1.4). With one at this host the client is
 * that account; with several it has to say which. Nothing else in the
 * certificate, a common name for example, makes anybody an account.
 *
 * SPDX-License-Identifier: MIT
 */
#include <linnet/module.h>
#include <linnet/sasl.h>

#include <string.h>

#include <linnet/jid.h>

struct found {
	struct ln_jid jid; /* the last of them */
	size_t count;
};

/* Is this text the bare JID of an account at the stream's host? */
static bool
is_account_here(struct ln_sasl *sasl, const char *text, size_t len, struct ln_jid *jid_r)
{
	return ln_jid_parse(sasl->arena, text, len, jid_r) == LN_JID_OK && ln_jid_is_bare(jid_r) &&
	    ln_jid_has_local(jid_r) && ln_jid_in_domain(jid_r, sasl->context->host);
}

/* The certificate's addresses here; with `wanted`, those that are it. One may be listed twice. */
static struct found
find(struct ln_sasl *sasl, const struct ln_jid *wanted)
{
	const char *const *address = sasl->context->certificate->xmpp_addresses;
	struct found found = { .count = 0 };
	struct ln_jid jid;

	for (; *address != NULL; address++) {
		if (!is_account_here(sasl, *address, strlen(*address), &jid) ||
		    (wanted != NULL && !ln_jid_same(&jid, wanted)) ||
		    (found.count > 0 && ln_jid_same(&jid, &found.jid)))
			continue;
		found.jid = jid;
		found.count++;
	}
	return found;
}

static enum ln_sasl_verdict
external_step(struct ln_sasl *sasl, const void *bytes, size_t len)
{
	struct ln_jid wanted;
	struct found found;

	if (sasl->context->certificate == NULL)
		return ln_sasl_fail(sasl, LN_SASL_NOT_AUTHORIZED, "no valid certificate");
	if (len > LN_SASL_INPUT_MAX)
		return ln_sasl_fail(sasl, LN_SASL_MALFORMED_REQUEST, "message too long");
	if (len > 0 && !is_account_here(sasl, bytes, len, &wanted))
		return ln_sasl_fail(sasl, LN_SASL_INVALID_AUTHZID,
		    "not the address of an account at this host");
	found = find(sasl, len > 0 ? &wanted : NULL);
	if (found.count == 0)
		return ln_sasl_fail(sasl,
		    len > 0 ? LN_SASL_INVALID_AUTHZID : LN_SASL_NOT_AUTHORIZED,
		    "the certificate does not name such an account");
	if (found.count > 1)
		return ln_sasl_fail(sasl, LN_SASL_INVALID_AUTHZID,
		    "the certificate names several accounts and the client none");
	return ln_sasl_read(sasl, ln_jid_local(&found.jid), found.jid.local_len);
}

static enum ln_sasl_verdict
external_credentials(struct ln_sasl *sasl, const struct ln_credentials *credentials)
{
	if (!credentials->known)
		return ln_sasl_fail(sasl, LN_SASL_NOT_AUTHORIZED, "no such account");
	return ln_sasl_success(sasl, NULL, 0);
}

static const struct ln_sasl_mechanism mechanisms[] = {
	{
	    .name = "EXTERNAL",
	    .flags = LN_SASL_NEEDS_TLS | LN_SASL_NEEDS_CERTIFICATE,
	    .strength = 100,
	    .step = external_step,
	    .credentials = external_credentials,
	},
	{ .name = NULL },
};

LN_MODULE(sasl_external, .summary = "Log in with a client certificate", .mechanisms = mechanisms);
