/*
 * SOCKS5 as strangers speak it to the proxy (XEP-0065): whole, and byte by byte,
 * which is the same for all that is taken.
 *
 * SPDX-License-Identifier: MIT
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "net/socks5.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool truth)
{
	if (!truth)
		abort();
}

/* In pieces of `step` bytes, until it is decided; how many bytes that took. */
static size_t
run(struct socks5 *socks, const char *bytes, size_t len, size_t step, enum socks5_state *state_r,
    struct buf *out)
{
	size_t at = 0;

	*state_r = SOCKS5_MORE;
	while (at < len && *state_r == SOCKS5_MORE) {
		size_t piece = len - at < step ? len - at : step;

		*state_r = socks5_read(socks, bytes + at, piece, out);
		at += piece;
	}
	return at;
}

static void
check_done(const struct socks5 *socks, const struct buf *out)
{
	must(out->len > 2 && out->data[0] == 5 && out->data[1] == 0 && out->data[3] == 0);
	for (int i = 0; i < LN_BYTESTREAM_ADDRESS; i++)
		must(isxdigit((unsigned char)socks->address[i]) &&
		    !isupper((unsigned char)socks->address[i]));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct socks5 whole = { 0 }, slow = { 0 };
	struct buf out = BUF_INIT, slow_out = BUF_INIT;
	enum socks5_state state, slow_state;
	size_t used;

	run(&whole, (const char *)data, size, size > 0 ? size : 1, &state, &out);
	used = run(&slow, (const char *)data, size, 1, &slow_state, &slow_out);
	if (slow_state == SOCKS5_DONE)
		check_done(&slow, &slow_out);
	/* What is whole at once fails where bytes follow, and where it is too long; else it is the same. */
	if (state == SOCKS5_DONE) {
		check_done(&whole, &out);
		must(slow_state == SOCKS5_DONE && used == size);
		must(memcmp(whole.address, slow.address, sizeof whole.address) == 0);
		must(out.len == slow_out.len && memcmp(out.data, slow_out.data, out.len) == 0);
	}
	if (state == SOCKS5_MORE)
		must(slow_state == SOCKS5_MORE);
	buf_free(&out);
	buf_free(&slow_out);
	return 0;
}
