/*
 * Mediated bytestreams (XEP-0065): two SOCKS5 connections that ask for the same
 * address are joined when somebody who knows it says so.
 *
 *	ln_bytestream_listen(7625, "proxy.example", 50, message, room)	in a module's `start`
 *	ln_bytestream_activate(address, &limits, done, arg)
 *	ln_bytestream_unlisten(7625, "proxy.example")			in `stop`
 *
 * The address is the hash that both sides are told: forty hexadecimal digits.
 * What is sent before that is thrown away, and much of it ends the side; afterwards a
 * side that does not read holds back the other.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LINNET_BYTESTREAM_H
#define LINNET_BYTESTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LN_BYTESTREAM_ADDRESS 40

struct ln_bytestream_limits {
	int64_t rate;    /* bytes a second, both ways together; LN_OFF: any */
	int64_t size;    /* bytes, both ways together; LN_OFF: any */
	int64_t idle_ms; /* nothing moves for so long: it ends */

	const char *owner;  /* whose it is: copied; and how many he may have open */
	unsigned per_owner; /* 0: any number */

	const char *service; /* the proxy that was asked: copied; and how many of the connections */
	unsigned per_address; /* that it has active one address may have; 0: any number */
};

enum ln_bytestream_outcome {
	LN_BYTESTREAM_ACTIVE,
	LN_BYTESTREAM_NOBODY,   /* neither side is there */
	LN_BYTESTREAM_ALONE,    /* one side is */
	LN_BYTESTREAM_TOO_MANY, /* its owner has as many as he may */
	LN_BYTESTREAM_CROWDED   /* an address of a side has as many as it may */
};

/*
 * Main thread. Several services may have one port: it is opened once. A connection does not say
 * for which of them it comes until it is activated; so the largest `per_address` of all says how
 * many of one address are accepted, those that wait included (0: any number), and that of its own
 * service (struct ln_bytestream_limits) how many are activated. False with a sentence.
 */
bool ln_bytestream_listen(uint16_t port, const char *service, unsigned per_address, char *message,
    size_t room);
void ln_bytestream_unlisten(uint16_t port, const char *service);

/* Any worker: what a service that listens says now. */
void ln_bytestream_allow(uint16_t port, const char *service, unsigned per_address);

/* Any worker; `done` is called on it, later. The address is copied. */
void ln_bytestream_activate(const char address[LN_BYTESTREAM_ADDRESS],
    const struct ln_bytestream_limits *limits,
    void (*done)(enum ln_bytestream_outcome outcome, void *arg), void *arg);

#endif
