/*
 * The loader: module files found, opened and looked at.
 *
 * All modules of the module directory are opened at start, whether or not they
 * are switched on: their tables are what the configuration is checked against.
 * Code is never unloaded in production (MODULES.md section 15), so a reload of
 * the configuration finds the same functions. Main thread.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_LOADER_H
#define LN_SERVER_LOADER_H

#include <stdbool.h>

#include "server/config.h"

/* Where the modules are: beside a build tree's programs, else the installed place. */
const char *loader_directory(void);

/* Opens all of them; false with a sentence in `error` (to be freed) that names the file. */
bool loader_open(const char *directory, char **error);
void loader_close(void);

/* For config_load(); in order of their names. */
const struct config_registry *loader_registry(void);

/* A module's slot: the index of its slices, the same as long as the process lives. */
unsigned loader_slot(const struct ln_module *module);
unsigned loader_slot_count(void);

#endif
