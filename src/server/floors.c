/*
 * What a server stands on. See floors.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "server/floors.h"

#include "base/hash.h"
#include "base/xalloc.h"
#include "core/archive.h"
#include "core/entity.h"
#include "core/hold.h"
#include "core/host.h"
#include "core/hostvalue.h"
#include "core/module.h"
#include "core/port.h"
#include "core/work.h"
#include "im/account.h"
#include "im/registry.h"
#include "linnet/table.h"
#include "server/loader.h"

#define TABLES_MAX 64

/* The core's, and those of all modules there are, on or off: so that a reload makes none. */
static size_t
collect_tables(struct store_schema *schemas, const struct store_schema **list)
{
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
	return count;
}

struct store *
floors_open_store(const char *data, char **error_r)
{
	const struct store_conf conf = { .dir = data };
	static struct store_schema schemas[TABLES_MAX];
	static const struct store_schema *list[TABLES_MAX];
	size_t count = collect_tables(schemas, list);
	struct store *store = store_open(&conf, list, count, error_r);

	if (store == NULL)
		return NULL;
	hash_set_key(store_hash_key(store));
	if (archive_init(store) && host_values_load(store))
		return store;
	store_close(&store);
	*error_r = xasprintf("%s: cannot be read", data);
	return NULL;
}

void
floors_init(struct store *store, struct pool *crypto, const char *data)
{
	entity_init();
	im_init();
	registry_init(crypto);
	module_init();
	module_set_data(data);
	tick_init();
	port_init();
	host_init();
	host_values_init();
	hold_init();
	work_init(store);
}

bool
floors_close_store(struct store **store)
{
	bool ok = *store == NULL || store_close(store);

	host_values_close();
	return ok;
}
