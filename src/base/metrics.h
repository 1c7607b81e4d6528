/*
 * Metrics: counters, gauges and histograms, declared as rows.
 *
 * Every thread counts in cells of its own, so counting is an addition without
 * lock or contention; readers add the cells up. A floor declares its rows in
 * one table and counts from then on, there is nothing to start:
 *
 *	enum { CONNS_ACCEPTED, CONNS_OPEN, HANDSHAKE };
 *	static const struct metric_row rows[] = {
 *		[CONNS_ACCEPTED] = { "accepted_total", METRIC_COUNTER, "Connections accepted." },
 *		[CONNS_OPEN] = { "open", METRIC_GAUGE, "Connections open now." },
 *		[HANDSHAKE] = { "handshake_seconds", METRIC_TIME, "Time a TLS handshake takes." },
 *	};
 *	METRICS(net_metrics, "net", rows);
 *
 *	metric_inc(net_metrics, CONNS_ACCEPTED);
 *	metric_add(net_metrics, CONNS_OPEN, -1);
 *	metric_observe(net_metrics, HANDSHAKE, clock_us() - started);
 *
 * They leave as linnet_net_accepted_total and so on. Rows of one name that
 * differ in a fixed label (close reasons) stand next to each other. Rows that
 * exist once a host or module are opened at run time with metrics_open().
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_BASE_METRICS_H
#define LN_BASE_METRICS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

enum metric_type {
	METRIC_COUNTER, /* only grows; the name ends in _total */
	METRIC_GAUGE,   /* goes up and down: the sum of what all threads added */
	METRIC_TIME,    /* histogram of microseconds, exported in seconds; *_seconds */
	METRIC_SIZE     /* histogram of plain numbers, in powers of two */
};

struct metric_row {
	const char *name;
	enum metric_type type;
	const char *help;
	const char *label, *value; /* optional fixed label: "reason", "timeout" */
};

/* A label given at run time; an array of them ends with a NULL name. */
struct metric_label {
	const char *name, *value;
};

/* Rows with their cells. The fields are this header's own. */
struct metrics {
	const char *prefix;
	const struct metric_row *rows;
	unsigned count;
	uint32_t *first; /* of each row: its first cell */
	char *labels;    /* host="example.org",... or "" */
	int open;
	struct metrics *next;
};

/* Declares rows that exist once in the process, as a pointer `name` of this file. */
#define METRICS(name, prefix_, rows_)                                   \
	static struct metrics name##_set_ = { .prefix = (prefix_),      \
		.rows = (rows_),                                        \
		.count = sizeof(rows_) / sizeof *(rows_) };             \
	static struct metrics *const name = &name##_set_;               \
	__attribute__((constructor)) static void name##_register_(void) \
	{                                                               \
		metrics_register(&name##_set_);                         \
	}                                                               \
	struct metrics

/*
 * Opens rows under labels of their own: {"host", "example.org"}. Opening what
 * was open before goes on from its counts. The rows and the prefix must stay
 * while it is open; labels are copied. Any thread, but not on a hot path.
 */
struct metrics *metrics_open(const char *prefix, const struct metric_row *rows, unsigned count,
    const struct metric_label *labels);

/* Takes the rows out of what is exported; nulls the pointer. */
void metrics_close(struct metrics **metrics);

/* --- counting: any thread ------------------------------------------------- */

#define METRIC_BLOCK 512  /* cells of one block */
#define METRIC_BLOCKS 512 /* blocks a thread can have */

struct metric_cells {
	_Atomic(_Atomic int64_t *) blocks[METRIC_BLOCKS];
};

extern __thread struct metric_cells *metric_cells;
_Atomic int64_t *metric_cell_slow(uint32_t cell);

/* This thread's cell; only this thread writes it, so that load and store suffice. */
static inline _Atomic int64_t *
metric_cell(uint32_t cell)
{
	struct metric_cells *mine = metric_cells;
	_Atomic int64_t *block = NULL;

	if (mine != NULL)
		block =
		    atomic_load_explicit(&mine->blocks[cell / METRIC_BLOCK], memory_order_relaxed);
	return block != NULL ? block + cell % METRIC_BLOCK : metric_cell_slow(cell);
}

static inline void
metric_cell_add(uint32_t cell, int64_t amount)
{
	_Atomic int64_t *mine = metric_cell(cell);

	atomic_store_explicit(mine, atomic_load_explicit(mine, memory_order_relaxed) + amount,
	    memory_order_relaxed);
}

static inline void
metric_add(const struct metrics *metrics, unsigned row, int64_t amount)
{
	metric_cell_add(metrics->first[row], amount);
}

static inline void
metric_inc(const struct metrics *metrics, unsigned row)
{
	metric_add(metrics, row, 1);
}

/* Gauge: sets this thread's share; the gauge is the sum of the shares. */
static inline void
metric_set(const struct metrics *metrics, unsigned row, int64_t value)
{
	atomic_store_explicit(metric_cell(metrics->first[row]), value, memory_order_relaxed);
}

/* Histogram: one more of this size, or of this many microseconds. */
void metric_observe(const struct metrics *metrics, unsigned row, int64_t value);

/* --- reading: any thread -------------------------------------------------- */

/* One row's sum; of a histogram, how many were observed. */
int64_t metric_read(const struct metrics *metrics, unsigned row);

#define METRIC_BUCKETS 20 /* bounds a histogram can have, without infinity */

struct metric_sample {
	const char *prefix, *name, *help;
	enum metric_type type;
	const char *labels; /* host="example.org",reason="timeout", or "" */
	int64_t value;      /* of a histogram: how many */
	int64_t sum;        /* histograms: of all that was observed */
	unsigned buckets;   /* histograms: how many, without infinity */
	int64_t bounds[METRIC_BUCKETS], below[METRIC_BUCKETS]; /* below[]: cumulative */
};

/* Calls `each` for every open row, those of one name together. */
void metrics_each(void (*each)(void *arg, const struct metric_sample *sample), void *arg);

/* The OpenMetrics text page, with its "# EOF". */
void metrics_write_openmetrics(struct buf *out);

void metrics_register(struct metrics *metrics);

#endif
