/*
 * DNS answers: whatever the bytes, what comes of them keeps what dns.h says,
 * and a plan made of it is one.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/dns.h"
#include "net/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
need(bool holds)
{
	if (!holds)
		abort();
}

static void
check_srv(const struct dns_answer *answer)
{
	for (unsigned i = 0; i < answer->count; i++)
		for (const char *c = answer->srv[i].target; *c != '\0'; c++)
			need(strchr("abcdefghijklmnopqrstuvwxyz0123456789-_.", *c) != NULL);
}

static void
check_tlsa(const struct dns_answer *answer)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < answer->count; i++)
		for (unsigned k = 0; k < answer->tlsa[i].len; k++)
			sum += answer->tlsa[i].data[k];
	need(answer->count > 0 || sum == 0);
}

static void
check_plan(const struct dns_answer *answer)
{
	const struct dns_answer *none = dns_answer_new("x", DNS_SRV, DNS_NONE, NULL);
	struct plan *plan = malloc(sizeof *plan);

	plan_make(plan, "example.org", answer, none, NULL);
	need((plan->count > 0) == (plan->status == PLAN_TARGETS));
	for (unsigned i = 1; i < plan->count; i++)
		need(plan->targets[i - 1].priority <= plan->targets[i].priority);
	free(plan);
	dns_answer_unref(&none);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum dns_type types[] = { DNS_A, DNS_AAAA, DNS_SRV, DNS_TLSA };
	enum dns_type type = types[size > 0 ? data[0] & 3 : 0];
	const struct dns_answer *answer;

	if (size == 0)
		return 0;
	answer = dns_decode("host.example", type, data + 1, size - 1, true);
	need(answer->count <= DNS_RECORDS_MAX);
	need((answer->status == DNS_FOUND) == (answer->count > 0));
	need(dns_failed(answer->status) == (answer->reason != NULL));
	if (type == DNS_SRV) {
		check_srv(answer);
		check_plan(answer);
	} else if (type == DNS_TLSA) {
		check_tlsa(answer);
	}
	dns_answer_unref(&answer);
	return 0;
}
