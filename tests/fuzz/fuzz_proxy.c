/*
 * The PROXY header: whatever comes is refused or taken, never read past its
 * end, and a header that is done was not done one byte earlier.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy_header header;
	size_t used;
	char *bytes = malloc(size ? size : 1);
	enum proxy_result result;

	if (size > 0)
		memcpy(bytes, data, size);
	result = proxy_parse(bytes, size, &header, &used);
	if (result == PROXY_DONE &&
	    (used > size || proxy_parse(bytes, used - 1, &header, &used) != PROXY_MORE))
		abort();
	if (result == PROXY_MORE && size >= PROXY_MAX)
		abort();
	free(bytes);
	return 0;
}
