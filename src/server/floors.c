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
#include "server/tables.h"

struct store *
floors_open_store(const char *data, char **error_r)
{
	const struct store_conf conf = { .dir = data };
	const struct store_schema *const *list;
	size_t count = tables_all(&list);
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
