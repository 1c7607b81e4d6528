/*
 * The service manager's watchdog is fed by all workers together, on threads of
 * their own: one that hangs is enough to starve it.
 *
 * SPDX-License-Identifier: MIT
 */
#include <check.h>
#include <poll.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "folder.h"
#include "net/worker.h"
#include "server/notify.h"

Suite *suite(void);

#ifdef HAVE_SYSTEMD

#define LIMIT_US "60000" /* so it is fed every 20 ms */
#define HUNG_MS 300
#define PATIENCE_MS 20000

static char dir[FOLDER_MAX];
static int manager = -1;

static void
start(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	folder_make(dir, "notify");
	snprintf(address.sun_path, sizeof address.sun_path, "%s/manager", dir);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(bind(manager, (struct sockaddr *)&address, sizeof address), 0);
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
	setenv("WATCHDOG_USEC", LIMIT_US, 1);
	unsetenv("WATCHDOG_PID");
	workers_start(3);
	notify_ready();
}

static void
stop(void)
{
	notify_close();
	workers_stop();
	close(manager);
	folder_remove(dir);
}

/* What was said to the manager within `ms`: how many times that? At `enough` it does not wait. */
static unsigned
heard(const char *what, unsigned enough, int64_t ms)
{
	int64_t until = clock_ms() + ms;
	unsigned count = 0;
	char said[256];

	while (count < enough && clock_ms() < until) {
		struct pollfd fd = { manager, POLLIN, 0 };
		ssize_t len;

		worker_turn(worker_main(), false);
		poll(&fd, 1, 1);
		while ((len = recv(manager, said, sizeof said - 1, 0)) > 0) {
			said[len] = '\0';
			count += strcmp(said, what) == 0;
		}
	}
	return count;
}

struct hang {
	struct post post;
	sem_t begun, over;
};

static void
hang(struct worker *worker, struct post *post)
{
	struct hang *this = (struct hang *)post;

	(void)worker;
	sem_post(&this->begun);
	sem_wait(&this->over);
}

START_TEST(it_is_fed_while_all_turn)
{
	ck_assert_uint_eq(heard("READY=1", 1, PATIENCE_MS), 1);
	ck_assert_uint_ge(heard("WATCHDOG=1", 5, PATIENCE_MS), 5);
}
END_TEST

START_TEST(one_that_hangs_starves_it)
{
	struct hang this = { .post.run = hang };

	sem_init(&this.begun, 0, 0);
	sem_init(&this.over, 0, 0);
	ck_assert_uint_ge(heard("WATCHDOG=1", 1, PATIENCE_MS), 1);
	worker_post(worker_get((unsigned)_i), &this.post);
	sem_wait(&this.begun);
	/* An answer may be under way: one more, and then nothing. */
	ck_assert_uint_le(heard("WATCHDOG=1", 2, HUNG_MS), 1);
	ck_assert_uint_eq(heard("WATCHDOG=1", 1, HUNG_MS), 0);
	sem_post(&this.over);
	ck_assert_uint_ge(heard("WATCHDOG=1", 3, PATIENCE_MS), 3);
}
END_TEST

#endif

Suite *
suite(void)
{
	Suite *s = suite_create("notify");
	TCase *tc = tcase_create("watchdog");

#ifdef HAVE_SYSTEMD
	tcase_add_checked_fixture(tc, start, stop);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, it_is_fed_while_all_turn);
	tcase_add_loop_test(tc, one_that_hangs_starves_it, 0, 3);
#endif
	suite_add_tcase(s, tc);
	return s;
}
