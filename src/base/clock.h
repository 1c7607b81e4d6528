/*
 * Time. Deadlines and intervals are monotonic milliseconds; stamps that leave
 * the process (delay, archive) are wall-clock milliseconds since 1970 UTC.
 * Tests move both with clock_advance(). Callable from any thread.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_BASE_CLOCK_H
#define LN_BASE_CLOCK_H

#include <stdint.h>

/* Monotonic milliseconds. */
int64_t clock_ms(void);

/* Monotonic microseconds, for measuring. */
int64_t clock_us(void);

/* Wall-clock milliseconds since 1970-01-01T00:00:00Z. */
int64_t clock_wall_ms(void);

/* Tests: lets both clocks jump ahead by `ms`, for every thread. */
void clock_advance(int64_t ms);

#define CLOCK_STAMP_MAX 32

/* Writes XEP-0082's DateTime in UTC, "2026-11-24T08:00:00.123Z", and returns `out`. */
char *clock_stamp(int64_t wall_ms, char out[CLOCK_STAMP_MAX]);

#endif
