/*
 * linnetctl check: certificates. Their names (RFC 6125), their time, whether
 * they lead to an authority, and who can read their keys.
 *
 * SPDX-License-Identifier: MIT
 */
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "linnet/module.h"
#include "net/tls.h"
#include "server/apply.h"
#include "server/ctl_check.h"

#define GROUPS_MAX 64
#define DAY 86400
#define SOON (14 * DAY)

struct looking {
	struct findings *findings;
	int64_t now;               /* seconds since 1970 */
	const struct passwd *user; /* whom the server becomes; NULL: it stays who it is */
};

static const char *
date_text(struct arena *arena, int64_t seconds)
{
	time_t time = (time_t)seconds;
	char text[32];
	struct tm tm;

	gmtime_r(&time, &tm);
	strftime(text, sizeof text, "%Y-%m-%d", &tm);
	return arena_strdup(arena, text);
}

static const char *
all_names(struct arena *arena, const char *const *names)
{
	const char *text = "no domain";

	for (const char *const *name = names; *name != NULL; name++)
		text = name == names ? *name : arena_printf(arena, "%s, %s", text, *name);
	return text;
}

/* A wildcard stands for one label, the first (RFC 6125 §6.4.3). */
static bool
covers(const char *name, const char *host)
{
	const char *rest = strchr(host, '.');

	if (strncmp(name, "*.", 2) == 0)
		return rest != NULL && strcasecmp(name + 1, rest) == 0;
	return strcasecmp(name, host) == 0;
}

static bool
any_covers(const char *const *names, const char *host)
{
	for (; *names != NULL; names++)
		if (covers(*names, host))
			return true;
	return false;
}

static void
check_time(struct looking *looking, const struct tls_certificate *certificate)
{
	struct findings *findings = looking->findings;
	struct arena *arena = findings->arena;
	int64_t left = certificate->not_after - looking->now;

	if (certificate->not_before > looking->now)
		finding_add(findings, "certificates", certificate->file, VERDICT_WRONG,
		    "valid from %s only", date_text(arena, certificate->not_before));
	else if (left <= 0)
		finding_add(findings, "certificates", certificate->file, VERDICT_WRONG,
		    "expired on %s", date_text(arena, certificate->not_after));
	else
		finding_add(findings, "certificates", certificate->file,
		    left < SOON ? VERDICT_NOTE : VERDICT_OK, "valid until %s, %lld days, for %s",
		    date_text(arena, certificate->not_after), (long long)(left / DAY),
		    all_names(arena, certificate->names));
}

static bool
in_group(const struct passwd *user, gid_t wanted)
{
	gid_t groups[GROUPS_MAX];
	int count = GROUPS_MAX;

	if (getgrouplist(user->pw_name, user->pw_gid, groups, &count) < 0)
		return false;
	for (int i = 0; i < count; i++)
		if (groups[i] == wanted)
			return true;
	return false;
}

/* Started as root it reads every key; a reload does so as the user it became. */
static void
check_key(struct looking *looking, const char *file)
{
	const struct passwd *user = looking->user;
	struct stat key;

	if (stat(file, &key) != 0)
		return;
	if ((key.st_mode & S_IROTH) != 0)
		finding_add(looking->findings, "certificates", file, VERDICT_WRONG,
		    "everybody on this machine can read this key");
	else if (user != NULL && user->pw_uid != 0 &&
	    !(user->pw_uid == key.st_uid && (key.st_mode & S_IRUSR) != 0) &&
	    !((key.st_mode & S_IRGRP) != 0 && in_group(user, key.st_gid)))
		finding_add(looking->findings, "certificates", file, VERDICT_NOTE,
		    "%s cannot read this key, so a reload will be refused", user->pw_name);
}

static void
check_one(const struct tls_certificate *certificate, void *arg)
{
	struct looking *looking = arg;
	struct findings *findings = looking->findings;

	check_time(looking, certificate);
	if (certificate->host != NULL && !any_covers(certificate->names, certificate->host))
		finding_add(findings, "certificates", certificate->file, VERDICT_WRONG,
		    "it is given to %s, but speaks for %s", certificate->host,
		    all_names(findings->arena, certificate->names));
	if (certificate->chain_error != NULL)
		finding_add(findings, "certificates", certificate->file, VERDICT_NOTE,
		    "clients and servers that do not know its issuer will not trust it: %s (%s)",
		    certificate->chain_error, certificate->issuer);
	check_key(looking, certificate->key_file);
}

/* What answers under a name of its own beside the host. */
static void
check_component(struct looking *looking, const struct tls *tls, const char *domain)
{
	if (!tls_has_name(tls, apply_ascii_name(looking->findings->arena, domain)))
		finding_add(looking->findings, "certificates", domain, VERDICT_NOTE,
		    "no certificate has this name, so other servers may refuse to talk to it");
}

static void
check_host(struct looking *looking, const struct tls *tls, const struct config_host *host)
{
	bool has = tls_has_name(tls, apply_ascii_name(looking->findings->arena, host->name));

	finding_add(looking->findings, "certificates", host->name, has ? VERDICT_OK : VERDICT_NOTE,
	    has ? "has a certificate" : "has no certificate, so it offers no TLS");
	for (size_t i = 0; i < host->module_count; i++) {
		const struct config_use *use = &host->modules[i];

		if (use->module->scope == LN_SCOPE_COMPONENT)
			check_component(looking, tls, use->module->domain(use->conf));
	}
}

void
check_certificates(struct findings *findings, const struct config *config, const struct tls *tls)
{
	bool changes = geteuid() == 0 && config->user != NULL;
	struct looking looking = { findings, clock_wall_ms() / 1000,
		changes ? getpwnam(config->user) : NULL };

	if (tls == NULL) {
		finding_add(findings, "certificates", "tls", VERDICT_NOTE,
		    "there are none, so nothing is encrypted");
		return;
	}
	tls_each(tls, check_one, &looking);
	for (size_t i = 0; i < config->host_count; i++)
		check_host(&looking, tls, &config->hosts[i]);
}
