/*
 * As far as the certificate. See probe.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "net/tls.h"

static const char *const alpn[] = { "xmpp-server", NULL };

/* --- ends ------------------------------------------------------------------------------ */

static void
over(struct conn *conn, enum conn_reason reason)
{
}

static void
ignore(struct conn *conn, const char *bytes, size_t len)
{
}

static const struct conn_ops over_ops = { .input = ignore, .closed = over };

static void
finish(struct probe *probe, const char *failure)
{
	timer_cancel(&probe->timer);
	probe->failure = failure;
	if (failure == NULL)
		probe->state = PROBE_DONE;
	probe->done(probe->arg, probe);
	if (probe->conn != NULL) {
		conn_set_ops(probe->conn, &over_ops, NULL);
		conn_close(probe->conn, CONN_FINISHED, failure == NULL);
	}
	tls_unref(&probe->tls);
	buf_free(&probe->input);
	free(probe);
}

static void
closed(struct conn *conn, enum conn_reason reason)
{
	struct probe *probe = conn_owner(conn);
	int error = conn_errno(conn);

	probe->conn = NULL;
	if (probe->state == PROBE_CONNECTING || error != 0)
		snprintf(probe->failure_text, sizeof probe->failure_text, "%s",
		    error != 0 ? strerror(error) : conn_reason_text(reason));
	else
		snprintf(probe->failure_text, sizeof probe->failure_text, "%s %s",
		    probe->state == PROBE_HANDSHAKE ? "no TLS:" : "before TLS:",
		    conn_reason_text(reason));
	finish(probe, probe->failure_text);
}

static void
late(void *arg)
{
	struct probe *probe = arg;

	finish(probe,
	    probe->state == PROBE_CONNECTING
		? "no connection in time (a firewall that drops, or nobody there)"
		: "connected, but then there was no answer in time");
}

/* --- the conversation ---------------------------------------------------------------------- */

static void
start_tls(struct probe *probe)
{
	const struct conn_tls_params params = {
		.client = true,
		.host = probe->from,
		.sni = probe->domain,
		.alpn = probe->target.direct_tls ? alpn : NULL,
	};

	probe->state = PROBE_HANDSHAKE;
	conn_start_tls(probe->conn, probe->tls, &params);
}

static void
send_text(struct probe *probe, const char *text)
{
	conn_write(probe->conn, text, strlen(text));
}

static void
send_header(struct probe *probe)
{
	struct buf header = BUF_INIT;

	probe->state = PROBE_FEATURES;
	buf_printf(&header,
	    "<?xml version='1.0'?><stream:stream xmlns='jabber:server' "
	    "xmlns:stream='http://etherx.jabber.org/streams' from='%s' to='%s' version='1.0'>",
	    probe->from, probe->domain);
	conn_write(probe->conn, header.data, header.len);
	buf_free(&header);
}

static void
established(struct conn *conn)
{
	struct probe *probe = conn_owner(conn);

	if (conn_has_tls(conn))
		finish(probe, NULL);
	else if (probe->target.direct_tls)
		start_tls(probe);
	else
		send_header(probe);
}

static bool
has(const struct probe *probe, const char *word)
{
	return strstr(probe->input.data, word) != NULL;
}

static void
converse(struct probe *probe)
{
	if (has(probe, "stream:error") || has(probe, "</stream:stream")) {
		finish(probe, "the server refuses the stream before TLS");
	} else if (probe->state == PROBE_FEATURES &&
	    has(probe, "urn:ietf:params:xml:ns:xmpp-tls")) {
		send_text(probe, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
		buf_reset(&probe->input);
		probe->state = PROBE_PROCEED;
	} else if (probe->state == PROBE_FEATURES && has(probe, "features>")) {
		finish(probe, "the server offers no TLS");
	} else if (probe->state == PROBE_PROCEED && has(probe, "proceed")) {
		start_tls(probe);
	} else if (probe->state == PROBE_PROCEED && has(probe, "failure")) {
		finish(probe, "the server offered TLS and then refused it");
	}
}

static void
input(struct conn *conn, const char *bytes, size_t len)
{
	struct probe *probe = conn_owner(conn);

	if (probe->input.len + len > PROBE_INPUT_MAX) {
		finish(probe, "what the server sends is no XMPP");
		return;
	}
	buf_add(&probe->input, bytes, len);
	converse(probe);
}

static const struct conn_ops ops = {
	.input = input,
	.established = established,
	.closed = closed,
};

void
probe_start(const struct probe *params)
{
	struct probe *probe = xmalloc(sizeof *probe);

	*probe = *params;
	probe->input = (struct buf)BUF_INIT;
	probe->tls = tls_ref(params->tls);
	netaddr_set_port(&probe->address, probe->target.port);
	timer_init(&probe->timer, late, probe);
	timer_set(&probe->timer, PROBE_MS);
	probe->conn = conn_connect(&probe->address, NULL, &ops, probe);
}
