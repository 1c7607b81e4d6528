/*
 * The loader. See loader.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/loader.h"

#include <dlfcn.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/xalloc.h"

struct loaded {
	const struct ln_module *module;
	void *handle; /* NULL: linked in */
	unsigned rank;
	bool ranked;
};

static struct loaded *loaded; /* in order of names */
static const struct ln_module **modules;
static unsigned count;
static struct config_registry registry;

/* --- one file ------------------------------------------------------------------------------ */

const char *
loader_directory(void)
{
	static char directory[PATH_MAX];
	char exe[PATH_MAX - 16];
	ssize_t len = readlink("/proc/self/exe", exe, sizeof exe - 1);
	char *slash;

	if (len > 0) {
		exe[len] = '\0';
		slash = strrchr(exe, '/');
		if (slash != NULL)
			*slash = '\0';
		snprintf(directory, sizeof directory, "%s/../modules", exe);
		if (access(directory, R_OK | X_OK) == 0)
			return directory;
	}
	return LN_MODULE_DIR;
}

static bool
has_name_of_file(const struct ln_module *module, const char *file)
{
	const char *base = strrchr(file, '/') + 1;
	size_t len = strlen(base) - strlen(".so");

	return strlen(module->name) == len && strncmp(module->name, base, len) == 0;
}

/* NULL, or what is wrong with it, to be freed. */
static char *
fault_of_file(const struct ln_module *module, const char *file)
{
	if (module == NULL)
		return xstrdup("exports no ln_module");
	if (module->abi != LN_MODULE_ABI)
		return xasprintf("was built for module interface %d; this server has %d",
		    module->abi, LN_MODULE_ABI);
	if (module->name == NULL || !has_name_of_file(module, file))
		return xstrdup("holds a module of another name than the file's");
	return loader_fault(module);
}

static void
add(const struct ln_module *module, void *handle)
{
	loaded = xrealloc(loaded, (count + 1) * sizeof *loaded);
	loaded[count++] = (struct loaded){ .module = module, .handle = handle };
}

static bool
open_file(const char *file, char **error_r)
{
	void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	const struct ln_module *module;
	char *fault;

	if (handle == NULL) {
		*error_r = xstrdup(dlerror());
		return false;
	}
	module = dlsym(handle, "ln_module");
	fault = fault_of_file(module, file);
	if (fault != NULL) {
		*error_r = xasprintf("%s: %s", file, fault);
		free(fault);
		dlclose(handle);
		return false;
	}
	add(module, handle);
	return true;
}

/* --- their order ------------------------------------------------------------------------------ */

static struct loaded *
find(const char *name)
{
	for (unsigned i = 0; i < count; i++)
		if (strcmp(loaded[i].module->name, name) == 0)
			return &loaded[i];
	return NULL;
}

static bool
needs_exist(const struct ln_module *module, char **error_r)
{
	const char *const *name = module->needs;

	for (; name != NULL && *name != NULL; name++)
		if (find(*name) == NULL) {
			*error_r = xasprintf("module %s needs the module %s, which is not there",
			    module->name, *name);
			return false;
		}
	return true;
}

/* Somebody in the list who has no rank yet; NULL: none. */
static const struct loaded *
unranked_in(const char *const *names)
{
	for (; names != NULL && *names != NULL; names++) {
		const struct loaded *other = find(*names);

		if (other != NULL && !other->ranked)
			return other;
	}
	return NULL;
}

static const struct loaded *
waits_for(const struct loaded *one)
{
	const struct loaded *other = unranked_in(one->module->needs);

	return other != NULL ? other : unranked_in(one->module->after);
}

static struct loaded *
next_in_order(void)
{
	for (unsigned i = 0; i < count; i++)
		if (!loaded[i].ranked && waits_for(&loaded[i]) == NULL)
			return &loaded[i];
	return NULL;
}

/* Everybody left waits for somebody; following them goes round. */
static char *
describe_cycle(void)
{
	struct buf text = BUF_INIT;
	const struct loaded *at = loaded, *start;

	while (at->ranked)
		at++;
	for (unsigned i = 0; i < count; i++) /* now in the circle, not just before it */
		at = waits_for(at);
	start = at;
	buf_printf(&text, "modules wait for each other: %s", at->module->name);
	do {
		at = waits_for(at);
		buf_printf(&text, " -> %s", at->module->name);
	} while (at != start);
	return buf_take(&text);
}

static bool
rank_all(char **error_r)
{
	for (unsigned i = 0; i < count; i++)
		if (!needs_exist(loaded[i].module, error_r))
			return false;
	for (unsigned rank = 0; rank < count; rank++) {
		struct loaded *next = next_in_order();

		if (next == NULL) {
			*error_r = describe_cycle();
			return false;
		}
		next->rank = rank;
		next->ranked = true;
	}
	return true;
}

static bool
commands_are_distinct(const struct ln_module *module, const struct ln_module *other, char **error_r)
{
	const struct ln_command *a, *b;

	for (a = module->commands; a != NULL && a->name != NULL; a++)
		for (b = other->commands; b != NULL && b->name != NULL; b++)
			if (strcmp(a->name, b->name) == 0) {
				*error_r =
				    xasprintf("modules %s and %s both have the command \"%s\"",
					module->name, other->name, a->name);
				return false;
			}
	return true;
}

static bool
fit_together(char **error_r)
{
	for (unsigned i = 0; i < count; i++)
		for (unsigned k = 0; k < i; k++)
			if (!commands_are_distinct(loaded[k].module, loaded[i].module, error_r))
				return false;
	return rank_all(error_r);
}

/* --- all of them -------------------------------------------------------------------------------- */

static bool
complete(bool ok, char **error_r)
{
	if (!ok || !fit_together(error_r)) {
		loader_close();
		return false;
	}
	modules = xcalloc(count, sizeof *modules);
	for (unsigned i = 0; i < count; i++)
		modules[i] = loaded[i].module;
	registry = (struct config_registry){ modules, count };
	return true;
}

bool
loader_open(const char *directory, char **error_r)
{
	char *pattern = xasprintf("%s/*.so", directory);
	glob_t found;
	bool ok = true;
	int result = glob(pattern, 0, NULL, &found); /* sorted by name */

	free(pattern);
	if (result != 0 && result != GLOB_NOMATCH) {
		*error_r = xasprintf("%s: cannot be read", directory);
		return false;
	}
	for (size_t i = 0; result == 0 && i < found.gl_pathc && ok; i++)
		ok = open_file(found.gl_pathv[i], error_r);
	if (result == 0)
		globfree(&found);
	return complete(ok, error_r);
}

bool
loader_use(const struct ln_module *const *list, unsigned n, char **error_r)
{
	char *fault = NULL;

	for (unsigned i = 0; i < n && fault == NULL; i++) {
		fault = loader_fault(list[i]);
		if (fault != NULL)
			*error_r = xasprintf("%s: %s", list[i]->name, fault);
		else
			add(list[i], NULL);
	}
	free(fault);
	return complete(fault == NULL, error_r);
}

/* Debug builds keep the code mapped, so that reports of sanitizers have names. */
void
loader_close(void)
{
#ifndef LN_DEBUG
	for (unsigned i = count; i-- > 0;)
		if (loaded[i].handle != NULL)
			dlclose(loaded[i].handle);
#endif
	count = 0;
	free(loaded);
	free(modules);
	loaded = NULL;
	modules = NULL;
	registry = (struct config_registry){ NULL, 0 };
}

/* --- asked ------------------------------------------------------------------------------------------ */

const struct config_registry *
loader_registry(void)
{
	return &registry;
}

unsigned
loader_slot(const struct ln_module *module)
{
	unsigned slot = 0;

	while (slot < count && loaded[slot].module != module)
		slot++;
	return slot;
}

unsigned
loader_slot_count(void)
{
	return count;
}

unsigned
loader_rank(const struct ln_module *module)
{
	return loaded[loader_slot(module)].rank;
}
