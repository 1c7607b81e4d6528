/*
 * Modules: their tables, their order, the way from one configuration to the next.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/entity.h"
#include "core/hold.h"
#include "core/module.h"
#include "linnet/module.h"
#include "net/worker.h"
#include "server/apply.h"
#include "server/hostent.h"
#include "server/instance.h"
#include "server/ledger.h"
#include "server/loader.h"

/* --- tables ---------------------------------------------------------------------------------- */

struct conf {
	int64_t number;
};

static enum ln_verdict
answer(const struct ln_mod *mod, struct ln_ev_iq *ev)
{
	(void)mod;
	(void)ev;
	return LN_DONE;
}

static void
noop(const struct ln_mod *mod)
{
	(void)mod;
}

static const struct ln_option twice[] = { LN_OPTION_INT(conf, number, 1, 0, 9, "A number."),
	LN_OPTION_INT(conf, number, 1, 0, 9, "A number."), LN_OPTION_END };
static const struct ln_option once[] = { LN_OPTION_INT(conf, number, 1, 0, 9, "A number."),
	LN_OPTION_END };
static const struct ln_hook no_function[] = { { .event = LN_EV_message_sent }, LN_HOOK_END };
static const struct ln_iq_handler same_row[] = { { LN_IQ_BOTH, LN_TO_HOST, "urn:x", "x", answer,
						     false },
	{ LN_IQ_SET, LN_TO_HOST_HOME, "urn:x", "x", answer, false }, LN_IQ_END };
static const struct ln_metric no_total[] = { { "sent", "Sent." }, LN_METRIC_END };
static const struct ln_value same_value[] = { LN_VALUE("a", 0), LN_VALUE("a", LN_PRELOAD),
	LN_VALUE_END };
static const struct ln_command no_run[] = { { .name = "do it", .help = "Does it." },
	LN_COMMAND_END };

static const struct {
	struct ln_module module;
	const char *fault;
} faults[] = {
	{ { .summary = NULL }, "summary" },
	{ { .options = once }, "conf_size" },
	{ { .conf_size = 8 }, "conf_size" },
	{ { .conf_size = 4, .options = once }, "number lies outside" },
	{ { .conf_size = 8, .options = twice }, "number twice" },
	{ { .hooks = no_function }, "no function" },
	{ { .iq_handlers = same_row }, "<x xmlns='urn:x'/> twice" },
	{ { .metrics = no_total }, "_total" },
	{ { .values = same_value }, "the value a twice" },
	{ { .commands = no_run }, "no function" },
	{ { .features = LN_FEATURES("urn:x", "urn:x") }, "urn:x twice" },
	{ { .worker_open = noop }, "worker_size" },
};

START_TEST(tables_are_looked_at)
{
	struct ln_module module = faults[_i].module;
	const struct ln_module *list[] = { &module };
	char *error = NULL;

	module.abi = LN_MODULE_ABI;
	module.name = "wrong";
	if (_i > 0)
		module.summary = "A module with a mistake";
	ck_assert(!loader_use(list, 1, &error));
	ck_assert_msg(strstr(error, faults[_i].fault) != NULL, "%s", error);
	ck_assert(strncmp(error, "wrong: ", 7) == 0);
	free(error);
}
END_TEST

/* --- order -------------------------------------------------------------------------------------- */

#define MODULE(name_, ...)                                                                \
	{                                                                                 \
		.abi = LN_MODULE_ABI, .name = (name_), .summary = "A module", __VA_ARGS__ \
	}

START_TEST(order_follows_needs_and_after)
{
	const struct ln_module all[] = { MODULE("a", .needs = LN_NAMES("c")),
		MODULE("b", .after = LN_NAMES("a", "not-there")), MODULE("c"), MODULE("d") };
	const struct ln_module *list[] = { &all[0], &all[1], &all[2], &all[3] };
	char *error = NULL;

	ck_assert(loader_use(list, 4, &error));
	ck_assert_uint_eq(loader_rank(&all[2]), 0);
	ck_assert_uint_eq(loader_rank(&all[0]), 1);
	ck_assert_uint_eq(loader_rank(&all[1]), 2);
	ck_assert_uint_eq(loader_rank(&all[3]), 3);
	ck_assert_uint_eq(loader_slot(&all[3]), 3);
	loader_close();
}
END_TEST

START_TEST(circle_is_printed)
{
	const struct ln_module all[] = { MODULE("a", .after = LN_NAMES("b")),
		MODULE("b", .needs = LN_NAMES("c")), MODULE("c", .after = LN_NAMES("b")) };
	const struct ln_module *list[] = { &all[0], &all[1], &all[2] };
	char *error = NULL;

	ck_assert(!loader_use(list, 3, &error));
	ck_assert_msg(strstr(error, "b -> c -> b") != NULL || strstr(error, "c -> b -> c") != NULL,
	    "%s", error);
	ck_assert_ptr_null(strstr(error, "a ->"));
	free(error);
}
END_TEST

START_TEST(need_that_is_not_there)
{
	const struct ln_module module = MODULE("a", .needs = LN_NAMES("nobody"));
	const struct ln_module *list[] = { &module };
	char *error = NULL;

	ck_assert(!loader_use(list, 1, &error));
	ck_assert_str_eq(error, "module a needs the module nobody, which is not there");
	free(error);
}
END_TEST

/* --- applying ------------------------------------------------------------------------------------- */

static unsigned started, stopped, opened, closed, told_started, told_reloaded;

static bool
start(const struct ln_mod *mod, char *message, size_t room)
{
	(void)mod;
	(void)message;
	(void)room;
	started++;
	return true;
}

static void
stop(const struct ln_mod *mod)
{
	(void)mod;
	stopped++;
}

static void
open_worker(const struct ln_mod *mod)
{
	*(unsigned *)ln_worker_state(mod) = ++opened;
}

static void
close_worker(const struct ln_mod *mod)
{
	ck_assert_uint_ne(*(unsigned *)ln_worker_state(mod), 0);
	closed++;
}

static void
on_started(const struct ln_mod *mod, struct ln_ev_host_started *ev)
{
	ck_assert_ptr_eq(ln_mod_host(mod), ev->host);
	told_started++;
}

static void
on_reloaded(const struct ln_mod *mod, struct ln_ev_config_reloaded *ev)
{
	(void)mod;
	(void)ev;
	told_reloaded++;
}

static enum ln_verdict
on_sent(const struct ln_mod *mod, struct ln_ev_message_sent *ev)
{
	(void)mod;
	(void)ev;
	return LN_PASS;
}

static const struct ln_hook first_hooks[] = { LN_ON(host_started, 0, on_started),
	LN_ON(config_reloaded, 0, on_reloaded), LN_ON(message_sent, LN_PRIO_DEFAULT, on_sent),
	LN_HOOK_END };
static const struct ln_hook second_hooks[] = { LN_ON(message_sent, LN_PRIO_GUARD, on_sent),
	LN_HOOK_END };
static const struct ln_hook third_hooks[] = { LN_ON(message_sent, LN_PRIO_DEFAULT, on_sent),
	LN_HOOK_END };
static const struct ln_metric first_metrics[] = { { "things_total", "Things." }, LN_METRIC_END };
static const struct ln_iq_handler row[] = { { LN_IQ_GET, LN_TO_HOST, "urn:x", "x", answer, false },
	LN_IQ_END };

static const struct ln_module shop[] = {
	MODULE("first", .hooks = first_hooks, .metrics = first_metrics, .start = start,
	    .stop = stop, .after = LN_NAMES("third"), .worker_size = sizeof(unsigned),
	    .worker_open = open_worker, .worker_close = close_worker, .iq_handlers = row,
	    .features = LN_FEATURES("urn:x")),
	MODULE("rival", .iq_handlers = row),
	MODULE("same_feature", .features = LN_FEATURES("urn:x")),
	MODULE("second", .hooks = second_hooks, .start = start, .stop = stop),
	MODULE("third", .hooks = third_hooks, .start = start, .stop = stop),
	MODULE("whole", .scope = LN_SCOPE_GLOBAL, .hooks = third_hooks, .start = start,
	    .stop = stop),
};

static void
turn(void)
{
	for (int i = 0; i < 20; i++) {
		worker_turn(worker_get(0), false);
		worker_turn(worker_get(1), false);
		worker_turn(worker_main(), false);
	}
}

static void
set_up(void)
{
	const struct ln_module *list[] = { &shop[0], &shop[1], &shop[2], &shop[3], &shop[4],
		&shop[5] };
	char *error = NULL;

	ck_assert(loader_use(list, 6, &error));
	worker_main();
	entity_init();
	module_init();
	host_init();
	hold_init();
	hostent_init();
	workers_start_unthreaded(2);
}

static void
tear_down(void)
{
	workers_stop();
	apply_close();
	loader_close();
}

/* Applies a configuration; the sentence why not, or NULL. */
static char *
put(const char *yaml)
{
	struct report report = REPORT_INIT;
	const struct config *config =
	    config_parse("test.yaml", yaml, strlen(yaml), loader_registry(), &report);
	char *error = NULL;
	bool ok;

	if (config == NULL) {
		struct buf text = BUF_INIT;

		report_print(&report, &text);
		ck_abort_msg("%s", text.data);
	}
	ok = apply(config, NULL, &error);
	ck_assert(ok == (error == NULL));
	config_unref(&config);
	report_free(&report);
	turn();
	return error;
}

/* "a.example: second first ..." of message_sent, as it runs. */
static char *
chains(void)
{
	struct buf text = BUF_INIT;
	struct ln_host *hosts = apply_current() != NULL ? apply_current()->hosts : NULL;
	struct ln_host *host, *next;

	buf_add_text(&text, "");
	HASH_ITER(hh, hosts, host, next) {
		const struct hook_chain *chain = &host->chains[LN_EV_message_sent];

		buf_printf(&text, "%s:", host->name);
		for (unsigned i = 0; i < chain->count; i++)
			buf_printf(&text, " %s", chain->entries[i].mod->def->name);
		buf_add_text(&text, "\n");
	}
	return buf_take(&text);
}

static void
expect_chains(const char *wanted)
{
	char *text = chains();

	ck_assert_str_eq(text, wanted);
	free(text);
}

#define TLS "c2s: {tls: optional}\n"
static const char one_host[] = TLS "modules: {whole: }\n"
				   "hosts: {a.example: {modules: {first: , third: }}}\n";
static const char two_hosts[] = TLS "modules: {second: , whole: }\n"
				    "hosts: {a.example: {modules: {first: , third: }}, b.example: "
				    "{modules: {third: , first: }}}\n";

START_TEST(chains_in_order)
{
	set_up();
	ck_assert_ptr_null(put(two_hosts));
	expect_chains("a.example: second third first whole\n"
		      "b.example: second third first whole\n");
	ck_assert_uint_eq(started, 7);
	ck_assert_uint_eq(opened, 4);
	ck_assert_uint_eq(told_started, 2);
	ck_assert_uint_eq(told_reloaded, 0);
	tear_down();
	ck_assert_uint_eq(stopped, 7);
	ck_assert_uint_eq(closed, 4);
}
END_TEST

START_TEST(hosts_and_modules_come_and_go)
{
	set_up();
	ck_assert_ptr_null(put(two_hosts));
	ck_assert_ptr_null(put(one_host));
	expect_chains("a.example: third first whole\n");
	ck_assert_uint_eq(stopped, 4); /* three of b.example, second of a.example */
	ck_assert_uint_eq(closed, 2);
	ck_assert_uint_eq(told_reloaded, 1);
	ck_assert_ptr_null(put(two_hosts));
	ck_assert_uint_eq(started, 7 + 4);
	ck_assert_uint_eq(told_started, 3);
	ck_assert_uint_eq(instances_count(), 7);
	tear_down();
}
END_TEST

START_TEST(rivals_are_refused)
{
	char *error;

	set_up();
	error = put(TLS "hosts: {a.example: {modules: {first: , rival: }}}\n");
	ck_assert_str_eq(error, "modules rival and first answer the same request on a.example");
	free(error);
	error = put(TLS "hosts: {a.example: {modules: {first: , same_feature: }}}\n");
	ck_assert_str_eq(error, "modules same_feature and first both announce urn:x on a.example");
	free(error);
	ck_assert_ptr_null(apply_current());
	ck_assert_uint_eq(started, 0);
	ck_assert_uint_eq(instances_count(), 0);
	tear_down();
}
END_TEST

/* Makes step 1, 2, 3 ... fail until none is left: each time nothing has changed. */
static void
fail_at_every_step(const char *yaml, unsigned wanted)
{
	char *before = chains(), *error;
	unsigned count = instances_count(), running = instances_started(), fails = 0;
	unsigned reloaded = told_reloaded;

	for (ledger_fail_at = 1; (error = put(yaml)) != NULL; ledger_fail_at++) {
		expect_chains(before);
		ck_assert_uint_eq(instances_count(), count);
		ck_assert_uint_eq(instances_started(), running);
		ck_assert_uint_eq(started - stopped, running);
		ck_assert_uint_eq(told_reloaded, reloaded);
		free(error);
		fails++;
	}
	ledger_fail_at = 0;
	ck_assert_uint_eq(fails, wanted);
	free(before);
}

START_TEST(every_step_may_fail)
{
	set_up();
	fail_at_every_step(one_host, 6);  /* three instances, three starts */
	fail_at_every_step(two_hosts, 8); /* four more */
	ck_assert_uint_eq(instances_started(), 7);
	tear_down();
	ck_assert_uint_eq(started, stopped);
}
END_TEST

Suite *suite(void);

Suite *
suite(void)
{
	Suite *s = suite_create("loader");
	TCase *tc = tcase_create("loader");

	tcase_add_loop_test(tc, tables_are_looked_at, 0, sizeof faults / sizeof *faults);
	tcase_add_test(tc, order_follows_needs_and_after);
	tcase_add_test(tc, circle_is_printed);
	tcase_add_test(tc, need_that_is_not_there);
	tcase_add_test(tc, chains_in_order);
	tcase_add_test(tc, hosts_and_modules_come_and_go);
	tcase_add_test(tc, rivals_are_refused);
	tcase_add_test(tc, every_step_may_fail);
	suite_add_tcase(s, tc);
	return s;
}
