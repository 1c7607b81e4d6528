/*
 * XEP-0198 as XML: elements of a bound stream become items for the session,
 * and what the session says becomes elements. Counting is the session's.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "xml/writer.h"
#include "xmpp/client.h"

bool
sm_number(const char *text, uint32_t *number_r)
{
	uint64_t number = 0;

	if (text == NULL || *text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		number = number * 10 + (uint64_t)(*text - '0');
		if (number > UINT32_MAX)
			return false;
	}
	*number_r = (uint32_t)number;
	return true;
}

static bool
is_true(const char *text)
{
	return text != NULL && (strcmp(text, "true") == 0 || strcmp(text, "1") == 0);
}

static void
enable(struct client *client, const struct ln_elem *elem)
{
	struct up *up = client_up(client, UP_ENABLE);
	uint32_t max = 0;

	if (sm_number(ln_elem_attr(elem, "max"), &max))
		up->enable.max_s = max;
	up->enable.resume = is_true(ln_elem_attr(elem, "resume"));
	client->wants_acks = true;
	up_post(&up);
}

static void
acked(struct client *client, const struct ln_elem *elem)
{
	struct up *up;
	uint32_t h;

	if (!sm_number(ln_elem_attr(elem, "h"), &h)) {
		stream_fail(&client->stream, STREAM_BAD_FORMAT, "<a/> without a good 'h'");
		return;
	}
	if (!client->wants_acks) {
		stream_fail(&client->stream, STREAM_UNSUPPORTED_STANZA_TYPE,
		    "<a/> without <enable/>");
		return;
	}
	up = client_up(client, UP_ACKED);
	up->acked.h = h;
	up_post(&up);
	if (client->asks > 0 && --client->asks == 0)
		client_answered(client);
}

static void
asked(struct client *client)
{
	struct up *up;

	if (!client->wants_acks) {
		sm_failed(client, LN_ERR_UNEXPECTED_REQUEST, false, 0);
		return;
	}
	up = client_up(client, UP_ASKED);
	up_post(&up);
}

bool
sm_element(struct client *client, const struct ln_elem *elem)
{
	if (ln_elem_is(elem, "a", NS_SM))
		acked(client, elem);
	else if (ln_elem_is(elem, "r", NS_SM))
		asked(client);
	else if (ln_elem_is(elem, "enable", NS_SM))
		enable(client, elem);
	else if (ln_elem_is(elem, "resume", NS_SM))
		sm_failed(client, LN_ERR_UNEXPECTED_REQUEST, false, 0);
	else
		return false;
	return true;
}

void
sm_failed(struct client *client, enum ln_error condition, bool h_valid, uint32_t h)
{
	struct buf *out = stream_out();

	buf_printf(out, "<failed xmlns='%s'", NS_SM);
	if (h_valid)
		buf_printf(out, " h='%u'", h);
	buf_printf(out, "><%s xmlns='%s'/></failed>", ln_error_name(condition), NS_STANZAS);
	stream_flush(&client->stream, out);
}
