/*
 * Who asks what, and until when. See resolver.h.
 *
 * An asker is one message: it travels to the main thread, waits there in the
 * list of its query, and travels back with the answer. What libunbound holds
 * is a handle: a query that nobody waits for any more stays until libunbound
 * gives up too (it cannot be told to), so that the next who asks joins it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/resolver.h"

#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/handle.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/metrics.h"
#include "net/resolver_context.h"
#include "net/resolver_impl.h"
#include "net/timer.h"
#include "net/worker.h"

#define TRIAL_MS 2000
#define TRIAL_TYPE 6 /* SOA */
#define TRY_AGAIN_MS ((int64_t)60 * 1000)
#define TRY_AGAIN_MAX_MS ((int64_t)3600 * 1000)

enum { ASKED, JOINED, WAITING, NAMES, SECONDS, ANSWERS };

#define ANSWER_ROW(symbol, text)                                      \
	[ANSWERS + DNS_##symbol] = { "answers_total", METRIC_COUNTER, \
		"Answers of DNS, by what they say.", "status", #symbol },
static const struct metric_row rows[] = { [ASKED] = { "questions_total", METRIC_COUNTER,
					      "Questions to DNS." },
	[JOINED] = { "joined_total", METRIC_COUNTER,
	    "Of these, such as were being asked already." },
	[WAITING] = { "waiting", METRIC_GAUGE, "Who waits for an answer." },
	[NAMES] = { "names", METRIC_GAUGE, "Names being looked up." },
	[SECONDS] = { "lookup_seconds", METRIC_TIME, "Time until DNS has answered." },
	DNS_STATUSES(ANSWER_ROW) };
METRICS(dns_metrics, "dns", rows);

struct query {
	UT_hash_handle hh;
	TAILQ_HEAD(, asker) askers;
	uint64_t sent; /* its handle at libunbound; 0: not asked yet */
	bool faked;
	int64_t since; /* us */
	struct timer timer;
	enum dns_type type;
	char key[DNS_NAME_MAX + 8]; /* type, then the name */
};

static struct resolver {
	bool is_open;
	enum resolver_anchor anchor;
	char *anchor_file;
	struct buf servers, insecure;
	bool hosts;
	struct ub_ctx *context; /* that answers; NULL: none yet */
	struct ub_ctx *trial;   /* of which it is not known whether it can */
	bool trial_done, trial_good, trial_late;
	const char *trial_error; /* it could not even be asked */
	struct timer trial_timer, again_timer;
	int64_t again_ms;
	bool warned;
	struct query *queries;
	struct handles sent;
	unsigned waiting; /* askers */
	unsigned live;    /* queries that somebody waits for */
} self;

static bool registered;
static _Atomic(resolver_fake_fn) faked;
static atomic_int security;

/* --- answering ---------------------------------------------------------------------------- */

static void
answer_one(struct asker *asker, const struct dns_answer *answer)
{
	metric_inc(dns_metrics, ANSWERS + answer->status);
	asker->answer = dns_answer_ref(answer);
	asker->post.run = asker_returned;
	worker_post(asker->worker, &asker->post);
}

static void
refuse(struct asker *asker, enum dns_status status, const char *reason)
{
	const struct dns_answer *answer = dns_answer_new(asker->name, asker->type, status, reason);

	answer_one(asker, answer);
	dns_answer_unref(&answer);
}

static void
leave(struct query *query, struct asker *asker)
{
	TAILQ_REMOVE(&query->askers, asker, place);
	self.live -= TAILQ_EMPTY(&query->askers);
	self.waiting--;
	metric_add(dns_metrics, WAITING, -1);
}

static void
query_free(struct query *query)
{
	if (query->sent != 0)
		handle_end(&self.sent, query->sent);
	timer_cancel(&query->timer);
	HASH_DEL(self.queries, query);
	metric_add(dns_metrics, NAMES, -1);
	free(query);
}

/* Tells everybody and is done with it; the answer's reference is taken over. */
static void
finish(struct query *query, const struct dns_answer *answer)
{
	struct asker *asker;

	metric_observe(dns_metrics, SECONDS, clock_us() - query->since);
	while ((asker = TAILQ_FIRST(&query->askers)) != NULL) {
		leave(query, asker);
		answer_one(asker, answer);
	}
	query_free(query);
	dns_answer_unref(&answer);
}

static void
fail_query(struct query *query, enum dns_status status, const char *reason)
{
	finish(query, dns_answer_new(query->key + 1, query->type, status, reason));
}

static void
out_of_time(void *arg)
{
	struct query *query = arg;
	struct asker *asker;

	while (
	    (asker = TAILQ_FIRST(&query->askers)) != NULL && asker->deadline <= worker_now_ms()) {
		leave(query, asker);
		refuse(asker, DNS_TIMEOUT, NULL);
	}
	if (asker != NULL)
		timer_set(&query->timer, asker->deadline - worker_now_ms());
	else if (query->sent == 0)
		query_free(query);
}

/* --- libunbound's answers --------------------------------------------------------------------- */

enum { UB_INSECURE, UB_BOGUS, UB_SECURE };

static struct dns_answer *
make_answer(const struct query *query, int rcode, const void *packet, int len, int secure,
    const char *why_bogus)
{
	const char *name = query->key + 1;

	if (secure == UB_BOGUS)
		return dns_answer_new(name, query->type, DNS_BOGUS, why_bogus);
	if ((rcode != 0 && rcode != 3) || packet == NULL || len <= 0)
		return dns_answer_new(name, query->type, DNS_FAILED, NULL);
	return dns_decode(name, query->type, packet, (size_t)len, secure == UB_SECURE);
}

static void
unbound_says(void *arg, int rcode, void *packet, int len, int secure, char *why_bogus,
    int ratelimited)
{
	struct query *query = handle_get(&self.sent, (uint64_t)(uintptr_t)arg);

	if (query != NULL)
		finish(query, make_answer(query, rcode, packet, len, secure, why_bogus));
}

static void
send_to_fake(struct query *query, resolver_fake_fn fake)
{
	struct dns_answer *answer = fake(query->key + 1, query->type);

	query->faked = true;
	if (answer != NULL)
		finish(query, answer);
}

static void
send_query(struct query *query)
{
	resolver_fake_fn fake = atomic_load(&faked);
	const char *error;

	if (fake != NULL) {
		if (!query->faked)
			send_to_fake(query, fake);
		return;
	}
	if (self.context == NULL || query->sent != 0)
		return;
	query->sent = handle_new(&self.sent, query);
	if (!context_ask(self.context, query->key + 1, (int)query->type, unbound_says,
		(void *)(uintptr_t)query->sent, &error)) {
		log_limited(LOG_LEVEL_ERROR, "dns", 1, 60000, "names cannot be looked up reason=%s",
		    error);
		fail_query(query, DNS_FAILED, error);
	}
}

static void
send_all(void)
{
	struct query *query, *next;

	HASH_ITER(hh, self.queries, query, next)
		send_query(query);
}

/* What was asked of a context that goes is asked of the next one. */
static void
take_back_all(void)
{
	struct query *query, *next;

	HASH_ITER(hh, self.queries, query, next) {
		if (query->sent == 0)
			continue;
		handle_end(&self.sent, query->sent);
		query->sent = 0;
		if (TAILQ_EMPTY(&query->askers))
			query_free(query);
	}
}

/* --- the context, and the trial whether it can validate ------------------------------------------- */

static void
fail_all(const char *reason)
{
	struct query *query, *next;

	HASH_ITER(hh, self.queries, query, next)
		fail_query(query, DNS_FAILED, reason);
}

static struct ub_ctx *
new_context(const char *anchor)
{
	const char *error;
	struct ub_ctx *context = context_new(worker_base(worker_main()), &self.servers, anchor,
	    &self.insecure, self.hosts, &error);

	if (context == NULL)
		log_limited(LOG_LEVEL_ERROR, "dns", 1, 60000,
		    "names cannot be looked up anchor=%s reason=%s", log_quote(anchor), error);
	return context;
}

static void
serve_with(struct ub_ctx *context, enum resolver_security validates)
{
	take_back_all();
	context_free(&self.context);
	self.context = context;
	atomic_store(&security, validates);
	if (context == NULL)
		fail_all("the resolver could not be started (a trust anchor that cannot be used?)");
	else
		send_all();
}

static void
warn_unsigned(void)
{
	if (self.warned)
		return;
	self.warned = true;
	log_warning("dns",
	    "DNSSEC is off: what the name servers hand on is not signed up to the root; DANE "
	    "proves nothing here reason=%s",
	    self.trial_error != NULL ? self.trial_error
		: self.trial_late    ? "they did not answer in time"
				     : "signatures are missing or wrong");
}

/* The trial's context is not freed from within its own call-back, so this is a timer's. */
static void
trial_over(void *arg)
{
	struct ub_ctx *trial = self.trial;

	if (!self.trial_done)
		self.trial_late = true;
	self.trial = NULL;
	if (self.trial_good) {
		log_info("dns", "answers are validated (DNSSEC)");
		serve_with(trial, RESOLVER_VALIDATES);
		return;
	}
	warn_unsigned();
	context_free(&trial);
	if (self.context == NULL)
		serve_with(new_context(NULL), RESOLVER_DOES_NOT);
	if (!self.trial_late)
		return;
	timer_set(&self.again_timer, self.again_ms);
	self.again_ms *= 2;
	if (self.again_ms > TRY_AGAIN_MAX_MS)
		self.again_ms = TRY_AGAIN_MAX_MS;
}

static void
trial_says(void *arg, int rcode, void *packet, int len, int secure, char *why_bogus,
    int ratelimited)
{
	if (arg != self.trial || self.trial_done)
		return;
	self.trial_done = true;
	self.trial_good = rcode == 0 && secure == UB_SECURE;
	timer_set(&self.trial_timer, 0);
}

static void
begin_trial(void *arg)
{
	const char *error;

	self.trial_done = self.trial_good = self.trial_late = false;
	self.trial_error = NULL;
	self.trial = context_new(worker_base(worker_main()), &self.servers, "", &self.insecure,
	    self.hosts, &error);
	if (self.trial != NULL)
		timer_set(&self.trial_timer, TRIAL_MS);
	if (self.trial == NULL ||
	    !context_ask(self.trial, ".", TRIAL_TYPE, trial_says, self.trial, &error)) {
		self.trial_error = "the root's trust anchor (of dns-root-data) cannot be used";
		self.trial_done = true;
		timer_set(&self.trial_timer, 0);
	}
}

/* On the first question: whatever `anchor` stands for. */
static void
begin(void)
{
	if (!self.is_open || self.context != NULL || timer_is_set(&self.trial_timer))
		return;
	switch (self.anchor) {
	case RESOLVER_ANCHOR_AUTO:
		begin_trial(NULL);
		break;
	case RESOLVER_ANCHOR_FILE:
		serve_with(new_context(self.anchor_file), RESOLVER_VALIDATES);
		break;
	case RESOLVER_ANCHOR_NONE:
		serve_with(new_context(NULL), RESOLVER_DOES_NOT);
		break;
	}
}

/* --- questions --------------------------------------------------------------------------------------- */

static struct query *
find_query(const struct asker *asker)
{
	char key[DNS_NAME_MAX + 8];
	size_t len = strlen(asker->name);
	struct query *query;

	key[0] = (char)asker->type;
	memcpy(key + 1, asker->name, len);
	HASH_FIND(hh, self.queries, key, (unsigned)(len + 1), query);
	return query;
}

static struct query *
query_new(const struct asker *asker)
{
	struct query *query = xcalloc(1, sizeof *query);
	size_t len = strlen(asker->name);

	TAILQ_INIT(&query->askers);
	timer_init(&query->timer, out_of_time, query);
	query->since = clock_us();
	query->type = asker->type;
	query->key[0] = (char)asker->type;
	memcpy(query->key + 1, asker->name, len);
	HASH_ADD(hh, self.queries, key, (unsigned)(len + 1), query);
	metric_add(dns_metrics, NAMES, 1);
	return query;
}

/* Labels of 1 to 63 characters. What is longer than a name can be has come as "". */
static bool
is_name(const char *text)
{
	size_t len;

	do {
		len = strcspn(text, ".");
		if (len == 0 || len > 63)
			return false;
		text += len;
	} while (*text++ == '.');
	return true;
}

static const char *
refuses(const struct asker *asker)
{
	if (!is_name(asker->name))
		return "this is no name for DNS";
	if (atomic_load(&faked) != NULL)
		return NULL;
	begin();
	return self.context == NULL && !timer_is_set(&self.trial_timer)
	    ? "the resolver does not run (a trust anchor that cannot be used?)"
	    : NULL;
}

static bool
is_full(const struct query *query)
{
	if (self.waiting >= RESOLVER_ASKERS_MAX)
		return true;
	return query == NULL &&
	    (self.live >= RESOLVER_NAMES_MAX ||
		HASH_COUNT(self.queries) >= (unsigned)4 * RESOLVER_NAMES_MAX);
}

void
asker_arrived(struct worker *worker, struct post *post)
{
	struct asker *asker = (struct asker *)post;
	const char *wrong = refuses(asker);
	struct query *query = find_query(asker); /* behind refuses(), which may end some */

	metric_inc(dns_metrics, ASKED);
	if (wrong != NULL) {
		refuse(asker, DNS_FAILED, wrong);
		return;
	}
	if (is_full(query)) {
		refuse(asker, DNS_BUSY, NULL);
		return;
	}
	if (query != NULL)
		metric_inc(dns_metrics, JOINED);
	else
		query = query_new(asker);
	self.live += TAILQ_EMPTY(&query->askers);
	TAILQ_INSERT_TAIL(&query->askers, asker, place);
	self.waiting++;
	metric_add(dns_metrics, WAITING, 1);
	timer_set_sooner(&query->timer, asker->deadline - worker_now_ms());
	send_query(query);
}

/* --- opening and closing ----------------------------------------------------------------------------------- */

void
resolver_init(void)
{
	if (registered)
		return;
	registered = true;
	askers_init();
	timer_init(&self.trial_timer, trial_over, NULL);
	timer_init(&self.again_timer, begin_trial, NULL);
}

static void
end_contexts(void)
{
	timer_cancel(&self.trial_timer);
	timer_cancel(&self.again_timer);
	take_back_all();
	context_free(&self.trial);
	context_free(&self.context);
	atomic_store(&security, RESOLVER_TRYING);
}

static bool
is_same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
is_same_buf(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

void
resolver_open(const struct resolver_config *config)
{
	const char *file = config->anchor_file != NULL ? config->anchor_file : "";
	struct buf servers = BUF_INIT, insecure = BUF_INIT;

	context_servers(config, &servers);
	context_insecure(config, &insecure);
	if (self.is_open && self.anchor == config->anchor && is_same_text(self.anchor_file, file) &&
	    is_same_buf(&servers, &self.servers) && is_same_buf(&insecure, &self.insecure)) {
		buf_free(&servers);
		buf_free(&insecure);
		return;
	}
	end_contexts();
	buf_free(&self.servers);
	buf_free(&self.insecure);
	free(self.anchor_file);
	self.servers = servers;
	self.insecure = insecure;
	self.anchor_file = xstrdup(file);
	self.anchor = config->anchor;
	self.hosts = config->servers == NULL;
	self.again_ms = TRY_AGAIN_MS;
	self.warned = false;
	self.is_open = true;
	if (self.queries != NULL)
		begin();
}

void
resolver_try(void)
{
	begin();
}

void
resolver_close(void)
{
	self.is_open = false;
	end_contexts();
	fail_all("the server stops");
}

void
resolver_free(void)
{
	resolver_close();
	askers_forget(worker_main());
	handles_free(&self.sent);
	buf_free(&self.servers);
	buf_free(&self.insecure);
	free(self.anchor_file);
	self.anchor_file = NULL;
}

enum resolver_security
resolver_security(void)
{
	return (enum resolver_security)atomic_load(&security);
}

char *
resolver_servers(void)
{
	struct buf text = BUF_INIT;

	for (size_t at = 0; at < self.servers.len; at += strlen(self.servers.data + at) + 1)
		buf_printf(&text, "%s%s", at > 0 ? ", " : "", self.servers.data + at);
	return buf_take(&text);
}

void
resolver_set_fake(resolver_fake_fn fake)
{
	atomic_store(&faked, fake);
}
