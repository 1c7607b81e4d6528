/*
 * From a DNS message to an answer. See dns.h; ldns takes the message apart.
 *
 * Host names with characters other than those of host names are passed over:
 * nothing we could connect to is called like that, and they end up in logs.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/dns.h"

#include <ctype.h>
#include <ldns/ldns.h>
#include <stdatomic.h>
#include <string.h>

#include "base/arena.h"
#include "base/xalloc.h"

#define CNAMES_MAX 12
#define WIRE_NAME_MAX 255
#define TLSA_DATA_MAX 4096

struct answer {
	struct dns_answer public;
	atomic_uint refs;
	struct arena *arena;
};

const char *
dns_type_name(enum dns_type type)
{
	switch (type) {
	case DNS_A:
		return "A";
	case DNS_AAAA:
		return "AAAA";
	case DNS_SRV:
		return "SRV";
	case DNS_TLSA:
		return "TLSA";
	}
	return "?";
}

const char *
dns_status_text(enum dns_status status)
{
#define DNS_STATUS_TEXT(symbol, text) text,
	static const char *const texts[] = { DNS_STATUSES(DNS_STATUS_TEXT) };
#undef DNS_STATUS_TEXT

	return texts[status];
}

/* --- life ---------------------------------------------------------------------- */

struct dns_answer *
dns_answer_new(const char *name, enum dns_type type, enum dns_status status, const char *reason)
{
	struct arena *arena = arena_new(512);
	struct answer *answer = arena_zalloc(arena, sizeof *answer);

	atomic_init(&answer->refs, 1);
	answer->arena = arena;
	answer->public.type = type;
	answer->public.status = status;
	answer->public.name = arena_strdup(arena, name);
	answer->public.owner = answer->public.name;
	if (reason == NULL && dns_failed(status))
		reason = dns_status_text(status);
	answer->public.reason = reason != NULL ? arena_strdup(arena, reason) : NULL;
	return &answer->public;
}

static struct answer *
whole(const struct dns_answer *answer)
{
	return (struct answer *)(uintptr_t)answer;
}

const struct dns_answer *
dns_answer_ref(const struct dns_answer *answer)
{
	atomic_fetch_add_explicit(&whole(answer)->refs, 1, memory_order_relaxed);
	return answer;
}

void
dns_answer_unref(const struct dns_answer **answer_p)
{
	const struct dns_answer *answer = *answer_p;
	struct arena *arena;

	*answer_p = NULL;
	if (answer == NULL || atomic_fetch_sub(&whole(answer)->refs, 1) != 1)
		return;
	arena = whole(answer)->arena;
	arena_free(&arena);
}

/* --- names --------------------------------------------------------------------- */

/* Length of the label at `from`, copied in lower case; -1: not of a host. */
static int
copy_label(const uint8_t *from, size_t room, char *out)
{
	int len = from[0];

	if (len > 63 || (size_t)len >= room)
		return -1;
	for (int i = 0; i < len; i++) {
		unsigned char c = from[1 + i];

		if (!isascii(c) || (!isalnum(c) && c != '-' && c != '_'))
			return -1;
		out[i] = (char)tolower(c);
	}
	return len;
}

/* A name as text without the last dot, "" for the root; false: not a host's. */
static bool
host_name(const ldns_rdf *name, char out[WIRE_NAME_MAX + 1])
{
	const uint8_t *wire = ldns_rdf_data(name);
	size_t size = ldns_rdf_size(name), at = 0, len = 0;

	while (at < size && wire[at] != 0) {
		int label = copy_label(wire + at, size - at, out + len);

		if (label < 0 || len + (size_t)label + 1 > WIRE_NAME_MAX)
			return false;
		at += (size_t)label + 1;
		len += (size_t)label;
		out[len++] = '.';
	}
	out[len > 0 ? len - 1 : 0] = '\0';
	return at < size;
}

/* --- records -------------------------------------------------------------------- */

static const ldns_rdf *
field(const ldns_rr *rr, size_t i, size_t size)
{
	const ldns_rdf *rdf = i < ldns_rr_rd_count(rr) ? ldns_rr_rdf(rr, i) : NULL;

	return rdf != NULL && (size == 0 || ldns_rdf_size(rdf) == size) ? rdf : NULL;
}

static unsigned
number(const ldns_rdf *rdf)
{
	const uint8_t *data = ldns_rdf_data(rdf);

	return ldns_rdf_size(rdf) == 1 ? data[0] : (unsigned)data[0] << 8 | data[1];
}

static bool
read_address(const ldns_rr *rr, struct netaddr *addr)
{
	bool v6 = ldns_rr_get_type(rr) == LDNS_RR_TYPE_AAAA;
	const ldns_rdf *rdf = field(rr, 0, v6 ? 16 : 4);

	if (rdf == NULL)
		return false;
	memset(addr, 0, sizeof *addr);
	addr->sa.sa_family = v6 ? AF_INET6 : AF_INET;
	memcpy(v6 ? (void *)&addr->in6.sin6_addr : (void *)&addr->in.sin_addr, ldns_rdf_data(rdf),
	    v6 ? 16 : 4);
	return true;
}

static bool
read_srv(struct arena *arena, const ldns_rr *rr, struct dns_srv *srv)
{
	const ldns_rdf *priority = field(rr, 0, 2), *weight = field(rr, 1, 2);
	const ldns_rdf *port = field(rr, 2, 2), *target = field(rr, 3, 0);
	char host[WIRE_NAME_MAX + 1];

	if (priority == NULL || weight == NULL || port == NULL || target == NULL ||
	    !host_name(target, host))
		return false;
	*srv = (struct dns_srv){
		.target = arena_strdup(arena, host),
		.priority = (uint16_t)number(priority),
		.weight = (uint16_t)number(weight),
		.port = (uint16_t)number(port),
	};
	return true;
}

static bool
read_tlsa(struct arena *arena, const ldns_rr *rr, struct dns_tlsa *tlsa)
{
	const ldns_rdf *usage = field(rr, 0, 1), *selector = field(rr, 1, 1);
	const ldns_rdf *matching = field(rr, 2, 1), *data = field(rr, 3, 0);
	size_t len;

	if (usage == NULL || selector == NULL || matching == NULL || data == NULL)
		return false;
	len = ldns_rdf_size(data);
	if (len == 0 || len > TLSA_DATA_MAX)
		return false;
	*tlsa = (struct dns_tlsa){
		.usage = (uint8_t)number(usage),
		.selector = (uint8_t)number(selector),
		.matching = (uint8_t)number(matching),
		.len = (uint16_t)len,
		.data = memcpy(arena_alloc(arena, len), ldns_rdf_data(data), len),
	};
	return true;
}

static size_t
record_size(enum dns_type type)
{
	if (type == DNS_SRV)
		return sizeof(struct dns_srv);
	return type == DNS_TLSA ? sizeof(struct dns_tlsa) : sizeof(struct netaddr);
}

static bool
read_record(struct arena *arena, enum dns_type type, const ldns_rr *rr, void *record)
{
	if (type == DNS_SRV)
		return read_srv(arena, rr, record);
	if (type == DNS_TLSA)
		return read_tlsa(arena, rr, record);
	return read_address(rr, record);
}

/* --- an answer -------------------------------------------------------------------- */

static bool
is_of(const ldns_rr *rr, const ldns_rdf *owner, unsigned type)
{
	return (unsigned)ldns_rr_get_type(rr) == type &&
	    ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN &&
	    ldns_dname_compare(ldns_rr_owner(rr), owner) == 0;
}

static const ldns_rdf *
cname_of(const ldns_rr_list *list, const ldns_rdf *owner, uint32_t *ttl)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(list, i);

		if (!is_of(rr, owner, LDNS_RR_TYPE_CNAME))
			continue;
		if (ldns_rr_ttl(rr) < *ttl)
			*ttl = ldns_rr_ttl(rr);
		return field(rr, 0, 0);
	}
	return NULL;
}

/* Where the CNAMEs lead; NULL: nowhere. */
static const ldns_rdf *
follow(const ldns_rr_list *list, const ldns_rdf *name, uint32_t *ttl)
{
	for (int i = 0; i < CNAMES_MAX; i++) {
		const ldns_rdf *next = cname_of(list, name, ttl);

		if (next == NULL)
			return name;
		name = next;
	}
	return NULL;
}

static void
collect(struct answer *answer, const ldns_rr_list *list, const ldns_rdf *owner)
{
	struct dns_answer *public = &answer->public;
	size_t size = record_size(public->type);
	char *records = arena_alloc(answer->arena, DNS_RECORDS_MAX * size);

	for (size_t i = 0; i < ldns_rr_list_rr_count(list) && public->count < DNS_RECORDS_MAX;
	     i++) {
		const ldns_rr *rr = ldns_rr_list_rr(list, i);

		if (!is_of(rr, owner, public->type) ||
		    !read_record(answer->arena, public->type, rr, records + public->count * size))
			continue;
		public->count++;
		if (ldns_rr_ttl(rr) < public->ttl)
		public->ttl = ldns_rr_ttl(rr);
	}
	public->addresses = (const struct netaddr *)records;
}

static void
fail(struct answer *answer, enum dns_status status, const char *reason)
{
	answer->public.status = status;
	answer->public.secure = false;
	answer->public.reason = reason != NULL ? reason : dns_status_text(status);
}

static bool
has_type(const ldns_rr_list *list, const ldns_rdf *owner, unsigned type)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++)
		if (is_of(ldns_rr_list_rr(list, i), owner, type))
			return true;
	return false;
}

static void
read_answer(struct answer *answer, const ldns_pkt *packet, const ldns_rdf *name)
{
	const ldns_rr_list *list = ldns_pkt_answer(packet);
	const ldns_rdf *owner = follow(list, name, &answer->public.ttl);
	char host[WIRE_NAME_MAX + 1];

	if (owner == NULL || !host_name(owner, host)) {
		fail(answer, DNS_MALFORMED, "the chain of aliases (CNAME) does not end");
		return;
	}
	answer->public.owner = arena_strdup(answer->arena, host);
	collect(answer, list, owner);
	if (answer->public.count > 0)
		answer->public.status = DNS_FOUND;
	else if (has_type(list, owner, answer->public.type))
		fail(answer, DNS_MALFORMED, NULL);
}

static void
read_packet(struct answer *answer, const ldns_pkt *packet)
{
	ldns_pkt_rcode code = ldns_pkt_get_rcode(packet);
	ldns_rdf *name = ldns_dname_new_frm_str(answer->public.name);

	if (name == NULL)
		fail(answer, DNS_MALFORMED, "this is no name for DNS");
	else if (code != LDNS_RCODE_NOERROR && code != LDNS_RCODE_NXDOMAIN)
		fail(answer, DNS_FAILED, NULL);
	else
		read_answer(answer, packet, name);
	if (answer->public.status == DNS_NONE)
		answer->public.no_domain = code == LDNS_RCODE_NXDOMAIN;
	ldns_rdf_deep_free(name);
}

struct dns_answer *
dns_decode(const char *name, enum dns_type type, const void *bytes, size_t len, bool secure)
{
	struct answer *answer = whole(dns_answer_new(name, type, DNS_NONE, NULL));
	ldns_pkt *packet = NULL;

	answer->public.secure = secure;
	answer->public.ttl = UINT32_MAX;
	if (ldns_wire2pkt(&packet, bytes, len) == LDNS_STATUS_OK)
		read_packet(answer, packet);
	else
		fail(answer, DNS_MALFORMED, NULL);
	ldns_pkt_free(packet);
	if (answer->public.ttl == UINT32_MAX)
		answer->public.ttl = 0;
	return &answer->public;
}

static void
copy_tlsa(struct answer *joined, const struct dns_answer *from, struct dns_tlsa *to)
{
	for (unsigned i = 0; i < from->count; i++) {
		uint8_t *data = arena_alloc(joined->arena, from->tlsa[i].len);

		to[i] = from->tlsa[i];
		to[i].data = memcpy(data, from->tlsa[i].data, to[i].len);
	}
}

struct dns_answer *
dns_join(const struct dns_answer *const *answers, size_t count)
{
	struct answer *joined = whole(dns_answer_new(answers[0]->name, DNS_TLSA, DNS_FOUND, NULL));
	struct dns_tlsa *records =
	    arena_alloc(joined->arena, count * DNS_RECORDS_MAX * sizeof *records);

	joined->public.secure = true;
	joined->public.ttl = UINT32_MAX;
	for (size_t i = 0; i < count; i++) {
		copy_tlsa(joined, answers[i], records + joined->public.count);
		joined->public.count += answers[i]->count;
		joined->public.secure &= answers[i]->secure;
		if (answers[i]->ttl < joined->public.ttl)
			joined->public.ttl = answers[i]->ttl;
	}
	joined->public.tlsa = records;
	return &joined->public;
}
