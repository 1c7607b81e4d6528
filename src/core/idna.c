/*
 * Domain names. Letters, digits and hyphens, which is nearly everything, are
 * read byte by byte; the rest goes to ICU's UTS 46, whose table also lets
 * symbols pass that IDNA2008 does not know, hence one more check behind it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "core/idna.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unicode/uidna.h>
#include <unicode/utf8.h>

#include "core/precis.h"

#define LABEL_MAX 63

static pthread_once_t once = PTHREAD_ONCE_INIT;
static UIDNA *uts46;

static void
open_tables(void)
{
	UErrorCode error = U_ZERO_ERROR;

	uts46 = uidna_openUTS46(UIDNA_USE_STD3_RULES | UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ |
		UIDNA_CHECK_CONTEXTO | UIDNA_NONTRANSITIONAL_TO_ASCII |
		UIDNA_NONTRANSITIONAL_TO_UNICODE,
	    &error);
	if (U_FAILURE(error)) {
		fprintf(stderr, "linnet: ICU has no UTS 46 data: %s\n", u_errorName(error));
		abort();
	}
}

/* --- addresses -------------------------------------------------------------- */

static enum idna_result
ipv6_literal(const char *text, size_t len, char out[IDNA_OUT_MAX + 1], size_t *len_r)
{
	char inner[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (len < 2 || len - 2 >= sizeof inner || text[len - 1] != ']')
		return IDNA_INVALID;
	memcpy(inner, text + 1, len - 2);
	inner[len - 2] = '\0';
	if (strlen(inner) != len - 2 || inet_pton(AF_INET6, inner, &address) != 1)
		return IDNA_INVALID;
	inet_ntop(AF_INET6, &address, inner, sizeof inner);
	*len_r = (size_t)snprintf(out, IDNA_OUT_MAX + 1, "[%s]", inner);
	return IDNA_OK;
}

/* --- letters, digits, hyphens ----------------------------------------------- */

/* The byte in lower case, or 0 where it can't be in a label of ASCII. */
static char
ldh(char c)
{
	if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')
		return c;
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : '\0';
}

enum label { LABEL_OK, LABEL_LONG, LABEL_INVALID, LABEL_RESERVED };

/* Checks a label that has nothing but LDH in it. */
static enum label
check_label(const char *label, size_t len)
{
	if (len == 0)
		return LABEL_INVALID;
	if (len > LABEL_MAX)
		return LABEL_LONG;
	if (label[0] == '-' || label[len - 1] == '-')
		return LABEL_INVALID;
	return len >= 4 && label[2] == '-' && label[3] == '-' ? LABEL_RESERVED : LABEL_OK;
}

/* False: has to go the long way. */
static bool
ascii_domain(const char *text, size_t len, char out[IDNA_OUT_MAX + 1], enum idna_result *result_r)
{
	size_t start = 0;

	for (size_t i = 0; i <= len; i++) {
		enum label label;

		if (i < len && text[i] != '.') {
			out[i] = ldh(text[i]);
			if (out[i] == '\0')
				return false;
			continue;
		}
		label = check_label(out + start, i - start);
		if (label == LABEL_RESERVED)
			return false;
		if (label != LABEL_OK) {
			*result_r = label == LABEL_LONG ? IDNA_LONG : IDNA_INVALID;
			return true;
		}
		out[i] = '.';
		start = i + 1;
	}
	out[len] = '\0';
	*result_r = IDNA_OK;
	return true;
}

/* --- everything else -------------------------------------------------------- */

/* UTS 46 maps and checks; what is left has to be PVALID in IDNA2008. */
static bool
idna2008_valid(const char *text, int32_t len)
{
	for (int32_t i = 0, c; i < len;) {
		U8_NEXT(text, i, len, c);
		if (c < 0 || (c >= 0x80 && !precis_identifier_has(c)))
			return false;
	}
	return true;
}

static enum idna_result
result_of(uint32_t errors, UErrorCode error)
{
	/* A name longer than DNS takes is still a name. */
	errors &= ~(uint32_t)UIDNA_ERROR_DOMAIN_NAME_TOO_LONG;
	if (error == U_BUFFER_OVERFLOW_ERROR || errors == UIDNA_ERROR_LABEL_TOO_LONG)
		return IDNA_LONG;
	return U_FAILURE(error) || errors != 0 ? IDNA_INVALID : IDNA_OK;
}

enum idna_result
idna_to_ascii(const char *domain, size_t len, char out[IDNA_OUT_MAX + 1], size_t *len_r)
{
	UIDNAInfo info = UIDNA_INFO_INITIALIZER;
	UErrorCode error = U_ZERO_ERROR;
	int32_t written;

	if (len > 0 && domain[0] == '[') {
		memcpy(out, domain, len + 1);
		*len_r = len;
		return IDNA_OK;
	}
	pthread_once(&once, open_tables);
	written = uidna_nameToASCII_UTF8(uts46, domain, (int32_t)len, out, IDNA_OUT_MAX + 1, &info,
	    &error);
	if (written > IDNA_OUT_MAX)
		return IDNA_LONG;
	*len_r = (size_t)written;
	return result_of(info.errors, error);
}

enum idna_result
idna_domain_unicode(const char *text, size_t len, char out[IDNA_OUT_MAX + 1], size_t *len_r)
{
	UIDNAInfo info = UIDNA_INFO_INITIALIZER;
	UErrorCode error = U_ZERO_ERROR;
	char ascii[IDNA_OUT_MAX + 1];
	size_t ascii_len;
	enum idna_result result;
	int32_t written;

	if (len > IDNA_IN_MAX)
		return IDNA_LONG;
	pthread_once(&once, open_tables);
	written = uidna_nameToUnicodeUTF8(uts46, text, (int32_t)len, out, IDNA_OUT_MAX + 1, &info,
	    &error);
	result = result_of(info.errors, error);
	if (result != IDNA_OK)
		return result;
	if (written > IDNA_OUT_MAX)
		return IDNA_LONG;
	if (written > 0 && out[written - 1] == '.')
		out[--written] = '\0';
	if (written == 0)
		return IDNA_EMPTY;
	if (!idna2008_valid(out, written))
		return IDNA_INVALID;
	*len_r = (size_t)written;
	return idna_to_ascii(out, *len_r, ascii, &ascii_len);
}

enum idna_result
idna_domain(const char *text, size_t len, char out[IDNA_OUT_MAX + 1], size_t *len_r)
{
	enum idna_result result;
	size_t name = len;

	if (len == 0)
		return IDNA_EMPTY;
	if (text[0] == '[')
		return ipv6_literal(text, len, out, len_r);
	if (text[len - 1] == '.')
		name--;
	if (name == 0)
		return IDNA_EMPTY;
	if (name > IDNA_OUT_MAX || !ascii_domain(text, name, out, &result))
		return idna_domain_unicode(text, len, out, len_r);
	*len_r = name;
	return result;
}
