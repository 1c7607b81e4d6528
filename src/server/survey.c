/*
 * All that DNS says. See survey.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/survey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "net/resolver.h"
#include "net/tlsa.h"

#define TEXT_MAX 400

/* Where an answer goes. */
struct waiting {
	struct survey *survey;
	unsigned target;
	const struct dns_answer **place;
};

static void ask_at_end(struct survey *survey, unsigned target, const struct dns_answer *answer);

static void
answered(void *arg, const struct dns_answer *answer)
{
	struct waiting *waiting = arg;
	struct survey *survey = waiting->survey;

	*waiting->place = dns_answer_ref(answer);
	ask_at_end(survey, waiting->target, answer);
	free(waiting);
	if (--survey->open == 0)
		survey->done(survey->arg, survey);
}

static void
ask(struct survey *survey, unsigned target, enum survey_question which, const char *name,
    enum dns_type type)
{
	struct waiting *waiting = xmalloc(sizeof *waiting);

	*waiting = (struct waiting){ survey, target, &survey->answers[target][which] };
	survey->open++;
	resolver_ask(name, type, answered, waiting);
}

static void
ask_for_tlsa(struct survey *survey, unsigned i, enum survey_question which, const char *host)
{
	char name[DNS_NAME_MAX + 32];

	snprintf(name, sizeof name, "_%u._tcp.%s", survey->plan.targets[i].port, host);
	ask(survey, i, which, name, DNS_TLSA);
}

static void
ask_at_end(struct survey *survey, unsigned target, const struct dns_answer *answer)
{
	if (answer->type == DNS_TLSA || answer->status != DNS_FOUND || !answer->secure ||
	    strcmp(answer->owner, answer->name) == 0 || !survey->plan.targets[target].secure ||
	    survey->asked_at_end[target])
		return;
	survey->asked_at_end[target] = true;
	ask_for_tlsa(survey, target, SURVEY_ALIASED, answer->owner);
}

static void
ask_for(struct survey *survey, unsigned i)
{
	const struct plan_target *target = &survey->plan.targets[i];

	ask(survey, i, SURVEY_AAAA, target->host, DNS_AAAA);
	ask(survey, i, SURVEY_A, target->host, DNS_A);
	if (target->secure)
		ask_for_tlsa(survey, i, SURVEY_TLSA, target->host);
}

static void
planned(void *arg, const struct plan *plan)
{
	struct survey *survey = arg;

	survey->plan = *plan;
	for (unsigned i = 0; i < plan->count; i++)
		ask_for(survey, i);
	if (survey->open == 0)
		survey->done(survey->arg, survey);
}

void
survey_start(const char *domain, void (*done)(void *arg, struct survey *survey), void *arg)
{
	struct survey *survey = xcalloc(1, sizeof *survey);

	survey->done = done;
	survey->arg = arg;
	plan_ask(domain, planned, survey);
}

void
survey_free(struct survey **survey)
{
	for (unsigned i = 0; i < (*survey)->plan.count; i++)
		for (unsigned k = 0; k < SURVEY_QUESTIONS; k++)
			dns_answer_unref(&(*survey)->answers[i][k]);
	free(*survey);
	*survey = NULL;
}

/* --- looking ------------------------------------------------------------------------- */

unsigned
survey_addresses(const struct survey *survey, unsigned target)
{
	return survey->answers[target][SURVEY_AAAA]->count +
	    survey->answers[target][SURVEY_A]->count;
}

static void
add_part(struct buf *text, const char *part)
{
	if (text->len < TEXT_MAX)
		buf_printf(text, "%s%s", text->len > 0 ? ", " : "", part);
}

static void
add_addresses(struct buf *text, const struct dns_answer *answer)
{
	char host[NETADDR_TEXT_MAX];

	for (unsigned i = 0; i < answer->count; i++)
		add_part(text, netaddr_host_text(&answer->addresses[i], host));
	if (!dns_failed(answer->status))
		return;
	add_part(text, dns_type_name(answer->type));
	buf_printf(text, ": %s", answer->reason);
}

char *
survey_address_text(const struct survey *survey, unsigned target)
{
	struct buf text = BUF_INIT;

	add_addresses(&text, survey->answers[target][SURVEY_AAAA]);
	add_addresses(&text, survey->answers[target][SURVEY_A]);
	if (text.len == 0)
		buf_add_text(&text, "no address");
	return buf_take(&text);
}

/* RFC 7672 §2.1.1: only behind an address that DNSSEC proves. */
static bool
is_proven(const struct survey *survey, unsigned target)
{
	for (unsigned i = 0; i <= SURVEY_A; i++) {
		const struct dns_answer *answer = survey->answers[target][i];

		if (answer->status == DNS_FOUND && !answer->secure)
			return false;
	}
	return survey->answers[target][SURVEY_TLSA] != NULL;
}

static const struct dns_answer *
records_of(const struct survey *survey, unsigned target)
{
	const struct dns_answer *aliased = survey->answers[target][SURVEY_ALIASED];
	bool counts = aliased != NULL &&
	    (dns_failed(aliased->status) || (aliased->status == DNS_FOUND && aliased->secure));

	return counts ? aliased : survey->answers[target][SURVEY_TLSA];
}

const char *
survey_alias(const struct survey *survey, unsigned target)
{
	const struct dns_answer *answer = survey->answers[target][SURVEY_AAAA];

	if (records_of(survey, target) != survey->answers[target][SURVEY_ALIASED])
		return NULL;
	if (answer->status != DNS_FOUND)
		answer = survey->answers[target][SURVEY_A];
	return answer != NULL ? answer->owner : NULL;
}

const struct dns_answer *
survey_tlsa(const struct survey *survey, unsigned target)
{
	const struct dns_answer *answer = records_of(survey, target);

	return is_proven(survey, target) && answer->status == DNS_FOUND && answer->secure ? answer
											  : NULL;
}

char *
survey_tlsa_text(const struct survey *survey, unsigned target)
{
	const struct dns_answer *answer = records_of(survey, target);
	struct buf text = BUF_INIT;
	char record[TLSA_TEXT_MAX];

	if (!is_proven(survey, target))
		buf_add_text(&text, "-");
	else if (dns_failed(answer->status))
		buf_add_text(&text, answer->reason);
	else if (survey_tlsa(survey, target) == NULL)
		buf_add_text(&text, "none");
	else
		for (unsigned i = 0; i < answer->count; i++)
			add_part(&text, tlsa_text(&answer->tlsa[i], record));
	return buf_take(&text);
}
