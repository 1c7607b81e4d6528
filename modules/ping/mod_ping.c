/*
 * mod_ping - is anybody there (XEP-0199), both ways.
 *
 * Answers pings to the host and to accounts. A session that was silent for
 * `interval` is asked itself; one that does not answer within `timeout` is ended, so that
 * a dead connection does not look like a user.
 *
 * SPDX-License-Identifier: MIT
 */
#include <linnet/module.h>

struct ping_conf {
	ln_msec interval;
	ln_msec timeout;
};

enum { ASKED, SILENT };

static const struct ln_metric metrics[] = { [ASKED] = { "asked_total", "Pings sent to clients." },
	[SILENT] = { "silent_total", "Sessions ended because they did not answer." },
	LN_METRIC_END };

static const struct ln_option options[] = {
	LN_OPTION_DURATION(ping_conf, interval, 300000, 1000, 86400000,
	    "How often a client is asked whether it is still there; off: never.",
	    .flags = LN_MAY_BE_OFF),
	LN_OPTION_DURATION(ping_conf, timeout, 30000, 1000, 3600000,
	    "How long it may take to answer before its session ends."),
	LN_OPTION_END
};

/* An account's server answers for it, and tells a stranger as little as for one that is not there
 * (RFC 6121 §8.5.1). */
static enum ln_verdict
ping_get(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	(void)mod;
	if (ev->account != NULL && !ev->own &&
	    (ln_from(ev->stanza) == NULL || !ln_may_see_presence(ev->account, ln_from(ev->stanza))))
		return ln_refuse(ev->stanza, LN_ERR_SERVICE_UNAVAILABLE, "%s", "");
	return ln_answer(ev, ln_iq_result(ev->stanza));
}

static void ping_ask(const struct ln_mod *mod, struct ln_session *session);

static void
ping_wait(const struct ln_mod *mod, struct ln_session *session)
{
	const struct ping_conf *conf = ln_conf(mod);

	if (ln_ms(conf->interval) < LN_OFF)
		ln_session_timer(mod, session, ln_ms(conf->interval), ping_ask);
}

/* Any answer will do, an error as well (XEP-0199 §4.2). Without one the connection is dead, but the
 * client may come back for its session (XEP-0198). */
static void
ping_answered(const struct ln_mod *mod, struct ln_session *session, const struct ln_stanza *answer)
{
	ping_wait(mod, session);
	if (answer != NULL)
		return;
	ln_count(mod, SILENT);
	ln_session_disconnect(session, "connection-timeout", "did not answer a ping");
}

/* Whoever hibernates is not asked: there is nobody to answer. */
static void
ping_ask(const struct ln_mod *mod, struct ln_session *session)
{
	const struct ping_conf *conf = ln_conf(mod);
	struct ln_stanza *iq;

	if (!ln_session_attached(session)) {
		ping_wait(mod, session);
		return;
	}
	iq = ln_stanza_new(LN_IQ, LN_GET, NULL, NULL);
	ln_add(iq, "ping", NS_PING);
	ln_count(mod, ASKED);
	ln_session_ask(mod, session, iq, ln_ms(conf->timeout), ping_answered);
}

static void
ping_bound(const struct ln_mod *mod, struct ln_ev_session_bound *ev)
{
	ping_wait(mod, ev->session);
}

static const struct ln_hook hooks[] = { LN_ON(session_bound, LN_PRIO_DEFAULT, ping_bound),
	LN_HOOK_END };

static const struct ln_iq_handler iq_handlers[] = { { LN_IQ_GET, LN_TO_HOST, "urn:xmpp:ping",
							"ping", ping_get, false },
	{ LN_IQ_GET, LN_TO_ACCOUNT, "urn:xmpp:ping", "ping", ping_get, false }, LN_IQ_END };

LN_MODULE(ping, .summary = "XEP-0199: XMPP Ping, both ways", .conf_size = sizeof(struct ping_conf),
    .options = options, .hooks = hooks, .iq_handlers = iq_handlers,
    .features = LN_FEATURES("urn:xmpp:ping"), .account_features = LN_FEATURES("urn:xmpp:ping"),
    .metrics = metrics, .for_components = true, );
