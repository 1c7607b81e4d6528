/*
 * TLSA records of all of a domain's servers. See vouch.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/vouch.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/xalloc.h"
#include "net/resolver.h"

struct part {
	struct vouch_question *question;
	uint64_t ask;
	const struct dns_answer *answer; /* NULL: not asked, or not answered */
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
		dns_answer_unref(&question->parts[i].answer);
	}
	free(question);
}

/* Records that were found decide; without, one that could not be looked up leaves it open. */
static void
sum_up(const struct vouch_question *question, struct vouch *vouch)
{
	const struct dns_answer *found[PLAN_TARGETS_MAX];
	unsigned count = 0;

	for (unsigned i = 0; i < question->plan.count; i++) {
		const struct dns_answer *answer = question->parts[i].answer;

		if (answer == NULL)
			continue;
		if (answer->status == DNS_FOUND && answer->secure)
			found[count++] = answer;
		else if (dns_failed(answer->status)) {
			vouch->status = answer->status;
			vouch->reason = answer->reason;
		}
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
answered(void *arg, const struct dns_answer *answer)
{
	struct part *part = arg;

	part->ask = 0;
	part->answer = dns_answer_ref(answer);
	if (--part->question->open == 0)
		finish(part->question);
}

static void
ask(struct vouch_question *question, unsigned i)
{
	const struct plan_target *target = &question->plan.targets[i];
	struct part *part = &question->parts[i];
	char name[DNS_NAME_MAX + 32];

	snprintf(name, sizeof name, "_%u._tcp.%s", target->port, target->host);
	part->question = question;
	part->ask = resolver_ask(name, DNS_TLSA, answered, part);
	question->open++;
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
	struct certname names[PLAN_TARGETS_MAX + 1] = { *domain };
	size_t count = 1;

	for (unsigned i = 0; i < vouch->plan->count; i++)
		if (vouch->plan->targets[i].secure)
			names[count++].ascii = vouch->plan->targets[i].host;
	return tlsa_check(ssl, vouch->tlsa, names, count, reason_r);
}
