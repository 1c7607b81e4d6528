/*
 * Why a connection ended: the one table of close reasons. Code, log lines
 * (reason=NAME) and metrics are made from it.
 *
 *	CONN_REASON(symbol, name, text)
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_NET_CONN_REASON_H
#define LN_NET_CONN_REASON_H

#define CONN_REASONS(CONN_REASON)                                                                  \
	CONN_REASON(FINISHED, "finished", "closed by this server in due form")                     \
	CONN_REASON(EOF, "eof", "closed by the peer")                                              \
	CONN_REASON(TRUNCATED, "truncated", "ended by the peer without TLS close_notify")          \
	CONN_REASON(RESET, "reset", "reset by the peer or the network")                            \
	CONN_REASON(ERROR, "error", "the operating system reported an error")                      \
	CONN_REASON(CONNECT, "connect", "no connection could be made")                             \
	CONN_REASON(TLS_HANDSHAKE, "tls-handshake", "the TLS handshake failed")                    \
	CONN_REASON(TLS_ERROR, "tls-error", "the peer broke the TLS protocol")                     \
	CONN_REASON(FLUSH_TIMEOUT, "flush-timeout", "the peer did not take our last bytes")        \
	CONN_REASON(UNSENT_HIGH, "unsent-high", "the peer does not read: too much unsent output")  \
	CONN_REASON(UNSENT_LONG, "unsent-long", "the peer reads too slowly for too long")          \
	CONN_REASON(UNSENT_TOTAL, "unsent-total", "the unsent output of all together is too much") \
	CONN_REASON(TIMEOUT, "timeout", "the peer was silent for too long")                        \
	CONN_REASON(PROTOCOL, "protocol", "the peer broke the protocol above")                     \
	CONN_REASON(POLICY, "policy", "refused by a limit or a rule")                              \
	CONN_REASON(REPLACED, "replaced", "replaced by a newer connection")                        \
	CONN_REASON(SHUTDOWN, "shutdown", "the server stops")

#define CONN_REASON_ENUM(symbol, name, text) CONN_##symbol,
enum conn_reason { CONN_REASONS(CONN_REASON_ENUM) CONN_REASON_COUNT };
#undef CONN_REASON_ENUM

const char *conn_reason_name(enum conn_reason reason); /* "tls-handshake" */
const char *conn_reason_text(enum conn_reason reason); /* a sentence for people */

#endif
