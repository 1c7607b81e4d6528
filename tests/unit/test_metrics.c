/*
 * Metrics: sums over threads that live and have ended, histograms, labels, the
 * OpenMetrics page.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/metrics.h"

Suite *suite(void);

enum { SENT, TIMEOUTS, RESETS, OPEN, HANDSHAKE, BATCH };

static const struct metric_row rows[] = {
	[SENT] = { "sent_total", METRIC_COUNTER, "Stanzas \"sent\"." },
	[TIMEOUTS] = { "closed_total", METRIC_COUNTER, "Closed.", "reason", "timeout" },
	[RESETS] = { "closed_total", METRIC_COUNTER, "Closed.", "reason", "reset" },
	[OPEN] = { "open", METRIC_GAUGE, "Open now." },
	[HANDSHAKE] = { "handshake_seconds", METRIC_TIME, "Time of a handshake." },
	[BATCH] = { "batch", METRIC_SIZE, "Jobs in a batch." },
};

METRICS(test_metrics, "test", rows);

static void *
count_1000(void *arg)
{
	for (int i = 0; i < 1000; i++) {
		metric_inc(test_metrics, SENT);
		metric_add(test_metrics, OPEN, i % 2 == 0 ? 2 : -1);
	}
	return NULL;
}

START_TEST(threads_are_summed_also_when_they_have_ended)
{
	pthread_t threads[4];
	int64_t before = metric_read(test_metrics, SENT);

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 4; i++)
			pthread_create(&threads[i], NULL, count_1000, NULL);
		ck_assert_int_ge(metric_read(test_metrics, SENT), before);
		for (int i = 0; i < 4; i++)
			pthread_join(threads[i], NULL);
	}
	metric_inc(test_metrics, SENT);
	ck_assert_int_eq(metric_read(test_metrics, SENT), before + 12001);
	ck_assert_int_eq(metric_read(test_metrics, OPEN), 12 * 500);
}
END_TEST

static bool
page_has(const char *text)
{
	struct buf page = BUF_INIT;
	bool has;

	metrics_write_openmetrics(&page);
	has = strstr(page.data, text) != NULL;
	buf_free(&page);
	return has;
}

START_TEST(counters_and_labels_on_the_page)
{
	metric_add(test_metrics, TIMEOUTS, 3);
	metric_add(test_metrics, RESETS, 4);
	metric_set(test_metrics, OPEN, 7);
	ck_assert(page_has("# TYPE linnet_test_sent counter\n"
			   "# HELP linnet_test_sent Stanzas \\\"sent\\\".\n"
			   "linnet_test_sent_total 0\n"));
	ck_assert(page_has("# HELP linnet_test_closed Closed.\n"
			   "linnet_test_closed_total{reason=\"timeout\"} 3\n"
			   "linnet_test_closed_total{reason=\"reset\"} 4\n"
			   "# TYPE linnet_test_open gauge\n"));
	ck_assert(page_has("linnet_test_open 7\n"));
	ck_assert(page_has("# EOF\n"));
}
END_TEST

START_TEST(histograms_are_cumulative)
{
	metric_observe(test_metrics, HANDSHAKE, 50);
	metric_observe(test_metrics, HANDSHAKE, 51);
	metric_observe(test_metrics, HANDSHAKE, 999999999);
	metric_observe(test_metrics, BATCH, 3);
	ck_assert(page_has("linnet_test_handshake_seconds_bucket{le=\"5e-05\"} 1\n"
			   "linnet_test_handshake_seconds_bucket{le=\"0.0001\"} 2\n"));
	ck_assert(page_has("linnet_test_handshake_seconds_bucket{le=\"+Inf\"} 3\n"
			   "linnet_test_handshake_seconds_count 3\n"
			   "linnet_test_handshake_seconds_sum 1000.0001\n"));
	ck_assert(page_has("linnet_test_batch_bucket{le=\"2\"} 0\n"
			   "linnet_test_batch_bucket{le=\"4\"} 1\n"));
	ck_assert_int_eq(metric_read(test_metrics, HANDSHAKE), 3);
}
END_TEST

START_TEST(rows_opened_for_hosts_stand_together_and_go_on_counting)
{
	static const struct metric_label one[] = { { "host", "a.example" }, { NULL } };
	static const struct metric_label two[] = { { "host", "b\"\\.example" }, { NULL } };
	struct metrics *a = metrics_open("flood", rows, 1, one);
	struct metrics *other = metrics_open("other", rows, 1, one);
	struct metrics *b = metrics_open("flood", rows, 1, two);

	metric_inc(a, 0);
	metric_add(b, 0, 2);
	ck_assert(page_has("linnet_flood_sent_total{host=\"a.example\"} 1\n"
			   "linnet_flood_sent_total{host=\"b\\\"\\\\.example\"} 2\n"));
	metrics_close(&a);
	ck_assert_ptr_null(a);
	ck_assert(!page_has("host=\"a.example\"} 1"));
	a = metrics_open("flood", rows, 1, one);
	metric_inc(a, 0);
	ck_assert_int_eq(metric_read(a, 0), 2);
	metrics_close(&a);
	metrics_close(&b);
	metrics_close(&other);
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("metrics");
	TCase *tc = tcase_create("metrics");

	tcase_add_test(tc, threads_are_summed_also_when_they_have_ended);
	tcase_add_test(tc, counters_and_labels_on_the_page);
	tcase_add_test(tc, histograms_are_cumulative);
	tcase_add_test(tc, rows_opened_for_hosts_stand_together_and_go_on_counting);
	suite_add_tcase(s, tc);
	return s;
}
