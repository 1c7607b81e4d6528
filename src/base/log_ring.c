/*
 * From the threads that log to the one that writes.
 *
 * Each producer has a ring of bytes of its own: one writer, one reader, no lock.
 * The log thread looks at all rings, writes what it finds, and lingers some
 * milliseconds before it sleeps, so that a busy worker wakes it seldom. `asleep`
 * and the rings' heads are sequentially consistent: either the producer sees
 * that the thread sleeps, or the thread sees the line.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/log_record.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/xalloc.h"

#define RING_SIZE ((size_t)64 * 1024)
#define LINGER_MS 10
#define ALIGNED(len) (((len) + 7) & ~(size_t)7)
#define SKIP UINT32_MAX /* instead of a length: go on at the ring's start */

struct ring {
	_Atomic size_t head; /* bytes ever put in; the producer's */
	_Atomic size_t tail; /* bytes ever taken out; the log thread's */
	_Atomic bool orphan; /* the producer has ended */
	struct ring *next;
	_Alignas(8) char bytes[RING_SIZE];
};

/* Before a record; eight bytes, so that records stay aligned. */
struct entry {
	uint32_t len, unused;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the list of rings */
static struct ring *rings;
static pthread_t thread;
static pthread_key_t at_thread_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic bool running, stopping, asleep;
static int wake_fd = -1;

static __thread struct ring *mine;

static void
ring_orphan(void *ring)
{
	mine = NULL;
	atomic_store(&((struct ring *)ring)->orphan, true);
}

static void
make_key(void)
{
	pthread_key_create(&at_thread_end, ring_orphan);
}

static struct ring *
ring_new(void)
{
	struct ring *ring = xmalloc(sizeof *ring);

	atomic_init(&ring->head, 0);
	atomic_init(&ring->tail, 0);
	atomic_init(&ring->orphan, false);
	pthread_once(&once, make_key);
	pthread_setspecific(at_thread_end, ring);
	pthread_mutex_lock(&lock);
	ring->next = rings;
	rings = ring;
	pthread_mutex_unlock(&lock);
	return ring;
}

static void
wake(void)
{
	uint64_t one = 1;

	if (atomic_exchange(&asleep, false) && write(wake_fd, &one, sizeof one) < 0)
		abort();
}

bool
log_ring_running(void)
{
	return atomic_load_explicit(&running, memory_order_acquire);
}

bool
log_ring_put(const struct log_record *record)
{
	size_t len = LOG_RECORD_HEAD + record->used, need = sizeof(struct entry) + ALIGNED(len);
	size_t head, tail, at, gap;
	struct entry entry = { (uint32_t)len, 0 };

	if (mine == NULL)
		mine = ring_new();
	head = atomic_load_explicit(&mine->head, memory_order_relaxed);
	tail = atomic_load_explicit(&mine->tail, memory_order_acquire);
	at = head % RING_SIZE;
	gap = RING_SIZE - at < need ? RING_SIZE - at : 0;
	if (RING_SIZE - (head - tail) < need + gap)
		return false;
	if (gap > 0) {
		struct entry skip = { SKIP, 0 };

		memcpy(mine->bytes + at, &skip, sizeof skip);
		at = 0;
	}
	memcpy(mine->bytes + at, &entry, sizeof entry);
	memcpy(mine->bytes + at + sizeof entry, record, len);
	atomic_store(&mine->head, head + gap + need);
	if (atomic_load(&asleep))
		wake();
	return true;
}

/* Writes what the ring holds; whether there was anything. */
static bool
ring_drain(struct ring *ring)
{
	size_t head = atomic_load(&ring->head);
	size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	bool any = head != tail;

	while (tail != head) {
		size_t at = tail % RING_SIZE;
		struct entry entry;

		memcpy(&entry, ring->bytes + at, sizeof entry);
		if (entry.len == SKIP) {
			tail += RING_SIZE - at;
		} else {
			log_sink_add((const void *)(ring->bytes + at + sizeof entry));
			tail += sizeof entry + ALIGNED(entry.len);
		}
		atomic_store_explicit(&ring->tail, tail, memory_order_release);
	}
	return any;
}

static bool
drain_all(void)
{
	struct ring **link = &rings, *ring;
	bool any = false;

	pthread_mutex_lock(&lock);
	while ((ring = *link) != NULL) {
		bool orphan = atomic_load(&ring->orphan);

		any |= ring_drain(ring);
		if (orphan) {
			*link = ring->next;
			free(ring);
		} else {
			link = &ring->next;
		}
	}
	pthread_mutex_unlock(&lock);
	if (any)
		log_sink_flush();
	return any;
}

static void
sleep_until_woken(void)
{
	uint64_t count;

	atomic_store(&asleep, true);
	if (drain_all() || atomic_load(&stopping)) {
		atomic_store(&asleep, false);
		return;
	}
	if (read(wake_fd, &count, sizeof count) < 0)
		atomic_store(&asleep, false);
}

static void *
log_thread(void *arg)
{
	static const struct timespec linger = { 0, LINGER_MS * 1000000 };

	pthread_setname_np(pthread_self(), "log");
	while (!atomic_load(&stopping)) {
		if (!drain_all())
			sleep_until_woken();
		nanosleep(&linger, NULL);
	}
	drain_all();
	return NULL;
}

void
log_start(void)
{
	assert(!log_ring_running());
	wake_fd = eventfd(0, EFD_CLOEXEC);
	atomic_store(&stopping, false);
	if (wake_fd < 0 || pthread_create(&thread, NULL, log_thread, NULL) != 0) {
		log_warning("log", "no log thread, lines are written at once");
		return;
	}
	atomic_store_explicit(&running, true, memory_order_release);
}

void
log_stop(void)
{
	uint64_t one = 1;

	if (!log_ring_running())
		return;
	atomic_store(&running, false);
	atomic_store(&stopping, true);
	if (write(wake_fd, &one, sizeof one) < 0)
		abort();
	pthread_join(thread, NULL);
	close(wake_fd);
	wake_fd = -1;
}
