/*
 * HTTP for the modules. See web.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/web.h"

#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/metrics.h"
#include "core/host.h"
#include "core/idna.h"
#include "core/limit.h"
#include "linnet/http.h"
#include "net/http.h"
#include "net/listener.h"

enum { TOO_MANY };
static const struct metric_row rows[] = {
	[TOO_MANY] = { "too_many_total", METRIC_COUNTER,
	    "Connections refused because their address has too many." },
};
METRICS(metrics, "web", rows);

/* --- whose path it is ----------------------------------------------------------------------- */

struct found {
	const struct ln_mod *mod;
	const struct ln_http_route *route;
	unsigned rank;
	unsigned methods; /* of all routes at the path, for Allow */
};

static bool
has_path(const struct ln_http_route *route, const char *path)
{
	size_t len = strlen(route->path);

	if (route->path[len - 1] == '/')
		return strncmp(path, route->path, len) == 0;
	return strcmp(path, route->path) == 0;
}

/* Those of the host that is asked for come first, then those of its components' host. */
static unsigned
rank_of(const struct ln_mod *mod, const char *host)
{
	const struct ln_host *own = mod->host;

	if (own != NULL && strcmp(own->name, host) == 0)
		return 3;
	if (own != NULL && own->parent != NULL && strcmp(own->parent->name, host) == 0)
		return 2;
	return 1;
}

static bool
fits(const struct ln_http_route *route, unsigned rank, const struct ln_http *http)
{
	return (rank == 3 || !route->own_host) && has_path(route, ln_http_path(http));
}

static void
consider(struct found *found, const struct ln_mod *mod, const struct ln_http *http,
    const char *host)
{
	const struct ln_http_route *route = mod->def->routes;
	unsigned rank = rank_of(mod, host);

	if (rank < found->rank)
		return;
	for (; route != NULL && route->path != NULL; route++) {
		if (!fits(route, rank, http))
			continue;
		if (rank > found->rank)
			*found = (struct found){ .rank = rank };
		found->methods |= route->methods;
		if ((route->methods & ln_http_method(http)) && found->route == NULL) {
			found->mod = mod;
			found->route = route;
		}
	}
}

static void
refuse_method(struct ln_http *http, unsigned methods)
{
	static const struct {
		unsigned method;
		const char *name;
	} names[] = { { LN_HTTP_GET, "GET" }, { LN_HTTP_HEAD, "HEAD" }, { LN_HTTP_PUT, "PUT" },
		{ LN_HTTP_POST, "POST" }, { LN_HTTP_DELETE, "DELETE" },
		{ LN_HTTP_OPTIONS, "OPTIONS" } };
	struct buf allow = BUF_INIT;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (methods & names[i].method)
			buf_printf(&allow, "%s%s", allow.len > 0 ? ", " : "", names[i].name);
	ln_http_set(http, "Allow", allow.len > 0 ? allow.data : "");
	buf_free(&allow);
	ln_http_fail(http, 405, "That cannot be done with it.");
}

static void
release(void *arg)
{
	struct snapshot *snapshot = arg;

	snapshot_unref(&snapshot);
}

static void
handle_request(struct ln_http *http)
{
	const struct snapshot *snapshot = snapshot_current();
	struct found found = { 0 };
	char host[IDNA_OUT_MAX + 1];
	size_t len;

	/* Browsers ask for A-labels; "" is nobody's name. */
	if (idna_domain(ln_http_host(http), strlen(ln_http_host(http)), host, &len) != IDNA_OK)
		host[0] = '\0';
	for (unsigned i = 0; i < snapshot->mod_count; i++)
		consider(&found, snapshot->mods[i], http, host);
	if (found.rank == 0) {
		ln_http_fail(http, 404, "There is nothing here.");
	} else if (found.route == NULL) {
		refuse_method(http, found.methods);
	} else {
		http_keep(http, release, snapshot_ref((struct snapshot *)snapshot));
		found.route->handle(found.mod, http);
	}
}

/* --- connections -------------------------------------------------------------------------------- */

static bool
is_trusted(const struct netaddr *peer)
{
	const struct ln_list *trusted = snapshot_current()->core.trusted_proxies;
	char text[NETADDR_TEXT_MAX];

	netaddr_host_text(peer, text);
	for (size_t i = 0; trusted != NULL && i < trusted->count; i++)
		if (strcmp(ln_list_text(trusted, i), text) == 0)
			return true;
	return false;
}

static size_t
address_key(const struct netaddr *peer, uint8_t key[NETADDR_KEY_MAX + 1])
{
	key[0] = 'h';
	return netaddr_key(peer, key + 1) + 1;
}

static void
closed(const struct netaddr *peer)
{
	uint8_t key[NETADDR_KEY_MAX + 1];

	limit_give(key, address_key(peer, key));
	listener_quota_release();
}

static struct http_times
times(void)
{
	const struct core_conf *core = &snapshot_current()->core;

	return (struct http_times){ core->http_head_ms, core->http_idle_ms, core->http_stall_ms };
}

static const struct http_service service = { handle_request, is_trusted, closed, times };

static void
accept_one(int fd, const struct netaddr *peer, struct tls *tls)
{
	unsigned max = is_trusted(peer) ? 0 : snapshot_current()->core.connections_per_address;
	uint8_t key[NETADDR_KEY_MAX + 1];

	if (limit_hold(key, address_key(peer, key), max)) {
		http_accept(fd, peer, tls, &service);
		return;
	}
	metric_inc(metrics, TOO_MANY);
	close(fd);
	listener_quota_release();
}

void
web_accept(int fd, const struct netaddr *peer, void *arg)
{
	(void)arg;
	accept_one(fd, peer, NULL);
}

void
web_accept_tls(int fd, const struct netaddr *peer, void *arg)
{
	struct tls *tls = snapshot_current()->core.tls;

	(void)arg;
	if (tls == NULL) {
		close(fd);
		listener_quota_release();
		return;
	}
	accept_one(fd, peer, tls);
}

void
web_init(struct pool *files)
{
	http_init(files);
}

void
web_close(void)
{
	http_init(NULL);
}
