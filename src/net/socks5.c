/*
 * SOCKS5. See socks5.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/socks5.h"

#include <ctype.h>
#include <string.h>

enum { SOCKS_VERSION = 5, CONNECT = 1, BY_NAME = 3 };
enum { SUCCEEDED = 0, GENERAL_FAILURE = 1, COMMAND_NOT_SUPPORTED = 7, ADDRESS_NOT_SUPPORTED = 8 };
#define NO_METHOD 0xff

/* "05 COUNT METHODS...": 0 as long as it is not whole. */
static size_t
greeting_len(const struct socks5 *socks)
{
	return socks->len >= 2 && socks->len >= 2U + socks->bytes[1] ? 2U + socks->bytes[1] : 0;
}

static enum socks5_state
greet(struct socks5 *socks, size_t len, struct buf *out)
{
	bool open = memchr(socks->bytes + 2, 0, len - 2) != NULL;
	const char answer[2] = { SOCKS_VERSION, open ? 0 : (char)NO_METHOD };

	buf_add(out, answer, sizeof answer);
	socks->greeted = true;
	return open ? SOCKS5_MORE : SOCKS5_FAILED;
}

static enum socks5_state
refuse(struct buf *out, char reply)
{
	const char answer[10] = { SOCKS_VERSION, reply, 0, 1 };

	buf_add(out, answer, sizeof answer);
	return SOCKS5_FAILED;
}

/* "05 CMD 00 TYPE ...": the parts that can be judged before the rest has come. */
static char
check_request(const struct socks5 *socks)
{
	if (socks->len >= 2 && socks->bytes[1] != CONNECT)
		return COMMAND_NOT_SUPPORTED;
	if (socks->len >= 4 && socks->bytes[3] != BY_NAME)
		return ADDRESS_NOT_SUPPORTED;
	if (socks->len >= 5 && socks->bytes[4] != LN_BYTESTREAM_ADDRESS)
		return GENERAL_FAILURE;
	return SUCCEEDED;
}

#define REQUEST_LEN (5 + LN_BYTESTREAM_ADDRESS + 2)

static enum socks5_state
read_request(struct socks5 *socks, struct buf *out)
{
	const uint8_t *name = socks->bytes + 5;

	for (int i = 0; i < LN_BYTESTREAM_ADDRESS; i++) {
		if (!isxdigit(name[i]))
			return refuse(out, GENERAL_FAILURE);
		socks->address[i] = (char)tolower(name[i]);
	}
	if (name[LN_BYTESTREAM_ADDRESS] != 0 || name[LN_BYTESTREAM_ADDRESS + 1] != 0)
		return refuse(out, GENERAL_FAILURE);
	/* The answer gives back the address that was asked for (XEP-0065 §6.3.2). */
	socks->bytes[1] = SUCCEEDED;
	buf_add(out, socks->bytes, REQUEST_LEN);
	return SOCKS5_DONE;
}

static enum socks5_state
request(struct socks5 *socks, struct buf *out)
{
	char refusal = check_request(socks);

	if (refusal != SUCCEEDED)
		return refuse(out, refusal);
	if (socks->len < REQUEST_LEN)
		return SOCKS5_MORE;
	return socks->len > REQUEST_LEN ? SOCKS5_FAILED : read_request(socks, out);
}

enum socks5_state
socks5_read(struct socks5 *socks, const char *bytes, size_t len, struct buf *out)
{
	enum socks5_state state = SOCKS5_MORE;
	size_t greeting;

	if (len > sizeof socks->bytes - socks->len)
		return SOCKS5_FAILED;
	memcpy(socks->bytes + socks->len, bytes, len);
	socks->len = (uint16_t)(socks->len + len);
	if (socks->len > 0 && socks->bytes[0] != SOCKS_VERSION)
		return SOCKS5_FAILED;
	if (!socks->greeted) {
		greeting = greeting_len(socks);
		if (greeting == 0)
			return SOCKS5_MORE;
		state = greet(socks, greeting, out);
		socks->len = (uint16_t)(socks->len - greeting);
		memmove(socks->bytes, socks->bytes + greeting, socks->len);
	}
	if (state != SOCKS5_MORE || socks->len == 0)
		return state;
	return socks->bytes[0] == SOCKS_VERSION ? request(socks, out) : SOCKS5_FAILED;
}
