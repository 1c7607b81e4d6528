/*
 * The order of a domain's servers. See plan.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/plan.h"

#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "net/resolver.h"

#define CANDIDATES_MAX (2 * DNS_RECORDS_MAX)

/* --- choosing ---------------------------------------------------------------------- */

/* So little is missing for an even distribution that no server notices. */
static uint32_t
draw_by_chance(uint32_t n)
{
	uint64_t bytes;

	if (RAND_bytes((unsigned char *)&bytes, sizeof bytes) != 1)
		abort();
	return (uint32_t)(bytes % n);
}

struct candidate {
	const struct dns_srv *srv;
	bool direct, secure;
};

struct candidates {
	struct candidate list[CANDIDATES_MAX];
	unsigned count;
	bool any_record, any_dot;
};

static void
add_candidates(struct candidates *all, const struct dns_answer *answer, bool direct)
{
	if (answer->status != DNS_FOUND)
		return;
	for (unsigned i = 0; i < answer->count && all->count < CANDIDATES_MAX; i++) {
		const struct dns_srv *srv = &answer->srv[i];

		all->any_record = true;
		if (srv->target[0] == '\0')
			all->any_dot = true;
		else if (srv->port != 0 && strlen(srv->target) <= DNS_NAME_MAX)
			all->list[all->count++] = (struct candidate){ srv, direct, answer->secure };
	}
}

/* Those without weight first, so that they are chosen only when chance falls on 0. */
static int
compare(const void *a, const void *b)
{
	const struct dns_srv *left = ((const struct candidate *)a)->srv;
	const struct dns_srv *right = ((const struct candidate *)b)->srv;

	if (left->priority != right->priority)
		return left->priority < right->priority ? -1 : 1;
	return (left->weight != 0) - (right->weight != 0);
}

/* RFC 2782, "Weight": which of the first `count`, all of one priority. */
static unsigned
choose(const struct candidate *list, unsigned count, uint32_t (*draw)(uint32_t n))
{
	uint32_t sum = 0, mark, at = 0;
	unsigned i;

	for (i = 0; i < count; i++)
		sum += list[i].srv->weight;
	mark = draw(sum + 1);
	for (i = 0; i + 1 < count; i++) {
		at += list[i].srv->weight;
		if (at >= mark)
			break;
	}
	return i;
}

static unsigned
same_priority(const struct candidates *all)
{
	unsigned n = 1;

	while (n < all->count && all->list[n].srv->priority == all->list[0].srv->priority)
		n++;
	return n;
}

static void
add_target(struct plan *plan, const struct candidate *candidate)
{
	struct plan_target *target = &plan->targets[plan->count++];

	*target = (struct plan_target){
		.port = candidate->srv->port,
		.direct_tls = candidate->direct,
		.srv = true,
		.secure = candidate->secure,
		.priority = candidate->srv->priority,
		.weight = candidate->srv->weight,
	};
	snprintf(target->host, sizeof target->host, "%s", candidate->srv->target);
}

static void
order(struct plan *plan, struct candidates *all, uint32_t (*draw)(uint32_t n))
{
	qsort(all->list, all->count, sizeof *all->list, compare);
	while (all->count > 0 && plan->count < PLAN_TARGETS_MAX) {
		unsigned i = choose(all->list, same_priority(all), draw);

		add_target(plan, &all->list[i]);
		all->count--;
		memmove(&all->list[i], &all->list[i + 1], (all->count - i) * sizeof *all->list);
	}
}

/* --- a plan --------------------------------------------------------------------------- */

static void say(struct plan *plan, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
say(struct plan *plan, const char *format, ...)
{
	size_t len = strlen(plan->reason);
	va_list args;

	va_start(args, format);
	vsnprintf(plan->reason + len, sizeof plan->reason - len, format, args);
	va_end(args);
}

static void
say_answer(struct plan *plan, const char *service, const struct dns_answer *answer)
{
	const char *signature = answer->secure ? ", signed" : "";

	if (answer->status == DNS_FOUND)
		say(plan, "%s: %u record%s%s", service, answer->count,
		    answer->count == 1 ? "" : "s", signature);
	else if (answer->status == DNS_NONE)
		say(plan, "%s: none%s", service, signature);
	else
		say(plan, "%s: %.160s", service, answer->reason);
}

static void
plan_init(struct plan *plan, const char *domain)
{
	memset(plan, 0, sizeof *plan);
	snprintf(plan->domain, sizeof plan->domain, "%s", domain);
}

/* RFC 6120 §3.2.2 */
static void
fall_back(struct plan *plan, bool secure)
{
	struct plan_target *target = &plan->targets[plan->count++];

	*target = (struct plan_target){ .port = PLAN_PORT, .secure = secure };
	snprintf(target->host, sizeof target->host, "%s", plan->domain);
	say(plan, "; so the domain itself, port %d", PLAN_PORT);
}

void
plan_make(struct plan *plan, const char *domain, const struct dns_answer *xmpps,
    const struct dns_answer *xmpp, uint32_t (*draw)(uint32_t n))
{
	struct candidates all = { .count = 0 };

	plan_init(plan, domain);
	say_answer(plan, "_xmpps-server", xmpps);
	say(plan, "; ");
	say_answer(plan, "_xmpp-server", xmpp);
	add_candidates(&all, xmpps, true);
	add_candidates(&all, xmpp, false);
	order(plan, &all, draw != NULL ? draw : draw_by_chance);
	if (plan->count > 0)
		return;
	if (dns_failed(xmpps->status) || dns_failed(xmpp->status)) {
		plan->status = PLAN_FAILED;
	} else if (all.any_record) {
		plan->status = PLAN_NO_SERVICE;
		say(plan,
		    all.any_dot ? "; \".\" says that there is no service"
				: "; none of them can be used");
	} else {
		fall_back(plan, xmpps->secure && xmpp->secure);
	}
}

void
plan_static(struct plan *plan, const char *domain, const char *host, uint16_t port, bool direct_tls)
{
	struct plan_target *target = plan->targets;

	plan_init(plan, domain);
	plan->count = 1;
	target->port = port != 0 ? port : PLAN_PORT;
	target->direct_tls = direct_tls;
	snprintf(target->host, sizeof target->host, "%s", host);
	say(plan, "a route of the configuration");
}

/* --- asking ------------------------------------------------------------------------------- */

struct plan_question {
	plan_fn fn;
	void *arg;
	uint64_t asks[2];
	const struct dns_answer *answers[2]; /* _xmpps-server, _xmpp-server */
	char domain[DNS_NAME_MAX + 1];
};

static void
question_free(struct plan_question *question)
{
	for (int i = 0; i < 2; i++) {
		resolver_cancel(question->asks[i]);
		dns_answer_unref(&question->answers[i]);
	}
	free(question);
}

static void
came(struct plan_question *question, const struct dns_answer *answer, int which)
{
	struct plan *plan;

	question->answers[which] = dns_answer_ref(answer);
	question->asks[which] = 0;
	if (question->answers[!which] == NULL)
		return;
	plan = xmalloc(sizeof *plan);
	plan_make(plan, question->domain, question->answers[0], question->answers[1], NULL);
	question->fn(question->arg, plan);
	free(plan);
	question_free(question);
}

static void
xmpps_came(void *arg, const struct dns_answer *answer)
{
	came(arg, answer, 0);
}

static void
xmpp_came(void *arg, const struct dns_answer *answer)
{
	came(arg, answer, 1);
}

struct plan_question *
plan_ask(const char *domain, plan_fn fn, void *arg)
{
	struct plan_question *question = xcalloc(1, sizeof *question);
	char name[DNS_NAME_MAX + 32];

	question->fn = fn;
	question->arg = arg;
	snprintf(question->domain, sizeof question->domain, "%s", domain);
	snprintf(name, sizeof name, "_xmpps-server._tcp.%s", question->domain);
	question->asks[0] = resolver_ask(name, DNS_SRV, xmpps_came, question);
	snprintf(name, sizeof name, "_xmpp-server._tcp.%s", question->domain);
	question->asks[1] = resolver_ask(name, DNS_SRV, xmpp_came, question);
	return question;
}

void
plan_cancel(struct plan_question **question)
{
	if (*question != NULL)
		question_free(*question);
	*question = NULL;
}
