/*
 * SASL. An exchange is one try to log in: the mechanism's state and its arena.
 * While the store or the crypto pool works for it the stream is paused; the
 * answer finds the stream by its port and goes on, or finds nobody.
 * What is said at its end is in sasl_verdict.c.
 *
 * SPDX-License-Identifier: MIT
 */
#include "xmpp/sasl.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/metrics.h"
#include "base/xalloc.h"
#include "net/pool.h"
#include "store/entity.h"
#include "xmpp/sasl_offer.h"
#include "xmpp/sasl_verdict.h"

enum { ADDRESS_REFUSED, POOL_FULL };
static const struct metric_row rows[] = {
	[ADDRESS_REFUSED] = { "address_refused_total", METRIC_COUNTER,
	    "Attempts refused since too many from the address had failed." },
	[POOL_FULL] = { "pool_full_total", METRIC_COUNTER,
	    "Attempts refused since too many passwords were being hashed." },
};
METRICS(sasl_metrics, "sasl", rows);

static struct store *store;
static struct pool *crypto;
static uint8_t secret[LN_FAKE_SECRET_LEN]; /* behind made-up credentials */

void
sasl_init(struct store *the_store, struct pool *the_pool)
{
	store = the_store;
	crypto = the_pool;
	if (store == NULL || !store_secret(store, "sasl-unknown-users", secret, sizeof secret))
		ln_random(secret, sizeof secret);
}

/* --- the exchange ------------------------------------------------------------------------- */

static void go_on(struct client *client, enum ln_sasl_verdict verdict);

static void
challenge(struct client *client, const void *data, size_t len)
{
	struct buf *out = stream_out();

	buf_printf(out, "<challenge xmlns='%s'>", NS_SASL);
	if (len > 0)
		base64_add(out, data, len);
	buf_add_text(out, "</challenge>");
	stream_flush(&client->stream, out);
	negotiation_to(client, NEGOTIATION_EXCHANGE);
}

/* Puts what the store has on top of what is made up; rows of hashes we don't know are passed over. */
static void
take_keys(struct ln_credentials *credentials, const struct store_row *row)
{
	struct store_credential stored;

	store_credential_row(row, &stored, NULL);
	for (unsigned i = 0; i < LN_SCRAM_HASHES; i++) {
		struct ln_scram_keys *keys = &credentials->scram[i];

		if (strcmp(stored.hash, ln_scram_hash_name((enum ln_scram_hash)i)) != 0 ||
		    stored.key_len != ln_scram_key_len((enum ln_scram_hash)i) ||
		    stored.salt_len > LN_SCRAM_SALT_MAX)
			continue;
		memset(keys, 0, sizeof *keys);
		keys->iterations = stored.iterations;
		keys->salt_len = (uint32_t)stored.salt_len;
		memcpy(keys->salt, stored.salt, stored.salt_len);
		memcpy(keys->stored_key, stored.stored_key, stored.key_len);
		memcpy(keys->server_key, stored.server_key, stored.key_len);
		credentials->known = true;
	}
}

struct asked {
	struct port_ref port;
	unsigned step;
};

static void
on_credentials(struct store_job *job, void *arg)
{
	const struct asked *asked = arg;
	struct client *client = client_find(asked->port);
	struct ln_credentials credentials;
	struct ln_sasl *sasl;

	if (client == NULL)
		return;
	sasl = &client->negotiation->exchange->sasl;
	if (store_job_outcome(job) != STORE_OK) {
		verdict_fail(client, LN_SASL_TEMPORARY_AUTH_FAILURE, store_job_error(job));
		return;
	}
	ln_credentials_fake(&credentials, secret, client->negotiation->exchange->account.full,
	    (uint32_t)client_conf()->scram_iterations);
	for (const struct store_row *row = store_rows(job, asked->step); row != NULL;
	     row = row->next) {
		take_keys(&credentials, row);
		client->negotiation->exchange->disabled = store_credential_disabled(row);
	}
	enum ln_sasl_verdict verdict = sasl->mechanism->credentials(sasl, &credentials);

	ln_wipe(&credentials, sizeof credentials);
	go_on(client, verdict);
}

/* A mechanism that needs no keys (EXTERNAL) has proved who it is. */
static void
on_account(struct store_job *job, void *arg)
{
	const struct asked *asked = arg;
	struct client *client = client_find(asked->port);
	const struct store_row *row = store_rows(job, asked->step);

	if (client == NULL)
		return;
	if (store_job_outcome(job) != STORE_OK)
		verdict_fail(client, LN_SASL_TEMPORARY_AUTH_FAILURE, store_job_error(job));
	else if (row != NULL && row->cell[4].integer != 0)
		verdict_disabled(client);
	else
		verdict_success(client);
}

/* Asks the store for the account: its keys, or the row of itself. */
static void
look_up(struct client *client, unsigned (*ask)(struct store_job *job, const char *jid),
    void (*answered)(struct store_job *job, void *arg))
{
	struct exchange *exchange = client->negotiation->exchange;
	struct store_job *job;
	struct asked *asked;

	if (ln_jid_make(exchange->arena, exchange->sasl.username, client->negotiation->host, NULL,
		&exchange->account) != LN_JID_OK) {
		verdict_fail(client, LN_SASL_NOT_AUTHORIZED, "not an address");
		return;
	}
	exchange->looked_up = true;
	job = store_job_new(store, "sasl");
	asked = store_job_alloc(job, sizeof *asked);
	asked->port = port_ref(&client->port);
	asked->step = ask(job, exchange->account.full);
	store_read(job, 0, answered, asked);
}

/* The mechanism is satisfied. */
static void
conclude(struct client *client)
{
	const struct exchange *exchange = client->negotiation->exchange;

	if (!exchange->looked_up)
		look_up(client, store_entity_find, on_account);
	else if (exchange->disabled)
		verdict_disabled(client);
	else
		verdict_success(client);
}

struct hash_job {
	struct pool_job job;
	struct port_ref port;
	struct ln_scram_work work;
	uint8_t salted[LN_SCRAM_KEY_MAX];
};

static void
hash(struct pool_job *job)
{
	struct hash_job *mine = (struct hash_job *)job;

	ln_scram_salt(&mine->work, mine->salted);
}

static void
on_hashed(struct pool_job *job)
{
	struct hash_job *mine = (struct hash_job *)job;
	struct client *client = client_find(mine->port);
	enum ln_sasl_verdict verdict = LN_SASL_FAILURE;

	if (client != NULL && mine->job.worked) {
		struct ln_sasl *sasl = &client->negotiation->exchange->sasl;

		verdict = sasl->mechanism->hashed(sasl, mine->salted);
	} else if (client != NULL) {
		ln_sasl_fail(&client->negotiation->exchange->sasl, LN_SASL_TEMPORARY_AUTH_FAILURE,
		    "the pool stopped");
	}
	ln_wipe(mine, sizeof *mine);
	free(mine);
	if (client != NULL)
		go_on(client, verdict);
}

static void
hash_password(struct client *client)
{
	struct ln_sasl *sasl = &client->negotiation->exchange->sasl;
	struct hash_job *job = xcalloc(1, sizeof *job);

	job->job.work = hash;
	job->job.done = on_hashed;
	job->port = port_ref(&client->port);
	job->work = sasl->work;
	ln_wipe(&sasl->work, sizeof sasl->work);
	if (pool_submit(crypto, &job->job))
		return;
	metric_inc(sasl_metrics, POOL_FULL);
	ln_wipe(job, sizeof *job);
	free(job);
	verdict_fail(client, LN_SASL_TEMPORARY_AUTH_FAILURE, "too many passwords are being hashed");
}

/* Does what the mechanism asks for. The last thing that its callers do. */
static void
go_on(struct client *client, enum ln_sasl_verdict verdict)
{
	struct ln_sasl *sasl = &client->negotiation->exchange->sasl;

	switch (verdict) {
	case LN_SASL_CHALLENGE:
		challenge(client, sasl->data, sasl->len);
		break;
	case LN_SASL_READ:
		look_up(client, store_credential_get, on_credentials);
		break;
	case LN_SASL_HASH:
		hash_password(client);
		break;
	case LN_SASL_SUCCESS:
		conclude(client);
		break;
	case LN_SASL_FAILURE:
		verdict_fail(client, sasl->condition, sasl->reason);
		break;
	}
}

/* One message of the client: base64, "=" for an empty one (RFC 6120 §6.4.2). */
static void
take(struct client *client, const struct ln_elem *elem)
{
	struct exchange *exchange = client->negotiation->exchange;
	const char *text = ln_elem_text(elem);
	size_t len = strlen(text);
	uint8_t *bytes;
	ssize_t got;

	if (len == 1 && text[0] == '=')
		len = 0;
	if (len > BASE64_LEN(LN_SASL_INPUT_MAX)) {
		verdict_fail(client, LN_SASL_MALFORMED_REQUEST, "a message that is too long");
		return;
	}
	bytes = arena_alloc(exchange->arena, BASE64_BYTES(len));
	got = base64_decode(text, len, bytes);
	if (got < 0) {
		verdict_fail(client, LN_SASL_INCORRECT_ENCODING, "not base64");
		return;
	}
	enum ln_sasl_verdict verdict =
	    exchange->sasl.mechanism->step(&exchange->sasl, bytes, (size_t)got);

	ln_wipe(bytes, (size_t)got);
	go_on(client, verdict);
}

static void
begin(struct client *client, const struct ln_sasl_mechanism *mechanism)
{
	struct negotiation *negotiation = client->negotiation;
	struct exchange *exchange = xcalloc(1, sizeof *exchange);

	exchange->arena = arena_new(1024);
	exchange->client = client;
	exchange->mechanism = arena_strdup(exchange->arena, mechanism->name);
	timer_init(&exchange->delay, verdict_due, exchange);
	ln_sasl_begin(&exchange->sasl, mechanism, offer_context(negotiation->offer),
	    exchange->arena);
	negotiation->exchange = exchange;
}

/* A module's word on whether this client may try at all. */
static bool
attempt_passes(struct client *client, const char *mechanism)
{
	char address[NETADDR_TEXT_MAX];
	struct ln_ev_auth event = verdict_event(client, mechanism, client_address(client, address));

	return fire_auth_attempt(event.host, &event) == LN_PASS;
}

void
sasl_auth(struct client *client, const struct ln_elem *elem)
{
	const char *name = ln_elem_attr(elem, "mechanism");
	const struct ln_sasl_mechanism *mechanism;

	if (!verdict_may_try(client)) {
		metric_inc(sasl_metrics, ADDRESS_REFUSED);
		verdict_refuse(client, name, LN_SASL_TEMPORARY_AUTH_FAILURE,
		    "too many failed attempts from this address");
		return;
	}
	mechanism = name != NULL ? offer_find(client_host(client), name) : NULL;
	if (mechanism != NULL && !stream_secure(&client->stream) &&
	    (client->negotiation->offer == NULL || (mechanism->flags & LN_SASL_NEEDS_TLS) != 0)) {
		verdict_refuse(client, name, LN_SASL_ENCRYPTION_REQUIRED, "without TLS");
	} else if (mechanism == NULL || !offer_has(client->negotiation->offer, name)) {
		verdict_refuse(client, name, LN_SASL_INVALID_MECHANISM,
		    "a mechanism that was not offered");
	} else if (!attempt_passes(client, name)) {
		verdict_refuse(client, name, LN_SASL_TEMPORARY_AUTH_FAILURE, "refused by a module");
	} else {
		begin(client, mechanism);
		if (*ln_elem_text(elem) == '\0')
			challenge(client, NULL, 0);
		else
			take(client, elem);
	}
}

void
sasl_response(struct client *client, const struct ln_elem *elem)
{
	take(client, elem);
}

void
sasl_abort(struct client *client, const struct ln_elem *elem)
{
	(void)elem;
	if (client->negotiation->exchange != NULL)
		verdict_fail(client, LN_SASL_ABORTED, "aborted by the client");
	else
		verdict_refuse(client, NULL, LN_SASL_ABORTED, "nothing to abort");
}

void
sasl_unexpected(struct client *client, const struct ln_elem *elem)
{
	(void)elem;
	if (client->negotiation->exchange != NULL)
		verdict_fail(client, LN_SASL_MALFORMED_REQUEST, "<auth/> within an exchange");
	else
		verdict_refuse(client, NULL, LN_SASL_MALFORMED_REQUEST,
		    "<response/> without <auth/>");
}

void
sasl_end(struct client *client)
{
	struct exchange *exchange = client->negotiation->exchange;

	if (exchange == NULL)
		return;
	client->negotiation->exchange = NULL;
	timer_cancel(&exchange->delay);
	ln_sasl_end(&exchange->sasl);
	arena_free(&exchange->arena);
	free(exchange);
}

void
sasl_success(struct client *client)
{
	struct buf *out = stream_out();
	const char *data = client->negotiation->success;

	client->negotiation->failures = 0;
	buf_printf(out, "<success xmlns='%s'>%s</success>", NS_SASL, data != NULL ? data : "");
	stream_flush(&client->stream, out);
}
