/*
 * Entities on disk: creation, credentials, values, pending, loading, erasure.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store_kit.h"

Suite *suite(void);

static struct store *store;

static void
open_store(void)
{
	kit_setup();
	store = kit_open();
}

static void
close_store(void)
{
	ck_assert(store_close(&store));
	kit_teardown();
}

static struct store_job *
new_job(void)
{
	return store_job_new(store, "test");
}

static void
run_write(struct store_job *job, enum store_outcome expected)
{
	ck_assert_int_eq(store_run_write(job), expected);
	store_job_free(&job);
}

static int64_t
create(const char *jid)
{
	struct store_job *job = new_job();
	unsigned step = store_entity_create(job, STORE_ACCOUNT, jid, 0);
	int64_t number;

	ck_assert_int_eq(store_run_write(job), STORE_OK);
	number = store_rows(job, step)->cell[0].integer;
	store_job_free(&job);
	return number;
}

static int64_t
first_integer(struct store_job *job, unsigned step)
{
	int64_t value;

	ck_assert_int_eq(store_run_read(job, 0), STORE_OK);
	value = store_rows(job, step) != NULL ? store_rows(job, step)->cell[0].integer : -1;
	store_job_free(&job);
	return value;
}

static int64_t
find(const char *jid)
{
	struct store_job *job = new_job();

	return first_integer(job, store_entity_find(job, jid));
}

/* --- names and numbers ---------------------------------------------------------------------- */

START_TEST(a_name_is_taken_once)
{
	struct store_job *job;
	int64_t number = create("juliet@example.org");

	ck_assert_int_gt(number, 0);
	ck_assert_int_eq(find("juliet@example.org"), number);
	ck_assert_int_eq(find("romeo@example.org"), -1);
	job = new_job();
	store_entity_create(job, STORE_ACCOUNT, "juliet@example.org", 0);
	run_write(job, STORE_CONSTRAINT);
}
END_TEST

START_TEST(hosts_are_made_on_demand)
{
	int64_t first = 0;

	for (int i = 0; i < 2; i++) {
		struct store_job *job = new_job();
		unsigned step = store_entity_ensure(job, STORE_HOST, "example.org");
		const struct store_row *row;

		ck_assert_int_eq(store_run_write(job), STORE_OK);
		row = store_rows(job, step);
		ck_assert_int_eq(row->cell[1].integer, STORE_ACTIVE);
		if (i == 0)
			first = row->cell[0].integer;
		ck_assert_int_eq(row->cell[0].integer, first);
		store_job_free(&job);
	}
}
END_TEST

static unsigned
count_disabled(const char *host)
{
	struct store_job *job = new_job();

	return (unsigned)first_integer(job, store_disabled_count(job, host));
}

static void
disable(int64_t number, int64_t since, enum store_outcome expected)
{
	struct store_job *job = new_job();

	store_entity_disable(job, number, since);
	run_write(job, expected);
}

START_TEST(disabled_accounts_are_found_and_counted)
{
	int64_t first = create("b@example.org"), second = create("a@example.net");
	struct store_job *job;
	const struct store_row *row;
	unsigned step;

	create("c@example.org");
	disable(first, 1000, STORE_OK);
	disable(second, 2000, STORE_OK);
	disable(4711, 1, STORE_UNMET);
	ck_assert_uint_eq(count_disabled(NULL), 2);
	ck_assert_uint_eq(count_disabled("example.org"), 1);
	job = new_job();
	step = store_disabled_list(job, NULL, "a", 10);
	ck_assert_int_eq(store_run_read(job, 0), STORE_OK);
	row = store_rows(job, step);
	ck_assert_str_eq(row->cell[0].bytes, "a@example.net");
	ck_assert_int_eq(row->cell[3].integer, 2000);
	ck_assert_str_eq(row->next->cell[0].bytes, "b@example.org");
	store_job_free(&job);
	disable(second, 0, STORE_OK);
	ck_assert_uint_eq(count_disabled("example.net"), 0);
}
END_TEST

START_TEST(accounts_are_listed_by_host_and_page)
{
	struct store_job *job;
	const struct store_row *row;
	unsigned step;

	create("b@example.org");
	create("a@example.org");
	create("c@example.org");
	create("a@example.net");
	job = new_job();
	step = store_entity_list(job, STORE_ACCOUNT, "example.org", "a@example.org", 10);
	ck_assert_int_eq(store_run_read(job, 0), STORE_OK);
	row = store_rows(job, step);
	ck_assert_str_eq(row->cell[0].bytes, "b@example.org");
	ck_assert_str_eq(row->next->cell[0].bytes, "c@example.org");
	ck_assert_ptr_null(row->next->next);
	store_job_free(&job);
	job = new_job();
	step = store_entity_list(job, STORE_ACCOUNT, NULL, "", 2);
	ck_assert_int_eq(store_run_read(job, 0), STORE_OK);
	ck_assert_str_eq(store_rows(job, step)->cell[0].bytes, "a@example.net");
	ck_assert_str_eq(store_rows(job, step)->next->cell[0].bytes, "a@example.org");
	ck_assert_ptr_null(store_rows(job, step)->next->next);
	store_job_free(&job);
	job = new_job();
	ck_assert_int_eq(first_integer(job, store_entity_count(job, STORE_ACCOUNT, NULL)), 4);
	job = new_job();
	ck_assert_int_eq(first_integer(job, store_entity_count(job, STORE_ACCOUNT, "example.net")),
	    1);
}
END_TEST

/* --- credentials ----------------------------------------------------------------------------- */

static struct store_credential
credential(const char *hash, unsigned iterations)
{
	return (struct store_credential){ hash, iterations, (const uint8_t *)"salt", 4,
		(const uint8_t *)"stored-key", (const uint8_t *)"server-key", 10 };
}

START_TEST(credentials_come_with_the_account)
{
	struct store_credential sha1 = credential("SHA-1", 4096), out;
	struct store_credential sha256 = credential("SHA-256", 10000);
	struct store_job *job = new_job();
	unsigned step = store_entity_create(job, STORE_ACCOUNT, "juliet@example.org", 0);
	const struct store_row *row;
	int64_t number;

	store_credential_set(job, store_from(step, 0), &sha1);
	store_credential_set(job, store_from(step, 0), &sha256);
	sha1.iterations = 5000;
	store_credential_set(job, store_from(step, 0), &sha1);
	run_write(job, STORE_OK);

	job = new_job();
	step = store_credential_get(job, "juliet@example.org");
	ck_assert_int_eq(store_run_read(job, 0), STORE_OK);
	row = store_rows(job, step);
	store_credential_row(row, &out, &number);
	ck_assert_str_eq(out.hash, "SHA-1");
	ck_assert_uint_eq(out.iterations, 5000);
	ck_assert_mem_eq(out.salt, "salt", 4);
	ck_assert_mem_eq(out.stored_key, "stored-key", 10);
	ck_assert_mem_eq(out.server_key, "server-key", 10);
	ck_assert_uint_eq(out.key_len, 10);
	store_job_free(&job);
	ck_assert_int_eq(number, find("juliet@example.org"));

	job = new_job();
	store_credential_clear(job, store_int(number));
	run_write(job, STORE_OK);
	job = new_job();
	ck_assert_int_eq(first_integer(job, store_credential_get(job, "juliet@example.org")), -1);
}
END_TEST

/* --- values and pending ------------------------------------------------------------------------ */

START_TEST(values_are_replaced_listed_and_cleared)
{
	int64_t owner = create("juliet@example.org");
	struct store_job *job = new_job();
	const struct store_row *row;

	store_value_set(job, owner, "roster", "item", "b", "old", 3);
	store_value_set(job, owner, "roster", "item", "b", "new", 3);
	store_value_set(job, owner, "roster", "item", "a", "x", 1);
	store_value_set(job, owner, "roster", "item", "", "empty", 5);
	store_value_set(job, owner, "vcard", "card", "", "y", 1);
	run_write(job, STORE_OK);

	job = new_job();
	store_value_get(job, owner, "roster", "item", "b");
	store_value_list(job, owner, "roster", "item", NULL, 10);
	store_value_list(job, owner, "roster", "item", "", 10);
	store_value_all(job, owner);
	ck_assert_int_eq(store_run_read(job, 0), STORE_OK);
	ck_assert_str_eq(store_rows(job, 0)->cell[0].bytes, "new");
	row = store_rows(job, 1);
	ck_assert_str_eq(row->cell[0].bytes, "");
	ck_assert_str_eq(row->next->cell[0].bytes, "a");
	ck_assert_str_eq(store_rows(job, 2)->cell[0].bytes, "a");
	ck_assert_ptr_nonnull(store_rows(job, 3)->next->next->next);
	store_job_free(&job);

	job = new_job();
	ck_assert_uint_eq(store_value_delete(job, owner, "roster", "item", "b"), 0);
	store_value_clear(job, owner, "roster", "item");
	ck_assert_int_eq(store_run_write(job), STORE_OK);
	ck_assert_int_eq(store_changes(job, 0), 1);
	ck_assert_int_eq(store_changes(job, 1), 2);
	store_job_free(&job);

	job = new_job();
	store_value_set(job, 4711, "roster", "item", "b", "late", 4);
	run_write(job, STORE_LATE);
}
END_TEST

static void
add_pending(int64_t position, int64_t owner, const char *domain, int64_t expires,
    enum store_outcome expected)
{
	struct store_job *job = new_job();

	store_pending_add(job,
	    &(struct store_pending){ .position = position,
		.owner = owner,
		.domain = domain,
		.stanza = "<message/>",
		.len = 10,
		.stamp = 99,
		.expires = expires });
	run_write(job, expected);
}

START_TEST(pending_is_kept_in_order_of_position)
{
	int64_t owner = create("juliet@example.org");
	struct store_pending out;
	struct store_job *job;
	const struct store_row *row;

	add_pending(30, owner, NULL, 0, STORE_OK);
	add_pending(10, owner, NULL, 500, STORE_OK);
	add_pending(20, 0, "example.net", 400, STORE_OK);
	add_pending(20, owner, NULL, 0, STORE_CONSTRAINT);
	add_pending(40, 4711, NULL, 0, STORE_LATE);
	add_pending(40, 0, NULL, 0, STORE_CONSTRAINT);
	add_pending(40, owner, "example.net", 0, STORE_CONSTRAINT);

	job = new_job();
	store_pending_page(job, owner, 0, 10);
	store_pending_page(job, owner, 10, 10);
	store_pending_page_domain(job, "example.net", 0, 10);
	store_pending_usage(job, owner);
	store_pending_domains(job, "", 10);
	store_pending_expired(job, 550, 0, 0, 10);
	store_pending_expired(job, 450, 0, 0, 10);
	store_pending_expired(job, 550, 500, 10, 10);
	ck_assert_int_eq(store_run_read(job, 0), STORE_OK);
	store_pending_row(store_rows(job, 0), &out);
	ck_assert_int_eq(out.position, 10);
	ck_assert_int_eq(out.owner, owner);
	ck_assert_ptr_null(out.domain);
	ck_assert_str_eq(out.stanza, "<message/>");
	ck_assert_int_eq(out.stamp, 99);
	ck_assert_int_eq(out.expires, 500);
	row = store_rows(job, 1);
	ck_assert_int_eq(row->cell[0].integer, 30);
	ck_assert_ptr_null(row->next);
	store_pending_row(store_rows(job, 2), &out);
	ck_assert_int_eq(out.owner, 0);
	ck_assert_str_eq(out.domain, "example.net");
	row = store_rows(job, 3);
	ck_assert_int_eq(row->cell[0].integer, 2);
	ck_assert_int_eq(row->cell[1].integer, 20);
	ck_assert_str_eq(store_rows(job, 4)->cell[0].bytes, "example.net");
	row = store_rows(job, 5);
	ck_assert_int_eq(row->cell[1].integer, 10);
	ck_assert_int_eq(row->cell[2].integer, 10);
	ck_assert_str_eq(row->cell[3].bytes, "juliet@example.org");
	ck_assert_ptr_null(row->next);
	ck_assert_ptr_null(store_rows(job, 6));
	ck_assert_ptr_null(store_rows(job, 7));
	store_job_free(&job);

	job = new_job();
	store_pending_delete(job, 10);
	store_pending_delete(job, 11);
	run_write(job, STORE_OK);
	job = new_job();
	ck_assert_int_eq(first_integer(job, store_pending_usage(job, owner)), 1);
}
END_TEST

/* --- loading --------------------------------------------------------------------------------------- */

static _Atomic int64_t loads;
static void (*look)(const struct store_loaded *loaded);

static void
loaded_one(struct store_job *job, const struct store_loaded *loaded, void *arg)
{
	(void)job;
	ck_assert_int_eq(loaded->outcome, STORE_OK);
	look(loaded);
	ck_assert_ptr_eq(arg, &loads);
	atomic_fetch_add(&loads, 1);
}

static void
juliet(const struct store_loaded *loaded)
{
	const struct store_row *row;

	ck_assert_int_eq(loaded->status, STORE_ACTIVE);
	ck_assert_int_eq(loaded->kind, STORE_ACCOUNT);
	ck_assert_int_eq(loaded->pending_count, 5);
	ck_assert_int_eq(loaded->pending_bytes, 50);
	ck_assert_int_eq(loaded->pending->cell[0].integer, 1);
	ck_assert_ptr_nonnull(loaded->pending->next);
	ck_assert_ptr_null(loaded->pending->next->next);
	ck_assert_uint_eq(loaded->value_count, 2);
	row = loaded->values[0];
	ck_assert_str_eq(row->cell[0].bytes, "a");
	ck_assert_str_eq(row->cell[1].bytes, "doc-a");
	ck_assert_str_eq(row->next->cell[0].bytes, "b");
	ck_assert_ptr_null(loaded->values[1]);
}

static void
nobody(const struct store_loaded *loaded)
{
	ck_assert_int_eq(loaded->status, STORE_ABSENT);
	ck_assert_int_eq(loaded->pending_count, 0);
	ck_assert_ptr_null(loaded->pending);
	ck_assert_ptr_null(loaded->values[0]);
}

static void
values_alone(const struct store_loaded *loaded)
{
	ck_assert_int_eq(loaded->status, STORE_ACTIVE);
	ck_assert_str_eq(loaded->values[0]->cell[1].bytes, "doc-a");
	ck_assert_ptr_null(loaded->pending);
}

START_TEST(an_entity_is_loaded_in_one_read)
{
	static const struct store_preload preloads[] = { { "roster", "item" },
		{ "blocking", "list" } };
	int64_t owner = create("juliet@example.org");
	struct store_job *job = new_job();
	uint64_t seq;

	store_value_set(job, owner, "roster", "item", "b", "doc-b", 5);
	store_value_set(job, owner, "roster", "item", "a", "doc-a", 5);
	store_value_set(job, owner, "vcard", "card", "", "large", 5);
	for (int64_t i = 1; i <= 5; i++)
		store_pending_add(job,
		    &(struct store_pending){ .position = i,
			.owner = owner,
			.stanza = "<message/>",
			.len = 10 });
	seq = store_write(job, NULL, NULL);
	look = juliet;
	store_load(store, seq, "juliet@example.org", preloads, 2, 2, loaded_one, &loads);
	kit_wait(&loads, 1);
	look = nobody;
	store_load(store, seq, "nobody@example.org", preloads, 2, 2, loaded_one, &loads);
	kit_wait(&loads, 2);
	look = values_alone;
	store_load_values(store, seq, owner, preloads, 1, loaded_one, &loads);
	kit_wait(&loads, 3);
}
END_TEST

/* --- erasure ---------------------------------------------------------------------------------------- */

static _Atomic int64_t erased;
static int64_t erased_rows;

static void
count_erased(void *arg, enum store_outcome outcome, int64_t total)
{
	(void)arg;
	ck_assert_int_eq(outcome, STORE_OK);
	erased_rows = total;
	atomic_fetch_add(&erased, 1);
}

static void
fill(int64_t owner)
{
	static const struct store_sql row = { "INSERT INTO kit_row (text, owner) VALUES ('x', ?)" };
	struct store_credential sha1 = credential("SHA-1", 4096);

	for (int i = 0; i < 1200; i++) {
		struct store_job *job = new_job();
		char key[16];

		snprintf(key, sizeof key, "%d", i);
		store_value_set(job, owner, "roster", "item", key, "x", 1);
		if (i < 600)
			store_pending_add(job,
			    &(struct store_pending){ .position = i + 1,
				.owner = owner,
				.stanza = "x",
				.len = 1 });
		store_add(job, &row, store_int(owner));
		store_write(job, NULL, NULL);
	}
	struct store_job *job = new_job();

	store_credential_set(job, store_int(owner), &sha1);
	run_write(job, STORE_OK);
}

START_TEST(an_account_is_erased_with_all_that_hangs_on_it)
{
	int64_t owner = create("juliet@example.org"), other = create("romeo@example.org");
	int64_t now = clock_wall_ms(), until = now + 1000;
	struct store_job *job = new_job();

	fill(owner);
	store_value_set(job, other, "roster", "item", "a", "x", 1);
	run_write(job, STORE_OK);
	job = new_job();
	store_entity_die(job, owner);
	run_write(job, STORE_OK);
	job = new_job();
	store_entity_die(job, owner);
	run_write(job, STORE_UNMET);
	job = new_job();
	ck_assert_int_eq(first_integer(job, store_entity_dying(job, 0, 10)), owner);
	job = new_job();
	ck_assert_int_eq(first_integer(job, store_credential_get(job, "juliet@example.org")), -1);

	store_erase(store, owner, until, count_erased, NULL);
	kit_wait(&erased, 1);
	ck_assert_int_eq(erased_rows, 1200 + 600 + 1200 + 1);
	ck_assert_int_eq(kit_rows(store), 0);
	ck_assert_int_eq(find("juliet@example.org"), -1);
	job = new_job();
	store_value_set(job, owner, "roster", "item", "late", "x", 1);
	run_write(job, STORE_LATE);
	job = new_job();
	ck_assert_int_eq(first_integer(job, store_pending_usage(job, owner)), 0);

	/* The name is kept from strangers for a while, and the number for ever. */
	job = new_job();
	store_entity_create(job, STORE_ACCOUNT, "juliet@example.org", now);
	run_write(job, STORE_UNMET);
	job = new_job();
	store_entity_create(job, STORE_ACCOUNT, "juliet@example.org", until);
	run_write(job, STORE_OK);
	ck_assert_int_gt(find("juliet@example.org"), other);
}
END_TEST

START_TEST(an_operator_may_give_a_released_name)
{
	int64_t owner = create("juliet@example.org");

	store_erase(store, owner, clock_wall_ms() + 100000, count_erased, NULL);
	kit_wait(&erased, 1);
	ck_assert_int_gt(create("juliet@example.org"), owner);
}
END_TEST

Suite *
suite(void)
{
	Suite *s = suite_create("entity_store");
	TCase *tc = tcase_create("entity");

	tcase_add_checked_fixture(tc, open_store, close_store);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_name_is_taken_once);
	tcase_add_test(tc, hosts_are_made_on_demand);
	tcase_add_test(tc, disabled_accounts_are_found_and_counted);
	tcase_add_test(tc, accounts_are_listed_by_host_and_page);
	tcase_add_test(tc, credentials_come_with_the_account);
	tcase_add_test(tc, values_are_replaced_listed_and_cleared);
	tcase_add_test(tc, pending_is_kept_in_order_of_position);
	tcase_add_test(tc, an_entity_is_loaded_in_one_read);
	tcase_add_test(tc, an_account_is_erased_with_all_that_hangs_on_it);
	tcase_add_test(tc, an_operator_may_give_a_released_name);
	suite_add_tcase(s, tc);
	return s;
}
