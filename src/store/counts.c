/*
 * What the store counts.
 *
 * SPDX-License-Identifier: MIT
 */
#include "store/engine.h"

#include "base/metrics.h"

static const struct metric_row rows[] = {
	[STORE_JOBS] = { "jobs_total", METRIC_COUNTER, "Write jobs committed." },
	[STORE_JOBS_CONSTRAINT] = { "jobs_undone_total", METRIC_COUNTER,
	    "Write jobs undone, by cause.", "cause", "constraint" },
	[STORE_JOBS_LATE] = { "jobs_undone_total", METRIC_COUNTER, "Write jobs undone, by cause.",
	    "cause", "late" },
	[STORE_JOBS_INTERNAL] = { "jobs_undone_total", METRIC_COUNTER,
	    "Write jobs undone, by cause.", "cause", "internal" },
	[STORE_BATCHES] = { "batches_total", METRIC_COUNTER, "Transactions committed." },
	[STORE_COMMIT_TIME] = { "commit_seconds", METRIC_TIME,
	    "Time that making a transaction durable takes." },
	[STORE_READS] = { "reads_total", METRIC_COUNTER, "Read jobs answered." },
	[STORE_READS_DISK] = { "reads_failed_total", METRIC_COUNTER, "Read jobs failed, by cause.",
	    "cause", "disk" },
	[STORE_READS_INTERNAL] = { "reads_failed_total", METRIC_COUNTER,
	    "Read jobs failed, by cause.", "cause", "internal" },
	[STORE_DISK_ERRORS] = { "disk_errors_total", METRIC_COUNTER,
	    "Transactions that the disk refused." },
	[STORE_RETRIES] = { "retries_total", METRIC_COUNTER, "Transactions tried again." },
	[STORE_CHECKPOINTS] = { "checkpoints_total", METRIC_COUNTER, "Checkpoints of the WAL." },
	[STORE_QUEUED_JOBS] = { "queued_jobs", METRIC_GAUGE, "Write jobs not yet committed." },
	[STORE_QUEUED_BYTES] = { "queued_bytes", METRIC_GAUGE,
	    "Bytes of write jobs not yet committed." },
	[STORE_WAITING_READS] = { "waiting_reads", METRIC_GAUGE, "Read jobs not yet answered." },
	[STORE_STALLED] = { "stalled", METRIC_GAUGE,
	    "1 while what must be stored is refused because the disk fails." },
};
METRICS(metrics, "store", rows);

void
store_count(enum store_metric metric, int64_t amount)
{
	metric_add(metrics, metric, amount);
}

void
store_observe(enum store_metric metric, int64_t us)
{
	metric_observe(metrics, metric, us);
}

static uint64_t
count(enum store_metric metric)
{
	return (uint64_t)metric_read(metrics, metric);
}

void
store_stats(const struct store *store, struct store_stats *out)
{
	*out = (struct store_stats){
		.jobs = count(STORE_JOBS),
		.batches = count(STORE_BATCHES),
		.reads = count(STORE_READS),
		.constraint = count(STORE_JOBS_CONSTRAINT),
		.late = count(STORE_JOBS_LATE),
		.internal = count(STORE_JOBS_INTERNAL),
		.disk_errors = count(STORE_DISK_ERRORS),
		.retries = count(STORE_RETRIES),
		.checkpoints = count(STORE_CHECKPOINTS),
		.queued_jobs = count(STORE_QUEUED_JOBS),
		.queued_bytes = atomic_load(&store->queued_bytes),
		.waiting_reads = count(STORE_WAITING_READS),
		.wal_bytes = atomic_load(&store->wal_bytes),
		.failing = store_failing(store),
		.stalled = store_stalled(store),
	};
}
