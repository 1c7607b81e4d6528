/*
 * The PROXY protocol's header. See proxy.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/proxy.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define V1_MAX 107 /* with its CR LF */
#define V2_FIXED 16

static const char v1_start[] = "PROXY ";
static const char v2_start[] = "\r\n\r\n\0\r\nQUIT\n";

enum { V1_LEN = sizeof v1_start - 1, V2_LEN = sizeof v2_start - 1 };
enum { CMD_LOCAL, CMD_PROXY };
enum { FAMILY_TCP4 = 0x11, FAMILY_TCP6 = 0x21 };

/* --- version 1: a line of text ----------------------------------------------- */

/* Cuts the next word off; NULL if there is none. */
static char *
next_word(char **line)
{
	char *word = strsep(line, " ");

	return word == NULL || *word == '\0' ? NULL : word;
}

static bool
read_port(const char *text, uint16_t *port_r)
{
	unsigned long port;
	char *end;

	if (text == NULL || *text < '0' || *text > '9')
		return false;
	port = strtoul(text, &end, 10);
	*port_r = (uint16_t)port;
	return *end == '\0' && port <= 65535;
}

static bool
read_host(struct netaddr *addr, int family, const char *text)
{
	memset(addr, 0, sizeof *addr);
	addr->sa.sa_family = (sa_family_t)family;
	if (text == NULL)
		return false;
	if (family == AF_INET)
		return inet_pton(family, text, &addr->in.sin_addr) == 1;
	return inet_pton(family, text, &addr->in6.sin6_addr) == 1;
}

static bool
read_line(char *line, struct proxy_header *header)
{
	const char *family = next_word(&line);
	uint16_t from, to;
	int af;

	if (family == NULL)
		return false;
	if (strcmp(family, "UNKNOWN") == 0)
		return true;
	af = strcmp(family, "TCP4") == 0 ? AF_INET : strcmp(family, "TCP6") == 0 ? AF_INET6 : 0;
	if (af == 0 || !read_host(&header->peer, af, next_word(&line)) ||
	    !read_host(&header->local, af, next_word(&line)) ||
	    !read_port(next_word(&line), &from) || !read_port(next_word(&line), &to) ||
	    line != NULL)
		return false;
	netaddr_set_port(&header->peer, from);
	netaddr_set_port(&header->local, to);
	header->known = true;
	return true;
}

static enum proxy_result
parse_v1(const char *bytes, size_t len, struct proxy_header *header, size_t *used_r)
{
	char line[V1_MAX];
	const char *end = memchr(bytes, '\n', len < V1_MAX ? len : V1_MAX);
	size_t line_len;

	if (end == NULL)
		return len < V1_MAX ? PROXY_MORE : PROXY_BAD;
	line_len = (size_t)(end - bytes) - V1_LEN;
	if (end[-1] != '\r' || memchr(bytes, '\0', (size_t)(end - bytes)) != NULL)
		return PROXY_BAD;
	memcpy(line, bytes + V1_LEN, line_len);
	line[line_len - 1] = '\0';
	*used_r = (size_t)(end - bytes) + 1;
	return read_line(line, header) ? PROXY_DONE : PROXY_BAD;
}

/* --- version 2: binary ------------------------------------------------------- */

static bool
read_v4(const unsigned char *at, size_t len, struct proxy_header *header)
{
	if (len < 12)
		return false;
	header->peer.in.sin_family = header->local.in.sin_family = AF_INET;
	memcpy(&header->peer.in.sin_addr, at, 4);
	memcpy(&header->local.in.sin_addr, at + 4, 4);
	memcpy(&header->peer.in.sin_port, at + 8, 2);
	memcpy(&header->local.in.sin_port, at + 10, 2);
	return header->known = true;
}

static bool
read_v6(const unsigned char *at, size_t len, struct proxy_header *header)
{
	if (len < 36)
		return false;
	header->peer.in6.sin6_family = header->local.in6.sin6_family = AF_INET6;
	memcpy(&header->peer.in6.sin6_addr, at, 16);
	memcpy(&header->local.in6.sin6_addr, at + 16, 16);
	memcpy(&header->peer.in6.sin6_port, at + 32, 2);
	memcpy(&header->local.in6.sin6_port, at + 34, 2);
	return header->known = true;
}

static enum proxy_result
parse_v2(const char *bytes, size_t len, struct proxy_header *header, size_t *used_r)
{
	const unsigned char *at = (const unsigned char *)bytes;
	unsigned command;
	size_t rest;
	bool ok = true;

	if (len < V2_FIXED)
		return PROXY_MORE;
	command = at[12] & 0xf;
	rest = (size_t)at[14] << 8 | at[15];
	if (at[12] >> 4 != 2 || command > CMD_PROXY || V2_FIXED + rest > PROXY_MAX)
		return PROXY_BAD;
	if (len < V2_FIXED + rest)
		return PROXY_MORE;
	if (command == CMD_PROXY && at[13] == FAMILY_TCP4)
		ok = read_v4(at + V2_FIXED, rest, header);
	else if (command == CMD_PROXY && at[13] == FAMILY_TCP6)
		ok = read_v6(at + V2_FIXED, rest, header);
	*used_r = V2_FIXED + rest;
	return ok ? PROXY_DONE : PROXY_BAD;
}

static bool
begins(const char *bytes, size_t len, const char *start, size_t start_len)
{
	return memcmp(bytes, start, len < start_len ? len : start_len) == 0;
}

enum proxy_result
proxy_parse(const char *bytes, size_t len, struct proxy_header *header, size_t *used_r)
{
	bool v1, v2;

	memset(header, 0, sizeof *header);
	*used_r = 0;
	if (len == 0)
		return PROXY_MORE;
	v1 = begins(bytes, len, v1_start, V1_LEN);
	v2 = begins(bytes, len, v2_start, V2_LEN);
	if (v1 && len >= V1_LEN)
		return parse_v1(bytes, len, header, used_r);
	if (v2 && len >= V2_LEN)
		return parse_v2(bytes, len, header, used_r);
	return v1 || v2 ? PROXY_MORE : PROXY_BAD;
}
