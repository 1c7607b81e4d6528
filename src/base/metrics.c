/*
 * Metrics: the registry, the cells, the sums. See metrics.h.
 *
 * A cell is a number; each thread has a table of blocks of cells, made when it
 * first counts there. A thread that ends leaves its table, counts and all, to the
 * next one that begins: sums need no special case and tables are not freed.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/metrics.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"

/* Upper bounds; microseconds for METRIC_TIME. The last bucket is infinity. */
static const int64_t time_bounds[] = { 50, 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000,
	100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000 };
static const int64_t size_bounds[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 16384,
	65536, 262144, 1048576 };

#define TIME_BOUNDS (sizeof time_bounds / sizeof *time_bounds)
#define SIZE_BOUNDS (sizeof size_bounds / sizeof *size_bounds)

_Static_assert(TIME_BOUNDS <= METRIC_BUCKETS && SIZE_BOUNDS <= METRIC_BUCKETS, "too many buckets");

struct table {
	struct metric_cells cells;
	struct table *next;
	int taken;
};

__thread struct metric_cells *metric_cells;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct metrics *sets, **sets_end = &sets;
static struct table *tables; /* only ever added to */
static uint32_t next_cell;
static pthread_key_t at_thread_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static unsigned
bounds_of(enum metric_type type, const int64_t **bounds_r)
{
	if (type == METRIC_TIME) {
		*bounds_r = time_bounds;
		return TIME_BOUNDS;
	}
	*bounds_r = size_bounds;
	return type == METRIC_SIZE ? SIZE_BOUNDS : 0;
}

/* Cells of a row: a histogram has a sum, one for each bound, one for the rest. */
static unsigned
cells_of(enum metric_type type)
{
	const int64_t *bounds;
	unsigned count = bounds_of(type, &bounds);

	return count > 0 ? count + 2 : 1;
}

/* --- tables of threads ------------------------------------------------------- */

static void
table_release(void *table)
{
	metric_cells = NULL;
	pthread_mutex_lock(&lock);
	((struct table *)table)->taken = 0;
	pthread_mutex_unlock(&lock);
}

static void
make_key(void)
{
	pthread_key_create(&at_thread_end, table_release);
}

static struct metric_cells *
table_take(void)
{
	struct table *table;

	pthread_once(&once, make_key);
	pthread_mutex_lock(&lock);
	for (table = tables; table != NULL && table->taken; table = table->next)
		continue;
	if (table == NULL) {
		table = xcalloc(1, sizeof *table);
		table->next = tables;
		tables = table;
	}
	table->taken = 1;
	pthread_mutex_unlock(&lock);
	pthread_setspecific(at_thread_end, table);
	return &table->cells;
}

_Atomic int64_t *
metric_cell_slow(uint32_t cell)
{
	_Atomic int64_t *block;

	if (metric_cells == NULL)
		metric_cells = table_take();
	block =
	    atomic_load_explicit(&metric_cells->blocks[cell / METRIC_BLOCK], memory_order_relaxed);
	if (block == NULL) {
		block = xcalloc(METRIC_BLOCK, sizeof *block);
		atomic_store_explicit(&metric_cells->blocks[cell / METRIC_BLOCK], block,
		    memory_order_release);
	}
	return block + cell % METRIC_BLOCK;
}

/* With the lock held. */
static int64_t
cell_sum(uint32_t cell)
{
	int64_t sum = 0;

	for (struct table *table = tables; table != NULL; table = table->next) {
		_Atomic int64_t *block = atomic_load_explicit(
		    &table->cells.blocks[cell / METRIC_BLOCK], memory_order_acquire);

		if (block != NULL)
			sum +=
			    atomic_load_explicit(block + cell % METRIC_BLOCK, memory_order_relaxed);
	}
	return sum;
}

/* --- rows -------------------------------------------------------------------- */

/* With the lock held. Cells are for the few rows that a configuration can make. */
static void
give_cells(struct metrics *set)
{
	set->first = xcalloc(set->count, sizeof *set->first);
	for (unsigned i = 0; i < set->count; i++) {
		set->first[i] = next_cell;
		next_cell += cells_of(set->rows[i].type);
	}
	if (next_cell > METRIC_BLOCK * METRIC_BLOCKS) {
		fprintf(stderr, "linnet: more metrics than there are cells\n");
		abort();
	}
	set->open = 1;
	*sets_end = set;
	sets_end = &set->next;
}

void
metrics_register(struct metrics *set)
{
	pthread_mutex_lock(&lock);
	set->labels = xstrdup("");
	give_cells(set);
	pthread_mutex_unlock(&lock);
}

static void
add_label(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, "%s%s=\"", out->len > 0 ? "," : "", name);
	for (const char *p = value; *p != '\0'; p++) {
		if (*p == '\n')
			buf_add_text(out, "\\n");
		else if (*p == '"' || *p == '\\')
			buf_printf(out, "\\%c", *p);
		else
			buf_add_char(out, *p);
	}
	buf_add_char(out, '"');
}

static bool
same_rows(const struct metrics *set, const struct metric_row *rows, unsigned count)
{
	if (set->count != count)
		return false;
	for (unsigned i = 0; i < count; i++)
		if (strcmp(set->rows[i].name, rows[i].name) != 0 ||
		    set->rows[i].type != rows[i].type)
			return false;
	return true;
}

static struct metrics *
find_set(const char *prefix, const struct metric_row *rows, unsigned count, const char *labels)
{
	struct metrics *set = sets;

	while (set != NULL &&
	    !(strcmp(set->prefix, prefix) == 0 && strcmp(set->labels, labels) == 0 &&
		same_rows(set, rows, count)))
		set = set->next;
	return set;
}

static char *
copy_text(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

/* A copy of the rows: the module that owns them may be unloaded. */
static struct metric_row *
copy_rows(const struct metric_row *rows, unsigned count)
{
	struct metric_row *copy = xcalloc(count, sizeof *copy);

	for (unsigned i = 0; i < count; i++)
		copy[i] = (struct metric_row){ copy_text(rows[i].name), rows[i].type,
			copy_text(rows[i].help), copy_text(rows[i].label),
			copy_text(rows[i].value) };
	return copy;
}

struct metrics *
metrics_open(const char *prefix, const struct metric_row *rows, unsigned count,
    const struct metric_label *labels)
{
	struct buf text = BUF_INIT;
	struct metrics *set;

	buf_add_text(&text, "");
	for (; labels != NULL && labels->name != NULL; labels++)
		add_label(&text, labels->name, labels->value);
	pthread_mutex_lock(&lock);
	set = find_set(prefix, rows, count, text.data);
	if (set == NULL) {
		set = xcalloc(1, sizeof *set);
		set->prefix = xstrdup(prefix);
		set->rows = copy_rows(rows, count);
		set->count = count;
		set->labels = xstrdup(text.data);
		give_cells(set);
	} else {
		set->open++;
	}
	pthread_mutex_unlock(&lock);
	buf_free(&text);
	return set;
}

void
metrics_close(struct metrics **set)
{
	if (*set == NULL)
		return;
	pthread_mutex_lock(&lock);
	(*set)->open--;
	pthread_mutex_unlock(&lock);
	*set = NULL;
}

void
metric_observe(const struct metrics *set, unsigned row, int64_t value)
{
	const int64_t *bounds;
	unsigned count = bounds_of(set->rows[row].type, &bounds), i = 0;
	uint32_t first = set->first[row];

	while (i < count && value > bounds[i])
		i++;
	metric_cell_add(first, value);
	metric_cell_add(first + 1 + i, 1);
}

/* --- reading ------------------------------------------------------------------ */

/* With the lock held. Fills value, sum and buckets. */
static void
sum_row(const struct metrics *set, unsigned row, struct metric_sample *sample)
{
	const int64_t *bounds;
	uint32_t first = set->first[row];
	int64_t so_far = 0;

	sample->buckets = bounds_of(set->rows[row].type, &bounds);
	sample->sum = cell_sum(first);
	sample->value = sample->sum;
	if (sample->buckets == 0)
		return;
	for (unsigned i = 0; i < sample->buckets; i++) {
		so_far += cell_sum(first + 1 + i);
		sample->bounds[i] = bounds[i];
		sample->below[i] = so_far;
	}
	sample->value = so_far + cell_sum(first + 1 + sample->buckets);
}

int64_t
metric_read(const struct metrics *set, unsigned row)
{
	struct metric_sample sample;

	pthread_mutex_lock(&lock);
	sum_row(set, row, &sample);
	pthread_mutex_unlock(&lock);
	return sample.value;
}

/* Calls `each` for one row of one set, with its fixed label behind the set's. */
static void
visit_row(const struct metrics *set, unsigned row,
    void (*each)(void *arg, const struct metric_sample *sample), void *arg)
{
	const struct metric_row *it = &set->rows[row];
	struct buf labels = BUF_INIT;
	struct metric_sample sample = { .prefix = set->prefix,
		.name = it->name,
		.help = it->help,
		.type = it->type };

	buf_add_text(&labels, set->labels);
	if (it->label != NULL)
		add_label(&labels, it->label, it->value);
	sample.labels = labels.data;
	sum_row(set, row, &sample);
	each(arg, &sample);
	buf_free(&labels);
}

static bool
same_name(const struct metrics *a, unsigned i, const struct metrics *b, unsigned j)
{
	return strcmp(a->prefix, b->prefix) == 0 && strcmp(a->rows[i].name, b->rows[j].name) == 0;
}

/* Whether an earlier open row has this name, so that it was visited with that one. */
static bool
seen_before(const struct metrics *set, unsigned row)
{
	for (const struct metrics *other = sets; other != NULL; other = other->next) {
		for (unsigned i = 0; other->open && i < other->count; i++) {
			if (other == set && i == row)
				return false;
			if (same_name(other, i, set, row))
				return true;
		}
	}
	return false;
}

void
metrics_each(void (*each)(void *arg, const struct metric_sample *sample), void *arg)
{
	pthread_mutex_lock(&lock);
	for (const struct metrics *set = sets; set != NULL; set = set->next)
		for (unsigned row = 0; set->open && row < set->count; row++) {
			if (seen_before(set, row))
				continue;
			for (const struct metrics *other = set; other != NULL; other = other->next)
				for (unsigned i = 0; other->open && i < other->count; i++)
					if (same_name(other, i, set, row))
						visit_row(other, i, each, arg);
		}
	pthread_mutex_unlock(&lock);
}
