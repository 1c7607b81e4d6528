/*
 * SipHash-1-3 (Aumasson, Bernstein: "SipHash: a fast short-input PRF").
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/hash.h"

#include <string.h>
#include <sys/random.h>

static uint64_t slot_key[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
static uint64_t table_key[2];

/* Before any table, those of other constructors too. */
__attribute__((constructor(101))) static void
make_table_key(void)
{
	if (getrandom(table_key, sizeof table_key, 0) != sizeof table_key)
		abort();
}

void
hash_set_key(const uint8_t key[HASH_KEY_LEN])
{
	memcpy(slot_key, key, HASH_KEY_LEN);
}

static inline uint64_t
rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline void
sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v0 = rotate(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotate(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v2 = rotate(s->v2, 32);
}

static inline void
sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	s->v0 ^= word;
}

static inline uint64_t
sip(const uint64_t key[2], const void *bytes, size_t len)
{
	const unsigned char *p = bytes, *end = p + (len & ~(size_t)7);
	struct sip s = { key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
		key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573 };
	uint64_t word, tail = (uint64_t)len << 56;

	for (; p < end; p += 8) {
		memcpy(&word, p, 8);
		sip_word(&s, word);
	}
	for (size_t i = 0; i < (len & 7); i++)
		tail |= (uint64_t)p[i] << (8 * i);
	sip_word(&s, tail);
	s.v2 ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t
hash_bytes(const void *bytes, size_t len)
{
	return sip(slot_key, bytes, len);
}

uint64_t
hash_table_bytes(const void *bytes, size_t len)
{
	return sip(table_key, bytes, len);
}
