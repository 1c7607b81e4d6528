/*
 * From a plan to a connection. See dial.h.
 *
 * A target's turn: addresses (and TLSA) are asked for at once; each answer,
 * connection, failure and timer ends in go_on(), which looks at what there is
 * and does the next thing. A connection that stands waits until it is known
 * whether TLSA records are to be obeyed.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/dial.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/metrics.h"
#include "base/xalloc.h"
#include "net/conn.h"
#include "net/resolver.h"
#include "net/timer.h"
#include "net/worker.h"

#define RESOLUTION_DELAY_MS 50 /* RFC 8305 §3: what IPv6 is waited for when IPv4 is there */
#define TOTAL_MS 40000         /* after which no further target is tried */
#define REASON_MAX 1500

enum { BEGUN, CONNECTED, FAILED };

static const struct metric_row rows[] = {
	[BEGUN] = { "begun_total", METRIC_COUNTER, "Other servers that were to be connected to." },
	[CONNECTED] = { "connected_total", METRIC_COUNTER, "Connections that came of it." },
	[FAILED] = { "failed_total", METRIC_COUNTER,
	    "Of these servers, such as had no (further) target." },
};
METRICS(dial_metrics, "dial", rows);

enum { IPV6, IPV4, TLSA, ALIASED /* TLSA where CNAMEs led */, QUESTIONS };

/* One family's addresses, or the TLSA records. */
struct question {
	struct dial *dial;
	uint64_t ask; /* 0: answered, or not asked */
	const struct dns_answer *answer;
	unsigned used; /* addresses that were tried */
};

struct attempt {
	struct dial *dial;
	struct conn *conn; /* NULL: over */
};

struct dial {
	dial_fn fn;
	void *arg;
	bool dane;
	struct plan plan;
	struct plan_question *planning;
	unsigned target; /* index + 1; 0: none yet */
	struct question questions[QUESTIONS];
	struct attempt attempts[DIAL_ADDRESSES_MAX];
	unsigned tried, running;
	struct conn *won;
	bool handed_over;
	bool tlsa_counts; /* DNSSEC proves the way to the connection handed over */
	bool hurried;     /* IPv6 was waited for long enough */
	bool stagger_over;
	bool saw_dns, saw_network;
	int64_t since;
	struct timer stagger, deadline, soon;
	struct buf reason;
};

static void go_on(struct dial *dial);

/* --- what is said about it ------------------------------------------------------------- */

static void note(struct dial *dial, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
note(struct dial *dial, const char *format, ...)
{
	va_list args;

	if (dial->reason.len > REASON_MAX)
		return;
	if (dial->reason.len > 0)
		buf_add_text(&dial->reason, "; ");
	va_start(args, format);
	buf_vprintf(&dial->reason, format, args);
	va_end(args);
}

static const struct plan_target *
target_of(const struct dial *dial)
{
	return &dial->plan.targets[dial->target - 1];
}

/* --- beginning and leaving a target --------------------------------------------------------- */

static void
nothing(struct conn *conn, const char *bytes, size_t len)
{
}

static void
forgotten(struct conn *conn, enum conn_reason reason)
{
}

static const struct conn_ops forgotten_ops = { .input = nothing, .closed = forgotten };

static void
drop_conn(struct conn **conn)
{
	if (*conn == NULL)
		return;
	conn_set_ops(*conn, &forgotten_ops, NULL);
	conn_close(*conn, CONN_FINISHED, false);
	*conn = NULL;
}

static void
drop_attempts(struct dial *dial)
{
	for (unsigned i = 0; i < dial->tried; i++)
		drop_conn(&dial->attempts[i].conn);
	dial->running = 0;
}

static void
leave_target(struct dial *dial)
{
	drop_attempts(dial);
	if (!dial->handed_over)
		drop_conn(&dial->won);
	dial->won = NULL;
	for (int i = 0; i < QUESTIONS; i++) {
		resolver_cancel(dial->questions[i].ask);
		dns_answer_unref(&dial->questions[i].answer);
		dial->questions[i] = (struct question){ .dial = dial };
	}
	timer_cancel(&dial->stagger);
	timer_cancel(&dial->deadline);
	dial->tried = 0;
	dial->handed_over = dial->hurried = dial->tlsa_counts = false;
	dial->stagger_over = true;
}

static void ask_at_end(struct dial *dial, const struct dns_answer *answer);

static void
answer_came(void *arg, const struct dns_answer *answer)
{
	struct question *question = arg;
	struct dial *dial = question->dial;

	question->ask = 0;
	question->answer = dns_answer_ref(answer);
	if (answer->type != DNS_TLSA)
		ask_at_end(dial, answer);
	if (dial->running == 0 && !timer_is_set(&dial->stagger))
		timer_set(&dial->stagger, RESOLUTION_DELAY_MS);
	go_on(dial);
}

static void
ask(struct dial *dial, int which, const char *name, enum dns_type type)
{
	struct question *question = &dial->questions[which];

	question->ask = resolver_ask(name, type, answer_came, question);
}

static void
ask_for_tlsa(struct dial *dial, int which, const char *host)
{
	char name[DNS_NAME_MAX + 32];

	snprintf(name, sizeof name, "_%u._tcp.%s", target_of(dial)->port, host);
	ask(dial, which, name, DNS_TLSA);
}

static bool
wants_tlsa(const struct dial *dial)
{
	return dial->dane && target_of(dial)->secure;
}

/* RFC 7671 §7: where a proven chain of aliases ends, records come first. */
static void
ask_at_end(struct dial *dial, const struct dns_answer *answer)
{
	const struct question *aliased = &dial->questions[ALIASED];

	if (wants_tlsa(dial) && aliased->ask == 0 && aliased->answer == NULL &&
	    answer->status == DNS_FOUND && answer->secure &&
	    strcmp(answer->owner, answer->name) != 0)
		ask_for_tlsa(dial, ALIASED, answer->owner);
}

static void
ask_for_target(struct dial *dial, const struct plan_target *target)
{
	ask(dial, IPV6, target->host, DNS_AAAA);
	ask(dial, IPV4, target->host, DNS_A);
	if (wants_tlsa(dial))
		ask_for_tlsa(dial, TLSA, target->host);
}

static bool
is_address(const struct plan_target *target, struct netaddr *addr_r)
{
	bool v6 = strchr(target->host, ':') != NULL;
	char text[DNS_NAME_MAX + 16];

	snprintf(text, sizeof text, v6 ? "[%s]:%u" : "%s:%u", target->host, target->port);
	return netaddr_parse(addr_r, text);
}

/* --- racing ------------------------------------------------------------------------------- */

static void
connected(struct conn *conn)
{
	struct attempt *attempt = conn_owner(conn);
	struct dial *dial = attempt->dial;

	attempt->conn = NULL;
	dial->won = conn;
	drop_attempts(dial);
	timer_cancel(&dial->stagger);
	conn_pause(conn); /* nobody is there yet to listen */
	go_on(dial);
}

static const char *
why_closed(const struct conn *conn, enum conn_reason reason)
{
	return conn_errno(conn) != 0 ? strerror(conn_errno(conn)) : conn_reason_text(reason);
}

static void
attempt_closed(struct conn *conn, enum conn_reason reason)
{
	struct attempt *attempt = conn_owner(conn);
	struct dial *dial = attempt->dial;
	char text[NETADDR_TEXT_MAX];

	note(dial, "%s: %s", netaddr_text(conn_peer(conn), text), why_closed(conn, reason));
	dial->saw_network = true;
	if (dial->won == conn)
		dial->won = NULL;
	else
		dial->running--;
	attempt->conn = NULL;
	dial->stagger_over = true;
	go_on(dial);
}

static const struct conn_ops attempt_ops = {
	.input = nothing,
	.established = connected,
	.closed = attempt_closed,
};

static void
try_address(struct dial *dial, struct netaddr addr)
{
	struct attempt *attempt = &dial->attempts[dial->tried++];

	netaddr_set_port(&addr, target_of(dial)->port);
	attempt->dial = dial;
	attempt->conn = conn_connect(&addr, NULL, &attempt_ops, attempt);
	dial->running++;
	dial->stagger_over = false;
	timer_set(&dial->stagger, DIAL_STAGGER_MS);
	if (dial->tried == 1)
		timer_set(&dial->deadline, DIAL_CONNECT_MS);
}

static const struct netaddr *
peek(const struct question *question)
{
	const struct dns_answer *answer = question->answer;

	return answer != NULL && question->used < answer->count ? &answer->addresses[question->used]
								: NULL;
}

/* Families take turns, IPv6 first; while its answer is out, IPv4 waits a moment. */
static struct question *
next_family(struct dial *dial)
{
	struct question *v6 = &dial->questions[IPV6], *v4 = &dial->questions[IPV4];

	if (dial->tried == DIAL_ADDRESSES_MAX)
		return NULL;
	if (peek(v6) != NULL && (peek(v4) == NULL || v6->used <= v4->used))
		return v6;
	return peek(v4) != NULL && (v6->ask == 0 || dial->hurried) ? v4 : NULL;
}

static bool
awaits_addresses(const struct dial *dial)
{
	return dial->questions[IPV6].ask != 0 || dial->questions[IPV4].ask != 0;
}

/* --- ends ------------------------------------------------------------------------------------ */

/* The dial may be gone when this returns. */
static void
fail(struct dial *dial)
{
	struct dial_result result = { .failure = DIAL_NOT_FOUND };

	metric_inc(dial_metrics, FAILED);
	if (dial->saw_network)
		result.failure = DIAL_UNREACHABLE;
	else if (dial->saw_dns)
		result.failure = DIAL_DNS;
	result.reason = dial->reason.data;
	dial->fn(dial->arg, &result);
}

static void
begin_target(struct dial *dial)
{
	const struct plan_target *target = &dial->plan.targets[dial->target++];
	struct netaddr addr;

	if (is_address(target, &addr))
		try_address(dial, addr);
	else
		ask_for_target(dial, target);
}

static void
next_target(void *arg)
{
	struct dial *dial = arg;

	leave_target(dial);
	if (dial->target < dial->plan.count && worker_now_ms() - dial->since > TOTAL_MS) {
		note(dial, "the other targets were not tried: this has taken long enough");
		dial->target = dial->plan.count;
	}
	if (dial->target < dial->plan.count)
		begin_target(dial);
	else
		fail(dial);
}

static void
note_answer(struct dial *dial, const struct question *question)
{
	const struct dns_answer *answer = question->answer;

	if (answer == NULL || !dns_failed(answer->status))
		return;
	dial->saw_dns = true;
	note(dial, "%s %s: %s", dns_type_name(answer->type), answer->name, answer->reason);
}

/* No connection, nothing under way. */
static void
no_way(struct dial *dial)
{
	note_answer(dial, &dial->questions[IPV6]);
	note_answer(dial, &dial->questions[IPV4]);
	if (dial->tried == 0)
		note(dial, "%s has no address that could be found", target_of(dial)->host);
	next_target(dial);
}

static bool
is_way_secure(const struct dial *dial)
{
	int family = conn_peer(dial->won)->sa.sa_family == AF_INET6 ? IPV6 : IPV4;
	const struct dns_answer *answer = dial->questions[family].answer;

	return target_of(dial)->secure && answer != NULL && answer->secure;
}

static bool
is_proven(const struct dns_answer *answer)
{
	return answer != NULL && answer->status == DNS_FOUND && answer->secure;
}

/* Those of an alias's end, also if they could not be looked up; else the target's own. */
static const struct question *
records_of(const struct dial *dial)
{
	const struct question *aliased = &dial->questions[ALIASED];
	const struct dns_answer *answer = aliased->answer;

	return is_proven(answer) || (answer != NULL && dns_failed(answer->status))
	    ? aliased
	    : &dial->questions[TLSA];
}

static void
hand_over(struct dial *dial)
{
	struct dial_result result = {
		.conn = dial->won,
		.target = target_of(dial),
		.tlsa = dial_tlsa(dial),
		.reason = dial->reason.data,
	};

	metric_inc(dial_metrics, CONNECTED);
	timer_cancel(&dial->deadline);
	dial->handed_over = true;
	conn_set_ops(dial->won, &forgotten_ops, NULL);
	conn_resume(dial->won);
	dial->fn(dial->arg, &result);
}

/* RFC 7671 §4.1 (RFC 7672 §2.1): where records could be, not to get them is not to know the peer. */
static void
settle(struct dial *dial)
{
	const struct question *tlsa = &dial->questions[TLSA];

	dial->tlsa_counts = is_way_secure(dial);
	if (dial->questions[ALIASED].ask == 0)
		tlsa = records_of(dial);
	if (!dial->tlsa_counts || (tlsa->ask == 0 && tlsa->answer == NULL)) {
		hand_over(dial);
	} else if (dial->questions[ALIASED].ask != 0 || tlsa->ask != 0) {
		return;
	} else if (dns_failed(tlsa->answer->status)) {
		note_answer(dial, tlsa);
		next_target(dial);
	} else {
		hand_over(dial);
	}
}

static void
go_on(struct dial *dial)
{
	struct question *family;

	if (dial->handed_over)
		return;
	if (dial->won != NULL) {
		settle(dial);
		return;
	}
	family = next_family(dial);
	if (family != NULL && (dial->stagger_over || dial->running == 0))
		try_address(dial, family->answer->addresses[family->used++]);
	else if (family == NULL && dial->running == 0 && !awaits_addresses(dial))
		no_way(dial);
}

static void
stagger_over(void *arg)
{
	struct dial *dial = arg;

	dial->stagger_over = dial->hurried = true;
	go_on(dial);
}

static void
target_late(void *arg)
{
	struct dial *dial = arg;

	dial->saw_network = true;
	note(dial, "%s: no connection within %d s", target_of(dial)->host, DIAL_CONNECT_MS / 1000);
	next_target(dial);
}

/* --- the plan ------------------------------------------------------------------------------------ */

static void
planned(void *arg, const struct plan *plan)
{
	struct dial *dial = arg;

	dial->planning = NULL;
	dial->plan = *plan;
	dial->saw_dns = plan->status == PLAN_FAILED;
	if (plan->status != PLAN_TARGETS)
		note(dial, "%s", plan->reason);
	next_target(dial);
}

struct dial *
dial_start(const struct dial_params *params, dial_fn fn, void *arg)
{
	struct dial *dial = xcalloc(1, sizeof *dial);

	metric_inc(dial_metrics, BEGUN);
	dial->fn = fn;
	dial->arg = arg;
	dial->dane = params->dane;
	dial->since = worker_now_ms();
	timer_init(&dial->stagger, stagger_over, dial);
	timer_init(&dial->deadline, target_late, dial);
	timer_init(&dial->soon, next_target, dial);
	if (params->host == NULL) {
		dial->planning = plan_ask(params->domain, planned, dial);
		return dial;
	}
	plan_static(&dial->plan, params->domain, params->host, params->port, params->direct_tls);
	timer_set(&dial->soon, 0);
	return dial;
}

void
dial_next(struct dial *dial, const char *why)
{
	const struct plan_target *target = target_of(dial);

	dial->saw_network = true;
	note(dial, "%s port %u: %s", target->host, target->port, why);
	timer_set(&dial->soon, 0);
}

void
dial_free(struct dial **dial_p)
{
	struct dial *dial = *dial_p;

	*dial_p = NULL;
	if (dial == NULL)
		return;
	plan_cancel(&dial->planning);
	leave_target(dial);
	timer_cancel(&dial->soon);
	buf_free(&dial->reason);
	free(dial);
}

const struct dns_answer *
dial_tlsa(const struct dial *dial)
{
	const struct dns_answer *answer = records_of(dial)->answer;

	return dial->tlsa_counts && is_proven(answer) ? answer : NULL;
}

const char *
dial_alias(const struct dial *dial)
{
	const struct question *v6 = &dial->questions[IPV6], *v4 = &dial->questions[IPV4];

	if (records_of(dial) != &dial->questions[ALIASED])
		return NULL;
	return is_proven(v6->answer) ? v6->answer->owner : v4->answer->owner;
}
