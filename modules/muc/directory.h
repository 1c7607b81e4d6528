/*
 * An entry of the directory of rooms. See directory.c.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef MUC_DIRECTORY_H
#define MUC_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>

struct listed {
	bool exists, shown, persistent;
	size_t occupants;
	const char *name; /* behind `jid`; "": none */
	char jid[];
};

#endif
