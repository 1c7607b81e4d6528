/*
 * What a stored message costs: senders that each wait for their last job to be
 * durable, spread over the workers, as offline messages on one database.
 *
 *	bench_store [DIRECTORY [SENDERS [JOBS [WORKERS]]]]
 *
 * Prints jobs and transactions a second and the CPU time of the whole process
 * per job, mailboxes included.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "net/worker.h"
#include "store/entity.h"

#define STANZA 300

static struct store *store;
static int64_t owner, jobs = 400000;
static unsigned senders = 200;
static _Atomic int64_t submitted, durable;
static char stanza[STANZA];

static void sent(struct store_job *job, void *arg);

static void
send_one(void)
{
	int64_t count = atomic_fetch_add_explicit(&submitted, 1, memory_order_relaxed);
	struct store_job *job;

	if (count >= jobs)
		return;
	job = store_job_new(store, "bench");
	store_pending_add(job,
	    &(struct store_pending){ .position = store_position(store_term(store), count),
		.owner = owner,
		.stanza = stanza,
		.len = sizeof stanza,
		.stamp = clock_wall_ms() });
	store_write(job, sent, NULL);
}

static void
sent(struct store_job *job, void *arg)
{
	(void)arg;
	if (store_job_outcome(job) != STORE_OK) {
		fprintf(stderr, "%s\n", store_job_error(job));
		exit(1);
	}
	atomic_fetch_add_explicit(&durable, 1, memory_order_relaxed);
	send_one();
}

static void
start(struct worker *worker, struct post *post)
{
	(void)worker;
	for (unsigned i = 0; i < senders / worker_count(); i++)
		send_one();
	free(post);
}

static void
open_store(const char *dir)
{
	struct store_conf conf = { .dir = dir };
	char name[64], *error;
	struct store_job *job;
	unsigned step;

	store = store_open(&conf, NULL, 0, &error);
	if (store == NULL) {
		fprintf(stderr, "%s\n", error);
		exit(1);
	}
	snprintf(name, sizeof name, "bench-%lld@example.org", (long long)store_term(store));
	job = store_job_new(store, "bench");
	step = store_entity_create(job, STORE_ACCOUNT, name, 0);
	if (store_run_write(job) != STORE_OK)
		exit(1);
	owner = store_rows(job, step)->cell[0].integer;
	store_job_free(&job);
}

static double
cpu_seconds(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
	    (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static void
run(unsigned workers)
{
	struct store_stats before, after;
	struct timespec nap = { 0, 1000000 };
	int64_t began;
	double cpu, seconds;

	workers_start(workers);
	store_stats(store, &before);
	began = clock_us();
	cpu = cpu_seconds();
	for (unsigned i = 0; i < workers; i++) {
		struct post *post = xcalloc(1, sizeof *post);

		post->run = start;
		worker_post(worker_get(i), post);
	}
	while (atomic_load(&durable) < jobs)
		nanosleep(&nap, NULL);
	seconds = (double)(clock_us() - began) / 1e6;
	cpu = cpu_seconds() - cpu;
	store_stats(store, &after);
	printf("%u senders, %u workers: %.0f jobs/s, %.1f us CPU a job, %.0f commits/s, "
	       "%.1f jobs a commit\n",
	    senders, workers, (double)jobs / seconds, cpu * 1e6 / (double)jobs,
	    (double)(after.batches - before.batches) / seconds,
	    (double)jobs / (double)(after.batches - before.batches));
	workers_stop();
}

int
main(int argc, char **argv)
{
	char made[] = "/tmp/linnet-bench-XXXXXX";
	const char *dir = argc > 1 ? argv[1] : mkdtemp(made);
	unsigned workers = argc > 4 ? (unsigned)strtoul(argv[4], NULL, 10) : 2;

	if (argc > 2)
		senders = (unsigned)strtoul(argv[2], NULL, 10);
	if (argc > 3)
		jobs = strtoll(argv[3], NULL, 10);
	memset(stanza, 'x', sizeof stanza);
	open_store(dir);
	run(workers);
	return store_close(&store) ? 0 : 1;
}
