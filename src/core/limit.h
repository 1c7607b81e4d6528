/*
 * Limits that span workers: token buckets and counts, by key (an address, an
 * account, what a module chooses).
 *
 * A bucket holds `rate.count` tokens and gets them back evenly over
 * `rate.per_ms`. All live in one table of striped mutexes, held for the
 * arithmetic alone: the only lock near XMPP. The table is bounded; the bucket
 * that was not used for longest goes first. Any thread.
 *
 *	if (!limit_take(key, len, conf->login_per_address, 1))
 *		refuse
 *
 *	if (!limit_hold(key, len, conf->connections_per_address))
 *		refuse
 *	... later, exactly once:
 *	limit_give(key, len);
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_CORE_LIMIT_H
#define LN_CORE_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "linnet/option.h"

#define LIMIT_KEY_MAX 255 /* bytes; of a longer key its hash counts */

/* Takes `cost` tokens; false, and nothing is taken, if there are fewer. A rate that is off (count
 * LN_OFF, or 0) lets everything pass. */
bool limit_take(const void *key, size_t len, struct ln_rate rate, int64_t cost);

/* Would it be true? Takes nothing. */
bool limit_fits(const void *key, size_t len, struct ln_rate rate, int64_t cost);

/* Takes them in any case, into debt of at most ten bucketfuls; returns limit_wait(). */
int64_t limit_charge(const void *key, size_t len, struct ln_rate rate, int64_t cost);

/* Milliseconds until the bucket is out of debt; 0: it is not in debt. Takes nothing. */
int64_t limit_wait(const void *key, size_t len, struct ln_rate rate);

/* Counts one more of `key`; false if there are `max` already (0: no limit). */
bool limit_hold(const void *key, size_t len, unsigned max);
void limit_give(const void *key, size_t len);

/* Buckets and counts in the table: for `stats`. */
size_t limit_count(void);

#endif
