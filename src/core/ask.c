/*
 * Timers of sessions, and questions to clients: ln_session_timer(),
 * ln_session_ask(). Both are gone with the session.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "core/module.h"
#include "core/stanza.h"
#include "core/stanza_names.h"
#include "core/work.h"
#include "net/timer.h"

#define LOADING_MS 50

/* A timer, or with an id a question whose answer is awaited. */
struct module_timer {
	struct module_timer *next;
	struct timer timer;
	struct ln_session *session;
	unsigned slot; /* of the module */
	void (*fire)(const struct ln_mod *mod, struct ln_session *session);
	void (*answer)(const struct ln_mod *mod, struct ln_session *session,
	    const struct ln_stanza *st);
	char id[STANZA_ID_LEN + 1]; /* of the question; "": a timer */
	int64_t ms;                 /* a question: how long its answer may take */
};

static bool
is_question(const struct module_timer *timer)
{
	return timer->id[0] != '\0';
}

static void
unlink_timer(struct module_timer *timer)
{
	struct module_timer **at = &session_slices(timer->session)->timers;

	while (*at != timer)
		at = &(*at)->next;
	*at = timer->next;
	timer_cancel(&timer->timer);
}

/* Takes the timer off its session and calls its module, if that is still on. */
static void
finish(struct module_timer *timer, const struct ln_stanza *answer)
{
	struct ln_session *session = timer->session;
	const struct ln_mod *mod =
	    module_on(ln_account_host(ln_session_account(session)), timer->slot);

	unlink_timer(timer);
	if (mod != NULL && is_question(timer))
		timer->answer(mod, session, answer);
	else if (mod != NULL)
		timer->fire(mod, session);
	free(timer);
}

static void
timer_fired(void *arg)
{
	struct module_timer *timer = arg;

	/* After a reload it may lack what its modules preload: a moment later it has that. */
	if (account_entity(ln_session_account(timer->session))->life == LIFE_LOADING) {
		timer_set(&timer->timer, LOADING_MS);
		return;
	}
	/* Nobody is there to answer: ask_session_resumed() begins anew. */
	if (is_question(timer) && !ln_session_attached(timer->session)) {
		timer_set(&timer->timer, timer->ms);
		return;
	}
	work_begin(account_entity(ln_session_account(timer->session)), NULL);
	finish(timer, NULL);
	work_end();
}

static struct module_timer *
timer_new(const struct ln_mod *mod, struct ln_session *session)
{
	struct module_timer *timer = xcalloc(1, sizeof *timer);
	struct slices *slices = session_slices(session);

	timer->session = session;
	timer->slot = mod->slot;
	timer_init(&timer->timer, timer_fired, timer);
	timer->next = slices->timers;
	slices->timers = timer;
	return timer;
}

static struct module_timer *
timer_of(const struct ln_mod *mod, struct ln_session *session)
{
	struct module_timer *timer;

	for (timer = session_slices(session)->timers; timer != NULL; timer = timer->next)
		if (timer->slot == mod->slot && !is_question(timer))
			return timer;
	return NULL;
}

void
ln_session_timer(const struct ln_mod *mod, struct ln_session *session, int64_t ms,
    void (*fire)(const struct ln_mod *mod, struct ln_session *session))
{
	struct module_timer *timer = timer_of(mod, session);

	if (ms == 0) {
		if (timer != NULL) {
			unlink_timer(timer);
			free(timer);
		}
		return;
	}
	if (timer == NULL)
		timer = timer_new(mod, session);
	timer->fire = fire;
	timer_set(&timer->timer, ms);
}

void
ln_session_ask(const struct ln_mod *mod, struct ln_session *session, struct ln_stanza *iq,
    int64_t ms,
    void (*done)(const struct ln_mod *mod, struct ln_session *session,
	const struct ln_stanza *answer))
{
	struct module_timer *timer = timer_new(mod, session);
	const struct ln_host *host = ln_account_host(ln_session_account(session));

	stanza_random_id(timer->id);
	timer->answer = done;
	timer->ms = ms;
	ln_set_id(iq, timer->id);
	ln_set_from(iq, &host->jid);
	ln_set_to(iq, ln_session_jid(session));
	timer_set(&timer->timer, ms);
	ln_session_send(session, iq);
}

bool
ask_answered(struct ln_session *session, struct ln_stanza *st)
{
	const struct ln_host *host = ln_account_host(ln_session_account(session));
	struct module_timer *timer = session_slices(session)->timers;

	if (ln_id(st) == NULL || ln_to(st) == NULL || !ln_jid_same(ln_to(st), &host->jid))
		return false;
	for (; timer != NULL; timer = timer->next) {
		if (!is_question(timer) || strcmp(timer->id, ln_id(st)) != 0)
			continue;
		finish(timer, st);
		ln_stanza_free(&st);
		return true;
	}
	return false;
}

/* What it was asked it is asked again, on its new connection. */
void
ask_session_resumed(struct ln_session *session)
{
	struct module_timer *timer = session_slices(session)->timers;

	for (; timer != NULL; timer = timer->next)
		if (is_question(timer))
			timer_set(&timer->timer, timer->ms);
}

void
ask_module_gone(struct ln_session *session, unsigned slot)
{
	struct module_timer *timer, *next;

	for (timer = session_slices(session)->timers; timer != NULL; timer = next) {
		next = timer->next;
		if (timer->slot != slot)
			continue;
		unlink_timer(timer);
		free(timer);
	}
}

void
ask_session_closed(struct ln_session *session)
{
	struct module_timer *timer;

	while ((timer = session_slices(session)->timers) != NULL) {
		unlink_timer(timer);
		free(timer);
	}
}
