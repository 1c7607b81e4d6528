/*
 * Pools. See pool.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "net/pool.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/metrics.h"
#include "base/xalloc.h"

enum { JOBS_DONE, JOBS_WAITING, JOBS_REFUSED };

static const struct metric_row rows[] = {
	[JOBS_DONE] = { "jobs_total", METRIC_COUNTER, "Jobs done by pool threads." },
	[JOBS_WAITING] = { "jobs_waiting", METRIC_GAUGE, "Jobs in the queue or under way." },
	[JOBS_REFUSED] = { "jobs_refused_total", METRIC_COUNTER, "Jobs refused: queue full." },
};

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct post *first, **last; /* the posts of waiting jobs */
	unsigned waiting, queue;
	bool ending;
	struct metrics *metrics;
	unsigned n_threads;
	pthread_t threads[];
};

static void
answer(struct worker *worker, struct post *post)
{
	struct pool_job *job = (struct pool_job *)post;

	job->done(job);
}

/* The next job; NULL when the pool ends and none is left. */
static struct pool_job *
next_job(struct pool *pool)
{
	struct post *post;

	pthread_mutex_lock(&pool->lock);
	while (pool->first == NULL && !pool->ending)
		pthread_cond_wait(&pool->work, &pool->lock);
	post = pool->first;
	if (post != NULL) {
		pool->first = post->next;
		if (pool->first == NULL)
			pool->last = &pool->first;
		pool->waiting--;
	}
	pthread_mutex_unlock(&pool->lock);
	return (struct pool_job *)post;
}

static void *
run_thread(void *arg)
{
	struct pool *pool = arg;
	struct pool_job *job;

	while ((job = next_job(pool)) != NULL) {
		job->worked = !atomic_load_explicit(&job->cancelled, memory_order_relaxed);
		if (job->worked)
			job->work(job);
		metric_inc(pool->metrics, JOBS_DONE);
		metric_add(pool->metrics, JOBS_WAITING, -1);
		worker_post(job->worker, &job->post);
	}
	return NULL;
}

static void
start_thread(struct pool *pool, const char *name, unsigned i)
{
	char title[16];
	int error = pthread_create(&pool->threads[i], NULL, run_thread, pool);

	if (error != 0) {
		fprintf(stderr, "linnet: cannot start a thread: %s\n", strerror(error));
		abort();
	}
	snprintf(title, sizeof title, "%.11s %u", name, i % 100);
	pthread_setname_np(pool->threads[i], title);
}

struct pool *
pool_new(const char *name, unsigned threads, unsigned queue)
{
	const struct metric_label labels[] = { { "pool", name }, { NULL, NULL } };
	struct pool *pool = xcalloc(1, sizeof *pool + threads * sizeof pool->threads[0]);
	sigset_t all, before;

	assert(threads > 0);
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work, NULL);
	pool->last = &pool->first;
	pool->queue = queue;
	pool->n_threads = threads;
	pool->metrics = metrics_open("pool", rows, sizeof rows / sizeof rows[0], labels);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned i = 0; i < threads; i++)
		start_thread(pool, name, i);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return pool;
}

void
pool_free(struct pool **pool_p)
{
	struct pool *pool = *pool_p;

	if (pool == NULL)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->ending = true;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->n_threads; i++)
		pthread_join(pool->threads[i], NULL);
	pthread_mutex_destroy(&pool->lock);
	pthread_cond_destroy(&pool->work);
	metrics_close(&pool->metrics);
	free(pool);
	*pool_p = NULL;
}

static bool
enqueue(struct pool *pool, struct pool_job *job, bool always)
{
	bool room;

	pthread_mutex_lock(&pool->lock);
	room = always || pool->waiting < pool->queue;
	if (room) {
		pool->waiting++;
		*pool->last = &job->post;
		pool->last = &job->post.next;
		pthread_cond_signal(&pool->work);
	}
	pthread_mutex_unlock(&pool->lock);
	return room;
}

static bool
submit(struct pool *pool, struct pool_job *job, bool always)
{
	job->post = (struct post){ NULL, answer };
	job->worker = worker_current();
	job->worked = false;
	assert(job->worker != NULL);
	metric_add(pool->metrics, JOBS_WAITING, 1);
	if (enqueue(pool, job, always))
		return true;
	metric_add(pool->metrics, JOBS_WAITING, -1);
	metric_inc(pool->metrics, JOBS_REFUSED);
	return false;
}

bool
pool_submit(struct pool *pool, struct pool_job *job)
{
	return submit(pool, job, false);
}

void
pool_submit_always(struct pool *pool, struct pool_job *job)
{
	(void)submit(pool, job, true);
}

void
pool_cancel(struct pool_job *job)
{
	atomic_store_explicit(&job->cancelled, true, memory_order_relaxed);
}
