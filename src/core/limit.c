/*
 * Token buckets by the generic cell rate algorithm: a bucket is one number, the
 * time at which it will be full again. `spent` is how far that lies ahead, in
 * microseconds; a full bucket is one whose time has passed, and is the same as
 * none, so that throwing one away only forgives.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/xalloc.h"
#include "core/limit.h"

#define STRIPES 64
#define BUCKETS_MAX 2048 /* of one stripe */
#define DEBT_MAX 10      /* bucketfuls */

struct bucket {
	UT_hash_handle hh; /* in order of use: the head was not used for longest */
	int64_t full_at;   /* clock_us() */
	uint8_t len;
	char key[];
};

struct count {
	UT_hash_handle hh;
	unsigned held;
	uint8_t len;
	char key[];
};

struct stripe {
	pthread_mutex_t mutex;
	struct bucket *buckets;
	struct count *counts;
};

static struct stripe stripes[STRIPES] = { [0 ... STRIPES - 1] = {
					      .mutex = PTHREAD_MUTEX_INITIALIZER } };

/* A key as the table sees it. */
struct key {
	const void *bytes;
	size_t len;
	uint64_t hash;
	uint64_t room; /* what stands for a long key */
};

static struct stripe *
stripe_lock(struct key *key, const void *bytes, size_t len)
{
	struct stripe *stripe;

	key->hash = hash_bytes(bytes, len);
	key->room = key->hash;
	key->bytes = len <= LIMIT_KEY_MAX ? bytes : &key->room;
	key->len = len <= LIMIT_KEY_MAX ? len : sizeof key->room;
	stripe = &stripes[(key->hash >> 32) % STRIPES];
	pthread_mutex_lock(&stripe->mutex);
	return stripe;
}

static struct bucket *
bucket_find(struct stripe *stripe, const struct key *key)
{
	struct bucket *bucket;

	HASH_FIND(hh, stripe->buckets, key->bytes, key->len, bucket);
	return bucket;
}

static struct bucket *
bucket_get(struct stripe *stripe, const struct key *key)
{
	struct bucket *bucket = bucket_find(stripe, key);

	if (bucket != NULL) {
		HASH_DEL(stripe->buckets, bucket);
	} else {
		bucket = xcalloc(1, sizeof *bucket + key->len);
		bucket->len = (uint8_t)key->len;
		memcpy(bucket->key, key->bytes, key->len);
	}
	HASH_ADD_KEYPTR(hh, stripe->buckets, bucket->key, bucket->len, bucket);
	if (HASH_COUNT(stripe->buckets) > BUCKETS_MAX) {
		struct bucket *oldest = stripe->buckets;

		HASH_DEL(stripe->buckets, oldest);
		free(oldest);
	}
	return bucket;
}

static bool
rate_is_off(struct ln_rate rate)
{
	return rate.count <= 0 || rate.count >= LN_OFF || rate.per_ms <= 0;
}

/* Microseconds that `cost` tokens take to come back. */
static int64_t
rate_us(struct ln_rate rate, int64_t cost)
{
	return (int64_t)((double)rate.per_ms * 1000 * (double)cost / (double)rate.count);
}

static int64_t
bucket_spent(const struct bucket *bucket, int64_t now)
{
	return bucket != NULL && bucket->full_at > now ? bucket->full_at - now : 0;
}

/* Milliseconds, rounded up, for which `spent` is more than the bucket holds. */
static int64_t
debt_ms(int64_t spent, struct ln_rate rate)
{
	int64_t over = spent - rate.per_ms * 1000;

	return over > 0 ? (over + 999) / 1000 : 0;
}

bool
limit_take(const void *bytes, size_t len, struct ln_rate rate, int64_t cost)
{
	int64_t now = clock_us(), spent;
	struct key key;
	struct stripe *stripe;
	bool fits;

	if (rate_is_off(rate))
		return true;
	stripe = stripe_lock(&key, bytes, len);
	spent = bucket_spent(bucket_find(stripe, &key), now) + rate_us(rate, cost);
	fits = spent <= rate.per_ms * 1000;
	if (fits)
		bucket_get(stripe, &key)->full_at = now + spent;
	pthread_mutex_unlock(&stripe->mutex);
	return fits;
}

bool
limit_fits(const void *bytes, size_t len, struct ln_rate rate, int64_t cost)
{
	struct key key;
	struct stripe *stripe;
	int64_t spent;

	if (rate_is_off(rate))
		return true;
	stripe = stripe_lock(&key, bytes, len);
	spent = bucket_spent(bucket_find(stripe, &key), clock_us()) + rate_us(rate, cost);
	pthread_mutex_unlock(&stripe->mutex);
	return spent <= rate.per_ms * 1000;
}

int64_t
limit_charge(const void *bytes, size_t len, struct ln_rate rate, int64_t cost)
{
	int64_t now = clock_us(), spent, most = rate.per_ms * 1000 * (1 + DEBT_MAX);
	struct key key;
	struct stripe *stripe;

	if (rate_is_off(rate))
		return 0;
	stripe = stripe_lock(&key, bytes, len);
	spent = bucket_spent(bucket_find(stripe, &key), now) + rate_us(rate, cost);
	if (spent > most)
		spent = most;
	bucket_get(stripe, &key)->full_at = now + spent;
	pthread_mutex_unlock(&stripe->mutex);
	return debt_ms(spent, rate);
}

int64_t
limit_wait(const void *bytes, size_t len, struct ln_rate rate)
{
	struct key key;
	struct stripe *stripe;
	int64_t spent;

	if (rate_is_off(rate))
		return 0;
	stripe = stripe_lock(&key, bytes, len);
	spent = bucket_spent(bucket_find(stripe, &key), clock_us());
	pthread_mutex_unlock(&stripe->mutex);
	return debt_ms(spent, rate);
}

static struct count *
count_find(struct stripe *stripe, const struct key *key)
{
	struct count *count;

	HASH_FIND(hh, stripe->counts, key->bytes, key->len, count);
	return count;
}

static struct count *
count_add(struct stripe *stripe, const struct key *key)
{
	struct count *count = xcalloc(1, sizeof *count + key->len);

	count->len = (uint8_t)key->len;
	memcpy(count->key, key->bytes, key->len);
	HASH_ADD_KEYPTR(hh, stripe->counts, count->key, count->len, count);
	return count;
}

bool
limit_hold(const void *bytes, size_t len, unsigned max)
{
	struct key key;
	struct stripe *stripe = stripe_lock(&key, bytes, len);
	struct count *count = count_find(stripe, &key);
	bool fits = max == 0 || count == NULL || count->held < max;

	if (fits) {
		if (count == NULL)
			count = count_add(stripe, &key);
		count->held++;
	}
	pthread_mutex_unlock(&stripe->mutex);
	return fits;
}

void
limit_give(const void *bytes, size_t len)
{
	struct key key;
	struct stripe *stripe = stripe_lock(&key, bytes, len);
	struct count *count = count_find(stripe, &key);

	if (count != NULL && --count->held == 0) {
		HASH_DEL(stripe->counts, count);
		free(count);
	}
	pthread_mutex_unlock(&stripe->mutex);
}

size_t
limit_count(void)
{
	size_t total = 0;

	for (unsigned i = 0; i < STRIPES; i++) {
		pthread_mutex_lock(&stripes[i].mutex);
		total += HASH_COUNT(stripes[i].buckets) + HASH_COUNT(stripes[i].counts);
		pthread_mutex_unlock(&stripes[i].mutex);
	}
	return total;
}
