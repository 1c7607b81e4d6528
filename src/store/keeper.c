/*
 * The keeper: checkpoints that hold nobody up, and the store's health.
 *
 * The keeper's thread moves pages from the WAL into the database while the
 * writer goes on, and once a second looks whether the writer is stuck in a
 * batch: a disk that hangs gives no error.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/engine.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"

#define KEEPER_TICK_MS 1000

/* --- clocks and conditions ------------------------------------------------------------- */

int64_t
store_real_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void
store_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

void
store_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t ms)
{
	int64_t until = store_real_ms() + ms;
	struct timespec at = { until / 1000, (until % 1000) * 1000000 };

	pthread_cond_timedwait(cond, lock, &at);
}

/* --- health ------------------------------------------------------------------------------- */

struct stall_post {
	struct post post;
	store_stall *changed;
	void *arg;
	bool stalled;
};

static void
tell(struct worker *worker, struct post *post)
{
	struct stall_post *told = (struct stall_post *)post;

	(void)worker;
	told->changed(told->arg, told->stalled);
	free(told);
}

static void
tell_all(const struct store_listener *listener, bool stalled)
{
	for (; listener != NULL; listener = listener->next) {
		struct stall_post *told = xmalloc(sizeof *told);

		*told = (struct stall_post){ { NULL, tell }, listener->changed, listener->arg,
			stalled };
		worker_post(listener->worker, &told->post);
	}
}

static bool
is_stuck(const struct store *store)
{
	int64_t since = atomic_load(&store->health.batch_since);

	return since != 0 && clock_ms() - since >= store->stall_ms;
}

void
store_health_check(struct store *store)
{
	struct store_health *health = &store->health;
	uint64_t queued = atomic_load(&store->queued_bytes);
	bool stalled = atomic_load(&health->stalled);
	bool wanted =
	    is_stuck(store) || queued >= (stalled ? STORE_STALL_BYTES / 2 : STORE_STALL_BYTES);

	if (wanted == stalled)
		return;
	pthread_mutex_lock(&health->lock);
	if (atomic_load(&health->stalled) == wanted) {
		pthread_mutex_unlock(&health->lock);
		return;
	}
	atomic_store(&health->stalled, wanted);
	store_count(STORE_STALLED, wanted ? 1 : -1);
	if (wanted) {
		health->stalled_since = clock_ms();
		log_error("store", "stalled, what must be stored is refused file=%s queued=%llu",
		    store->path, (unsigned long long)queued);
	} else {
		log_warning("store", "stall is over file=%s seconds=%lld", store->path,
		    (long long)(clock_ms() - health->stalled_since) / 1000);
	}
	tell_all(health->listeners, wanted);
	pthread_mutex_unlock(&health->lock);
}

bool
store_failing(const struct store *store)
{
	return atomic_load_explicit(&store->health.failing, memory_order_relaxed);
}

bool
store_stalled(const struct store *store)
{
	return atomic_load_explicit(&store->health.stalled, memory_order_relaxed);
}

void
store_on_stall(struct store *store, struct worker *worker, store_stall *changed, void *arg)
{
	struct store_listener *listener = xmalloc(sizeof *listener);

	*listener = (struct store_listener){ NULL, worker, changed, arg };
	pthread_mutex_lock(&store->health.lock);
	listener->next = store->health.listeners;
	store->health.listeners = listener;
	pthread_mutex_unlock(&store->health.lock);
}

/* --- checkpoints ------------------------------------------------------------------------- */

static void
checkpoint(struct sqlite *conn)
{
	int rc = sqlite3_wal_checkpoint_v2(conn->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

	if (rc == SQLITE_OK)
		store_count(STORE_CHECKPOINTS, 1);
	else if (rc != SQLITE_BUSY)
		log_limited(LOG_LEVEL_ERROR, "store", 1, 60000, "checkpoint failed reason=%s",
		    sqlite_error(conn));
}

static void *
keeper_main(void *arg)
{
	struct store *store = arg;
	struct store_keeper *keeper = &store->keeper;

	pthread_mutex_lock(&keeper->lock);
	while (!keeper->closing) {
		bool wanted = keeper->wanted;

		keeper->wanted = false;
		if (!wanted)
			store_cond_wait(&keeper->wake, &keeper->lock, KEEPER_TICK_MS);
		pthread_mutex_unlock(&keeper->lock);
		if (wanted)
			checkpoint(&keeper->conn);
		store_health_check(store);
		pthread_mutex_lock(&keeper->lock);
	}
	pthread_mutex_unlock(&keeper->lock);
	return NULL;
}

void
store_keeper_wake(struct store *store)
{
	struct store_keeper *keeper = &store->keeper;

	pthread_mutex_lock(&keeper->lock);
	keeper->wanted = true;
	pthread_cond_signal(&keeper->wake);
	pthread_mutex_unlock(&keeper->lock);
}

bool
store_keeper_start(struct store *store, char **error_r)
{
	struct store_keeper *keeper = &store->keeper;

	if (sqlite_open(&keeper->conn, store->path, store->vfs, SQLITE_MODE_WRITE) != SQLITE_OK) {
		*error_r = xasprintf("%s: %s", store->path, sqlite_error(&keeper->conn));
		sqlite_close(&keeper->conn);
		return false;
	}
	pthread_mutex_init(&keeper->lock, NULL);
	store_cond_init(&keeper->wake);
	pthread_create(&keeper->thread, NULL, keeper_main, store);
	return true;
}

void
store_keeper_stop(struct store *store)
{
	struct store_keeper *keeper = &store->keeper;

	pthread_mutex_lock(&keeper->lock);
	keeper->closing = true;
	pthread_cond_signal(&keeper->wake);
	pthread_mutex_unlock(&keeper->lock);
	pthread_join(keeper->thread, NULL);
	sqlite_close(&keeper->conn);
}

void
store_keeper_free(struct store *store)
{
	pthread_cond_destroy(&store->keeper.wake);
	pthread_mutex_destroy(&store->keeper.lock);
}
