/*
 * TLSA records of all of a domain's servers. See vouch.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/vouch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "net/resolver.h"

/* A target: its own records, and what stands where its aliases lead (RFC 7671 §7). */
struct part {
	struct vouch_question *question;
	uint64_t ask, ask_aliased;
	const struct dns_answer *answer;  /* NULL: not asked, or not answered */
	const struct dns_answer *address; /* to know where the aliases lead */
	const struct dns_answer *aliased;
};

struct vouch_question {
	vouch_fn fn;
	void *arg;
	struct plan_question *planning;
	struct plan plan;
	struct part parts[PLAN_TARGETS_MAX];
	unsigned open;
};

static void
question_free(struct vouch_question *question)
{
	plan_cancel(&question->planning);
	for (unsigned i = 0; i < PLAN_TARGETS_MAX; i++) {
		resolver_cancel(question->parts[i].ask);
		resolver_cancel(question->parts[i].ask_aliased);
		dns_answer_unref(&question->parts[i].answer);
		dns_answer_unref(&question->parts[i].address);
		dns_answer_unref(&question->parts[i].aliased);
	}
	free(question);
}

static bool
is_proven(const struct dns_answer *answer)
{
	return answer != NULL && answer->status == DNS_FOUND && answer->secure;
}

/* A target's records, or why it is not known whether there are any; NULL: there are none. */
static const struct dns_answer *
word_of(const struct part *part)
{
	const struct dns_answer *const all[] = { part->aliased, part->answer, part->address };

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (all[i] != NULL && (dns_failed(all[i]->status) || is_proven(all[i])))
			return all[i]->type == DNS_TLSA || dns_failed(all[i]->status) ? all[i]
										      : NULL;
	return NULL;
}

/* Records that were found decide; without, one that could not be looked up leaves it open. */
static void
sum_up(const struct vouch_question *question, struct vouch *vouch)
{
	const struct dns_answer *found[PLAN_TARGETS_MAX];
	unsigned count = 0;

	for (unsigned i = 0; i < question->plan.count; i++) {
		const struct part *part = &question->parts[i];
		const struct dns_answer *answer = word_of(part);

		if (answer == NULL)
			continue;
		if (dns_failed(answer->status)) {
			vouch->status = answer->status;
			vouch->reason = answer->reason;
			continue;
		}
		found[count++] = answer;
		if (answer == part->aliased)
			vouch->ends[i] = part->address->owner;
	}
	if (count == 0)
		return;
	vouch->status = DNS_FOUND;
	vouch->tlsa = dns_join(found, count);
}

static void
finish(struct vouch_question *question)
{
	struct vouch vouch = { .status = DNS_NONE, .plan = &question->plan };

	if (question->plan.status == PLAN_FAILED) {
		vouch.status = DNS_FAILED;
		vouch.reason = question->plan.reason;
	}
	sum_up(question, &vouch);
	question->fn(question->arg, &vouch);
	dns_answer_unref(&vouch.tlsa);
	question_free(question);
}

static void
one_done(struct vouch_question *question)
{
	if (--question->open == 0)
		finish(question);
}

static void
answered(void *arg, const struct dns_answer *answer)
{
	struct part *part = arg;

	part->ask = 0;
	part->answer = dns_answer_ref(answer);
	one_done(part->question);
}

static void
aliased_came(void *arg, const struct dns_answer *answer)
{
	struct part *part = arg;

	part->ask_aliased = 0;
	part->aliased = dns_answer_ref(answer);
	one_done(part->question);
}

static uint64_t
ask_for_tlsa(struct part *part, const char *host, resolver_fn fn)
{
	unsigned at = (unsigned)(part - part->question->parts);
	char name[DNS_NAME_MAX + 32];

	snprintf(name, sizeof name, "_%u._tcp.%s", part->question->plan.targets[at].port, host);
	return resolver_ask(name, DNS_TLSA, fn, part);
}

/* An alias has its end whatever records are there: IPv4's will do for IPv6's. */
static void
address_came(void *arg, const struct dns_answer *answer)
{
	struct part *part = arg;

	part->ask_aliased = 0;
	part->address = dns_answer_ref(answer);
	if (!dns_failed(answer->status) && answer->secure &&
	    strcmp(answer->owner, answer->name) != 0)
		part->ask_aliased = ask_for_tlsa(part, answer->owner, aliased_came);
	else
		one_done(part->question);
}

static void
ask(struct vouch_question *question, unsigned i)
{
	struct part *part = &question->parts[i];
	const char *host = question->plan.targets[i].host;

	part->question = question;
	part->ask = ask_for_tlsa(part, host, answered);
	part->ask_aliased = resolver_ask(host, DNS_A, address_came, part);
	question->open += 2;
}

static void
planned(void *arg, const struct plan *plan)
{
	struct vouch_question *question = arg;

	question->planning = NULL;
	question->plan = *plan;
	for (unsigned i = 0; i < plan->count; i++)
		if (plan->targets[i].secure)
			ask(question, i);
	if (question->open == 0)
		finish(question);
}

struct vouch_question *
vouch_ask(const char *domain, vouch_fn fn, void *arg)
{
	struct vouch_question *question = xcalloc(1, sizeof *question);

	question->fn = fn;
	question->arg = arg;
	question->planning = plan_ask(domain, planned, question);
	return question;
}

void
vouch_cancel(struct vouch_question **question)
{
	if (*question != NULL)
		question_free(*question);
	*question = NULL;
}

enum tlsa_result
vouch_check(struct ssl_st *ssl, const struct vouch *vouch, const struct certname *domain,
    const char **reason_r)
{
	struct certname names[2 * PLAN_TARGETS_MAX + 1] = { *domain };
	size_t count = 1;

	for (unsigned i = 0; i < vouch->plan->count; i++) {
		if (vouch->plan->targets[i].secure)
			names[count++].ascii = vouch->plan->targets[i].host;
		if (vouch->ends[i] != NULL)
			names[count++].ascii = vouch->ends[i];
	}
	return tlsa_check(ssl, vouch->tlsa, names, count, reason_r);
}

bool
vouch_names(struct x509_st *x509, const struct vouch *vouch)
{
	for (unsigned i = 0; i < vouch->plan->count; i++) {
		const struct certname name = { vouch->plan->targets[i].host, NULL };

		if (vouch->plan->targets[i].secure && certname_match(x509, &name) != CERTNAME_NONE)
			return true;
	}
	return false;
}
