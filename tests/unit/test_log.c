/*
 * The log: lines, quoting, levels, limits, JSON, files, and the log thread.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

Suite *suite(void);

static char last[8192];
static _Atomic int lines;

static void
keep(void *arg, const char *line)
{
	snprintf(last, sizeof last, "%s", line);
	lines++;
}

static void
set_up(void)
{
	log_capture(keep, NULL);
	lines = 0;
	last[0] = '\0';
}

static void
tear_down(void)
{
	log_capture(NULL, NULL);
	log_set_format(LOG_FORMAT_TEXT);
	log_set_level(NULL, LOG_LEVEL_INFO);
	log_reset_levels();
}

/* The last line without its time. */
static const char *
rest(void)
{
	const char *space = strchr(last, ' ');

	return space != NULL ? space + 1 : last;
}

START_TEST(a_line_has_the_places_of_the_style_guide)
{
	struct log_context here = { "example.org", "juliet@example.org/in the garden", "flood",
		42 };
	const struct log_context *outer;

	log_info("net", "listening address=%s", "*:5222");
	ck_assert_str_eq(rest(), "info net - - listening address=*:5222");
	outer = log_enter(&here);
	log_warning("c2s", "stream closed sent=%d reason=not well formed", 7);
	ck_assert_str_eq(rest(),
	    "warning c2s example.org \"juliet@example.org/in the garden\" stream closed sent=7 "
	    "conn=42 module=flood reason=not well formed");
	log_leave(outer);
	ck_assert_ptr_null(log_current());
}
END_TEST

START_TEST(a_peer_cannot_forge_lines_or_pairs)
{
	log_info("c2s", "refused name=%s", log_quote("x\ny reason=\"fine\" \\ \x7f\xff"));
	ck_assert_str_eq(rest(),
	    "info c2s - - refused "
	    "name=\"x\\u000ay reason=\\\"fine\\\" \\\\ \\u007f\\ufffd\"");
	log_info("c2s", "unquoted %s", "a\nb");
	ck_assert_str_eq(rest(), "info c2s - - unquoted a\\u000ab");
	ck_assert_str_eq(log_quote("plain/\xc3\xa4"), "plain/\xc3\xa4");
	ck_assert_str_eq(log_quote(""), "\"\"");
	ck_assert_str_eq(log_quote(NULL), "-");
}
END_TEST

START_TEST(levels_are_kept_for_each_component)
{
	log_debug("net", "not said");
	ck_assert_int_eq(lines, 0);
	log_set_level("net", LOG_LEVEL_DEBUG);
	log_debug("net", "said");
	log_debug("c2s", "not said");
	ck_assert_int_eq(lines, 1);
	log_set_level(NULL, LOG_LEVEL_ERROR);
	log_warning("c2s", "not said");
	log_debug("net", "said");
	ck_assert_int_eq(lines, 2);
	log_reset_levels();
	log_info("net", "not said");
	ck_assert_int_eq(lines, 2);
	ck_assert_int_eq(log_level_parse("warning"), LOG_LEVEL_WARNING);
	ck_assert_int_eq(log_level_parse("loud"), -1);
}
END_TEST

START_TEST(a_limit_says_what_it_left_out)
{
	for (int i = 0; i < 10; i++) {
		log_limited(LOG_LEVEL_INFO, "c2s", 2, 1000, "refused reason=too fast");
		if (i == 7)
			clock_advance(1000);
	}
	ck_assert_int_eq(lines, 4);
	clock_advance(1000);
	for (int i = 0; i < 3; i++) {
		log_limited(LOG_LEVEL_INFO, "c2s", 1, 1000, "again");
		clock_advance(i == 1 ? 1000 : 0);
	}
	ck_assert_str_eq(rest(), "info c2s - - again suppressed=1");
}
END_TEST

START_TEST(json_has_the_same_parts)
{
	struct log_context here = { "example.org", "j@example.org/\"q\"", NULL, 7 };
	const struct log_context *outer = log_enter(&here);

	log_set_format(LOG_FORMAT_JSON);
	log_error("store", "write failed code=%d file=%s reason=disk \"full\" x=1", 13,
	    log_quote("a b"));
	log_leave(outer);
	ck_assert_ptr_nonnull(strstr(last,
	    "\"level\":\"error\",\"component\":\"store\","
	    "\"host\":\"example.org\","
	    "\"session\":\"j@example.org/\\\"q\\\"\",\"conn\":7,"
	    "\"event\":\"write failed\",\"code\":\"13\","
	    "\"file\":\"a b\",\"reason\":\"disk \\\"full\\\" x=1\"}"));
	log_info("store", "ready");
	ck_assert_ptr_nonnull(strstr(last, ",\"event\":\"ready\"}"));
}
END_TEST

START_TEST(a_long_line_is_cut)
{
	static char longer[5000];

	memset(longer, 'x', sizeof longer - 1);
	log_info("c2s", "%s", longer);
	ck_assert_uint_lt(strlen(last), LOG_LINE_MAX + 100);
	ck_assert_str_eq(last + strlen(last) - 4, "x...");
	log_info("c2s", "name=%s", log_quote(longer));
	ck_assert_uint_lt(strlen(last), 700);
}
END_TEST

static int
count_lines(const char *path)
{
	FILE *file = fopen(path, "r");
	int count = 0, c;

	ck_assert_ptr_nonnull(file);
	while ((c = getc(file)) != EOF)
		count += c == '\n';
	fclose(file);
	return count;
}

START_TEST(a_file_is_opened_again_by_name)
{
	char dir[] = "/tmp/linnet-log-XXXXXX", path[64], old[64];
	const char *error = NULL;

	log_capture(NULL, NULL);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/log", dir);
	snprintf(old, sizeof old, "%s/log.1", dir);
	ck_assert(!log_to("/nonexistent/log", &error));
	ck_assert_str_eq(error, "No such file or directory");
	ck_assert(log_to(path, &error));
	log_info("net", "one");
	ck_assert_int_eq(rename(path, old), 0);
	log_info("net", "two");
	log_reopen();
	log_info("net", "three");
	ck_assert(log_to("stderr", &error));
	ck_assert_int_eq(count_lines(old), 2);
	ck_assert_int_eq(count_lines(path), 1);
	unlink(path);
	unlink(old);
	rmdir(dir);
}
END_TEST

static void *
log_100(void *arg)
{
	for (int i = 0; i < 100; i++) {
		if (i % 2 == 0)
			log_info("net", "line number=%d", i);
		else
			log_warning("net", "line number=%d", i);
	}
	return NULL;
}

START_TEST(the_log_thread_writes_all_threads_lines)
{
	pthread_t threads[4];

	log_start();
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, log_100, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	log_100(NULL);
	log_stop();
	ck_assert_int_eq(lines, 500);
	log_start();
	log_info("net", "again");
	log_stop();
	ck_assert_int_eq(lines, 501);
}
END_TEST

static _Atomic int warnings;

static void
slowly(void *arg, const char *line)
{
	if (strstr(line, " warning ") != NULL)
		warnings++;
	lines++;
	if (lines == 1)
		usleep(100000);
}

/* Five rings full while the sink is slow: warnings are all there, infos are not. */
START_TEST(a_full_ring_drops_infos_and_keeps_warnings)
{
	static char filler[1001];

	memset(filler, 'x', 1000);
	log_capture(slowly, NULL);
	warnings = 0;
	log_start();
	for (int i = 0; i < 300; i++) {
		log_info("net", "%s", filler);
		if (i % 10 == 0)
			log_warning("net", "%s", filler);
	}
	log_stop();
	ck_assert_int_eq(warnings, 30);
	ck_assert_int_lt(lines, 330);
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("log");
	TCase *tc = tcase_create("log");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, a_line_has_the_places_of_the_style_guide);
	tcase_add_test(tc, a_peer_cannot_forge_lines_or_pairs);
	tcase_add_test(tc, levels_are_kept_for_each_component);
	tcase_add_test(tc, a_limit_says_what_it_left_out);
	tcase_add_test(tc, json_has_the_same_parts);
	tcase_add_test(tc, a_long_line_is_cut);
	tcase_add_test(tc, a_file_is_opened_again_by_name);
	tcase_add_test(tc, the_log_thread_writes_all_threads_lines);
	tcase_add_test(tc, a_full_ring_drops_infos_and_keeps_warnings);
	suite_add_tcase(s, tc);
	return s;
}
