/*
 * Surveys: all that DNS says about a domain's servers, for linnetctl. Unlike a
 * dial (net/dial.h), which stops where it gets through, a survey asks for
 * everything.
 *
 *	survey_start("example.org", on_survey, arg)
 *	  -> on_survey(arg, survey)		yours: survey_free()
 *
 * On one worker; ends within two deadlines of the resolver.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_SURVEY_H
#define LN_SERVER_SURVEY_H

#include "net/plan.h"

enum survey_question { SURVEY_AAAA, SURVEY_A, SURVEY_TLSA, SURVEY_ALIASED, SURVEY_QUESTIONS };

struct survey {
	struct plan plan;
	/* By target of the plan; TLSA is NULL where DNSSEC does not prove the way there. */
	const struct dns_answer *answers[PLAN_TARGETS_MAX][SURVEY_QUESTIONS];
	bool asked_at_end[PLAN_TARGETS_MAX]; /* where aliases lead */
	unsigned open;                       /* answers that are still to come */
	void (*done)(void *arg, struct survey *survey);
	void *arg;
};

/* `domain` in A-labels. */
void survey_start(const char *domain, void (*done)(void *arg, struct survey *survey), void *arg);

void survey_free(struct survey **survey);

/* How many addresses a target has. */
unsigned survey_addresses(const struct survey *survey, unsigned target);

/* "192.0.2.1, 2001:db8::1", or why there is none; malloc()ed. */
char *survey_address_text(const struct survey *survey, unsigned target);

/* "3 1 1 ab12...", "none", "-" (nothing would prove it), or why it is not known; malloc()ed. */
char *survey_tlsa_text(const struct survey *survey, unsigned target);

/* Where the target is an alias (CNAME) whose end has such records: that end; else NULL. */
const char *survey_alias(const struct survey *survey, unsigned target);

/* Validated TLSA records of a target, or NULL. Those at the end of an alias come first (RFC 7671 §7). */
const struct dns_answer *survey_tlsa(const struct survey *survey, unsigned target);

#endif
