/*
 * A module's tables, looked at before anything is made of them: what the
 * compiler cannot see.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "base/xalloc.h"
#include "linnet/sasl.h"
#include "server/loader.h"

static char *
check_options(const struct ln_module *module)
{
	const struct ln_option *row = module->options, *other;

	if ((module->conf_size > 0) != (row != NULL))
		return xstrdup("declares options without conf_size, or conf_size without options");
	for (; row != NULL && row->type != LN_TYPE_END; row++) {
		const char *name = row->type == LN_TYPE_OR ? row->item->name : row->name;

		if (name == NULL)
			return xstrdup("has an option without a name");
		if (row->offset + row->size > module->conf_size)
			return xasprintf("option %s lies outside of conf_size", name);
		for (other = module->options; other != row; other++)
			if (other->name != NULL && strcmp(other->name, name) == 0)
				return xasprintf("declares the option %s twice", name);
	}
	return NULL;
}

static char *
check_hooks(const struct ln_module *module)
{
	const struct ln_hook *hook = module->hooks;

	for (; hook != NULL && hook->event != LN_EV_COUNT; hook++)
		if ((unsigned)hook->event > LN_EV_COUNT || hook->fn.any == NULL)
			return xasprintf("hook %td has no event or no function",
			    hook - module->hooks);
	return NULL;
}

/* The two ways to ask a host are one. */
static enum ln_iq_scope
scope_of(const struct ln_iq_handler *row)
{
	return row->scope == LN_TO_HOST_HOME ? LN_TO_HOST : row->scope;
}

static bool
same_request(const struct ln_iq_handler *a, const struct ln_iq_handler *b)
{
	return scope_of(a) == scope_of(b) && strcmp(a->ns, b->ns) == 0 &&
	    strcmp(a->element, b->element) == 0 &&
	    (a->kind == b->kind || a->kind == LN_IQ_BOTH || b->kind == LN_IQ_BOTH);
}

static char *
check_iq(const struct ln_module *module)
{
	const struct ln_iq_handler *row = module->iq_handlers, *other;

	for (; row != NULL && row->kind != LN_IQ_NONE; row++) {
		if (row->ns == NULL || row->element == NULL || row->handle == NULL)
			return xasprintf("iq row %td lacks namespace, element or function",
			    row - module->iq_handlers);
		for (other = module->iq_handlers; other != row; other++)
			if (same_request(row, other))
				return xasprintf("answers <%s xmlns='%s'/> twice", row->element,
				    row->ns);
	}
	return NULL;
}

static char *
check_domain(const struct ln_module *module)
{
	if ((module->scope == LN_SCOPE_COMPONENT) != (module->domain != NULL))
		return xstrdup("a component has a function `domain`, and nothing else has");
	return NULL;
}

static char *
check_features(const char *const *features)
{
	const char *const *row = features, *const * other;

	for (; row != NULL && *row != NULL; row++)
		for (other = features; other != row; other++)
			if (strcmp(*row, *other) == 0)
				return xasprintf("lists the feature %s twice", *row);
	return NULL;
}

static char *
check_values(const struct ln_module *module)
{
	const struct ln_value *row = module->values, *other;

	for (; row != NULL && row->name != NULL; row++)
		for (other = module->values; other != row; other++)
			if (strcmp(row->name, other->name) == 0)
				return xasprintf("declares the value %s twice", row->name);
	return NULL;
}

static char *
check_metrics(const struct ln_module *module)
{
	const struct ln_metric *row = module->metrics;

	for (; row != NULL && row->name != NULL; row++) {
		size_t len = strlen(row->name);

		if (row->help == NULL)
			return xasprintf("counter %s has no help", row->name);
		if (len < 7 || strcmp(row->name + len - 6, "_total") != 0)
			return xasprintf("counter %s does not end in _total", row->name);
	}
	return NULL;
}

static char *
check_commands(const struct ln_module *module)
{
	const struct ln_command *row = module->commands;

	for (; row != NULL && row->name != NULL; row++)
		if (row->help == NULL || row->run == NULL)
			return xasprintf("command %s has no help or no function", row->name);
	return NULL;
}

static char *
check_mechanisms(const struct ln_module *module)
{
	const struct ln_sasl_mechanism *row = module->mechanisms;

	for (; row != NULL && row->name != NULL; row++)
		if (row->step == NULL)
			return xasprintf("mechanism %s has no step", row->name);
	return NULL;
}

static char *
check_state(const struct ln_module *module)
{
	if (module->worker_size == 0 &&
	    (module->worker_open != NULL || module->worker_close != NULL))
		return xstrdup("has worker_open or worker_close, but worker_size is 0");
	if (module->account_size == 0 && module->account_open == NULL &&
	    module->account_close != NULL)
		return xstrdup("has account_close, but no account_size");
	if (module->session_size == 0 && module->session_open == NULL &&
	    module->session_close != NULL)
		return xstrdup("has session_close, but no session_size");
	return NULL;
}

char *
loader_fault(const struct ln_module *module)
{
	static char *(*const checks[])(const struct ln_module *module) = { check_options,
		check_hooks, check_iq, check_values, check_metrics, check_commands,
		check_mechanisms, check_domain, check_state };
	char *fault = NULL;

	if (module->summary == NULL)
		return xstrdup("has no summary");
	for (unsigned i = 0; i < sizeof checks / sizeof *checks && fault == NULL; i++)
		fault = checks[i](module);
	if (fault == NULL)
		fault = check_features(module->features);
	if (fault == NULL)
		fault = check_features(module->account_features);
	return fault;
}
