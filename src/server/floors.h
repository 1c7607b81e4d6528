/*
 * What a server stands on, the daemon as well as one in a test: the store with
 * the tables of all modules there are, and the floors up to src/im. Main
 * thread.
 *
 *	loader_open() or loader_use()
 *	store = floors_open_store(data, &error);
 *	floors_init(store, crypto, data);	before the workers start
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_SERVER_FLOORS_H
#define LN_SERVER_FLOORS_H

#include <stdbool.h>

struct pool;
struct store;

/* NULL and a sentence in *error_r (to be freed). */
struct store *floors_open_store(const char *data, char **error_r);

/* In the order in which a worker takes them down again: entities first, what they use last. */
void floors_init(struct store *store, struct pool *crypto, const char *data);

/* After the workers have ended; NULL is fine. False: something could not be stored. Nulls it. */
bool floors_close_store(struct store **store);

#endif
