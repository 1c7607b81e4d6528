/*
 * Socket addresses: IPv4, IPv6 or a local socket, in 28 bytes.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_NET_NETADDR_H
#define LN_NET_NETADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct netaddr {
	union {
		struct sockaddr sa; /* AF_UNSPEC: not known; AF_UNIX: a local socket */
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
};

#define NETADDR_TEXT_MAX 64

/* "192.0.2.1:5222", "[2001:db8::1]:5222", "local"; returns `out`. IPv4-mapped shows as IPv4. */
char *netaddr_text(const struct netaddr *addr, char out[NETADDR_TEXT_MAX]);

/* The same without the port. */
char *netaddr_host_text(const struct netaddr *addr, char out[NETADDR_TEXT_MAX]);

#define NETADDR_KEY_MAX 9

/* What limits per address count by: the IPv4 address or the IPv6 /64. Returns the key's length. */
size_t netaddr_key(const struct netaddr *addr, uint8_t key[NETADDR_KEY_MAX]);

uint16_t netaddr_port(const struct netaddr *addr);
void netaddr_set_port(struct netaddr *addr, uint16_t port);
socklen_t netaddr_len(const struct netaddr *addr);

/* Copies what accept() and the like gave; other families become AF_UNSPEC. */
void netaddr_set(struct netaddr *addr, const struct sockaddr *sa);

/*
 * "192.0.2.1:5222", "[::1]:5222". Numbers only; false if it is anything else.
 * "*" is not an address: see listener.h.
 */
bool netaddr_parse(struct netaddr *addr, const char *text);

#endif
