/*
 * The last line. See fatal.h. Everything below on_fault() is async-signal-safe:
 * no allocation, no lock, no stdio, no time zone.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/fatal.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "core/module.h"
#include "net/worker.h"

#define STACK_SIZE ((size_t)64 * 1024)
#define LINE_MAX_LEN 512

static const struct {
	int number;
	const char *name;
} signals[] = {
	{ SIGSEGV, "SIGSEGV" },
	{ SIGBUS, "SIGBUS" },
	{ SIGFPE, "SIGFPE" },
	{ SIGILL, "SIGILL" },
	{ SIGABRT, "SIGABRT" },
};
#define SIGNALS (sizeof signals / sizeof *signals)

static const char *const events[] = {
#define LN_HOOK(name, kind, home, when) #name,
#include "linnet/hooks.def"
#undef LN_HOOK
	[LN_EV_COUNT] = "iq",
};

static struct sigaction before[SIGNALS];
static unsigned slot; /* worker slot: its stack */

/* --- the line --------------------------------------------------------------------- */

struct line {
	char text[LINE_MAX_LEN];
	size_t len;
	bool json;
};

static void
add(struct line *line, const char *text)
{
	while (*text != '\0' && line->len < sizeof line->text - 2)
		line->text[line->len++] = *text++;
}

static void
add_number(struct line *line, uint64_t number, unsigned base, int digits)
{
	char text[24];
	char *p = text + sizeof text;

	*--p = '\0';
	for (; number > 0 || digits > 0; number /= base, digits--)
		*--p = "0123456789abcdef"[number % base];
	add(line, p);
}

/* Days since 1970 as year, month and day of the Gregorian calendar. */
static void
add_date(struct line *line, int64_t days)
{
	int64_t shifted = days + 719468; /* since 0000-03-01: leap days end a cycle */
	int64_t era = shifted / 146097, day = shifted % 146097;
	int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	int64_t in_year = day - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * in_year + 2) / 153;

	add_number(line, (uint64_t)(era * 400 + year + (month >= 10)), 10, 4);
	add(line, "-");
	add_number(line, (uint64_t)(month < 10 ? month + 3 : month - 9), 10, 2);
	add(line, "-");
	add_number(line, (uint64_t)(in_year - (153 * month + 2) / 5 + 1), 10, 2);
}

static void
add_time(struct line *line)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	add_date(line, now.tv_sec / 86400);
	add(line, "T");
	add_number(line, (uint64_t)(now.tv_sec / 3600 % 24), 10, 2);
	add(line, ":");
	add_number(line, (uint64_t)(now.tv_sec / 60 % 60), 10, 2);
	add(line, ":");
	add_number(line, (uint64_t)(now.tv_sec % 60), 10, 2);
	add(line, ".");
	add_number(line, (uint64_t)(now.tv_nsec / 1000000), 10, 3);
	add(line, "Z");
}

static void
add_pair(struct line *line, const char *key, const char *value)
{
	add(line, line->json ? ",\"" : " ");
	add(line, key);
	add(line, line->json ? "\":\"" : "=");
	add(line, value);
	add(line, line->json ? "\"" : "");
}

static void
add_head(struct line *line)
{
	add(line, line->json ? "{\"time\":\"" : "");
	add_time(line);
	add(line,
	    line->json ? "\",\"level\":\"error\",\"component\":\"server\",\"event\":\"fatal\""
		       : " error server fatal");
}

static void
add_thread(struct line *line)
{
	char name[16] = "";

	prctl(PR_GET_NAME, name);
	for (char *p = name; *p != '\0'; p++)
		if (*p == ' ')
			*p = '-';
	add_pair(line, "thread", name);
	if (breadcrumb.module == NULL)
		return;
	add_pair(line, "module", breadcrumb.module);
	add_pair(line, "handler", events[breadcrumb.event]);
}

static void
add_fault(struct line *line, unsigned which, const siginfo_t *info)
{
	struct line address = { .len = 0 };

	add_pair(line, "signal", signals[which].name);
	if (info->si_code <= 0 || signals[which].number == SIGABRT)
		return; /* somebody sent it */
	add(&address, "0x");
	add_number(&address, (uintptr_t)info->si_addr, 16, 1);
	add_pair(line, "address", address.text);
}

/* --- the handler -------------------------------------------------------------------- */

static void
on_fault(int number, siginfo_t *info, void *context)
{
	struct line line = { .json = log_is_json() };
	unsigned which = 0;

	(void)context;
	while (which < SIGNALS - 1 && signals[which].number != number)
		which++;
	add_head(&line);
	add_fault(&line, which, info);
	add_thread(&line);
	add(&line, line.json ? "}" : "");
	line.text[line.len++] = '\n';
	log_write_raw(line.text, line.len);
	/* A fault of the processor happens again on return; what was sent must be sent again. */
	sigaction(number, &before[which], NULL);
	if (info->si_code <= 0 || number == SIGABRT)
		raise(number);
}

/* --- stacks --------------------------------------------------------------------------- */

/* A sanitizer brings its own stacks, and frees them. */
static void
open_worker(struct worker *worker)
{
	stack_t stack;

	if (sigaltstack(NULL, &stack) != 0 || (stack.ss_flags & SS_DISABLE) == 0)
		return;
	stack = (stack_t){ .ss_sp = xmalloc(STACK_SIZE), .ss_size = STACK_SIZE };
	sigaltstack(&stack, NULL);
	worker_slot_set(worker, slot, stack.ss_sp);
}

/* The threads are joined: nobody stands on it. */
static void
close_worker(struct worker *worker)
{
	free(worker_slot(worker, slot));
	worker_slot_set(worker, slot, NULL);
}

void
fatal_init(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	sigemptyset(&action.sa_mask);
	for (unsigned i = 0; i < SIGNALS; i++)
		sigaction(signals[i].number, &action, &before[i]);
	slot = worker_slot_new();
	worker_on_open(open_worker);
	worker_on_close(close_worker);
}
