/*
 * linnetctl check: ports. One that can be bound is free; one that cannot may be
 * the running server's own, which the kernel's tables tell (proc(5)).
 *
 * SPDX-License-Identifier: MIT
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "net/listener.h"
#include "server/ctl_check.h"

enum owner { OWNER_SERVER, OWNER_OTHER, OWNER_UNKNOWN };

/* --- whose is it? ------------------------------------------------------------------------ */

#define LISTENS 0x0a

/* Has the process this socket open? */
static enum owner
holds_socket(long process, unsigned long inode)
{
	char *path = xasprintf("/proc/%ld/fd", process);
	DIR *directory = opendir(path);
	enum owner owner = directory != NULL ? OWNER_OTHER : OWNER_UNKNOWN;
	char wanted[64], found[64];
	struct dirent *entry;

	free(path);
	if (directory == NULL)
		return owner;
	snprintf(wanted, sizeof wanted, "socket:[%lu]", inode);
	while (owner == OWNER_OTHER && (entry = readdir(directory)) != NULL) {
		ssize_t len = readlinkat(dirfd(directory), entry->d_name, found, sizeof found - 1);

		if (len <= 0)
			continue;
		found[len] = '\0';
		if (strcmp(found, wanted) == 0)
			owner = OWNER_SERVER;
	}
	closedir(directory);
	return owner;
}

/* "0: 0100007F:1466 00000000:0000 0A ... INODE ...": a row of a table, in hexadecimal digits. */
enum { LOCAL = 1, STATE = 3, INODE = 9, FIELDS };

struct row {
	unsigned long port, state, inode;
};

static bool
read_row(char *line, struct row *row)
{
	char *fields[FIELDS], *rest = NULL, *port;

	for (unsigned i = 0; i < FIELDS; i++) {
		fields[i] = strtok_r(i == 0 ? line : NULL, " ", &rest);
		if (fields[i] == NULL)
			return false;
	}
	port = strrchr(fields[LOCAL], ':');
	if (port == NULL)
		return false;
	row->port = strtoul(port + 1, NULL, 16);
	row->state = strtoul(fields[STATE], NULL, 16);
	row->inode = strtoul(fields[INODE], NULL, 10);
	return true;
}

/* Looks through one table for listeners on this port. */
static enum owner
search_table(const char *table, unsigned port, long process, enum owner owner)
{
	FILE *file = fopen(table, "re");
	struct row row;
	char line[512];

	while (file != NULL && owner != OWNER_SERVER && fgets(line, sizeof line, file) != NULL)
		if (read_row(line, &row) && row.port == port && row.state == LISTENS)
			owner = holds_socket(process, row.inode);
	if (file != NULL)
		fclose(file);
	return owner;
}

static enum owner
owner_of(unsigned port, long process)
{
	enum owner owner;

	if (process == 0)
		return OWNER_OTHER;
	owner = search_table("/proc/net/tcp", port, process, OWNER_UNKNOWN);
	return search_table("/proc/net/tcp6", port, process, owner);
}

/* --- one address ---------------------------------------------------------------------------- */

static void
check_taken(struct findings *findings, const char *subject, unsigned port, long server)
{
	switch (owner_of(port, server)) {
	case OWNER_SERVER:
		finding_add(findings, "ports", subject, VERDICT_OK, "the running server's");
		return;
	case OWNER_OTHER:
		finding_add(findings, "ports", subject, VERDICT_WRONG,
		    "another program listens on it");
		return;
	case OWNER_UNKNOWN:
		finding_add(findings, "ports", subject, VERDICT_NOTE,
		    "in use; whether by the running server cannot be seen by this user");
		return;
	}
}

static void
check_address(struct findings *findings, const char *service, const struct ln_address *address,
    long server)
{
	char *subject = xasprintf("%s %s", service, address->text);
	int error = address->port != 0 ? listener_try(address->text) : 0;

	if (error == 0 && server != 0 && address->port != 0)
		finding_add(findings, "ports", subject, VERDICT_NOTE,
		    "free: the running server does not listen on it; reload or restart it");
	else if (error == 0)
		finding_add(findings, "ports", subject, VERDICT_OK, "free");
	else if (error == EADDRINUSE)
		check_taken(findings, subject, (unsigned)address->port, server);
	else if (error == EACCES)
		finding_add(findings, "ports", subject, VERDICT_WRONG,
		    "below 1024 only root, or systemd on its behalf, may listen");
	else
		finding_add(findings, "ports", subject, VERDICT_WRONG, "%s",
		    error == EADDRNOTAVAIL ? "this machine has no such address" : strerror(error));
	free(subject);
}

void
check_ports(struct findings *findings, const struct config *config, long server)
{
	const struct config_listen *listen = &config->listen;
	const struct {
		const char *name;
		const struct ln_list *addresses;
	} services[] = {
		{ "c2s", &listen->c2s },
		{ "c2s-tls", &listen->c2s_tls },
		{ "s2s", &listen->s2s },
		{ "s2s-tls", &listen->s2s_tls },
		{ "http", &listen->http },
		{ "https", &listen->https },
		{ "component", &listen->component },
	};
	size_t count = 0;

	for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
		const struct ln_list *addresses = services[i].addresses;

		for (size_t k = 0; k < addresses->count; k++)
			check_address(findings, services[i].name,
			    &LN_ITEM(addresses, struct config_listen_address, k).address, server);
		count += addresses->count;
	}
	if (count == 0)
		finding_add(findings, "ports", "listen", VERDICT_NOTE,
		    "no address is given, so nobody can connect");
}
