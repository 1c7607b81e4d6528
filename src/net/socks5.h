/*
 * SOCKS5 as XEP-0065 has it (RFC 1928 without authentication): CONNECT to a
 * name of forty hexadecimal digits and port 0.
 *
 * Pure: any thread.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_NET_SOCKS5_H
#define LN_NET_SOCKS5_H

#include <stdint.h>

#include "base/buf.h"
#include "linnet/bytestream.h"

enum socks5_state {
	SOCKS5_MORE,
	SOCKS5_DONE,  /* `address` is known, and the answer is in `out` */
	SOCKS5_FAILED /* what is in `out`, if anything, says why */
};

/* Zeroed at first. */
struct socks5 {
	uint8_t bytes[262]; /* of the message that is not whole yet: the longest there is */
	uint16_t len;
	bool greeted;
	char address[LN_BYTESTREAM_ADDRESS]; /* in lower case */
};

/* Takes what came; bytes behind the request are a failure: nobody is there to have them. */
enum socks5_state socks5_read(struct socks5 *socks, const char *bytes, size_t len, struct buf *out);

#endif
