/*
 * The certificates of a configuration. See apply.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/xalloc.h"
#include "core/idna.h"
#include "net/tls.h"
#include "server/apply.h"
#include "server/config_source.h"

struct judging {
	const struct config *config;
	struct report *report;
};

static bool
same(const char *one, const char *other)
{
	return one != NULL && strcmp(one, other) == 0;
}

/* The option that names the file: "certificate" of a host, say; NULL: it was found in a directory. */
static const char *
naming(const struct config *config, const char *file, const struct config_host **host_r)
{
	for (size_t i = 0; i < config->host_count; i++) {
		*host_r = &config->hosts[i];
		if (same((*host_r)->certificate, file))
			return "certificate";
		if (same((*host_r)->key, file))
			return "key";
	}
	*host_r = NULL;
	return same(config->tls.authorities, file) ? "tls.authorities" : NULL;
}

static void
report_tls(const char *file, const char *reason, void *arg)
{
	const struct judging *judging = arg;
	struct place nowhere = { .file = file != NULL ? file : "tls" };
	const struct config_host *host;
	const char *option = file != NULL ? naming(judging->config, file, &host) : NULL;

	if (option == NULL)
		report_add(judging->report, nowhere, "%s", reason);
	else
		report_add(judging->report, config_place(judging->config, host, option, nowhere),
		    "%s: %s %s", option, file, reason);
}

static bool
host_needs_tls(const struct config *config, const struct config_host *host)
{
	const struct config_listen *listen = &config->listen;

	return (listen->c2s.count > 0 && host->c2s.tls == CONFIG_TLS_REQUIRED) ||
	    (listen->s2s.count > 0 && host->s2s.tls == CONFIG_TLS_REQUIRED) ||
	    listen->c2s_tls.count > 0 || listen->s2s_tls.count > 0 || listen->https.count > 0;
}

const char *
apply_ascii_name(struct arena *arena, const char *host)
{
	char name[IDNA_OUT_MAX + 1];
	size_t len;

	if (idna_to_ascii(host, strlen(host), name, &len) != IDNA_OK)
		return host;
	return arena_strndup(arena, name, len);
}

static void
check_hosts(const struct config *config, struct arena *arena, const struct tls *tls,
    struct report *report)
{
	for (size_t i = 0; i < config->host_count; i++) {
		const struct config_host *host = &config->hosts[i];

		if (host->certificate != NULL || !host_needs_tls(config, host) ||
		    (tls != NULL && tls_has_name(tls, apply_ascii_name(arena, host->name))))
			continue;
		report_add(report, (struct place){ .file = config->file },
		    "%s has no certificate: none in %s has this name; allowed: NAME.crt and "
		    "NAME.key there, or `certificate` and `key` of the host",
		    host->name,
		    config->tls.certificates != NULL ? config->tls.certificates
						     : "tls.certificates");
	}
}

bool
apply_load_tls(const struct config *config, struct report *report, struct tls **tls_r)
{
	struct arena *arena = arena_new(1024);
	struct tls_pair *pairs = arena_zalloc(arena, (config->host_count + 1) * sizeof *pairs);
	struct tls_config tls = { .pairs = pairs };
	size_t before = report->count;

	for (size_t i = 0; i < config->host_count; i++)
		if (config->hosts[i].certificate != NULL)
			pairs[tls.n_pairs++] =
			    (struct tls_pair){ apply_ascii_name(arena, config->hosts[i].name),
				    config->hosts[i].certificate, config->hosts[i].key };
	if (config->tls.certificates != NULL && access(config->tls.certificates, F_OK) == 0)
		tls.directory = config->tls.certificates;
	tls.authorities = config->tls.authorities_word == LN_OTHER ? config->tls.authorities : NULL;
	tls.minimum = config->tls.minimum == CONFIG_TLS_1_3 ? "1.3" : "1.2";
	*tls_r = NULL;
	if (tls.n_pairs > 0 || tls.directory != NULL)
		*tls_r = tls_load(&tls, report_tls,
		    &(struct judging){ .config = config, .report = report });
	if (report->count == before)
		check_hosts(config, arena, *tls_r, report);
	arena_free(&arena);
	if (report->count == before)
		return true;
	tls_unref(tls_r);
	return false;
}
