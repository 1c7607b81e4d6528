/*
 * Ports of bytestreams, and who has them. See linnet/bytestream.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/xalloc.h"
#include "net/bytestream.h"
#include "net/listener.h"
#include "net/worker.h"

#define PORTS_MAX 16

struct user {
	LIST_ENTRY(user) link;
	unsigned per_address;
	char service[];
};

/* The main thread's, all but `per_address`. */
static struct port {
	struct listener *listener;
	LIST_HEAD(, user) users;
	uint16_t number;
	atomic_uint per_address; /* the largest of the users' */
} ports[PORTS_MAX];

static struct port *
find_port(uint16_t number)
{
	for (int i = 0; i < PORTS_MAX; i++)
		if (ports[i].listener != NULL && ports[i].number == number)
			return &ports[i];
	return NULL;
}

static struct port *
free_port(void)
{
	for (int i = 0; i < PORTS_MAX; i++)
		if (ports[i].listener == NULL)
			return &ports[i];
	return NULL;
}

/* 0, which is any number, is the largest there is. */
static void
update(struct port *port)
{
	const struct user *user;
	unsigned most = 1;

	LIST_FOREACH(user, &port->users, link)
		if (user->per_address - 1 > most - 1)
			most = user->per_address;
	atomic_store(&port->per_address, most);
}

static struct user *
find_user(const struct port *port, const char *service)
{
	struct user *user;

	LIST_FOREACH(user, &port->users, link)
		if (strcmp(user->service, service) == 0)
			return user;
	return NULL;
}

static void
add_user(struct port *port, const char *service, unsigned per_address)
{
	size_t len = strlen(service) + 1;
	struct user *user = xcalloc(1, sizeof *user + len);

	memcpy(user->service, service, len);
	user->per_address = per_address;
	LIST_INSERT_HEAD(&port->users, user, link);
	update(port);
}

static struct port *
open_port(uint16_t number, char *error)
{
	const struct listener_options options = { 0 };
	struct port *port = free_port();
	char address[16];

	if (port == NULL) {
		snprintf(error, LISTENER_ERROR_MAX, "too many ports");
		return NULL;
	}
	snprintf(address, sizeof address, "*:%u", number);
	port->listener =
	    listener_open(address, &options, bytestream_accept, &port->per_address, error);
	if (port->listener == NULL)
		return NULL;
	port->number = number;
	return port;
}

bool
ln_bytestream_listen(uint16_t number, const char *service, unsigned per_address, char *message,
    size_t room)
{
	char error[LISTENER_ERROR_MAX];
	struct port *port = find_port(number);
	bool is_new = port == NULL;

	if (is_new)
		port = open_port(number, error);
	if (port == NULL) {
		snprintf(message, room, "cannot listen on *:%u: %s", number, error);
		return false;
	}
	add_user(port, service, per_address);
	if (is_new)
		listener_start(port->listener);
	return true;
}

void
ln_bytestream_unlisten(uint16_t number, const char *service)
{
	struct port *port = find_port(number);
	struct user *user;

	if (port == NULL)
		return;
	user = find_user(port, service);
	if (user != NULL)
		LIST_REMOVE(user, link);
	update(port);
	free(user);
	if (LIST_EMPTY(&port->users))
		listener_close(&port->listener);
}

struct allowing {
	struct post post;
	uint16_t number;
	unsigned per_address;
	char service[];
};

static void
allow(struct worker *worker, struct post *post)
{
	struct allowing *allowing = (struct allowing *)post;
	struct port *port = find_port(allowing->number);
	struct user *user = port != NULL ? find_user(port, allowing->service) : NULL;

	(void)worker;
	if (user != NULL) {
		user->per_address = allowing->per_address;
		update(port);
	}
	free(allowing);
}

void
ln_bytestream_allow(uint16_t number, const char *service, unsigned per_address)
{
	size_t len = strlen(service) + 1;
	struct allowing *allowing = xcalloc(1, sizeof *allowing + len);

	allowing->number = number;
	allowing->per_address = per_address;
	memcpy(allowing->service, service, len);
	allowing->post.run = allow;
	worker_post(worker_main(), &allowing->post);
}
