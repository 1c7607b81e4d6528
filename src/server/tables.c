/*
 * The tables of the database. See tables.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/tables.h"

#include "core/archive.h"
#include "linnet/table.h"
#include "server/loader.h"

#define TABLES_MAX 64

size_t
tables_all(const struct store_schema *const **list_r)
{
	static struct store_schema schemas[TABLES_MAX];
	static const struct store_schema *list[TABLES_MAX];
	const struct config_registry *registry = loader_registry();
	size_t count = 0;

	list[count++] = &archive_schema;
	for (size_t i = 0; i < registry->count; i++) {
		const struct ln_table *table = registry->modules[i]->tables;

		for (; table != NULL && table->name != NULL && count < TABLES_MAX; table++) {
			schemas[count] = (struct store_schema){ registry->modules[i]->name,
				table->name, table->steps };
			list[count] = &schemas[count];
			count++;
		}
	}
	*list_r = list;
	return count;
}
