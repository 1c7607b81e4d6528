/*
 * Client streams in one thread: see client_kit.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "client_kit.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/base64.h"
#include "core/router.h"
#include "core/work.h"
#include "entity_kit.h"
#include "linnet/sasl.h"
#include "net/listener.h"
#include "net/pool.h"
#include "net/tls.h"
#include "net/worker.h"
#include "store/entity.h"
#include "xmpp/c2s.h"

extern const struct ln_module ln_module_sasl_plain;
extern const struct ln_module ln_module_sasl_scram;

struct core_conf kit_conf;
bool kit_with_tls, kit_refuses, kit_silent;
struct port_ref kit_port;

static struct store *store;
static struct pool *crypto;
static struct tls *tls;
static struct buf ups;
static char dir[64];

/* --- a mechanism without secrets ---------------------------------------------------- */

static enum ln_sasl_verdict
trust_step(struct ln_sasl *sasl, const void *bytes, size_t len)
{
	if (len == 0)
		return ln_sasl_challenge(sasl, "who?", 4);
	return ln_sasl_read(sasl, bytes, len);
}

static enum ln_sasl_verdict
trust_credentials(struct ln_sasl *sasl, const struct ln_credentials *credentials)
{
	if (!credentials->known)
		return ln_sasl_fail(sasl, LN_SASL_NOT_AUTHORIZED, "no such account");
	return ln_sasl_success(sasl, "hello", 5);
}

static const struct ln_sasl_mechanism trust_rows[] = {
	{ "X-TRUST", 0, 1, 0, trust_step, trust_credentials, NULL },
	{ NULL, 0, 0, 0, NULL, NULL, NULL },
};
static const struct ln_module trust_module = { .name = "trust", .mechanisms = trust_rows };

/* --- sessions that only write down ---------------------------------------------------- */

__attribute__((format(printf, 1, 2))) static void
note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buf_vprintf(&ups, format, args);
	va_end(args);
	buf_add_char(&ups, '\n');
}

static void
answer_bind(struct up *up)
{
	struct port *port = port_find(up->port);
	struct arena *arena = arena_new(256);
	struct ln_jid jid;
	struct port_bound bound = { .session = 7, .jid = &jid };

	kit_port = up->port;
	if (kit_refuses)
		bound = (struct port_bound){ .error = LN_ERR_CONFLICT, .text = "taken" };
	else
		ln_jid_make(arena, "anna", KIT_HOST, up->bind.resource ? up->bind.resource : "made",
		    &jid);
	port->ops->bound(port, &bound);
	arena_free(&arena);
}

static void
answer_resume(struct up *up)
{
	struct port *port = port_find(up->port);
	struct arena *arena = arena_new(256);
	struct ln_jid jid;
	const struct port_resumed resumed = { 8, &jid, up->resume.previd, 5 };

	kit_port = up->port;
	ln_jid_make(arena, "anna", KIT_HOST, "old", &jid);
	if (kit_refuses)
		port->ops->failed(port, LN_ERR_ITEM_NOT_FOUND, true, 3);
	else
		port->ops->resumed(port, &resumed);
	arena_free(&arena);
}

static void
handle_up(struct entity *entity, struct up *up)
{
	struct port *port = port_find(up->port);
	struct port_enabled enabled = { NULL, 600 };

	(void)entity;
	if (port == NULL && up->kind != UP_DETACH)
		return; /* the stream ended in the same turn */
	switch (up->kind) {
	case UP_BIND:
		note("bind %s %s", up->account.full, up->bind.resource ? up->bind.resource : "-");
		if (!kit_silent)
			answer_bind(up);
		break;
	case UP_ENABLE:
		note("enable %d", up->enable.resume);
		enabled.id = up->enable.resume ? "sm1" : NULL;
		port->ops->enabled(port, &enabled);
		break;
	case UP_RESUME:
		note("resume %s %u", up->resume.previd, up->resume.h);
		if (!kit_silent)
			answer_resume(up);
		break;
	case UP_ACKED:
		note("acked %u%s", up->acked.h, up->acked.by_kernel ? " kernel" : "");
		break;
	case UP_ASKED:
		note("asked");
		port->ops->ack(port, 42);
		break;
	case UP_NONZA:
		note("nonza %s", ln_elem_name(up->nonza.elem));
		break;
	case UP_ANSWERED:
		note("answered %s",
		    up->answered.reply != NULL ? ln_type_name(ln_type(up->answered.reply)) : "-");
		if (up->answered.reply != NULL)
			port->ops->send(port, up->answered.reply);
		break;
	case UP_DETACH:
		note("detach %s", up->detach.closed ? "closed" : "lost");
		break;
	}
}

static void
handle_stanza(struct entity *entity, struct ln_stanza *st, uint64_t port)
{
	(void)entity;
	(void)port;
	note("stanza %s %s", ln_type_name(ln_type(st)), ln_id(st) != NULL ? ln_id(st) : "-");
	ln_stanza_free(&st);
}

const char *
kit_ups(void)
{
	static char *taken;

	free(taken);
	taken = ups.data != NULL ? buf_take(&ups) : NULL;
	return taken != NULL ? taken : "";
}

struct port *
kit_find_port(void)
{
	worker_enter(worker_get(kit_port.worker));
	return port_find(kit_port);
}

/* --- the host ----------------------------------------------------------------------------- */

static void
snapshot_free(struct snapshot *snapshot)
{
	struct arena *arena = snapshot->arena;

	HASH_CLEAR(hh, snapshot->hosts);
	arena_free(&arena);
	free(snapshot);
}

static enum ln_verdict
take_nonza(const struct ln_mod *mod, struct ln_ev_session_nonza *ev)
{
	(void)mod;
	(void)ev;
	return LN_PASS;
}

static void
add_host(struct snapshot *snapshot)
{
	static const struct ln_module *const defs[] = { &trust_module, &ln_module_sasl_plain,
		&ln_module_sasl_scram };
	struct ln_host *host = arena_zalloc(snapshot->arena, sizeof *host);
	struct ln_mod *mods = arena_zalloc(snapshot->arena, 3 * sizeof *mods);
	struct hook_entry *entry = arena_zalloc(snapshot->arena, sizeof *entry);

	host->name = KIT_HOST;
	host->snapshot = snapshot;
	host->clients = kit_conf.clients;
	host->node_ops = host->domain_ops = &entity_kit_ops;
	host->mod_count = 3;
	host->mods = arena_zalloc(snapshot->arena, 3 * sizeof *host->mods);
	for (unsigned i = 0; i < 3; i++) {
		mods[i].def = defs[i];
		mods[i].host = host;
		mods[i].conf = arena_zalloc(snapshot->arena, 256);
		host->mods[i] = &mods[i];
	}
	entry->mod = &mods[0];
	entry->fn.session_nonza = take_nonza;
	host->chains[LN_EV_session_nonza] = (struct hook_chain){ 1, entry };
	ln_jid_make(snapshot->arena, NULL, KIT_HOST, NULL, &host->jid);
	HASH_ADD_KEYPTR(hh, snapshot->hosts, host->name, strlen(host->name), host);
}

void
kit_publish(bool with_host)
{
	struct snapshot *snapshot = xcalloc(1, sizeof *snapshot);

	atomic_init(&snapshot->refs, 1);
	snapshot->arena = arena_new(1024);
	snapshot->free = snapshot_free;
	snapshot->core = kit_conf;
	snapshot->core.tls = tls;
	if (with_host)
		add_host(snapshot);
	snapshot_publish(snapshot);
	snapshot_unref(&snapshot);
	kit_turn();
	kit_turn();
}

/* --- a certificate --------------------------------------------------------------------------- */

static void
write_pem(const char *name, EVP_PKEY *key, X509 *certificate)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *file = fopen(path, "w");

	if (certificate != NULL)
		PEM_write_X509(file, certificate);
	else
		PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
	fclose(file);
}

static void
report(const char *file, const char *reason, void *arg)
{
	(void)arg;
	ck_abort_msg("%s: %s", file != NULL ? file : "-", reason);
}

static void
make_tls(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x509 = X509_new();
	X509_EXTENSION *names =
	    X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:" KIT_HOST);
	const struct tls_config config = { .directory = dir };

	X509_set_version(x509, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
	X509_gmtime_adj(X509_getm_notBefore(x509), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x509), 86400);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
	    (const unsigned char *)KIT_HOST, -1, -1, 0);
	X509_set_issuer_name(x509, X509_get_subject_name(x509));
	X509_set_pubkey(x509, key);
	X509_add_ext(x509, names, -1);
	X509_sign(x509, key, EVP_sha256());
	write_pem(KIT_HOST ".crt", NULL, x509);
	write_pem(KIT_HOST ".key", key, NULL);
	X509_EXTENSION_free(names);
	X509_free(x509);
	EVP_PKEY_free(key);
	tls = tls_load(&config, report, NULL);
	ck_assert_ptr_nonnull(tls);
}

/* There is no listener that counts connections before login; they are given back all the same. */
static int taken;

void
listener_quota_release(void)
{
	taken--;
}

/* --- start and stop -------------------------------------------------------------------------- */

static void
default_conf(void)
{
	const struct core_conf defaults = {
		.stanza_max = 256 * 1024,
		.stanza_max_early = 16 * 1024,
		.auth_timeout_ms = 30000,
		.scram_iterations = 4096,
		.memory = 64 << 20,
		.clients = { .tls_required = kit_with_tls, .channel_binding = true },
	};
	struct core_conf set = kit_conf;

	kit_conf = defaults;
	kit_conf.connections_per_address = set.connections_per_address;
	kit_conf.login_per_account = set.login_per_account;
	kit_conf.login_per_address = set.login_per_address;
	kit_conf.c2s_rate = set.c2s_rate;
}

void
kit_start(unsigned workers)
{
	char *error = NULL;
	struct store_conf conf = { .dir = dir };
	struct xmpp_needs needs;

	snprintf(dir, sizeof dir, "%s", "/tmp/linnet-client-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	store = store_open(&conf, NULL, 0, &error);
	ck_assert_msg(store != NULL, "%s", error);
	hold_init();
	entity_init();
	host_init();
	port_init();
	work_init(store);
	up_handler = handle_up;
	up_stanza_handler = handle_stanza;
	crypto = pool_new("crypto", 1, 16);
	needs = (struct xmpp_needs){ store, crypto };
	xmpp_init(&needs);
	workers_start_unthreaded(workers);
	if (kit_with_tls)
		make_tls();
	default_conf();
	kit_publish(true);
}

void
kit_turn(void)
{
	entity_kit_turn();
}

static void
wait_a_little(void)
{
	const struct timespec ms = { 0, 1000000 };

	kit_turn();
	nanosleep(&ms, NULL);
}

void
kit_stop(void)
{
	char command[128];

	for (int i = 0; i < 2000 && streams_count() > 0; i++)
		wait_a_little();
	ck_assert_uint_eq(streams_count(), 0);
	ck_assert_int_eq(taken, 0);
	pool_free(&crypto);
	store_close(&store);
	workers_stop();
	tls_unref(&tls);
	buf_free(&ups);
	snprintf(command, sizeof command, "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

void
kit_add_account(const char *name)
{
	struct store_job *job = store_job_new(store, "test");
	struct ln_credentials credentials;
	char jid[128];
	unsigned step;

	snprintf(jid, sizeof jid, "%s@%s", name, KIT_HOST);
	ln_credentials_derive(&credentials, KIT_PASSWORD, strlen(KIT_PASSWORD), 4096);
	step = store_entity_create(job, STORE_ACCOUNT, jid, 0);
	for (unsigned i = 0; i < LN_SCRAM_HASHES; i++) {
		const struct ln_scram_keys *keys = &credentials.scram[i];
		const struct store_credential stored = {
			.hash = ln_scram_hash_name((enum ln_scram_hash)i),
			.iterations = keys->iterations,
			.salt = keys->salt,
			.salt_len = keys->salt_len,
			.stored_key = keys->stored_key,
			.server_key = keys->server_key,
			.key_len = ln_scram_key_len((enum ln_scram_hash)i),
		};

		store_credential_set(job, store_from(step, 0), &stored);
	}
	ck_assert_int_eq(store_run_write(job), STORE_OK);
	store_job_free(&job);
}

/* --- peers -------------------------------------------------------------------------------------- */

static struct peer *
connect_to(unsigned worker, void (*accept)(int, const struct netaddr *, void *))
{
	struct peer *peer = xcalloc(1, sizeof *peer);
	struct netaddr addr = { .in = { .sin_family = AF_INET } };
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	peer->fd = fds[0];
	addr.in.sin_addr.s_addr = htonl(0xc0000201);
	worker_enter(worker_get(worker));
	taken++;
	accept(fds[1], &addr, NULL);
	return peer;
}

struct peer *
peer_new(unsigned worker)
{
	return connect_to(worker, c2s_accept);
}

struct peer *
peer_new_tls(unsigned worker, const char *alpn)
{
	struct peer *peer = connect_to(worker, c2s_accept_tls);

	if (!peer_handshake(peer, alpn))
		peer->ended = true;
	return peer;
}

void
peer_free(struct peer **peer_p)
{
	struct peer *peer = *peer_p;

	*peer_p = NULL;
	SSL_free(peer->ssl);
	close(peer->fd);
	buf_free(&peer->in);
	free(peer);
	for (int i = 0; i < 5; i++)
		kit_turn();
}

void
peer_send(struct peer *peer, const char *text)
{
	size_t len = strlen(text), done = 0;

	while (done < len && !peer->ended) {
		ssize_t got = peer->ssl != NULL
		    ? SSL_write(peer->ssl, text + done, (int)(len - done))
		    : send(peer->fd, text + done, len - done, MSG_NOSIGNAL);

		if (got > 0)
			done += (size_t)got;
		else if (peer->ssl == NULL && errno != EAGAIN)
			break;
		kit_turn();
	}
}

static void
receive(struct peer *peer)
{
	char bytes[8192];
	ssize_t got;

	for (;;) {
		got = peer->ssl != NULL ? SSL_read(peer->ssl, bytes, sizeof bytes)
					: recv(peer->fd, bytes, sizeof bytes, 0);
		if (got < 0 && peer->ssl == NULL && errno == ECONNRESET)
			continue; /* what came before is still there */
		if (got <= 0)
			break;
		buf_add(&peer->in, bytes, (size_t)got);
	}
	if (peer->ssl != NULL) {
		int error = SSL_get_error(peer->ssl, (int)got);

		peer->ended |= error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE;
	} else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
		peer->ended = true;
	}
}

void
peer_expect(struct peer *peer, const char *text)
{
	for (int i = 0; i < 2000; i++) {
		const char *at;

		kit_turn();
		receive(peer);
		at = peer->in.data != NULL ? strstr(peer->in.data, text) : NULL;
		if (at != NULL) {
			buf_consume(&peer->in, (size_t)(at - peer->in.data) + strlen(text));
			return;
		}
		if (peer->ended)
			break;
		wait_a_little();
	}
	ck_abort_msg("not sent: %s\nbut: %.2000s%s", text,
	    peer->in.len > 2000         ? peer->in.data + peer->in.len - 2000
		: peer->in.data != NULL ? peer->in.data
					: "",
	    peer->ended ? " [end]" : "");
}

void
peer_expect_end(struct peer *peer)
{
	for (int i = 0; i < 2000 && !peer->ended; i++) {
		wait_a_little();
		receive(peer);
	}
	ck_assert(peer->ended);
}

void
peer_quiet(struct peer *peer)
{
	for (int i = 0; i < 20; i++)
		wait_a_little();
	receive(peer);
	ck_assert_msg(peer->in.len == 0, "sent: %s", peer->in.data);
}

bool
peer_handshake(struct peer *peer, const char *alpn)
{
	static SSL_CTX *ctx;
	unsigned char protocols[64];

	if (ctx == NULL)
		ctx = SSL_CTX_new(TLS_client_method());
	peer->ssl = SSL_new(ctx);
	SSL_set_fd(peer->ssl, peer->fd);
	SSL_set_tlsext_host_name(peer->ssl, KIT_HOST);
	if (alpn != NULL) {
		protocols[0] = (unsigned char)strlen(alpn);
		memcpy(protocols + 1, alpn, strlen(alpn));
		SSL_set_alpn_protos(peer->ssl, protocols, (unsigned)strlen(alpn) + 1);
	}
	for (int i = 0; i < 2000; i++) {
		int done = SSL_connect(peer->ssl);
		int error = SSL_get_error(peer->ssl, done);

		if (done == 1)
			return true;
		if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
			return false;
		wait_a_little();
	}
	return false;
}

void
peer_login(struct peer *peer, const char *name)
{
	char text[512], encoded[256];

	peer_send(peer, KIT_HEADER);
	peer_expect(peer, "</stream:features>");
	base64_encode(name, strlen(name), encoded);
	snprintf(text, sizeof text,
	    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='X-TRUST'>%s</auth>",
	    encoded);
	peer_send(peer, text);
	peer_expect(peer, "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>aGVsbG8=</success>");
	peer_send(peer, KIT_HEADER);
	peer_expect(peer, "</stream:features>");
}

void
peer_bind(struct peer *peer, const char *name)
{
	peer_login(peer, name);
	peer_send(peer,
	    "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
	    "<resource>r</resource></bind></iq>");
	peer_expect(peer, "</jid></bind></iq>");
	kit_ups();
}
