/*
 * The loader. See loader.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/loader.h"

#include <dlfcn.h>
#include <limits.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"

struct loaded {
	const struct ln_module *module;
	void *handle;
};

static struct loaded *loaded;
static const struct ln_module **modules;
static unsigned count;
static struct config_registry registry;

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

/* NULL, or what is wrong with it. */
static const char *
fault_of(const struct ln_module *module, const char *file)
{
	const char *base = strrchr(file, '/') + 1;
	size_t len = strlen(base) - strlen(".so");

	if (module == NULL)
		return "exports no ln_module";
	if (module->abi != LN_MODULE_ABI)
		return "was built for another version of the server";
	if (strlen(module->name) != len || strncmp(module->name, base, len) != 0)
		return "has another name than its file";
	if ((module->conf_size > 0) != (module->options != NULL))
		return "declares options without conf_size, or the other way round";
	return NULL;
}

static bool
open_file(const char *file, char **error)
{
	void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	const struct ln_module *module;
	const char *fault;

	if (handle == NULL) {
		*error = xasprintf("%s", dlerror());
		return false;
	}
	module = dlsym(handle, "ln_module");
	fault = fault_of(module, file);
	if (fault != NULL) {
		*error = xasprintf("%s: %s", file, fault);
		dlclose(handle);
		return false;
	}
	loaded = xrealloc(loaded, (count + 1) * sizeof *loaded);
	loaded[count++] = (struct loaded){ module, handle };
	return true;
}

static void
make_registry(void)
{
	modules = xcalloc(count, sizeof *modules);
	for (unsigned i = 0; i < count; i++)
		modules[i] = loaded[i].module;
	registry = (struct config_registry){ modules, count };
}

bool
loader_open(const char *directory, char **error)
{
	char *pattern = xasprintf("%s/*.so", directory);
	glob_t found;
	bool ok = true;
	int result = glob(pattern, 0, NULL, &found); /* sorted by name */

	free(pattern);
	if (result != 0 && result != GLOB_NOMATCH) {
		*error = xasprintf("%s: cannot be read", directory);
		return false;
	}
	for (size_t i = 0; result == 0 && i < found.gl_pathc && ok; i++)
		ok = open_file(found.gl_pathv[i], error);
	if (result == 0)
		globfree(&found);
	if (ok)
		make_registry();
	else
		loader_close();
	return ok;
}

/* Debug builds keep the code mapped, so that reports of sanitizers have names. */
void
loader_close(void)
{
#ifndef LN_DEBUG
	while (count > 0)
		dlclose(loaded[--count].handle);
#endif
	free(loaded);
	free(modules);
	loaded = NULL;
	modules = NULL;
	count = 0;
	registry = (struct config_registry){ NULL, 0 };
}

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
