/*
 * Socket addresses. See netaddr.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/netaddr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The IPv4 address, also if it comes mapped into IPv6 (RFC 4291 §2.5.5.2). */
static const void *
ipv4(const struct netaddr *addr)
{
	if (addr->sa.sa_family == AF_INET)
		return &addr->in.sin_addr;
	if (addr->sa.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&addr->in6.sin6_addr))
		return addr->in6.sin6_addr.s6_addr + 12;
	return NULL;
}

char *
netaddr_host_text(const struct netaddr *addr, char out[NETADDR_TEXT_MAX])
{
	const void *v4 = ipv4(addr);

	if (v4 != NULL)
		inet_ntop(AF_INET, v4, out, NETADDR_TEXT_MAX);
	else if (addr->sa.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &addr->in6.sin6_addr, out, NETADDR_TEXT_MAX);
	else
		snprintf(out, NETADDR_TEXT_MAX, "%s",
		    addr->sa.sa_family == AF_UNIX ? "local" : "unknown");
	return out;
}

char *
netaddr_text(const struct netaddr *addr, char out[NETADDR_TEXT_MAX])
{
	char host[NETADDR_TEXT_MAX];

	netaddr_host_text(addr, host);
	if (ipv4(addr) != NULL)
		snprintf(out, NETADDR_TEXT_MAX, "%.46s:%u", host, netaddr_port(addr));
	else if (addr->sa.sa_family == AF_INET6)
		snprintf(out, NETADDR_TEXT_MAX, "[%.46s]:%u", host, netaddr_port(addr));
	else
		memcpy(out, host, sizeof host);
	return out;
}

size_t
netaddr_key(const struct netaddr *addr, uint8_t key[NETADDR_KEY_MAX])
{
	const void *v4 = ipv4(addr);

	if (v4 != NULL) {
		key[0] = 4;
		memcpy(key + 1, v4, 4);
		return 5;
	}
	key[0] = addr->sa.sa_family == AF_INET6 ? 6 : 0;
	if (key[0] == 0)
		return 1;
	memcpy(key + 1, &addr->in6.sin6_addr, 8);
	return 9;
}

uint16_t
netaddr_port(const struct netaddr *addr)
{
	if (addr->sa.sa_family == AF_INET)
		return ntohs(addr->in.sin_port);
	return addr->sa.sa_family == AF_INET6 ? ntohs(addr->in6.sin6_port) : 0;
}

void
netaddr_set_port(struct netaddr *addr, uint16_t port)
{
	if (addr->sa.sa_family == AF_INET)
		addr->in.sin_port = htons(port);
	else if (addr->sa.sa_family == AF_INET6)
		addr->in6.sin6_port = htons(port);
}

socklen_t
netaddr_len(const struct netaddr *addr)
{
	if (addr->sa.sa_family == AF_INET)
		return sizeof addr->in;
	return addr->sa.sa_family == AF_INET6 ? sizeof addr->in6 : sizeof addr->sa;
}

void
netaddr_set(struct netaddr *addr, const struct sockaddr *sa)
{
	memset(addr, 0, sizeof *addr);
	if (sa == NULL)
		return;
	if (sa->sa_family == AF_INET)
		memcpy(&addr->in, sa, sizeof addr->in);
	else if (sa->sa_family == AF_INET6)
		memcpy(&addr->in6, sa, sizeof addr->in6);
	else if (sa->sa_family == AF_UNIX)
		addr->sa.sa_family = AF_UNIX;
}

static bool
parse_port(const char *text, uint16_t *port_r)
{
	unsigned long port;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	port = strtoul(text, &end, 10);
	*port_r = (uint16_t)port;
	return *end == '\0' && port <= 65535;
}

static bool
parse_host(struct netaddr *addr, const char *text, size_t len)
{
	char host[INET6_ADDRSTRLEN];
	bool v6 = len >= 2 && text[0] == '[' && text[len - 1] == ']';

	if (v6)
		text++, len -= 2;
	if (len == 0 || len >= sizeof host)
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	memset(addr, 0, sizeof *addr);
	addr->sa.sa_family = v6 ? AF_INET6 : AF_INET;
	return inet_pton(addr->sa.sa_family, host,
		   v6 ? (void *)&addr->in6.sin6_addr : (void *)&addr->in.sin_addr) == 1;
}

bool
netaddr_parse(struct netaddr *addr, const char *text)
{
	const char *colon = strrchr(text, ':');
	uint16_t port;

	if (colon == NULL || !parse_port(colon + 1, &port) ||
	    !parse_host(addr, text, (size_t)(colon - text)))
		return false;
	netaddr_set_port(addr, port);
	return true;
}
