/*
 * The spelling of single values. See option_values.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/option_values.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

struct unit {
	const char *name;
	int64_t factor;
};

/* From small to large, for printing; the last row ends the table. */
static const struct unit size_units[] = {
	{ "", 1 },
	{ "k", (int64_t)1 << 10 },
	{ "M", (int64_t)1 << 20 },
	{ "G", (int64_t)1 << 30 },
	{ "T", (int64_t)1 << 40 },
	{ NULL, 0 },
};

static const struct unit duration_units[] = {
	{ "ms", 1 },
	{ "s", 1000 },
	{ "m", 60 * 1000 },
	{ "h", 60 * 60 * 1000 },
	{ "d", 24 * 60 * 60 * 1000 },
	{ NULL, 0 },
};

static const struct ln_name bool_names[] = {
	{ "yes", true, NULL },
	{ "no", false, NULL },
	{ "on", true, NULL },
	{ "off", false, NULL },
	{ "true", true, NULL },
	{ "false", false, NULL },
	LN_NAME_END,
};

/* Reads digits and moves on; false: there are none, or too many. */
static bool
read_digits(const char **text, int64_t *number_r)
{
	const char *at = *text;
	int64_t number = 0;

	if (!isdigit((unsigned char)*at))
		return false;
	for (; isdigit((unsigned char)*at); at++) {
		if (number > (LN_OFF - 10) / 10)
			return false;
		number = number * 10 + (*at - '0');
	}
	*text = at;
	*number_r = number;
	return true;
}

static const struct unit *
find_unit(const struct unit *units, const char *name)
{
	for (; units->name != NULL; units++)
		if (strcmp(units->name, name) == 0)
			return units;
	return NULL;
}

static bool
read_with_unit(const char *text, const struct unit *units, int64_t *number_r)
{
	const struct unit *unit;

	if (!read_digits(&text, number_r))
		return false;
	unit = find_unit(units, text);
	if (unit == NULL || *number_r >= LN_OFF / unit->factor)
		return false;
	*number_r *= unit->factor;
	return true;
}

const char *
value_read_name(const char *text, const struct ln_name *names, int *value_r)
{
	for (; names->name != NULL; names++) {
		if (strcmp(names->name, text) == 0) {
			*value_r = names->value;
			return NULL;
		}
	}
	return "is not one of the words";
}

const char *
value_read_bool(const char *text, bool *value_r)
{
	int value;

	if (value_read_name(text, bool_names, &value) != NULL)
		return "is neither yes nor no";
	*value_r = value != 0;
	return NULL;
}

const char *
value_read_int(const char *text, int64_t *value_r)
{
	bool negative = *text == '-';

	text += negative;
	if (!read_digits(&text, value_r) || *text != '\0')
		return "is not a whole number";
	if (negative)
		*value_r = -*value_r;
	return NULL;
}

const char *
value_read_size(const char *text, int64_t *bytes_r)
{
	if (!read_with_unit(text, size_units, bytes_r))
		return "is not a size";
	return NULL;
}

const char *
value_read_duration(const char *text, int64_t *ms_r)
{
	if (text[0] != '\0' && text[strspn(text, "0123456789")] == '\0')
		return "has no unit";
	if (!read_with_unit(text, duration_units, ms_r))
		return "is not a duration";
	return NULL;
}

const char *
value_read_rate(const char *text, struct ln_rate *rate_r)
{
	if (!read_digits(&text, &rate_r->count) || *text != '/')
		return "is not a rate";
	if (value_read_duration(text + 1, &rate_r->per_ms) != NULL || rate_r->per_ms == 0)
		return "is not a rate";
	return NULL;
}

const char *
value_check_domain(const char *text)
{
	size_t len = strlen(text), label = 0;

	if (len == 0 || len > 253)
		return "is not a domain";
	for (; *text != '\0'; text++) {
		if (*text == '.' ? label == 0 : !isalnum((unsigned char)*text) && *text != '-')
			return "is not a domain";
		label = *text == '.' ? 0 : label + 1;
		if (label > 63)
			return "is not a domain";
	}
	return label == 0 ? "is not a domain" : NULL;
}

static bool
is_ip(const char *host, int family)
{
	unsigned char address[sizeof(struct in6_addr)];

	return inet_pton(family, host, address) == 1;
}

static const char *
read_port(const char *text, int *port_r)
{
	int64_t port;

	if (*text == '\0' || !read_digits(&text, &port) || *text != '\0' || port > 65535)
		return "has no port from 0 to 65535 at its end";
	*port_r = (int)port;
	return NULL;
}

/* Splits at the colon before the port; without one, `port` stays as it is. */
static const char *
split_port(char *host, int *port)
{
	char *bracket = *host == '[' ? strchr(host, ']') : NULL;
	char *colon = strrchr(bracket != NULL ? bracket : host, ':');

	if (bracket != NULL && bracket[1] != '\0' && bracket[1] != ':')
		return "is not an address";
	if (colon == NULL)
		return *port == 0 ? "has no port" : NULL;
	*colon = '\0';
	return read_port(colon + 1, port);
}

static const char *
check_address_host(const char *host, bool bracketed)
{
	if (bracketed)
		return is_ip(host, AF_INET6) ? NULL : "is not an IPv6 address";
	if (strcmp(host, "*") == 0 || is_ip(host, AF_INET))
		return NULL;
	if (strchr(host, ':') != NULL)
		return "is not an address; an IPv6 address stands in brackets";
	return value_check_domain(host) == NULL ? NULL : "is not an address";
}

const char *
value_read_address(const char *text, int port, struct arena *arena, struct ln_address *address_r)
{
	char *host = arena_strdup(arena, text), *end;
	bool bracketed = *host == '[';
	const char *problem;

	address_r->text = arena_strdup(arena, text);
	address_r->port = port;
	if (port != 0 && is_ip(host, AF_INET6)) {
		address_r->host = host;
		return NULL;
	}
	problem = split_port(host, &address_r->port);
	if (problem != NULL)
		return problem;
	end = bracketed ? strchr(host, ']') : NULL;
	if (end != NULL)
		*end = '\0';
	if (bracketed && end == NULL)
		return "is not an address";
	address_r->host = host + bracketed;
	return check_address_host(address_r->host, bracketed);
}

const char *
value_check_uri(const char *text)
{
	size_t scheme = 0;

	if (!isalpha((unsigned char)text[0]))
		return "is not a URI";
	while (isalnum((unsigned char)text[scheme]) ||
	    (text[scheme] != '\0' && strchr("+-.", text[scheme]) != NULL))
		scheme++;
	if (text[scheme] != ':' || text[scheme + 1] == '\0')
		return "is not a URI";
	for (; *text != '\0'; text++)
		if ((unsigned char)*text <= ' ' || strchr("<>\"{}|\\^`", *text) != NULL)
			return "is not a URI";
	return NULL;
}

static void
add_with_unit(struct buf *out, const struct unit *units, int64_t number)
{
	const struct unit *best = units;

	if (number >= LN_OFF) {
		buf_add_text(out, "off");
		return;
	}
	for (const struct unit *unit = units; unit->name != NULL; unit++)
		if (number != 0 && number % unit->factor == 0)
			best = unit;
	buf_printf(out, "%" PRId64 "%s", number / best->factor, best->name);
}

void
value_add_size(struct buf *out, int64_t bytes)
{
	add_with_unit(out, size_units, bytes);
}

void
value_add_duration(struct buf *out, int64_t ms)
{
	add_with_unit(out, ms == 0 ? duration_units + 1 : duration_units, ms);
}

void
value_add_rate(struct buf *out, struct ln_rate rate)
{
	if (rate.count >= LN_OFF) {
		buf_add_text(out, "off");
		return;
	}
	buf_printf(out, "%" PRId64 "/", rate.count);
	value_add_duration(out, rate.per_ms);
}

const char *
value_name(const struct ln_name *names, int value)
{
	for (; names->name != NULL; names++)
		if (names->value == value)
			return names->name;
	return NULL;
}

/* ---- Nearness of names ---- */

#define DISTANCE_MAX 40 /* longer names are compared by their beginning */

static char
fold(char c)
{
	return c == '_' ? '-' : (char)tolower((unsigned char)c);
}

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

/* Damerau and Levenshtein's, with swaps of neighbours only. */
unsigned
value_distance(const char *left, const char *right)
{
	size_t left_len = strnlen(left, DISTANCE_MAX), right_len = strnlen(right, DISTANCE_MAX);
	unsigned rows[3][DISTANCE_MAX + 1];
	unsigned *before = rows[0], *last = rows[1], *now = rows[2], *spare;

	for (unsigned j = 0; j <= right_len; j++)
		last[j] = j;
	for (size_t i = 1; i <= left_len; i++) {
		now[0] = (unsigned)i;
		for (size_t j = 1; j <= right_len; j++) {
			bool same = fold(left[i - 1]) == fold(right[j - 1]);

			now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + !same);
			if (i > 1 && j > 1 && fold(left[i - 1]) == fold(right[j - 2]) &&
			    fold(left[i - 2]) == fold(right[j - 1]) && before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
		}
		spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[right_len];
}
