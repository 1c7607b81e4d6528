/*
 * The loader: module files found, opened and looked at.
 *
 * All modules of the module directory are opened at start, whether or not they
 * are switched on: their tables are what the configuration is checked against.
 * Code is never unloaded in production (MODULES.md section 15), so a reload of
 * the configuration finds the same functions. Main thread.
 *
 *	if (!loader_open(loader_directory(), &error))
 *		...
 *	config = config_load(file, loader_registry(), &report);
 *	...
 *	loader_close();
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_LOADER_H
#define LN_SERVER_LOADER_H

#include <stdbool.h>

#include "server/config.h"

/* Where the modules are: beside a build tree's programs, else the installed place. */
const char *loader_directory(void);

/*
 * Opens all modules of the directory, looks at their tables and puts them in
 * order. False with a sentence in *error_r (to be freed) that names the file or
 * the module; nothing stays open then.
 */
bool loader_open(const char *directory, char **error_r);

/* The same with modules that are linked in (tests). The list is copied. */
bool loader_use(const struct ln_module *const *modules, unsigned count, char **error_r);

/* After the last snapshot is gone. */
void loader_close(void);

/* For config_load(); in order of their names. */
const struct config_registry *loader_registry(void);

/* A module's slot: the index of its slices, the same as long as the process lives. */
unsigned loader_slot(const struct ln_module *module);
unsigned loader_slot_count(void);

/* Its rank: behind all that it `needs` or comes `after`; then by name. */
unsigned loader_rank(const struct ln_module *module);

/* What is wrong with a module's tables, to be freed; NULL: nothing (loader_check.c). */
char *loader_fault(const struct ln_module *module);

#endif
