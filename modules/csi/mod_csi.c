/*
 * mod_csi - spare a client that nobody looks at (XEP-0352).
 *
 * While a session is inactive, availability is held back (the newest of each
 * sender), and messages that are chat states alone are dropped. Anything else
 * first releases what was held, so order is kept: a phone wakes once, for
 * something that matters. Subscription requests always matter.
 *
 * SPDX-License-Identifier: MIT
 */
#include <linnet/module.h>

#include <stdlib.h>
#include <string.h>

struct csi_conf {
	int64_t hold;
};

struct held {
	struct held *next;
	struct ln_stanza *presence;
};

struct csi_session {
	bool inactive;
	int64_t count;
	struct held *first, **last;
};

enum { HELD, REPLACED, DROPPED };

static const struct ln_metric metrics[] = { [HELD] = { "held_total",
						"Presence held back for inactive clients." },
	[REPLACED] = { "replaced_total", "Presence replaced by newer before it was sent." },
	[DROPPED] = { "dropped_total", "Chat states dropped for inactive clients." },
	LN_METRIC_END };

static const struct ln_option options[] = {
	LN_OPTION_INT(csi_conf, hold, 500, 0, 100000,
	    "Presence stanzas held back for one inactive client; more release them all."),
	LN_OPTION_END
};

static void
csi_open(const struct ln_mod *mod, struct ln_session *session)
{
	struct csi_session *state = ln_session_state(mod, session);

	state->last = &state->first;
}

static struct held *
take_first(struct csi_session *state)
{
	struct held *held = state->first;

	state->first = held->next;
	if (state->first == NULL)
		state->last = &state->first;
	state->count--;
	return held;
}

static void
release(struct csi_session *state, struct ln_session *session)
{
	while (state->first != NULL) {
		struct held *held = take_first(state);

		ln_session_send_held(session, held->presence);
		free(held);
	}
}

static void
csi_close(const struct ln_mod *mod, struct ln_session *session)
{
	struct csi_session *state = ln_session_state(mod, session);

	while (state->first != NULL) {
		struct held *held = take_first(state);

		ln_stanza_free(&held->presence);
		free(held);
	}
}

static bool
is_availability(const struct ln_stanza *st)
{
	return ln_kind(st) == LN_PRESENCE &&
	    (ln_type(st) == LN_AVAILABLE || ln_type(st) == LN_UNAVAILABLE);
}

static bool
is_notice(const struct ln_stanza *st)
{
	return ln_kind(st) == LN_MESSAGE && ln_type(st) != LN_TYPE_ERROR &&
	    ln_child(st, NULL, NS_CHATSTATES) != NULL && !ln_has_content(st);
}

/* The newest of a sender stands for those before it. */
static void
hold(const struct ln_mod *mod, struct csi_session *state, struct ln_stanza *st)
{
	struct held *held = state->first;

	for (; held != NULL; held = held->next) {
		if (!ln_jid_same(ln_from(held->presence), ln_from(st)))
			continue;
		ln_stanza_free(&held->presence);
		held->presence = st;
		ln_count(mod, REPLACED);
		return;
	}
	held = calloc(1, sizeof *held);
	if (held == NULL)
		abort();
	held->presence = st;
	*state->last = held;
	state->last = &held->next;
	state->count++;
	ln_count(mod, HELD);
}

static enum ln_verdict
csi_out(const struct ln_mod *mod, struct ln_ev_stanza_out *ev)
{
	const struct csi_conf *conf = ln_conf(mod);
	struct csi_session *state = ln_session_state(mod, ev->session);

	if (!state->inactive)
		return LN_PASS;
	if (is_notice(ev->stanza)) {
		ln_count(mod, DROPPED);
		return ln_drop(ev->stanza, "the client is inactive");
	}
	if (is_availability(ev->stanza) && ln_from(ev->stanza) != NULL &&
	    state->count < conf->hold) {
		hold(mod, state, ln_take(&ev->head));
		return LN_DONE;
	}
	release(state, ev->session);
	return LN_PASS;
}

static enum ln_verdict
csi_nonza(const struct ln_mod *mod, struct ln_ev_session_nonza *ev)
{
	struct csi_session *state = ln_session_state(mod, ev->session);

	if (ln_elem_is(ev->elem, "inactive", NS_CSI)) {
		state->inactive = true;
		return LN_DONE;
	}
	if (!ln_elem_is(ev->elem, "active", NS_CSI))
		return LN_PASS;
	state->inactive = false;
	release(state, ev->session);
	return LN_DONE;
}

/* §5: a resumed stream begins active. */
static void
csi_resumed(const struct ln_mod *mod, struct ln_ev_session_resumed *ev)
{
	struct csi_session *state = ln_session_state(mod, ev->session);

	state->inactive = false;
	release(state, ev->session);
}

static void
csi_features(const struct ln_mod *mod, struct ln_ev_stream_features *ev)
{
	(void)mod;
	if (ev->authenticated)
		ln_elem_add(ev->features, "csi", NS_CSI);
}

static const struct ln_hook hooks[] = { LN_ON(stanza_out, LN_PRIO_DEFAULT, csi_out),
	LN_ON(session_nonza, LN_PRIO_DEFAULT, csi_nonza),
	LN_ON(session_resumed, LN_PRIO_DEFAULT, csi_resumed),
	LN_ON(stream_features, LN_PRIO_DEFAULT, csi_features), LN_HOOK_END };

LN_MODULE(csi, .summary = "XEP-0352: Client State Indication", .conf_size = sizeof(struct csi_conf),
    .options = options, .session_size = sizeof(struct csi_session), .session_open = csi_open,
    .session_close = csi_close, .hooks = hooks, .metrics = metrics, );
