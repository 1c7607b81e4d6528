/*
 * A worker and a DNS that is faked. See zone_kit.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "zone_kit.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "dns_kit.h"
#include "net/resolver.h"
#include "net/worker.h"

struct zone zone;

static struct worker *worker;

void
zone_add(const char *name, enum dns_type type, const char *text)
{
	zone.rows[zone.count++] = (struct zone_row){ name, type, text };
}

static void
add_record(struct dns_message *m, const struct zone_row *row)
{
	unsigned long numbers[3]; /* priority, weight, port */
	uint8_t address[16];

	if (row->type == DNS_SRV) {
		const char *at = row->text;

		for (int i = 0; i < 3; i++) {
			char *end;

			numbers[i] = strtoul(at, &end, 10);
			ck_assert_ptr_ne(end, at);
			at = end;
		}
		dns_message_srv(m, row->name, (unsigned)numbers[0], (unsigned)numbers[1],
		    (unsigned)numbers[2], *at == ' ' ? at + 1 : at);
	} else if (row->type == DNS_TLSA) {
		dns_message_add(m, row->name, DNS_TLSA, 60, "\3\1\1\253\315", 5);
	} else {
		inet_pton(row->type == DNS_A ? AF_INET : AF_INET6, row->text, address);
		dns_message_add(m, row->name, row->type, 60, address, row->type == DNS_A ? 4 : 16);
	}
}

static struct dns_answer *
failure(const struct zone_row *row)
{
	static const struct {
		const char *text;
		enum dns_status status;
	} words[] = { { "!failed", DNS_FAILED }, { "!bogus", DNS_BOGUS },
		{ "!silent", DNS_TIMEOUT } };

	for (unsigned i = 0; i < 3; i++)
		if (strcmp(row->text, words[i].text) == 0)
			return words[i].status == DNS_TIMEOUT
			    ? NULL
			    : dns_answer_new(row->name, row->type, words[i].status, NULL);
	ck_abort();
}

struct dns_answer *
zone_answer(const char *name, enum dns_type type)
{
	struct dns_message m = dns_message(name, type, 0);
	struct dns_answer *answer;

	zone.asked++;
	for (unsigned i = 0; i < zone.count; i++) {
		const struct zone_row *row = &zone.rows[i];

		if (row->type != type || strcmp(row->name, name) != 0)
			continue;
		if (row->text[0] == '!') {
			buf_free(&m.bytes);
			return failure(row);
		}
		add_record(&m, row);
	}
	answer = dns_decode(name, type, m.bytes.data, m.bytes.len, zone.secure);
	buf_free(&m.bytes);
	return answer;
}

void
zone_begin(void)
{
	memset(&zone, 0, sizeof zone);
	zone.secure = true;
	resolver_init();
	resolver_set_fake(zone_answer);
	workers_start_unthreaded(1);
	worker = worker_get(0);
	worker_enter(worker);
}

/* True: there is more to do at once. */
static bool
turn_both(void)
{
	bool more;

	worker_enter(worker_main());
	more = worker_turn(worker_main(), false);
	worker_enter(worker);
	return worker_turn(worker, false) || more;
}

void
zone_turn(void)
{
	turn_both();
}

/* Nothing is left to do at once when both have turned twice: what one sent the other is there. */
void
zone_until(const unsigned *count, unsigned least)
{
	unsigned idle = 0;

	while (*count < least) {
		if (idle == 2)
			worker_turn(worker, true);
		idle = turn_both() || idle == 2 ? 0 : idle + 1;
	}
}

void
zone_end(void)
{
	worker_enter(worker_main());
	resolver_close();
	worker_enter(worker);
	for (int i = 0; i < 5; i++)
		zone_turn();
	worker_enter(worker_main());
	resolver_free();
	workers_stop();
	resolver_set_fake(NULL);
}
