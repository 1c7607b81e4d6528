/*
 * Stream errors (RFC 6120 §4.9.3): the one table of how a stream can end by
 * our decision. Elements on the wire, counters (linnet_stream_errors_total) and
 * log lines are made from it.
 *
 *	STREAM_ERROR(name, condition, close reason of the connection, sentence)
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_XMPP_ERRORS_H
#define LN_XMPP_ERRORS_H

#include "base/buf.h"
#include "net/conn_reason.h"

#define STREAM_ERRORS(STREAM_ERROR)                                                               \
	STREAM_ERROR(BAD_FORMAT, "bad-format", PROTOCOL, "XML that cannot be processed")          \
	STREAM_ERROR(BAD_NAMESPACE_PREFIX, "bad-namespace-prefix", PROTOCOL,                      \
	    "a namespace prefix that is not supported")                                           \
	STREAM_ERROR(CONFLICT, "conflict", REPLACED, "another connection took this one's place")  \
	STREAM_ERROR(CONNECTION_TIMEOUT, "connection-timeout", TIMEOUT, "silent for too long")    \
	STREAM_ERROR(HOST_GONE, "host-gone", POLICY, "the host is no longer served here")         \
	STREAM_ERROR(HOST_UNKNOWN, "host-unknown", POLICY, "the host is not served here")         \
	STREAM_ERROR(IMPROPER_ADDRESSING, "improper-addressing", PROTOCOL,                        \
	    "an address is missing or malformed")                                                 \
	STREAM_ERROR(INTERNAL_SERVER_ERROR, "internal-server-error", POLICY,                      \
	    "a fault of this server")                                                             \
	STREAM_ERROR(INVALID_FROM, "invalid-from", PROTOCOL,                                      \
	    "the sender's address is not its own")                                                \
	STREAM_ERROR(INVALID_NAMESPACE, "invalid-namespace", PROTOCOL,                            \
	    "a namespace that does not belong there")                                             \
	STREAM_ERROR(INVALID_XML, "invalid-xml", PROTOCOL, "XML that validation refuses")         \
	STREAM_ERROR(NOT_AUTHORIZED, "not-authorized", PROTOCOL, "sent before it was allowed")    \
	STREAM_ERROR(NOT_WELL_FORMED, "not-well-formed", PROTOCOL, "not well-formed XML")         \
	STREAM_ERROR(POLICY_VIOLATION, "policy-violation", POLICY, "a limit of this server")      \
	STREAM_ERROR(REMOTE_CONNECTION_FAILED, "remote-connection-failed", POLICY,                \
	    "another server is needed and cannot be reached")                                     \
	STREAM_ERROR(RESET, "reset", POLICY, "the stream must be negotiated anew")                \
	STREAM_ERROR(RESOURCE_CONSTRAINT, "resource-constraint", POLICY, "too much is asked for") \
	STREAM_ERROR(RESTRICTED_XML, "restricted-xml", PROTOCOL, "XML that XMPP does without")    \
	STREAM_ERROR(SEE_OTHER_HOST, "see-other-host", POLICY, "the service is elsewhere")        \
	STREAM_ERROR(SYSTEM_SHUTDOWN, "system-shutdown", SHUTDOWN, "the server stops")            \
	STREAM_ERROR(UNDEFINED_CONDITION, "undefined-condition", PROTOCOL, "see the text")        \
	STREAM_ERROR(UNSUPPORTED_ENCODING, "unsupported-encoding", PROTOCOL,                      \
	    "an encoding other than UTF-8")                                                       \
	STREAM_ERROR(UNSUPPORTED_FEATURE, "unsupported-feature", POLICY,                          \
	    "a feature that is needed is not supported")                                          \
	STREAM_ERROR(UNSUPPORTED_STANZA_TYPE, "unsupported-stanza-type", PROTOCOL,                \
	    "an element that is not understood here")                                             \
	STREAM_ERROR(UNSUPPORTED_VERSION, "unsupported-version", PROTOCOL,                        \
	    "a version of XMPP that is not supported")

enum stream_error {
#define STREAM_ERROR(name, condition, reason, text) STREAM_##name,
	STREAM_ERRORS(STREAM_ERROR)
#undef STREAM_ERROR
	    STREAM_ERROR_COUNT
};

const char *stream_error_condition(enum stream_error error);
const char *stream_error_sentence(enum stream_error error);
enum conn_reason stream_error_reason(enum stream_error error);

/* The row with this condition; UNDEFINED_CONDITION for a word that is none. */
enum stream_error stream_error_of(const char *condition);

/*
 * Appends <stream:error/> and counts it. `text` NULL: the row's sentence; `extra` (NULL: none)
 * is an application-specific condition, serialised.
 */
void stream_error_write(struct buf *out, enum stream_error error, const char *text,
    const char *extra);

#endif
