/*
 * mod_offline - keep messages for users who are away (XEP-0160).
 *
 * The core keeps every lasting message until a session has acknowledged it;
 * this is the policy on what nobody is there to take: how many, how much, for
 * how long. A message that was acknowledged to its sender already is never
 * refused. Without this module such messages are returned.
 *
 * SPDX-License-Identifier: MIT
 */
#include <linnet/module.h>

#define NS_OFFLINE "msgoffline"
#define BYTES_A_MESSAGE 5243 /* 5 MiB for 1000 */

struct offline_conf {
	int64_t limit;
	int64_t bytes;
	ln_msec keep;
};

enum { KEPT, FULL };

static const struct ln_metric metrics[] = { [KEPT] = { "kept_total",
						"Messages kept for users who are away." },
	[FULL] = { "refused_total", "Messages refused because too many wait already." },
	LN_METRIC_END };

static const struct ln_option options[] = {
	LN_OPTION_INT(offline_conf, limit, 1000, 0, 10000000,
	    "Messages that may wait for one user; more are returned to their senders."),
	LN_OPTION_SIZE(offline_conf, bytes, 0, 0, INT64_C(1) << 40,
	    "Bytes that may wait for one user; 0: 5 MiB for each 1000 messages of `limit`.",
	    .flags = LN_MAY_BE_OFF),
	LN_OPTION_DURATION(offline_conf, keep, INT64_C(30) * 86400000, 60000,
	    INT64_C(3650) * 86400000, "How long a message waits; then it is dropped.",
	    .flags = LN_MAY_BE_OFF),
	LN_OPTION_END
};

static bool
full(const struct offline_conf *conf, const struct ln_account *account)
{
	int64_t bytes = conf->bytes > 0 ? conf->bytes : conf->limit * BYTES_A_MESSAGE;

	return ln_account_stored(account) >= conf->limit ||
	    ln_account_stored_bytes(account) >= bytes;
}

static enum ln_verdict
offline_keep(const struct ln_mod *mod, struct ln_ev_message_undeliverable *ev)
{
	const struct offline_conf *conf = ln_conf(mod);
	int64_t keep = ln_ms(conf->keep);

	if (!ev->stored && full(conf, ev->account)) {
		ln_count(mod, FULL);
		return ln_refuse(ev->stanza, LN_ERR_SERVICE_UNAVAILABLE,
		    "Too many messages wait for this user already.");
	}
	ln_count(mod, KEPT);
	return ln_keep(ev, keep >= LN_OFF ? 0 : ln_wall() + keep);
}

static const struct ln_hook hooks[] = {
	LN_ON(message_undeliverable, LN_PRIO_FALLBACK, offline_keep), LN_HOOK_END
};

LN_MODULE(offline, .summary = "XEP-0160: keep messages for users who are away",
    .conf_size = sizeof(struct offline_conf), .options = options, .hooks = hooks,
    .features = LN_FEATURES(NS_OFFLINE), .metrics = metrics, );
