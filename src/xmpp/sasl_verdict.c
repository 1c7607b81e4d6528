/*
 * Verdicts. See sasl_verdict.h.
 *
 * An account that is being guessed at is never locked: beyond its limit every
 * verdict on it, the good one too, is held back for as long as the bucket is in
 * debt (else a quick success would tell the guesser to give up the slow ones).
 *
 * SPDX-License-Identifier: MIT
 */
#include "xmpp/sasl_verdict.h"

#include <string.h>

#include "base/base64.h"
#include "base/metrics.h"
#include "core/limit.h"
#include "core/module.h"
#include "xmpp/sasl.h"

#define DELAY_MAX_MS 30000

enum { LOGINS, FAILURES, DELAYED };
static const struct metric_row rows[] = {
	[LOGINS] = { "logins_total", METRIC_COUNTER, "Clients that logged in." },
	[FAILURES] = { "failures_total", METRIC_COUNTER, "Failed attempts to log in." },
	[DELAYED] = { "delayed_total", METRIC_COUNTER,
	    "Answers held back since too many attempts on the account had failed." },
};
METRICS(metrics, "sasl", rows);

/* --- limits ------------------------------------------------------------------------------ */

/* Keys of the table that core/limit.h shares with everybody. */
#define ADDRESS_KEY_MAX (NETADDR_KEY_MAX + 8)

static size_t
address_key(const struct client *client, char key[ADDRESS_KEY_MAX])
{
	memcpy(key, "login/a/", 8);
	return 8 + netaddr_key(conn_peer(client->stream.conn), (uint8_t *)key + 8);
}

bool
verdict_may_try(const struct client *client)
{
	char key[ADDRESS_KEY_MAX];
	size_t len = address_key(client, key);

	return len == 8 || limit_fits(key, len, client_conf()->login_per_address, 1);
}

static void
charge_address(const struct client *client)
{
	char key[ADDRESS_KEY_MAX];
	size_t len = address_key(client, key);

	if (len > 8)
		limit_charge(key, len, client_conf()->login_per_address, 1);
}

/* How long the verdict on this account is to be held back. */
static int64_t
account_wait(const struct exchange *exchange, bool failed)
{
	struct ln_rate rate = client_conf()->login_per_account;
	const char *key;
	int64_t wait;

	if (exchange->account.full == NULL)
		return 0;
	key = arena_printf(exchange->arena, "login/n/%s", exchange->account.full);
	wait =
	    failed ? limit_charge(key, strlen(key), rate, 1) : limit_wait(key, strlen(key), rate);
	return wait < DELAY_MAX_MS ? wait : DELAY_MAX_MS;
}

/* --- verdicts ------------------------------------------------------------------------------ */

struct ln_ev_auth
verdict_event(const struct client *client, const char *mechanism, const char *address)
{
	const struct exchange *exchange = client->negotiation->exchange;

	return (struct ln_ev_auth){
		.host = client_host(client),
		.mechanism = mechanism,
		.username = exchange != NULL ? exchange->sasl.username : NULL,
		.address = address,
		.secure = stream_secure(&client->stream),
	};
}

void
verdict_due(void *arg)
{
	struct exchange *exchange = arg;

	exchange->say(exchange->client);
}

/* Says it, at once or after a while; the time to log in is extended by that. */
static void
say_after(struct client *client, int64_t ms, void (*say)(struct client *client))
{
	struct exchange *exchange = client->negotiation->exchange;

	if (ms <= 0) {
		say(client);
		return;
	}
	metric_inc(metrics, DELAYED);
	exchange->say = say;
	timer_set(&exchange->delay, ms);
	stream_deadline(&client->stream, client->stream.due - worker_now_ms() + ms);
}

static void
write_failure(struct client *client, enum ln_sasl_condition condition)
{
	struct buf *out = stream_out();

	buf_printf(out, "<failure xmlns='%s'><%s/></failure>", NS_SASL,
	    ln_sasl_condition_name(condition));
	stream_flush(&client->stream, out);
	/* COMPAT(slixmpp, 1.8.3): tries every -PLUS with tls-unique before it comes to PLAIN. */
	client->negotiation->failures += condition == LN_SASL_NOT_AUTHORIZED ? 2 : 1;
	if (client->negotiation->failures >= 2 * SASL_TRIES_MAX)
		stream_fail(&client->stream, STREAM_POLICY_VIOLATION,
		    "too many failed attempts to log in");
	else
		negotiation_to(client, NEGOTIATION_OFFERED);
}

static void
say_failure(struct client *client)
{
	enum ln_sasl_condition condition = client->negotiation->exchange->condition;

	sasl_end(client);
	write_failure(client, condition);
}

static void
say_success(struct client *client)
{
	const char *username =
	    arena_strdup(client->negotiation->arena, client->negotiation->exchange->sasl.username);

	sasl_end(client);
	negotiation_authenticated(client, username);
}

/* The counting, the log line and the hook that every failure has. */
static void
note_failure(struct client *client, const char *mechanism, enum ln_sasl_condition condition,
    const char *reason)
{
	char address[NETADDR_TEXT_MAX];
	struct ln_ev_auth event = verdict_event(client, mechanism, client_address(client, address));

	metric_inc(metrics, FAILURES);
	client_log(client, LOG_LEVEL_INFO,
	    "login failed mechanism=%s user=%s condition=%s reason=%s", log_quote(mechanism),
	    log_quote(event.username), ln_sasl_condition_name(condition), reason);
	event.reason = reason;
	fire_auth_failed(event.host, &event);
}

/* Fails where there is no exchange yet. */
void
verdict_refuse(struct client *client, const char *mechanism, enum ln_sasl_condition condition,
    const char *reason)
{
	note_failure(client, mechanism, condition, reason);
	write_failure(client, condition);
}

void
verdict_fail(struct client *client, enum ln_sasl_condition condition, const char *reason)
{
	struct exchange *exchange = client->negotiation->exchange;

	exchange->condition = condition;
	note_failure(client, exchange->mechanism, condition, reason);
	if (condition != LN_SASL_ABORTED && condition != LN_SASL_TEMPORARY_AUTH_FAILURE) {
		charge_address(client);
		say_after(client, account_wait(exchange, true), say_failure);
	} else {
		say_failure(client);
	}
}

/* Who knows the password may know this, as late as he would have learnt of his success; he has
 * guessed nothing, so it is not charged. */
void
verdict_disabled(struct client *client)
{
	struct exchange *exchange = client->negotiation->exchange;

	exchange->condition = LN_SASL_ACCOUNT_DISABLED;
	note_failure(client, exchange->mechanism, exchange->condition, "the account is disabled");
	say_after(client, account_wait(exchange, false), say_failure);
}

void
verdict_success(struct client *client)
{
	struct negotiation *negotiation = client->negotiation;
	struct exchange *exchange = negotiation->exchange;
	struct ln_sasl *sasl = &exchange->sasl;
	char address[NETADDR_TEXT_MAX];
	struct ln_ev_auth event =
	    verdict_event(client, exchange->mechanism, client_address(client, address));

	if (sasl->data != NULL)
		negotiation->success =
		    sasl->len > 0 ? base64_text(negotiation->arena, sasl->data, sasl->len) : "=";
	metric_inc(metrics, LOGINS);
	client_log(client, LOG_LEVEL_INFO, "logged in mechanism=%s user=%s tls=%s",
	    exchange->mechanism, log_quote(sasl->username),
	    stream_secure(&client->stream) ? "yes" : "no");
	fire_auth_succeeded(event.host, &event);
	say_after(client, account_wait(exchange, false), say_success);
}
