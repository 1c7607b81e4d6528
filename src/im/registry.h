/*
 * Making accounts, changing passwords, deleting accounts: what linnet/registry.h
 * offers to modules, and the commands of the server use directly.
 *
 * A password becomes SCRAM keys on the crypto pool, these are stored by one
 * job, then the account's home is told: it forgets that the name is unknown and
 * fires account_created or password_changed, if anybody listens.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef LN_IM_REGISTRY_H
#define LN_IM_REGISTRY_H

#include <stdbool.h>

#include "linnet/registry.h"

struct pool;

/* At start: where passwords are hashed. */
void registry_init(struct pool *crypto);

/* Once, on the worker (or main thread) that asked; `error` is for the operator, never NULL. */
typedef void registry_done(void *arg, enum ln_registry_outcome outcome, const char *error);

/*
 * Makes an account; the password is prepared, both are copied. A name that was
 * released less than `reserved_ms` ago is refused; 0 overrules that (an
 * operator). False: the pool is full, nothing happens and `done` is not called.
 */
bool registry_create(const struct ln_jid *account, const char *password, int64_t reserved_ms,
    registry_done *done, void *arg);

/* The same for a new password of an account that is there. */
bool registry_set_password(const struct ln_jid *account, const char *password, registry_done *done,
    void *arg);

/* In the account's turn, before its sessions end; `ok` false: it could not be marked as dying, and
 * stays. `account` NULL: it was not loaded any more. */
typedef void registry_dies(struct ln_account *account, void *arg, bool ok);

/*
 * Deletes an account (DESIGN section 4): dying, then its rows in slices, the
 * number last. `dies` and `erased` (each may be NULL) are called in this order;
 * `erased` not if the account stays. False: it is being deleted already. At
 * home, in a handler of the account.
 */
bool registry_remove(struct ln_account *account, registry_dies *dies,
    void (*erased)(void *arg, enum ln_registry_outcome outcome), void *arg);

/* The server ended while the account was being deleted: it is loaded, and goes on dying. At home,
 * instead of entity_loaded(). */
void registry_bury(struct ln_account *account);

/* At start, when the hosts are served: finds those that were being deleted, and goes on with it.
 * Main thread. */
void registry_recover(void);

#endif
