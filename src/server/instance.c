/*
 * Instances. See instance.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/instance.h"

#include <stdlib.h>
#include <string.h>

#include "base/metrics.h"
#include "base/xalloc.h"

struct instance {
	const struct ln_module *module;
	char *host; /* "": of the server */
	struct metrics *metrics;
	bool started;
};

static struct instance *instances;
static unsigned count;

static void
close_metrics(void *arg)
{
	metrics_close(&instances[(uintptr_t)arg].metrics);
}

static void
open_metrics(unsigned number, struct ledger *ledger)
{
	struct instance *instance = &instances[number];
	const struct metric_label labels[] = { { "host", instance->host }, { NULL, NULL } };
	const struct ln_metric *row = instance->module->metrics;
	struct metric_row *rows;
	unsigned n = 0;

	if (instance->metrics != NULL)
		return;
	while (row != NULL && row[n].name != NULL)
		n++;
	if (n == 0)
		return;
	rows = xcalloc(n, sizeof *rows);
	for (unsigned i = 0; i < n; i++)
		rows[i] = (struct metric_row){ .name = row[i].name,
			.type = METRIC_COUNTER,
			.help = row[i].help };
	instance->metrics = metrics_open(instance->module->name, rows, n,
	    instance->host[0] != '\0' ? labels : NULL);
	ledger_add(ledger, close_metrics, (void *)(uintptr_t)number);
	free(rows);
}

static void
forget_last(void *arg)
{
	struct instance *last = &instances[--count];

	(void)arg;
	metrics_close(&last->metrics);
	free(last->host);
}

static bool
find(const struct ln_module *module, const char *host, unsigned *number_r)
{
	unsigned i = 0;

	while (i < count && (instances[i].module != module || strcmp(instances[i].host, host) != 0))
		i++;
	*number_r = i;
	return i < count;
}

bool
instance_get(const struct ln_module *module, const char *host, struct ledger *ledger,
    unsigned *number_r)
{
	if (!find(module, host, number_r)) {
		if (!ledger_step(ledger))
			return false;
		instances = xrealloc(instances, (count + 1) * sizeof *instances);
		instances[count++] = (struct instance){ .module = module, .host = xstrdup(host) };
		ledger_add(ledger, forget_last, NULL);
	}
	open_metrics(*number_r, ledger);
	return true;
}

struct metrics *
instance_metrics(unsigned number)
{
	return instances[number].metrics;
}

static void
stop(void *arg)
{
	const struct ln_mod *mod = arg;
	struct instance *instance = &instances[mod->instance];

	if (!instance->started)
		return;
	instance->started = false;
	if (mod->def->stop != NULL)
		mod->def->stop(mod);
}

bool
instance_start(const struct ln_mod *mod, struct ledger *ledger, char **error_r)
{
	char message[256] = "a test wants it so";

	if (instances[mod->instance].started)
		return true;
	if (!ledger_step(ledger) ||
	    (mod->def->start != NULL && !mod->def->start(mod, message, sizeof message))) {
		*error_r = xasprintf("module %s%s%s does not start: %s", mod->def->name,
		    mod->host != NULL ? " of " : "", mod->host != NULL ? mod->host->name : "",
		    message);
		return false;
	}
	instances[mod->instance].started = true;
	ledger_add(ledger, stop, (void *)mod);
	return true;
}

void
instance_stop(const struct ln_mod *mod)
{
	stop((void *)mod);
	metrics_close(&instances[mod->instance].metrics);
}

void
instances_close(void)
{
	while (count > 0)
		forget_last(NULL);
	free(instances);
	instances = NULL;
}

unsigned
instances_count(void)
{
	return count;
}

unsigned
instances_started(void)
{
	unsigned started = 0;

	for (unsigned i = 0; i < count; i++)
		started += instances[i].started;
	return started;
}
