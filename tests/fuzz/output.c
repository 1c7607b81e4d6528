/*
 * The output of streams, checked. See output.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "output.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>

#define DECLARATION "<?xml"

void
must(bool truth)
{
	if (!truth)
		abort();
}

static void
check_stream(const char *text, size_t len)
{
	XML_Parser expat = XML_ParserCreateNS("UTF-8", '\n');

	must(XML_Parse(expat, text, (int)len, false) == XML_STATUS_OK);
	XML_ParserFree(expat);
}

/* After SASL the stream begins anew, so the output is cut there. */
void
check_output(const struct buf *out)
{
	const char *at = out->data, *next;

	if (out->len == 0)
		return;
	must(strncmp(at, DECLARATION, strlen(DECLARATION)) == 0);
	while ((next = strstr(at + 1, DECLARATION)) != NULL) {
		check_stream(at, (size_t)(next - at));
		at = next;
	}
	check_stream(at, (size_t)(out->data + out->len - at));
}
