/*
 * Listeners of the daemon. See listeners.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/listeners.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "base/xalloc.h"
#include "net/listener.h"
#include "server/config.h"
#include "server/web.h"
#include "xmpp/c2s.h"
#include "xmpp/component.h"
#include "xmpp/s2s.h"

#define SPOTS_MAX 64
#define PASSED_MAX 64
#define SOCKETS_MAX 2 /* of one address: "*" may be passed as two */

struct service {
	size_t list; /* in struct config_listen */
	listener_started_fn started;
};

static const struct service services[] = {
	{ offsetof(struct config_listen, c2s), c2s_accept },
	{ offsetof(struct config_listen, c2s_tls), c2s_accept_tls },
	{ offsetof(struct config_listen, http), web_accept },
	{ offsetof(struct config_listen, https), web_accept_tls },
	{ offsetof(struct config_listen, s2s), s2s_accept },
	{ offsetof(struct config_listen, s2s_tls), s2s_accept_tls },
	{ offsetof(struct config_listen, component), component_accept },
};

struct spot {
	char *address; /* as it was written */
	const struct service *service;
	struct listener_options options;
	struct listener *listeners[SOCKETS_MAX];
	bool kept;  /* in `now`: its sockets are in `next` as well */
	bool fresh; /* in `next`: they are not in `now` */
};

struct spots {
	struct spot spot[SPOTS_MAX];
	unsigned count;
};

static struct spots now, next;

/* --- what systemd hands over -------------------------------------------------- */

static struct {
	int fds[PASSED_MAX];
	struct netaddr addresses[PASSED_MAX];
	unsigned count;
	bool asked;
} passed;

static void
add_passed(int fd)
{
	struct sockaddr_storage storage;
	socklen_t len = sizeof storage;
	struct netaddr *address = &passed.addresses[passed.count];

	if (getsockname(fd, (struct sockaddr *)&storage, &len) != 0 || passed.count == PASSED_MAX) {
		close(fd);
		return;
	}
	netaddr_set(address, (struct sockaddr *)&storage);
	passed.fds[passed.count++] = fd;
}

static void
ask_systemd(void)
{
	if (passed.asked)
		return;
	passed.asked = true;
#ifdef HAVE_SYSTEMD
	int count = sd_listen_fds(1);

	for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + count; fd++)
		add_passed(fd);
#endif
}

static bool
is_any(const struct netaddr *address)
{
	static const struct in6_addr any6;

	if (address->sa.sa_family == AF_INET)
		return address->in.sin_addr.s_addr == htonl(INADDR_ANY);
	return address->sa.sa_family == AF_INET6 &&
	    memcmp(&address->in6.sin6_addr, &any6, sizeof any6) == 0;
}

/* "*:5222" stands for every socket of that port that is bound to no address. */
static bool
is_at(const struct netaddr *address, const char *text)
{
	struct netaddr wanted;
	char one[NETADDR_TEXT_MAX], other[NETADDR_TEXT_MAX];

	if (strncmp(text, "*:", 2) == 0)
		return is_any(address) && netaddr_port(address) == strtoul(text + 2, NULL, 10);
	return netaddr_parse(&wanted, text) &&
	    strcmp(netaddr_text(address, one), netaddr_text(&wanted, other)) == 0;
}

static bool
adopt(struct spot *spot)
{
	unsigned found = 0;

	for (unsigned i = 0; i < passed.count && found < SOCKETS_MAX; i++) {
		if (passed.fds[i] < 0 || !is_at(&passed.addresses[i], spot->address))
			continue;
		spot->listeners[found++] =
		    listener_adopt(passed.fds[i], &spot->options, spot->service->started, NULL);
		passed.fds[i] = -1;
	}
	return found > 0;
}

static void
close_passed(void)
{
	char text[NETADDR_TEXT_MAX];

	for (unsigned i = 0; i < passed.count; i++) {
		if (passed.fds[i] < 0)
			continue;
		fprintf(stderr,
		    "linnetd: the socket of systemd at %s is not used: no such address in "
		    "`listen`\n",
		    netaddr_text(&passed.addresses[i], text));
		close(passed.fds[i]);
	}
	passed.count = 0;
}

/* --- spots -------------------------------------------------------------------- */

static void
spot_free(struct spot *spot, bool close_sockets)
{
	for (unsigned i = 0; i < SOCKETS_MAX && close_sockets; i++)
		listener_close(&spot->listeners[i]);
	free(spot->address);
}

/* The address as it is now; its own service's rather than another's ("127.0.0.1:0" may be twice). */
static struct spot *
find_now(const char *address, const struct service *service)
{
	for (unsigned i = 0; i < now.count; i++) {
		struct spot *spot = &now.spot[i];

		if (!spot->kept && (service == NULL || spot->service == service) &&
		    strcmp(spot->address, address) == 0)
			return spot;
	}
	return service != NULL ? find_now(address, NULL) : NULL;
}

static bool
open_spot(struct spot *spot, char **error_r)
{
	struct spot *old = find_now(spot->address, spot->service);
	char error[LISTENER_ERROR_MAX];

	if (old != NULL) {
		memcpy(spot->listeners, old->listeners, sizeof spot->listeners);
		old->kept = true;
		return true;
	}
	spot->fresh = true;
	if (adopt(spot))
		return true;
	spot->listeners[0] =
	    listener_open(spot->address, &spot->options, spot->service->started, NULL, error);
	if (spot->listeners[0] == NULL)
		*error_r = xstrdup(error);
	return spot->listeners[0] != NULL;
}

static bool
prepare_service(const struct service *service, const struct ln_list *addresses, char **error_r)
{
	for (size_t i = 0; i < addresses->count; i++) {
		const struct config_listen_address *where =
		    &LN_ITEM(addresses, struct config_listen_address, i);
		struct spot *spot;

		if (next.count == SPOTS_MAX) {
			*error_r =
			    xasprintf("%s: more than %d addresses", where->address.text, SPOTS_MAX);
			return false;
		}
		spot = &next.spot[next.count++];
		*spot = (struct spot){ .address = xstrdup(where->address.text),
			.service = service,
			.options.proxy = where->proxy_protocol };
		if (!open_spot(spot, error_r))
			return false;
	}
	return true;
}

bool
listeners_prepare(const struct config *config, char **error_r)
{
	const char *base = (const char *)&config->listen;

	ask_systemd();
	for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
		const void *list = base + services[i].list;

		if (!prepare_service(&services[i], list, error_r)) {
			listeners_abandon();
			return false;
		}
	}
	close_passed();
	return true;
}

void
listeners_abandon(void)
{
	while (next.count > 0) {
		struct spot *spot = &next.spot[--next.count];

		spot_free(spot, spot->fresh);
	}
	for (unsigned i = 0; i < now.count; i++)
		now.spot[i].kept = false;
}

static void
begin(const struct spot *spot)
{
	for (unsigned i = 0; i < SOCKETS_MAX; i++) {
		struct listener *listener = spot->listeners[i];

		if (listener != NULL && spot->fresh)
			listener_start(listener);
		else if (listener != NULL)
			listener_set(listener, &spot->options, spot->service->started);
	}
}

void
listeners_commit(void)
{
	while (now.count > 0) {
		struct spot *spot = &now.spot[--now.count];

		spot_free(spot, !spot->kept);
	}
	for (unsigned i = 0; i < next.count; i++) {
		begin(&next.spot[i]);
		next.spot[i].fresh = false;
	}
	now = next;
	next.count = 0;
}

void
listeners_close(void)
{
	listeners_abandon();
	while (now.count > 0)
		spot_free(&now.spot[--now.count], true);
}
