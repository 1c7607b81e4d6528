/*
 * The daemon. See daemon.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/daemon.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/limit.h"
#include "core/node.h"
#include "core/work.h"
#include "im/account.h"
#include "im/registry.h"
#include "im/sweep.h"
#include "net/bytestream.h"
#include "net/pool.h"
#include "net/resolver.h"
#include "net/tls.h"
#include "net/worker.h"
#include "server/apply.h"
#include "server/apply_dns.h"
#include "server/commands.h"
#include "server/control.h"
#include "server/ending.h"
#include "server/fatal.h"
#include "server/floors.h"
#include "server/hostent.h"
#include "server/listeners.h"
#include "server/loader.h"
#include "server/notify.h"
#include "server/unreached.h"
#include "server/web.h"
#include "xmpp/c2s.h"
#include "xmpp/component.h"
#include "xmpp/s2s.h"

#define SETTLE_MS 10000
#define CRYPTO_QUEUE 4096
#define FILE_THREADS 2
#define FILE_QUEUE 1024

struct daemon {
	const char *file;
	const struct config *config;
	struct tls *tls;
	struct store *store;
	struct pool *crypto, *files;
	struct control *control;
	struct event *signals[4];
	unsigned signal_count;
	bool stopping;
	uid_t uid;
	gid_t gid;
	bool change_user;
};

static struct daemon daemon_state;

/* --- small steps ---------------------------------------------------------------------------- */

static bool complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Before the log has begun: on standard error. False, for the caller to return. */
static bool
complain(const char *format, ...)
{
	va_list args;

	fputs("linnetd: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return false;
}

static const struct config *
read_config(const char *file, struct tls **tls_r)
{
	struct report report = REPORT_INIT;
	const struct config *config = config_load(file, loader_registry(), &report);
	struct buf text = BUF_INIT;
	char *error = NULL;

	if (config != NULL && !apply_check(config, &error))
		report_add(&report, (struct place){ .file = config->file }, "%s", error);
	free(error);
	if (config != NULL && (!apply_load_tls(config, &report, tls_r) || report.count > 0)) {
		tls_unref(tls_r);
		config_unref(&config);
	}
	if (config == NULL) {
		report_print(&report, &text);
		fwrite(text.data, 1, text.len, stderr);
	}
	buf_free(&text);
	report_free(&report);
	return config;
}

static bool
set_up_log(const struct config *config)
{
	const char *target = config->log.to, *error;

	if (config->log.to_word == CONFIG_LOG_STDERR)
		target = "stderr";
	else if (config->log.to_word == CONFIG_LOG_SYSLOG)
		target = "syslog";
	log_set_format((enum log_format)config->log.format);
	log_reset_levels();
	log_set_level(NULL, (enum log_level)config->log.level);
	for (size_t i = 0; i < config->log.components.count; i++)
		log_set_level(config->log.components.keys[i],
		    (enum log_level)((const int *)config->log.components.items)[i]);
	return log_to(target, &error) || complain("log.to: %s: %s", target, error);
}

static bool
find_user(struct daemon *d)
{
	const struct passwd *user;

	d->uid = geteuid();
	d->gid = getegid();
	if (d->uid != 0 || d->config->user == NULL)
		return true;
	user = getpwnam(d->config->user);
	if (user == NULL)
		return complain("no user %s on this machine", d->config->user);
	d->uid = user->pw_uid;
	d->gid = user->pw_gid;
	d->change_user = true;
	return true;
}

static bool
drop_privileges(const struct daemon *d)
{
	if (!d->change_user)
		return true;
	if (initgroups(d->config->user, d->gid) != 0 || setgid(d->gid) != 0 || setuid(d->uid) != 0)
		return complain("cannot become %s: %s", d->config->user, strerror(errno));
	return true;
}

/* The last directory of `data` is made; it belongs to the user we become. */
static bool
make_data(const struct daemon *d)
{
	const char *data = d->config->data;

	if (mkdir(data, 0700) != 0 && errno != EEXIST)
		return complain("the directory `data`, %s, cannot be made: %s", data,
		    strerror(errno));
	if (d->change_user && chown(data, d->uid, d->gid) != 0)
		return complain("the directory `data`, %s, cannot be given to %s: %s", data,
		    d->config->user, strerror(errno));
	return true;
}

static void
raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* --- listeners -------------------------------------------------------------------------------- */

static bool
open_sockets(struct daemon *d)
{
	char error[CONTROL_ERROR_MAX], *reason = NULL;

	if (!listeners_prepare(d->config, &reason)) {
		complain("%s", reason);
		free(reason);
		return false;
	}
	d->control = control_open(d->config->control, d->uid, d->gid, error);
	return d->control != NULL || complain("%s: %s", d->config->control, error);
}

/* --- store --------------------------------------------------------------------------------------- */

static bool
open_store(struct daemon *d)
{
	char *error;

	d->store = floors_open_store(d->config->data, &error);
	if (d->store != NULL)
		return true;
	complain("%s", error);
	free(error);
	return false;
}

/* --- the end ------------------------------------------------------------------------------------- */

void
daemon_stop(void)
{
	struct daemon *d = &daemon_state;

	if (d->stopping)
		return;
	d->stopping = true;
	notify_stopping();
	log_info("server", "stopping");
	listeners_close();
	ending_begin(worker_main_stop);
}

/* --- reload ------------------------------------------------------------------------------------------ */

/* From now on this configuration is in force. */
static void
take_over(struct daemon *d, const struct config *config, struct tls *tls, struct buf *out)
{
	config_diff(d->config, config, out);
	if (!set_up_log(config))
		buf_add_text(out, "log.to cannot be opened: the log goes where it went\n");
	config_unref(&d->config);
	tls_unref(&d->tls);
	d->config = config_ref(config);
	d->tls = tls != NULL ? tls_ref(tls) : NULL;
	apply_dns(config);
	log_info("server", "configuration reloaded file=%s", d->file);
	unreached_warn(config, apply_current());
}

/* The file as it is now, applied; false: nothing has changed. */
static bool
reload(struct daemon *d, struct report *report, struct buf *out, char **error_r)
{
	const struct config *config = config_load(d->file, loader_registry(), report);
	struct tls *tls = NULL;
	bool ok = config != NULL && apply_load_tls(config, report, &tls) &&
	    listeners_prepare(config, error_r);

	if (ok && !apply(config, tls, error_r)) {
		listeners_abandon();
		ok = false;
	}
	if (ok) {
		listeners_commit();
		take_over(d, config, tls, out);
	}
	tls_unref(&tls);
	config_unref(&config);
	return ok;
}

bool
daemon_reload(struct buf *out)
{
	struct daemon *d = &daemon_state;
	struct report report = REPORT_INIT;
	char *error = NULL;
	bool ok;

	if (d->stopping) {
		buf_add_text(out, "the server is stopping\n");
		return false;
	}
	notify_reloading();
	ok = reload(d, &report, out, &error);
	if (!ok) {
		report_print(&report, out);
		if (error != NULL)
			buf_printf(out, "%s\n", error);
		log_error("server", "configuration refused, the old one stays file=%s", d->file);
	}
	notify_reloaded();
	report_free(&report);
	free(error);
	return ok;
}

const struct config *
daemon_config(void)
{
	return daemon_state.config;
}

/* --- signals -------------------------------------------------------------------------------------------- */

static void
told_to_stop(evutil_socket_t number, short what, void *arg)
{
	(void)number;
	(void)what;
	(void)arg;
	daemon_stop();
}

static void
told_to_reload(evutil_socket_t number, short what, void *arg)
{
	struct buf text = BUF_INIT;

	(void)number;
	(void)what;
	(void)arg;
	log_reopen();
	daemon_reload(&text);
	if (text.len > 0)
		log_info("server", "reload: %s", text.data);
	buf_free(&text);
}

static void
on_signal(struct daemon *d, int number, event_callback_fn fn)
{
	struct event *event = evsignal_new(worker_base(worker_main()), number, fn, NULL);

	event_add(event, NULL);
	d->signals[d->signal_count++] = event;
}

/* --- running --------------------------------------------------------------------------------------------- */

/* As in floors_init(): the order in which a worker takes them down again. */
static void
init_floors(struct daemon *d)
{
	static const struct bytestream_counts bytestream_counts = { limit_hold, limit_give };
	const struct xmpp_needs needs = { d->store, d->crypto };

	floors_init(d->store, d->crypto, d->config->data);
	xmpp_init(&needs);
	resolver_init();
	bytestream_init(&bytestream_counts);
	s2s_init(d->store);
	hostent_init();
	commands_init();
}

static unsigned
how_many_workers(const struct config *config)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (config->workers_word == LN_OTHER)
		return (unsigned)config->workers;
	return cores > 0 ? (unsigned)cores : 1;
}

static bool
publish(const struct daemon *d)
{
	char *error = NULL;
	bool ok = apply(d->config, d->tls, &error);

	if (!ok)
		complain("%s", error);
	free(error);
	return ok;
}

static void
serve(struct daemon *d)
{
	on_signal(d, SIGTERM, told_to_stop);
	on_signal(d, SIGINT, told_to_stop);
	on_signal(d, SIGHUP, told_to_reload);
	registry_recover();
	sweep_start();
	listeners_commit();
	control_start(d->control);
	notify_ready();
	log_info("server", "started version=%s workers=%u", LN_VERSION, worker_count());
	unreached_warn(d->config, apply_current());
	worker_main_run();
	notify_close();
	log_info("server", "stopped");
}

static void
close_down(struct daemon *d)
{
	listeners_close();
	if (d->control != NULL)
		control_close(&d->control);
	if (d->store != NULL && !store_stop(d->store))
		log_error("server", "not everything could be stored");
	if (d->crypto != NULL)
		pool_free(&d->crypto);
	if (d->files != NULL)
		pool_free(&d->files);
	web_close();
}

/* One that fails is not waited for: closing it tries for a while. */
static bool
store_busy(const struct store *store)
{
	struct store_stats stats;

	store_stats(store, &stats);
	if (stats.failing)
		return false;
	return stats.queued_jobs > 0 || stats.waiting_reads > 0;
}

/*
 * A worker that serves could still write while the store is being closed. So
 * the threads end first; what they left behind, and what the store answers to
 * it, is handled here until both are still, or the disk has failed for too long.
 */
static void
settle(struct daemon *d)
{
	int64_t until = clock_ms() + SETTLE_MS;

	workers_join();
	while ((workers_turn() || store_busy(d->store)) && clock_ms() < until)
		usleep(1000);
}

static bool
start_workers(struct daemon *d)
{
	bool ok;

	d->crypto = pool_new("crypto", how_many_workers(d->config), CRYPTO_QUEUE);
	d->files = pool_new("file", FILE_THREADS, FILE_QUEUE);
	web_init(d->files);
	init_floors(d);
	workers_start(how_many_workers(d->config));
	ok = publish(d);
	if (ok) {
		apply_dns(d->config);
		s2s_start();
		serve(d);
	}
	resolver_close();
	settle(d);
	close_down(d);
	resolver_free();
	workers_stop();
	floors_close_store(&d->store);
	while (d->signal_count > 0)
		event_free(d->signals[--d->signal_count]);
	return ok;
}

static bool
run(struct daemon *d)
{
	d->config = read_config(d->file, &d->tls);
	if (d->config == NULL)
		return false;
	raise_limits();
	if (!find_user(d) || !make_data(d) || !open_sockets(d) || !drop_privileges(d) ||
	    !set_up_log(d->config) || !open_store(d)) {
		close_down(d);
		floors_close_store(&d->store);
		return false;
	}
	log_start();
	return start_workers(d);
}

int
daemon_run(const char *file)
{
	struct daemon *d = &daemon_state;
	char *error;
	bool ok;

	signal(SIGPIPE, SIG_IGN);
	fatal_init();
	if (!loader_open(loader_directory(), &error)) {
		complain("%s", error);
		free(error);
		return EXIT_FAILURE;
	}
	d->file = file;
	ok = run(d);
	log_stop();
	tls_unref(&d->tls);
	if (d->config != NULL)
		config_unref(&d->config);
	apply_close();
	loader_close();
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
daemon_check(const char *file)
{
	struct tls *tls = NULL;
	const struct config *config;
	char *error;

	if (!loader_open(loader_directory(), &error)) {
		complain("%s", error);
		free(error);
		return EXIT_FAILURE;
	}
	config = read_config(file, &tls);
	tls_unref(&tls);
	if (config == NULL)
		return EXIT_FAILURE;
	config_unref(&config);
	return EXIT_SUCCESS;
}
