/*
 * Time. See clock.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

static _Atomic int64_t ahead_ms;

static int64_t
read_us(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 +
	    atomic_load_explicit(&ahead_ms, memory_order_relaxed) * 1000;
}

int64_t
clock_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

int64_t
clock_ms(void)
{
	return clock_us() / 1000;
}

int64_t
clock_wall_ms(void)
{
	return read_us(CLOCK_REALTIME) / 1000;
}

void
clock_advance(int64_t ms)
{
	atomic_fetch_add(&ahead_ms, ms);
}

char *
clock_stamp(int64_t wall_ms, char out[CLOCK_STAMP_MAX])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm utc;
	size_t len;

	gmtime_r(&seconds, &utc);
	len = strftime(out, CLOCK_STAMP_MAX, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(out + len, CLOCK_STAMP_MAX - len, ".%03dZ", (int)(wall_ms % 1000));
	return out;
}
