/*
 * The configuration as the rest of the server reads it.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "config_fakes.h"
#include "server/config_source.h"
#include "server/option_values.h"

#ifndef SOURCE_DIR
#define SOURCE_DIR "."
#endif

static const struct config *
parse(const char *text)
{
	struct report report = REPORT_INIT;
	struct buf out = BUF_INIT;
	const struct config *config =
	    config_parse("t.yaml", text, strlen(text), &fake_registry, &report);

	report_print(&report, &out);
	ck_assert_msg(config != NULL, "%s", out.data);
	report_free(&report);
	buf_free(&out);
	return config;
}

START_TEST(empty_file_has_defaults)
{
	const struct config *config = parse("");

	ck_assert_str_eq(config->data, "/var/lib/linnet");
	ck_assert_str_eq(config->control, "/run/linnet/control.sock");
	ck_assert_ptr_null(config->user);
	ck_assert_int_eq(config->workers_word, 0);
	ck_assert_int_eq(config->log.level, LOG_LEVEL_INFO);
	ck_assert_uint_eq(config->listen.c2s.count, 0);
	ck_assert_int_eq(config->limits.stanza, 262144);
	ck_assert_int_eq(config->limits.login_attempts.per_address.count, 20);
	ck_assert_int_eq(config->limits.login_attempts.per_address.per_ms, 60000);
	ck_assert_int_eq(ln_ms(config->stream_management.resume), 600000);
	ck_assert_int_eq(config->s2s.allow_word, CONFIG_ALLOW_ALL);
	ck_assert_uint_eq(config->host_count, 0);
	config_unref(&config);
	ck_assert_ptr_null(config);
}
END_TEST

START_TEST(values_of_every_type)
{
	const struct config *config = parse(
	    "workers: 3\n"
	    "log: {to: /tmp/x.log, level: debug, format: json, components: {net: error}}\n"
	    "listen:\n"
	    "  https: [{address: \"[::1]:5443\", proxy-protocol: on}, \"127.0.0.1:0\"]\n"
	    "dns: {servers: [127.0.0.1, \"[::1]:5353\", \"::1\"], trust-anchor: none}\n"
	    "limits: {c2s-rate: off, login-attempts: off}\n"
	    "s2s: {allow: [B.example], routes: {c.example: {address: \"h:1\", tls: direct}}}\n"
	    "components: {irc.example: {secret: ssh}}\n");
	const struct config_listen_address *https = config->listen.https.items;
	const struct ln_address *servers = config->dns.servers.items;
	const struct config_route *route = config->s2s.routes.items;

	ck_assert_int_eq(config->workers_word, LN_OTHER);
	ck_assert_int_eq(config->workers, 3);
	ck_assert_int_eq(config->log.to_word, LN_OTHER);
	ck_assert_str_eq(config->log.to, "/tmp/x.log");
	ck_assert_int_eq(LN_ITEM(&config->log.components, int, 0), LOG_LEVEL_ERROR);
	ck_assert_uint_eq(config->listen.https.count, 2);
	ck_assert_str_eq(https[0].address.host, "::1");
	ck_assert_int_eq(https[0].address.port, 5443);
	ck_assert(https[0].proxy_protocol && !https[1].proxy_protocol);
	ck_assert_int_eq(servers[0].port, 53);
	ck_assert_int_eq(servers[1].port, 5353);
	ck_assert_str_eq(servers[2].host, "::1");
	ck_assert_int_eq(config->dns.trust_anchor_word, CONFIG_ANCHOR_NONE);
	ck_assert_int_eq(config->limits.c2s_rate, LN_OFF);
	ck_assert_int_eq(config->limits.login_attempts.per_account.count, LN_OFF);
	ck_assert_int_eq(config->s2s.allow_word, LN_OTHER);
	ck_assert_str_eq(ln_list_text(&config->s2s.allow, 0), "b.example");
	ck_assert_str_eq(config->s2s.routes.keys[0], "c.example");
	ck_assert_int_eq(route->tls, CONFIG_ROUTE_DIRECT);
	ck_assert_str_eq(LN_ITEM(&config->components, struct config_component, 0).secret, "ssh");
	config_unref(&config);
}
END_TEST

static const char merged[] = "s2s: {idle: 5m, deny: [x.example]}\n"
			     "modules:\n"
			     "  flood: {burst: 5, numbers: [1, 2]}\n"
			     "  disco:\n"
			     "  turn: {secret: s}\n"
			     "hosts:\n"
			     "  one.example:\n"
			     "    s2s: {trust: dialback, deny: []}\n"
			     "    modules:\n"
			     "      flood: {refill: 1s, numbers: [3]}\n"
			     "      turn: off\n"
			     "  two.example:\n";

START_TEST(hosts_differ_option_by_option)
{
	const struct config *config = parse(merged);
	const struct config_host *one = config_host(config, "one.example");
	const struct config_host *two = config_host(config, "two.example");
	const struct flood_conf *flood_one = config_module_conf(config, one, "flood");
	const struct flood_conf *flood_two = config_module_conf(config, two, "flood");

	ck_assert_int_eq(one->s2s.trust, CONFIG_TRUST_DIALBACK);
	ck_assert_int_eq(ln_ms(one->s2s.idle), 300000);
	ck_assert_uint_eq(one->s2s.deny.count, 0);
	ck_assert_int_eq(two->s2s.trust, CONFIG_TRUST_CERTIFICATE);
	ck_assert_uint_eq(two->s2s.deny.count, 1);

	ck_assert_int_eq(flood_one->burst, 5);
	ck_assert_int_eq(ln_ms(flood_one->refill), 1000);
	ck_assert_uint_eq(flood_one->numbers.count, 1);
	ck_assert_str_eq(flood_one->host, "flood.one.example");
	ck_assert_str_eq(ln_list_text(&flood_one->admins, 0), "root@one.example");
	ck_assert_int_eq(ln_ms(flood_two->refill), 500);
	ck_assert_uint_eq(flood_two->numbers.count, 2);
	ck_assert_str_eq(flood_two->url, "https://two.example/flood");

	ck_assert_ptr_null(config_module_conf(config, one, "turn"));
	ck_assert_ptr_nonnull(config_module_conf(config, two, "turn"));
	ck_assert_ptr_null(config_module_conf(config, NULL, "flood"));
	ck_assert_uint_eq(two->module_count, 3);
	config_unref(&config);
}
END_TEST

START_TEST(every_value_knows_its_line)
{
	const struct config *config = parse(merged);
	const struct config_host *one = config_host(config, "one.example");
	const struct config_host *two = config_host(config, "two.example");

	ck_assert_str_eq(config_where(config, one, "s2s.trust"), "t.yaml:8");
	ck_assert_str_eq(config_where(config, one, "s2s.idle"), "t.yaml:1");
	ck_assert_str_eq(config_where(config, two, "s2s.trust"), "default");
	ck_assert_str_eq(config_where(config, one, "flood.refill"), "t.yaml:10");
	ck_assert_str_eq(config_where(config, two, "flood.burst"), "t.yaml:3");
	config_unref(&config);
}
END_TEST

static void
explains(const struct config *config, const char *name, const char *part)
{
	struct buf out = BUF_INIT;

	ck_assert_msg(config_explain(config, &fake_registry, name, &out), "%s", name);
	ck_assert_msg(strstr(out.data, part) != NULL, "%s: no `%s` in\n%s", name, part, out.data);
	buf_free(&out);
}

START_TEST(explain_says_all_about_an_option)
{
	const struct config *config = parse(merged);
	struct buf out = BUF_INIT;

	explains(config, "limits.stanza", "allowed: a size from 10000 to 16M");
	explains(config, "limits.stanza", "value:   256k  (default)");
	explains(config, "s2s.trust", "value:   certificate  (default)");
	explains(config, "s2s.trust", "value for one.example: dialback  (t.yaml:8)");
	explains(config, "one.example.s2s.trust", "value:   dialback  (t.yaml:8)");
	explains(config, "hosts.two.example.s2s.idle", "value:   5m  (t.yaml:1)");
	explains(config, "flood.refill", "value for one.example: 1s  (t.yaml:10)");
	explains(config, "flood.refill", "allowed: a duration from 10ms to 1h");
	explains(config, "modules.flood.burst", "value:   5  (t.yaml:3)");
	explains(config, "flood", "Limit the rate of messages");
	explains(config, "flood.mode", "A change waits for a restart.");
	explains(config, "turn.secret", "(secret)");
	explains(config, "admins", "allowed: a list");
	explains(config, "log", "log.format");
	explains(NULL, "limits.stanza", "default: 256k");
	ck_assert(!config_explain(config, &fake_registry, "limits.stanzza", &out));
	ck_assert_ptr_nonnull(strstr(out.data, "did you mean stanza"));
	buf_free(&out);
	config_unref(&config);
}
END_TEST

START_TEST(diff_says_what_takes_effect)
{
	const struct config *old = parse(merged);
	const struct config *new = parse("data: /elsewhere\n"
					 "modules:\n"
					 "  flood: {burst: 6, numbers: [1, 2]}\n"
					 "  turn: {secret: other}\n"
					 "hosts:\n"
					 "  two.example:\n"
					 "    modules: {flood: {mode: strict}}\n"
					 "  three.example:\n");
	struct buf out = BUF_INIT;
	struct config_diff diff = config_diff(old, old, &out);

	ck_assert_uint_eq(diff.live + diff.restart, 0);
	diff = config_diff(old, new, &out);
	ck_assert_ptr_nonnull(
	    strstr(out.data, "data: /var/lib/linnet -> /elsewhere (waits for a restart)\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "s2s.idle: 5m -> 10m (takes effect)\n"));
	ck_assert_ptr_nonnull(
	    strstr(out.data, "two.example: flood.burst: 5 -> 6 (takes effect)\n"));
	ck_assert_ptr_nonnull(
	    strstr(out.data, "two.example: flood.mode: gentle -> strict (waits for a restart)\n"));
	ck_assert_ptr_nonnull(
	    strstr(out.data, "two.example: turn.secret: (secret) -> (secret) (takes effect)\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "two.example: disco: on -> off"));
	ck_assert_ptr_nonnull(strstr(out.data, "three.example: not served -> served"));
	ck_assert_ptr_nonnull(strstr(out.data, "one.example: served -> not served"));
	ck_assert_uint_eq(diff.restart, 2);
	buf_free(&out);
	config_unref(&old);
	config_unref(&new);
}
END_TEST

/* ---- Files ---- */

static char directory[] = "/tmp/linnet-config-XXXXXX";

static const char *
write_file(const char *name, const char *text)
{
	static char path[200];
	FILE *stream;

	snprintf(path, sizeof path, "%s/%s", directory, name);
	stream = fopen(path, "w");
	ck_assert_ptr_nonnull(stream);
	fputs(text, stream);
	fclose(stream);
	return path;
}

static void
make_directory(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void
remove_directory(void)
{
	static const char *const names[] = { "main.yaml", "a.yaml", "b.yaml", "secret" };
	char path[200];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", directory, names[i]);
		unlink(path);
	}
	rmdir(directory);
}

START_TEST(included_files_are_merged_by_key)
{
	struct report report = REPORT_INIT;
	const struct config *config;

	write_file("secret", "hush\n");
	write_file("a.yaml", "limits: {stanza: 64k}\nhosts: {a.example: {}}\n");
	write_file("b.yaml",
	    "limits: {c2s-rate: 1M}\nhosts: {b.example: {}}\n"
	    "components: {c.example: {secret: {file: secret}}}\n");
	config = config_load(write_file("main.yaml",
				 "include: [\"[ab].yaml\", none-*.yaml]\n"
				 "limits: {s2s-rate: off}\n"),
	    &fake_registry, &report);
	ck_assert_ptr_nonnull(config);
	ck_assert_int_eq(config->limits.stanza, 65536);
	ck_assert_int_eq(config->limits.c2s_rate, 1048576);
	ck_assert_int_eq(config->limits.s2s_rate, LN_OFF);
	ck_assert_uint_eq(config->host_count, 2);
	ck_assert_str_eq(LN_ITEM(&config->components, struct config_component, 0).secret, "hush");
	config_unref(&config);
}
END_TEST

static void
refused(const char *message)
{
	struct report report = REPORT_INIT;
	struct buf out = BUF_INIT;
	char path[200];

	snprintf(path, sizeof path, "%s/main.yaml", directory);
	ck_assert_ptr_null(config_load(path, &fake_registry, &report));
	report_print(&report, &out);
	ck_assert_msg(strstr(out.data, message) != NULL, "no `%s` in\n%s", message, out.data);
	buf_free(&out);
	report_free(&report);
}

START_TEST(included_files_cannot_contradict)
{
	write_file("main.yaml", "include: [a.yaml]\nlimits: {stanza: 64k}\n");
	write_file("a.yaml", "limits:\n  stanza: 65k\n");
	refused("a.yaml:2:3: stanza is given twice; it already stands at");
	write_file("a.yaml", "include: [b.yaml]\n");
	refused("a.yaml:1:1: an included file cannot include others");
	write_file("a.yaml", "x: [\n");
	refused("a.yaml:2:1: a value is missing here");
	write_file("main.yaml", "include: [gone.yaml]\n");
	refused("gone.yaml does not exist");
}
END_TEST

/* ---- The sample ---- */

static void
same_as_default(const struct ln_option *rows, const char *conf, const char *prefix)
{
	char name[OPTION_NAME_MAX], path[200];

	for (const struct ln_option *row = rows; row->type != LN_TYPE_END; row++) {
		struct buf value = BUF_INIT, standard = BUF_INIT;

		snprintf(path, sizeof path, "%s.%s", prefix, option_name(row, name));
		if (row->flags & OPTION_ELSEWHERE || strcmp(path, ".listen") == 0 ||
		    strcmp(path, ".user") == 0)
			continue;
		if (row->type == LN_TYPE_STRUCT) {
			same_as_default(row->rows, conf + row->offset, path);
			continue;
		}
		option_add_value(&value, row, conf);
		option_add_default(&standard, row);
		ck_assert_msg(strcmp(value.data, standard.data) == 0,
		    "the sample says %s: %s, the default is %s", path, value.data, standard.data);
		buf_free(&value);
		buf_free(&standard);
	}
}

/* Every option stands in the sample, written out or behind a `#`. */
static void
all_mentioned(const struct ln_option *rows, const char *text)
{
	char name[OPTION_NAME_MAX], key[OPTION_NAME_MAX + 2];

	for (const struct ln_option *row = rows; row->type != LN_TYPE_END; row++) {
		snprintf(key, sizeof key, "%s:", option_name(row, name));
		ck_assert_msg(strstr(text, key) != NULL, "the sample lacks %s", name);
		if (row->type == LN_TYPE_STRUCT)
			all_mentioned(row->rows, text);
	}
}

START_TEST(sample_shows_all_options_with_their_defaults)
{
	struct report report = REPORT_INIT;
	struct arena *arena = arena_new(1000);
	struct buf out = BUF_INIT, text = BUF_INIT;
	struct yaml_node *root = yaml_read(arena, SOURCE_DIR "/conf/linnet.yaml", &report);
	struct option_reading reading = { .arena = arena, .report = &report };
	struct option_chain chain;
	struct config *config = calloc(1, sizeof *config);
	FILE *stream = fopen(SOURCE_DIR "/conf/linnet.yaml", "r");
	const struct config *none = parse("");
	const struct ln_option *rows = none->source->sections[0].rows;

	ck_assert_ptr_nonnull(root);
	chain = option_chain(root, NULL);
	ck_assert(options_read(&reading, rows, &chain, config));
	same_as_default(rows, (const char *)config, "");
	text.len = fread(buf_grow(&text, 100000), 1, 100000, stream);
	text.data[text.len] = '\0';
	all_mentioned(rows, text.data);
	fclose(stream);
	free(config);
	config_unref(&none);
	arena_free(&arena);
	buf_free(&out);
	buf_free(&text);
}
END_TEST

START_TEST(schema_is_balanced)
{
	struct buf out = BUF_INIT;
	int depth = 0;
	bool quoted = false;

	config_schema(&fake_registry, &out);
	for (const char *at = out.data; *at != '\0'; at++) {
		if (*at == '\\')
			at++;
		else if (*at == '"')
			quoted = !quoted;
		else if (!quoted)
			depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
	}
	ck_assert_int_eq(depth, 0);
	ck_assert_ptr_nonnull(strstr(out.data, "\"refill\":{\"description\":\"Time until"));
	ck_assert_ptr_null(strstr(out.data, ",,"));
	buf_free(&out);
}
END_TEST

/* ---- Single values ---- */

START_TEST(spelling_goes_both_ways)
{
	static const struct {
		const char *text;
		int64_t ms;
	} durations[] = { { "500ms", 500 }, { "30s", 30000 }, { "15m", 900000 },
		{ "12h", 43200000 }, { "30d", 2592000000 }, { "0s", 0 } };
	struct buf out = BUF_INIT;
	int64_t value;

	for (size_t i = 0; i < sizeof durations / sizeof *durations; i++) {
		ck_assert_ptr_null(value_read_duration(durations[i].text, &value));
		ck_assert_int_eq(value, durations[i].ms);
		buf_reset(&out);
		value_add_duration(&out, value);
		ck_assert_str_eq(out.data, durations[i].text);
	}
	ck_assert_ptr_null(value_read_size("1G", &value));
	ck_assert_int_eq(value, 1 << 30);
	ck_assert_ptr_nonnull(value_read_size("9999999999999T", &value));
	ck_assert_ptr_nonnull(value_read_size("", &value));
	ck_assert_ptr_nonnull(value_read_int("1e3", &value));
	ck_assert_ptr_null(value_read_int("-5", &value));
	ck_assert_int_eq(value, -5);
	ck_assert_uint_eq(value_distance("stanza", "stanzza"), 1);
	ck_assert_uint_eq(value_distance("show_os", "show-os"), 0);
	ck_assert_uint_eq(value_distance("burts", "burst"), 1);
	buf_free(&out);
}
END_TEST

Suite *suite(void);

Suite *
suite(void)
{
	Suite *s = suite_create("config");
	TCase *tc = tcase_create("values");

	tcase_add_test(tc, empty_file_has_defaults);
	tcase_add_test(tc, values_of_every_type);
	tcase_add_test(tc, hosts_differ_option_by_option);
	tcase_add_test(tc, every_value_knows_its_line);
	tcase_add_test(tc, explain_says_all_about_an_option);
	tcase_add_test(tc, diff_says_what_takes_effect);
	tcase_add_test(tc, sample_shows_all_options_with_their_defaults);
	tcase_add_test(tc, schema_is_balanced);
	tcase_add_test(tc, spelling_goes_both_ways);
	suite_add_tcase(s, tc);
	tc = tcase_create("files");
	tcase_add_checked_fixture(tc, make_directory, remove_directory);
	tcase_add_test(tc, included_files_are_merged_by_key);
	tcase_add_test(tc, included_files_cannot_contradict);
	suite_add_tcase(s, tc);
	return s;
}
