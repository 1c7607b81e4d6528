/*
 * Dispatch of iq requests. See iq.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/iq.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/xalloc.h"
#include "core/module.h"
#include "core/router.h"
#include "core/work.h"
#include "net/timer.h"
#include "net/worker.h"

#define TOKEN_MS 60000
#define KEY_MAX 512

enum { HANDLED, UNKNOWN, UNANSWERED, TWICE, EXPIRED, LATE };
static const struct metric_row rows[] = {
	[HANDLED] = { "handled_total", METRIC_COUNTER, "Requests handed to modules." },
	[UNKNOWN] = { "unknown_total", METRIC_COUNTER, "Requests that no module answers." },
	[UNANSWERED] = { "unanswered_total", METRIC_COUNTER,
	    "Requests that a module left without an answer." },
	[TWICE] = { "answered_twice_total", METRIC_COUNTER, "Second answers, dropped." },
	[EXPIRED] = { "expired_total", METRIC_COUNTER, "Promised answers that did not come." },
	[LATE] = { "late_total", METRIC_COUNTER,
	    "Promised answers that came when the request had been answered in their place." },
};
METRICS(metrics, "iq", rows);

/* --- the table of a host --------------------------------------------------------------------- */

/* Rows LN_TO_HOST and LN_TO_HOST_HOME are one namespace. */
static char
scope_letter(enum ln_iq_scope scope)
{
	switch (scope) {
	case LN_TO_ACCOUNT:
		return 'a';
	case LN_BEFORE_LOGIN:
		return 'b';
	default:
		return 'h';
	}
}

/* "g host ns element"; the length, or 0 if it is longer than any row's. */
static size_t
make_key(char key[KEY_MAX], bool set, enum ln_iq_scope scope, const char *ns, const char *element)
{
	int len =
	    snprintf(key, KEY_MAX, "%c%c%s %s", set ? 's' : 'g', scope_letter(scope), ns, element);

	return len < KEY_MAX ? (size_t)len : 0;
}

static struct iq_row *
find_row(const struct ln_host *host, const char *key, size_t len)
{
	struct iq_row *row = NULL;

	HASH_FIND(hh, host->iq_rows, key, len, row);
	return row;
}

static const struct ln_mod *
add_row(struct ln_host *host, const struct ln_mod *mod, const struct ln_iq_handler *handler,
    bool set)
{
	char key[KEY_MAX];
	size_t len = make_key(key, set, handler->scope, handler->ns, handler->element);
	struct iq_row *row = find_row(host, key, len);

	if (row != NULL)
		return row->mod;
	row = xcalloc(1, sizeof *row);
	row->key = xstrndup(key, len);
	row->mod = mod;
	row->handler = handler;
	HASH_ADD_KEYPTR(hh, host->iq_rows, row->key, len, row);
	return NULL;
}

const struct ln_mod *
iq_table_add(struct ln_host *host, const struct ln_mod *mod)
{
	const struct ln_iq_handler *handler = mod->def->iq_handlers;
	const struct ln_mod *taken = NULL, *other;

	for (; handler != NULL && handler->kind != LN_IQ_NONE; handler++) {
		if (handler->kind != LN_IQ_SET &&
		    (other = add_row(host, mod, handler, false)) != NULL)
			taken = other;
		if (handler->kind != LN_IQ_GET &&
		    (other = add_row(host, mod, handler, true)) != NULL)
			taken = other;
	}
	return taken;
}

void
iq_table_free(struct ln_host *host)
{
	struct iq_row *row, *next;

	HASH_ITER(hh, host->iq_rows, row, next) {
		HASH_DEL(host->iq_rows, row);
		free(row->key);
		free(row);
	}
}

/* --- dispatch ------------------------------------------------------------------------------------ */

static struct iq_row *
row_for(const struct ln_host *host, enum ln_iq_scope scope, const struct ln_stanza *st)
{
	const struct ln_elem *query = ln_first(st);
	char key[KEY_MAX];
	size_t len;

	if (query == NULL)
		return NULL;
	len = make_key(key, st->type == LN_SET, scope, ln_elem_ns(query), ln_elem_name(query));
	return len > 0 ? find_row(host, key, len) : NULL;
}

/* The handler has returned: whatever it did, the asker gets one answer. */
static void
settle(const struct iq_row *row, struct ln_stanza *st)
{
	if (st == NULL) /* a token has it */
		return;
	if (st->flags & (STANZA_ANSWERED | STANZA_REFUSED)) {
		ln_stanza_free(&st);
		return;
	}
	metric_inc(metrics, UNANSWERED);
	log_error("module", "request left unanswered module=%s ns=%s", row->mod->def->name,
	    row->handler->ns);
	router_bounce(st, LN_ERR_INTERNAL_SERVER_ERROR, NULL);
}

static void
handle(const struct iq_row *row, struct ln_ev_iq *ev)
{
	ev->query = ln_first(ev->stanza);
	metric_inc(metrics, HANDLED);
	module_enter(row->mod, LN_EV_COUNT);
	row->handler->handle(row->mod, ev);
	module_leave(row->mod);
	settle(row, ev->stanza);
}

/* The session that asks. Sessions are known at home alone, and ids are a worker's own. */
static struct ln_session *
asking_session(const struct ln_stanza *st)
{
	if (st->session == 0 || st->from.full == NULL || host_of(&st->from) == NULL ||
	    !router_is_home(&st->from))
		return NULL;
	return session_by_id(st->session);
}

static bool
refused_by_the_store(const struct iq_row *row, const struct ln_stanza *st)
{
	return row->handler->stores && st->type == LN_SET && store_stalled(work_store());
}

#define STALLED "The server's disk fails. Try again."

bool
iq_dispatch(const struct ln_host *host, struct ln_account *account, struct ln_stanza *st,
    bool anywhere)
{
	const struct iq_row *row = row_for(host, account != NULL ? LN_TO_ACCOUNT : LN_TO_HOST, st);
	struct ln_ev_iq ev = { .stanza = st, .host = host, .account = account };

	if (anywhere && (row == NULL || row->handler->scope != LN_TO_HOST))
		return false;
	if (row == NULL) {
		metric_inc(metrics, UNKNOWN);
		router_bounce(st, LN_ERR_SERVICE_UNAVAILABLE, NULL);
	} else if (refused_by_the_store(row, st)) {
		router_bounce(st, LN_ERR_RESOURCE_CONSTRAINT, STALLED);
	} else {
		ev.own = account != NULL && ln_from(st) != NULL &&
		    ln_jid_same_bare(ln_from(st), ln_account_jid(account));
		ev.session = asking_session(st);
		handle(row, &ev);
	}
	return true;
}

bool
iq_before_login(const struct ln_host *host, const struct ln_early *early, struct ln_stanza *st)
{
	const struct iq_row *row = row_for(host, LN_BEFORE_LOGIN, st);
	struct ln_ev_iq ev = { .stanza = st, .host = host, .early = early };

	if (row == NULL)
		return false;
	if (refused_by_the_store(row, st))
		router_bounce(st, LN_ERR_RESOURCE_CONSTRAINT, STALLED);
	else
		handle(row, &ev);
	return true;
}

enum ln_verdict
ln_answer(struct ln_ev_iq *ev, struct ln_stanza *result)
{
	if (ev->stanza == NULL || (ev->stanza->flags & (STANZA_ANSWERED | STANZA_REFUSED))) {
		metric_inc(metrics, TWICE);
		ln_stanza_free(&result);
		return LN_DONE;
	}
	ev->stanza->flags |= STANZA_ANSWERED;
	work_result(result);
	return LN_DONE;
}

/* --- tokens: answers that come later --------------------------------------------------------------- */

/*
 * A token belongs to the module until it answers; the deadline only answers in
 * its place. So the module's pointer stays good, the request too, and a late
 * answer is dropped.
 */
struct ln_token {
	TAILQ_ENTRY(ln_token) link;
	struct ln_stanza *request;
	bool answered; /* in the module's place: it is on no list */
	const char *module;
	unsigned instance;
	int64_t due;
};
TAILQ_HEAD(token_list, ln_token);

struct iq_worker {
	struct token_list tokens; /* all wait equally long: in order of time */
	struct timer timer;
};

static unsigned slot;

static struct iq_worker *
local(void)
{
	return worker_slot(worker_current(), slot);
}

enum ln_verdict
ln_later(struct ln_ev_iq *ev, const struct ln_mod *mod, struct ln_token **token_r)
{
	struct iq_worker *iw = local();
	struct ln_token *token = xcalloc(1, sizeof *token);

	token->request = ln_take(&ev->head);
	token->module = mod->def->name;
	token->instance = mod->instance;
	token->due = worker_now_ms() + TOKEN_MS;
	TAILQ_INSERT_TAIL(&iw->tokens, token, link);
	timer_set_sooner(&iw->timer, TOKEN_MS);
	*token_r = token;
	return LN_DONE;
}

const struct ln_stanza *
ln_token_request(const struct ln_token *token)
{
	return token->request;
}

/* The request, if it is still to be answered. */
static struct ln_stanza *
end_token(struct ln_token **token_p)
{
	struct ln_token *token = *token_p;
	struct ln_stanza *request = token->request;

	*token_p = NULL;
	if (token->answered) {
		metric_inc(metrics, LATE);
		ln_stanza_free(&request);
	} else {
		TAILQ_REMOVE(&local()->tokens, token, link);
	}
	free(token);
	return request;
}

void
ln_token_answer(struct ln_token **token, struct ln_stanza *result)
{
	struct ln_stanza *request = end_token(token);

	if (request == NULL) {
		ln_stanza_free(&result);
		return;
	}
	work_result(result);
	ln_stanza_free(&request);
}

void
ln_token_refuse(struct ln_token **token, enum ln_error error, const char *text)
{
	struct ln_stanza *request = end_token(token);

	if (request != NULL)
		router_bounce(request, error, text);
}

struct ln_stanza *
iq_token_result(struct ln_token **token)
{
	struct ln_stanza *request = end_token(token), *result;

	if (request == NULL)
		return NULL;
	result = ln_iq_result(request);
	ln_stanza_free(&request);
	return result;
}

/* Answers in the place of the module, which still has the token. */
static void
answer_for(struct iq_worker *iw, struct ln_token *token, enum ln_error error)
{
	struct ln_stanza *request = token->request;
	struct ln_stanza *reply = ln_error_reply(request, error, ln_error_type(error), NULL);

	TAILQ_REMOVE(&iw->tokens, token, link);
	token->answered = true;
	hold_release(&request->hold);
	if (request->from.full != NULL || request->port != 0)
		router_route(reply);
	else
		ln_stanza_free(&reply);
}

void
iq_modules_changed(const struct snapshot *now)
{
	struct iq_worker *iw = local();
	struct ln_token *token, *next;

	for (token = TAILQ_FIRST(&iw->tokens); token != NULL; token = next) {
		next = TAILQ_NEXT(token, link);
		if (!module_keeps(now, token->instance))
			answer_for(iw, token, LN_ERR_INTERNAL_SERVER_ERROR);
	}
}

static void
expire(void *arg)
{
	struct iq_worker *iw = arg;
	int64_t now = worker_now_ms();
	struct ln_token *token;

	while ((token = TAILQ_FIRST(&iw->tokens)) != NULL && token->due <= now) {
		metric_inc(metrics, EXPIRED);
		log_error("module", "promised answer did not come module=%s", token->module);
		answer_for(iw, token, LN_ERR_REMOTE_SERVER_TIMEOUT);
	}
	if (token != NULL)
		timer_set(&iw->timer, token->due - now);
}

static void
open_worker(struct worker *worker)
{
	struct iq_worker *iw = xcalloc(1, sizeof *iw);

	TAILQ_INIT(&iw->tokens);
	timer_init(&iw->timer, expire, iw);
	worker_slot_set(worker, slot, iw);
}

static void
close_worker(struct worker *worker)
{
	struct iq_worker *iw = worker_slot(worker, slot);
	struct ln_token *token;

	timer_cancel(&iw->timer);
	while ((token = TAILQ_FIRST(&iw->tokens)) != NULL) {
		TAILQ_REMOVE(&iw->tokens, token, link);
		ln_stanza_free(&token->request);
		free(token);
	}
	free(iw);
	worker_slot_set(worker, slot, NULL);
}

void
iq_init(void)
{
	slot = worker_slot_new();
	worker_on_open(open_worker);
	worker_on_close(close_worker);
}
