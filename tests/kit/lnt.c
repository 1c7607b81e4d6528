/*
 * The kit. See lnt.h. One worker that is turned by hand; clients are ports
 * that write down what their session sends.
 *
 * SPDX-License-Identifier: MIT
 */
#include "lnt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/xalloc.h"
#include "core/hold.h"
#include "core/iq.h"
#include "core/module.h"
#include "core/port.h"
#include "core/work.h"
#include "folder.h"
#include "im/account.h"
#include "im/session.h"
#include "net/pool.h"
#include "net/worker.h"
#include "server/apply.h"
#include "server/floors.h"
#include "server/hostent.h"
#include "server/instance.h"
#include "server/loader.h"
#include "store/entity.h"
#include "store/store.h"

#define PATIENCE_MS 10000
#define QUIET_TURNS 4 /* nothing to do in so many: all is done */

struct heard {
	STAILQ_ENTRY(heard) link;
	struct ln_elem *elem;
};

struct client {
	LIST_ENTRY(client) link;
	struct port port;
	struct ln_jid jid; /* full; in the kit's arena */
	uint64_t session;  /* 0: not bound, or ended */
	STAILQ_HEAD(, heard) heard;
	unsigned messages;
	uint32_t sent, acked;
	const char *closed; /* condition, or NULL */
	struct lnt *t;
};

struct lnt {
	struct arena *arena; /* of all that came, and of names */
	struct store *store;
	struct pool *crypto;
	LIST_HEAD(, client) clients;
	char dir[FOLDER_MAX];
};

static struct lnt *running;
static struct {
	int64_t unanswered, twice, expired;
} before;

/* --- turning ------------------------------------------------------------------------------ */

/* Is something for an entity under way to the store or from it? */
static void
look_for_jobs(struct entity *entity, void *arg)
{
	bool *found = arg;

	*found |= entity->jobs > 0 || entity->life != LIFE_ACTIVE;
}

static bool
store_busy(const struct lnt *t)
{
	bool found = false;

	struct store_stats stats;

	entity_each(look_for_jobs, &found);
	store_stats(t->store, &stats);
	return found || stats.queued_jobs > 0 || stats.waiting_reads > 0;
}

/* What the kernel does for a client without XEP-0198. */
static bool
acknowledge(struct client *client)
{
	struct up *up;

	if (client->session == 0 || client->sent == client->acked)
		return false;
	up = up_new(UP_ACKED, &client->jid);
	up->session = client->session;
	up->port = port_ref(&client->port);
	up->acked.h = client->acked = client->sent;
	up->acked.by_kernel = true;
	up_post(&up);
	return true;
}

static bool
turn(struct lnt *t)
{
	struct client *client;
	bool more;

	worker_enter(worker_main());
	more = worker_turn(worker_main(), false);
	worker_enter(worker_get(0));
	more |= worker_turn(worker_get(0), false);
	LIST_FOREACH(client, &t->clients, link)
		more |= acknowledge(client);
	return more || store_busy(t);
}

static void
rest(void)
{
	const struct timespec pause = { 0, 200000 };

	nanosleep(&pause, NULL);
}

static void
settle(struct lnt *t)
{
	for (int quiet = 0, turns = 0; quiet < QUIET_TURNS && turns < PATIENCE_MS * 5; turns++) {
		quiet = turn(t) ? 0 : quiet + 1;
		rest();
	}
}

/* --- ports ---------------------------------------------------------------------------------- */

static struct client *
client_at(struct port *port)
{
	return (struct client *)((char *)port - offsetof(struct client, port));
}

static void
hear(struct client *client, struct ln_elem *elem)
{
	struct heard *heard = arena_zalloc(client->t->arena, sizeof *heard);

	heard->elem = elem;
	STAILQ_INSERT_TAIL(&client->heard, heard, link);
}

static void
on_bound(struct port *port, const struct port_bound *bound)
{
	ck_assert_msg(bound->jid != NULL, "not bound: %s", ln_error_name(bound->error));
	client_at(port)->session = bound->session;
}

static void
on_send(struct port *port, struct ln_stanza *st)
{
	struct client *client = client_at(port);

	client->sent++;
	client->messages += ln_kind(st) == LN_MESSAGE && ln_type(st) != LN_TYPE_ERROR;
	hear(client, ln_stanza_elem(st, client->t->arena));
}

static void
on_nonza(struct port *port, const struct ln_elem *elem)
{
	struct client *client = client_at(port);

	hear(client, ln_elem_copy(client->t->arena, elem));
}

static void
on_answer(struct port *port, struct ln_stanza *st)
{
	struct client *client = client_at(port);

	hear(client, ln_stanza_elem(st, client->t->arena));
}

static void
on_close(struct port *port, const char *condition, const char *text)
{
	struct client *client = client_at(port);

	(void)text;
	client->session = 0;
	client->closed =
	    arena_strdup(client->t->arena, condition != NULL ? condition : "(in due form)");
	port_close(port);
}

static void
on_ack(struct port *port, uint32_t h)
{
	(void)port;
	(void)h;
}

static void
on_ask(struct port *port)
{
	(void)port;
}

static const struct port_ops client_ops = {
	.bound = on_bound,
	.send = on_send,
	.answer = on_answer,
	.nonza = on_nonza,
	.ack = on_ack,
	.ask = on_ask,
	.pause = on_ask,
	.go_on = on_ask,
	.close = on_close,
};

/* --- clients ----------------------------------------------------------------------------------- */

static struct ln_jid
read_jid(struct lnt *t, const char *text)
{
	struct ln_jid jid;

	ck_assert_msg(ln_jid_parse(t->arena, text, strlen(text), &jid) == LN_JID_OK, "%s", text);
	return jid;
}

static void
make_account(struct lnt *t, const struct ln_jid *jid)
{
	struct ln_jid bare = ln_jid_bare(t->arena, jid);
	struct store_job *job = store_job_new(t->store, "lnt");
	enum store_outcome outcome;

	store_entity_create(job, STORE_ACCOUNT, bare.full, 0);
	outcome = store_run_write(job);
	ck_assert(outcome == STORE_OK || outcome == STORE_CONSTRAINT); /* it is there already */
	store_job_free(&job);
	entity_forget_absent(&bare);
}

static struct client *
find_client(struct lnt *t, const struct ln_jid *jid)
{
	struct client *client;

	LIST_FOREACH(client, &t->clients, link)
		if (ln_jid_same(&client->jid, jid))
			return client;
	return NULL;
}

static struct up *
up_of(struct client *client, enum up_kind kind)
{
	struct up *up = up_new(kind, &client->jid);

	up->session = client->session;
	up->port = port_ref(&client->port);
	return up;
}

static void
bind(struct client *client)
{
	struct up *up;

	port_open(&client->port, &client_ops);
	up = up_of(client, UP_BIND);
	up->bind.resource = arena_strdup(up_arena(up), ln_jid_resource(&client->jid));
	up->bind.address = arena_strdup(up_arena(up), "192.0.2.1");
	up->bind.secure = true;
	client->closed = NULL;
	client->messages = client->sent = client->acked = 0;
	up_post(&up);
	settle(client->t);
	ck_assert_msg(client->session != 0, "%s: no session", client->jid.full);
}

/* The client, logged in. */
static struct client *
client_of(struct lnt *t, const char *text)
{
	struct ln_jid jid = read_jid(t, text);
	struct client *client = find_client(t, &jid);

	ck_assert_msg(!ln_jid_is_bare(&jid), "%s: a client has a full JID", text);
	if (client == NULL) {
		client = arena_zalloc(t->arena, sizeof *client);
		client->jid = jid;
		client->t = t;
		STAILQ_INIT(&client->heard);
		LIST_INSERT_HEAD(&t->clients, client, link);
		make_account(t, &jid);
		bind(client);
	}
	return client;
}

void
lnt_login(struct lnt *t, const char *jid)
{
	struct client *client = client_of(t, jid);

	if (client->session == 0)
		bind(client);
}

static void
leave(struct client *client)
{
	struct up *up;

	if (client->session == 0)
		return;
	up = up_of(client, UP_DETACH);
	up->detach.closed = true;
	up->detach.reason = "closed";
	up_post(&up);
	client->session = 0;
	port_close(&client->port);
}

void
lnt_logout(struct lnt *t, const char *jid)
{
	leave(client_of(t, jid));
	settle(t);
}

static void
send_nonza(struct client *client, struct arena *arena, struct ln_elem *elem)
{
	struct up *up = up_of(client, UP_NONZA);

	up->arena = arena;
	up->nonza.elem = elem;
	up_post(&up);
}

/* To whom it is, if he is one of ours: his account is made. */
static void
make_recipient(struct lnt *t, const struct ln_elem *elem)
{
	const char *to = ln_elem_attr(elem, "to");
	struct ln_jid jid;

	if (to == NULL)
		return;
	jid = read_jid(t, to);
	if (ln_jid_has_local(&jid) && ln_jid_in_domain(&jid, LNT_HOST))
		make_account(t, &jid);
}

/* An element as a client's stream has it: in jabber:client unless it says otherwise. */
static struct ln_elem *
read_elem(struct arena *arena, const char *xml)
{
	const char *text = arena_printf(arena, "<stream xmlns='jabber:client'>%s</stream>", xml);
	const char *error = "";
	struct ln_elem *stream = ln_elem_parse(arena, text, strlen(text), &error);
	struct ln_elem *elem = stream != NULL ? ln_elem_first(stream) : NULL;

	ck_assert_msg(elem != NULL, "%s: %s", xml, error);
	ln_elem_remove(elem);
	return elem;
}

void
lnt_send(struct lnt *t, const char *jid, const char *xml)
{
	struct client *client = client_of(t, jid);
	struct arena *arena = arena_new(1024);
	struct ln_elem *elem = read_elem(arena, xml);
	enum stanza_bad bad;
	struct ln_stanza *st;

	ck_assert_msg(client->session != 0, "%s is not logged in", jid);
	make_recipient(t, elem);
	if (ln_elem_ns(elem) != NS_CLIENT) {
		send_nonza(client, arena, elem);
	} else {
		st = stanza_from_wire(&arena, elem, &bad);
		ck_assert_msg(st != NULL && bad == STANZA_OK, "no good stanza: %s", xml);
		up_stanza(&client->port, &client->jid, client->session, st);
	}
	settle(t);
}

void
lnt_advance(struct lnt *t, int64_t ms)
{
	clock_advance(ms);
	settle(t);
}

/* --- what came ----------------------------------------------------------------------------------- */

static const char *
printed(struct lnt *t, const struct ln_elem *elem)
{
	return ln_elem_print(t->arena, elem);
}

/* What a pool or the store works at may take a moment. */
static struct heard *
await(struct lnt *t, struct client *client)
{
	for (int i = 0; STAILQ_EMPTY(&client->heard) && i < PATIENCE_MS; i++) {
		turn(t);
		rest();
	}
	return STAILQ_FIRST(&client->heard);
}

const struct ln_elem *
lnt_next(struct lnt *t, const char *jid)
{
	struct client *client = client_of(t, jid);
	struct heard *heard = await(t, client);

	ck_assert_msg(heard != NULL, "nothing came for %s", jid);
	STAILQ_REMOVE_HEAD(&client->heard, link);
	return heard->elem;
}

static bool
has_attr(const struct ln_elem *elem, const char *name, const char *value)
{
	const char *is = ln_elem_attr(elem, name);

	return is != NULL && strcmp(is, value) == 0;
}

const struct ln_elem *
lnt_expect_result(struct lnt *t, const char *jid, const char *id)
{
	const struct ln_elem *elem = lnt_next(t, jid);

	ck_assert_msg(ln_elem_is(elem, "iq", NS_CLIENT) && has_attr(elem, "type", "result") &&
		has_attr(elem, "id", id),
	    "no result '%s': %s", id, printed(t, elem));
	return elem;
}

const struct ln_elem *
lnt_expect_error(struct lnt *t, const char *jid, const char *type, const char *condition)
{
	const struct ln_elem *elem = lnt_next(t, jid);
	const struct ln_elem *error = ln_elem_child(elem, "error", NS_CLIENT);

	ck_assert_msg(has_attr(elem, "type", "error") && error != NULL &&
		has_attr(error, "type", type) &&
		ln_elem_child(error, condition, NS_STANZAS) != NULL,
	    "no error %s, %s: %s", type, condition, printed(t, elem));
	return elem;
}

void
lnt_expect_nothing(struct lnt *t, const char *jid)
{
	struct client *client = client_of(t, jid);

	settle(t);
	if (!STAILQ_EMPTY(&client->heard))
		ck_abort_msg("%s got: %s", jid, printed(t, STAILQ_FIRST(&client->heard)->elem));
}

void
lnt_skip(struct lnt *t, const char *jid)
{
	settle(t);
	STAILQ_INIT(&client_of(t, jid)->heard);
}

void
lnt_expect_delivered(struct lnt *t, const char *jid, unsigned count)
{
	ck_assert_uint_eq(client_of(t, jid)->messages, count);
}

void
lnt_expect_closed(struct lnt *t, const char *jid, const char *condition)
{
	const char *closed = client_of(t, jid)->closed;

	if (condition == NULL)
		ck_assert_msg(closed == NULL, "%s was closed: %s", jid, closed);
	else
		ck_assert_pstr_eq(closed, condition);
}

const struct ln_elem *
lnt_ask_before_login(struct lnt *t, const char *xml)
{
	const struct ln_early early = { "192.0.2.1", "c0000201", true };
	struct client *client = arena_zalloc(t->arena, sizeof *client);
	struct arena *arena = arena_new(1024);
	struct ln_stanza *st = ln_stanza_from_elem(read_elem(arena, xml));
	struct heard *heard = NULL;

	ck_assert_msg(st != NULL, "no good stanza: %s", xml);
	arena_free(&arena);
	client->t = t;
	STAILQ_INIT(&client->heard);
	port_open(&client->port, &client_ops);
	st->port = client->port.id;
	if (iq_before_login(host_find(LNT_HOST, strlen(LNT_HOST)), &early, st))
		heard = await(t, client);
	else
		ln_stanza_free(&st);
	port_close(&client->port);
	settle(t);
	return heard != NULL ? heard->elem : NULL;
}

/* --- metrics ---------------------------------------------------------------------------------------- */

struct sum {
	const char *name;
	int64_t value;
};

static void
add_sample(void *arg, const struct metric_sample *sample)
{
	struct sum *sum = arg;
	char name[256];

	snprintf(name, sizeof name, "linnet_%s_%s", sample->prefix, sample->name);
	if (strcmp(name, sum->name) == 0)
		sum->value += sample->value;
}

static int64_t
metric(const char *name)
{
	struct sum sum = { name, 0 };

	metrics_each(add_sample, &sum);
	return sum.value;
}

void
lnt_expect_metric(struct lnt *t, const char *name, int64_t value)
{
	(void)t;
	ck_assert_msg(metric(name) == value, "%s is %lld, not %lld", name, (long long)metric(name),
	    (long long)value);
}

/* --- configuration ------------------------------------------------------------------------------------ */

static const struct config *
read_config(const char *modules)
{
	struct buf text = BUF_INIT, complaint = BUF_INIT;
	struct report report = REPORT_INIT;
	const struct config *config;

	buf_printf(&text, "c2s: {tls: optional}\nhosts: {" LNT_HOST ": {modules: {%s}}}\n",
	    modules);
	config = config_parse("lnt.yaml", text.data, text.len, loader_registry(), &report);
	if (config == NULL) {
		report_print(&report, &complaint);
		ck_abort_msg("%s", complaint.data);
	}
	report_free(&report);
	buf_free(&text);
	return config;
}

void
lnt_reload(struct lnt *t, const char *modules)
{
	const struct config *config = read_config(modules);
	char *error = NULL;

	worker_enter(worker_main());
	ck_assert_msg(apply(config, NULL, &error), "%s", error);
	config_unref(&config);
	settle(t);
}

/* --- start and stop --------------------------------------------------------------------------------------- */

static unsigned
module_count(void)
{
	unsigned count = 0;

	while (lnt_modules[count] != NULL)
		count++;
	return count;
}

static void
open_store(struct lnt *t)
{
	char *error = NULL;

	folder_make(t->dir, "lnt");
	t->store = floors_open_store(t->dir, &error);
	ck_assert_msg(t->store != NULL, "%s", error);
}

struct lnt *
lnt_new(const char *modules)
{
	struct lnt *t = xcalloc(1, sizeof *t);
	char *error = NULL;

	ck_assert_ptr_null(running);
	running = t;
	log_set_level(NULL, LOG_LEVEL_WARNING);
	t->arena = arena_new(4096);
	LIST_INIT(&t->clients);
	ck_assert_msg(loader_use(lnt_modules, module_count(), &error), "%s", error);
	open_store(t);
	t->crypto = pool_new("crypto", 1, 16);
	floors_init(t->store, t->crypto, t->dir);
	hostent_init();
	workers_start_unthreaded(1);
	before.unanswered = metric("linnet_iq_unanswered_total");
	before.twice = metric("linnet_iq_answered_twice_total");
	before.expired = metric("linnet_iq_expired_total");
	lnt_reload(t, modules);
	return t;
}

/* After all modules were switched off. */
static void
check_account(struct entity *entity, void *arg)
{
	const struct ln_account *account = account_of_entity(entity);
	const struct ln_session *session;

	(void)arg;
	if (account == NULL)
		return;
	for (unsigned i = 0; i < account->slices.count; i++)
		ck_assert_msg(account->slices.slot[i] == NULL, "a slice of %s is left",
		    entity->jid.full);
	TAILQ_FOREACH(session, &account->sessions, link) {
		ck_assert_msg(session->slices.timers == NULL, "a timer of %s is left",
		    session->jid.full);
		for (unsigned i = 0; i < session->slices.count; i++)
			ck_assert_msg(session->slices.slot[i] == NULL, "a slice of %s is left",
			    session->jid.full);
	}
}

static void
check_nothing_is_left(struct lnt *t)
{
	lnt_reload(t, "");
	worker_enter(worker_get(0));
	entity_each(check_account, NULL);
	ck_assert_uint_eq(instances_started(), 0);
	ck_assert_int_eq(metric("linnet_iq_unanswered_total"), before.unanswered);
	ck_assert_int_eq(metric("linnet_iq_answered_twice_total"), before.twice);
	ck_assert_int_eq(metric("linnet_iq_expired_total"), before.expired);
}

void
lnt_free(struct lnt **t_p)
{
	struct lnt *t = *t_p;
	struct client *client;

	*t_p = NULL;
	check_nothing_is_left(t);
	LIST_FOREACH(client, &t->clients, link)
		leave(client);
	settle(t);
	worker_enter(worker_main());
	pool_free(&t->crypto);
	ck_assert(store_stop(t->store));
	workers_stop();
	ck_assert(floors_close_store(&t->store));
	apply_close();
	loader_close();
	folder_remove(t->dir);
	arena_free(&t->arena);
	free(t);
	running = NULL;
}

/* --- inside ------------------------------------------------------------------------------------------------- */

const struct ln_mod *
lnt_mod(struct lnt *t, const char *module)
{
	const struct ln_host *host;

	(void)t;
	worker_enter(worker_get(0));
	host = host_find(LNT_HOST, strlen(LNT_HOST));
	return ln_host_mod(host, module);
}

void *
lnt_account_state(struct lnt *t, const char *module, const char *jid)
{
	const struct ln_mod *mod = lnt_mod(t, module);
	struct ln_jid who = read_jid(t, jid);
	struct entity *entity = entity_find(&who);

	if (mod == NULL || entity == NULL)
		return NULL;
	return ln_account_state(mod, account_of_entity(entity));
}
