/*
 * Names in certificates, for SASL EXTERNAL. See certificate.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "xmpp/certificate.h"

#include <string.h>

#include "net/certname.h"

#define NAMES_MAX 64

struct names {
	const char *list[NAMES_MAX + 1];
	size_t count;
};

struct found {
	struct arena *arena;
	struct names xmpp, dns;
};

static void
add(void *arg, enum certname_kind kind, const char *name)
{
	struct found *found = arg;
	struct names *names = kind == CERTNAME_XMPP ? &found->xmpp : &found->dns;

	if (kind != CERTNAME_SRV && names->count < NAMES_MAX)
		names->list[names->count++] = arena_strdup(found->arena, name);
}

static const char *const *
keep(const struct names *names, struct arena *arena)
{
	size_t size = (names->count + 1) * sizeof *names->list;

	return memcpy(arena_alloc(arena, size), names->list, size);
}

const struct ln_sasl_certificate *
certificate_names(struct arena *arena, struct x509_st *x509)
{
	struct ln_sasl_certificate *certificate = arena_zalloc(arena, sizeof *certificate);
	struct found found = { .arena = arena };

	certname_each(x509, add, &found);
	certificate->xmpp_addresses = keep(&found.xmpp, arena);
	certificate->dns_names = keep(&found.dns, arena);
	return certificate;
}
