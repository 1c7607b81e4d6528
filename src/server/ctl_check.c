/*
 * linnetctl check. See ctl_check.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/ctl_check.h"

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/xalloc.h"
#include "net/tls.h"
#include "server/apply.h"
#include "server/loader.h"
#include "server/option_values.h"
#include "server/tables.h"
#include "store/examine.h"

#define SPACE_WRONG ((int64_t)64 << 20)
#define SPACE_NOTE ((int64_t)1 << 30)

static void
add_text(struct findings *findings, const char *text)
{
	if (findings->count == findings->room) {
		findings->room = findings->room > 0 ? 2 * findings->room : 64;
		findings->cells =
		    xrealloc(findings->cells, findings->room * sizeof *findings->cells);
	}
	findings->cells[findings->count++] =
	    (struct ln_cell){ LN_CELL_TEXT, arena_strdup(findings->arena, text), 0 };
}

void
finding_add(struct findings *findings, const char *part, const char *subject, enum verdict verdict,
    const char *format, ...)
{
	static const char *const words[] = { "ok", "note", "wrong" };
	va_list args;

	add_text(findings, part);
	add_text(findings, subject);
	add_text(findings, words[verdict]);
	va_start(args, format);
	add_text(findings, arena_vprintf(findings->arena, format, args));
	va_end(args);
	findings->notes += verdict == VERDICT_NOTE;
	findings->wrong += verdict == VERDICT_WRONG;
}

/* --- the configuration ---------------------------------------------------------------- */

static void
add_mistakes(struct findings *findings, const char *part, const struct report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct place *place = &report->entries[i].place;
		const char *subject = place->line > 0 ? arena_printf(findings->arena, "%s:%u:%u",
							    place->file, place->line, place->column)
						      : place->file;

		finding_add(findings, part, subject, VERDICT_WRONG, "%s",
		    report->entries[i].message);
	}
}

static const struct config *
check_configuration(struct findings *findings, const char *file)
{
	struct report report = REPORT_INIT;
	const struct config *config = config_load(file, loader_registry(), &report);
	char *error = NULL;

	add_mistakes(findings, "configuration", &report);
	if (config != NULL && !apply_check(config, &error))
		finding_add(findings, "configuration", config->file, VERDICT_WRONG, "%s", error);
	else if (config != NULL)
		finding_add(findings, "configuration", config->file, VERDICT_OK,
		    "%zu host%s, no mistakes", config->host_count,
		    config->host_count == 1 ? "" : "s");
	free(error);
	report_free(&report);
	return config;
}

/* --- the database ------------------------------------------------------------------------ */

static const char *
size_text(struct arena *arena, int64_t bytes)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	double size = (double)bytes;
	unsigned unit = 0;

	while (size >= 1024 && unit < 4) {
		size /= 1024;
		unit++;
	}
	return arena_printf(arena, unit == 0 ? "%.0f %s" : "%.1f %s", size, units[unit]);
}

static void
check_space(struct findings *findings, const char *dir, int64_t database)
{
	struct statvfs disk;
	enum verdict verdict = VERDICT_OK;
	const char *why = "";
	int64_t free_bytes;

	if (statvfs(dir, &disk) != 0) {
		finding_add(findings, "database", dir, VERDICT_WRONG, "%s", strerror(errno));
		return;
	}
	free_bytes = (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
	if (free_bytes < SPACE_WRONG)
		verdict = VERDICT_WRONG, why = ": too little for what is to come";
	else if (free_bytes < SPACE_NOTE || free_bytes < database)
		verdict = VERDICT_NOTE, why = ": too little for a backup, soon for more";
	finding_add(findings, "database", dir, verdict, "%s free%s",
	    size_text(findings->arena, free_bytes), why);
}

static void
check_file(struct findings *findings, const char *dir)
{
	const struct store_schema *const *tables;
	size_t count = tables_all(&tables);
	struct store_examined found;
	char *error = store_examine(dir, tables, count, &found);

	if (error != NULL)
		finding_add(findings, "database", found.path, VERDICT_WRONG, "%s", error);
	else if (found.steps > 0)
		finding_add(findings, "database", found.path, VERDICT_NOTE,
		    "sound, %s; the next start changes its tables (%u steps)",
		    size_text(findings->arena, found.bytes), found.steps);
	else
		finding_add(findings, "database", found.path, VERDICT_OK,
		    "sound, %s, tables as this version has them",
		    size_text(findings->arena, found.bytes));
	check_space(findings, dir, found.bytes);
	free(error);
	free(found.path);
}

/* The server gives up root before it opens the file, so somebody else's it cannot write. */
static void
check_owner(struct findings *findings, const char *path, const char *user)
{
	const struct passwd *wanted = user != NULL ? getpwnam(user) : NULL, *owner;
	struct stat st;

	if (geteuid() != 0 || user == NULL || stat(path, &st) != 0)
		return;
	owner = getpwuid(st.st_uid);
	if (wanted == NULL)
		finding_add(findings, "database", path, VERDICT_WRONG, "no user %s on this machine",
		    user);
	else if (wanted->pw_uid != st.st_uid)
		finding_add(findings, "database", path, VERDICT_WRONG,
		    "belongs to %s, and the server runs as %s",
		    owner != NULL ? owner->pw_name : "nobody known", user);
}

/* Only its last directory is made by the server. */
static void
check_new(struct findings *findings, const char *dir)
{
	const char *slash = strrchr(dir, '/');
	const char *parent = slash == NULL || slash == dir
	    ? (slash == NULL ? "." : "/")
	    : arena_strndup(findings->arena, dir, (size_t)(slash - dir));

	if (access(parent, W_OK | X_OK) != 0) {
		finding_add(findings, "database", dir, VERDICT_WRONG, "it is not there, and %s: %s",
		    parent, strerror(errno));
		return;
	}
	finding_add(findings, "database", dir, VERDICT_OK, "made at the first start");
	check_space(findings, parent, 0);
}

static void
check_database(struct findings *findings, const struct config *config)
{
	const char *dir = config->data;
	char *path = xasprintf("%s/linnet.db", dir);

	if (access(dir, F_OK) != 0) {
		check_new(findings, dir);
	} else if (access(dir, R_OK | W_OK | X_OK) != 0) {
		finding_add(findings, "database", dir, VERDICT_WRONG,
		    "it cannot be read and written by this user: %s", strerror(errno));
	} else if (access(path, F_OK) != 0) {
		finding_add(findings, "database", path, VERDICT_OK, "made at the first start");
		check_space(findings, dir, 0);
	} else {
		check_owner(findings, path, config->user);
		check_file(findings, dir);
	}
	free(path);
}

/* --- all of it ----------------------------------------------------------------------------- */

/* The process behind the control socket; 0: the server is not running. */
static long
find_server(struct ctl *ctl)
{
	struct ucred peer;
	socklen_t len = sizeof peer;
	const char *error;

	if (!ctl_connect(ctl, &error) ||
	    getsockopt(ctl->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return 0;
	return peer.pid;
}

static void
check_all(struct findings *findings, struct ctl *ctl)
{
	const struct config *config = check_configuration(findings, ctl->file);
	struct report report = REPORT_INIT;
	struct tls *tls = NULL;

	if (config == NULL)
		return;
	if (!apply_load_tls(config, &report, &tls))
		add_mistakes(findings, "certificates", &report);
	else
		check_certificates(findings, config, tls);
	check_ports(findings, config, find_server(ctl));
	check_database(findings, config);
	tls_unref(&tls);
	report_free(&report);
	config_unref(&config);
}

static void
print_findings(const struct findings *findings, bool json)
{
	static const char *const columns[] = { "part", "subject", "verdict", "finding" };
	struct buf out = BUF_INIT;
	char said[100];
	const struct ln_result result = {
		.failure = findings->wrong > 0 ? "not everything is as it should be" : NULL,
		.said = said,
		.columns = columns,
		.column_count = 4,
		.cells = findings->cells,
		.cell_count = findings->count,
	};

	snprintf(said, sizeof said, "%zu findings: %u wrong, %u to note.\n", findings->count / 4,
	    findings->wrong, findings->notes);
	ctl_print_result(&result, json, &out);
	fputs(out.data, stdout);
	buf_free(&out);
}

enum ctl_exit
ctl_check(struct ctl *ctl)
{
	struct findings findings = { .arena = ctl->arena };

	if (!ctl_open_modules())
		return CTL_FAILED;
	check_all(&findings, ctl);
	print_findings(&findings, ctl->json);
	free(findings.cells);
	apply_close();
	loader_close();
	return findings.wrong > 0 ? CTL_FAILED : CTL_OK;
}
